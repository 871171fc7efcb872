//! A team that installs Slipway: what its account holds before, what its people do, and what they
//! then see.
//!
//! Everything is derived from the spec of the system, which is the very file that the team would
//! give to `configure`.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod acts;
mod before;
pub mod costs;
mod day;
mod error;
pub mod grown;
mod hosts;
pub mod live;
mod reading;
mod report;
mod screen;
mod system;
mod web;

pub use day::{Day, FREEZE, list};
pub use error::Error;
pub use reading::Deployment;
pub use screen::Screen;
pub use system::System;
pub use web::Web;

use pipeline::spec::Target;
use sandbox::sites::Sites;
use sandbox::{Answer, Options, Sandbox, Step, binaries};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A sandbox with one system in it, on which Slipway is installed and configured.
#[derive(Debug)]
pub struct Team {
    pub sandbox: Sandbox,
    pub system: System,
    /// What lies outside AWS: the team's sites, and Slack.
    pub web: Arc<Web>,
    _sites: Sites,
}

/// The channel that Slipway writes to.
const CHANNEL: &str = "deploys";
const BOT_TOKEN: &str = "xoxb-sandbox";

impl Team {
    /// Installs Slipway for the system of this name and configures it; nothing is deployed yet.
    pub async fn start(system: &str) -> Result<Self, Error> {
        Self::start_on(system, 0).await
    }

    /// As `start`, on a port of this machine.
    pub async fn start_on(system: &str, port: u16) -> Result<Self, Error> {
        Self::start_with(System::example(system)?, port).await
    }

    /// As `start_on`, for a system that is no example.
    pub async fn start_with(system: System, port: u16) -> Result<Self, Error> {
        let web = Arc::new(Web::new(BOT_TOKEN, CHANNEL));
        let answering = Arc::clone(&web);
        let folder = std::env::temp_dir();
        let site = Arc::new(move |request: &sandbox::sites::Request| answering.answer(request));
        let sites = Sites::open(&folder, site).await?;

        let mut options = Options::new(template(), binaries::build()?)
            .with("ArtifactBucket", "slipway-artifacts")
            .with("ClusterScope", "*")
            .with("RepositoryScope", "*")
            .with("TaskRoleArns", &before::roles(&system.spec))
            .with("SlackSecretArn", &before::slack_secret())
            .with("SlackChannel", &sandbox::slack::channel_id(CHANNEL))
            .with("TaskLogGroups", "*")
            .with("DeletesServices", "true");
        if system.environments().any(|(_, rules)| matches!(rules.target, Target::Hosts(_))) {
            options = options.with("HostsTagged", hosts::OURS);
        }
        options.port = port;
        options.environment = [
            ("HTTPS_PROXY".to_owned(), sites.proxy()),
            ("NO_PROXY".to_owned(), "127.0.0.1".to_owned()),
            ("SSL_CERT_FILE".to_owned(), sites.certificate().display().to_string()),
        ]
        .into();
        let sandbox = Sandbox::start(options).await?;
        let mut team = Self { sandbox, system, web, _sites: sites };
        team.have_what_was_there_before()?;
        // The events of the first rollouts are over before Slipway is installed.
        team.sandbox.run_for(before::SETTLED_SECONDS).await?;
        team.configure().await?;
        Ok(team)
    }

    /// Gives Slipway the spec, as the team's CI or a person does; returns what it answers.
    pub async fn configure(&mut self) -> Result<Value, Error> {
        let payload = json!({ "spec": self.system.text });
        let answer = self.invoke("configure", payload).await?;
        match answer.error {
            None => Ok(answer.payload),
            Some(_) => {
                Err(Error::Unknown(format!("configure refuses the spec: {}", answer.payload)))
            }
        }
    }

    /// Gives Slipway another spec from now on.
    pub async fn respecify(&mut self, text: &str) -> Result<Value, Error> {
        self.system = System::read(text)?;
        self.configure().await
    }

    /// Presses the button of a function in the console.
    pub async fn invoke(&mut self, function: &str, payload: Value) -> Result<Answer, Error> {
        self.web.set_now(self.sandbox.now());
        Ok(self.sandbox.invoke(function, payload).await?)
    }

    /// As `invoke`, for who expects an answer; whether it is yes or no does not matter.
    pub async fn ask(&mut self, function: &str, payload: Value) -> Result<Value, Error> {
        let answer = self.invoke(function, payload).await?;
        match answer.error {
            None => Ok(answer.payload),
            Some(_) => Err(Error::Unknown(format!("{function} fails: {}", answer.payload))),
        }
    }

    /// Advances time until a deployment has its verdict and nothing is left to do or send.
    pub async fn until_ended(&mut self, place: &str, number: u64) -> Result<Deployment, Error> {
        self.until(3 * 3600, |team| {
            let ended = team.deployment(place, number).is_some_and(|d| d.verdict().is_some());
            ended && team.left_over().is_empty()
        })
        .await?;
        self.deployment(place, number)
            .ok_or_else(|| Error::Unknown(format!("there is no deployment {place}/{number}")))
    }

    /// Advances time until a deployment has reached a state: `baking`.
    pub async fn until_state(
        &mut self,
        place: &str,
        number: u64,
        state: &str,
    ) -> Result<(), Error> {
        let there = |team: &mut Self| {
            team.deployment(place, number).is_some_and(|d| d.state.name() == state)
        };
        self.until(3 * 3600, there).await
    }

    /// Advances time, step by step, until `done`, for at most `seconds`.
    pub async fn until(
        &mut self,
        seconds: u64,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Error> {
        let end = self.sandbox.now() + seconds * 1000;
        while !done(self) {
            if self.sandbox.now() > end {
                let lately = self.sandbox.account().trace.tail(40);
                return Err(Error::Late { seconds, lately });
            }
            self.step().await?;
        }
        Ok(())
    }

    /// Performs the next event.
    pub async fn step(&mut self) -> Result<Step, Error> {
        self.web.set_now(self.sandbox.now());
        Ok(self.sandbox.step().await?)
    }
}

/// The shipped template.
pub fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/template.yaml")
}
