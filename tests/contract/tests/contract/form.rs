//! The template as a document: how it is written, what it asks for, what it is called.

use contract::Template;
use expect_test::expect;
use serde_json::Value;

#[test]
fn any_yaml_parser_reads_it() {
    let template = Template::load();
    let is_tag = |rest: &str| rest.starts_with(|first: char| first.is_ascii_uppercase());
    let tagged = template.text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let tagged: Vec<&str> = tagged.filter(|line| line.split(" !").skip(1).any(is_tag)).collect();
    assert_eq!(tagged, Vec::<&str>::new(), "write Fn::Sub, not the short form");
    assert_eq!(template.tree["Transform"], Value::Null);
}

/// CloudFormation takes 51,200 bytes in a request, more only from S3.
#[test]
fn cloudformation_takes_it_from_s3() {
    let template = Template::load();
    assert!(template.text.len() < 1_000_000, "{} bytes", template.text.len());
    assert!(template.resources().count() <= 500);
}

#[test]
fn each_parameter_says_what_it_is_for_and_most_need_no_answer() {
    let template = Template::load();
    let mut asked = Vec::new();
    for (name, parameter) in template.section("Parameters") {
        let description = parameter["Description"].as_str().unwrap_or_default();
        assert!(description.ends_with(['.', '*']), "{name} has no description: {description:?}");
        if parameter.get("Default").is_none() {
            asked.push(name);
        }
    }
    expect![[r#"
        [
            "ClusterScope",
            "RepositoryScope",
            "TaskRoleArns",
        ]
    "#]]
    .assert_debug_eq(&asked);
}

/// A list would make an ARN that fits nothing, and every call would be denied.
#[test]
fn a_scope_is_one_name_and_no_list() {
    let template = Template::load();
    let mut scopes = 0;
    for (name, parameter) in
        template.section("Parameters").filter(|(name, _)| name.ends_with("Scope"))
    {
        // A set of characters, any number of them.
        let pattern = parameter["AllowedPattern"].as_str().unwrap();
        let allowed = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix("]+")).unwrap();
        assert!(allowed.contains('*') && !allowed.contains([',', ' ', ':']), "{name}: {pattern}");
        assert!(parameter["ConstraintDescription"].as_str().unwrap().contains("no list"), "{name}");
        scopes += 1;
    }
    assert_eq!(scopes, 4);
}

/// Lambda takes a name of 64 characters.
#[test]
fn how_long_the_name_of_a_stack_may_be_is_said_where_it_is_chosen() {
    let template = Template::load();
    let longest = template.functions().iter().map(|one| one.name().len()).max().unwrap();
    let room = 64 - longest - 1;
    let said = format!("{room} characters");
    assert!(template.text.split("AWSTemplateFormatVersion").next().unwrap().contains(&said));
    for text in
        [include_str!("../../../../infra/package"), include_str!("../../../../infra/README.md")]
    {
        assert!(text.contains(&said), "{said}");
    }
}

#[test]
fn each_parameter_is_used_and_shown_in_a_group() {
    let template = Template::load();
    let resources = template.tree["Resources"].to_string();
    let conditions = template.tree["Conditions"].to_string();
    let groups = template.tree["Metadata"].to_string();
    for (name, _) in template.section("Parameters") {
        let used = [format!("{{\"Ref\":\"{name}\"}}"), format!("${{{name}}}")];
        let everywhere = [&resources, &conditions];
        assert!(
            used.iter().any(|used| everywhere.iter().any(|text| text.contains(used))),
            "{name} changes nothing"
        );
        assert!(groups.contains(&format!("\"{name}\"")), "{name} is in no group");
    }
}

/// MiniStack refuses what it does not know; this is what it was seen to make.
#[test]
fn it_uses_no_other_kinds_of_resources_than_these() {
    let template = Template::load();
    let mut kinds: Vec<&str> = template.resources().map(|resource| resource.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    expect![[r#"
        [
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::Dashboard",
            "AWS::DynamoDB::Table",
            "AWS::Events::Rule",
            "AWS::IAM::Role",
            "AWS::Lambda::EventInvokeConfig",
            "AWS::Lambda::EventSourceMapping",
            "AWS::Lambda::Function",
            "AWS::Lambda::Permission",
            "AWS::Logs::LogGroup",
            "AWS::S3::Bucket",
            "AWS::S3::BucketPolicy",
            "AWS::SNS::Subscription",
            "AWS::SNS::Topic",
            "AWS::SNS::TopicPolicy",
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
            "Custom::Code",
            "Custom::EmptyBucket",
        ]
    "#]]
    .assert_debug_eq(&kinds);
}

#[test]
fn several_stacks_live_in_one_account() {
    let template = Template::load();
    let naming = [
        "FunctionName",
        "LogGroupName",
        "QueueName",
        "TableName",
        "TopicName",
        "RoleName",
        "AlarmName",
        "Name",
        "DashboardName",
        "PolicyName",
    ];
    for resource in template.resources() {
        let owners = ["AWS::Lambda::Function", "AWS::Logs::LogGroup"];
        for property in naming {
            let name = &resource[property];
            if name.is_null() {
                continue;
            }
            if owners.contains(&resource.kind) {
                let name = name["Fn::Sub"].as_str().unwrap_or_default();
                assert!(name.contains("${AWS::StackName}-"), "{} is global", resource.id);
            } else {
                let refers = name.as_object().is_some_and(|name| name.contains_key("Ref"));
                assert!(refers, "{} has a name of its own: {name}", resource.id);
            }
        }
    }
}

/// `infra/release` writes the version into it, which stands in `Cargo.toml` alone.
#[test]
fn only_a_release_says_which_version_it_is() {
    let template = Template::load();
    assert_eq!(template.tree["Outputs"]["Version"]["Value"], "built from source");
    assert!(template.tree["Description"].as_str().unwrap().starts_with("Slipway: "));
}

/// A parameter that takes a text of the reader's own says in its pattern what it may be.
#[test]
fn each_free_text_has_a_pattern_and_a_sentence_about_it() {
    let template = Template::load();
    for (name, parameter) in template.section("Parameters") {
        let is_free = parameter["AllowedValues"].is_null() && parameter["Type"] != "Number";
        for key in ["AllowedPattern", "ConstraintDescription"] {
            assert!(!is_free || parameter[key].is_string(), "{name} has no {key}");
        }
    }
}

/// Nothing may be deleted, and no cluster, repository, host or role be touched, unless it is named.
#[test]
fn what_may_do_harm_has_to_be_asked_for() {
    let template = Template::load();
    let default = |name| {
        let mut parameters = template.section("Parameters");
        parameters.find(|(known, _)| *known == name).unwrap().1["Default"].clone()
    };
    for asked in ["TaskRoleArns", "ClusterScope", "RepositoryScope"] {
        assert_eq!(default(asked), Value::Null, "{asked}");
    }
    assert_eq!((default("DeletesServices"), default("HostsTagged")), ("false".into(), "".into()));
}
