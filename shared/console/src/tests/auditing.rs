//! The function `status` with an audit of the records.

use super::desk::{Desk, block_on, place};
use engine::{Engine, Key, Pipeline, Record, World, Write};
use expect_test::expect;
use pipeline::deployment::Deployment;
use pipeline::effect::Effect;
use pipeline::environment::Head;
use pipeline::names::{DeploymentId, Place};
use serde_json::{Value, json};

fn audit(desk: &Desk, payload: &Value) -> Value {
    let mut answer = desk.ask("status", payload).unwrap();
    if let Some(rules) = answer["rules"].as_array() {
        assert!(rules.len() > 20);
        answer["rules"].take();
    }
    answer
}

fn of_staging() -> Value {
    json!({"application": "scr", "environment": "staging", "audit": true})
}

/// Deployments that a person cancels at once.
fn with_called_off(versions: &[&str]) -> Desk {
    let desk = Desk::new(&[super::desk::SCR]);
    for version in versions {
        desk.push("staging", version);
        let cancel = json!({"application": "scr", "environment": "staging", "action": "cancel"});
        assert_eq!(desk.ask("control", &cancel).unwrap()["accepted"], true);
    }
    desk
}

fn key(number: u64) -> Key {
    Key::Deployment(DeploymentId { place: place("staging"), number })
}

/// A record in the table is changed by hand.
fn change(desk: &Desk, number: u64, change: impl FnOnce(Deployment) -> Record) {
    let key = key(number);
    let stored = block_on(desk.world.load(std::slice::from_ref(&key))).unwrap().pop().unwrap();
    let stored = stored.unwrap();
    let record = change(Deployment::try_from(stored.record).unwrap());
    let read_version = Some(stored.version);
    let write = Write { key, read_version, record, due: stored.due, lookups: vec![] };
    block_on(desk.world.save(vec![write])).unwrap();
}

#[test]
fn where_every_rule_holds_it_says_of_how_much() {
    let desk = with_called_off(&["a1b2c3d", "b1b2c3d", "c1b2c3d"]);
    expect![[r#"
        {
          "findings": [],
          "holds": true,
          "rules": null,
          "summary": "scr/staging: every rule holds for 3 deployments (1 to 3) and the environment's record"
        }"#]].assert_eq(&format!("{:#}", audit(&desk, &of_staging())));
}

#[test]
fn what_does_not_hold_is_named() {
    let desk = with_called_off(&["a1b2c3d", "b1b2c3d", "c1b2c3d"]);
    change(&desk, 1, |mut one| {
        let prepare = one.preparation();
        one.outbox.add(Effect::Prepare(Box::new(prepare)), one.started_at);
        one.into()
    });
    change(&desk, 2, |_| Head::new(Place { environment: "elsewhere".into(), ..place("x") }).into());
    let mut payload = of_staging();
    payload["format"] = "text".into();
    expect![[r#"
        {
          "text": [
            "scr/staging: 3 rule violations in 3 deployments (1 to 3) and the environment's record; 25 rules",
            "  deployment 1: it is due at 2026-01-06T12:00:00Z, but its item is due at 2026-01-06T12:05:00Z (the rule: a record that is due is woken soon afterwards)",
            "  deployment 1: it has ended, but still requests prepare (the rule: a deployment that has ended requests nothing but notices)",
            "  deployment 2: it holds another kind of record (the rule: every record can be read, and has its own number)"
          ]
        }"#]].assert_eq(&format!("{:#}", audit(&desk, &payload)));
}

#[test]
fn an_audit_goes_on_where_it_stopped() {
    let desk = with_called_off(&["a1b2c3d", "b1b2c3d", "c1b2c3d"]);
    let mut payload = of_staging();
    payload["before"] = 3.into();
    payload["format"] = "text".into();
    expect![[r#"
        {
          "text": [
            "scr/staging: every rule holds for 2 deployments (1 to 2); 25 rules",
            "  not checked: deployments 3 and later, and the environment's record"
          ]
        }"#]]
    .assert_eq(&format!("{:#}", audit(&desk, &payload)));
}

#[test]
fn where_time_is_short_it_says_from_where_on_it_has_looked() {
    let desk = with_called_off(&["a1b2c3d", "b1b2c3d", "c1b2c3d"]);
    desk.world.set_in_time(1);
    let answer = audit(&desk, &of_staging());
    expect![[r#"
        {
          "findings": [],
          "holds": true,
          "more": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "audit": true,
              "before": 2,
              "environment": "staging"
            }
          },
          "not_checked": [
            "deployments below 2, because time ran out"
          ],
          "rules": null,
          "summary": "scr/staging: every rule holds for 2 deployments (2 to 3) and the environment's record"
        }"#]].assert_eq(&format!("{answer:#}"));
    desk.world.set_in_time(1);
    let rest = audit(&desk, &answer["more"]["payload"]);
    expect![[r#"
        {
          "findings": [],
          "holds": true,
          "not_checked": [
            "deployments 2 and later, and the environment's record"
          ],
          "rules": null,
          "summary": "scr/staging: every rule holds for deployment 1"
        }"#]]
    .assert_eq(&format!("{rest:#}"));
    desk.world.set_in_time(0);
    assert!(desk.ask("status", &of_staging()).is_err(), "nothing was read");
}

#[test]
fn an_environment_whose_own_record_cannot_be_read_is_audited_as_far_as_can_be() {
    let desk = with_called_off(&["a1b2c3d"]);
    let head = block_on(desk.world.load(&[Key::Head(place("staging"))])).unwrap().pop().unwrap();
    let one = block_on(desk.world.load(&[key(1)])).unwrap().pop().unwrap().unwrap();
    let key = Key::Head(place("staging"));
    let read_version = head.map(|head| head.version);
    let write = Write { key, read_version, record: one.record, due: None, lookups: vec![] };
    block_on(desk.world.save(vec![write])).unwrap();
    let mut payload = of_staging();
    payload["format"] = "text".into();
    expect![[r#"
        {
          "text": [
            "scr/staging: 1 rule violation in deployment 1; 25 rules",
            "  the environment: it cannot be read: it holds another kind of record (the rule: every record can be read, and has its own number)",
            "  not checked: what depends on the environment's record"
          ]
        }"#]].assert_eq(&format!("{:#}", audit(&desk, &payload)));
}

#[test]
fn where_nothing_was_deployed_there_is_nothing_to_find() {
    let desk = Desk::new(&[super::desk::SCR]);
    let summary = audit(&desk, &of_staging())["summary"].to_string();
    expect![[r#""scr/staging: nothing was ever deployed here""#]].assert_eq(&summary);
}

#[test]
fn a_mistake_is_answered_with_what_to_write() {
    let desk = Desk::with_two_good();
    let mut told = String::new();
    for payload in [
        json!({"audit": true}),
        json!({"application": "scr", "environment": "stagin", "audit": true}),
        json!({"application": "scr", "environment": "staging", "audit": true, "deployment": 2}),
        json!({"application": "scr", "environment": "staging", "before": 2}),
        json!({"application": "scr", "environment": "staging", "audit": true, "before": "x"}),
        json!({"application": "scr", "environment": "staging", "audit": "perhaps"}),
    ] {
        let answer = desk.ask("status", &payload).unwrap();
        told.push_str(&format!("{}\n", answer["because"]));
    }
    expect![[r#"
        "pass \"application\" and \"environment\""
        "there is no environment stagin; did you mean staging?"
        "an audit covers every deployment; remove \"deployment\" or \"audit\""
        "\"before\" is where an audit continues; add \"audit\": true"
        "before is \"x\"; write a number"
        "audit is \"perhaps\"; write true or false"
    "#]]
    .assert_eq(&told);
}

#[test]
fn an_environment_that_left_the_spec_is_audited_as_well() {
    let desk = with_called_off(&["a1b2c3d"]);
    let mut spec = pipeline::spec::parse(super::desk::SCR).unwrap();
    spec.environments.remove(&place("staging").environment);
    block_on(Engine::new(&desk.world, &Pipeline).store(spec)).unwrap();
    expect![[r#""scr/staging: every rule holds for deployment 1 and the environment's record""#]]
        .assert_eq(&audit(&desk, &of_staging())["summary"].to_string());
}
