//! SCR in production: only what succeeded in staging.

use super::telling::check_day;

#[test]
fn a_version_tag_deploys_the_very_same_digests() {
    check_day("scr", "promotion");
}

#[test]
fn a_version_tag_waits_for_the_success_in_staging() {
    check_day("scr", "tag-before-staging");
}

#[test]
fn what_failed_in_staging_never_reaches_production() {
    check_day("scr", "staging-fails");
}

#[test]
fn a_manual_deploy_needs_its_word() {
    check_day("scr", "word-missing");
}

#[test]
fn a_rollback_runs_the_very_revisions_of_the_version_before() {
    check_day("scr", "rollback");
}
