//! A deployment of fifty services stays far below what DynamoDB takes in one item.

use simulation::large;

#[test]
fn a_deployment_of_fifty_services_is_stored_in_less_than_100_kb() {
    let (largest, story) = large::play().expect("the spec is valid");
    let deployment = &story.sim.deployments(&story.place("production"))[0];
    assert_eq!(deployment.verdict().map(|verdict| verdict.name()), Some("succeeded"));
    assert_eq!(deployment.services.len(), large::SERVICES);
    assert!(deployment.timeline.entries().len() > large::SERVICES);
    assert!(largest < 100_000, "{largest} bytes");
}
