//! The environment of a function's process: what Lambda sets, what the template sets, and the few
//! variables by which a binary finds the sandbox instead of AWS.

use crate::template::{Function, Place};
use std::collections::BTreeMap;

/// Everything that the process may see.
pub(crate) fn environment(
    function: &Function,
    place: &Place,
    runtime_api: &str,
    key: &str,
    extra: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut environment = function.environment.clone();
    let timeout = function.timeout_seconds.to_string();
    let memory = function.memory_megabytes.to_string();
    let own = [
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_DEFAULT_REGION", &place.region),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]sandbox"),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_REGION", &place.region),
        ("AWS_SECRET_ACCESS_KEY", "sandbox"),
        ("AWS_SESSION_TOKEN", "sandbox"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
        ("AWS_ENDPOINT_URL", &place.endpoint),
        ("SLIPWAY_CLOCK_FROM_DEADLINE", &timeout),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment.extend(extra.clone());
    environment
}
