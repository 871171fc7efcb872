//! The function `configure`.

use super::desk::{Desk, SCR};
use crate::account::{Facts, Host, ServiceFault};
use expect_test::expect;
use hosts::Tags;
use serde_json::json;

const SHOP: &str = "
application: shop
images: {api: shop-api}
environments:
  staging: {cluster: shop-staging, services: [shop-api], alarms: [shop-5xx], deploy_on: {tags: ['v*']}}
";

#[test]
fn a_spec_is_stored_and_its_changes_are_shown() {
    let desk = Desk::new(&[]);
    desk.configure(
        &json!({"spec": SHOP, "dry_run": "true"}),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "shop is new"
          ],
          "dry_run": "nothing was stored",
          "environments": [
            "staging"
          ]
        }"#]],
    );
    desk.configure(
        &json!({"spec": SHOP, "by": "ada"}),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "shop is new"
          ],
          "environments": [
            "staging"
          ]
        }"#]],
    );
    desk.configure(
        &json!(SHOP),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": false,
          "environments": [
            "staging"
          ]
        }"#]],
    );
    let changed = SHOP.replace("['v*']", "[latest]").replace("alarms: [shop-5xx], ", "");
    desk.configure(
        &json!({"Spec": changed, "DryRun": true}),
        &expect![[r#"
            {
              "accepted": true,
              "application": "shop",
              "changed": true,
              "changes": [
                "environments.staging.alarms.names: [\"shop-5xx\"] -> []",
                "environments.staging.bake: 5m -> 0s",
                "environments.staging.deploy_on.tags[0]: {\"glob\":\"v*\"} -> {\"moving\":\"latest\"}"
              ],
              "dry_run": "nothing was stored",
              "environments": [
                "staging"
              ]
            }"#]],
    );
    let moved = SHOP.replace("staging:", "dev:");
    desk.configure(
        &json!({"spec": moved}),
        &expect![[r#"
            {
              "accepted": true,
              "application": "shop",
              "changed": true,
              "changes": [
                "environments.staging is gone",
                "environments.dev is new"
              ],
              "environments": [
                "dev"
              ],
              "warnings": [
                "environments.staging is removed from the spec; Slipway no longer deploys it"
              ]
            }"#]],
    );
}

#[test]
fn a_service_that_leaves_the_spec_goes_on_running_and_that_is_said() {
    let two = SHOP.replace("services: [shop-api]", "services: [shop-api, shop-worker]");
    let desk = Desk::new(&[]);
    desk.configure(
        &json!({"spec": two}),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "shop is new"
          ],
          "environments": [
            "staging"
          ]
        }"#]],
    );
    desk.configure(&json!({"spec": SHOP}), &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.services: shop-worker is gone"
          ],
          "environments": [
            "staging"
          ],
          "warnings": [
            "environments.staging.services: shop-worker keeps running in the cluster shop-staging, but Slipway no longer deploys it; scale it down and delete it by hand"
          ]
        }"#]]);
}

#[test]
fn a_service_that_goes_to_another_environment_in_the_same_cluster_stays() {
    let two = SHOP.replace("services: [shop-api]", "services: [shop-api, shop-worker]");
    let desk = Desk::new(&[]);
    desk.configure(
        &json!({"spec": two}),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "shop is new"
          ],
          "environments": [
            "staging"
          ]
        }"#]],
    );
    let workers = "  workers: {cluster: shop-staging, deploy_on: {tags: [\"v*\"]}, services: [shop-worker]}\n";
    desk.configure(
        &json!({"spec": format!("{SHOP}{workers}")}),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.services: shop-worker is gone",
            "environments.workers is new"
          ],
          "environments": [
            "staging",
            "workers"
          ]
        }"#]],
    );
    let moved = two.replace("shop-staging", "shop-elsewhere");
    desk.configure(&json!({"spec": moved}), &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.target.cluster: shop-staging -> shop-elsewhere",
            "environments.staging.services: shop-worker is new",
            "environments.workers is gone"
          ],
          "environments": [
            "staging"
          ],
          "warnings": [
            "environments.workers is removed from the spec; Slipway no longer deploys it",
            "environments.staging.services: shop-api keeps running in the cluster shop-staging, but Slipway no longer deploys it; scale it down and delete it by hand"
          ]
        }"#]]);
}

#[test]
fn services_are_shown_by_name_and_waves_only_where_they_change() {
    let shop = |services: &str| {
        let services = format!("services: [{services}]");
        json!({"spec": SHOP.replace("services: [shop-api]", &services)})
    };
    let desk = Desk::new(&[]);
    let mut told = String::new();
    for services in ["a, b", "[a, b]", "b, a, c", "c, b", "{name: b, timeout: 5m}, c"] {
        let answer = desk.ask("configure", &shop(services)).unwrap();
        told.push_str(&format!("{services}: {}\n", answer["changes"]));
    }
    expect![[r#"
        a, b: ["shop is new"]
        [a, b]: ["environments.staging.services: a, b -> a and b"]
        b, a, c: ["environments.staging.services: c is new","environments.staging.services: a and b -> b, a"]
        c, b: ["environments.staging.services: a is gone","environments.staging.services: b, c -> c, b"]
        {name: b, timeout: 5m}, c: ["environments.staging.services[b].timeout: 10m -> 5m","environments.staging.services: c, b -> b, c"]
    "#]].assert_eq(&told);
}

#[test]
fn terraform_and_cloudformation_send_the_same() {
    let desk = Desk::new(&[]);
    let spec = json!({
        "application": "shop",
        "images": {"api": "shop-api"},
        "environments": {"staging": {
            "cluster": "shop-staging", "services": ["shop-api"], "bake": "5m",
            "failures": {"tasks": "5"}, "deploy_on": {"tags": ["v*"]},
        }},
    });
    let mut terraform = spec.clone();
    terraform["tf"] = json!({"action": "create", "prev_input": null});
    desk.configure(
        &terraform,
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "shop is new"
          ],
          "environments": [
            "staging"
          ]
        }"#]],
    );
    terraform["tf"] = json!({"action": "delete", "prev_input": spec});
    desk.configure(
        &terraform,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "nothing was removed: the spec stays as it is, and all services keep running",
              "changed": false
            }"#]],
    );
    let mut properties = spec;
    properties["ServiceToken"] =
        json!("arn:aws:lambda:eu-central-1:123456789012:function:slipway-configure");
    let order = |kind: &str| {
        json!({
            "RequestType": kind,
            "ResponseURL": "https://cloudformation-custom-resource-response.example/",
            "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
            "RequestId": "r1", "LogicalResourceId": "Shop", "ResourceType": "Custom::Slipway",
            "ResourceProperties": properties,
        })
    };
    desk.configure(
        &order("Create"),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": false,
          "environments": [
            "staging"
          ]
        }"#]],
    );
    desk.configure(
        &order("Delete"),
        &expect![[r#"
            {
              "accepted": true,
              "answer": "nothing was removed: the spec stays as it is, and all services keep running",
              "changed": false
            }"#]],
    );
}

#[test]
fn every_fault_fails_the_call() {
    let desk = Desk::new(&[]);
    desk.configure(
        &json!({}),
        &expect![[r#"
            failed with Spec: the spec has mistakes:
            application: it is missing; write application: scr
            environments: it is missing; write environments: {staging: {cluster: …, services: […]}}
            images: it is missing; write images: {api: scr-api}"#]],
    );
    desk.configure(&json!({"key1": "value1"}), &expect![[r#"
        {
          "accepted": false,
          "because": "this is the Lambda console's sample event; replace it with a spec, as YAML or JSON",
          "example": {
            "dry_run": true,
            "spec": "application: shop\nimages: {api: shop-api}\nenvironments:\n  staging:\n    cluster: shop-staging\n    deploy_on: {tags: [\"[0-9a-f]*\"]}\n    services: [shop-api]\n"
          }
        }"#]]);
    desk.configure(
        &json!([1]),
        &expect![[r#"
            failed with Spec: the spec has mistakes:
            a list is not a map; write application:, images: and environments:"#]],
    );
    let wrong = SHOP.replace("services:", "servces:").replace("images: {api", "images: {API");
    desk.configure(
        &json!({"spec": wrong, "force": true}),
        &expect![[r#"
            failed with Spec: the spec has mistakes:
            environments.staging.servces: this key is not known; did you mean services?
            environments.staging.services: it is missing; write services: [scr-api, scr-web]
            images.API: the name is not a short name; write 1 to 32 of a-z, 0-9 and -"#]],
    );
}

#[test]
fn the_account_is_compared_with_the_spec() {
    let mut desk = Desk::new(&[]);
    let missing = |what: &str| format!("there is no {what}");
    desk.facts = Facts {
        repositories: [("scr-web".into(), missing("repository scr-web"))].into(),
        clusters: [("scr-production".to_owned(), missing("cluster scr-production"))].into(),
        services: [
            (("scr-staging".to_owned(), "scr-web".into()), ServiceFault::Missing),
            (
                ("scr-staging".to_owned(), "scr-api".into()),
                ServiceFault::Controlled("is deployed by CODE_DEPLOY".into()),
            ),
        ]
        .into(),
        alarms: [("scr-staging-5xx".into(), missing("alarm scr-staging-5xx"))].into(),
        ..Facts::default()
    };
    desk.configure(&json!({"spec": SCR}), &expect![[r#"
        failed with Spec: the spec has mistakes:
        images.web: there is no repository scr-web
        environments.production.cluster: there is no cluster scr-production
        environments.staging.services: scr-api is deployed by CODE_DEPLOY
        environments.staging.services: there is no service scr-web in scr-staging; create it, or add create:
        environments.staging.alarms: there is no alarm scr-staging-5xx"#]]);
    assert_eq!(desk.world.keys(), []);
    desk.configure(&json!({"spec": SCR, "force": "yes"}), &expect![[r#"
        {
          "accepted": true,
          "application": "scr",
          "changed": true,
          "changes": [
            "scr is new"
          ],
          "environments": [
            "production",
            "staging"
          ],
          "warnings": [
            "images.web: there is no repository scr-web",
            "environments.production.cluster: there is no cluster scr-production",
            "environments.staging.services: scr-api is deployed by CODE_DEPLOY",
            "environments.staging.services: there is no service scr-web in scr-staging; create it, or add create:",
            "environments.staging.alarms: there is no alarm scr-staging-5xx"
          ]
        }"#]]);
}

#[test]
fn hosts_are_compared_with_the_spec() {
    let mut desk = Desk::new(&[]);
    let spec = include_str!("../../../../infra/examples/faceplate.yaml");
    let tags = |environment: &str| -> Tags {
        let text = |text: &str| text.to_owned();
        let component = (text("Component"), text("faceplate"));
        [component, (text("Environment"), text(environment))].into()
    };
    let none = "no managed instance has the tags Component=faceplate, Environment=dev".to_owned();
    let silent = "i-0a1 has not been heard of since 2026-11-21T09:00:00Z".to_owned();
    desk.facts.hosts =
        [(tags("dev"), Host::Fault(none)), (tags("prod"), Host::Warnings(vec![silent]))].into();
    desk.configure(&json!({ "spec": spec }), &expect![[r#"
        failed with Spec: the spec has mistakes:
        environments.dev.hosts: no managed instance has the tags Component=faceplate, Environment=dev"#]]);
    desk.facts.hosts.remove(&tags("dev"));
    desk.configure(
        &json!({ "spec": spec }),
        &expect![[r#"
        {
          "accepted": true,
          "application": "faceplate",
          "changed": true,
          "changes": [
            "faceplate is new"
          ],
          "environments": [
            "dev",
            "prod"
          ],
          "warnings": [
            "environments.prod.hosts: i-0a1 has not been heard of since 2026-11-21T09:00:00Z"
          ]
        }"#]],
    );
}
