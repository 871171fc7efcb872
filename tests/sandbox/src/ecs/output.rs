//! What containers write before they fail, and where their log driver sends it.

use super::task::{Container, Task};
use crate::logs::Written;
use crate::place::text;
use serde_json::Value;

/// The last output of a container that exits with `code`; `None`: it is not kept.
pub(super) fn last_words(
    task: &Task,
    container: &Container,
    code: i64,
    now: u64,
) -> Option<Written> {
    let wrote = |one: &&Value| text(one, "name") == Some(container.name.as_str());
    let definition = task.definition.containers().iter().find(wrote)?;
    let options = &definition["logConfiguration"]["options"];
    let (group, prefix) =
        (text(options, "awslogs-group")?, text(options, "awslogs-stream-prefix")?);
    Some(Written {
        group: group.to_owned(),
        stream: format!("{prefix}/{}/{}", container.name, task.id),
        at: now,
        lines: vec![
            format!("{} starts", container.name),
            format!("fatal: cannot go on, exit code {code}"),
        ],
    })
}
