//! Requests to Run Command if some hosts accept no commands, or report incompletely.

use super::{id, service};
use crate::look::{Question, look};
use crate::{Tags, hosts, roll_back, roll_out};
use canned::Canned;
use expect_test::{Expect, expect};
use pipeline::effect::{RollBack, RollOut, Way};
use pipeline::names::Revision;
use pipeline::spec::Target;
use serde_json::{Value, json};

pub(super) const NEW: &str = "hosts/faceplate:0316a2a1a943-ff3aa658";
const INVALID: &str = "Instances [] not in a valid state for account 123456789012";

pub(super) fn tags() -> Tags {
    [("Component".to_owned(), "faceplate".to_owned())].into()
}

/// AWS with this many connected hosts.
pub(super) fn with_hosts(count: usize) -> Canned {
    let host = |number| json!({"InstanceId": name(number), "PingStatus": "Online"});
    let list: Vec<Value> = (0..count).map(host).collect();
    Canned::new().answers("DescribeInstanceInformation", json!({"InstanceInformationList": list}))
}

fn name(number: usize) -> String {
    format!("i-0a{number:02}")
}

/// What Run Command answers, and was asked.
pub(super) trait RunCommand {
    /// The next command is taken.
    fn takes(self, command: &str) -> Self;
    /// One host of the next command takes none.
    fn takes_none(self) -> Self;
    /// How the revision is run that is rolled out.
    fn knows(self) -> Self;
    fn noted(self, about: &str, note: &[(&str, &str)]) -> Self;
    /// Each command: who it is from, what it does, and which hosts it is for.
    fn commands(&self) -> String;
}

impl RunCommand for Canned {
    fn takes(self, command: &str) -> Self {
        self.answers("SendCommand", json!({"Command": {"CommandId": command}}))
    }

    fn takes_none(self) -> Self {
        self.refuses("SendCommand", "InvalidInstanceId", INVALID)
    }

    fn knows(self) -> Self {
        let run = json!({"run": {"image": "r/faceplate@sha256:01", "ports": [], "env_file": null}});
        let run = run.to_string();
        self.with_item(&format!("revision#{NEW}"), "definition", &[("json", run.as_str())])
    }

    fn noted(self, about: &str, note: &[(&str, &str)]) -> Self {
        self.with_item("registered#faceplate/prod/17", about, note)
    }

    fn commands(&self) -> String {
        let mut told = String::new();
        for call in self.calls().lines() {
            let Some(sent) = call.strip_prefix("SendCommand ") else { continue };
            let sent: Value = serde_json::from_str(sent).unwrap();
            let lines = sent["Parameters"]["commands"].as_array().unwrap();
            let value = |name: &str| {
                let lines = lines.iter().filter_map(Value::as_str);
                lines.filter_map(|line| line.strip_prefix(name)).collect::<String>()
            };
            let said = |word: &str, name: &str| match value(name) {
                value if value.len() > 2 => format!(" {word} {value}"),
                _ => String::new(),
            };
            let does = value("SLIPWAY_DO=");
            let old = said("once", "SLIPWAY_OLD_MARK=") + &said("where", "SLIPWAY_BEFORE=");
            let hosts: Vec<&str> =
                sent["InstanceIds"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let hosts = match hosts[..] {
                [first, .., last] => format!("{} from {first} to {last}", hosts.len()),
                _ => hosts.concat(),
            };
            let comment = sent["Comment"].as_str().unwrap();
            let waits = &sent["TimeoutSeconds"];
            let runs = &sent["Parameters"]["executionTimeout"][0].as_str().unwrap();
            told += &format!("{comment} {does} {waits}+{runs} {hosts}{old}\n");
        }
        told
    }
}

async fn send_rollback(aws: &Canned) -> String {
    put_it_back(aws, 9).await
}

async fn roll_back_the_hosts_again(aws: &Canned) -> String {
    put_it_back(aws, 10).await
}

async fn put_it_back(aws: &Canned, number: u64) -> String {
    let effect = RollBack {
        target: Target::Hosts(tags()),
        service: service(),
        from: None,
        to: Revision::new(NEW),
        way: Way::Update,
        container: None,
    };
    format!("{:?}", roll_back(&aws.aws, &id(), number, &tags(), &effect).await)
}

pub(super) fn check(canned: &Canned, said: &str, expect: &Expect) {
    expect.assert_eq(&format!("{}{said}\n", canned.commands()));
}

/// Run Command rejects all hosts because of one, and does not say which.
#[tokio::test]
async fn a_host_that_is_shutting_down_does_not_keep_the_others_from_rolling_back() {
    let aws = with_hosts(4).knows().takes_none();
    // The four together; then the halves, and the first of the second half.
    let aws = aws.takes_none().takes("reach-1").takes_none().takes_none().takes("reach-2");
    let aws = aws.takes("back");
    let said = send_rollback(&aws).await;
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 4 from i-0a00 to i-0a03
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 4 from i-0a00 to i-0a03
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a00 to i-0a01
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a02 to i-0a03
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a02
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a03
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 3 from i-0a00 to i-0a03
            Ok(RollbackStarted { service: ServiceName("faceplate"), revision: Revision("hosts/faceplate:0316a2a1a943-ff3aa658"), rollout: Some(RolloutId("back")) })
        "#]],
    );
    let noted = aws.text("registered#faceplate/prod/17 / host#faceplate", "hosts");
    assert_eq!(noted, "i-0a00 i-0a01 i-0a03");
}

#[tokio::test]
async fn of_fifty_hosts_the_one_that_takes_no_commands_is_found_with_few() {
    // Of each pair of halves, the first one takes it.
    let mut aws = with_hosts(50).knows().takes_none().takes_none();
    for _ in 0..6 {
        aws = aws.takes("reach").takes_none();
    }
    let aws = aws.takes("back");
    let said = send_rollback(&aws).await;
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 50 from i-0a00 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 50 from i-0a00 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 25 from i-0a00 to i-0a24
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 25 from i-0a25 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 12 from i-0a25 to i-0a36
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 13 from i-0a37 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 6 from i-0a37 to i-0a42
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 7 from i-0a43 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 3 from i-0a43 to i-0a45
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 4 from i-0a46 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a46 to i-0a47
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a48 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a48
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a49
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 49 from i-0a00 to i-0a48
            Ok(RollbackStarted { service: ServiceName("faceplate"), revision: Revision("hosts/faceplate:0316a2a1a943-ff3aa658"), rollout: Some(RolloutId("back")) })
        "#]],
    );
}

#[tokio::test]
async fn where_no_host_takes_commands_the_rollback_is_rejected_with_their_names() {
    let aws = with_hosts(2).knows().takes_none();
    let said = send_rollback(&aws).await;
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 2 from i-0a00 to i-0a01
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a00 to i-0a01
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a00
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a01
            Ok(RollbackRefused { service: ServiceName("faceplate"), refusal: Final, reason: "i-0a00, i-0a01 take no commands: shutting down or gone, or without a running SSM agent" })
        "#]],
    );
}

/// A container started after the rollout has nothing to roll back, and may belong to others.
#[tokio::test]
async fn only_the_changed_hosts_are_rolled_back() {
    let note = [
        ("number", "4"),
        ("revision", NEW),
        ("command", "rollout"),
        ("hosts", "i-0a00 i-0a01 i-0gone"),
        ("touched", "i-0a00 i-0a01 i-0gone"),
        ("installation", "05d5d9c7"),
    ];
    let aws = with_hosts(60).knows().noted("host#faceplate", &note).takes("back");
    let said = send_rollback(&aws).await;
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 2 from i-0a00 to i-0a01
            Ok(RollbackStarted { service: ServiceName("faceplate"), revision: Revision("hosts/faceplate:0316a2a1a943-ff3aa658"), rollout: Some(RolloutId("back")) })
        "#]],
    );
}

/// An earlier version rolled out, whose containers name no installation; then Slipway was updated.
#[tokio::test]
async fn after_an_update_of_slipway_the_rollback_knows_the_old_marks() {
    let note = [("number", "4"), ("revision", NEW), ("command", "rollout")];
    let aws = with_hosts(1).knows().noted("host#faceplate", &note).takes("back");
    let said = send_rollback(&aws).await;
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 i-0a00 once 'slipway/faceplate/prod/17'
            Ok(RollbackStarted { service: ServiceName("faceplate"), revision: Revision("hosts/faceplate:0316a2a1a943-ff3aa658"), rollout: Some(RolloutId("back")) })
        "#]],
    );
    let again = roll_back_the_hosts_again(&aws).await;
    check(
        &aws,
        &again,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/back 'back' 300+3600 i-0a00 once 'slipway/faceplate/prod/17'
            Ok(RollbackStarted { service: ServiceName("faceplate"), revision: Revision("hosts/faceplate:0316a2a1a943-ff3aa658"), rollout: Some(RolloutId("back")) })
        "#]],
    );
}

#[tokio::test]
async fn a_rollout_goes_to_the_hosts_that_take_commands() {
    let aws = with_hosts(2).knows().takes_none();
    let aws = aws.takes_none().takes("reach").takes_none().takes("rollout");
    let effect = RollOut {
        target: Target::Hosts(tags()),
        service: service(),
        before: None,
        revision: Revision::new(NEW),
        create: None,
        fresh: false,
        container: None,
    };
    let said = format!("{:?}", roll_out(&aws.aws, &id(), 4, &tags(), &effect).await);
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/rollout 'rollout' 300+3600 2 from i-0a00 to i-0a01
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 2 from i-0a00 to i-0a01
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a00
            slipway-look/05d5d9c7/faceplate/prod/17 'reach' 30+30 i-0a01
            slipway/05d5d9c7/faceplate/prod/17/rollout 'rollout' 300+3600 i-0a00
            Ok(RolloutStarted { service: ServiceName("faceplate"), rollout: RolloutId("rollout") })
        "#]],
    );
}

/// So the host leaves a container unchanged that was started since.
#[tokio::test]
async fn a_rollout_says_what_ran_when_it_was_prepared() {
    let found = "hosts/faceplate:as-found-5e1f22aa";
    let was_found = json!({"found": {"i-0a00": "ab12", "i-0a01": "hosts/faceplate:7"}}).to_string();
    let aws = with_hosts(1).knows().takes("one").takes("two");
    let aws = aws.with_item(&format!("revision#{found}"), "definition", &[("json", &was_found)]);
    let mut told = String::new();
    for (number, before) in [(4, found), (5, "hosts/faceplate:8")] {
        let effect = RollOut {
            target: Target::Hosts(tags()),
            service: service(),
            before: Some(Revision::new(before)),
            revision: Revision::new(NEW),
            create: None,
            fresh: false,
            container: None,
        };
        roll_out(&aws.aws, &id(), number, &tags(), &effect).await.unwrap();
        told += &aws.commands();
    }
    expect![[r#"
        slipway/05d5d9c7/faceplate/prod/17/rollout 'rollout' 300+3600 i-0a00 where ('ab12' 'hosts/faceplate:7')
        slipway/05d5d9c7/faceplate/prod/17/rollout 'rollout' 300+3600 i-0a00 where ('hosts/faceplate:8')
    "#]].assert_eq(&told);
}

/// A query of more hosts than one command can have, with one that is gone.
#[tokio::test]
async fn a_look_sees_every_host_that_answers() {
    let aws = with_hosts(52).takes("look-1").takes_none().takes("look-2").takes_none();
    let said = "slipway {\"s\":\"faceplate\",\"is\":\"running\",\"code\":0,\"id\":\"ab\"}\nslipway end 1\n";
    let answered = |numbers: std::ops::Range<usize>| {
        let one = |number| json!({"InstanceId": name(number), "Status": "Success", "StatusDetails": "Success", "CommandPlugins": [{"Name": "aws:runShellScript", "ResponseCode": 0, "Output": said}]});
        json!({"CommandInvocations": numbers.map(one).collect::<Vec<_>>()})
    };
    let aws = aws.answers("ListCommandInvocations", answered(0..50));
    let aws = aws.answers("ListCommandInvocations", answered(50..51));
    let found = hosts(&aws.aws, &tags()).await.unwrap();
    let name = service();
    let asked = [&name];
    let question = Question { services: &asked, ..Question::default() };
    let looked = look(&aws.aws, &id(), &found, question).await.unwrap();
    let silent: Vec<_> = looked.values().filter_map(|said| said.as_ref().err()).collect();
    check(
        &aws,
        &format!("{} looked, but {silent:?}", looked.len()),
        &expect![[r#"
            slipway-look/05d5d9c7/faceplate/prod/17 'look' 30+30 50 from i-0a00 to i-0a49
            slipway-look/05d5d9c7/faceplate/prod/17 'look' 30+30 2 from i-0a50 to i-0a51
            slipway-look/05d5d9c7/faceplate/prod/17 'look' 30+30 i-0a50
            slipway-look/05d5d9c7/faceplate/prod/17 'look' 30+30 i-0a51
            52 looked, but ["i-0a51 takes no commands: shutting down or gone, or without a running SSM agent"]
        "#]],
    );
}

/// The output is longer than the list shows: the host's own invocation is read, and counts.
#[tokio::test]
async fn what_is_cut_off_in_the_list_is_asked_for() {
    let line = |name: &str| {
        format!("slipway {{\"s\":\"{name}\",\"is\":\"running\",\"code\":0,\"id\":\"ab\"}}\n")
    };
    let whole = format!("{}{}slipway end 2\n", line("web"), line("faceplate"));
    for (then, is_said) in [(whole.as_str(), true), (&whole[..60], false)] {
        let listed = json!({"CommandInvocations": [{"InstanceId": "i-0a00", "Status": "Success", "StatusDetails": "Success", "CommandPlugins": [{"Name": "aws:runShellScript", "ResponseCode": 0, "Output": &whole[..60]}]}]});
        let aws = with_hosts(1).takes("look").answers("ListCommandInvocations", listed);
        let aws = aws.answers("GetCommandInvocation", json!({"StandardOutputContent": then}));
        let found = hosts(&aws.aws, &tags()).await.unwrap();
        let name = service();
        let asked = [&name];
        let question = Question { services: &asked, ..Question::default() };
        let looked = look(&aws.aws, &id(), &found, question).await.unwrap();
        let said = looked["i-0a00"].as_ref();
        assert_eq!(said.is_ok_and(|report| report.containers[&name].is_some()), is_said);
        if !is_said {
            let why = "i-0a00 did not report every service";
            assert_eq!(said.unwrap_err(), why);
        }
    }
}
