//! Single values: how they may be written, and their limits.

use crate::names::{answers, small, with};
use expect_test::{Expect, expect};
use pipeline::spec::{Fault, Faults, parse};

/// Each text is an entry of an environment.
fn check(entries: &[&str], told: Expect) {
    told.assert_eq(&answers(with, entries));
}

fn numbered(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn durations_and_their_bounds() {
    check(
        &[
            "bake: 0",
            "bake: '0'",
            "bake: 0s",
            "bake: 1h30m",
            "bake: ' 90s '",
            "bake: 24h",
            "bake: 24h1s",
            "bake: 10",
            "bake: ''",
            "bake: [5m]",
            "bake: 5m1h",
            "bake: 5m5m",
            "bake: h",
            "bake: +5m",
            "bake: 5 m",
            "bake: 99999999999999999999h",
            "bake: 9999999999999999h",
            "timeout: 10s",
            "timeout: 9s",
            "timeout: 0",
            "approval: {expires: 168h}",
            "approval: {expires: 168h1s}",
        ],
        expect![[r#"
            bake: 0: read
            bake: '0': read
            bake: 0s: read
            bake: 1h30m: read
            bake: ' 90s ': read
            bake: 24h: read
            bake: 24h1s: "24h1s" is out of bounds; write 0s to 24h
            bake: 10: 10 has no unit; write 90s, 15m or 2h
            bake: '': "" is not a duration; write 90s, 15m or 2h
            bake: [5m]: a list is not a duration; write 90s, 15m or 2h
            bake: 5m1h: "5m1h" is not a duration; write 90s, 15m or 2h
            bake: 5m5m: "5m5m" is not a duration; write 90s, 15m or 2h
            bake: h: "h" is not a duration; write 90s, 15m or 2h
            bake: +5m: "+5m" is not a duration; write 90s, 15m or 2h
            bake: 5 m: "5 m" is not a duration; write 90s, 15m or 2h
            bake: 99999999999999999999h: "99999999999999999999h" is not a duration; write 90s, 15m or 2h
            bake: 9999999999999999h: "9999999999999999h" is out of bounds; write 0s to 24h
            timeout: 10s: read
            timeout: 9s: "9s" is out of bounds; write 10s to 24h
            timeout: 0: 0 is out of bounds; write 10s to 24h
            approval: {expires: 168h}: read
            approval: {expires: 168h1s}: "168h1s" is out of bounds; write 1m to 168h
        "#]],
    );
}

#[test]
fn words_and_numbers_that_are_written_as_text_or_not() {
    check(
        &[
            "approval: true",
            "approval: false",
            "approval: 'true'",
            "approval: 'false'",
            "approval: 'yes'",
            "approval: 1",
            "failures: {tasks: 1000}",
            "failures: {tasks: '5'}",
            "failures: {tasks: ' 5 '}",
            "failures: {tasks: 0}",
            "failures: {tasks: 1001}",
            "failures: {tasks: 5.5}",
            "failures: {tasks: -5}",
            "failures: {tasks: five}",
            "failures: {tasks: true}",
            "failures: 5",
            "confirm: 42",
            "confirm: 4.2",
            "confirm: true",
            "confirm: [a]",
            "confirm: {a: b}",
            "confirm: null",
            "freeze: [null]",
            "checks: [{url: null}]",
            "alarms: [null, true]",
            "queue: 5",
            "queue: newest@shop",
            "queue: 'https://shop.example'",
            "queue: 'https://ann:hunter2@shop.example'",
            "deploy_on: {tags: latest, images: {a: b}}",
        ],
        expect![[r#"
            approval: true: read
            approval: false: read
            approval: 'true': read
            approval: 'false': read
            approval: 'yes': "yes" is neither true nor false; write one of them
            approval: 1: 1 is neither true nor false; write one of them
            failures: {tasks: 1000}: read
            failures: {tasks: '5'}: read
            failures: {tasks: ' 5 '}: read
            failures: {tasks: 0}: 0 is not a whole number from 1 to 1000
            failures: {tasks: 1001}: 1001 is not a whole number from 1 to 1000
            failures: {tasks: 5.5}: 5.5 is not a whole number from 1 to 1000
            failures: {tasks: -5}: -5 is not a whole number from 1 to 1000
            failures: {tasks: five}: "five" is not a whole number from 1 to 1000
            failures: {tasks: true}: true is not a whole number from 1 to 1000
            failures: 5: 5 is not a map; write {tasks: 3, sidecars: warn}
            confirm: 42: read
            confirm: 4.2: 4.2 is not text; put it in quotes, exactly as it is meant
            confirm: true: true is not text; put it in quotes, exactly as it is meant
            confirm: [a]: a list is not text; write one value, without brackets and dashes
            confirm: {a: b}: a map is not text; write one value, in quotes if it has a colon
            confirm: null: read
            freeze: [null]: nothing is not a map; write {from: "fri 18:00", to: "mon 08:00", time_zone: Europe/Berlin}
            checks: [{url: null}]: it is missing; write url: "https://example.com/health"
            alarms: [null, true]: nothing is not text; write one value, in quotes if it has a colon | true is not text; put it in quotes, exactly as it is meant
            queue: 5: 5 is not known here; write one of newest, every
            queue: newest@shop: "newest@shop" is not known here; write one of newest, every
            queue: 'https://shop.example': "https://shop.example" is not known here; write one of newest, every
            queue: 'https://ann:hunter2@shop.example': a text with a login in it is not known here; write one of newest, every
            deploy_on: {tags: latest, images: {a: b}}: a map is not a list; write all, or a list such as [api, web]
        "#]],
    );
}

#[test]
fn an_approval_is_waited_for_only_when_it_is_wanted() {
    let expiry = |entry: &str| {
        let application = parse(&with(entry)).unwrap();
        let approval = &application.environments[&"b".into()].approval;
        approval.as_ref().map(|approval| approval.expires.to_string())
    };
    assert_eq!(expiry("bake: 0"), None);
    assert_eq!(expiry("approval: false"), None);
    assert_eq!(expiry("approval: 'false'"), None);
    assert_eq!(expiry("approval: 'true'"), Some("24h".into()));
    assert_eq!(expiry("approval: {}"), Some("24h".into()));
    assert_eq!(expiry("approval: {expires: 90m}"), Some("1h30m".into()));
}

#[test]
fn a_bake_is_five_minutes_where_there_are_alarms() {
    let bake =
        |entry: &str| parse(&with(entry)).unwrap().environments[&"b".into()].bake.to_string();
    assert_eq!(bake("checks: []"), "0s");
    assert_eq!(bake("alarms: []"), "0s");
    assert_eq!(bake("alarms: [shop-5xx]"), "5m");
    assert_eq!(bake("alarms: [shop-5xx], bake: 0"), "0s");
}

/// Each line: one more than may be, and before it as many.
#[test]
fn how_many_of_anything_there_may_be() {
    let mut told = String::new();
    let mut tell = |most: usize, spec: &dyn Fn(usize) -> String| {
        assert_eq!(parse(&spec(most)).map(|_| ()), Ok(()));
        told.push_str(&format!("{}\n", parse(&spec(most + 1)).unwrap_err()));
    };
    let services = |list: String| small("{api: shop}", &format!("cluster: c, services: [{list}]"));
    tell(50, &|n| services(numbered(n, |i| format!("s{i}"))));
    tell(200, &|n| services(format!("[{}]", numbered(n, |i| format!("s{i}")))));
    tell(200, &|n| {
        let (one, rest) = ("[s, t]", numbered(n - 2, |i| format!("s{i}")));
        services(format!("{one}, [{rest}]"))
    });
    tell(50, &|n| {
        let images = numbered(n, |i| format!("i{i}: shop{i}"));
        small(&format!("{{{images}}}"), "cluster: c, services: [d]")
    });
    tell(20, &|n| {
        let environments = numbered(n, |i| format!("e{i}: {{cluster: c{i}, services: [d]}}"));
        format!("{{application: a, images: {{api: shop}}, environments: {{{environments}}}}}")
    });
    tell(20, &|n| with(&format!("deploy_on: {{tags: [{}]}}", numbered(n, |i| format!("'v{i}*'")))));
    tell(20, &|n| {
        with(&format!("checks: [{}]", numbered(n, |i| format!("{{url: 'https://a/{i}'}}"))))
    });
    tell(50, &|n| {
        let statuses = numbered(n, |i| format!("{}", 200 + i));
        with(&format!("checks: [{{url: 'https://a/', expect: [{statuses}]}}]"))
    });
    tell(100, &|n| with(&format!("alarms: [{}]", numbered(n, |i| format!("a{i}")))));
    tell(50, &|n| {
        let day = |i| format!("{{from: 'fri 1:{i:02}', to: 'fri 2:00', time_zone: UTC}}");
        with(&format!("freeze: [{}]", numbered(n, day)))
    });
    tell(5, &|n| {
        let tags = numbered(n, |i| format!("t{i}: x"));
        let service = "{name: web, container: {image: api}}";
        small("{api: shop}", &format!("hosts: {{tags: {{{tags}}}}}, services: [{service}]"))
    });
    let command = |words: String| {
        with(&format!("migration: {{service: d, container: d, command: [{words}]}}"))
    };
    tell(100, &|n| command(numbered(n, |_| "x".to_owned())));
    tell(7000, &|n| command("x".repeat(n)));
    expect![[r#"
        environments.b.services: there are 51; at most 50 are allowed
        environments.b.services[0]: there are 201; at most 200 are allowed
        environments.b.services: there are 201; at most 200 are allowed
        images: there are 51; at most 50 are allowed
        environments: there are 21; at most 20 are allowed
        environments.b.deploy_on.tags: there are 21; at most 20 are allowed
        environments.b.checks: there are 21; at most 20 are allowed
        environments.b.checks[0].expect: there are 51; at most 50 are allowed
        environments.b.alarms: there are 101; at most 100 are allowed
        environments.b.freeze: there are 51; at most 50 are allowed
        environments.b.hosts.tags: there are 6; at most 5 are allowed
        environments.b.migration.command: there are 101; at most 100 are allowed
        environments.b.migration.command: the command is longer than ECS takes; put it in a script in the image
    "#]].assert_eq(&told);
}

#[test]
fn the_values_of_host_tags() {
    let hosts = |value: &str| {
        let service = "{name: web, container: {image: api}}";
        small("{api: shop}", &format!("hosts: {{tags: {{a: '{value}'}}}}, services: [{service}]"))
    };
    let long = "a".repeat(256);
    expect![[r#"
        x: read
        : "" is empty; every host would be meant
          : "  " is empty; every host would be meant
        256 letters: read
        257 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is longer than a tag can be
    "#]].assert_eq(&answers(hosts, &["x", "", "  ", &long, &format!("{long}a")]));
}

#[test]
fn what_is_named_twice() {
    check(
        &[
            "deploy_on: {tags: latest, images: [api, api]}",
            "alarms: [shop-5xx, shop-5xx]",
            "deploy_on: {tags: latest, images: [web]}",
            "deploy_on: {tags: latest, images: []}",
            "deploy_on: {tags: latest, images: all}",
            "deploy_on: {tags: latest, images: some}",
        ],
        expect![[r#"
            deploy_on: {tags: latest, images: [api, api]}: api is listed twice; keep one
            alarms: [shop-5xx, shop-5xx]: shop-5xx is listed twice; keep one
            deploy_on: {tags: latest, images: [web]}: "web" is not one of the images; write one of api
            deploy_on: {tags: latest, images: []}: the list is empty; write all, or a list such as [api, web]
            deploy_on: {tags: latest, images: all}: read
            deploy_on: {tags: latest, images: some}: "some" is not a list; write all, or a list such as [api, web]
        "#]],
    );
}

#[test]
fn mistakes_that_follow_from_another_are_not_reported() {
    let told = |spec: &str| parse(spec).unwrap_err().to_string();
    let no_images = small("{}", "cluster: c, services: [d], deploy_on: {tags: v1, images: [api]}");
    let on_hosts =
        small("5", "hosts: {tags: {a: b}}, services: [{name: d, container: {image: x}}]");
    let migration = "migration: {service: d, container: d, command: [x]}";
    let no_services = small("{api: shop}", &format!("cluster: c, services: [], {migration}"));
    expect![[r#"
        images: there is nothing in it; write {api: scr-api}
        images: 5 is not a map; write {api: scr-api}
        environments.b.services: the list is empty; write [scr-api, scr-web]; an inner list goes out together"#]].assert_eq(&[told(&no_images), told(&on_hosts), told(&no_services)].join("\n"));
}

#[test]
fn keys_that_need_quotes_are_shown_in_them() {
    let long = "a".repeat(60);
    let blank = format!("{} a", &long[..58]);
    let (longer, longer_blank) = (format!("{long}a"), format!("{blank}a"));
    let keys = ["a-b_C9", "", "a b", "a.b", "größe", &long, &longer, &blank, &longer_blank];
    let told: Vec<String> = keys
        .iter()
        .map(|key| {
            let faults = parse(&with(&format!("failures: {{'{key}': 1}}"))).unwrap_err();
            let fault = faults.iter().next().map(|fault| fault.path.clone());
            fault.unwrap_or_default()
        })
        .collect();
    expect![[r#"
        environments.b.failures.a-b_C9
        environments.b.failures[""]
        environments.b.failures["a b"]
        environments.b.failures["a.b"]
        environments.b.failures["größe"]
        environments.b.failures.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        environments.b.failures["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"]
        environments.b.failures["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a"]
        environments.b.failures["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a…"]"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn faults_found_elsewhere_are_reported_like_the_rest() {
    assert_eq!(Faults::refuse_for(vec![]), Ok(()));
    let fault = |path: &str| Fault { path: path.into(), message: "it is not there".into() };
    let faults = Faults::refuse_for(vec![fault(""), fault("images.api")]).unwrap_err();
    assert_eq!(faults.to_string(), "it is not there\nimages.api: it is not there");
}
