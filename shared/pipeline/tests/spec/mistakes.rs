//! Common mistakes, and the message that corrects each.

use crate::examples::SCR;
use expect_test::{Expect, expect};
use pipeline::spec::parse;

pub(crate) fn check(example: &str, mistakes: &[(&str, &str)], told: Expect) {
    told.assert_eq(&messages_of(example, mistakes));
}

/// Makes one mistake after the other: each puts its second text where the first one is. Returns the
/// mistake, and below it the messages.
pub(crate) fn messages_of(example: &str, mistakes: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (right, mistake) in mistakes {
        assert!(example.contains(right), "the example has no {right}");
        let Err(faults) = parse(&example.replacen(right, mistake, 1)) else {
            panic!("nobody minds {mistake}");
        };
        let shown = if mistake.trim().is_empty() {
            format!("without {right}")
        } else {
            (*mistake).to_owned()
        };
        let shown: Vec<&str> = shown.lines().map(str::trim).collect();
        out.push_str(&format!("# {}\n{faults}\n", shown.join(" | ")));
    }
    out
}

fn check_text(text: &str, told: Expect) {
    told.assert_eq(&format!("{}\n", parse(text).unwrap_err()));
}

const NAME: &str = "application: scr";

#[test]
fn durations() {
    let mistakes = [
        ("timeout: 10m", "timeout: 5 parsecs"),
        ("timeout: 10m", "timeout: 1.5h"),
        ("timeout: 10m", "timeout: 5"),
        ("timeout: 10m", "timeout: 30d"),
        ("bake: 5m", "bake: 200h"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
            # timeout: 5 parsecs
            environments.staging.timeout: "5 parsecs" is not a duration; write 90s, 15m or 2h
            # timeout: 1.5h
            environments.staging.timeout: "1.5h" is not a duration; write 90s, 15m or 2h
            # timeout: 5
            environments.staging.timeout: 5 has no unit; write 90s, 15m or 2h
            # timeout: 30d
            environments.staging.timeout: "30d" is not a duration; write 90s, 15m or 2h
            # bake: 200h
            environments.staging.bake: "200h" is out of bounds; write 0s to 24h
        "##]],
    );
}

#[test]
fn keys_that_are_mistyped() {
    let mistakes = [
        ("cluster:", "clutser:"),
        ("deploy_on", "deployOn"),
        ("checks:", "check:"),
        ("promoted_from", "promote_from"),
        ("    confirm: DEPLOY", "    confirmation_word: DEPLOY"),
        ("attempts: 10", "retries: 10"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r#"
        # clutser:
        environments.staging: nothing says where it runs; write cluster: scr-staging
        environments.staging.clutser: this key is not known; did you mean cluster?
        # deployOn
        environments.staging.deployOn: this key is not known; did you mean deploy_on?
        # check:
        environments.staging.check: this key is not known; did you mean checks?
        # promote_from
        environments.production.deploy_on.promote_from: this key is not known; did you mean promoted_from?
        # confirmation_word: DEPLOY
        environments.production.confirmation_word: this key is not known; write one of alarms, approval, bake, base, checks, cluster, confirm, deploy_on, failures, first_deploy, freeze, hosts, migration, queue, rollback, services, tag, timeout
        # retries: 10
        environments.production.checks[0].retries: this key is not known; write one of attempts, every, expect, timeout, url
    "#]],
    );
}

#[test]
fn names() {
    let mistakes = [
        (NAME, "application: SCR_Platform"),
        (NAME, "application:"),
        ("api: scr-api", "api: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/scr-api:latest"),
        ("web: scr-web", "web: scr-api"),
        ("cluster: scr-staging", "cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/scr-staging"),
        ("[scr-api, scr-ai-gateway, scr-web]", "[scr-api, scr ai gateway, scr-web]"),
        ("[scr-staging-5xx,", r#"["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scr-5xx","#),
        ("confirm: DEPLOY", "confirm: yes please"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
        # application: SCR_Platform
        application: "SCR_Platform" is not a short name; write 1 to 32 of a-z, 0-9 and -
        # application:
        application: it is missing; write application: scr
        # api: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/scr-api:latest
        images.api: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/scr-api:latest" is more than a repository; write only its name: scr-api
        # web: scr-api
        images.web: scr-api is the image api already; name each repository once, containers are found by it
        # cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/scr-staging
        environments.staging.cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/scr-staging" is an ARN; write only the name: scr-staging
        # [scr-api, scr ai gateway, scr-web]
        environments.staging.services[1]: "scr ai gateway" is not the name of a service; write letters, digits, - and _
        # ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scr-5xx",
        environments.staging.alarms[0]: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scr-5xx" is an ARN; write only the alarm's name: scr-5xx
        # confirm: yes please
        environments.production.confirm: "yes please" cannot be typed safely; write one word of letters and digits, such as DEPLOY
    "##]],
    );
}

#[test]
fn what_starts_a_deployment() {
    let mistakes = [
        (r#"tags: ["[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"]"#, "tags: latest"),
        (
            r#"tags: ["[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"]"#,
            r#"tags: ["[0-9a-f*"]"#,
        ),
        (
            r#"tags: ["[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"]"#,
            r#"tags: ["!v*"]"#,
        ),
        (r#"tags: ["[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"]"#, "tags: []"),
        (
            r#"tags: ["[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"], images: all"#,
            "images: all",
        ),
        ("images: all", "images: [api, wep]"),
        ("semver:>=0.0.0", "semver:latest"),
        ("promoted_from: staging", "promoted_from: stagign"),
        ("promoted_from: staging", "promoted_from: production"),
        ("images: all}", "images: all, promoted_from: production}"),
        ("tag: production-latest", "tag: slipway-latest"),
        ("tag: production-latest", "tag: deadbeef"),
        ("tag: production-latest", "tag: 1.10"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
            # tags: latest
            environments.staging.deploy_on.tags: a moving tag cannot say which pushes of 3 images belong together; tag every image with the commit, or describe them as separate applications
            # tags: ["[0-9a-f*"]
            environments.staging.deploy_on.tags[0]: "[0-9a-f*" has a [ that is never closed; write a pattern such as v{1,2}.* or [0-9a-f]*
            # tags: ["!v*"]
            environments.staging.deploy_on.tags[0]: "!v*" is negated, which is not supported; write patterns of the tags to deploy
            # tags: []
            environments.staging.deploy_on.tags: the list is empty; write ["v*"] or [latest]
            # images: all
            environments.staging.deploy_on: nothing would start a deployment; write tags: ["v*"] or promoted_from: staging, or remove deploy_on
            # images: [api, wep]
            environments.staging.deploy_on.images[1]: "wep" is not one of the images; did you mean web?
            # semver:latest
            environments.production.deploy_on.tags[0]: "semver:latest" is not a range of versions (unexpected character 'l' while parsing major version number); write semver:>=1.2, <2
            # promoted_from: stagign
            environments.production.deploy_on.promoted_from: there is no environment stagign; did you mean staging?
            # promoted_from: production
            environments.production.deploy_on.promoted_from: an environment cannot wait for itself; name the one that comes before it
            # images: all, promoted_from: production}
            environments.production.deploy_on.promoted_from: promotion goes in a circle: production from staging from production; remove one of them
            # tag: slipway-latest
            environments.production.tag: tags that begin with slipway- are Slipway's own; choose another
            # tag: deadbeef
            environments.production.tag: staging deploys pushes of deadbeef, so this would loop; choose a tag that no deploy_on.tags matches
            # tag: 1.10
            environments.production.tag: 1.1 is not text; put it in quotes, exactly as it is meant
        "##]],
    );
}

#[test]
fn freezes() {
    let mistakes = [
        ("bake: 5m", "freeze: [{from: friday, to: mon 08:00, time_zone: Europe/Berlin}]"),
        ("bake: 5m", "freeze: [{from: fri 18:00, to: mon 08:00, time_zone: Europe/Berln}]"),
        ("bake: 5m", "freeze: [{from: fri 18:00, to: mon 08:00}]"),
        ("bake: 5m", "freeze: [{from: fri 18:00, to: fri 18:00, time_zone: UTC}]"),
        ("bake: 5m", "freeze: [{from: fri 18:00, to: 2026-12-20T00:00, time_zone: UTC}]"),
        ("bake: 5m", "freeze: [{from: 2027-01-03T00:00, to: 2026-12-20T00:00, time_zone: UTC}]"),
        ("bake: 5m", "freeze: [{from: 2026-12-20, to: 2027-01-03, time_zone: UTC}]"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
        # freeze: [{from: friday, to: mon 08:00, time_zone: Europe/Berlin}]
        environments.staging.freeze[0].from: "friday" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        # freeze: [{from: fri 18:00, to: mon 08:00, time_zone: Europe/Berln}]
        environments.staging.freeze[0].time_zone: "Europe/Berln" is not a time zone; write its IANA name, such as Europe/Berlin or UTC
        # freeze: [{from: fri 18:00, to: mon 08:00}]
        environments.staging.freeze[0].time_zone: it is missing; write time_zone: Europe/Berlin
        # freeze: [{from: fri 18:00, to: fri 18:00, time_zone: UTC}]
        environments.staging.freeze: the weekly windows leave no gap, so nothing could ever start; shorten one
        environments.staging.freeze[0]: it ends when it begins; write a later day or time
        # freeze: [{from: fri 18:00, to: 2026-12-20T00:00, time_zone: UTC}]
        environments.staging.freeze[0]: one end is a day of the week and the other a date; write two of a kind
        # freeze: [{from: 2027-01-03T00:00, to: 2026-12-20T00:00, time_zone: UTC}]
        environments.staging.freeze[0]: it ends before it begins; swap from and to
        # freeze: [{from: 2026-12-20, to: 2027-01-03, time_zone: UTC}]
        environments.staging.freeze[0].from: "2026-12-20" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        environments.staging.freeze[0].to: "2027-01-03" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
    "##]],
    );
}

#[test]
fn weeks_without_a_gap() {
    let mistakes = [(
        "bake: 5m",
        "freeze: [{from: fri 18:00, to: mon 08:00, time_zone: UTC}, {from: mon 07:00, to: fri 18:00, time_zone: UTC}]",
    )];
    check(
        SCR,
        &mistakes,
        expect![[r#"
        # freeze: [{from: fri 18:00, to: mon 08:00, time_zone: UTC}, {from: mon 07:00, to: fri 18:00, time_zone: UTC}]
        environments.staging.freeze: the weekly windows leave no gap, so nothing could ever start; shorten one
    "#]],
    );
}

#[test]
fn single_words() {
    let mistakes = [
        ("bake: 5m", "queue: oldest"),
        ("bake: 5m", "approval: maybe"),
        ("bake: 5m", "approval: {expires: 10s}"),
        ("bake: 5m", "failures: {tasks: none, sidecars: rollback}"),
        ("bake: 5m", "base: newest"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
        # queue: oldest
        environments.staging.queue: "oldest" is not known here; write one of newest, every
        # approval: maybe
        environments.staging.approval: "maybe" is neither true nor false; write one of them
        # approval: {expires: 10s}
        environments.staging.approval.expires: "10s" is out of bounds; write 1m to 168h
        # failures: {tasks: none, sidecars: rollback}
        environments.staging.failures.sidecars: "rollback" is not known here; did you mean roll_back?
        environments.staging.failures.tasks: "none" is not a whole number from 1 to 1000
        # base: newest
        environments.staging.base: "newest" is not known here; write one of running, latest
    "##]],
    );
}

#[test]
fn secrets_are_never_repeated() {
    for (right, place) in [
        ("cluster: scr-staging", "cluster: "),
        ("timeout: 10m", "timeout: "),
        (NAME, "application: "),
    ] {
        let login = format!("{place}postgres://scr:hunter2@db/scr");
        let faults = parse(&SCR.replacen(right, &login, 1)).unwrap_err().to_string();
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn one_service_in_two_environments() {
    check_text(
        "application: a\nimages: {a: aa}\nenvironments:\n  one: {cluster: c, services: [x, y]}\n  two: {cluster: c, services: [[z, y]]}\n",
        expect![[r#"
            environments.two.services: y is also in one, on the same cluster or hosts; a service belongs to one environment
        "#]],
    );
}

#[test]
fn many_mistakes_are_reported_at_once_in_order() {
    check_text(
        "application: A\nimages: {}\nenvironments:\n  staging:\n    services: [a, {name: b, timeout: 5 parsecs}, {}]\n    timeout: 1s\n    extra: 1\n  production: 5\n",
        expect![[r#"
            application: "A" is not a short name; write 1 to 32 of a-z, 0-9 and -
            environments.production: 5 is not a map; write {cluster: scr-staging, services: [scr-api]}, or indent it if it belongs to the environment before it
            environments.staging: nothing says where it runs; write cluster: scr-staging
            environments.staging.extra: this key is not known; write one of alarms, approval, bake, base, checks, cluster, confirm, deploy_on, failures, first_deploy, freeze, hosts, migration, queue, rollback, services, tag, timeout
            environments.staging.services[1].timeout: "5 parsecs" is not a duration; write 90s, 15m or 2h
            environments.staging.services[2].name: it is missing; write name: scr-api
            environments.staging.timeout: "1s" is out of bounds; write 10s to 24h
            images: there is nothing in it; write {api: scr-api}
        "#]],
    );
    check_text(
        "{}",
        expect![[r#"
            application: it is missing; write application: scr
            environments: it is missing; write environments: {staging: {cluster: …, services: […]}}
            images: it is missing; write images: {api: scr-api}
        "#]],
    );
    check_text(
        "application: a\nimages: {a: aa}\nenvironments: {}\n",
        expect![[r#"
            environments: there is nothing in it; write {staging: {…}}
        "#]],
    );
}

#[test]
fn a_mebibyte_of_mistakes_is_answered_soon() {
    let services: Vec<String> = (0..40_000).map(|key| format!("\"unknown{key}\":0")).collect();
    let keys = services.join(",");
    let faults = parse(&format!("{{{keys}}}")).unwrap_err();
    assert_eq!(faults.iter().last().unwrap().to_string(), "and at least 900 more mistakes");
}

#[test]
fn more_mistakes_than_anybody_reads_are_not_collected() {
    let container = format!("{{name: a, image: a, environment: [{}]}}", "{}, ".repeat(500));
    let containers = format!("{container}, ").repeat(10);
    let template = format!("{{family: a, containerDefinitions: [{containers}]}}");
    let base = format!("    base: {{template: {template}}}\n    bake: 5m");
    let faults = parse(&SCR.replacen("    bake: 5m", &base, 1)).unwrap_err();
    assert_eq!(faults.iter().last().unwrap().to_string(), "and at least 900 more mistakes");
}

#[test]
fn a_document_of_mistakes_is_answered_in_part() {
    let keys: String = (0..500).map(|key| format!("key-{key}: 1\n")).collect();
    let faults = parse(&keys).unwrap_err();
    assert_eq!(faults.iter().count(), 101);
    assert_eq!(faults.iter().last().unwrap().to_string(), "and at least 403 more mistakes");
}
