//! What `configure` finds in the account.

use crate::account::look;
use canned::Canned;
use expect_test::expect;
use pipeline::spec::parse;
use serde_json::{Value, json};

/// Three services of one cluster.
const SHOP: &str = "
application: shop
images: {api: shop-api}
environments:
  staging: {cluster: shop-staging, services: [shop-api, shop-web, shop-cron], deploy_on: {tags: ['v*']}}
";

fn service(name: &str, status: &str, controller: &str) -> Value {
    json!({"serviceName": name, "status": status, "deploymentController": {"type": controller}})
}

#[tokio::test]
async fn a_service_that_is_being_deleted_or_is_not_deployed_by_ecs_is_a_mistake() {
    let services = [
        service("shop-api", "ACTIVE", "ECS"),
        service("shop-web", "DRAINING", "ECS"),
        service("shop-cron", "ACTIVE", "CODE_DEPLOY"),
    ];
    let canned = Canned::new()
        .answers("DescribeRepositories", json!({"repositories": []}))
        .answers("GetLifecyclePolicy", json!({}))
        .answers("DescribeServices", json!({"services": services, "failures": []}));
    let spec = parse(SHOP).unwrap();
    let facts = look(&canned.aws, &spec).await.unwrap();
    let mistakes = facts.faults(&spec).into_iter().map(|fault| format!("{fault}\n"));
    expect![[r#"
        environments.staging.services: there is no service shop-web in shop-staging; create it, or add create:
        environments.staging.services: shop-cron uses deployment controller CODE_DEPLOY, so ECS cannot update it; create it with deployment controller ECS
    "#]].assert_eq(&mistakes.collect::<String>());
}
