//! What AWS calls a resource: the answers to `Ref` and `Fn::GetAtt`.

use super::Place;

/// The property that names a resource of this type, where its owner may choose the name.
pub(super) fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::Lambda::Function" => "FunctionName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::Events::Rule" | "AWS::SecretsManager::Secret" => "Name",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        _ => return None,
    })
}

/// What `Ref` answers.
pub(super) fn reference(kind: &str, name: &str, place: &Place) -> String {
    match kind {
        "AWS::SQS::Queue" => format!("{}/{}/{name}", place.endpoint, place.account),
        "AWS::SNS::Topic" | "AWS::SecretsManager::Secret" | "AWS::IAM::ManagedPolicy" => {
            arn(kind, name, place).unwrap_or_else(|| name.to_owned())
        }
        _ => name.to_owned(),
    }
}

/// What `Fn::GetAtt` answers, or nothing where the type has no such attribute.
pub(super) fn attribute(kind: &str, name: &str, attribute: &str, place: &Place) -> Option<String> {
    match (kind, attribute) {
        ("AWS::SNS::Topic", "TopicArn") => arn(kind, name, place),
        ("AWS::SNS::Topic", "TopicName") | ("AWS::SQS::Queue", "QueueName") => {
            Some(name.to_owned())
        }
        ("AWS::SQS::Queue", "QueueUrl") => Some(reference(kind, name, place)),
        ("AWS::SecretsManager::Secret", "Id") => arn(kind, name, place),
        ("AWS::SNS::Topic" | "AWS::SecretsManager::Secret", _) => None,
        ("AWS::Logs::LogGroup", "Arn") => arn(kind, name, place).map(|arn| arn + ":*"),
        (_, "Arn") => arn(kind, name, place),
        ("AWS::IAM::Role", "RoleId") => Some(format!("AROA{}", name.to_uppercase())),
        _ => None,
    }
}

/// The ARN of a resource of a type that the sandbox knows.
pub(super) fn arn(kind: &str, name: &str, place: &Place) -> Option<String> {
    let Place { account, region, .. } = place;
    Some(match kind {
        "AWS::Lambda::Function" => format!("arn:aws:lambda:{region}:{account}:function:{name}"),
        "AWS::SQS::Queue" => format!("arn:aws:sqs:{region}:{account}:{name}"),
        "AWS::DynamoDB::Table" => format!("arn:aws:dynamodb:{region}:{account}:table/{name}"),
        "AWS::SNS::Topic" => format!("arn:aws:sns:{region}:{account}:{name}"),
        "AWS::IAM::Role" => format!("arn:aws:iam::{account}:role/{name}"),
        "AWS::IAM::ManagedPolicy" => format!("arn:aws:iam::{account}:policy/{name}"),
        "AWS::Events::Rule" => format!("arn:aws:events:{region}:{account}:rule/{name}"),
        "AWS::Logs::LogGroup" => format!("arn:aws:logs:{region}:{account}:log-group:{name}"),
        "AWS::CloudWatch::Alarm" => format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
        // AWS puts six characters of its own behind the name.
        "AWS::SecretsManager::Secret" => {
            format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-Sandbx")
        }
        _ => return None,
    })
}
