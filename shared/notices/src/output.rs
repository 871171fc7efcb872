//! The last output of a failed container, if its log driver is `awslogs` and the installation may
//! read it. It says more than any exit code, and never blocks a notice.

use super::words::{Output, cut};
use aws::clients::{Aws, in_time};
use aws::definitions::archived;
use aws::failure::{Failure, chain, failure};
use aws::settings::TASK_LOGS;
use pipeline::task::FailedContainer;
use serde_json::Value;
use tracing::warn;

const EVENTS: i32 = 12;
const LINES: usize = 12;
const LINE_MAX: usize = 240;

/// Where a container's log lines are stored.
#[derive(Debug, PartialEq, Eq)]
struct Stream {
    group: String,
    name: String,
}

pub(super) async fn last_output(aws: &Aws, failed_container: &FailedContainer) -> Option<Output> {
    aws.settings.optional(TASK_LOGS)?;
    let lines = in_time(&aws.clock, read(aws, failed_container)).await.unwrap_or_else(|failure| {
        warn!(
            "the last output of {} cannot be read: {}",
            failed_container.container,
            chain(&failure)
        );
        vec![]
    });
    let whose = format!("{} (task {})", failed_container.container, short(failed_container));
    (!lines.is_empty()).then_some(Output { whose, lines })
}

async fn read(aws: &Aws, failed_container: &FailedContainer) -> Result<Vec<String>, Failure> {
    let definition = archived::kept(aws, &failed_container.revision).await?;
    let region = aws.settings.optional("AWS_REGION").unwrap_or_default();
    let Some(stream) =
        definition.and_then(|definition| stream(&definition, failed_container, &region))
    else {
        return Ok(vec![]);
    };
    let asking = aws.logs().get_log_events().log_group_name(stream.group);
    let asking = asking.log_stream_name(stream.name).limit(EVENTS).start_from_head(false);
    let answer = asking.send().await.map_err(failure)?;
    Ok(last_lines(answer.events().iter().filter_map(|event| event.message())))
}

/// The last lines as a reader sees them: an event may have many lines, and colours.
fn last_lines<'a>(events: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines = events.flat_map(str::lines).map(without_colours);
    let mut lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(LINES));
    lines.iter().map(|line| cut(line.trim_end(), LINE_MAX)).collect()
}

/// `\x1b[31mfatal\x1b[0m` is `fatal`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        text + part.get(end..).unwrap_or_default()
    })
}

/// As the log driver names it: prefix, container, task. Without a prefix the name is the
/// container's id, which only its host knows.
fn stream(definition: &Value, failed_container: &FailedContainer, region: &str) -> Option<Stream> {
    let containers = definition["containerDefinitions"].as_array()?;
    let container =
        containers.iter().find(|one| one["name"] == failed_container.container.as_str())?;
    let logging = &container["logConfiguration"];
    let option = |name: &str| logging["options"][name].as_str();
    if logging["logDriver"] != "awslogs" || option("awslogs-region").is_some_and(|r| r != region) {
        return None;
    }
    let (group, prefix) = (option("awslogs-group")?, option("awslogs-stream-prefix")?);
    let name = format!("{prefix}/{}/{}", failed_container.container, short(failed_container));
    Some(Stream { group: group.to_owned(), name })
}

/// The task's id, without the rest of its ARN.
fn short(failed_container: &FailedContainer) -> &str {
    let task = failed_container.task.as_str();
    task.rsplit('/').next().unwrap_or(task)
}

#[cfg(test)]
mod tests {
    use super::{last_lines, stream};
    use pipeline::task::FailedContainer;
    use serde_json::{Value, json};

    fn of(logging: &Value) -> Option<String> {
        let containers = json!([{"name": "log"}, {"name": "api", "logConfiguration": logging}]);
        let definition = json!({ "containerDefinitions": containers });
        let failed_container = FailedContainer {
            revision: "api:7".into(),
            container: "api".into(),
            task: "arn:aws:ecs:eu-central-1:1:task/scr/35a3".into(),
        };
        let stream = stream(&definition, &failed_container, "eu-central-1")?;
        Some(format!("{} {}", stream.group, stream.name))
    }

    #[test]
    fn the_stream_is_named_after_prefix_container_and_task() {
        let options = json!({"awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "app"});
        let found = of(&json!({"logDriver": "awslogs", "options": options}));
        assert_eq!(found.unwrap(), "/ecs/api app/api/35a3");
    }

    #[test]
    fn the_end_is_kept_line_by_line_and_without_colours() {
        let traceback = (1..20).map(|n| format!("  at frame {n}\n")).collect::<String>();
        let events =
            ["\x1b[32mstarting\x1b[0m\n", &traceback, "\n", "\x1b[1;31mfatal:\x1b[0m no\n"];
        let lines = last_lines(events.into_iter());
        assert_eq!(lines.len(), 12);
        assert_eq!(lines.first().unwrap(), "  at frame 9");
        assert_eq!(lines.last().unwrap(), "fatal: no");
    }

    #[test]
    fn what_lies_elsewhere_is_not_looked_for() {
        assert_eq!(
            of(
                &json!({"logDriver": "splunk", "options": {"awslogs-group": "a", "awslogs-stream-prefix": "b"}})
            ),
            None
        );
        assert_eq!(of(&json!({"logDriver": "awslogs", "options": {"awslogs-group": "a"}})), None);
        let options = json!({"awslogs-group": "a", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "b"});
        assert_eq!(of(&json!({"logDriver": "awslogs", "options": options})), None);
        assert_eq!(of(&Value::Null), None);
    }
}
