"""With probes: what reaches whom, what each may do, and where failures go."""

import json

from cloud import ACCOUNT, REGION, check, until
from stack import PARAMETERS, ROOT, sample

CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/scr-staging"


def run(stack):
    environments(stack)
    patterns(stack)
    deliveries(stack)
    failures(stack)
    permissions(stack)


def environments(stack):
    for name, id in stack.functions.items():
        _, told = stack.invoke(name, {"tell": True})
        variables = stack.resources[id]["Properties"]["Environment"]["Variables"]
        wanted = {}
        for variable, value in variables.items():
            wanted[variable] = meant(stack, value)
        found = {variable: told.get(variable) for variable in variables}
        check(f"{name} is told its surroundings", found, wanted)


def meant(stack, value):
    """A list among the parameters is joined again, to the text that it was given as."""
    if "Fn::Join" in value:
        return PARAMETERS[value["Fn::Join"][1]["Ref"]]
    # The table is one that the stack made.
    value = value.get("Fn::If", [None, value])[1]
    name = value["Ref"]
    if parameter := stack.template["Parameters"].get(name):
        return PARAMETERS.get(name, parameter.get("Default"))
    return stack.physical.get(name, "")


def patterns(stack):
    """MiniStack's matcher and the one of the contract tests are of one mind about every sample."""
    events = stack.cloud.client("events")
    rules = {
        id: json.dumps(resource["Properties"]["EventPattern"])
        for id, resource in stack.resources.items()
        if "EventPattern" in resource.get("Properties", {})
    }
    wanted, found = {}, {}
    for line in (ROOT / "tests/contract/rules.txt").read_text().splitlines():
        name, told = line.split(maxsplit=1)
        wanted[name] = [] if told == "-" else told.split(", ")
        event = json.dumps(sample(name))
        found[name] = [
            rule
            for rule, pattern in sorted(rules.items())
            if events.test_event_pattern(EventPattern=pattern, Event=event)["Result"]
        ]
    check(f"{len(wanted)} sample events wake the rules that they should", found, wanted)


def deliveries(stack):
    for name, function in {
        "ecr-push-tagged": "image-pushed",
        "ecs-deployment-completed": "ecs-changed",
        "alarm-metric": "alarm-changed",
    }.items():
        stack.tell(sample(name))
        seen(stack, function)
        print(f"ok: {name} reaches {function}")

    sqs = stack.cloud.client("sqs")
    for function in ("migrate", "notify", "rollback", "rollout", "verify", "wake"):
        queue = stack.physical[f"{stack.functions[function]}Queue"]
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
        seen(stack, function)
        print(f"ok: {function} is fed by its queue")


def seen(stack, function):
    until(f"something at {function}", lambda: stack.items(f"seen#slipway-{function}"))


def failures(stack):
    """What fails is kept; a tick, which wake alone is told of, is not."""
    stack.invoke("configure", {"fail": True}, "Event")
    sqs, queue = stack.cloud.client("sqs"), stack.physical["EventDeadLetters"]
    kept = until(
        "a failed event among the dead letters",
        lambda: sqs.receive_message(QueueUrl=queue).get("Messages"),
    )
    check("a failed event is kept", '"fail": true' in kept[0]["Body"].replace('":t', '": t'), True)


def permissions(stack):
    """Every function tries everything: what its role does not name is refused, the rest is not."""
    table, queue = stack.physical["Table"], stack.physical["RolloutQueue"]
    key = {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
    query = {"KeyConditionExpression": "pk = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}}
    due = {
        "IndexName": "due",
        "KeyConditionExpression": "due = :x",
        "ExpressionAttributeValues": {":x": {"S": "due"}},
    }
    service = {"cluster": "scr-staging", "service": "scr-api"}
    container = {"name": "api", "image": "scr-api"}
    catalogue = {
        "dynamodb:GetItem": ("dynamodb", "get_item", {"TableName": table, "Key": key}),
        "dynamodb:BatchGetItem": (
            "dynamodb",
            "batch_get_item",
            {"RequestItems": {table: {"Keys": [key]}}},
        ),
        "dynamodb:PutItem": ("dynamodb", "put_item", {"TableName": table, "Item": key}),
        "dynamodb:Query": ("dynamodb", "query", {"TableName": table, **query}),
        "dynamodb:DeleteItem": ("dynamodb", "delete_item", {"TableName": table, "Key": key}),
        "dynamodb:Scan": ("dynamodb", "scan", {"TableName": table}),
        "due": ("dynamodb", "query", {"TableName": table, **due}),
        "sqs:PurgeQueue": ("sqs", "purge_queue", {"QueueUrl": queue}),
        "ecs:DescribeServices": (
            "ecs",
            "describe_services",
            {"cluster": CLUSTER, "services": ["scr-api"]},
        ),
        "ecs:DescribeTaskDefinition": (
            "ecs",
            "describe_task_definition",
            {"taskDefinition": "scr-api"},
        ),
        "ecs:RegisterTaskDefinition": (
            "ecs",
            "register_task_definition",
            {"family": "scr-api", "containerDefinitions": [container]},
        ),
        "ecs:UpdateService": ("ecs", "update_service", service),
        "ecs:DeleteService": ("ecs", "delete_service", service),
        "ecs:DescribeTasks": ("ecs", "describe_tasks", {"cluster": "scr-staging", "tasks": ["x"]}),
        "ecs:StopTask": ("ecs", "stop_task", {"cluster": "scr-staging", "task": "x"}),
        "ecr:DescribeImages": ("ecr", "describe_images", {"repositoryName": "scr-api"}),
        "ecr:PutImage": (
            "ecr",
            "put_image",
            {"repositoryName": "scr-api", "imageManifest": "{}"},
        ),
        "ecr:DescribeRepositories": (
            "ecr",
            "describe_repositories",
            {"repositoryNames": ["scr-api"]},
        ),
        "cloudwatch:DescribeAlarms": ("cloudwatch", "describe_alarms", {"AlarmNames": ["x"]}),
        "sns:Publish": (
            "sns",
            "publish",
            {"TopicArn": stack.physical["Topic"], "Message": "a probe"},
        ),
        "iam:ListRoles": ("iam", "list_roles", {}),
    }
    for name, id in stack.functions.items():
        role = stack.resources[f"{id}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        statements = [s.get("Fn::If", [None, s])[1] for s in role["Statement"]]
        allowed = {action for s in statements for action in s["Action"]}
        if any("${Table.Arn}/index/due" in json.dumps(s["Resource"]) for s in statements):
            allowed.add("due")
        error, codes = stack.invoke(name, {"try": list(catalogue.values())})
        check(f"{name} answers", error, None)
        refused = {
            action
            for action, code in zip(catalogue, codes, strict=True)
            # SNS has a word of its own for it.
            if code.startswith(("AccessDenied", "Authorization"))
        }
        check(
            f"{name} may do {len(allowed & set(catalogue))} of {len(catalogue)} things",
            sorted(set(catalogue) - refused),
            sorted(allowed & set(catalogue)),
        )
