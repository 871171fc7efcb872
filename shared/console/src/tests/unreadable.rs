//! One record that cannot be read, as after a stack update that was rolled back: everything that is
//! independent of it can still be shown, stopped and rolled back.

use super::desk::{Desk, SCR, WWHD, block_on, place};
use engine::{Key, Record, World, Write};
use expect_test::{Expect, expect};
use pipeline::environment::Head;
use pipeline::names::Place;
use serde_json::json;

/// What lies under the key is no record of its kind.
fn spoil(desk: &Desk, key: Key) {
    let stored = block_on(desk.world.load(std::slice::from_ref(&key))).unwrap().pop().unwrap();
    let read_version = stored.map(|stored| stored.version);
    let record = match &key {
        Key::Head(_) => Record::Spec(pipeline::spec::parse(SCR).unwrap()),
        _ => Record::Head(Head::new(place("nowhere"))),
    };
    let write = Write { key, read_version, record, due: None, lookups: vec![] };
    block_on(desk.world.save(vec![write])).unwrap();
}

fn two_applications() -> Desk {
    let desk = Desk::with_two_good();
    desk.ask("configure", &json!({"spec": WWHD})).unwrap();
    desk
}

fn check(desk: &Desk, function: &'static str, payload: &str, expected: &Expect) {
    let answer = desk.ask(function, &serde_json::from_str(payload).unwrap()).unwrap();
    let told = json!([answer["accepted"], answer["because"], answer["answer"], answer["choices"]]);
    expected.assert_eq(&told.to_string());
}

#[test]
fn the_spec_of_another_application_blocks_nothing() {
    let desk = two_applications();
    spoil(&desk, Key::Spec("wwhd".into()));
    let named = r#"{"application": "scr", "environment": "staging", "to": "3f2a9c1"}"#;
    check(
        &desk,
        "rollback",
        named,
        &expect![[r#"[true,null,"deployment 3 of 3f2a9c1 has started",null]"#]],
    );
    let named = r#"{"application": "scr", "environment": "staging", "action": "cancel"}"#;
    check(
        &desk,
        "control",
        named,
        &expect![[r#"[true,null,"cancelled; no service was changed",null]"#]],
    );
    // The environment is not guessed while the request may mean the other.
    check(
        &desk,
        "rollback",
        r#"{"to": "3f2a9c1"}"#,
        &expect![[
            r#"[false,"wwhd: cannot read or write app#wwhd / spec: it holds another kind of record; pass \"application\" and \"environment\"",null,[{"application":"scr","environment":"production","to":"3f2a9c1"},{"application":"scr","environment":"staging","to":"3f2a9c1"}]]"#
        ]],
    );
    check(
        &desk,
        "control",
        r#"{"action": "cancel"}"#,
        &expect![[
            r#"[false,"wwhd: cannot read or write app#wwhd / spec: it holds another kind of record; pass \"application\" and \"environment\"",null,[{"action":"cancel","application":"scr","environment":"production"},{"action":"cancel","application":"scr","environment":"staging"}]]"#
        ]],
    );
    check(
        &desk,
        "rollback",
        r#"{"application": "wwhd"}"#,
        &expect![[
            r#"[false,"wwhd: cannot read or write app#wwhd / spec: it holds another kind of record",null,null]"#
        ]],
    );
    let answer = desk.ask("status", &json!({})).unwrap();
    expect![[r#"[["scr/production: nothing was deployed here yet","scr/staging: runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)"],["wwhd: cannot read or write app#wwhd / spec: it holds another kind of record"]]"#]].assert_eq(&json!([answer["at_a_glance"], answer["unreadable"]]).to_string());
}

#[test]
fn another_environment_blocks_nothing() {
    let desk = Desk::with_two_good();
    spoil(&desk, Key::Head(place("production")));
    check(
        &desk,
        "rollback",
        r#"{"environment": "staging", "to": "3f2a9c1"}"#,
        &expect![[r#"[true,null,"deployment 3 of 3f2a9c1 has started",null]"#]],
    );
    check(
        &desk,
        "control",
        r#"{"environment": "production", "action": "hold"}"#,
        &expect![[
            r#"[false,"scr/production: cannot read or write env#scr/production / head: it holds another kind of record",null,null]"#
        ]],
    );
    let answer = desk.ask("status", &json!({"environment": "staging"})).unwrap();
    expect![[r#"[["scr/staging: runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2); deployment 3 of 3f2a9c1 is preparing, pre-flight until 2026-01-06T14:15:00Z at the latest"],null]"#]].assert_eq(&json!([answer["at_a_glance"], answer["unreadable"]]).to_string());
    let answer = desk.ask("status", &json!({"format": "text"})).unwrap();
    expect![[r#"{"text":["scr/staging runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)","  in progress: 3 of 3f2a9c1 is preparing, pre-flight until 2026-01-06T14:15:00Z at the latest","    2026-01-06T14:00:00Z Rolling back from 7b41d0e to 3f2a9c1, requested by unnamed caller of slipway-rollback (no reason given).","    2026-01-06T14:00:00Z The database schema stays as it is.","  good: 7b41d0e (deployment 2, 2026-01-06T13:00:00Z)","  good: 3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)","scr/production: cannot read or write env#scr/production / head: it holds another kind of record"]}"#]].assert_eq(&answer.to_string());
}

#[test]
fn what_cannot_be_read_of_the_environment_before_it_does_not_keep_one_from_rolling_back() {
    let desk = Desk::new(&[SCR]);
    desk.succeeded("production", "v1.0.0", 1);
    desk.succeeded("production", "v1.1.0", 2);
    spoil(&desk, Key::Head(place("staging")));
    let back = r#"{"application": "scr", "environment": "production", "to": "v1.0.0"}"#;
    check(
        &desk,
        "rollback",
        back,
        &expect![[r#"[true,null,"deployment 3 of v1.0.0 has started",null]"#]],
    );
}

#[test]
fn only_what_is_named_is_read() {
    let desk = two_applications();
    let named = json!({"application": "scr", "environment": "staging", "action": "hold"});
    for other in [
        Key::Spec("wwhd".into()),
        Key::Head(Place { application: "wwhd".into(), environment: "staging".into() }),
    ] {
        spoil(&desk, other);
        assert_eq!(desk.ask("control", &named).unwrap()["accepted"], true);
    }
}
