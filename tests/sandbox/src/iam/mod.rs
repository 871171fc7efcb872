//! Who may do what: the policies of the template's roles, and what was used of them.

mod condition;
mod statement;

pub use statement::{Effect, Statement, matches};

use crate::{service::Need, template::Deployed};
use std::collections::{BTreeMap, BTreeSet};

/// One action on one resource that a statement of a role allows: what a test wants to see used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The role's logical id.
    pub role: String,
    /// The policy, and the statement's `Sid` or its number.
    pub statement: String,
    /// As it is written: `ecs:UpdateService`, `logs:*`.
    pub action: String,
    /// As it is written, with the template's references resolved: an ARN, with stars or without.
    pub resource: String,
}

/// How a question to IAM is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// Nothing allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// The roles of a stack, and which of their grants were used.
#[derive(Debug, Default)]
pub struct Iam {
    roles: BTreeMap<String, Vec<Statement>>,
    used: BTreeSet<Grant>,
}

impl Iam {
    pub fn new(stack: &Deployed) -> Self {
        let mut roles = BTreeMap::new();
        for role in stack.roles.values() {
            let mut statements = role.statements.clone();
            statements.extend(role.managed.iter().filter_map(|arn| managed(arn)));
            roles.insert(role.id.clone(), statements);
        }
        Self { roles, used: BTreeSet::new() }
    }

    /// Whether `role` may do what is needed, and keeps in mind what allowed it.
    pub fn ask(&mut self, role: &str, need: &Need) -> Verdict {
        let statements = self.roles.get(role).map(Vec::as_slice).unwrap_or_default();
        let mut verdict = Verdict::NotAllowed;
        for statement in statements.iter().filter(|statement| statement.speaks_of(need)) {
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => {
                    verdict = Verdict::Allowed;
                    let used = grants(role, statement).filter(|grant| {
                        matches(&grant.action, &need.action, true)
                            && matches(&grant.resource, &need.resource, false)
                    });
                    self.used.extend(used);
                }
            }
        }
        verdict
    }

    /// Every grant of every role.
    pub fn grants(&self) -> BTreeSet<Grant> {
        let of_role = |(role, statements): (&String, &Vec<Statement>)| {
            let allowing = statements.iter().filter(|each| each.effect == Effect::Allow);
            allowing.flat_map(|each| grants(role, each)).collect::<Vec<_>>()
        };
        self.roles.iter().flat_map(of_role).collect()
    }

    pub fn used(&self) -> &BTreeSet<Grant> {
        &self.used
    }
}

/// Whether a resource policy allows a service of AWS to do something to it.
pub fn service_may(statements: &[Statement], principal: &str, need: &Need) -> bool {
    let about = |statement: &&Statement| statement.is_for(principal) && statement.speaks_of(need);
    let mut about = statements.iter().filter(about).peekable();
    about.peek().is_some() && about.all(|statement| statement.effect == Effect::Allow)
}

fn grants(role: &str, statement: &Statement) -> impl Iterator<Item = Grant> {
    let of_action = |action: &String| {
        let of_resource = |resource: &String| Grant {
            role: role.to_owned(),
            statement: statement.name.clone(),
            action: action.clone(),
            resource: resource.clone(),
        };
        statement.resources.iter().map(of_resource).collect::<Vec<_>>()
    };
    statement.actions.iter().flat_map(of_action).collect::<Vec<_>>().into_iter()
}

/// The policies of AWS's own that a template may attach.
fn managed(arn: &str) -> Option<Statement> {
    let actions: &[&str] = match arn.rsplit('/').next()? {
        "AWSLambdaBasicExecutionRole" => {
            &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        }
        _ => return None,
    };
    Some(Statement::allow(arn, actions))
}

#[cfg(test)]
mod tests;
