//! A text in Slack's blocks.

use super::words::{NoticeText, Output, Severity, cut};
use serde_json::{Value, json};

/// Slack's limit for the text in one block.
const BLOCK_MAX: usize = 2900;
/// With its heading and its fence an output must fit into a block, so that the fence is closed.
const OUTPUT_MAX: usize = 2600;

/// The message in the channel, which is updated in place.
pub(super) fn message(text: &NoticeText) -> Value {
    let mut blocks =
        vec![section(&format!("{} *{}*", sign(text.severity), escape(&text.headline)))];
    if let Some(why) = &text.why {
        blocks.push(section(&escape(why)));
    }
    blocks.push(context(&escape(&text.facts.join(" "))));
    blocks.extend(advice(text));
    json!({"text": escape(&text.headline), "blocks": blocks, "unfurl_links": false})
}

/// The reply in its thread; `None`: there are no details.
pub(super) fn details(text: &NoticeText) -> Option<Value> {
    let mut blocks = Vec::new();
    if let Some(why) = &text.why {
        blocks.push(section(&format!("*{}*\n{}", escape(&text.headline), escape(why))));
    } else if !text.last_words.is_empty() || text.severity == Severity::ActionRequired {
        blocks.push(section(&format!("*{}*", escape(&text.headline))));
    }
    if !text.last_words.is_empty() {
        let words = text.last_words.iter().map(|word| format!("• {}", escape(word)));
        blocks.push(section(&words.collect::<Vec<_>>().join("\n")));
    }
    blocks.extend(output(text));
    if blocks.is_empty() {
        return None;
    }
    blocks.extend(advice(text).filter(|_| text.severity == Severity::ActionRequired));
    Some(json!({"text": escape(&text.headline), "blocks": blocks, "unfurl_links": false}))
}

/// Everything at once, for a webhook, which has no threads.
pub(super) fn everything(text: &NoticeText) -> Value {
    let mut message = message(text);
    if !text.last_words.is_empty()
        && let Some(blocks) = message["blocks"].as_array_mut()
    {
        let words = text.last_words.iter().map(|word| format!("• {}", escape(word)));
        let place = blocks.len().min(2);
        let words = section(&words.collect::<Vec<_>>().join("\n"));
        blocks.splice(place..place, std::iter::once(words).chain(output(text)));
    }
    message
}

/// The last output of the failed container.
fn output(text: &NoticeText) -> Option<Value> {
    let Output { whose, lines } = text.output.as_ref()?;
    let mut room = OUTPUT_MAX;
    // The last lines are the most useful, and are kept whole. No line may end the fence.
    let fitting = lines.iter().rev().map(|line| escape(line).replace("``", "` `"));
    let fitting = fitting.take_while(|line| {
        let left = room.checked_sub(line.chars().count() + 1);
        room = left.unwrap_or_default();
        left.is_some()
    });
    let mut lines: Vec<String> = fitting.collect();
    lines.reverse();
    let lines = lines.join("\n");
    Some(section(&format!("Last output of {}:\n```\n{lines}\n```", escape(whose))))
}

fn advice(text: &NoticeText) -> Option<Value> {
    let advice = text.advice.as_ref()?;
    let (function, payload) = (escape(&advice.function), escape(&advice.payload));
    Some(context(&format!("{}, invoke `{function}` with `{payload}`", advice.aim)))
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::InProgress => ":hourglass_flowing_sand:",
        Severity::Succeeded => ":white_check_mark:",
        Severity::Neutral => ":white_circle:",
        Severity::Failed => ":leftwards_arrow_with_hook:",
        Severity::ActionRequired => ":rotating_light:",
    }
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text, BLOCK_MAX)}})
}

fn context(text: &str) -> Value {
    let element = json!({"type": "mrkdwn", "text": cut(text, BLOCK_MAX)});
    json!({"type": "context", "elements": [element]})
}

/// Slack treats these three as markup, and no quoted text may mention everybody.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
