//! What this installation may not do, and what is not read.

use super::desk::Desk;
use crate::account::Facts;
use expect_test::expect;
use serde_json::json;

const SHOP: &str = "
application: shop
images: {api: shop-api}
environments:
  staging:
    cluster: shop-staging
    services: [shop-api]
    first_deploy: remove
    checks: [{url: 'https://shop.example/health?token=0123abcd'}]
";

#[test]
fn what_the_installation_may_not_do_is_a_fault_of_the_spec() {
    let mut desk = Desk::new(&[]);
    desk.facts = Facts { may_not_delete: true, ..Facts::default() };
    desk.configure(&json!({ "spec": SHOP }), &expect![[r#"
        failed with Spec: the spec has mistakes:
        environments.staging.first_deploy: this installation may not delete services; set DeletesServices to true on its stack, or leave first_deploy out"#]]);
    desk.configure(
        &json!({"spec": SHOP.replace("    first_deploy: remove\n", "")}),
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
}

#[test]
fn the_query_of_a_url_is_not_repeated() {
    let desk = Desk::new(&[]);
    let plain = SHOP.replace("?token=0123abcd", "");
    desk.configure(
        &json!({ "spec": plain }),
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
        &json!({ "spec": SHOP, "dry_run": true }),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.checks[0].url: changes; its value is not shown"
          ],
          "dry_run": "nothing was stored",
          "environments": [
            "staging"
          ]
        }"#]],
    );
    let none = plain.lines().filter(|line| !line.contains("checks")).collect::<Vec<_>>().join("\n");
    desk.configure(&json!({ "spec": none }), &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.checks: [{\"attempts\":5,\"every\":10,\"expect\":[200],\"timeout\":5,\"url\":\"https://shop.example/health\"}] -> []"
          ],
          "environments": [
            "staging"
          ]
        }"#]]);
    desk.configure(
        &json!({ "spec": SHOP, "dry_run": true }),
        &expect![[r#"
        {
          "accepted": true,
          "application": "shop",
          "changed": true,
          "changes": [
            "environments.staging.checks: changes; its value is not shown"
          ],
          "dry_run": "nothing was stored",
          "environments": [
            "staging"
          ]
        }"#]],
    );
}
