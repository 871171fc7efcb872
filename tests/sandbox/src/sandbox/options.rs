//! What a sandbox is started with.

use crate::template::Place;
use std::{collections::BTreeMap, path::PathBuf};

/// Settings of a sandbox; `Options::new` has sound ones.
#[derive(Clone, Debug)]
pub struct Options {
    pub template: PathBuf,
    pub parameters: BTreeMap<String, String>,
    /// The folder with the functions' binaries, each by its crate's name.
    pub binaries_in: PathBuf,
    /// Other binaries for some functions, by logical id.
    pub binaries: BTreeMap<String, PathBuf>,
    /// Variables for every function besides Lambda's and the template's: proxies, certificates.
    pub environment: BTreeMap<String, String>,
    pub stack: String,
    pub account: String,
    pub region: String,
    /// 0 for any port that is free.
    pub port: u16,
    /// When the sandbox's time begins, in milliseconds since 1970.
    pub now: u64,
    /// Hours without a change after which waiting is an error.
    pub patience_hours: u64,
    /// Steps after which waiting is an error: a loop that takes no time would never end.
    pub most_steps: u64,
}

/// 2026-11-21T09:00:00Z
const MORNING: u64 = 1_795_251_600_000;

impl Options {
    pub fn new(template: impl Into<PathBuf>, binaries_in: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            parameters: BTreeMap::new(),
            binaries_in: binaries_in.into(),
            binaries: BTreeMap::new(),
            environment: BTreeMap::new(),
            stack: "slipway".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-central-1".to_owned(),
            port: 0,
            now: MORNING,
            patience_hours: 12,
            most_steps: 100_000,
        }
    }

    /// Gives a parameter of the template a value.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.parameters.insert(parameter.to_owned(), value.to_owned());
        self
    }

    pub(super) fn place(&self) -> Place {
        Place {
            account: self.account.clone(),
            region: self.region.clone(),
            stack: self.stack.clone(),
            endpoint: String::new(),
        }
    }
}
