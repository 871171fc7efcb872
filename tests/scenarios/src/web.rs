//! What lies outside AWS: the team's own sites, and Slack.

use sandbox::sites::{Request, Response};
use sandbox::slack::Slack;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub struct Web {
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    now: u64,
    slack: Slack,
    /// What a site answers, where it is not 200; the last answer stays.
    answers: BTreeMap<String, Vec<u16>>,
    asked: Vec<String>,
}

impl Web {
    pub(crate) fn new(token: &str, channel: &str) -> Self {
        let slack = Slack::new(token, &[channel]);
        Self {
            inside: Mutex::new(Inside {
                now: 0,
                slack,
                answers: BTreeMap::new(),
                asked: Vec::new(),
            }),
        }
    }

    pub(crate) fn set_now(&self, now: u64) {
        self.inside().now = now;
    }

    /// From now on `url` answers with these, one after another; the last one stays.
    pub fn answers(&self, url: &str, statuses: &[u16]) {
        let statuses = statuses.iter().rev().copied().collect();
        self.inside().answers.insert(url.to_owned(), statuses);
    }

    /// Every requested URL of a site, in order.
    pub fn asked(&self) -> Vec<String> {
        self.inside().asked.clone()
    }

    /// What a reader of the channel sees.
    pub fn channel(&self) -> String {
        self.inside().slack.read()
    }

    pub fn slack<T>(&self, act: impl FnOnce(&mut Slack) -> T) -> T {
        act(&mut self.inside().slack)
    }

    pub(crate) fn answer(&self, request: &Request) -> Response {
        let mut inside = self.inside();
        let now = inside.now;
        if let Some(response) = inside.slack.answer(request, now) {
            return response;
        }
        inside.asked.push(request.url.clone());
        let status = match inside.answers.get_mut(&request.url) {
            None => 200,
            Some(statuses) if statuses.len() > 1 => statuses.pop().unwrap_or(200),
            Some(statuses) => statuses.first().copied().unwrap_or(200),
        };
        match status {
            0 => Response::nobody(),
            status => Response::text(status, format!("answer {status}")),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
