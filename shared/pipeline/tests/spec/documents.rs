//! JSON, YAML and CloudFormation's strings say the same thing.

use crate::examples::{ALL, SCR};
use expect_test::{Expect, expect};
use pipeline::spec::{Application, parse, read};
use serde_json::{Value, json};

fn as_value(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

fn with_strings_only(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => value.to_string().into(),
        Value::Array(items) => items.iter().map(with_strings_only).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, entry)| (key.clone(), with_strings_only(entry))).collect()
        }
        Value::Null | Value::String(_) => value.clone(),
    }
}

fn check(text: &str, answer: Expect) {
    let answered = parse(text).map_or_else(|faults| faults.to_string(), |_| "read".to_owned());
    answer.assert_eq(&format!("{answered}\n"));
}

#[test]
fn json_yaml_and_strings_are_the_same_application() {
    for example in ALL {
        let yaml = parse(example).unwrap();
        let value = as_value(example);
        assert_eq!(parse(&value.to_string()).unwrap(), yaml);
        assert_eq!(read(&with_strings_only(&value)).unwrap(), yaml);
    }
}

#[test]
fn an_application_survives_being_stored() {
    for example in ALL {
        let application = parse(example).unwrap();
        let stored = serde_json::to_string(&application).unwrap();
        assert_eq!(serde_json::from_str::<Application>(&stored).unwrap(), application);
    }
}

#[test]
fn braces_without_quotes_are_yaml() {
    check(
        "{application: a, images: {a: aa}, environments: {b: {cluster: c, services: [d]}}}",
        expect![[r#"
            read
        "#]],
    );
}

#[test]
fn a_document_that_cannot_be_read_says_where() {
    check(
        "",
        expect![[r#"
        the spec is empty; begin with application: and its name
    "#]],
    );
    check(
        "application: [",
        expect![[r#"
            the spec is not YAML: unclosed bracket '[' at line 1, column 14; close it; if the end is missing, send the whole text
        "#]],
    );
    check(
        "application: scr\n  images: {}\n",
        expect![[r#"
            the spec is not YAML: mapping values are not allowed in this context at line 2, column 9; end the line before it with a colon, indent this one less, or put text with a colon in quotes
        "#]],
    );
    check(
        "application: scr\napplication: scr\n",
        expect![[r#"
            the spec is not YAML: duplicate mapping key: application not allowed here at line 2, column 1; keep one of the two
        "#]],
    );
    check(
        "{\"application\": \"scr\",\n \"application\": \"scr\"}",
        expect![[r#"
            the spec is not JSON: the key "application" appears twice at line 2 column 14; compare this line and the one before it with an example
        "#]],
    );
    check(
        "{\"application\": \"scr\"",
        expect![[r#"
            the spec is not JSON: EOF while parsing an object at line 1 column 21; the end is missing; send the whole text
        "#]],
    );
    check(
        "hello",
        expect![[r#"
            "hello" is not a map; write application:, images: and environments:
        "#]],
    );
    check(
        "- application: scr",
        expect![[r#"
            a list is not a map; write application:, images: and environments:
        "#]],
    );
    check(
        "application: scr\n---\napplication: scr\n",
        expect![[r#"
            the spec is not YAML: only single YAML document expected but multiple found at line 3, column 1; send one document for one application
        "#]],
    );
}

#[test]
fn a_document_of_more_than_a_mebibyte_is_refused() {
    let most = format!("{SCR}\n#{}", " ".repeat(1024 * 1024 - SCR.len() - 2));
    assert_eq!(parse(&most), parse(SCR));
    assert!(parse(&format!("{most} ")).is_err());
    let text = format!("{SCR}\n#{}", " ".repeat(1024 * 1024));
    check(
        &text,
        expect![[r#"
            the spec has 1050667 bytes; at most 1 MiB is read
        "#]],
    );
}

#[test]
fn deep_and_endless_documents_are_refused() {
    check(
        &"[".repeat(100_000),
        expect![[r#"
            the spec is not YAML: recursion limit exceeded at line 1, column 256; nest it less
        "#]],
    );
    check(
        &format!("{{\"a\":{}", "[".repeat(100_000)),
        expect![[r#"
            the spec is not JSON: recursion limit exceeded at line 1 column 132; nest it less
        "#]],
    );
    check(
        &"- ".repeat(100_000),
        expect![[r#"
            the spec is not YAML: YAML document too large or too complex: limits breached: Depth { depth: 65 } at line 1, column 129; write less of it, or with fewer aliases
        "#]],
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let previous = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
    }
    check(
        &bomb,
        expect![[r#"
            the spec is not YAML: YAML document too large or too complex: total_replayed_events=100001 > 100000 at line 1, column 22 (defined at line 4, column 9) (used at line 5, column 45); write less of it, or with fewer aliases
        "#]],
    );
}

#[test]
fn a_value_that_nests_too_deeply_is_refused() {
    let told = |levels: usize, around: fn(Value) -> Value| {
        let definition = (0..levels).fold(Value::Null, |inner, _| around(inner));
        let mut spec = as_value(SCR);
        spec["environments"]["staging"]["base"] = json!({ "template": definition });
        read(&spec).unwrap_err().to_string()
    };
    let around: [fn(Value) -> Value; 2] = [|inner| json!([inner]), |inner| json!({ "a": inner })];
    for around in around {
        let deep =
            "environments.staging.base.template: it is nested too deeply; no task definition is";
        assert_ne!(told(39, around), deep);
        assert_eq!(told(40, around), deep);
        assert_eq!(told(1000, around), deep);
    }
}
