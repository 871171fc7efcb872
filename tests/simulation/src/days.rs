//! The days of the five systems: the good one of each, and every bad one that its document names.
//!
//! Each is defined once, here: a test prints its timeline, the crash sweep plays it with a crash at
//! every point, and the program shows it to a person.

mod faceplate;
mod omen_epr;
mod power_pto;
mod scr_production;
mod scr_staging;
mod wwhd;

use crate::story::Story;
use engine::Pipeline;

#[derive(Clone, Copy)]
pub struct Day {
    pub name: &'static str,
    pub system: &'static str,
    /// The environment that the text is about.
    pub environment: &'static str,
    pub about: &'static str,
    pub play: fn(&mut Story<Pipeline>),
}

#[rustfmt::skip] // A table: what happens in one column, what it is about in the other.
pub const DAYS: &[Day] = &[
    staging("good", scr_staging::good, "three images of one commit; the migration, then one service after the other"),
    staging("merges-while-busy", scr_staging::merges_while_busy, "two merges while one runs: it is not cut short, and only the newest follows"),
    staging("migration-fails", scr_staging::migration_fails, "the migration exits with 1: nothing was touched"),
    staging("migration-cannot-start", scr_staging::migration_cannot_start, "the migration's image cannot be pulled: nothing was touched"),
    staging("image-crashes", scr_staging::image_crashes, "the api dies at its start, with the circuit breaker off"),
    staging("breaker-stops", scr_staging::breaker_stops, "the api dies at its start, and the circuit breaker stops it"),
    staging("breaker-returns", scr_staging::breaker_returns, "the api dies at its start, and ECS itself puts it back"),
    staging("hangs", scr_staging::hangs, "the web never gets healthy: after ten minutes all three go back"),
    staging("check-fails", scr_staging::check_fails, "the front page answers 502: all three go back"),
    staging("check-passes-late", scr_staging::check_passes_late, "the checks pass at the third attempt"),
    staging("alarm-in-rollout", scr_staging::alarm_in_rollout, "server errors while the services go out"),
    staging("alarm-in-bake", scr_staging::alarm_in_bake, "server errors while the alarms are watched"),
    staging("alarm-before", scr_staging::alarm_before, "an alarm is on before anything is touched"),
    staging("rollback-in-migration", scr_staging::rollback_in_migration, "a person wants to go back while the migration runs"),
    staging("rollback-by-hand", scr_staging::rollback_by_hand, "a person goes back to an earlier commit, and only a newer one follows"),
    staging("rollback-with-undo", scr_staging::rollback_with_undo, "a person goes back, and the schema too"),
    staging("outside-update", scr_staging::update_by_a_person, "a service is updated outside Slipway during the deployment"),
    production("promotion", scr_production::promotion, "a version tag on what succeeded in staging: the same digests go out"),
    production("tag-before-staging", scr_production::tag_before_staging, "the version tag comes while staging still runs, and waits for it"),
    production("staging-fails", scr_production::staging_fails, "what failed in staging never goes further"),
    production("word-missing", scr_production::word_missing, "a manual deploy without the word, and then with it"),
    production("rollback", scr_production::rollback, "back to an earlier version, to the very revisions that it ran with"),
    day("power-pto", "production", "good", power_pto::good, "three images, three services, together"),
    day("power-pto", "production", "image-missing", power_pto::image_missing, "one of the three images comes half an hour late"),
    day("power-pto", "production", "one-fails", power_pto::one_fails, "the frontend dies at its start: all three go back"),
    day("power-pto", "production", "worker-dies", power_pto::worker_dies, "the worker, which no load balancer sees, dies after it came up"),
    day("power-pto", "production", "accrual-alarm", power_pto::accrual_alarm, "an accrual job fails while the alarms are watched"),
    day("power-pto", "production", "irreversible", power_pto::irreversible, "the schema cannot go back: everything stays, and a person fixes forward"),
    day("wwhd", "production", "good", wwhd::good, "`latest` moves twice; each digest is a release"),
    day("wwhd", "production", "same-digest", wwhd::same_digest, "`latest` is pushed again and points to what runs"),
    day("wwhd", "production", "fresh", wwhd::fresh, "a person wants new tasks of what runs"),
    day("wwhd", "production", "rollback", wwhd::rollback, "back to the digest that ran, though `latest` points to the new one"),
    day("wwhd", "production", "latency-alarm", wwhd::latency_alarm, "answers get slow while the alarms are watched"),
    day("wwhd", "production", "client-errors", wwhd::client_errors, "client errors while the tasks go out"),
    day("wwhd", "production", "autoscaling", wwhd::autoscaling, "autoscaling changes the number of tasks in the middle of it"),
    day("omen-epr", "production", "first-deploy", omen_epr::first_deploy, "the service does not exist and is created"),
    day("omen-epr", "production", "first-deploy-fails", omen_epr::first_deploy_fails, "the first image dies: there is nothing to go back to"),
    day("omen-epr", "production", "first-deploy-removed", omen_epr::first_deploy_removed, "the first image dies, and the service is deleted again"),
    day("omen-epr", "production", "api-crashes", omen_epr::api_crashes, "the second image dies: back to the revision before"),
    day("omen-epr", "production", "worker-crashes", omen_epr::worker_crashes, "the worker dies and its task runs on, which is said"),
    day("omen-epr", "production", "worker-counts", omen_epr::worker_counts, "the same with `sidecars: roll_back`"),
    day("omen-epr", "production", "by-hand", omen_epr::by_hand, "an image of last week, deployed by hand, without a build"),
    day("omen-epr", "production", "split", omen_epr::split, "a new spec makes the worker a service of its own"),
    day("faceplate", "prod", "good", faceplate::good, "the scripts, then the container"),
    day("faceplate", "prod", "health-fails", faceplate::health_fails, "thirty times unhealthy: the container that ran before runs again"),
    day("faceplate", "prod", "migration-fails", faceplate::migration_fails, "a script fails before the switch"),
    day("faceplate", "prod", "cpu-alarm", faceplate::cpu_alarm, "the host is too busy while the alarms are watched"),
    day("faceplate", "prod", "command-lost", faceplate::command_lost, "the host never says what became of the switch"),
    day("faceplate", "prod", "host-gone", faceplate::host_gone, "the host answers nothing any more: a person has to look"),
];

const fn staging(name: &'static str, play: fn(&mut Story), about: &'static str) -> Day {
    day("scr", "staging", name, play, about)
}

const fn production(name: &'static str, play: fn(&mut Story), about: &'static str) -> Day {
    day("scr", "production", name, play, about)
}

const fn day(
    system: &'static str,
    environment: &'static str,
    name: &'static str,
    play: fn(&mut Story),
    about: &'static str,
) -> Day {
    Day { name, system, environment, about, play }
}
