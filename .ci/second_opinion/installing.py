"""Installs from a release: the stack downloads its own code, and cleans up behind it."""

import contextlib
import io
import json
import os
import tempfile
import types
from pathlib import Path

from cloud import ACCOUNT, REGION, Cloud, check
from releases import FUNCTIONS, Releases, make_release, names
from stack import Stack

ZIPS = [f"{name}.zip" for name in FUNCTIONS]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/scr-task"


def run(cloud: Cloud):
    with tempfile.TemporaryDirectory() as folder, Releases() as releases:
        folders = {}
        for version in ("v1", "v2"):
            url = f"{releases.url}/{version}"
            folders[version] = make_release(url, Path(folder, version), f"the code of {version}")
            releases.serve(version, folders[version])
        same = make_release(f"{releases.url}/v1", Path(folder, "again"), "the code of v1")
        files = {file.name: file.read_bytes() for file in folders["v1"].iterdir()}
        again = {file.name: file.read_bytes() for file in same.iterdir()}
        check("the same zips make the same release", again, files)
        check("an archive has all functions", names(files["slipway-arm64.zip"]), ZIPS)

        resource = Resource(cloud, releases, folders)
        resource.code_that_is_fetched()
        resource.code_that_is_not_fetched()
        resource.what_is_wrong_with_the_stack()
        resource.what_comes_twice()
        stacks(cloud, releases, folders)


class Resource:
    """The inline code alone, as Lambda calls it."""

    def __init__(self, cloud, releases, folders):
        self.cloud, self.releases = cloud, releases
        self.s3 = cloud.client("s3")
        self.bucket = "fetched"
        cloud.create_bucket(self.bucket)
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        cloud.client("iam").create_role(RoleName="scr-task", AssumeRolePolicyDocument=trust)
        template = Stack(cloud, None, folders["v1"] / "template.yaml")
        self.archives = {
            version: Stack(cloud, None, folder / "template.yaml").template["Mappings"]["Archives"]
            for version, folder in folders.items()
        }
        os.environ |= cloud.credentials()
        self.code = types.ModuleType("index")
        exec(template.resources["FetchCode"]["Properties"]["Code"]["ZipFile"], vars(self.code))
        self.code.time = types.SimpleNamespace(sleep=lambda _: None)

    def send(self, kind, version="v1", stack="slipway", left=240000, **properties):
        """Sends a request as CloudFormation does; answers with what it is told."""
        physical = properties.pop("PhysicalResourceId", None)
        archive = self.archives[version]["arm64"]
        event = {
            "RequestType": kind,
            "RequestId": "request",
            "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/1",
            "ResponseURL": f"{self.releases.url}/response",
            "LogicalResourceId": "Code",
            "ResourceProperties": {"Bucket": self.bucket, "Roles": [ROLE], **archive, **properties},
        }
        if physical:
            event["PhysicalResourceId"] = physical
        context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: left)
        with contextlib.redirect_stdout(io.StringIO()):
            self.code.handler(event, context)
        response = self.releases.responses.pop()
        asked = {key: response[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        assert asked == {key: event[key] for key in asked}, response
        return response

    def keys(self):
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sorted(item["Key"] for item in found)

    def folder(self, version):
        return f"slipway/{self.archives[version]['arm64']['Sha256'][:16]}"

    def all_of(self, version):
        return [f"{self.folder(version)}/{name}" for name in ["COMPLETE", *ZIPS]]

    def code_that_is_fetched(self):
        path = "/v1/slipway-arm64.zip"
        url, half = self.releases.url + path, len(self.releases.files[path]) // 2
        for what, answers in {
            "good": [],
            "behind a redirect": [f"{self.releases.url}/v1/slipway-x86_64.zip"],
            "there at the third attempt": [500, half],
        }.items():
            self.releases.answers[path] = answers
            response = self.send("Create", Url=url)
            found = (response["Status"], response["PhysicalResourceId"], self.keys())
            check(
                f"code is fetched: {what}", found, ("SUCCESS", self.folder("v1"), self.all_of("v1"))
            )
            self.send("Delete", PhysicalResourceId=self.folder("v1"))
            check("and it is deleted", self.keys(), [])

    def code_that_is_not_fetched(self):
        good = f"{self.releases.url}/v1/slipway-arm64.zip"
        half = len(self.releases.files["/v1/slipway-arm64.zip"]) // 2
        without = "To install without a download, set ArtifactBucket: infra/README.md says how."
        wrong = self.archives["v2"]["arm64"]["Sha256"]
        right = self.archives["v1"]["arm64"]["Sha256"]
        size = len(self.releases.files["/v1/slipway-arm64.zip"])
        for what, answers, properties, reason in [
            (
                "another archive",
                [],
                {"Sha256": wrong},
                f"{good} is not the archive of this template. Its SHA-256 is {right}, not {wrong}. "
                "Use template.yaml and archive of one release.",
            ),
            (
                "none",
                [],
                {"Url": f"{good}.gone"},
                f"{good}.gone cannot be downloaded: HTTP Error 404: Not Found. {without}",
            ),
            (
                "half of it, thrice",
                [half] * 3,
                {},
                f"{good} cannot be downloaded: it ended after {half} of {size} bytes. {without}",
            ),
            (
                "nobody answers",
                [],
                {"Url": "http://127.0.0.1:9/slipway-arm64.zip"},
                "http://127.0.0.1:9/slipway-arm64.zip cannot be downloaded: "
                f"<urlopen error [Errno 111] Connection refused>. {without}",
            ),
            (
                "too slow",
                [],
                {"left": 1000},
                f"{good} cannot be downloaded: it took too long. {without}",
            ),
            (
                "a template of no release",
                [],
                {"Url": "none", "Sha256": "none"},
                f"This template is of no release. Use template.yaml of a release. {without}",
            ),
            (
                "a bucket that is gone",
                [],
                {"Bucket": "gone"},
                "NoSuchBucket('An error occurred (NoSuchBucket) when calling the ListObjectsV2 "
                "operation: The specified bucket does not exist')",
            ),
        ]:
            self.releases.answers["/v1/slipway-arm64.zip"] = answers
            response = self.send("Create", **properties)
            found = (response["Status"], response["Reason"], self.keys())
            check(f"code is not fetched: {what}", found, ("FAILED", reason, []))
            # CloudFormation deletes what it could not create.
            physical = response["PhysicalResourceId"]
            response = self.send("Delete", PhysicalResourceId=physical, **properties)
            check("and the rollback goes on", response["Status"], "SUCCESS")

    def what_is_wrong_with_the_stack(self):
        response = self.send("Create", stack="a" * 51)
        reason = (
            "The stack's name has 51 characters. Functions are named after it: "
            "choose a name with at most 50 characters."
        )
        check(
            "a long name is said at once",
            (response["Status"], response["Reason"]),
            ("FAILED", reason),
        )
        gone = ROLE.replace("scr-task", "scr-gone")
        response = self.send("Create", Roles=[ROLE, f"{ROLE}-*", gone])
        reason = f"TaskRoleArns: there is no role {gone} in this account."
        found = (response["Status"], response["Reason"], self.keys())
        check("a missing role is said at once", found, ("FAILED", reason, []))
        response = self.send("Create", Roles=[ROLE, f"{ROLE}-*"])
        check("a pattern of roles is taken as it is", response["Status"], "SUCCESS")
        self.send("Delete", PhysicalResourceId=self.folder("v1"))

    def what_comes_twice(self):
        """CloudFormation and Lambda may both send a request again."""
        first, second = self.folder("v1"), self.folder("v2")
        self.send("Create")
        self.send("Create")
        check("a second Create changes nothing", self.keys(), self.all_of("v1"))
        asked = len(self.releases.asked)
        self.send("Update", PhysicalResourceId=first)
        check("nothing is fetched twice", len(self.releases.asked), asked)
        for _ in range(2):
            response = self.send("Update", "v2", PhysicalResourceId=first)
            check("an update is another resource", response["PhysicalResourceId"], second)
        both = sorted(self.all_of("v1") + self.all_of("v2"))
        check("the old code stays until the update is over", self.keys(), both)
        # The release is gone, and the update goes back all the same.
        self.releases.answers["/v1/slipway-arm64.zip"] = [500] * 3
        response = self.send("Update", "v1", PhysicalResourceId=second, Roles=["gone"])
        found = (response["Status"], response["PhysicalResourceId"])
        check("an update goes back without a download", found, ("SUCCESS", first))
        self.releases.answers.clear()
        bad = self.archives["v1"]["arm64"]["Url"]
        response = self.send("Update", "v2", PhysicalResourceId=first, Sha256="0" * 64, Url=bad)
        found = (response["Status"], response["PhysicalResourceId"])
        check("an update that fails keeps the resource", found, ("FAILED", first))
        for _ in range(2):
            self.send("Delete", "v2", PhysicalResourceId=second)
            check("only its own code is deleted", self.keys(), self.all_of("v1"))
        self.send("Create", "v2")
        emptied = {"Url": "", "Sha256": ""}
        response = self.send("Create", **emptied)
        check("the bucket is emptied at the end only", len(self.keys()), len(both))
        for _ in range(2):
            self.send("Delete", PhysicalResourceId=response["PhysicalResourceId"], **emptied)
            check("and then of everything", self.keys(), [])
        self.s3.delete_bucket(Bucket=self.bucket)
        response = self.send("Delete", PhysicalResourceId=first)
        check("a bucket that is gone stops no deletion", response["Status"], "SUCCESS")


def stacks(cloud, releases, folders):
    """Whole stacks: install, update, an update that fails, remove."""
    stack = Stack(cloud, None, folders["v1"] / "template.yaml", name="installed")
    roles = f"{ROLE},arn:aws:iam::{ACCOUNT}:role/scr-*"
    stack.parameters |= {"ArtifactBucket": "", "TaskRoleArns": roles}
    stack.install()
    bucket, first = stack.physical["CodeBucket"], stack.physical["Code"]

    def found():
        keys = cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return sorted({key["Key"].rsplit("/", 1)[0] for key in keys})

    check("the stack has downloaded its code", found(), [first])
    check("its functions have it", stack.code("image-pushed"), "the code of v1")
    stack.use(folders["v2"] / "template.yaml")
    stack.update_to("UPDATE_COMPLETE")
    second = stack.physical["Code"]
    check("an update downloads the new code", stack.code("image-pushed"), "the code of v2")
    check("and deletes the old", found(), [second])
    releases.files["/v1/slipway-x86_64.zip"] += b"\0"
    stack.use(folders["v1"] / "template.yaml")
    stack.update_to("UPDATE_ROLLBACK_COMPLETE")
    reasons = " ".join(stack.reasons())
    check(
        "a wrong archive is said in a stack event",
        "is not the archive of this template" in reasons,
        True,
    )
    check("and the stack has its code", stack.code("image-pushed"), "the code of v2")
    check("and nothing else", found(), [second])
    table = stack.physical["Table"]
    stack.delete()
    buckets = [one["Name"] for one in cloud.client("s3").list_buckets()["Buckets"]]
    check("the bucket goes with the stack", bucket in buckets, False)

    gone = Stack(cloud, None, folders["v2"] / "template.yaml", name="gone")
    gone.parameters |= stack.parameters | {"TaskRoleArns": ROLE.replace("task", "gone")}
    gone.install("ROLLBACK_COMPLETE")
    check("a missing role is a stack event", "there is no role" in " ".join(gone.reasons()), True)
    gone.delete()

    adopting = Stack(cloud, None, folders["v2"] / "template.yaml", name="adopting")
    adopting.parameters |= stack.parameters | {"ExistingTable": table}
    adopting.install()
    check("a stack takes an existing table", "Table" in adopting.physical, False)
    adopting.delete()
