//! The services behind the front, each by the name that IAM calls it.

use crate::{
    Error, balancers::Balancers, cloudwatch::CloudWatch, dynamodb::DynamoDb, ecr::Ecr, ecs::Ecs,
    logs::Logs, roles::Roles, secrets::Secrets, service::Service, sns::Sns, sqs::Sqs, ssm::Ssm,
    template::Deployed,
};

/// Every service of the account.
#[derive(Debug)]
pub struct Services {
    pub balancers: Balancers,
    pub cloudwatch: CloudWatch,
    pub dynamodb: DynamoDb,
    pub ecr: Ecr,
    pub ecs: Ecs,
    pub logs: Logs,
    pub roles: Roles,
    pub secrets: Secrets,
    pub sns: Sns,
    pub sqs: Sqs,
    pub ssm: Ssm,
}

impl Services {
    pub(crate) fn new(stack: &Deployed) -> Result<Self, Error> {
        let mut sns = Sns::new();
        for topic in stack.topics.values() {
            sns.create_topic(&topic.name);
        }
        Ok(Self {
            balancers: Balancers::new(),
            cloudwatch: CloudWatch::new(),
            dynamodb: DynamoDb::new(stack)?,
            ecr: Ecr::new(),
            ecs: Ecs::new(),
            logs: Logs::new(),
            roles: Roles::new(),
            secrets: Secrets::new(),
            sns,
            sqs: Sqs::new(stack),
            ssm: Ssm::new(),
        })
    }

    pub(crate) fn get(&mut self, name: &str) -> Option<&mut dyn Service> {
        Some(match name {
            "cloudwatch" => &mut self.cloudwatch,
            "dynamodb" => &mut self.dynamodb,
            // S3 knows layers only.
            "ecr" | "s3" => &mut self.ecr,
            "ecs" => &mut self.ecs,
            "elasticloadbalancing" => &mut self.balancers,
            "iam" => &mut self.roles,
            "logs" => &mut self.logs,
            "secretsmanager" => &mut self.secrets,
            "sns" => &mut self.sns,
            "sqs" => &mut self.sqs,
            "ssm" => &mut self.ssm,
            _ => return None,
        })
    }
}
