//! The rules by name, and the text of each for people.

macro_rules! rules {
    ($($rule:ident $name:literal $words:literal)*) => {
        /// What must hold for all records of an environment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $words] $rule,)*
        }

        impl Rule {
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];

            /// For programs and tests.
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// For people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$rule => $words,)* }
            }
        }
    };
}

rules! {
    Readable "every_record_can_be_read"
        "every record can be read, and has its own number"
    Small "every_record_is_small_enough"
        "every record is small enough to be stored again"
    InTime "times_are_in_order"
        "the times of a deployment are in order, and not in the future"
    Woken "nothing_is_due_for_ever"
        "a record that is due is woken soon afterwards"
    OnlyNotices "an_ended_deployment_asks_for_nothing"
        "a deployment that has ended requests nothing but notices"
    MigratedFirst "nothing_is_touched_before_the_migration"
        "no service is updated before the migration has ended with exit code 0"
    NotFrozen "nothing_starts_in_a_freeze"
        "no deployment starts in a freeze, unless a person overrides it"
    Complete "a_success_is_about_every_service"
        "a release that succeeded was observed on every service of the environment"
    Proven "a_success_ran_a_task"
        "a release that succeeded ran at least one task"
    Quiet "a_success_had_no_alarm"
        "a release succeeds only if none of its alarms was in ALARM"
    Migrated "a_success_has_migrated"
        "a release that succeeded ran its migration to exit code 0, if it had to run one"
    Back "rolled_back_is_back"
        "a deployment that was rolled back has rolled back every service that it updated"
    LeftNamed "failed_names_what_is_left"
        "a deployment that failed names every service that is still on the new revision"
    StuckNamed "stuck_names_what_is_not_back"
        "a deployment that is stuck names every service that is not rolled back"
    Untouched "called_off_touched_nothing"
        "a deployment that was rejected, cancelled or replaced by a newer one has updated nothing"
    Numbered "numbers_have_no_gaps"
        "deployment numbers have no gap, up to the last number of the environment"
    OneAtATime "one_deployment_at_a_time"
        "one deployment is in progress at a time, and the environment knows which"
    NewerOnly "automation_goes_forward_only"
        "no push and no promotion deploys a release that is older than the newest one before it, \
         unless that was rolled back or a person has let older ones in since"
    MigratesOnce "automation_repeats_no_failed_migration"
        "no push and no promotion runs the migration of the same images again after it failed, \
         unless a person has let them in again since"
    FailsOnce "automation_repeats_no_failure"
        "no push and no promotion deploys again exactly the images that failed here or that a person \
         went back from, unless a person has let them in again since"
    UndoneOnce "a_migration_is_undone_once"
        "a migration is undone at most once, and only if it ran"
    Live "the_environment_knows_what_runs"
        "the live release of the environment is the one that the last deployment left there"
    Good "what_is_good_has_succeeded"
        "a release that can be rolled back to or promoted has succeeded here"
    Newest "the_environment_knows_the_newest"
        "the environment knows the newest release that was deployed and not rolled back"
    Schema "the_environment_knows_its_migrations"
        "the environment knows which of its last migrations ran, failed or were undone"
}
