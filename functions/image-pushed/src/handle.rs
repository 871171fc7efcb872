//! From a payload to the releases that it concerns.

use aws::payload::{Heard, push};
use aws::pushes::ask;
use aws::{Aws, Failure};
use engine::World;
use pipeline::deployment::Reply;
use pipeline::names::ApplicationName;
use serde_json::{Value, json};
use tracing::info;

/// Answers with the outcome of the push, for a person who reports one by hand.
pub(crate) async fn handle(aws: &Aws, payload: Value) -> Result<Value, Failure> {
    let push = match push(&payload, aws.now())? {
        Heard::News(push) => push,
        Heard::NotForUs(what) => {
            info!("ignored: {what}");
            return Ok(json!({"heard": [], "ignored": what}));
        }
    };
    let tag = push.tag.as_ref().map_or("no tag", |tag| tag.as_str());
    let heard = aws.engine().pushed_and_read(&push, async |push| ask(aws, push).await).await?;
    info!(repository = %push.repository, "push of {tag} ({}): {}", push.digest.short(), told(&heard));
    let heard: Vec<Value> = heard
        .iter()
        .map(|(application, said)| json!({"application": application, "said": words(said)}))
        .collect();
    Ok(json!({"heard": heard}))
}

fn told(heard: &[(ApplicationName, Reply)]) -> String {
    if heard.is_empty() {
        return "no application uses this repository".into();
    }
    let each = heard.iter().map(|(application, said)| format!("{application}: {}", words(said)));
    each.collect::<Vec<_>>().join("; ")
}

fn words(said: &Reply) -> &str {
    match said {
        Reply::Done | Reply::Granted => "recorded",
        Reply::Accepted(why) | Reply::Denied(why) | Reply::Refused(why) | Reply::Ignored(why) => {
            why
        }
    }
}
