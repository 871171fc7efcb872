"""The stack: a test copy of the template, with real functions or with probes."""

import io
import json
import sys
import urllib.request
import zipfile
from pathlib import Path

import yaml
from cloud import ACCOUNT, REGION, TEMPLATES, check, until

ROOT = Path(__file__).resolve().parents[2]
NAME, BUCKET = "slipway", "artifacts"
PARAMETERS = {
    "ArtifactBucket": BUCKET,
    "Architecture": "x86_64",
    "TaskRoleArns": f"arn:aws:iam::{ACCOUNT}:role/scr-*",
    "ClusterScope": "*",
    "RepositoryScope": "*",
    "AlarmLevel": "full",
    "DeletesServices": "true",
}


def sample(name):
    return json.loads((ROOT / f"events/{name}.json").read_text())


class Stack:
    def __init__(self, cloud, binaries, template=ROOT / "infra/template.yaml", name=NAME):
        self.cloud = cloud
        self.binaries = binaries
        self.name = name
        self.parameters = dict(PARAMETERS)
        self.formation = cloud.client("cloudformation")
        self.use(template)

    def use(self, template):
        self.template = yaml.safe_load(template.read_text())
        self.resources = self.template["Resources"]
        named = {
            id: resource["Properties"]["FunctionName"]["Fn::Sub"]
            for id, resource in self.resources.items()
            if "FunctionName" in resource.get("Properties", {})
            and resource["Type"] == "AWS::Lambda::Function"
        }
        self.functions = {name.removeprefix("${AWS::StackName}-"): id for id, name in named.items()}

    def test_copy(self):
        """The template without what MiniStack takes otherwise than AWS.

        It checks every ECS call against the cluster's ARN, and a look at repositories against all
        of them, so that both would always be denied: their resources become `*` (the contract tests
        look at the scopes). It wants a permission for batches of messages, for which AWS takes the
        one for messages. It is called without TLS, which queues and topic refuse. It waits out the
        minutes before a retry, so that nothing is tried again. And nobody may send events in the
        name of AWS, as on AWS: the rules hear `test.ecr`, too.
        """
        copy = json.loads(json.dumps(self.template))
        for resource in copy["Resources"].values():
            properties = resource.get("Properties", {})
            if "MaximumRetryAttempts" in properties:
                properties["MaximumRetryAttempts"] = 0
            if document := properties.get("PolicyDocument"):
                kept = [one for one in document["Statement"] if one["Effect"] != "Deny"]
                document["Statement"] = kept
            for policy in properties.get("Policies", []):
                for either in policy["PolicyDocument"]["Statement"]:
                    statement = either.get("Fn::If", [None, either])[1]
                    actions = statement.get("Action", [""])
                    of_ecs = all(action.startswith("ecs:") for action in actions)
                    if of_ecs or "ecr:DescribeRepositories" in actions:
                        statement["Resource"] = "*"
                        statement.pop("Condition", None)
                    if "sqs:SendMessage" in actions:
                        statement["Action"] = [*actions, "sqs:SendMessageBatch"]
            if pattern := properties.get("EventPattern"):
                pattern["source"] += [
                    source.replace("aws.", "test.") for source in pattern["source"]
                ]
        return copy

    def create(self):
        s3 = self.cloud.client("s3")
        self.cloud.create_bucket(BUCKET)
        for name in self.functions:
            s3.put_object(Bucket=BUCKET, Key=f"slipway/{name}.zip", Body=self.zipped(name))
        self.install()
        conditions = {"EssentialAlarms", "FullAlarms", "HasDashboard", "MakesTable", None}
        wanted = {id for id, r in self.resources.items() if r.get("Condition") in conditions}
        check(f"the stack has all its {len(wanted)} resources", set(self.physical), wanted)

    def install(self, status="CREATE_COMPLETE"):
        self.formation.create_stack(StackName=self.name, **self._request())
        self._wait(status)

    def update(self):
        self.parameters["TaskLogGroups"] = "/ecs/*"
        self.update_to("UPDATE_COMPLETE")
        print("ok: the stack can be updated")

    def update_to(self, status):
        self.formation.update_stack(StackName=self.name, **self._request())
        self._wait(status)

    def delete(self):
        table = self.physical.get("Table")
        self.formation.delete_stack(StackName=self.name)
        self._wait("DELETE_COMPLETE")
        if table:
            tables = self.cloud.client("dynamodb").list_tables()["TableNames"]
            check("the table outlives its stack", table in tables, True)

    def code(self, name):
        """What the program of a function consists of."""
        function = self.physical[self.functions[name]]
        found = self.cloud.client("lambda").get_function(FunctionName=function)
        with urllib.request.urlopen(found["Code"]["Location"]) as answer:
            with zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
                return archive.read("bootstrap").decode()

    def reasons(self):
        """Why resources failed, according to the stack's events."""
        events = self.formation.describe_stack_events(StackName=self.id)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return [f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}" for one in failed]

    def invoke(self, name, payload, kind="RequestResponse"):
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.physical[self.functions[name]],
            InvocationType=kind,
            Payload=json.dumps(payload),
        )
        text = answer["Payload"].read()
        return answer.get("FunctionError"), json.loads(text) if text else None

    def tell(self, event):
        """Sends a sample through the rules, which hear what AWS would say from `test.`, too."""
        entry = {
            "Source": event["source"].replace("aws.", "test."),
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": event["resources"],
        }
        answer = self.cloud.client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise SystemExit(f"FAILED: {event['detail-type']} is not taken: {answer}")

    def subscribe(self):
        """Subscribes to the topic; answers with a function that says all that was told so far."""
        sqs, topic, heard = self.cloud.client("sqs"), self.physical["Topic"], []
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:people"
        let_in = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = {"Version": "2012-10-17", "Statement": [let_in]}
        queue = sqs.create_queue(QueueName="people", Attributes={"Policy": json.dumps(policy)})
        queue = queue["QueueUrl"]
        self.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def headlines():
            for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
                heard.append(json.loads(message["Body"])["Subject"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return heard

        return headlines

    def log(self, name):
        group = self.physical[f"{self.functions[name]}Logs"]
        events = self.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]

    def refusals(self):
        lines = [line for name in self.functions for line in self.log(name)]
        words = ("AccessDenied", "not authorized")
        return [line for line in lines if any(word in line for word in words)]

    def given_up(self):
        """The queues of dead letters that are not empty."""
        sqs, count = self.cloud.client("sqs"), "ApproximateNumberOfMessages"
        queues = [id for id in self.physical if id.endswith("DeadLetters")]

        def letters(id):
            url = self.physical[id]
            return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[count])["Attributes"]

        return [id for id in queues if letters(id)[count] != "0"]

    def items(self, partition):
        """What stands in the table under one partition key."""
        answer = self.cloud.client("dynamodb").query(
            TableName=self.physical["Table"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        return answer["Items"]

    def _request(self):
        body = json.dumps(self.test_copy()).encode()
        self.cloud.client("s3").put_object(Bucket=TEMPLATES, Key="template.json", Body=body)
        return {
            "TemplateURL": f"{self.cloud.url}/{TEMPLATES}/template.json",
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in self.parameters.items()
            ],
        }

    def _wait(self, wanted):
        # By id, not by name: a stack that is gone has none any more.
        self.id = (
            getattr(self, "id", None)
            or self.formation.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        )

        def settled():
            stack = self.formation.describe_stacks(StackName=self.id)["Stacks"][0]
            return not stack["StackStatus"].endswith("_IN_PROGRESS") and stack

        stack = until(wanted, settled)
        if stack["StackStatus"] != wanted:
            print("\n".join(self.reasons()))
            raise SystemExit(f"FAILED: {wanted}: {stack['StackStatus']}")
        made = self.formation.describe_stack_resources(StackName=self.id)["StackResources"]
        self.physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made}

    def zipped(self, name):
        if self.binaries:
            try:
                content = (self.binaries / name).read_bytes()
            except FileNotFoundError as error:
                raise SystemExit(f"FAILED: {error}; build it: cargo build --workspace") from None
        else:
            probe = Path(__file__).with_name("probe.py").read_text()
            content = f"#!{sys.executable}\n{probe}".encode()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
        return packed.getvalue()
