//! Request and response bodies as they are sent.
//!
//! The SDK knows the fields of its release date, and silently drops every other. A task definition
//! is the user's document, so it bypasses the SDK's types in both directions; signing, retries and
//! errors stay the SDK's.

use crate::failure::Failure;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps a response body unchanged.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(Arc<Mutex<Vec<u8>>>);

impl Answer {
    pub(super) fn read(&self) -> Result<Value, Failure> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Passing(format!("ECS did not return JSON: {error}")))
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    /// The whole body is available only here.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        Ok(())
    }
}

/// Replaces the SDK's request body with our document.
#[derive(Debug)]
pub(super) struct Document(Vec<u8>);

impl Document {
    pub(super) fn new(document: &Value) -> Self {
        Self(document.to_string().into_bytes())
    }
}

impl Intercept for Document {
    fn name(&self) -> &'static str {
        "Document"
    }

    /// Before the signature, which covers the body; once per attempt.
    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.0.len().to_string());
        *request.body_mut() = SdkBody::from(self.0.clone());
        Ok(())
    }
}
