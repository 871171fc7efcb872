"""What is done with Slipway, what should come of it, and what did."""

import json
from datetime import datetime, timezone

import images
from account import Stack, Wrong, code_of
from botocore.exceptions import ClientError
from slipway import APPLICATION, CONTAINER, Slipway, spec

# What AWS has to have said at the end, about services, tasks, images and alarms.
KINDS = {
    "CloudWatch Alarm State Change",
    "ECR Image Action",
    "ECS Deployment State Change",
    "ECS Service Action",
    "ECS Task State Change",
}
# A deployment of one service takes two to six minutes.
PATIENCE = 1200


class Trial:
    """Its steps, one after the other. The first that is wrong is the last."""

    def __init__(self, account, name, options, say):
        self.account, self.name, self.options, self.say = account, name, options, say
        self.done, self.checks = [], 0
        self.digests, self.events = {}, []
        self.slipway = Slipway(account, f"{name}-app")

    def steps(self):
        return [
            ("make a cluster and a repository", self.make),
            ("fetch the public image", self.fetch),
            ("install Slipway", self.install),
            ("tell Slipway of the application", self.configure),
            ("deploy v1.0.0 to staging, with its migration", lambda: self.deploy("v1.0.0", 1)),
            ("promote v1.0.0 to production", lambda: self.promoted("v1.0.0", 1)),
            ("deploy v1.1.0 to staging, with its migration", lambda: self.deploy("v1.1.0", 2)),
            ("promote v1.1.0 to production", lambda: self.promoted("v1.1.0", 2)),
            ("deploy v1.2.0, a bad image, to staging", lambda: self.bad("v1.2.0", 3)),
            ("roll production back by hand", lambda: self.back("v1.0.0", 3)),
            ("set off an alarm", self.alarm),
            ("look for what may not be left behind", self.afterwards),
        ]

    def run(self):
        for what, act in self.steps():
            began = self.account.clock.monotonic()
            self.say(f"== {what}")
            act()
            self.done.append(what)
            self.say(f"   took {self.account.clock.monotonic() - began:.0f} s")

    def undone(self):
        return [what for what, _ in self.steps()[len(self.done) :]]

    def expect(self, what, seen, wanted, why=None):
        if seen != wanted:
            raise Wrong(f"{what}: {seen}; wanted: {wanted}" + (f" ({why})" if why else ""))
        self.checks += 1
        self.say(f"   ok: {what}: {seen}" + (f" ({why})" if why and why != seen else ""))

    # -- What it stands on ------------------------------------------------------------------------

    def make(self):
        # A new account has this role only after its first cluster, too late for that cluster. Most
        # have it, and then nothing is made.
        try:
            self.account.client("iam").create_service_linked_role(
                AWSServiceName="ecs.amazonaws.com"
            )
        except ClientError as error:
            # "Service role name … has been taken in this account"
            if code_of(error) not in ("InvalidInput", "AccessDenied"):
                raise
        body = self.options.own.read_text()
        made = Stack(self.account, self.name).create(
            self.tags(), {"VpcId": self.options.vpc}, TemplateBody=body
        )
        self.bucket, self.queue = made["BucketName"], made["EventsUrl"]
        self.role, self.group = made["ExecutionRoleArn"], made["SecurityGroupId"]

    def fetch(self):
        self.config, self.layers = self.options.registry.image()
        size = sum(len(content) for _, content in self.layers)
        self.say(f"   {len(self.layers)} layers, {size} bytes")

    def install(self):
        s3, key = self.account.client("s3"), "template.yaml"
        s3.put_object(Bucket=self.bucket, Key=key, Body=self.options.template.read_bytes())
        parameters = {
            "TaskRoleArns": self.role,
            "ClusterScope": self.name,
            "ServiceScope": f"{self.name}-*",
            "TaskDefinitionScope": f"{self.name}-*",
            "RepositoryScope": self.name,
            "TaskLogGroups": self.name,
            "Architecture": self.options.architecture,
            "Dashboard": "false",
            "LogRetentionDays": "1",
        }
        for zipped in sorted(self.options.zips.glob("*.zip")) if self.options.zips else []:
            with zipped.open("rb") as content:
                s3.put_object(Bucket=self.bucket, Key=f"slipway/{zipped.name}", Body=content)
            parameters["ArtifactBucket"] = self.bucket
        stack = Stack(self.account, f"{self.name}-app")
        url = self.account.object_url(self.bucket, key)
        made = stack.create(self.tags(), parameters, TemplateURL=url)
        self.resources = stack.resources()
        self.expect("the version installed", bool(made.get("Version")), True, made.get("Version"))

    def configure(self):
        document = spec(self.name, self.account.region, self.options.subnets, self.group, self.role)
        answer = self.slipway.ask("configure", spec=document)
        for line in answer.get("warnings", []):
            self.say(f"   Slipway warns: {line}")

    def tags(self):
        return {"slipway-smoke": self.name}

    # -- Deployments ------------------------------------------------------------------------------

    def push(self, version, command):
        created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        config, manifest = images.build(self.config, self.layers, command, version, created)
        ecr = self.account.client("ecr")
        digest = images.push(ecr, self.name, version, config, manifest, self.layers)
        self.digests[digest] = version
        self.say(f"   pushed {version}, {digest[:19]}")
        return digest

    def deploy(self, version, number):
        self.push(version, images.GOOD)
        self.verdict("staging", number, version, "succeeded")
        self.migrated(number)
        self.runs("staging", version)

    def promoted(self, version, number):
        self.verdict("production", number, version, "succeeded")
        self.runs("production", version)

    def bad(self, version, number):
        self.push(version, images.BAD)
        # Both environments are busy at once from here on: that saves some minutes.
        self.say("   and meanwhile production is to be rolled back")
        self.slipway.ask("rollback", application=APPLICATION, environment="production")
        self.verdict("staging", number, version, "rolled back")
        self.migrated(number)
        self.runs("staging", "v1.1.0")

    def back(self, version, number):
        self.verdict("production", number, version, "succeeded")
        self.runs("production", version)

    def verdict(self, environment, number, version, wanted):
        told = []

        def ended():
            self.meanwhile(environment)
            seen = self.slipway.deployment(environment, number)
            waits = seen and seen.get("waiting")
            if waits and waits not in told:
                told.append(waits)
                self.say(f"   {environment}: {waits}")
            return seen if seen and "verdict" in seen else None

        what = f"the verdict on deployment {number} of {environment}"
        seen = self.account.until(what, ended, PATIENCE)
        self.expect(f"deployment {number} of {environment} is of", seen["version"], version)
        self.expect(what, seen["verdict"], wanted, seen["because"])

    def runs(self, environment, version):
        """Asks ECS, not Slipway."""
        ecs, name = self.account.client("ecs"), f"{self.name}-{environment}"
        services = ecs.describe_services(cluster=self.name, services=[name])["services"]
        if not services:
            raise Wrong(f"ECS has no service {name}")
        service = services[0]
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        image = definition["taskDefinition"]["containerDefinitions"][0]["image"]
        seen = self.digests.get(image.rpartition("@")[2], image)
        self.expect(f"ECS runs in {environment}", seen, version)
        self.expect("and its tasks", (service["runningCount"], service["desiredCount"]), (1, 1))

    def migrated(self, number):
        """The migration of a deployment ran, once, according to ECS."""
        ended = [self.exit_code(task) for task in self.migrations(number)]
        self.expect("the migration's tasks, by exit code", ended, [0])

    def migrations(self, number):
        ecs, tasks = self.account.client("ecs"), []
        for status in ("RUNNING", "STOPPED"):
            arns = ecs.list_tasks(cluster=self.name, desiredStatus=status)["taskArns"]
            if arns:
                tasks += ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"]
        ours = f"/{APPLICATION}/staging/{number}/migrate/"
        return [task for task in tasks if ours in task.get("startedBy", "")]

    def exit_code(self, task):
        ours = [one for one in task["containers"] if one["name"] == CONTAINER]
        return ours[0].get("exitCode")

    def meanwhile(self, environment):
        """Looks at ECS as often as at Slipway, for the recording's sake."""
        self.listen()
        ecs, cluster = self.account.client("ecs"), self.name
        service = f"{self.name}-{environment}"
        try:
            ecs.describe_services(cluster=cluster, services=[service])
            arns = ecs.list_tasks(cluster=cluster)["taskArns"]
            if arns:
                ecs.describe_tasks(cluster=cluster, tasks=arns)
            rollouts = ecs.list_service_deployments(cluster=cluster, service=service)
            rollouts = [one["serviceDeploymentArn"] for one in rollouts["serviceDeployments"]]
            if rollouts:
                ecs.describe_service_deployments(serviceDeploymentArns=rollouts[:20])
        except (ClientError, AttributeError):
            # There is no such service before its first deployment: that answer is recorded, too.
            # And boto3 does not know some of these before the end of 2024.
            pass

    def listen(self):
        """Takes the events that have come."""
        sqs = self.account.client("sqs")
        while True:
            asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10}
            messages = sqs.receive_message(**asked).get("Messages", [])
            for message in messages:
                event = json.loads(message["Body"])
                self.events.append(event)
                self.account.recorder.event(event)
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if not messages:
                return

    # -- The end ----------------------------------------------------------------------------------

    def alarm(self):
        alarm = {"AlarmName": f"{self.name}-alarm", "StateReason": "infra/smoke sets it off"}
        self.account.client("cloudwatch").set_alarm_state(StateValue="ALARM", **alarm)
        self.account.until("word of the alarm", lambda: self.heard("ALARM"), 180)
        self.account.client("cloudwatch").describe_alarms(AlarmNames=[alarm["AlarmName"]])
        self.expect("EventBridge told of it", self.heard("ALARM"), True)

    def heard(self, state):
        self.listen()
        details = [one["detail"] for one in self.events if "alarmName" in one["detail"]]
        return any(
            detail["alarmName"] == f"{self.name}-alarm" and detail["state"]["value"] == state
            for detail in details
        )

    def afterwards(self):
        for environment in ("staging", "production"):
            of = {"application": APPLICATION, "environment": environment}
            answer = self.slipway.invoke("status", audit=True, **of)
            what = f"rule violations in {environment}"
            self.expect(what, answer.get("findings"), [], answer.get("summary"))
        self.expect("queues with messages that were given up", self.given_up(), [])
        self.expect("calls that were refused", self.refusals(), [])
        self.expect("kinds of events that never came", sorted(KINDS - self.kinds()), [])

    def kinds(self):
        self.listen()
        return {event["detail-type"] for event in self.events}

    def given_up(self):
        sqs, count = self.account.client("sqs"), "ApproximateNumberOfMessages"

        def letters(url):
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[count])
            return found["Attributes"][count]

        queues = {id: url for id, url in self.resources.items() if id.endswith("DeadLetters")}
        return [id for id, url in queues.items() if letters(url) != "0"]

    def refusals(self):
        """Lines in the logs of Slipway's functions that say that IAM has refused something."""
        logs, lines = self.account.client("logs"), []
        groups = [group for id, group in self.resources.items() if id.endswith("Logs")]
        for group in groups:
            asked = {"logGroupName": group, "filterPattern": '?AccessDenied ?"not authorized"'}
            for page in logs.get_paginator("filter_log_events").paginate(**asked):
                lines += [f"{group}: {event['message'][:300]}" for event in page["events"]]
        return lines[:5]
