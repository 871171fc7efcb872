//! The pure core: what follows from what, as stories, tables and properties.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]

#[path = "core/fixtures.rs"]
mod fixtures;

#[path = "core/events.rs"]
mod events;
#[path = "core/states.rs"]
mod states;
#[path = "core/table.rs"]
mod table;

#[path = "core/scene.rs"]
mod scene;

#[path = "core/admission.rs"]
mod admission;
#[path = "core/alarms.rs"]
mod alarms;
#[path = "core/audit.rs"]
mod audit;
#[path = "core/audit_of_order.rs"]
mod audit_of_order;
#[path = "core/audit_of_records.rs"]
mod audit_of_records;
#[path = "core/before.rs"]
mod before;
#[path = "core/blame.rs"]
mod blame;
#[path = "core/counts_as_rolled_back.rs"]
mod counts_as_rolled_back;
#[path = "core/dates.rs"]
mod dates;
#[path = "core/failed_migrations.rs"]
mod failed_migrations;
#[path = "core/failed_together.rs"]
mod failed_together;
#[path = "core/firmness.rs"]
mod firmness;
#[path = "core/hands.rs"]
mod hands;
#[path = "core/holds.rs"]
mod holds;
#[path = "core/large_deployments.rs"]
mod large_deployments;
#[path = "core/last_look.rs"]
mod last_look;
#[path = "core/lock.rs"]
mod lock;
#[path = "core/on_the_way_back.rs"]
mod on_the_way_back;
#[path = "core/one_off.rs"]
mod one_off;
#[path = "core/order.rs"]
mod order;
#[path = "core/outbox.rs"]
mod outbox;
#[path = "core/plausibility.rs"]
mod plausibility;
#[path = "core/promotions.rs"]
mod promotions;
#[path = "core/proven.rs"]
mod proven;
#[path = "core/pushes.rs"]
mod pushes;
#[path = "core/queue.rs"]
mod queue;
#[path = "core/rollbacks_by_ecs.rs"]
mod rollbacks_by_ecs;
#[path = "core/rolling_back.rs"]
mod rolling_back;
#[path = "core/rolling_out.rs"]
mod rolling_out;
#[path = "core/schema.rs"]
mod schema;
#[path = "core/schema_again.rs"]
mod schema_again;
#[path = "core/sizes.rs"]
mod sizes;
#[path = "core/takeovers.rs"]
mod takeovers;
#[path = "core/versions.rs"]
mod versions;
#[path = "core/waiting.rs"]
mod waiting;
#[path = "core/watching.rs"]
mod watching;
#[path = "core/who_updated.rs"]
mod who_updated;
#[path = "core/words.rs"]
mod words;
#[path = "core/workers.rs"]
mod workers;

#[path = "core/arbitrary.rs"]
mod arbitrary;
#[path = "core/properties.rs"]
mod properties;

#[path = "core/dependencies.rs"]
mod dependencies;
#[path = "core/observations.rs"]
mod observations;
#[path = "core/rollback_during_migration.rs"]
mod rollback_during_migration;
#[path = "core/tasks.rs"]
mod tasks;
#[path = "core/tokens.rs"]
mod tokens;
