//! What AWS checks when a stack is made, and refuses to make.

use crate::{
    Error,
    iam::{Iam, Verdict, service_may},
    service::Need,
    template::{Deployed, Function},
};

/// Variables that Lambda sets itself; others that begin with `AWS_` are free.
const RESERVED: [&str; 9] = [
    "_HANDLER",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
];

/// Refuses what AWS would refuse, and counts what it asks IAM meanwhile as used.
pub(crate) fn check(stack: &Deployed, iam: &mut Iam) -> Result<(), Error> {
    for function in stack.functions.values() {
        check_function(stack, function, iam)?;
    }
    for mapping in stack.mappings.values() {
        let (Some(function), Some(queue)) =
            (stack.functions.get(&mapping.function), stack.queues.get(&mapping.queue))
        else {
            continue;
        };
        for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] {
            require(iam, function, action, &queue.arn)?;
        }
        if queue.visibility_seconds < function.timeout_seconds {
            let (queue, function) = (&queue.id, &function.id);
            return Err(Error::Stack(format!(
                "{queue}: its visibility timeout is below the timeout of {function}"
            )));
        }
        if mapping.batch_size == 0 || mapping.batch_size > 10 {
            return Err(Error::Stack(format!(
                "{}: a batch is 1 to 10 without a batching window",
                mapping.id
            )));
        }
    }
    for queue in stack.queues.values() {
        if let Some(redrive) = &queue.redrive
            && stack.queue_by_arn(&redrive.to).is_none()
        {
            return Err(Error::Stack(format!(
                "{}: its dead-letter queue does not exist",
                queue.id
            )));
        }
    }
    check_rules(stack)
}

fn check_function(stack: &Deployed, function: &Function, iam: &mut Iam) -> Result<(), Error> {
    let id = &function.id;
    let trusted = stack
        .roles
        .get(&function.role)
        .is_some_and(|role| role.trusts.iter().any(|by| by == LAMBDA));
    if !trusted {
        return Err(Error::Stack(format!("{id}: the role cannot be assumed by Lambda")));
    }
    if let Some(reserved) =
        function.environment.keys().find(|name| RESERVED.contains(&name.as_str()))
    {
        return Err(Error::Stack(format!("{id}: {reserved} is Lambda's own variable")));
    }
    let size: usize =
        function.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > 4096 {
        return Err(Error::Stack(format!(
            "{id}: variables may have 4096 bytes together, these have {size}"
        )));
    }
    let config = &function.asynchronous;
    for to in config.on_failure.iter().chain(&config.dead_letters) {
        require(iam, function, "sqs:SendMessage", to)?;
    }
    Ok(())
}

/// EventBridge does not check a queue's policy before it needs it: dead letters would be lost then.
fn check_rules(stack: &Deployed) -> Result<(), Error> {
    for rule in stack.rules.values() {
        if rule.pattern.is_none() && rule.every_seconds.is_none() {
            return Err(Error::Stack(format!("{}: a rule has a pattern or a schedule", rule.id)));
        }
        for dead_letters in rule.targets.iter().filter_map(|target| target.dead_letters.as_ref()) {
            let need = Need::new("sqs:SendMessage", dead_letters.as_str())
                .with("aws:SourceArn", &*rule.arn);
            let policy =
                stack.queue_policies.get(dead_letters).map(Vec::as_slice).unwrap_or_default();
            if !service_may(policy, "events.amazonaws.com", &need) {
                return Err(Error::Stack(format!(
                    "{}: the policy of {dead_letters} does not let EventBridge send there for this rule, \
                     and AWS would only say so by losing events",
                    rule.id
                )));
            }
        }
    }
    Ok(())
}

const LAMBDA: &str = "lambda.amazonaws.com";

fn require(iam: &mut Iam, function: &Function, action: &str, resource: &str) -> Result<(), Error> {
    match iam.ask(&function.role, &Need::new(action, resource)) {
        Verdict::Allowed => Ok(()),
        _ => Err(Error::Stack(format!(
            "{}: the function's execution role does not have permission to {action} on {resource}",
            function.id
        ))),
    }
}
