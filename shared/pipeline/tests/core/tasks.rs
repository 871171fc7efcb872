//! Tasks that stop: whose fault it was, and whether a one-off task did its work.

use super::events::{container, exit, report, stop};
use super::fixtures::START;
use expect_test::expect;
use pipeline::task::{ContainerReport, OneOffEnd, Stop, TaskReport, classify};

#[test]
fn trap_11_and_45_a_stop_is_classified_by_whose_fault_it_was() {
    let essential = "Essential container in task exited";
    let cases = [
        ("EssentialContainerExited", essential),
        ("EssentialContainerExited", "OutOfMemoryError: Container killed due to memory usage"),
        ("TaskFailedToStart", "CannotPullContainerError: image not found"),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth",
        ),
        ("TaskFailedToStart", "CannotStartContainerError: exec format error"),
        ("TaskFailedToStart", "Capacity is unavailable at this time. Please try again later"),
        ("TaskFailedToStart", "RESOURCE:ENI"),
        ("TaskFailedToStart", "InternalError: something went wrong"),
        ("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: failed to configure ENI: failed to setup regular eni",
        ),
        (
            "TaskFailedToStart",
            "unexpected EC2 error while attempting to Create Network Interface in subnet \
             'subnet-1': InsufficientFreeAddressesInSubnet",
        ),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)"),
        ("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group x)"),
        ("ServiceSchedulerInitiated", "Task failed container health checks"),
        ("UserInitiated", "Task stopped by user"),
        ("SpotInterruption", "Your Spot Task was interrupted."),
        ("TerminationNotice", "The instance is being terminated"),
        ("InfrastructureHealth", "The host is not healthy"),
        ("SomethingNewIn2027", "nobody has seen this yet"),
        ("SomethingNewIn2027", essential),
    ];
    let without_code = [
        "RESOURCE:MEMORY",
        "AGENT",
        "No Container Instance was found",
        "You've reached the limit on the number of vCPUs you can run concurrently",
        "The requested CPU configuration is above your limit",
        "",
        essential,
    ];
    let mut text = String::new();
    for (code, reason) in cases {
        let fault = classify(&Stop { code: Some(code.into()), reason: reason.into() });
        text += &format!("{:<14} {code}: {reason}\n", fault.to_string());
    }
    for reason in without_code {
        let fault = classify(&Stop { code: None, reason: reason.into() });
        text += &format!("{:<14} -: {reason}\n", fault.to_string());
    }
    expect![[r#"
        failed         EssentialContainerExited: Essential container in task exited
        failed         EssentialContainerExited: OutOfMemoryError: Container killed due to memory usage
        could not start TaskFailedToStart: CannotPullContainerError: image not found
        could not start TaskFailedToStart: ResourceInitializationError: unable to pull secrets or registry auth
        could not start TaskFailedToStart: CannotStartContainerError: exec format error
        could not be placed TaskFailedToStart: Capacity is unavailable at this time. Please try again later
        could not be placed TaskFailedToStart: RESOURCE:ENI
        was stopped by AWS TaskFailedToStart: InternalError: something went wrong
        was stopped by AWS TaskFailedToStart: Timeout waiting for network interface provisioning to complete.
        was stopped by AWS TaskFailedToStart: ResourceInitializationError: failed to configure ENI: failed to setup regular eni
        could not be placed TaskFailedToStart: unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': InsufficientFreeAddressesInSubnet
        was stopped on purpose ServiceSchedulerInitiated: Scaling activity initiated by (deployment ecs-svc/1)
        failed         ServiceSchedulerInitiated: Task failed ELB health checks in (target-group x)
        failed         ServiceSchedulerInitiated: Task failed container health checks
        was stopped on purpose UserInitiated: Task stopped by user
        was stopped by AWS SpotInterruption: Your Spot Task was interrupted.
        was stopped by AWS TerminationNotice: The instance is being terminated
        was stopped by AWS InfrastructureHealth: The host is not healthy
        could not start SomethingNewIn2027: nobody has seen this yet
        failed         SomethingNewIn2027: Essential container in task exited
        could not be placed -: RESOURCE:MEMORY
        could not be placed -: AGENT
        could not be placed -: No Container Instance was found
        could not be placed -: You've reached the limit on the number of vCPUs you can run concurrently
        could not start -: The requested CPU configuration is above your limit
        could not start -: 
        failed         -: Essential container in task exited
    "#]].assert_eq(&text);
}

#[test]
fn trap_44_a_missing_exit_code_is_not_zero() {
    let end = OneOffEnd { exit_code: None, ..exit(0) };
    assert!(!end.succeeded());
    expect!["no exit code, Essential container in task exited"].assert_eq(&end.to_string());
}

#[test]
fn trap_44_zero_with_an_out_of_memory_reason_is_no_success() {
    let oom = "OutOfMemoryError: Container killed due to memory usage";
    let container = OneOffEnd { reason: Some(oom.into()), ..exit(0) };
    let task = OneOffEnd {
        stop: Stop { reason: oom.into(), ..stop("EssentialContainerExited") },
        ..exit(0)
    };
    assert!(!container.succeeded());
    assert!(!task.succeeded());
    expect!["exit code 0, OutOfMemoryError: Container killed due to memory usage"]
        .assert_eq(&container.to_string());
}

#[test]
fn trap_44_only_the_named_container_counts_so_that_zero_is_success() {
    // A sidecar that was killed (137) is not even in the record; ECS says why the task stopped.
    assert!(exit(0).succeeded());
    assert!(!exit(1).succeeded());
    assert!(!exit(137).succeeded());
    expect!["exit code 137, Essential container in task exited"].assert_eq(&exit(137).to_string());
}

#[test]
fn trap_45_exit_code_0_counts_only_if_nothing_stopped_the_task() {
    let codes =
        ["UserInitiated", "SpotInterruption", "TaskFailedToStart", "TerminationNotice", "New"];
    for code in codes {
        assert!(!OneOffEnd { stop: stop(code), ..exit(0) }.succeeded(), "{code}");
    }
    assert!(!OneOffEnd { stop: Stop::default(), ..exit(0) }.succeeded());
}

#[test]
fn the_end_of_a_task_is_reported_with_a_failed_sidecar_only_if_that_matters() {
    let beside = Some("container proxy exited with 1".to_owned());
    let told = |end: OneOffEnd| end.to_string();
    let silent = Stop { reason: String::new(), ..stop("EssentialContainerExited") };
    let rows = [
        told(OneOffEnd { stop: silent.clone(), ..exit(0) }),
        told(OneOffEnd { stop: silent, exit_code: None, ..exit(0) }),
        told(OneOffEnd { beside: beside.clone(), ..exit(1) }),
        told(OneOffEnd { beside, ..exit(0) }),
    ];
    expect![[r#"
        exit code 0
        no exit code
        exit code 1, Essential container in task exited
        exit code 0, Essential container in task exited; but container proxy exited with 1, and ECS may have stopped this one because of it: make that container non-essential, or let it exit with 0 when ECS stops it"#]].assert_eq(&rows.join("\n"));
}

#[test]
fn trap_48_only_a_task_that_never_ran_may_be_tried_again() {
    let capacity =
        Stop { reason: "Capacity is unavailable at this time".into(), ..stop("TaskFailedToStart") };
    let never = OneOffEnd { exit_code: None, stop: capacity, reason: None, beside: None };
    assert!(never.never_ran() && never.is_passing());
    let interrupted =
        OneOffEnd { exit_code: None, stop: stop("SpotInterruption"), reason: None, beside: None };
    assert!(interrupted.is_passing() && !interrupted.never_ran());
    assert!(!exit(1).never_ran());
    assert!(!OneOffEnd { stop: stop("TaskFailedToStart"), ..exit(1) }.never_ran());
}

/// One essential container exits, and ECS stops all others.
#[test]
fn the_container_that_failed_first_gives_the_reason_of_its_task() {
    let failed_container = |containers: Vec<ContainerReport>| {
        let report = TaskReport { containers, ..report("shop", "t1", 2, START) };
        report.failed_container().map(|failed_container| failed_container.container.to_string())
    };
    let proxy = || container("proxy", true, Some(143));
    assert_eq!(failed_container(vec![proxy(), container("app", true, Some(1))]).unwrap(), "app");
    assert_eq!(failed_container(vec![container("app", true, Some(0)), proxy()]).unwrap(), "proxy");
    assert_eq!(failed_container(vec![container("app", true, Some(0))]).unwrap(), "app");
    let sidecar = container("log", false, Some(2));
    assert_eq!(
        failed_container(vec![sidecar.clone(), container("app", true, Some(1))]).unwrap(),
        "app"
    );
    assert_eq!(failed_container(vec![container("app", true, None), sidecar]).unwrap(), "log");
    assert_eq!(failed_container(vec![container("app", true, None)]), None);
    let reason = Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
    let killed = ContainerReport { reason, ..container("api", true, Some(137)) };
    assert_eq!(failed_container(vec![container("app", false, Some(1)), killed]).unwrap(), "api");
}
