"""The stack: a test copy of the template, with real functions or with probes."""

import io
import json
import sys
import zipfile
from pathlib import Path

import yaml
from cloud import ACCOUNT, check, until

ROOT = Path(__file__).resolve().parents[2]
NAME, BUCKET = "slipway", "artifacts"


class Stack:
    def __init__(self, cloud, binaries):
        self.cloud = cloud
        self.binaries = binaries
        self.template = yaml.safe_load((ROOT / "infra/template.yaml").read_text())
        self.resources = self.template["Resources"]
        self.functions = {
            resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): id
            for id, resource in self.resources.items()
            if resource["Type"] == "AWS::Lambda::Function"
        }

    def test_copy(self):
        """What is deployed differs from the template in two things, because MiniStack does from AWS.

        It checks every ECS call against the cluster's ARN, and a look at repositories against all of
        them, so that both would always be denied: their resources become `*` (the contract tests
        look at the scopes). And nobody may send events in the name of AWS, as on AWS: the rules
        hear `test.ecr`, too.
        """
        copy = json.loads(json.dumps(self.template))
        for resource in copy["Resources"].values():
            properties = resource.get("Properties", {})
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement.get("Action", [""])
                    if all(action.startswith(("ecs:", "ecr:DescribeRepo")) for action in actions):
                        statement["Resource"] = "*"
                        statement.pop("Condition", None)
            if pattern := properties.get("EventPattern"):
                pattern["source"] += [source.replace("aws.", "test.") for source in pattern["source"]]
        return copy

    def create(self):
        s3 = self.cloud.client("s3")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        for name in self.functions:
            s3.put_object(Bucket=BUCKET, Key=f"slipway/{name}.zip", Body=self._zip(name))
        s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(self.test_copy()).encode())
        self.formation = self.cloud.client("cloudformation")
        self.formation.create_stack(StackName=NAME, **self._request("INFO"))
        self._wait("CREATE_COMPLETE")
        made = self.formation.describe_stack_resources(StackName=NAME)["StackResources"]
        self.physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made}
        conditions = {"EssentialAlarms", "FullAlarms", "HasDashboard", None}
        wanted = {id for id, r in self.resources.items() if r.get("Condition") in conditions}
        check(f"the stack has all its {len(wanted)} resources", set(self.physical), wanted)

    def update(self):
        self.formation.update_stack(StackName=NAME, **self._request("DEBUG"))
        self._wait("UPDATE_COMPLETE")
        print("ok: the stack can be updated")

    def delete(self):
        table = self.physical["Table"]
        self.formation.delete_stack(StackName=NAME)
        self._wait("DELETE_COMPLETE")
        tables = self.cloud.client("dynamodb").list_tables()["TableNames"]
        check("the table outlives its stack", table in tables, True)

    def invoke(self, name, payload, kind="RequestResponse"):
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.physical[self.functions[name]],
            InvocationType=kind,
            Payload=json.dumps(payload),
        )
        text = answer["Payload"].read()
        return answer.get("FunctionError"), json.loads(text) if text else None

    def items(self, partition):
        """What stands in the table under one partition key."""
        answer = self.cloud.client("dynamodb").query(
            TableName=self.physical["Table"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        return answer["Items"]

    def _request(self, level):
        parameters = {
            "ArtifactBucket": BUCKET,
            "Architecture": "x86_64",
            "TaskRoleArns": f"arn:aws:iam::{ACCOUNT}:role/scr-*",
            "AlarmLevel": "full",
            "LogLevel": level,
        }
        return {
            "TemplateURL": f"{self.cloud.url}/{BUCKET}/template.json",
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        }

    def _wait(self, wanted):
        # By id, not by name: a stack that is gone has none any more.
        self.id = getattr(self, "id", None) or self.formation.describe_stacks(StackName=NAME)["Stacks"][0]["StackId"]

        def settled():
            stack = self.formation.describe_stacks(StackName=self.id)["Stacks"][0]
            return not stack["StackStatus"].endswith("_IN_PROGRESS") and stack

        stack = until(wanted, settled)
        if stack["StackStatus"] != wanted:
            for event in self.formation.describe_stack_events(StackName=self.id)["StackEvents"]:
                if event["ResourceStatus"].endswith("FAILED"):
                    print(event["LogicalResourceId"], event.get("ResourceStatusReason"))
            raise SystemExit(f"FAILED: {wanted}: {stack['StackStatus']}")

    def _zip(self, name):
        if self.binaries:
            content = (self.binaries / name).read_bytes()
        else:
            probe = Path(__file__).with_name("probe.py").read_text()
            content = f"#!{sys.executable}\n{probe}".encode()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
        return packed.getvalue()
