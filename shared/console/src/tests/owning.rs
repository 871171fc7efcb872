//! Services that two applications name.

use super::desk::Desk;
use expect_test::{Expect, expect};
use serde_json::json;

const SHOP: &str = "
application: shop
images: {api: shop-api}
environments:
  staging: {cluster: shop-staging, services: [shop-api, shop-web]}
";

const ON_HOSTS: &str = "
application: shop
images: {api: shop-api}
environments:
  prod:
    hosts: {tags: {Component: shop}}
    services: [{name: web, container: {image: api}}]
";

fn check(desk: &Desk, spec: &str, expected: &Expect) {
    let told = match desk.ask("configure", &json!({"spec": spec})) {
        Ok(answer) => answer["accepted"].to_string(),
        Err(failure) => failure.to_string(),
    };
    expected.assert_eq(&told);
}

#[test]
fn a_service_of_another_application_is_refused_unless_forced() {
    let desk = Desk::new(&[SHOP]);
    let renamed = SHOP.replace("application: shop", "application: shop-platform");
    check(
        &desk,
        &renamed,
        &expect![[r#"
            the spec has mistakes:
            environments.staging.services: shop-api, shop-web: application shop already deploys this in staging, and each would overwrite the other; remove it from one of them, remove shop with {"application": "shop", "remove": true}, or add "force": true"#]],
    );
    check(&desk, &renamed.replace("shop-staging", "other"), &expect!["true"]);
    check(&desk, SHOP, &expect!["true"]);
    let forced = desk.ask("configure", &json!({"spec": renamed, "force": true})).unwrap();
    assert_eq!(forced["accepted"], true);
    let warnings: Vec<_> =
        forced["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    expect![[r#"
        environments.staging.services: shop-api, shop-web: application shop already deploys this in staging, and each would overwrite the other; remove it from one of them, remove shop with {"application": "shop", "remove": true}, or add "force": true
        environments.staging.services: shop-api keeps running in the cluster other, but Slipway no longer deploys it; scale it down and delete it by hand
        environments.staging.services: shop-web keeps running in the cluster other, but Slipway no longer deploys it; scale it down and delete it by hand"#]].assert_eq(&warnings.join("\n"));
}

#[test]
fn a_container_on_hosts_that_another_application_reaches_is_refused() {
    let desk = Desk::new(&[ON_HOSTS]);
    let renamed = ON_HOSTS.replace("application: shop", "application: other");
    let on = |tags: &str| renamed.replace("{Component: shop}", tags);
    for (tags, is_refused) in [
        ("{Component: shop}", true),
        ("{Component: shop, Environment: prod}", true),
        ("{Component: other}", false),
        ("{Environment: prod}", false),
    ] {
        let answer = desk.ask("configure", &json!({"spec": on(tags), "dry_run": true}));
        assert_eq!(answer.is_err(), is_refused, "{tags}");
    }
}

#[test]
fn a_renamed_application_takes_over_what_the_old_one_gave_up() {
    let desk = Desk::new(&[SHOP]);
    let renamed = SHOP.replace("application: shop", "application: shop-platform");
    desk.ask("configure", &json!({"application": "shop", "remove": true})).unwrap();
    check(&desk, &renamed, &expect!["true"]);
}
