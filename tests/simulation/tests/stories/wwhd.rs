//! WWHD: a tag that moves, and a number of tasks that does.

use super::telling::check_day;

#[test]
fn each_digest_of_latest_is_a_release() {
    check_day("wwhd", "good");
}

#[test]
fn the_same_digest_again_does_nothing() {
    check_day("wwhd", "same-digest");
}

#[test]
fn a_person_may_want_fresh_tasks() {
    check_day("wwhd", "fresh");
}

#[test]
fn a_rollback_restores_the_digest_that_ran_though_latest_has_moved() {
    check_day("wwhd", "rollback");
}

#[test]
fn slow_answers_during_the_bake_send_it_back() {
    check_day("wwhd", "latency-alarm");
}

#[test]
fn client_errors_during_the_rollout_send_it_back() {
    check_day("wwhd", "client-errors");
}

#[test]
fn autoscaling_in_the_middle_of_it_is_no_failure() {
    check_day("wwhd", "autoscaling");
}
