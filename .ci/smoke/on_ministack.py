"""Runs infra/smoke on MiniStack, as far as it goes there, with the real functions.

MiniStack starts no container and tells nobody what happens in ECR, ECS and CloudWatch. Containers
end and events are told here in its place, and what is not tried is said with LIMIT.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import boto3
import command
from cloud import ACCOUNT, REGION, limit
from fake_registry import FakeRegistry
from images import PublicRegistry
from stack import ROOT, Stack, sample
from trial import KINDS, Trial


class OnMiniStack(Trial):
    """The same steps; `stack` sends events through the rules, and `fake` has the public image."""

    stack = fake = None

    def __init__(self, *given):
        super().__init__(*given)
        self.options.registry = PublicRegistry(self.fake.url)
        self.told, self.seen = set(), set()

    def run(self):
        try:
            super().run()
        except Exception:
            self.show_logs()
            raise

    def show_logs(self):
        logs = self.account.client("logs")
        made = getattr(self, "resources", {}).items()
        for id, group in [one for one in made if one[0].endswith("Logs")]:
            for event in logs.filter_log_events(logGroupName=group)["events"]:
                if '"level":"ERROR"' in event["message"] or '"level":"WARN"' in event["message"]:
                    print(f"{id}: {event['message'].rstrip()}")

    def push(self, version, what):
        digest = super().push(version, what)
        event = sample("ecr-push-semver")
        named = {"repository-name": self.name, "image-digest": digest, "image-tag": version}
        event["detail"].update(named)
        self.stack.tell(event)
        return digest

    def meanwhile(self, environment):
        """What ECS would do by now, and what it would tell."""
        super().meanwhile(environment)
        for task in self.tasks():
            if task["taskArn"] in self.told or task["lastStatus"] != "RUNNING":
                continue
            if "/migrate/" in task.get("startedBy", ""):
                # Slipway has to know of it before it ends, as it does where starting takes time.
                if task["taskArn"] in self.seen:
                    self.ends(task, 0, "ecs-task-one-off-exit-0")
                self.seen.add(task["taskArn"])
            elif self.runs_the_bad_image(task):
                # It knows a task's service, and not the rollout.
                task["startedBy"] = self.rollouts("staging")[1][0]["id"]
                self.ends(task, 1, "ecs-task-stopped-crash")
        service, rollouts = self.rollouts(environment)
        if service:
            done = len(rollouts) == 1 and rollouts[0]["rolloutState"] == "COMPLETED"
            if done and rollouts[0]["id"] not in self.told:
                self.told.add(rollouts[0]["id"])
                event = sample("ecs-deployment-completed")
                event["resources"] = [service]
                event["detail"]["deploymentId"] = rollouts[0]["id"]
                self.stack.tell(event)

    def rollouts(self, environment):
        """The service's ARN, and its rollouts, the newest first; nothing before it is made."""
        ecs, name = self.account.client("ecs"), f"{self.name}-{environment}"
        found = ecs.describe_services(cluster=self.name, services=[name])["services"]
        return (found[0]["serviceArn"], found[0]["deployments"]) if found else (None, [])

    def tasks(self):
        ecs = self.account.client("ecs")
        arns = ecs.list_tasks(cluster=self.name)["taskArns"]
        return ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"] if arns else []

    def runs_the_bad_image(self, task):
        images = [container["image"].rpartition("@")[2] for container in task["containers"]]
        return "v1.2.0" in [self.digests.get(image) for image in images]

    def ends(self, task, exit_code, name):
        """ECS is asked before the event counts, so that the task has to have ended there."""
        self.told.add(task["taskArn"])
        reason = f"the container exits with {exit_code}"
        self.account.client("ecs").stop_task(cluster=self.name, task=task["taskArn"], reason=reason)
        event = json.loads(json.dumps(sample(name)).replace('"api"', '"app"'))
        same = ("taskArn", "clusterArn", "startedBy", "taskDefinitionArn", "group")
        # It has no group for a task that is no service's.
        event["detail"].update({key: task[key] for key in same if task[key]})
        self.stack.tell(event)

    def alarm(self):
        alarm = {"AlarmName": f"{self.name}-alarm", "StateReason": "a test"}
        self.account.client("cloudwatch").set_alarm_state(StateValue="ALARM", **alarm)
        limit("MiniStack tells nobody that an alarm went off", self.heard("ALARM"))

    def kinds(self):
        limit("MiniStack tells nobody of anything: no events are recorded", super().kinds())
        return KINDS


def run(cloud, binaries):
    stack = Stack(cloud, binaries)
    session = boto3.session.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="secret", region_name=REGION
    )
    with tempfile.TemporaryDirectory() as folder, FakeRegistry() as registry:
        folder = Path(folder)
        template, zips = folder / "template.yaml", folder / "zips"
        template.write_text(json.dumps(stack.test_copy()))
        zips.mkdir()
        for name in stack.functions:
            (zips / f"{name}.zip").write_bytes(stack.zipped(name))
        OnMiniStack.stack = stack
        OnMiniStack.fake = registry
        given = [str(template), "--yes", "--zips", str(zips), "--record", str(folder / "recording")]
        code = command.main([*given, "--architecture", "x86_64"], session, OnMiniStack)
        subprocess.run([ROOT / ".ci/recordings", folder / "recording"], check=True)
    if code:
        raise SystemExit("FAILED: infra/smoke on MiniStack")
