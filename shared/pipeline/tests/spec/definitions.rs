//! Task definitions in templates, read as closely as ECS reads them.

use crate::names::{answers, small};
use expect_test::{Expect, expect};
use pipeline::spec::{ANSWERED, parse};

fn with_template(base: &str) -> String {
    small("{api: shop, web: shop-web}", &format!("cluster: c, services: [d], base: {{{base}}}"))
}

/// Each text is what stands in a template besides its family and a container.
fn check_beside(texts: &[&str], told: Expect) {
    let spec = |rest: &str| {
        let containers = "[{name: api, image: shop}]";
        let template = format!("{{family: shop, containerDefinitions: {containers}, {rest}}}");
        with_template(&format!("template: {template}"))
    };
    told.assert_eq(&answers(spec, texts));
}

/// Each text is what stands in the only container besides its name and image.
fn check_container(texts: &[&str], told: Expect) {
    let spec = |rest: &str| {
        let container = format!("{{name: api, image: shop, {rest}}}");
        let template = format!("{{family: shop, containerDefinitions: [{container}]}}");
        with_template(&format!("template: {template}"))
    };
    told.assert_eq(&answers(spec, texts));
}

/// Each text is a list of containers.
fn check_containers(texts: &[&str], told: Expect) {
    let spec = |list: &str| {
        with_template(&format!("template: {{family: shop, containerDefinitions: {list}}}"))
    };
    told.assert_eq(&answers(spec, texts));
}

#[test]
fn numbers_and_flags_in_a_container() {
    check_container(
        &[
            "cpu: 256",
            "cpu: '256'",
            "cpu: lots",
            "memory: [1]",
            "memory: null",
            "memory: 0.5",
            "ulimits: [{name: memlock, softLimit: -1, hardLimit: -1}]",
            "ulimits: [{name: memlock, softLimit: none, hardLimit: 5}]",
            "portMappings: [{containerPort: http}]",
            "portMappings: [{containerPort: 18446744073709551615}]",
            "essential: 'true'",
            "essential: mostly",
            "essential: 1",
            "linuxParameters: {initProcessEnabled: 'yes'}",
            "linuxParameters: {tmpfs: [{size: big}]}",
            "healthCheck: {command: [CMD, x], interval: often}",
            "dockerLabels: {size: big, essential: mostly}",
            "dockerLabels: {version: 1.10}",
            "logConfiguration: {options: {size: big}}",
            "workingDirectory: 1.5",
            "dnsServers: [1.5]",
        ],
        expect![[r#"
            cpu: 256: read
            cpu: '256': read
            cpu: lots: "lots" is not a whole number; write one
            memory: [1]: a list is not a whole number; write one
            memory: null: read
            memory: 0.5: 0.5 is not a whole number; write one
            ulimits: [{name: memlock, softLimit: -1, hardLimit: -1}]: read
            ulimits: [{name: memlock, softLimit: none, hardLimit: 5}]: "none" is not a whole number; write one
            portMappings: [{containerPort: http}]: "http" is not a whole number; write one
            portMappings: [{containerPort: 18446744073709551615}]: 18446744073709551615 is not a whole number; write one
            essential: 'true': read
            essential: mostly: "mostly" is neither true nor false; write one of them
            essential: 1: 1 is neither true nor false; write one of them
            linuxParameters: {initProcessEnabled: 'yes'}: "yes" is neither true nor false; write one of them
            linuxParameters: {tmpfs: [{size: big}]}: "big" is not a whole number; write one
            healthCheck: {command: [CMD, x], interval: often}: "often" is not a whole number; write one
            dockerLabels: {size: big, essential: mostly}: read
            dockerLabels: {version: 1.10}: this number has a fraction; if it is text, put it in quotes
            logConfiguration: {options: {size: big}}: read
            workingDirectory: 1.5: this number has a fraction; if it is text, put it in quotes
            dnsServers: [1.5]: this number has a fraction; if it is text, put it in quotes
        "#]],
    );
}

#[test]
fn numbers_and_flags_beside_the_containers() {
    check_beside(
        &[
            "cpu: 256",
            "cpu: lots",
            "cpu: 0.5",
            "memory: 1 GB",
            "ephemeralStorage: {sizeInGiB: 30}",
            "ephemeralStorage: {sizeInGiB: big}",
            "volumes: [{dockerVolumeConfiguration: {autoprovision: maybe}}]",
            "volumes: [{dockerVolumeConfiguration: {driverOpts: {size: big}}}]",
            "volumes: [{dockerVolumeConfiguration: {labels: {size: 1.5}}}]",
            "revision: 5",
            "status: ACTIVE",
        ],
        expect![[r#"
            cpu: 256: read
            cpu: lots: read
            cpu: 0.5: this number has a fraction; if it is text, put it in quotes
            memory: 1 GB: read
            ephemeralStorage: {sizeInGiB: 30}: read
            ephemeralStorage: {sizeInGiB: big}: "big" is not a whole number; write one
            volumes: [{dockerVolumeConfiguration: {autoprovision: maybe}}]: "maybe" is neither true nor false; write one of them
            volumes: [{dockerVolumeConfiguration: {driverOpts: {size: big}}}]: read
            volumes: [{dockerVolumeConfiguration: {labels: {size: 1.5}}}]: this number has a fraction; if it is text, put it in quotes
            revision: 5: ECS sets this; remove it
            status: ACTIVE: ECS sets this; remove it
        "#]],
    );
}

/// The same members are left out when what ECS answered is registered again.
#[test]
fn what_ecs_answers_and_refuses_is_refused_in_a_template() {
    for member in ANSWERED {
        let template = format!(
            "{{family: shop, containerDefinitions: [{{name: api, image: shop}}], {member}: x}}"
        );
        let mistakes = parse(&with_template(&format!("template: {template}"))).unwrap_err();
        let text = mistakes.to_string();
        assert!(text.contains(&format!("base.template.{member}: ")), "{member}: {text}");
    }
}

#[test]
fn the_containers_of_a_template() {
    let many = |count: usize| {
        let list: Vec<String> =
            (0..count).map(|n| format!("{{name: c{n}, image: shop}}")).collect();
        format!("[{}]", list.join(", "))
    };
    check_containers(
        &[
            "[]",
            "{}",
            "null",
            "[{name: api, image: shop}]",
            "[{name: api, image: 'shop:latest'}]",
            "[{name: api, image: '1.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:01'}]",
            "[{name: api, image: shop}, {name: web, image: envoy}]",
            "[{name: web, image: envoy}]",
            "[{name: web, image: 'envoy:${version}'}]",
            "[{name: web, image: '$${image}'}]",
            "[{name: api, image: shop}, {name: api, image: envoy}]",
            "[{image: shop}]",
            "[{name: '', image: shop}]",
            "[{name: api}, {name: web, image: shop-web}]",
            "[{name: api, image: ''}, {name: web, image: shop-web}]",
            &many(10),
            &many(11),
        ],
        expect![[r#"
            []: the list is empty; write [{name: api, image: scr-api}]
            {}: a map is not a list; write [{name: api, image: scr-api}]
            null: nothing is not a list; write [{name: api, image: scr-api}]
            [{name: api, image: shop}]: read
            [{name: api, image: 'shop:latest'}]: read
            72 letters: read
            [{name: api, image: shop}, {name: web, image: envoy}]: read
            [{name: web, image: envoy}]: no container runs an image of this application; write one of its repositories as image: shop, shop-web
            [{name: web, image: 'envoy:${version}'}]: read
            [{name: web, image: '$${image}'}]: read
            [{name: api, image: shop}, {name: api, image: envoy}]: another container has this name; choose another
            [{image: shop}]: it is missing; every container has a name and an image
            [{name: '', image: shop}]: it is missing; every container has a name and an image
            [{name: api}, {name: web, image: shop-web}]: it is missing; every container has a name and an image
            [{name: api, image: ''}, {name: web, image: shop-web}]: it is missing; every container has a name and an image
            250 letters: read
            276 letters: there are 11; at most 10 are allowed
        "#]],
    );
}

#[test]
fn commands_and_entry_points_are_lists_of_words() {
    check_container(
        &[
            "command: [python, -m, shop]",
            "command: []",
            "command: null",
            "command: python -m shop",
            "entryPoint: [sh, -c]",
            "entryPoint: sh",
        ],
        expect![[r#"
            command: [python, -m, shop]: read
            command: []: read
            command: null: read
            command: python -m shop: "python -m shop" is not a list; write each word as an item: [python, -m, app]
            entryPoint: [sh, -c]: read
            entryPoint: sh: "sh" is not a list; write each word as an item: [python, -m, app]
        "#]],
    );
}

#[test]
fn the_variables_and_secrets_of_a_container() {
    check_container(
        &[
            "environment: null",
            "environment: []",
            "environment: {A: b}",
            "environment: [{value: x}]",
            "environment: [{name: '', value: x}]",
            "environment: [{name: DB_PASSWORD, value: x}]",
            "environment: [{name: DB_PASSWORD, value: ''}]",
            "environment: [{name: DB_PASSWORD}]",
            "environment: [{name: PASSWORD, value: x}]",
            "environment: [{name: STRIPE_PUBLISHABLE_KEY, value: x}]",
            "environment: [{name: STRIPE_PUBLIC_KEY, value: x}]",
            "environment: [{name: STRIPE_API_KEY, value: x}]",
            "environment: [{name: KEY, value: x}]",
            "environment: [{name: JWT_SECRET_ARN, value: x}]",
            "environment: [{name: A, value: 'amqp://a:b@c'}]",
            "environment: [{name: A, value: [x]}]",
            "environment: [{name: A, value: {x: y}}]",
            "environment: [{name: A, value: 5}]",
            "environment: [{name: A, valueFrom: x}]",
            "secrets: {A: b}",
            "secrets: [{name: A, valueFrom: 'arn:aws:ssm:::parameter/x'}]",
            "secrets: [{name: A, value: x}]",
            "secrets: [{name: A, valueFrom: 'postgres://x'}]",
            "secrets: [{name: A, valueFrom: ' '}]",
            "secrets: [{name: A}]",
            "secrets: [{valueFrom: x}]",
        ],
        expect![[r#"
            environment: null: read
            environment: []: read
            environment: {A: b}: this is not a list; write [{name: LOG_LEVEL, value: info}]
            environment: [{value: x}]: it has no name; write {name: LOG_LEVEL, value: info}
            environment: [{name: '', value: x}]: it has no name; write {name: LOG_LEVEL, value: info}
            environment: [{name: DB_PASSWORD, value: x}]: DB_PASSWORD is a secret that everyone could read here; move it to secrets: [{name: DB_PASSWORD, valueFrom: the ARN of its secret}]
            environment: [{name: DB_PASSWORD, value: ''}]: read
            environment: [{name: DB_PASSWORD}]: read
            environment: [{name: PASSWORD, value: x}]: PASSWORD is a secret that everyone could read here; move it to secrets: [{name: PASSWORD, valueFrom: the ARN of its secret}]
            environment: [{name: STRIPE_PUBLISHABLE_KEY, value: x}]: read
            environment: [{name: STRIPE_PUBLIC_KEY, value: x}]: read
            environment: [{name: STRIPE_API_KEY, value: x}]: STRIPE_API_KEY is a secret that everyone could read here; move it to secrets: [{name: STRIPE_API_KEY, valueFrom: the ARN of its secret}]
            environment: [{name: KEY, value: x}]: read
            environment: [{name: JWT_SECRET_ARN, value: x}]: read
            environment: [{name: A, value: 'amqp://a:b@c'}]: A is a secret that everyone could read here; move it to secrets: [{name: A, valueFrom: the ARN of its secret}]
            environment: [{name: A, value: [x]}]: the value of A is not text; write one value in quotes
            environment: [{name: A, value: {x: y}}]: the value of A is not text; write one value in quotes
            environment: [{name: A, value: 5}]: read
            environment: [{name: A, valueFrom: x}]: valueFrom belongs under secrets; move A there
            secrets: {A: b}: this is not a list; write [{name: DATABASE_URL, valueFrom: the ARN of its secret}]
            secrets: [{name: A, valueFrom: 'arn:aws:ssm:::parameter/x'}]: read
            secrets: [{name: A, value: x}]: A contains the secret itself, which everyone could read here; keep it in Secrets Manager and write valueFrom: its ARN
            secrets: [{name: A, valueFrom: 'postgres://x'}]: A contains the secret itself, which everyone could read here; keep it in Secrets Manager and write valueFrom: its ARN
            secrets: [{name: A, valueFrom: ' '}]: nothing says where A is kept; write valueFrom: its ARN
            secrets: [{name: A}]: nothing says where A is kept; write valueFrom: its ARN
            secrets: [{valueFrom: x}]: it has no name; write {name: DATABASE_URL, valueFrom: the ARN of its secret}
        "#]],
    );
}

#[test]
fn the_parameters_of_a_template() {
    let spec = |parameters: &str| {
        let container = "{name: api, image: shop, user: '${user}', hostname: '$${host}'}";
        let template = format!("{{family: shop, containerDefinitions: [{container}]}}");
        with_template(&format!("template: {template}, {parameters}"))
    };
    let long = "a".repeat(4096);
    let many = |count: usize| {
        let list: Vec<String> = (1..count).map(|n| format!("p{n}: x")).collect();
        format!("parameters: {{user: x, {}}}", list.join(", "))
    };
    let told = answers(
        spec,
        &[
            "parameters: {user: root}",
            "parameters: {user: 1000}",
            "parameters: {user: ''}",
            "parameters: {user: '  '}",
            "parameters: {user: [x]}",
            "parameters: {}",
            "parameters: null",
            "parameters: {user: root, host: x}",
            &format!("parameters: {{user: {long}}}"),
            &format!("parameters: {{user: {long}a}}"),
        ],
    );
    expect![[r#"
        parameters: {user: root}: read
        parameters: {user: 1000}: read
        parameters: {user: ''}: user is empty: the container would start and fail; give it a value or remove the container from the template
        parameters: {user: '  '}: user is empty: the container would start and fail; give it a value or remove the container from the template
        parameters: {user: [x]}: a list is not text; write one value, without brackets and dashes
        parameters: {}: there is nothing in it; write {name: value}, or remove parameters | ${user} has no value; write parameters: {user: …}, or $${user} if the container is to see it as it is
        parameters: null: ${user} has no value; write parameters: {user: …}, or $${user} if the container is to see it as it is
        parameters: {user: root, host: x}: nothing uses it; write ${host} in the template or remove it
        4116 letters: read
        4117 letters: it is longer than 4096 bytes; shorten it
    "#]].assert_eq(&told);
    let count = |parameters: usize| parse(&spec(&many(parameters))).unwrap_err().iter().count();
    // Unused ones are reported, a hundred of them; one too many is reported besides.
    assert_eq!((count(50), count(200)), (49, 101));
    let last = |parameters: usize| {
        let faults = parse(&spec(&many(parameters))).unwrap_err().to_string();
        faults.lines().next().unwrap().to_owned()
    };
    assert!(!last(200).contains("at most"), "{}", last(200));
    assert!(last(201).contains("there are 201; at most 200 are allowed"), "{}", last(201));
}

#[test]
fn what_a_template_is_and_how_large() {
    let spec = |template: &str| with_template(&format!("template: {template}"));
    let containers = "containerDefinitions: [{name: api, image: shop}]";
    let sized = |bytes: usize| format!("{{family: shop, {containers}, x: {}}}", "a".repeat(bytes));
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{family: shop, {containers}, x: {open}{close}}}")
    };
    let told = answers(
        spec,
        &[
            "shop",
            "{}",
            &format!("{{{containers}}}"),
            &format!("{{family: '', {containers}}}"),
            &format!("{{family: 5, {containers}}}"),
            &sized(60_000),
            &sized(64 * 1024 - 79),
            &sized(64 * 1024 - 78),
            &nested(38),
            &nested(39),
            &nested(40),
        ],
    );
    expect![[r#"
        shop: "shop" is not a map; write {family: …, containerDefinitions: […]}
        {}: it is missing; write [{name: api, image: scr-api}] | it is missing; write the task definition's family, such as scr-api
        {containerDefinitions: [{name: api, image: shop}]}: it is missing; write the task definition's family, such as scr-api
        {family: '', containerDefinitions: [{name: api, image: shop}]}: it is missing; write the task definition's family, such as scr-api
        {family: 5, containerDefinitions: [{name: api, image: shop}]}: it is missing; write the task definition's family, such as scr-api
        60069 letters: read
        65526 letters: read
        65527 letters: it is larger than the 64 KiB that ECS takes; remove something
        145 letters: read
        147 letters: read
        149 letters: it is nested too deeply; no task definition is
    "#]].assert_eq(&told);
}
