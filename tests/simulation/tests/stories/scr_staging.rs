//! SCR in staging: three services, one after the other.

use super::telling::check_day;

#[test]
fn a_merge_goes_out_service_by_service() {
    check_day("scr", "good");
}

#[test]
fn of_two_merges_while_one_runs_only_the_newest_follows() {
    check_day("scr", "merges-while-busy");
}

#[test]
fn a_failed_migration_touches_nothing() {
    check_day("scr", "migration-fails");
}

#[test]
fn a_migration_that_cannot_start_touches_nothing() {
    check_day("scr", "migration-cannot-start");
}

#[test]
fn an_api_that_fails_at_start_is_rolled_back_without_any_breaker() {
    check_day("scr", "image-crashes");
}

#[test]
fn what_the_circuit_breaker_stops_is_rolled_back() {
    check_day("scr", "breaker-stops");
}

#[test]
fn a_rollback_by_ecs_is_left_to_ecs() {
    check_day("scr", "breaker-returns");
}

#[test]
fn a_web_that_hangs_for_ten_minutes_sends_all_three_back() {
    check_day("scr", "hangs");
}

#[test]
fn a_front_page_that_answers_502_sends_all_three_back() {
    check_day("scr", "check-fails");
}

#[test]
fn a_check_may_pass_at_its_third_attempt() {
    check_day("scr", "check-passes-late");
}

#[test]
fn an_alarm_during_the_rollout_sends_back_what_was_touched() {
    check_day("scr", "alarm-in-rollout");
}

#[test]
fn an_alarm_during_the_bake_sends_all_three_back() {
    check_day("scr", "alarm-in-bake");
}

#[test]
fn an_alarm_that_is_already_on_blocks_the_start() {
    check_day("scr", "alarm-before");
}

#[test]
fn a_rollback_by_a_person_during_the_migration_waits_for_its_end() {
    check_day("scr", "rollback-in-migration");
}

#[test]
fn after_a_rollback_by_hand_only_a_newer_commit_follows() {
    check_day("scr", "rollback-by-hand");
}

#[test]
fn a_rollback_by_hand_takes_the_schema_back_first() {
    check_day("scr", "rollback-with-undo");
}

#[test]
fn an_update_outside_slipway_is_neither_success_nor_failure() {
    check_day("scr", "outside-update");
}
