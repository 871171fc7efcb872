//! Secrets Manager: secrets that can be read.

use crate::place::{Ids, arn, epoch, text};
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Secrets {
    /// By name.
    secrets: BTreeMap<String, Secret>,
    ids: Ids,
}

#[derive(Debug)]
struct Secret {
    arn: String,
    version: String,
    text: String,
    created: u64,
}

impl Service for Secrets {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let named = text(&call.input, "SecretId").unwrap_or("*");
        let resource = match self.find(named) {
            Some((_, secret)) => secret.arn.clone(),
            None if named.starts_with("arn:") => named.to_owned(),
            None => arn("secretsmanager", &format!("secret:{named}")),
        };
        vec![Need::new(&format!("secretsmanager:{}", call.operation), resource)]
    }

    fn answer(&mut self, call: &Call, _desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        if !["GetSecretValue", "DescribeSecret"].contains(&call.operation.as_str()) {
            let message = format!("The sandbox's secrets know nothing of {}.", call.operation);
            return Err(Refusal::new("InvalidRequestException", message));
        }
        let named = text(&call.input, "SecretId");
        let named = named.ok_or_else(|| {
            Refusal::new("InvalidParameterException", "SecretId: Member must not be null")
        })?;
        let (name, secret) = self.find(named).ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            Refusal::new("ResourceNotFoundException", message)
        })?;
        let created = epoch(secret.created);
        let mut answer = json!({ "ARN": secret.arn, "Name": name, "CreatedDate": created });
        if call.operation == "DescribeSecret" {
            answer["VersionIdsToStages"] = json!({ &secret.version: ["AWSCURRENT"] });
        } else {
            answer["VersionId"] = secret.version.as_str().into();
            answer["SecretString"] = secret.text.as_str().into();
            answer["VersionStages"] = json!(["AWSCURRENT"]);
        }
        Ok(answer)
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Secrets {
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a text under a name, in place of what was there; returns its ARN.
    pub fn put(&mut self, name: &str, text: &str, now: u64) -> String {
        let known = self.secrets.get(name).map(|known| known.arn.clone());
        // AWS adds six letters by chance; here a name always gets the same.
        let fresh = || {
            let suffix = crate::place::sha256(name.as_bytes());
            arn("secretsmanager", &format!("secret:{name}-{}", suffix.get(..6).unwrap_or_default()))
        };
        let arn = known.unwrap_or_else(fresh);
        let secret = Secret {
            arn: arn.clone(),
            version: self.ids.uuid("version"),
            text: text.to_owned(),
            created: now,
        };
        self.secrets.insert(name.to_owned(), secret);
        arn
    }

    /// Keeps a text under a known ARN.
    pub fn put_at(&mut self, arn: &str, text: &str, now: u64) {
        let named = arn.rsplit(':').next().unwrap_or(arn);
        // AWS's six letters are no part of the name.
        let name = named.rsplit_once('-').map_or(named, |(name, _)| name);
        let (arn, version) = (arn.to_owned(), self.ids.uuid("version"));
        let secret = Secret { arn, version, text: text.to_owned(), created: now };
        self.secrets.insert(name.to_owned(), secret);
    }

    /// Deletes a secret permanently.
    pub fn delete(&mut self, named: &str) {
        self.secrets.retain(|name, secret| name != named && secret.arn != named);
    }

    fn find(&self, named: &str) -> Option<(&str, &Secret)> {
        let mut all = self.secrets.iter();
        let found = all.find(|(name, secret)| name.as_str() == named || secret.arn == named);
        found.map(|(name, secret)| (name.as_str(), secret))
    }
}
