//! What a reader of the channel sees.

use super::{Message, Slack};
use crate::place::{list, text};
use serde_json::Value;

impl Slack {
    /// Every message with its thread, as text.
    pub fn read(&self) -> String {
        let threads = self.messages.iter().filter(|message| message.thread.is_none());
        let shown = threads.map(|message| {
            let answers = self.messages.iter().filter(|other| {
                other.thread.as_ref() == Some(&message.ts) && other.channel == message.channel
            });
            let answers = answers.map(|answer| indented(&answer.lines().join("\n"), "  > "));
            let head = format!("#{}{}\n", message.channel, edited(message));
            head + &indented(&message.lines().join("\n"), "  ") + &answers.collect::<String>()
        });
        shown.collect()
    }
}

impl Message {
    fn lines(&self) -> Vec<String> {
        let blocks: Vec<_> = self.blocks.as_array().into_iter().flatten().flat_map(block).collect();
        if blocks.is_empty() { vec![self.text.clone()] } else { blocks }
    }
}

fn edited(message: &Message) -> String {
    match message.edits {
        0 => String::new(),
        1 => " (edited)".into(),
        times => format!(" (edited {times} times)"),
    }
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}").trim_end().to_owned() + "\n").collect()
}

fn block(block: &Value) -> Vec<String> {
    let words = |one: &Value| one.get("text").and_then(Value::as_str).map(str::to_owned);
    match text(block, "type").unwrap_or_default() {
        "header" => {
            let title = block.get("text").and_then(words);
            title.into_iter().map(|title| format!("== {title} ==")).collect()
        }
        "section" => {
            let fields = list(block, "fields").iter().filter_map(words);
            block.get("text").and_then(words).into_iter().chain(fields).collect()
        }
        "context" => {
            let parts: Vec<_> = list(block, "elements").iter().filter_map(words).collect();
            vec![format!("({})", parts.join(" "))]
        }
        "actions" => {
            let buttons = list(block, "elements").iter().map(|button| {
                let name = button.get("text").and_then(words).unwrap_or_default();
                let target = text(button, "url").map(|url| format!(" -> {url}"));
                format!("[{name}{}]", target.unwrap_or_default())
            });
            vec![buttons.collect::<Vec<_>>().join(" ")]
        }
        "divider" => vec!["---".into()],
        other => vec![format!("<{other}>")],
    }
}
