//! Layers: what manifests refer to, read from S3 by an address that ECR gives.

use super::{Ecr, invalid};
use crate::place::{ACCOUNT, text};
use crate::service::{Call, Refusal};
use serde_json::{Value, json};

/// Where layers lie in S3.
pub(crate) const LAYERS: &str = "/layers/";

impl Ecr {
    /// Layers are read from here.
    pub(crate) fn store_at(&mut self, endpoint: &str) {
        endpoint.clone_into(&mut self.storage);
    }

    /// An address in S3 that is good for this caller without further ado.
    pub(super) fn download_url(&self, call: &Call) -> Result<Value, Refusal> {
        let (name, repository) = self.repository(&call.input)?;
        let digest = text(&call.input, "layerDigest");
        let digest = digest.ok_or_else(|| invalid("layerDigest failed to satisfy: not null"))?;
        if !repository.configs.contains_key(digest) {
            return Err(layer_not_found(digest, name));
        }
        let address = format!("{}{LAYERS}{name}/{digest}", self.storage);
        let signed = format!("{address}?X-Amz-Expires=3600&X-Amz-Credential={}", call.caller);
        Ok(json!({ "downloadUrl": signed, "layerDigest": digest }))
    }

    /// What lies at such an address.
    pub(super) fn layer(&self, input: &Value) -> Result<Value, Refusal> {
        let missing = || Refusal {
            status: 404,
            ..Refusal::new("NoSuchKey", "The specified key does not exist.")
        };
        let key = text(input, "Key").and_then(|key| key.rsplit_once('/'));
        let (name, digest) = key.ok_or_else(missing)?;
        let configs = self.repositories.get(name).map(|repository| &repository.configs);
        let config = configs.and_then(|configs| configs.get(digest)).ok_or_else(missing)?;
        Ok(json!({ "Body": config }))
    }
}

fn layer_not_found(digest: &str, name: &str) -> Refusal {
    Refusal::new(
        "LayersNotFoundException",
        format!(
            "The layer with digest '{digest}' does not exist in the repository with name '{name}' \
             in the registry with id '{ACCOUNT}'"
        ),
    )
}
