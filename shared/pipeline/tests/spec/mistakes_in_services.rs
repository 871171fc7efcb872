//! Mistakes in services, migrations, checks, templates and hosts.

use crate::examples::{FACEPLATE, OMEN_EPR, SCR};
use crate::mistakes::check;
use crate::names::{answers, small};
use expect_test::expect;
use pipeline::spec::parse;

#[test]
fn services() {
    let mistakes = [
        ("[scr-api, scr-ai-gateway, scr-web]", "scr-api"),
        ("[scr-api, scr-ai-gateway, scr-web]", "[]"),
        ("[scr-api, scr-ai-gateway, scr-web]", "[scr-api, [scr-web, scr-api], []]"),
        ("{name: scr-api-production, timeout: 15m}", "{nam: scr-api-production, timeout: 15m}"),
        ("cluster: scr-staging", "cluster: scr-staging\n    hosts: {tags: {Name: scr}}"),
        ("    cluster: scr-staging\n", ""),
        (
            "services: [scr-api, scr-ai-gateway, scr-web]",
            "services: [{name: scr-api, container: {image: api}}]",
        ),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
            # scr-api
            environments.staging.services: "scr-api" is not a list; write [scr-api, scr-web]; an inner list goes out together
            # []
            environments.staging.services: the list is empty; write [scr-api, scr-web]; an inner list goes out together
            # [scr-api, [scr-web, scr-api], []]
            environments.staging.services[1][1]: scr-api is listed twice; keep one
            environments.staging.services[2]: the list is empty; write [scr-api, scr-web]; an inner list goes out together
            # {nam: scr-api-production, timeout: 15m}
            environments.production.migration.service: "scr-api-production" is not one of the services; did you mean scr-web-production?
            environments.production.services[0].nam: this key is not known; did you mean name?
            environments.production.services[0].name: it is missing; write name: scr-api
            # cluster: scr-staging | hosts: {tags: {Name: scr}}
            environments.staging: there are both cluster and hosts; keep one of them
            # without     cluster: scr-staging
            environments.staging: nothing says where it runs; write cluster: scr-staging
            # services: [{name: scr-api, container: {image: api}}]
            environments.staging.services[0].container: this is for containers on hosts; the task definition says it here, remove it
        "##]],
    );
}

#[test]
fn migrations() {
    let mistakes = [
        (
            "command: [poetry, run, alembic, upgrade, head]",
            "command: poetry run alembic upgrade head",
        ),
        ("service: scr-api\n", "service: scr-appi\n"),
        ("      container: api\n", ""),
        ("bake: 5m", "bake: 5m\n    rollback: undo"),
        (
            r#"      undo: [poetry, run, alembic, downgrade, "-1"]    #"#,
            "    rollback: after_undo #",
        ),
        (
            "command: [poetry, run, alembic, upgrade, head]",
            r#"command: [psql, "postgres://scr:hunter2@db/scr"]"#,
        ),
        ("container: api\n", "container: api\n      on_host: true\n"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
            # command: poetry run alembic upgrade head
            environments.staging.migration.command: "poetry run alembic upgrade head" is not a list; write each word as an item: [alembic, upgrade, head]
            # service: scr-appi
            environments.staging.migration.service: "scr-appi" is not one of the services; did you mean scr-api?
            # without       container: api
            environments.staging.migration.container: it is missing; write the container whose image has the command
            # bake: 5m | rollback: undo
            environments.staging.rollback: "undo" is not known here; write one of auto, after_undo, manual
            # rollback: after_undo #
            environments.staging.rollback: after_undo needs the command that takes the migration back; write migration.undo, or rollback: auto or manual
            # command: [psql, "postgres://scr:hunter2@db/scr"]
            environments.staging.migration.command[1]: it contains a password, and many people can read commands; read it from a secret
            # container: api | on_host: true
            environments.staging.migration.on_host: a cluster has no host to run on; remove on_host
        "##]],
    );
}

#[test]
fn checks_and_alarms() {
    let mistakes = [
        ("https://api.staging.scr-platform.com/health", "api.staging.scr-platform.com/health"),
        ("https://api.staging.scr-platform.com/health", "https:///health"),
        (
            "https://api.staging.scr-platform.com/health",
            "https://me:secret@scr-platform.com/health",
        ),
        ("expect: [200]", "expect: [2000, ok]"),
        ("expect: [200]", "expect: []"),
        ("attempts: 10", "attempts: 0"),
        ("alarms: [scr-staging-5xx, scr-staging-p99]", "alarms: scr-staging-5xx"),
        ("alarms: [scr-staging-5xx, scr-staging-p99]", "alarms: {names: [a, a], at_start: stop}"),
    ];
    check(
        SCR,
        &mistakes,
        expect![[r##"
            # api.staging.scr-platform.com/health
            environments.staging.checks[0].url: "api.staging.scr-platform.com/health" is not a URL; begin with https:// or http://
            # https:///health
            environments.staging.checks[0].url: "https:///health" has no host; write https://example.com/health
            # https://me:secret@scr-platform.com/health
            environments.staging.checks[0].url: a text with a login in it contains a login; remove it
            # expect: [2000, ok]
            environments.staging.checks[0].expect[0]: 2000 is not a whole number from 100 to 599
            environments.staging.checks[0].expect[1]: "ok" is not a whole number from 100 to 599
            # expect: []
            environments.staging.checks[0].expect: the list is empty; write [200]
            # attempts: 0
            environments.production.checks[0].attempts: 0 is not a whole number from 1 to 100
            # alarms: scr-staging-5xx
            environments.staging.alarms: "scr-staging-5xx" is not a list; write [scr-5xx, scr-p99]
            # alarms: {names: [a, a], at_start: stop}
            environments.staging.alarms.at_start: "stop" is not known here; write one of block, warn, ignore
            environments.staging.alarms.names[1]: a is listed twice; keep one
        "##]],
    );
}

#[test]
fn templates() {
    let mistakes = [
        (
            "audit_queue_url: https://sqs.us-east-1.amazonaws.com/123456789012/epr-audit-events-queue",
            r#"audit_queue_url: """#,
        ),
        ("            log_group: /ecs/omen-epr\n", ""),
        ("log_group: /ecs/omen-epr", "log_group: /ecs/omen-epr\n            spare: 1"),
        ("{name: EPR_LOG_LEVEL, value: INFO}", "{name: EPR_REDIS_TOKEN, value: abc123}"),
        (
            "{name: EPR_LOG_LEVEL, value: INFO}",
            r#"{name: EPR_DATABASE, value: "postgresql://user:hunter2@rds:5432/epr"}"#,
        ),
        ("container: omen-epr\n", "container: omen-api\n"),
        ("family: omen-epr", "revision: 5"),
        ("containerDefinitions", "ContainerDefinitions"),
        ("base:\n", "bass:\n"),
        ("subnet-0a1b2c3d4e5f60001", "vpc-1"),
    ];
    check(
        OMEN_EPR,
        &mistakes,
        expect![[r##"
            # audit_queue_url: ""
            environments.production.services[0].base.parameters.audit_queue_url: audit_queue_url is empty: the container would start and fail; give it a value or remove the container from the template
            # without             log_group: /ecs/omen-epr
            environments.production.services[0].base.template: ${log_group} has no value; write parameters: {log_group: …}, or $${log_group} if the container is to see it as it is
            # log_group: /ecs/omen-epr | spare: 1
            environments.production.services[0].base.parameters.spare: nothing uses it; write ${spare} in the template or remove it
            # {name: EPR_REDIS_TOKEN, value: abc123}
            environments.production.services[0].base.template.containerDefinitions[0].environment[1]: EPR_REDIS_TOKEN is a secret that everyone could read here; move it to secrets: [{name: EPR_REDIS_TOKEN, valueFrom: the ARN of its secret}]
            environments.production.services[0].base.template.containerDefinitions[1].environment[1]: EPR_REDIS_TOKEN is a secret that everyone could read here; move it to secrets: [{name: EPR_REDIS_TOKEN, valueFrom: the ARN of its secret}]
            # {name: EPR_DATABASE, value: "postgresql://user:hunter2@rds:5432/epr"}
            environments.production.services[0].base.template.containerDefinitions[0].environment[1]: EPR_DATABASE is a secret that everyone could read here; move it to secrets: [{name: EPR_DATABASE, valueFrom: the ARN of its secret}]
            environments.production.services[0].base.template.containerDefinitions[1].environment[1]: EPR_DATABASE is a secret that everyone could read here; move it to secrets: [{name: EPR_DATABASE, valueFrom: the ARN of its secret}]
            # container: omen-api
            environments.production.services[0].create.load_balancer.container: "omen-api" is not in the template; did you mean omen-epr?
            # revision: 5
            environments.production.services[0].base.template.family: it is missing; write the task definition's family, such as scr-api
            environments.production.services[0].base.template.revision: ECS sets this; remove it
            # ContainerDefinitions
            environments.production.services[0].base.template.containerDefinitions: it is missing; write [{name: api, image: scr-api}]
            # bass:
            environments.production.services[0].bass: this key is not known; did you mean base?
            environments.production.services[0].create: a service that does not exist runs no task definition to start from; write base: {template: …} beside it
            # vpc-1
            environments.production.services[0].create.subnets[0]: "vpc-1" is not a subnet; write its id: subnet-…
        "##]],
    );
}

#[test]
fn hosts() {
    let mistakes = [
        ("{tags: {Component: faceplate, Environment: dev}}", "{tags: {}}"),
        ("{tags: {Component: faceplate, Environment: dev}}", "[i-0123456789]"),
        (
            "        container: {image: app, ports: [\"8000:8000\"], env_file: /etc/faceplate.env}\n",
            "",
        ),
        ("image: app", "image: api"),
        ("8000:8000", "8000"),
        ("/etc/faceplate.env", "/etc/face plate.env; rm -rf /"),
        ("timeout: 5m", "base: latest"),
        (
            "- name: faceplate\n        timeout: 5m\n        container: {image: app, ports: [\"8000:8000\"], env_file: /etc/faceplate.env}",
            "- faceplate",
        ),
        ("Environment: prod", "Environment: dev"),
    ];
    check(
        FACEPLATE,
        &mistakes,
        expect![[r##"
            # {tags: {}}
            environments.dev.hosts.tags: there is nothing in it; write {Component: faceplate}
            # [i-0123456789]
            environments.dev.hosts: a list is not a map; write {tags: {Component: faceplate}}
            # without         container: {image: app, ports: ["8000:8000"], env_file: /etc/faceplate.env}
            environments.dev.services[0].container: it is missing; write container: {image: api, ports: ["8000:8000"]}
            # image: api
            environments.dev.services[0].container.image: "api" is not one of the images; did you mean app?
            # 8000
            environments.dev.services[0].container.ports[0]: "8000" is not a port mapping; write "8000:8000": the host's port, then the container's
            # /etc/face plate.env; rm -rf /
            environments.dev.services[0].container.env_file: "/etc/face plate.env; rm -rf /" is not a file on the host; write its whole path, such as /etc/faceplate.env
            # base: latest
            environments.dev.services[0].base: this is for services of a cluster; hosts run containers, remove it
            # - faceplate
            environments.dev.services[0]: nothing says how it is run; write {name: faceplate, container: {image: …}}
            # Environment: dev
            environments.prod.services: faceplate is also in dev, on the same cluster or hosts; a service belongs to one environment
        "##]],
    );
}

/// A host reports all of them in one answer, and what does not fit would be lost.
#[test]
fn more_containers_than_a_host_can_report() {
    let services = |count: usize| {
        let one = |number| format!("{{name: web{number}, container: {{image: web}}}}");
        let list: Vec<String> = (0..count).map(one).collect();
        format!(
            "{{application: shop, images: {{web: shop}}, environments: {{live: {{hosts: {{tags: \
             {{Component: shop}}}}, services: [[{}]]}}}}}}",
            list.join(", ")
        )
    };
    assert!(parse(&services(50)).is_ok());
    let faults = parse(&services(51)).unwrap_err().to_string();
    let told = "environments.live.services: there are 51; at most 50 are allowed on hosts, so move some to \
                another environment";
    assert_eq!(faults.trim(), told);
}

#[test]
fn a_name_that_stands_where_a_key_belongs() {
    let told = answers(
        |service| small("{api: shop}", &format!("cluster: c, services: [{service}]")),
        &[
            "{shop: {timeout: 5m}}",
            "{shop: {}}",
            "{shop: null}",
            "{shop: 5m}",
            "{'shop web': {}}",
            "{base: {}}",
            "{shop: {}, web: {}}",
        ],
    );
    expect![[r#"
        {shop: {timeout: 5m}}: its name is written as a key; write {name: shop, …}
        {shop: {}}: its name is written as a key; write {name: shop, …}
        {shop: null}: its name is written as a key; write {name: shop, …}
        {shop: 5m}: it is missing; write name: scr-api | this key is not known; write one of base, container, create, name, timeout
        {'shop web': {}}: it is missing; write name: scr-api | this key is not known; write one of base, container, create, name, timeout, or indent it if it belongs to what stands before it
        {base: {}}: it is missing; write name: scr-api
        {shop: {}, web: {}}: it is missing; write name: scr-api | this key is not known; write one of base, container, create, name, timeout, or indent it if it belongs to what stands before it | this key is not known; write one of base, container, create, name, timeout, or indent it if it belongs to what stands before it
    "#]].assert_eq(&told);
}

#[test]
fn one_container_on_hosts_of_two_environments() {
    let overlap = |one: &str, two: &str| {
        let place = |tags: &str| {
            let service = "{name: web, container: {image: a}}";
            format!("{{hosts: {{tags: {{{tags}}}}}, services: [{service}]}}")
        };
        let places = format!("{{one: {}, two: {}}}", place(one), place(two));
        parse(&format!("{{application: a, images: {{a: aa}}, environments: {places}}}")).is_err()
    };
    assert!(overlap("App: web", "App: web"));
    assert!(overlap("App: web", "App: web, Stage: live"));
    assert!(overlap("App: web, Stage: live", "App: web"));
    assert!(!overlap("App: web, Stage: live", "App: web, Stage: test"));
    assert!(!overlap("App: web", "Stage: live"));
}
