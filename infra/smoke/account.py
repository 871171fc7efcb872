"""One account in one region: its clients, its stacks, and waiting."""

import os
import time

from botocore.exceptions import ClientError


class Wrong(Exception):
    """Something is not as it should be; its text says what was seen."""


def code_of(error):
    return error.response["Error"]["Code"]


class Account:
    """Hands out clients; every answer that one of them gets goes to the recorder, too."""

    def __init__(self, session, recorder, clock=time):
        self.session = session
        self.region = session.region_name
        self.recorder = recorder
        self.clock = clock
        self.clients = {}

    def client(self, service):
        if service not in self.clients:
            client = self.session.client(service)
            client.meta.events.register("provide-client-params", self._asked)
            client.meta.events.register("after-call", self._answered)
            self.clients[service] = client
        return self.clients[service]

    def _asked(self, params, context, **_):
        context["smoke"] = params

    def _answered(self, model, parsed, context, **_):
        service, operation = model.service_model.service_name, model.name
        self.recorder.answer(service, operation, context.get("smoke", {}), parsed)

    def until(self, what, happens, seconds, every=5):
        """Waits for something; says what never came."""
        deadline = self.clock.monotonic() + seconds
        while True:
            if found := happens():
                return found
            if self.clock.monotonic() >= deadline:
                raise Wrong(f"{what} did not happen within {seconds} seconds")
            self.clock.sleep(every)

    def object_url(self, bucket, key):
        """The address by which CloudFormation reads an object."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            return f"{endpoint}/{bucket}/{key}"
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"https://{bucket}.s3.{self.region}.{suffix}/{key}"


class Stack:
    """A CloudFormation stack by its name."""

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.formation = account.client("cloudformation")

    def create(self, tags, parameters, **template):
        """Creates it, and answers with its outputs."""
        given = [{"ParameterKey": key, "ParameterValue": of} for key, of in parameters.items()]
        self.formation.create_stack(
            StackName=self.name,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=given,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            **template,
        )
        stack = self._settled(self.name, "creation")
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise Wrong(f"the stack {self.name} is {stack['StackStatus']}: {self.reasons()}")
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def find(self):
        try:
            return self.formation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            # "Stack with id … does not exist"
            if code_of(error) != "ValidationError":
                raise
            return None

    def resources(self):
        """The physical ids of what it has made, by logical id."""
        found = self.formation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in found}

    def delete(self):
        """Deletes it, if it is there; a stack that is being created can be deleted, too."""
        stack = self.find()
        if not stack:
            return
        # By id: a stack that is gone has no name any more.
        identity = stack["StackId"]
        self.formation.delete_stack(StackName=identity)
        stack = self._settled(identity, "deletion")
        if stack["StackStatus"] != "DELETE_COMPLETE":
            raise Wrong(f"the stack {self.name} is {stack['StackStatus']}: {self.reasons()}")

    def reasons(self):
        """Why resources failed, the first failure first."""
        events = self.formation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [one for one in reversed(events) if one["ResourceStatus"].endswith("FAILED")]
        told = [f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}" for one in failed]
        return "; ".join(told[:5])

    def _settled(self, name, what):
        def settled():
            stack = self.formation.describe_stacks(StackName=name)["Stacks"][0]
            return not stack["StackStatus"].endswith("_IN_PROGRESS") and stack

        return self.account.until(f"the {what} of the stack {self.name}", settled, 1800)
