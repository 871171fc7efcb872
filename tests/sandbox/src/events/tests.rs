//! Patterns against events.

use super::{check, wants};
use serde_json::{Value, json};

#[test]
fn values_are_exact_and_missing_ones_never_fit() {
    fits(
        &json!({ "source": ["aws.ecr"] }),
        &[("x", false), ("aws.ecr", true)],
        |value| json!({ "source": value }),
    );
    assert!(!wants(&json!({ "detail": { "a": ["b"] } }), &json!({ "detail": {} })));
    assert!(!wants(
        &json!({ "detail": { "a": { "b": ["c"] } } }),
        &json!({ "detail": { "a": "c" } })
    ));
    assert!(wants(&json!({ "a": [1] }), &json!({ "a": 1.0 })));
    assert!(wants(&json!({ "a": [null] }), &json!({ "a": null })));
}

#[test]
fn text_filters() {
    let event = |value: &str| json!({ "a": value });
    fits(&json!({ "a": [{ "prefix": "scr-" }] }), &[("scr-api", true), ("SCR-api", false)], event);
    fits(
        &json!({ "a": [{ "prefix": { "equals-ignore-case": "scr-" } }] }),
        &[("SCR-api", true), ("x", false)],
        event,
    );
    fits(&json!({ "a": [{ "suffix": ".png" }] }), &[("a.png", true), ("png", false)], event);
    fits(
        &json!({ "a": [{ "equals-ignore-case": "Yes" }] }),
        &[("yES", true), ("yes!", false)],
        event,
    );
    fits(&json!({ "a": [{ "wildcard": "a*/b" }] }), &[("ax/y/b", true), ("a/bc", false)], event);
    fits(&json!({ "a": [{ "anything-but": [""] }] }), &[("", false), ("v1", true)], event);
    fits(&json!({ "a": [{ "anything-but": "x" }] }), &[("x", false), ("y", true)], event);
    fits(
        &json!({ "a": [{ "anything-but": { "prefix": "slipway-" } }] }),
        &[("slipway-1", false), ("v1", true)],
        event,
    );
    // Nothing at all is not `anything-but`.
    assert!(!wants(&json!({ "a": [{ "anything-but": [""] }] }), &json!({})));
}

#[test]
fn presence_and_numbers() {
    assert!(wants(&json!({ "a": [{ "exists": false }] }), &json!({})));
    assert!(wants(&json!({ "d": { "a": [{ "exists": false }] } }), &json!({})));
    assert!(wants(&json!({ "a": [{ "exists": true }] }), &json!({ "a": 1 })));
    assert!(!wants(&json!({ "a": [{ "exists": true }] }), &json!({ "b": 1 })));
    let numeric = json!({ "a": [{ "numeric": [">=", 1, "<", 5] }] });
    assert!(wants(&numeric, &json!({ "a": 1 })) && wants(&numeric, &json!({ "a": 4.5 })));
    assert!(!wants(&numeric, &json!({ "a": 5 })) && !wants(&numeric, &json!({ "a": "3" })));
}

#[test]
fn lists_and_either_or() {
    let group = json!({ "containers": { "lastStatus": ["STOPPED"] } });
    assert!(wants(
        &group,
        &json!({ "containers": [{ "lastStatus": "RUNNING" }, { "lastStatus": "STOPPED" }] })
    ));
    assert!(!wants(&group, &json!({ "containers": [{ "lastStatus": "RUNNING" }] })));
    // One of the list has to be all of it.
    let stopped_api = json!({ "containers": { "lastStatus": ["STOPPED"], "name": ["api"] } });
    assert!(!wants(
        &stopped_api,
        &json!({ "containers": [
            { "lastStatus": "RUNNING", "name": "api" }, { "lastStatus": "STOPPED", "name": "worker" }
        ] })
    ));
    let either = json!({ "a": ["1"], "$or": [{ "b": ["2"] }, { "c": ["3"] }] });
    assert!(
        wants(&either, &json!({ "a": "1", "c": "3" }))
            && !wants(&either, &json!({ "a": "1", "c": "2" }))
    );
    assert!(wants(&json!({ "a": ["x"] }), &json!({ "a": ["y", "x"] })));
    assert!(!wants(&json!({ "a": ["x"] }), &json!({ "a": [] })));
}

#[test]
fn a_pattern_that_is_not_understood_is_refused() {
    let refused = |pattern: Value| check(&pattern, "Rule").is_err();
    assert!(refused(json!({})) && refused(json!({ "a": "b" })) && refused(json!({ "a": [] })));
    assert!(
        refused(json!({ "a": [{ "cidr": "10.0.0.0/24" }] }))
            && refused(json!({ "a": [{ "numeric": ["~", 1] }] }))
    );
    assert!(refused(json!({ "a": [{ "wildcard": 1 }] })) && refused(json!({ "a": [["b"]] })));
    assert!(!refused(json!({ "a": ["b", { "prefix": "c" }], "$or": [{ "d": ["e"] }] })));
}

fn fits(pattern: &Value, cases: &[(&str, bool)], event: impl Fn(&str) -> Value) {
    check(pattern, "Rule").unwrap();
    for (value, expected) in cases {
        assert_eq!(wants(pattern, &event(value)), *expected, "{pattern} {value}");
    }
}
