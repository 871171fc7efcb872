"""With the real functions: an application is configured, its images are pushed, a deployment begins."""

import json

from cloud import check, until
from stack import ROOT


def run(stack):
    spec = json.loads((ROOT / "events/console-configure.json").read_text())
    surroundings(stack, spec)
    error, answer = stack.invoke("configure", spec)
    check(f"configure takes the application ({json.dumps(answer)[:200]})", error, None)
    check("its spec is in the table", [i["sk"]["S"] for i in stack.items("app#scr")], ["spec"])

    push = json.loads((ROOT / "events/ecr-push-tagged.json").read_text())
    for repository in spec["images"].values():
        push["detail"]["repository-name"] = repository
        error, answer = stack.invoke("image-pushed", push)
        check(f"the push of {repository} is taken ({json.dumps(answer)[:200]})", error, None)

    def deployment():
        keys = [item["sk"]["S"] for item in stack.items("env#scr/staging")]
        return [key for key in keys if key.startswith("deployment#")]

    # Candidate, offer by the wake queue, deployment, preparation: four functions have a part in it.
    check("a deployment began", until("a deployment", deployment), ["deployment#00000001"])
    error, answer = stack.invoke("status", {})
    check("status tells of it", (error, "scr" in json.dumps(answer)), (None, True))
    refusals(stack)


def surroundings(stack, spec):
    """What the spec speaks of, so that configure finds it."""
    ecr, ecs = stack.cloud.client("ecr"), stack.cloud.client("ecs")
    staging = spec["environments"]["staging"]
    for repository in spec["images"].values():
        ecr.create_repository(repositoryName=repository)
    ecs.create_cluster(clusterName=staging["cluster"])
    for service in staging["services"]:
        image = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{service}:old"
        ecs.register_task_definition(
            family=service,
            containerDefinitions=[{"name": service.removeprefix("scr-"), "image": image}],
        )
        ecs.create_service(
            cluster=staging["cluster"], serviceName=service, taskDefinition=service, desiredCount=0
        )
    for alarm in staging["alarms"]:
        stack.cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=alarm, Namespace="AWS/ApplicationELB", MetricName="HTTPCode_Target_5XX_Count",
            Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=10,
            ComparisonOperator="GreaterThanThreshold",
        )


def refusals(stack):
    """No function was refused anything that it wanted to do."""
    logs = stack.cloud.client("logs")
    refused = []
    for name, id in stack.functions.items():
        group = stack.physical[f"{id}Logs"]
        for event in logs.filter_log_events(logGroupName=group)["events"]:
            if "AccessDenied" in event["message"] or "not authorized" in event["message"]:
                refused.append((name, event["message"]))
    check("nobody was refused anything", refused, [])
