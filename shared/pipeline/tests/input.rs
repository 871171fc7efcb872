//! Bad input changes nothing and is reported: truncated, of another shape, or implausible.

use pipeline::environment::Input;
use pipeline::time::Time;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: Time = Time::from_millis(1_795_248_000_000);

fn observed(running: &Value, seen_at: &Value, service: &str) -> Value {
    json!({"happened": {"observed": {"services": [{
        "service": service,
        "seen_at": seen_at,
        "found": {
            "rollouts": [{
                "id": "ecs-svc/1", "revision": "arn:aws:ecs:eu-west-1:1:task-definition/api:2",
                "primary": true, "progress": "completed", "reason": "", "desired": 2,
                "running": running, "failed": 0
            }],
            "returned_from": null, "trouble": null
        }
    }]}}})
}

fn good() -> Vec<Value> {
    vec![
        observed(&json!(2), &json!(NOW.millis()), "api"),
        json!({"answered": {"deployment": 1, "effect": 3, "event": {
            "one_off_seen": {"purpose": "migrate", "attempt": 1, "task": "arn:aws:ecs:x", "end": {
                "exit_code": 0, "stop": {"code": "EssentialContainerExited", "reason": ""}, "reason": null
            }}
        }}}),
        json!({"controlled": {"by": "ada", "why": "", "control": {"hold": {"firm": true}}}}),
        json!({"rollback_requested": {"id": "1", "by": "ada", "why": "", "to": null, "undo": false}}),
        json!({"requested": {
            "id": "1", "kind": "deploy", "asked_at": NOW.millis(), "confirm": null, "overrides": ["hold"],
            "fresh": false, "asked_by": {"push": {"tag": "v1"}},
            "release": {"version": "v1", "built_at": NOW.millis(), "images": {"api": "sha256:1"}}
        }}),
        json!("woken"),
    ]
}

fn refusal(input: &Value) -> String {
    Input::parse(&input.to_string(), NOW).expect_err("it must be refused")
}

#[test]
fn valid_input_is_read() {
    for input in good() {
        assert!(Input::parse(&input.to_string(), NOW).is_ok(), "{input}");
    }
}

#[test]
fn absurd_input_is_refused_with_a_reason() {
    let reasons = [
        refusal(&observed(&json!(-1), &json!(NOW.millis()), "api")),
        refusal(&observed(&json!(4_000_000), &json!(NOW.millis()), "api")),
        refusal(&observed(&json!(2), &json!(NOW.millis() + 86_400_000), "api")),
        refusal(&observed(&json!(2), &json!(u64::MAX), "api")),
        refusal(&observed(&json!(2), &json!(NOW.millis()), &"x".repeat(9_000))),
        refusal(&observed(&json!(2), &json!(NOW.millis()), &"x".repeat(400_000))),
        refusal(&json!({"happened": {"exploded": {}}})),
        refusal(&json!([])),
    ];
    expect_test::expect![[r#"
        cannot be read: invalid value: integer `-1`, expected u32 at line 1 column 242
        4000000 tasks of one service
        its time 2026-11-22T08:00:00Z is in the future (now: 2026-11-21T08:00:00Z)
        its time 9999-12-30T22:00:00Z is in the future (now: 2026-11-21T08:00:00Z)
        it contains a text of 9000 bytes
        it contains a text of 400000 bytes
        cannot be read: unknown variant `exploded`, expected one of `approved`, `rejected`, `cancel_requested`, `rollback_requested`, `prepared`, `preparation_failed`, `one_off_claimed`, `one_off_started`, `one_off_not_started`, `one_off_seen`, `one_off_reported`, `one_off_lost`, `one_off_stop_asked`, `rollout_started`, `rollout_refused`, `left_alone`, `observed`, `task_reported`, `checked`, `alarm_changed`, `alarms_read`, `put_back_started`, `put_back_refused`, `removed`, `announced`, `woken` at line 1 column 23
        cannot be read: expected value at line 1 column 1"#]].assert_eq(&reasons.join("\n"));
}

fn alarms_read(reasons: &[String]) -> Value {
    let readings: Vec<Value> = reasons
        .iter()
        .map(|reason| {
            json!({
                "alarm": "a", "state": "quiet", "since": NOW.millis(), "reason": reason,
                "muted": null, "was": null
            })
        })
        .collect();
    json!({"happened": {"alarms_read": {"read_at": NOW.millis(), "readings": readings}}})
}

/// Each pair: as much as may be, and a little more.
#[test]
fn input_is_as_large_as_anybody_can_mean() {
    let long = |bytes: usize| "x".repeat(bytes);
    let read = |input: &Value| Input::parse(&input.to_string(), NOW).map(|_| ());
    assert_eq!(read(&observed(&json!(100_000), &json!(NOW.millis()), "api")), Ok(()));
    assert_eq!(read(&observed(&json!(2), &json!(NOW.millis() + 300_000), "api")), Ok(()));
    assert_eq!(read(&observed(&json!(2), &json!(NOW.millis()), &long(8192))), Ok(()));
    assert_eq!(read(&alarms_read(&vec![String::new(); 1000])), Ok(()));
    let refused = [
        refusal(&observed(&json!(100_001), &json!(NOW.millis()), "api")),
        refusal(&observed(&json!(2), &json!(NOW.millis() + 300_001), "api")),
        refusal(&observed(&json!(2), &json!(NOW.millis()), &long(8193))),
        refusal(&alarms_read(&vec![String::new(); 1001])),
    ];
    expect_test::expect![[r#"
        100001 tasks of one service
        its time 2026-11-21T08:05:00Z is in the future (now: 2026-11-21T08:00:00Z)
        it contains a text of 8193 bytes
        it contains a list of 1001 items"#]]
    .assert_eq(&refused.join("\n"));
}

#[test]
fn input_of_more_than_a_mebibyte_is_refused_as_text_and_as_it_is() {
    let mut reasons = vec!["x".repeat(8000); 129];
    reasons.push(String::new());
    reasons[129] = "x".repeat(1024 * 1024 - alarms_read(&reasons).to_string().len());
    assert_eq!(Input::parse(&alarms_read(&reasons).to_string(), NOW).map(|_| ()), Ok(()));
    // The text has a few letters around the event itself.
    reasons[129].push_str(&"x".repeat("{'happened':}".len()));
    let larger = alarms_read(&reasons).to_string();
    let input: Input = serde_json::from_str(&larger).unwrap();
    assert_eq!(input.implausible(NOW), None);
    reasons[129].push('x');
    let input: Input = serde_json::from_str(&alarms_read(&reasons).to_string()).unwrap();
    let refused = [Input::parse(&larger, NOW).unwrap_err(), input.implausible(NOW).unwrap()];
    expect_test::expect![[r#"
        it has 1048589 bytes; the limit is 1048576
        it contains 1048577 bytes"#]]
    .assert_eq(&refused.join("\n"));
}

#[test]
fn input_cut_off_at_any_byte_is_refused() {
    for input in good() {
        let text = input.to_string();
        for end in 0..text.len() {
            assert!(Input::parse(&text[..end], NOW).is_err(), "{}", &text[..end]);
        }
    }
}

#[test]
fn input_without_a_field_or_with_another_type_never_panics() {
    for input in good() {
        for broken in mutations(&input) {
            let _ = Input::parse(&broken.to_string(), NOW);
        }
    }
}

/// Every way to take one field away or to put something else in its place.
fn mutations(value: &Value) -> Vec<Value> {
    let others =
        [json!(null), json!(-1), json!(1e300), json!(""), json!([]), json!({}), json!(true)];
    let mut all: Vec<Value> = others.to_vec();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
                for changed in mutations(field) {
                    let mut with = fields.clone();
                    with.insert(name.clone(), changed);
                    all.push(Value::Object(with));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for changed in mutations(item) {
                    let mut with = items.clone();
                    with[index] = changed;
                    all.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    all
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop_oneof![Just("happened"), Just("observed"), Just("services"), Just("woken")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        let _ = Input::parse(&value.to_string(), NOW);
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        let _ = Input::parse(&text, NOW);
    }
}
