//! The changes that `configure` shows, and what it hides.

use super::desk::Desk;
use expect_test::expect;
use serde_json::json;

const SHOP: &str = "
application: shop
images: {auth: shop-auth}
environments:
  staging:
    cluster: shop-staging
    services:
      - name: shop-auth
        base:
          template:
            family: shop-auth
            containerDefinitions:
              - name: auth
                image: shop-auth
                command: [serve, --cookie-key=hunter2]
                environment:
                  - {name: MODE, value: slow}
                  - {name: SENTRY_DSN, value: '${DSN}'}
                secrets: [{name: DB_PASS, valueFrom: 'arn:aws:ssm:eu-central-1:1:parameter/one'}]
          parameters: {DSN: 'https://hunter2@sentry.example/1'}
    checks: [{url: 'https://shop.example/health?token=hunter2'}]
";

#[test]
fn a_secret_that_changes_is_not_shown() {
    let desk = Desk::new(&[SHOP]);
    let changed = SHOP
        .replace("hunter2", "swordfish")
        .replace("slow", "fast")
        .replace("parameter/one", "parameter/two")
        .replace("shop-auth}", "shop-login}")
        .replace("image: shop-auth", "image: shop-login");
    let changed = format!(
        "{changed}    migration: {{service: shop-auth, container: auth, command: [go, --token=swordfish]}}\n"
    );
    let answer = desk.ask("configure", &json!({"spec": changed, "dry_run": true})).unwrap();
    let told = serde_json::to_string_pretty(&answer["changes"]).unwrap();
    assert!(!told.contains("hunter2") && !told.contains("swordfish"), "{told}");
    expect![[r#"
        [
          "environments.staging.checks[0].url: changes; its value is not shown",
          "environments.staging.migration is new",
          "environments.staging.services[shop-auth].base.template.definition.containerDefinitions[auth].command[1]: changes; its value is not shown",
          "environments.staging.services[shop-auth].base.template.definition.containerDefinitions[auth].environment[MODE]: slow -> fast",
          "environments.staging.services[shop-auth].base.template.definition.containerDefinitions[auth].image: shop-auth -> shop-login",
          "environments.staging.services[shop-auth].base.template.definition.containerDefinitions[auth].secrets[DB_PASS]: arn:aws:ssm:eu-central-1:1:parameter/one -> arn:aws:ssm:eu-central-1:1:parameter/two",
          "environments.staging.services[shop-auth].base.template.parameters.DSN: changes; its value is not shown",
          "images.auth: shop-auth -> shop-login"
        ]"#]].assert_eq(&told);
}

#[test]
fn a_list_that_is_new_shows_no_secret_of_its_items() {
    let list = "                  - {name: MODE, value: slow}
                  - {name: SENTRY_DSN, value: '${DSN}'}
";
    let without = SHOP
        .replace("                environment:\n", "")
        .replace(list, "")
        .replace("          parameters: {DSN: 'https://hunter2@sentry.example/1'}\n", "");
    let desk = Desk::new(&[&without]);
    let answer = desk.ask("configure", &json!({"spec": SHOP, "dry_run": true})).unwrap();
    let told = serde_json::to_string_pretty(&answer["changes"]).unwrap();
    assert!(!told.contains("hunter2"), "{told}");
    expect![[r#"
        [
          "environments.staging.services[shop-auth].base.template.definition.containerDefinitions[auth].environment is new; its value is not shown",
          "environments.staging.services[shop-auth].base.template.parameters.DSN is new; its value is not shown"
        ]"#]].assert_eq(&told);
}
