"""An account in memory that answers all that infra/smoke asks, and can fail at any call.

It knows just enough to notice what is left behind: stacks with their resources, objects, images,
services, tasks, task definitions and tables. Slipway in it does all at once: an image that is
pushed is deployed, one that is bad is rolled back.
"""

import json

import images
from botocore.exceptions import ClientError

ACCOUNT, REGION = "210987654321", "eu-west-1"


def refusal(code, message="a test", operation="Operation"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Clock:
    """Time passes when somebody waits."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class FakeAws:
    """Is the session, and hands out itself as every client."""

    region_name = REGION

    def __init__(self, fail_at=None, failure=None):
        self.fail_at, self.failure, self.calls = fail_at, failure, []
        self.stacks, self.objects, self.tables, self.blobs = {}, {}, set(), {}
        self.services, self.tasks, self.definitions = {}, {}, {}
        self.deployments = {"staging": [], "production": []}
        self.queue, self.protected = [], True
        # How often a stack cannot be deleted.
        self.stubborn, self.status = 0, "CREATE_COMPLETE"

    def client(self, service):
        return Client(self, service)

    def left(self):
        """What somebody would go on paying for, or would find in the way."""
        kept = {"stacks": self.stacks, "objects": self.objects, "tables": self.tables}
        kept.update({"services": self.services, "tasks": self.tasks})
        kept["definitions"] = self.definitions
        return {what: sorted(one) for what, one in kept.items() if one}

    # -- The calls, by their names ----------------------------------------------------------------

    def get_caller_identity(self):
        return {"Account": ACCOUNT}

    def describe_subnets(self, **_):
        return {"Subnets": [{"VpcId": "vpc-1", "SubnetId": f"subnet-{n}"} for n in (1, 2)]}

    def create_service_linked_role(self, **_):
        raise refusal("InvalidInput", "has been taken in this account")

    def create_stack(self, StackName, Parameters, **_):
        app = StackName.endswith("-app")
        parts = [["Bucket", "Cluster"], ["Table", "RolloutDeadLetters", "RolloutLogs"]][app]
        resources = {part: f"{StackName}-{part}-1A2B" for part in parts}
        self.stacks[StackName] = resources
        if app:
            self.tables.add(resources["Table"])
            self.name = StackName[: -len("-app")]

    def describe_stacks(self, StackName):
        name = StackName.split("/")[-1]
        if name not in self.stacks:
            if "/" not in StackName:
                raise refusal("ValidationError", f"Stack with id {name} does not exist")
            return {"Stacks": [{"StackStatus": "DELETE_COMPLETE"}]}
        keys = ("BucketName", "EventsUrl", "ExecutionRoleArn", "SecurityGroupId", "Version")
        outputs = [{"OutputKey": key, "OutputValue": f"{name}-{key}"} for key in keys]
        stack = {"StackId": f"arn/{name}", "StackStatus": self.status, "Outputs": outputs}
        return {"Stacks": [stack]}

    def describe_stack_resources(self, StackName):
        found = self.stacks[StackName].items()
        pairs = [{"LogicalResourceId": id, "PhysicalResourceId": name} for id, name in found]
        return {"StackResources": pairs}

    def describe_stack_events(self, **_):
        event = {"ResourceStatus": "DELETE_FAILED", "LogicalResourceId": "SecurityGroup"}
        return {"StackEvents": [dict(event, ResourceStatusReason="has a dependent object")]}

    def delete_stack(self, StackName):
        name = StackName.split("/")[-1]
        if "Bucket" in self.stacks[name] and (self.objects or self.services or self.tasks):
            raise refusal("DELETE_FAILED", "something is still in it")
        if self.stubborn:
            self.stubborn -= 1
            self.status = "DELETE_FAILED"
            return
        self.status = "CREATE_COMPLETE"
        del self.stacks[name]

    def put_object(self, Bucket, Key, Body):
        self.objects[Key] = Body

    def list_objects_v2(self, **_):
        return {"Contents": [{"Key": key} for key in self.objects]}

    def delete_object(self, Bucket, Key):
        del self.objects[Key]

    def batch_check_layer_availability(self, layerDigests, **_):
        found = {one: one in self.blobs for one in layerDigests}
        state = {True: "AVAILABLE", False: "UNAVAILABLE"}
        layers = [{"layerDigest": one, "layerAvailability": state[it]} for one, it in found.items()]
        return {"layers": layers}

    def initiate_layer_upload(self, **_):
        self.part = b""
        return {"uploadId": "upload", "partSize": 16}

    def upload_layer_part(self, partFirstByte, partLastByte, layerPartBlob, **_):
        assert partFirstByte == len(self.part) and partLastByte - partFirstByte < 16
        self.part += layerPartBlob

    def complete_layer_upload(self, layerDigests, **_):
        assert images.digest_of(self.part) == layerDigests[0]
        self.blobs[layerDigests[0]] = self.part

    def put_image(self, imageManifest, imageTag, **_):
        manifest = json.loads(imageManifest)
        config = json.loads(self.blobs[manifest["config"]["digest"]])
        digest = images.digest_of(imageManifest.encode())
        good = config["config"]["Cmd"] == images.GOOD
        self.deployed("staging", imageTag, digest, "succeeded" if good else "rolled back")
        if good:
            self.deployed("production", imageTag, digest, "succeeded")
        self.queue += [{"detail-type": "ECR Image Action", "detail": {}}]
        return {"image": {"imageId": {"imageDigest": digest}}}

    def deployed(self, environment, version, digest, verdict):
        name, number = f"{self.name}-{environment}", len(self.deployments[environment]) + 1
        deployment = {"version": version, "verdict": verdict, "because": verdict, "digest": digest}
        self.deployments[environment].append(dict(deployment, state="ended"))
        if verdict == "succeeded":
            self.services[name] = digest
        self.definitions[f"{name}:{number}"] = "ACTIVE"
        self.tasks[f"{name}/{number}"] = {"startedBy": "ecs-svc/1", "containers": []}
        kinds = ("Deployment State Change", "Service Action", "Task State Change")
        self.queue += [{"detail-type": f"ECS {kind}", "detail": {}} for kind in kinds]
        if environment == "staging":
            task = {"startedBy": f"slipway/1/smoke/staging/{number}/migrate/1"}
            task["containers"] = [{"name": "app", "exitCode": 0}]
            self.tasks[f"migration/{number}"] = task

    def invoke(self, FunctionName, Payload):
        asked, function = json.loads(Payload), FunctionName.rpartition("-")[2]
        answer = {"accepted": True}
        if function == "rollback":
            first = self.deployments["production"][0]
            self.deployed("production", first["version"], first["digest"], "succeeded")
        elif asked.get("audit"):
            answer = {"findings": [], "summary": "every rule holds"}
        elif function == "status":
            found = self.deployments[asked["environment"]][asked["deployment"] - 1 :]
            answer = found[0] if found else {"accepted": False}
        return {"Payload": Body(answer)}

    def describe_services(self, services, **_):
        found = [self.services[one] for one in services if one in self.services]
        counts = {"runningCount": 1, "desiredCount": 1}
        return {"services": [dict(counts, taskDefinition=digest) for digest in found]}

    def describe_task_definition(self, taskDefinition):
        container = {"image": f"repository@{taskDefinition}"}
        return {"taskDefinition": {"containerDefinitions": [container]}}

    def list_services(self, **_):
        return {"serviceArns": list(self.services)}

    def delete_service(self, service, force, **_):
        del self.services[service]

    def list_tasks(self, desiredStatus="RUNNING", **_):
        return {"taskArns": list(self.tasks) if desiredStatus == "RUNNING" else []}

    def describe_tasks(self, tasks, **_):
        return {"tasks": [self.tasks[one] for one in tasks]}

    def stop_task(self, task, **_):
        del self.tasks[task]

    def list_service_deployments(self, **_):
        return {"serviceDeployments": []}

    def list_task_definitions(self, familyPrefix, status):
        arns = [arn for arn, is_one in self.definitions.items() if is_one == status]
        return {"taskDefinitionArns": [arn for arn in arns if arn.startswith(familyPrefix + ":")]}

    def deregister_task_definition(self, taskDefinition):
        self.definitions[taskDefinition] = "INACTIVE"

    def delete_task_definitions(self, taskDefinitions):
        assert len(taskDefinitions) <= 10
        for arn in taskDefinitions:
            assert self.definitions.pop(arn) == "INACTIVE"

    def list_tables(self):
        return {"TableNames": ["of-somebody-else", *self.tables]}

    def describe_table(self, TableName):
        if TableName not in self.tables:
            raise refusal("ResourceNotFoundException")
        return {"Table": {"TableStatus": "ACTIVE", "DeletionProtectionEnabled": self.protected}}

    def update_table(self, TableName, DeletionProtectionEnabled):
        self.protected = DeletionProtectionEnabled

    def delete_table(self, TableName):
        assert not self.protected
        self.tables.remove(TableName)

    def receive_message(self, **_):
        bodies, self.queue = [json.dumps(one) for one in self.queue], []
        return {"Messages": [{"Body": body, "ReceiptHandle": "1"} for body in bodies]}

    def delete_message(self, **_):
        pass

    def get_queue_attributes(self, **_):
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def filter_log_events(self, **_):
        return {"events": []}

    def set_alarm_state(self, AlarmName, StateValue, StateReason):
        detail = {"alarmName": AlarmName, "state": {"value": StateValue}}
        self.queue.append({"detail-type": "CloudWatch Alarm State Change", "detail": detail})

    def describe_alarms(self, **_):
        return {}


class Client:
    """Counts the calls, and lets the one fail that is to fail."""

    def __init__(self, aws, service):
        self.aws, self.service, self.meta = aws, service, Meta()

    def __getattr__(self, name):
        return lambda **given: self.call(name, given)

    def call(self, name, given):
        self.aws.calls.append(f"{self.service}:{name}")
        if len(self.aws.calls) == self.aws.fail_at:
            raise self.aws.failure
        return getattr(self.aws, name)(**given)

    def get_paginator(self, name):
        return Pages(lambda **given: self.call(name, given))


class Pages:
    def __init__(self, call):
        self.call = call

    def paginate(self, **given):
        return [self.call(**given)]


class Meta:
    """Of a client: the fake fires no events."""

    @property
    def events(self):
        return self

    def register(self, *_):
        pass


class Body:
    def __init__(self, answer):
        self.text = json.dumps(answer).encode()

    def read(self):
        return self.text
