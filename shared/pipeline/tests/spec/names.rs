//! What each kind of name may look like, to the last letter that it may have.

use expect_test::{Expect, expect};
use pipeline::spec::parse;
use serde_json::json;

/// An application with one service, and room for more about its environment.
pub(crate) fn small(images: &str, environment: &str) -> String {
    format!("{{application: a, images: {images}, environments: {{b: {{{environment}}}}}}}")
}

/// An application whose environment has this entry besides what it needs.
pub(crate) fn with(entry: &str) -> String {
    small("{api: shop}", &format!("cluster: c, services: [d], {entry}"))
}

/// Puts each text into a spec and returns the messages.
pub(crate) fn answers(spec: impl Fn(&str) -> String, texts: &[&str]) -> String {
    let mut out = String::new();
    for text in texts {
        let answer = match parse(&spec(text)) {
            Ok(_) => "read".to_owned(),
            Err(faults) => faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join(" | "),
        };
        let shown =
            if text.len() > 70 { format!("{} letters", text.len()) } else { (*text).to_owned() };
        out.push_str(&format!("{shown}: {answer}\n"));
    }
    out
}

/// The same for texts that stand in quotes.
pub(crate) fn check(spec: impl Fn(&str) -> String, texts: &[&str], told: Expect) {
    told.assert_eq(&answers(|text| spec(&json!(text).to_string()), texts));
}

#[test]
fn the_name_of_a_container_on_a_host() {
    let long = "a".repeat(128);
    check(
        |name| {
            let service = format!("{{name: {name}, container: {{image: api}}}}");
            small("{api: shop}", &format!("hosts: {{tags: {{a: b}}}}, services: [{service}]"))
        },
        &["shop_1.web-2", "-shop", ".shop", "shop web", "", &long, &format!("{long}a")],
        expect![[r#"
            shop_1.web-2: read
            -shop: "-shop" is not a container's name; write letters, digits, -, _ and .
            .shop: ".shop" is not a container's name; write letters, digits, -, _ and .
            shop web: "shop web" is not a container's name; write letters, digits, -, _ and .
            : "" is not a container's name; write letters, digits, -, _ and .
            128 letters: read
            129 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not a container's name; write letters, digits, -, _ and .
        "#]],
    );
}

#[test]
fn the_repository_of_an_image() {
    let long = "a".repeat(256);
    let texts = [
        "shop",
        "shop/web-1.2_3",
        "ab",
        "a",
        "Shop",
        "shop//web",
        "shop..web",
        "-shop",
        "shop-",
        "/shop",
        "shop web",
        "shop:1",
        "shop@sha256:01",
        "localhost:5000/shop",
        "shop.example/shop/web:1",
        "shop.example/Shop:1",
        &long,
        &format!("{long}a"),
    ];
    check(
        |repository| small(&format!("{{api: {repository}}}"), "cluster: c, services: [d]"),
        &texts,
        expect![[r#"
            shop: read
            shop/web-1.2_3: read
            ab: read
            a: "a" is not an ECR repository; write its name, such as scr-api or power-pto/api
            Shop: "Shop" is not an ECR repository; write its name, such as scr-api or power-pto/api
            shop//web: "shop//web" is not an ECR repository; write its name, such as scr-api or power-pto/api
            shop..web: "shop..web" is not an ECR repository; write its name, such as scr-api or power-pto/api
            -shop: "-shop" is not an ECR repository; write its name, such as scr-api or power-pto/api
            shop-: "shop-" is not an ECR repository; write its name, such as scr-api or power-pto/api
            /shop: "/shop" is not an ECR repository; write its name, such as scr-api or power-pto/api
            shop web: "shop web" is not an ECR repository; write its name, such as scr-api or power-pto/api
            shop:1: "shop:1" is more than a repository; write only its name: shop
            shop@sha256:01: "shop@sha256:01" is more than a repository; write only its name: shop
            localhost:5000/shop: "localhost:5000/shop" is more than a repository; write only its name: shop
            shop.example/shop/web:1: "shop.example/shop/web:1" is more than a repository; write only its name: shop/web
            shop.example/Shop:1: "shop.example/Shop:1" is not an ECR repository; write its name, such as scr-api or power-pto/api
            256 letters: read
            257 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not an ECR repository; write its name, such as scr-api or power-pto/api
        "#]],
    );
}

#[test]
fn the_short_name_of_an_application() {
    let long = "a".repeat(32);
    check(
        |name| {
            let spec = small("{api: shop}", "cluster: c, services: [d]");
            spec.replacen("application: a", &format!("application: {name}"), 1)
        },
        &[
            "a",
            "shop-2",
            "2shop",
            "-shop",
            "Shop",
            "shop_2",
            "größe",
            "",
            &long,
            &format!("{long}a"),
        ],
        expect![[r#"
            a: read
            shop-2: read
            2shop: read
            -shop: "-shop" is not a short name; write 1 to 32 of a-z, 0-9 and -
            Shop: "Shop" is not a short name; write 1 to 32 of a-z, 0-9 and -
            shop_2: "shop_2" is not a short name; write 1 to 32 of a-z, 0-9 and -
            größe: "größe" is not a short name; write 1 to 32 of a-z, 0-9 and -
            : "" is not a short name; write 1 to 32 of a-z, 0-9 and -
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: read
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not a short name; write 1 to 32 of a-z, 0-9 and -
        "#]],
    );
}

#[test]
fn the_names_of_images_and_environments_are_short_too() {
    let answer = |spec: &str| parse(spec).unwrap_err().to_string();
    let spec = small("{Api: shop}", "cluster: c, services: [d]");
    let told = [answer(&spec), answer(&with("bake: 0").replacen("{b:", "{Live:", 1))];
    expect![[r#"
        images.Api: the name is not a short name; write 1 to 32 of a-z, 0-9 and -
        environments.Live: the name is not a short name; write 1 to 32 of a-z, 0-9 and -"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn the_cluster_of_an_environment() {
    let long = "a".repeat(255);
    check(
        |name| small("{api: shop}", &format!("cluster: {name}, services: [d]")),
        &[
            "Shop_1-2",
            "shop.live",
            "shop/live",
            "",
            "arn:aws:ecs:eu-west-1:1:cluster/shop",
            "arn:shop",
            &long,
            &format!("{long}a"),
        ],
        expect![[r#"
            Shop_1-2: read
            shop.live: "shop.live" is not the name of a cluster; write letters, digits, - and _
            shop/live: "shop/live" is not the name of a cluster; write letters, digits, - and _
            : "" is not the name of a cluster; write letters, digits, - and _
            arn:aws:ecs:eu-west-1:1:cluster/shop: "arn:aws:ecs:eu-west-1:1:cluster/shop" is an ARN; write only the name: shop
            arn:shop: "arn:shop" is not the name of a cluster; write letters, digits, - and _
            255 letters: read
            256 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not the name of a cluster; write letters, digits, - and _
        "#]],
    );
}

#[test]
fn the_tag_that_an_environment_puts() {
    let long = "a".repeat(128);
    check(
        |tag| with(&format!("tag: {tag}")),
        &["live_1.2-a", "_live", ".live", "-live", "live:1", "", &long, &format!("{long}a")],
        expect![[r#"
            live_1.2-a: read
            _live: read
            .live: ".live" is not an image tag; write at most 128 letters, digits, -, _ and .
            -live: "-live" is not an image tag; write at most 128 letters, digits, -, _ and .
            live:1: "live:1" is not an image tag; write at most 128 letters, digits, -, _ and .
            : "" is not an image tag; write at most 128 letters, digits, -, _ and .
            128 letters: read
            129 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not an image tag; write at most 128 letters, digits, -, _ and .
        "#]],
    );
}

#[test]
fn the_name_of_an_alarm() {
    let long = "ä".repeat(255);
    check(
        |name| with(&format!("alarms: [{name}]")),
        &[
            "shop: too many 5xx!",
            "arn:aws:cloudwatch:x:1:alarm:shop",
            "",
            "a\tb",
            &long,
            &format!("{long}a"),
        ],
        expect![[r#"
            shop: too many 5xx!: read
            arn:aws:cloudwatch:x:1:alarm:shop: "arn:aws:cloudwatch:x:1:alarm:shop" is an ARN; write only the alarm's name: shop
            : "" is not the name of an alarm; write 1 to 255 characters
            a	b: "a\tb" is not the name of an alarm; write 1 to 255 characters
            510 letters: read
            511 letters: "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää…" is not the name of an alarm; write 1 to 255 characters
        "#]],
    );
}

#[test]
fn the_word_that_confirms() {
    let long = "a".repeat(64);
    check(
        |word| with(&format!("confirm: {word}")),
        &["DEPLOY", "go_live-1", "go live", "", &long, &format!("{long}a")],
        expect![[r#"
            DEPLOY: read
            go_live-1: read
            go live: "go live" cannot be typed safely; write one word of letters and digits, such as DEPLOY
            : "" cannot be typed safely; write one word of letters and digits, such as DEPLOY
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: read
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" cannot be typed safely; write one word of letters and digits, such as DEPLOY
        "#]],
    );
}
