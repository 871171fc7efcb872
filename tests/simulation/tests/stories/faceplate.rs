//! Faceplate: a container on a host.

use super::telling::check_day;

#[test]
fn the_scripts_run_before_the_switch() {
    check_day("faceplate", "good");
}

#[test]
fn thirty_failed_health_checks_roll_back_to_what_really_ran() {
    check_day("faceplate", "health-fails");
}

#[test]
fn a_script_that_fails_leaves_the_container_alone() {
    check_day("faceplate", "migration-fails");
}

#[test]
fn a_busy_host_during_the_bake_is_rolled_back() {
    check_day("faceplate", "cpu-alarm");
}

#[test]
fn a_lost_command_ends_at_its_deadline() {
    check_day("faceplate", "command-lost");
}

#[test]
fn a_host_that_is_gone_needs_a_person() {
    check_day("faceplate", "host-gone");
}
