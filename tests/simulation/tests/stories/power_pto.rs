//! Power PTO: one verdict for three services.

use super::telling::check_day;

#[test]
fn three_services_go_out_together() {
    check_day("power-pto", "good");
}

#[test]
fn a_release_without_all_its_images_is_reported_and_waits() {
    check_day("power-pto", "image-missing");
}

#[test]
fn one_service_that_fails_sends_all_three_back() {
    check_day("power-pto", "one-fails");
}

#[test]
fn a_worker_that_dies_without_a_load_balancer_counts() {
    check_day("power-pto", "worker-dies");
}

#[test]
fn a_failed_accrual_job_sends_all_three_back() {
    check_day("power-pto", "accrual-alarm");
}

#[test]
fn where_the_schema_cannot_be_undone_a_person_fixes_forward() {
    check_day("power-pto", "irreversible");
}
