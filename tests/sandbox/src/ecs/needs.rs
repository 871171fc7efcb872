//! What IAM asks for before ECS answers.
//!
//! AWS's own table says that only the calls which hand roles to ECS need `iam:PassRole`:
//! registering a task definition, and running a task, where the roles are those of the
//! definition or of the overrides. Creating or updating a service passes none that a definition
//! names: they were passed when it was registered.

use super::Ecs;
use super::definitions::roles;
use super::services::{Address, cluster_of};
use crate::place::{arn, list, text, texts};
use crate::service::{Call, Need};
use serde_json::Value;

impl Ecs {
    pub(super) fn needed(&self, call: &Call) -> Vec<Need> {
        let input = &call.input;
        let action = format!("ecs:{}", call.operation);
        let cluster = cluster_of(input);
        let cluster_arn = arn("ecs", &format!("cluster/{cluster}"));
        let on = |resource: String| Need::new(&action, resource);
        let within = |resource: String| on(resource).with("ecs:cluster", &cluster_arn);
        let service = |member: &str| {
            let named = text(input, member).unwrap_or("*");
            Address::parse(named, &cluster).arn()
        };
        match call.operation.as_str() {
            "RunTask" => {
                let named = text(input, "taskDefinition").unwrap_or_default();
                let (resource, mut passed) = match self.definition(named) {
                    Some(known) => (known.arn().to_owned(), known.roles()),
                    None => (definition_arn(named), vec![]),
                };
                passed.extend(input.get("overrides").map(roles).unwrap_or_default());
                let mut needs = vec![within(resource)];
                needs.extend(passed.into_iter().map(pass_role));
                needs.extend(tagging(input, "RunTask", &format!("task/{cluster}/*")));
                needs
            }
            "RegisterTaskDefinition" => {
                let family = text(input, "family").unwrap_or_default();
                let resource = format!("task-definition/{family}:*");
                let mut needs = vec![on(arn("ecs", &resource))];
                needs.extend(roles(input).into_iter().map(pass_role));
                needs.extend(tagging(input, "RegisterTaskDefinition", &resource));
                needs
            }
            "CreateService" => {
                let need =
                    within(service("serviceName")).with("ecs:task-definition", self.named(input));
                let resource =
                    format!("service/{cluster}/{}", text(input, "serviceName").unwrap_or("*"));
                [need].into_iter().chain(tagging(input, "CreateService", &resource)).collect()
            }
            "UpdateService" if input.get("taskDefinition").is_some() => {
                vec![within(service("service")).with("ecs:task-definition", self.named(input))]
            }
            "UpdateService" | "DeleteService" => vec![within(service("service"))],
            "DescribeServices" => {
                let named = texts(input, "services").into_iter();
                named.map(|name| within(Address::parse(name, &cluster).arn())).collect()
            }
            "ListServiceDeployments" => vec![within(service("service"))],
            "DescribeServiceDeployments" => both(&action, &texts(input, "serviceDeploymentArns")),
            "DescribeServiceRevisions" => both(&action, &texts(input, "serviceRevisionArns")),
            "StopServiceDeployment" => {
                both(&action, &[text(input, "serviceDeploymentArn").unwrap_or_default()])
            }
            "DescribeTasks" => {
                let named = texts(input, "tasks").into_iter();
                named.map(|name| within(task_arn(&cluster, name))).collect()
            }
            "StopTask" => {
                vec![within(task_arn(&cluster, text(input, "task").unwrap_or_default()))]
            }
            "ListTasks" => {
                vec![within(arn("ecs", &format!("container-instance/{cluster}/*")))]
            }
            "TagResource" | "ListTagsForResource" => {
                vec![on(text(input, "resourceArn").unwrap_or_default().to_owned())]
            }
            "DescribeClusters" => {
                let named = texts(input, "clusters").into_iter();
                let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
                named.map(|name| on(arn("ecs", &format!("cluster/{}", short(name))))).collect()
            }
            // Describing, listing and deregistering definitions knows no resource.
            _ => vec![on("*".into())],
        }
    }

    fn named(&self, input: &Value) -> String {
        let named = text(input, "taskDefinition").unwrap_or_default();
        self.definition(named).map_or_else(|| definition_arn(named), |known| known.arn().to_owned())
    }
}

fn pass_role(role: &str) -> Need {
    let role = if role.starts_with("arn:") {
        role.to_owned()
    } else {
        format!("arn:aws:iam::{}:role/{role}", crate::place::ACCOUNT)
    };
    Need::new("iam:PassRole", role).with("iam:PassedToService", "ecs-tasks.amazonaws.com")
}

/// Tags in a request that creates something are a permission of their own.
fn tagging(input: &Value, creating: &str, resource: &str) -> Option<Need> {
    let tagged = !list(input, "tags").is_empty();
    let need = || Need::new("ecs:TagResource", arn("ecs", resource));
    tagged.then(|| need().with("ecs:CreateAction", creating))
}

/// Looking at a part of a service needs the service, too.
fn both(action: &str, parts: &[&str]) -> Vec<Need> {
    let needs = parts.iter().flat_map(|part| {
        let mut names = part.split('/').skip(1);
        let (cluster, service) = (names.next().unwrap_or("*"), names.next().unwrap_or("*"));
        let service = arn("ecs", &format!("service/{cluster}/{service}"));
        let cluster = arn("ecs", &format!("cluster/{cluster}"));
        [service, (*part).to_owned()]
            .map(|resource| Need::new(action, resource).with("ecs:cluster", &cluster))
    });
    needs.collect()
}

fn task_arn(cluster: &str, named: &str) -> String {
    let id = named.rsplit('/').next().unwrap_or(named);
    arn("ecs", &format!("task/{cluster}/{id}"))
}

fn definition_arn(named: &str) -> String {
    let short = named.rsplit('/').next().unwrap_or(named);
    let revision = if short.contains(':') { "" } else { ":*" };
    arn("ecs", &format!("task-definition/{short}{revision}"))
}
