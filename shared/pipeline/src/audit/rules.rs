//! The rules by name, and what each says to a person.

macro_rules! rules {
    ($($rule:ident $name:literal $words:literal)*) => {
        /// What must hold of everything that an environment has recorded.
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
        "every record can be read, and lies under its own number"
    Small "every_record_is_small_enough"
        "every record is small enough to be written again"
    InTime "times_are_in_order"
        "a deployment starts, goes on and ends in the order of time, and not in the future"
    Woken "nothing_is_due_for_ever"
        "what waits for a moment is woken soon after it"
    OnlyNotices "an_ended_deployment_asks_for_nothing"
        "a deployment that has ended asks nothing more of a worker, but to tell people"
    MigratedFirst "nothing_is_touched_before_the_migration"
        "no service is touched before the migration has ended with exit code 0"
    NotFrozen "nothing_starts_in_a_freeze"
        "nothing starts in a freeze, unless a person overrides it"
    Complete "a_success_is_about_every_service"
        "a release that succeeded was seen on every service of the environment"
    Proven "a_success_ran_a_task"
        "a release that succeeded ran at least one task"
    Quiet "a_success_had_no_alarm"
        "no alarm that counts was on before a release succeeded"
    Migrated "a_success_has_migrated"
        "a release that succeeded ran its migration to exit code 0, where it was to run one"
    Back "rolled_back_is_back"
        "every service that a deployment touched is back once it is rolled back"
    LeftNamed "failed_names_what_is_left"
        "a deployment that failed names every service that it has left changed"
    StuckNamed "stuck_names_what_is_not_back"
        "a deployment that is stuck names every service that is not back"
    Untouched "called_off_touched_nothing"
        "a deployment that was rejected, cancelled or replaced before its turn touched nothing"
    Numbered "numbers_have_no_gaps"
        "deployments are numbered without a gap, up to the last one that the environment knows"
    OneAtATime "one_deployment_at_a_time"
        "one deployment is under way at a time, and the environment knows which"
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
        "a migration is undone once at most, and only one that ran"
    Live "the_environment_knows_what_runs"
        "what the environment says that it runs is what the last deployment left there"
    Good "what_is_good_has_succeeded"
        "what the environment goes back to or promotes has succeeded here"
    Newest "the_environment_knows_the_newest"
        "the environment knows the newest release that was deployed and not rolled back"
    Schema "the_environment_knows_its_migrations"
        "the environment knows which of its last migrations ran, failed or were undone"
}
