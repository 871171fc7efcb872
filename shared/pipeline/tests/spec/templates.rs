//! Task definitions as templates.

use crate::examples::OMEN_EPR;
use crate::mistakes::check;
use expect_test::expect;
use pipeline::spec::{parse, render, repository_of};
use serde_json::json;
use std::collections::BTreeMap;

fn parameters(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn names_are_filled_in_wherever_there_is_text() {
    let definition = json!({
        "family": "${app}-api",
        "containerDefinitions": [{
            "name": "api",
            "portMappings": [{ "containerPort": "${port}" }],
            "command": ["sh", "-c", "echo $HOME $${USER} ${app} ${unfinished"],
        }],
    });
    let rendered = render(&definition, &parameters(&[("app", "scr"), ("port", "8000")])).unwrap();
    expect![[r#"
        {
          "containerDefinitions": [
            {
              "command": [
                "sh",
                "-c",
                "echo $HOME ${USER} scr ${unfinished"
              ],
              "name": "api",
              "portMappings": [
                {
                  "containerPort": 8000
                }
              ]
            }
          ],
          "family": "scr-api"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&rendered).unwrap());
}

#[test]
fn a_value_is_not_filled_in_again() {
    let rendered = render(&json!("${a}"), &parameters(&[("a", "${a} ${b}")]));
    assert_eq!(rendered, Ok(json!("${a} ${b}")));
}

#[test]
fn names_without_a_value_are_all_reported() {
    let missing = render(&json!(["${b}", { "x": "${a}${b}" }]), &parameters(&[]));
    assert_eq!(missing, Err(vec!["a".to_owned(), "b".to_owned()]));
}

/// The version of the release is filled in by each deployment.
#[test]
fn the_version_needs_no_parameter() {
    let names_the_release = OMEN_EPR.replace("value: production}", "value: \"${version}\"}");
    assert_ne!(names_the_release, OMEN_EPR);
    parse(&names_the_release).unwrap();
}

#[test]
fn every_value_gets_the_type_that_ecs_wants() {
    let definition = json!({
        "cpu": 512,
        "containerDefinitions": [{
            "cpu": "10",
            "memory": "128",
            "essential": "false",
            "command": ["sleep", 5, true],
            "environment": [{ "name": "TTL", "value": 300 }, { "name": "JSON", "value": true }],
            "healthCheck": { "command": ["CMD", "true"], "interval": "30", "retries": 3 },
            "logConfiguration": { "options": { "max-size": 10, "timeout": 5 } },
            "dockerLabels": { "essential": true, "size": 3 },
            "linuxParameters": { "initProcessEnabled": "true" },
        }],
    });
    let rendered = render(&definition, &parameters(&[])).unwrap();
    expect![[r#"
        {
          "containerDefinitions": [
            {
              "command": [
                "sleep",
                "5",
                "true"
              ],
              "cpu": 10,
              "dockerLabels": {
                "essential": "true",
                "size": "3"
              },
              "environment": [
                {
                  "name": "TTL",
                  "value": "300"
                },
                {
                  "name": "JSON",
                  "value": "true"
                }
              ],
              "essential": false,
              "healthCheck": {
                "command": [
                  "CMD",
                  "true"
                ],
                "interval": 30,
                "retries": 3
              },
              "linuxParameters": {
                "initProcessEnabled": true
              },
              "logConfiguration": {
                "options": {
                  "max-size": "10",
                  "timeout": "5"
                }
              },
              "memory": 128
            }
          ],
          "cpu": "512"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&rendered).unwrap());
}

#[test]
fn keys_that_are_the_teams_own_have_no_type() {
    let own = "essential: false\n                dockerLabels: {essential: mostly, size: large}";
    let spec = OMEN_EPR.replacen("essential: false", own, 1);
    assert_ne!(spec, OMEN_EPR);
    assert_eq!(parse(&spec).map(|_| ()), Ok(()));
}

#[test]
fn variables_are_read_as_closely_as_ecs_reads_them() {
    let mistakes = [
        ("value: INFO", "value: [INFO]"),
        ("value: INFO", "valueFrom: /epr/log-level"),
        (
            r#"valueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:epr-db-url-AbCdEf""#,
            "from: the vault",
        ),
        ("awslogs-stream-prefix: ecs}", "awslogs-stream-prefix: 1.10}"),
        ("environment: *settings", "environment: DB_PASSWORD=hunter2"),
        ("secrets: *secrets", "secrets: hunter2"),
    ];
    check(
        OMEN_EPR,
        &mistakes,
        expect![[r#"
            # value: [INFO]
            environments.production.services[0].base.template.containerDefinitions[0].environment[1]: the value of EPR_LOG_LEVEL is not text; write one value in quotes
            environments.production.services[0].base.template.containerDefinitions[1].environment[1]: the value of EPR_LOG_LEVEL is not text; write one value in quotes
            # valueFrom: /epr/log-level
            environments.production.services[0].base.template.containerDefinitions[0].environment[1]: valueFrom belongs under secrets; move EPR_LOG_LEVEL there
            environments.production.services[0].base.template.containerDefinitions[1].environment[1]: valueFrom belongs under secrets; move EPR_LOG_LEVEL there
            # from: the vault
            environments.production.services[0].base.template.containerDefinitions[0].secrets[0]: nothing says where EPR_DATABASE_URL is kept; write valueFrom: its ARN
            environments.production.services[0].base.template.containerDefinitions[1].secrets[0]: nothing says where EPR_DATABASE_URL is kept; write valueFrom: its ARN
            # awslogs-stream-prefix: 1.10}
            environments.production.services[0].base.template.containerDefinitions[0].logConfiguration.options.awslogs-stream-prefix: this number has a fraction; if it is text, put it in quotes
            # environment: DB_PASSWORD=hunter2
            environments.production.services[0].base.template.containerDefinitions[1].environment: this is not a list; write [{name: LOG_LEVEL, value: info}]
            # secrets: hunter2
            environments.production.services[0].base.template.containerDefinitions[1].secrets: this is not a list; write [{name: DATABASE_URL, valueFrom: the ARN of its secret}]
        "#]],
    );
}

#[test]
fn a_repository_is_found_in_any_image_reference() {
    for image in [
        "power-pto/api",
        "power-pto/api:3f2a9c1",
        "power-pto/api@sha256:0123",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/power-pto/api:3f2a9c1@sha256:0123",
        "localhost:5000/power-pto/api",
    ] {
        assert_eq!(repository_of(image), "power-pto/api", "{image}");
    }
}
