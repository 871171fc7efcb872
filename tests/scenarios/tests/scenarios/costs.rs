//! What deployments cost, in calls of AWS. `tests/measure` prints the same with dollars.

use expect_test::{Expect, expect};
use scenarios::costs::{Costs, Expense, Invocation};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Besides the table and the queues, from the push to the verdict. One of them is the check right
/// before the update, without which an update outside Slipway would be overwritten. Five read the
/// image's build information: by its tag, the index, the manifest and the configuration.
const CALLS_MAX: u64 = 16;
/// Each is a connection to be opened where an invocation is a cold start.
const HOSTS_MAX: usize = 3;
/// A notice of a failure quotes what the container wrote last, too.
const HOSTS_MAX_TO_TELL: usize = 4;
/// Before a service is rolled back, its image is checked.
const HOSTS_MAX_TO_GO_BACK: usize = 4;
/// A new image is read from ECR, and its build information from S3. AWS retries the event, and no
/// caller waits for this function; it continues without what does not answer in five seconds.
const HOSTS_MAX_TO_HEAR: usize = 4;
/// A preparation reports all faults at once: services and images, alarms, secrets, parameters, log
/// groups, roles and target groups.
const HOSTS_MAX_TO_PREPARE: usize = 10;

fn check(costs: &Costs, expect: &Expect) {
    let mut text = String::new();
    for ((service, operation), count) in costs.calls() {
        let _ = writeln!(text, "{count:>3} {service} {operation}");
    }
    for (function, calls) in costs.calls_of("dynamodb") {
        let _ = writeln!(text, "{function} calls the table {calls:?}");
    }
    expect.assert_eq(&text);
}

/// What a process asked before it need not be asked again, and is counted nevertheless: any of its
/// invocations may be its first.
fn check_hosts(costs: &Costs) {
    let prepares = |one: &&Invocation| one.function == "Rollout" && one.calls_of("ecr") > 0;
    let functions: BTreeSet<&str> =
        costs.invocations.iter().map(|one| one.function.as_str()).collect();
    let check = |what: &str, most: usize, invocations: Vec<&Invocation>| {
        let hosts: BTreeSet<_> = invocations.iter().flat_map(|one| one.hosts()).collect();
        assert!(hosts.len() <= most, "{what} asks {hosts:?}; {most} are allowed");
    };
    for function in functions {
        let all = costs.invocations.iter().filter(|one| one.function == function);
        let (preparing, others) = all.partition(prepares);
        check("preparing", HOSTS_MAX_TO_PREPARE, preparing);
        let most = match function {
            "ImagePushed" => HOSTS_MAX_TO_HEAR,
            "Notify" => HOSTS_MAX_TO_TELL,
            "Rollback" => HOSTS_MAX_TO_GO_BACK,
            _ => HOSTS_MAX,
        };
        check(function, most, others);
    }
}

#[tokio::test]
async fn one_service_takes_sixteen_calls_however_long_ecs_takes() {
    let at_once = Expense::plain(0.0).await.unwrap();
    let slowly = Expense::plain(40.0).await.unwrap();
    check(
        &slowly.whole,
        &expect![[r#"
             11 dynamodb BatchGetItem
             16 dynamodb GetItem
             23 dynamodb PutItem
              4 dynamodb Query
              2 dynamodb TransactWriteItems
              3 ecr BatchGetImage
              1 ecr DescribeImages
              1 ecr GetDownloadUrlForLayer
              1 ecr PutImage
              4 ecs DescribeServices
              1 ecs DescribeTaskDefinition
              1 ecs RegisterTaskDefinition
              1 ecs UpdateService
              1 s3 GetObject
              1 secretsmanager GetSecretValue
              2 sns Publish
              7 sqs SendMessageBatch
            EcsChanged calls the table [4, 4, 5]
            ImagePushed calls the table [5]
            Notify calls the table [9, 9]
            Rollout calls the table [3, 5, 7]
            Wake calls the table [5]
        "#]],
    );
    for expense in [&at_once, &slowly] {
        assert_eq!(expense.verdict, "succeeded");
        let calls = expense.until_verdict.calls_outside();
        assert!(calls <= CALLS_MAX, "{}: {:?}", expense.what, expense.until_verdict.calls());
        check_hosts(&expense.whole);
    }
    let outside = |costs: &Costs| {
        let calls = costs.calls().into_iter();
        let calls = calls.filter(|((service, _), _)| !["dynamodb", "sqs"].contains(service));
        calls.map(|(call, count)| format!("{call:?} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(outside(&at_once.whole), outside(&slowly.whole));
}

#[tokio::test]
async fn scr_with_everything_asks_few_services_at_a_time() {
    let good = Expense::good("scr", "scr/staging").await.unwrap();
    check(
        &good.whole,
        &expect![[r#"
              3 cloudwatch DescribeAlarms
             34 dynamodb BatchGetItem
             34 dynamodb GetItem
             48 dynamodb PutItem
             12 dynamodb Query
              2 dynamodb TransactWriteItems
              9 ecr BatchGetImage
              3 ecr DescribeImages
              3 ecr GetDownloadUrlForLayer
              3 ecr PutImage
              9 ecs DescribeServices
              3 ecs DescribeTaskDefinition
              1 ecs DescribeTasks
              3 ecs RegisterTaskDefinition
              1 ecs RunTask
              3 ecs UpdateService
              3 s3 GetObject
              1 secretsmanager GetSecretValue
              2 sns Publish
             20 sqs SendMessageBatch
            EcsChanged calls the table [2, 4, 4, 4, 4, 4, 4, 5, 5, 5]
            ImagePushed calls the table [4, 4, 5]
            Migrate calls the table [2, 5]
            Notify calls the table [9, 9]
            Rollout calls the table [2, 3, 3, 3, 17]
            Verify calls the table [2, 5, 5]
            Wake calls the table [1, 1, 1, 1, 2, 5]
        "#]],
    );
    check_hosts(&good.whole);
}

#[tokio::test]
async fn a_new_service_with_secrets_is_looked_at_from_all_sides() {
    let good = Expense::good("omen-epr", "omen-epr/production").await.unwrap();
    check(
        &good.whole,
        &expect![[r#"
             12 dynamodb BatchGetItem
             13 dynamodb GetItem
             24 dynamodb PutItem
              2 dynamodb Query
              2 dynamodb TransactWriteItems
              3 ecr BatchGetImage
              1 ecr DescribeImages
              1 ecr GetDownloadUrlForLayer
              1 ecr PutImage
              1 ecs CreateService
              4 ecs DescribeServices
              1 ecs RegisterTaskDefinition
              1 elasticloadbalancing DescribeTargetGroups
              2 iam GetRole
              1 logs DescribeLogGroups
              1 s3 GetObject
              3 secretsmanager DescribeSecret
              1 secretsmanager GetSecretValue
              2 sns Publish
              9 sqs SendMessageBatch
            EcsChanged calls the table [5]
            ImagePushed calls the table [5]
            Notify calls the table [9, 9]
            Rollout calls the table [4, 5, 6]
            Verify calls the table [2]
            Wake calls the table [1, 2, 5]
        "#]],
    );
    check_hosts(&good.whole);
}

#[tokio::test]
async fn rolling_back_asks_few_services_at_a_time() {
    let back = Expense::rollback().await.unwrap();
    assert_eq!(back.verdict, "rolled back");
    check(
        &back.whole,
        &expect![[r#"
              1 cloudwatch DescribeAlarms
             46 dynamodb BatchGetItem
             70 dynamodb GetItem
             62 dynamodb PutItem
             30 dynamodb Query
              2 dynamodb TransactWriteItems
             12 ecr BatchGetImage
              6 ecr DescribeImages
              3 ecr GetDownloadUrlForLayer
              3 ecr PutImage
             16 ecs DescribeServices
              3 ecs DescribeTaskDefinition
              1 ecs DescribeTasks
              3 ecs RegisterTaskDefinition
              1 ecs RunTask
              6 ecs UpdateService
              1 logs GetLogEvents
              3 s3 GetObject
              1 secretsmanager GetSecretValue
              3 sns Publish
             25 sqs SendMessageBatch
            EcsChanged calls the table [2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5]
            ImagePushed calls the table [4, 4, 5]
            Migrate calls the table [2, 5]
            Notify calls the table [9, 9, 10]
            Rollback calls the table [2, 3, 3, 3]
            Rollout calls the table [3, 3, 3, 5, 17]
            Wake calls the table [1, 1, 1, 1, 1, 2, 2, 5, 5, 5, 6]
        "#]],
    );
    check_hosts(&back.whole);
}
