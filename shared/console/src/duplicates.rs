//! Duplicate requests: a request is executed once, and a duplicate gets its outcome.

use super::answer::Caller;
use super::catalog::{EnvironmentView, Records};
use super::form::Form;
use super::place::with_place;
use super::reading::load;
use aws::failure::Failure;
use engine::Key;
use pipeline::deployment::Deployment;
use pipeline::environment::RequestOutcome;
use pipeline::names::{DeploymentId, RequestId};
use serde_json::{Map, Value};

/// Answers a duplicate request.
pub(crate) async fn answer(
    world: &impl Records,
    caller: &Caller,
    site: &EnvironmentView<'_>,
    id: &RequestId,
    form: &Form,
) -> Result<Value, Failure> {
    let place = site.place();
    let mut answer = Map::new();
    answer.insert("accepted".into(), true.into());
    let fate =
        site.head.request_outcomes.iter().find(|(known, _)| known == id).map(|(_, fate)| fate);
    let (number, declined) = match fate {
        Some(RequestOutcome::Started { number }) => (Some(*number), None),
        Some(RequestOutcome::Declined { why }) => (None, Some(why)),
        None => (None, None),
    };
    let waits = site.head.queue.iter().find(|waits| waits.request.id == *id);
    let text = match (number, waits) {
        (Some(number), _) => {
            let key = Key::Deployment(DeploymentId { place: place.clone(), number });
            let deployment = load::<Deployment>(world, &[key]).await?.pop().flatten();
            let state = deployment.map_or(String::new(), |known| format!(": {}", known.waiting()));
            format!("deployment {number}{state}")
        }
        (None, Some(waits)) => format!("queued: {}", waits.why),
        (None, None) => match declined {
            Some(why) => format!("it was declined: {why}"),
            None => "it was declined".to_owned(),
        },
    };
    let text = format!("duplicate request (same as a moment ago); not repeated; {text}");
    answer.insert("answer".into(), text.into());
    if let Some(number) = number {
        answer.insert("deployment".into(), number.into());
    }
    let mut again = form.typed();
    again.insert("request".into(), format!("again at {}", world.now()).into());
    answer.insert("to_ask_again_all_the_same".into(), with_place(again, site));
    answer.insert("watch".into(), caller.watch(place, number));
    Ok(answer.into())
}
