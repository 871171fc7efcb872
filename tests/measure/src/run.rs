//! Running a function, and counting.

use crate::lambda::Lambda;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// This many payloads distinguish the first from the further ones.
const FURTHER: u64 = 10;
/// After this many payloads memory no longer grows.
const MANY: usize = 60;
/// This many pairs of starts are timed.
const PAIRS: usize = 15;

/// Instructions in user space.
pub(crate) struct Counts {
    /// Until it asks for its first payload.
    pub(crate) start: u64,
    /// The start, and one payload.
    pub(crate) cold: u64,
    /// Each payload after the first.
    pub(crate) warm: u64,
}

/// Time on a processor, the kernel's work for it included, until it asks for its first payload.
pub(crate) struct Start {
    pub(crate) micros: u64,
    pub(crate) times_bare: f64,
}

pub(crate) fn has_callgrind() -> bool {
    let asking = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    asking.is_ok_and(|status| status.success())
}

pub(crate) fn count(binary: &Path) -> Result<Counts, Box<dyn Error>> {
    let start = instructions(binary, 0)?;
    let cold = instructions(binary, 1)?;
    let all = instructions(binary, 1 + FURTHER as usize)?;
    Ok(Counts { start, cold, warm: all.saturating_sub(cold) / FURTHER })
}

/// Starts both in turn, so other load on the machine affects both, and takes the medians.
pub(crate) fn start(binary: &Path, bare: &Path) -> Result<Start, Box<dyn Error>> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        ours.push(start_micros(binary)?);
        floor.push(start_micros(bare)?);
    }
    ours.sort_unstable();
    floor.sort_unstable();
    let (micros, bare) = (ours[PAIRS / 2], floor[PAIRS / 2]);
    Ok(Start { micros, times_bare: micros as f64 / bare.max(1) as f64 })
}

fn start_micros(binary: &Path) -> Result<u64, Box<dyn Error>> {
    let schedule = watched(binary, 0, "schedstat")?;
    let nanos: u64 = schedule.split_whitespace().next().ok_or("no schedstat")?.parse()?;
    Ok(nanos / 1000)
}

/// The most memory that it held at a time, through several payloads.
pub(crate) fn peak_rss_kib(binary: &Path) -> Result<u64, Box<dyn Error>> {
    let status = watched(binary, MANY, "status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)).ok_or("no VmHWM")?;
    Ok(number.parse()?)
}

/// What the kernel says of the process when it has processed this many payloads and asks for more.
fn watched(binary: &Path, payloads: usize, file: &str) -> Result<String, Box<dyn Error>> {
    let lambda = Lambda::start(&payload_for(binary), payloads)?;
    let mut child = spawn(&mut Command::new(binary), &lambda, Stdio::null())?;
    let waited = lambda.wait();
    let said = fs::read_to_string(format!("/proc/{}/{file}", child.id()));
    child.kill()?;
    child.wait()?;
    waited?;
    Ok(said?)
}

fn instructions(binary: &Path, payloads: usize) -> Result<u64, Box<dyn Error>> {
    let lambda = Lambda::start(&payload_for(binary), payloads)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
    let child = spawn(&mut valgrind, &lambda, Stdio::piped())?;
    lambda.wait()?;
    // Callgrind sums up when it is asked to end, not when it is killed.
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    let output = child.wait_with_output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = collected.ok_or_else(|| format!("callgrind says: {report}"))?;
    Ok(number.trim().parse()?)
}

/// Starts it with the environment that Lambda and the template give it, and no other.
fn spawn(command: &mut Command, lambda: &Lambda, stderr: Stdio) -> std::io::Result<Child> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let address = lambda.address.to_string();
    command.env_clear().env("PATH", path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAMEASURED"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("SLIPWAY_TABLE", "slipway"),
        ("SLIPWAY_TOPIC", "arn:aws:sns:eu-central-1:123456789012:slipway"),
        ("SLIPWAY_ROLLBACK_FUNCTION", "slipway-rollback"),
    ];
    let endpoint = format!("http://{address}");
    for queue in ["ROLLOUT", "MIGRATE", "VERIFY", "ROLLBACK", "WAKE", "NOTIFY"] {
        let url = format!("{endpoint}/123456789012/{}", queue.to_lowercase());
        command.env(format!("SLIPWAY_{queue}_QUEUE"), url);
    }
    command.envs(variables).env("AWS_ENDPOINT_URL", endpoint).spawn()
}

/// A payload of the function's own kind: each makes at least one call of AWS with it.
fn payload_for(binary: &Path) -> String {
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    let sample = match name.as_ref() {
        "image-pushed" => "ecr-push-tagged",
        "ecs-changed" => "ecs-deployment-completed",
        "alarm-changed" => "alarm-metric",
        "wake" => "schedule-tick",
        "migrate" => "sqs-run-one-off",
        "rollout" => "sqs-prepare",
        "verify" => "sqs-check-and-read-alarms",
        "rollback" => "sqs-put-back",
        "notify" => "sqs-announce",
        "configure" => "console-configure",
        "control" => "console-control-pause",
        "deploy" => "console-deploy",
        _ => "console-status",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    fs::read_to_string(path.join(format!("{sample}.json"))).unwrap_or_else(|_| "{}".into())
}
