//! Omen EPR: a service made from a template, with a worker beside it.

use super::telling::check_day;

#[test]
fn a_service_that_does_not_exist_is_created() {
    check_day("omen-epr", "first-deploy");
}

#[test]
fn a_first_deploy_that_fails_has_no_previous_revision() {
    check_day("omen-epr", "first-deploy-fails");
}

#[test]
fn a_first_deploy_that_fails_may_be_deleted_again() {
    check_day("omen-epr", "first-deploy-removed");
}

#[test]
fn the_second_image_fails_and_is_rolled_back_to_the_first() {
    check_day("omen-epr", "api-crashes");
}

#[test]
fn a_worker_that_dies_beside_its_api_is_mentioned() {
    check_day("omen-epr", "worker-crashes");
}

#[test]
fn a_worker_that_dies_beside_its_api_may_send_it_back() {
    check_day("omen-epr", "worker-counts");
}

#[test]
fn an_image_that_exists_is_deployed_by_hand() {
    check_day("omen-epr", "by-hand");
}

#[test]
fn a_new_spec_splits_the_worker_off() {
    check_day("omen-epr", "split");
}
