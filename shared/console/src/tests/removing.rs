//! Taking an application, or an environment, out of Slipway.

use super::desk::{Desk, SCR};
use engine::Key;
use pipeline::effect::Effect;
use pipeline::environment::{Control, Input};
use pipeline::notice::News;
use serde_json::{Value, json};

fn ask(desk: &Desk, payload: &Value) -> Result<Value, String> {
    desk.ask("configure", payload).map_err(|failure| failure.to_string())
}

fn places(desk: &Desk) -> usize {
    let answer = desk.ask("status", &json!({})).unwrap();
    answer["details"].as_array().unwrap().len()
}

#[test]
fn what_waits_is_declined_and_the_history_stays() {
    let desk = Desk::with_two_good();
    let (by, why) = ("ada".to_owned(), "a demo".to_owned());
    desk.tell("staging", Input::Controlled { by, why, control: Control::Pause });
    desk.push("staging", "c90ffee");
    assert_eq!(desk.head("staging").queue.len(), 1);
    let removal = json!({"application": "scr", "remove": true, "by": "ann"});

    let dry = json!({"application": "scr", "remove": "yes", "dry_run": true});
    assert_eq!(ask(&desk, &dry).unwrap()["dry_run"], "nothing was removed");
    assert_eq!((places(&desk), desk.head("staging").queue.len()), (2, 1));

    let answer = ask(&desk, &removal).unwrap();
    assert_eq!((&answer["accepted"], &answer["changed"]), (&json!(true), &json!(true)));
    let head = desk.head("staging");
    assert_eq!((head.queue.len(), head.good.len(), head.last_number), (0, 2, 2));
    let declined = head.outbox.entries().iter().filter(|entry| match &entry.effect {
        Effect::Announce(notice) => matches!(notice.news, News::Declined { .. }),
        _ => false,
    });
    assert_eq!(declined.count(), 1);
    assert_eq!(places(&desk), 0);
    assert!(ask(&desk, &removal).unwrap_err().contains("there is no application scr"));
    // Configured again, it continues where it ended.
    assert_eq!(ask(&desk, &json!({"spec": SCR})).unwrap()["changes"], json!(["scr is new"]));
    assert_eq!(desk.head("staging").last_number, 2);
}

#[test]
fn nothing_is_removed_while_a_deployment_is_in_progress() {
    let desk = Desk::with_two_good();
    desk.push("staging", "c90ffee");
    let removal = json!({"application": "scr", "remove": true});
    let why = ask(&desk, &removal).unwrap_err();
    assert!(why.contains("deployment 3 is in progress in scr/staging"), "{why}");
    let forced = json!({"application": "scr", "remove": true, "force": true});
    assert_eq!(ask(&desk, &forced).unwrap()["changed"], true);
    assert_eq!(desk.head("staging").active, Some(3), "it goes on to its end");
}

#[test]
fn one_environment_is_removed_unless_another_depends_on_it() {
    let desk = Desk::with_two_good();
    let remove = |name: &str| json!({"application": "scr", "environment": name, "remove": true});
    assert!(ask(&desk, &remove("stagin")).unwrap_err().contains("did you mean staging?"));
    assert!(ask(&desk, &remove("staging")).unwrap_err().contains("is promoted from staging"));
    let answer = ask(&desk, &remove("production")).unwrap();
    assert_eq!(answer["environments"], json!(["staging"]));
    assert!(ask(&desk, &remove("staging")).unwrap_err().contains("is the only environment"));
    assert_eq!(places(&desk), 1);
}

/// A deletion by CloudFormation; `physical` is what it calls the resource.
fn deletion(on_delete: &str, physical: &str) -> Value {
    json!({
        "RequestType": "Delete", "ResponseURL": "https://x.example/", "RequestId": "r1",
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/scr/1",
        "LogicalResourceId": "Scr", "PhysicalResourceId": physical,
        "ResourceProperties": {"spec": SCR, "OnDelete": on_delete},
    })
}

#[test]
fn a_resource_that_is_deleted_takes_its_application_along_only_on_request() {
    let desk = Desk::with_two_good();
    let kept = [
        deletion("keep", "slipway-Scr"),
        deletion("remove", "slipway-Scr-not-created"),
        deletion("remove", "made-up-by-cloudformation"),
        json!({"tf": {"action": "delete"}, "spec": SCR}),
    ];
    for payload in kept {
        assert_eq!(ask(&desk, &payload).unwrap()["changed"], false, "{payload}");
        assert_eq!(places(&desk), 2);
    }
    let removed = deletion("remove", "slipway-Scr");
    assert_eq!(ask(&desk, &removed).unwrap()["changed"], true);
    assert_eq!(places(&desk), 0);
    assert!(desk.world.read(&Key::Spec("scr".into())).is_some());
    // A repeated deletion finds nothing, which is no mistake.
    assert_eq!(ask(&desk, &removed).unwrap()["changed"], false);
    let desk = Desk::with_two_good();
    let terraform = json!({"tf": {"action": "delete"}, "spec": SCR, "on_delete": "remove"});
    assert_eq!(ask(&desk, &terraform).unwrap()["changed"], true);
}
