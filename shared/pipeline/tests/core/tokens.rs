//! Client tokens: they let AWS distinguish a second try from a second task.

use super::events::prepared;
use super::fixtures::{request, spec};
use super::scene::at;
use pipeline::deployment::{Deployment, advance};
use pipeline::effect::Effect;
use pipeline::names::{DeploymentId, Place};

const NO_APPROVAL: [(&str, &str); 1] = [("approval", "")];

/// The token of the first attempt at the migration.
fn token(application: &str, environment: &str, number: u64) -> String {
    let spec = spec(&NO_APPROVAL);
    let rules = spec.environments[&"staging".into()].clone();
    let place = Place { application: application.into(), environment: environment.into() };
    let id = DeploymentId { place, number };
    let deployment = Deployment::start(id, request("b1", at(1)), rules, spec.images, at(2));
    let (deployment, _) = advance(deployment, prepared(), at(3));
    let mut tokens = deployment.outbox.entries().iter().filter_map(|entry| match &entry.effect {
        Effect::RunOneOff(one_off) => Some(one_off.client_token.clone()),
        _ => None,
    });
    tokens.next_back().unwrap()
}

#[test]
fn trap_43_a_token_is_the_same_for_every_try_and_never_longer_than_aws_allows() {
    assert_eq!(token("shop", "staging", 7), "shop/staging-7-migrate-1");
    let long = "a-very-long-name-for-an-application-of-ours";
    let longest = token(long, "production-of-the-northern-region", 999_999_999);
    // The hundredth attempt has two characters more than the first.
    assert!(longest.len() + 2 <= 64, "{longest} has {}", longest.len());
}

#[test]
fn trap_43_no_two_deployments_have_the_same_token() {
    let long = "a-very-long-name-for-an-application-of-ours";
    let all = [
        token("shop", "staging", 1),
        token("shop", "staging", 2),
        token("shop-staging", "web", 1),
        token("shop", "staging-web", 1),
        token(long, "staging", 1),
        token(long, "production", 1),
    ];
    for (index, own) in all.iter().enumerate() {
        assert!(!all[..index].contains(own), "{own}");
    }
}
