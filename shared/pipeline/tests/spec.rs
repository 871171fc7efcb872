//! Reading specs: what teams write, and the messages for mistakes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says why by stopping"
)]
#![expect(clippy::needless_pass_by_value, reason = "an expectation is written where it is used")]

#[path = "spec/addresses.rs"]
mod addresses;
#[path = "spec/definitions.rs"]
mod definitions;
#[path = "spec/near.rs"]
mod did_you_mean;
#[path = "spec/documents.rs"]
mod documents;
#[path = "spec/examples.rs"]
mod examples;
#[path = "spec/freezes.rs"]
mod freezes;
#[path = "spec/migrations.rs"]
mod migrations;
#[path = "spec/mistakes.rs"]
mod mistakes;
#[path = "spec/mistakes_in_services.rs"]
mod mistakes_in_services;
#[path = "spec/names.rs"]
mod names;
#[path = "spec/properties.rs"]
mod properties;
#[path = "spec/slips/mod.rs"]
mod slips;
#[path = "spec/tags.rs"]
mod tags;
#[path = "spec/templates.rs"]
mod templates;
#[path = "spec/truncated.rs"]
mod truncated;
#[path = "spec/values.rs"]
mod values;
