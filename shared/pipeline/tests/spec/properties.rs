//! Every input has an answer, and a valid spec can be written again.

use crate::examples::{ALL, SCR};
use pipeline::spec::{parse, read};
use pipeline::time::Span;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Keys that lead into the reader, so that more than the first level is reached.
const KEYS: [&str; 30] = [
    "application",
    "images",
    "environments",
    "staging",
    "cluster",
    "hosts",
    "tags",
    "deploy_on",
    "promoted_from",
    "migration",
    "service",
    "command",
    "services",
    "name",
    "base",
    "template",
    "parameters",
    "containerDefinitions",
    "environment",
    "create",
    "container",
    "checks",
    "url",
    "alarms",
    "names",
    "freeze",
    "from",
    "to",
    "time_zone",
    "tag",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("${x}".to_owned()),
        Just("fri 18:00".to_owned()),
        Just("2026-12-20T00:00".to_owned()),
        Just("Europe/Berlin".to_owned()),
        Just("https://a:b@c".to_owned()),
        Just("staging".to_owned()),
        "[0-9hms]{0,6}",
        ".{0,12}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let key = prop_oneof![4 => proptest::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => any_text()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Returns every place in a value, as pointers.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                places(entry, &format!("{pointer}/{key}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_answered(value in any_value()) {
        let _ = read(&value);
        let _ = read(&json!({ "application": "a", "images": { "a": "aa" }, "environments": { "staging": value } }));
    }

    #[test]
    fn any_text_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_damaged_spec_is_answered(at in 0..SCR.len(), length in 0_usize..40, put in ".{0,3}") {
        let start: String = SCR.chars().take(at).collect();
        let end: String = SCR.chars().skip(at + length).collect();
        let _ = parse(&format!("{start}{put}{end}"));
    }

    #[test]
    fn an_example_with_any_value_in_any_place_is_answered(
        example in 0..ALL.len(),
        at in any::<prop::sample::Index>(),
        value in any_value(),
    ) {
        let mut spec: Value = serde_saphyr::from_str(ALL[example]).unwrap();
        let mut found = Vec::new();
        places(&spec, "", &mut found);
        *spec.pointer_mut(at.get::<String>(&found)).unwrap() = value;
        if let Ok(application) = read(&spec) {
            let stored = serde_json::to_value(&application).unwrap();
            prop_assert_eq!(serde_json::from_value::<pipeline::spec::Application>(stored).unwrap(), application);
        }
    }

    #[test]
    fn a_duration_is_read_as_it_is_shown(seconds in 10_u64..=24 * 3600) {
        let span = Span::seconds(seconds);
        let spec = |timeout: Value| json!({
            "application": "a",
            "images": { "a": "aa" },
            "environments": { "b": { "cluster": "c", "services": ["d"], "timeout": timeout } },
        });
        let application = read(&spec(json!(span.to_string()))).unwrap();
        prop_assert_eq!(application.environments[&"b".into()].waves[0][0].timeout, span);
        for without_unit in [json!(seconds), json!(seconds.to_string())] {
            prop_assert!(read(&spec(without_unit)).is_err());
        }
    }
}
