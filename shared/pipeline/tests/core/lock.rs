//! The lock: only the deployment that the environment names is told what happens.

use super::events::up;
use super::fixtures::place;
use super::scene::Scene;
use expect_test::expect;
use pipeline::deployment::Reply;
use pipeline::environment::{Context, Environment, Input, advance};

#[test]
fn a_deployment_that_does_not_hold_the_lock_is_told_nothing() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.begin_rolling_out();
    let context = Context {
        rules: scene.spec.environments.get(&place().environment),
        repositories: &scene.spec.images,
        promotes_to: &[],
        promoted_from: None,
        is_source_unreadable: false,
    };
    let told = |active: Option<u64>| {
        let mut head = scene.head.clone();
        head.active = active;
        let environment = Environment { head, deployment: Some(scene.deployments[&1].clone()) };
        let input = Input::Happened(up("shop-api", 101, scene.now));
        advance(environment, input, &context, scene.now)
    };
    assert_ne!(told(Some(1)).deployments, [scene.deployments[&1].clone()]);
    for active in [None, Some(2)] {
        let step = told(active);
        assert_eq!(step.deployments, [scene.deployments[&1].clone()]);
        let Reply::Ignored(why) = step.said else { unreachable!("{:?}", step.said) };
        expect!["observed: no deployment is in progress"].assert_eq(&why);
    }
}
