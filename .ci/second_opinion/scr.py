"""SCR's staging as it stood before Slipway came: all that its spec speaks of, and its web site."""

import hashlib
import http.server
import json
import threading

from cloud import ACCOUNT, REGION
from stack import sample

ALARM = "scr-staging-5xx"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Scr:
    def __init__(self, cloud):
        self.ecr, self.ecs = cloud.client("ecr"), cloud.client("ecs")
        self.cloudwatch = cloud.client("cloudwatch")
        self.web = Web()
        self.spec = sample("console-configure")
        staging = self.spec["environments"]["staging"]
        # A site that this machine can reach, and a time that a test can wait.
        staging |= {"checks": [{"url": self.web.url, "expect": [200]}], "bake": "10s"}
        self.cluster, self.services = staging["cluster"], staging["services"]
        self.alarms = staging["alarms"]

    def create(self):
        for repository in self.spec["images"].values():
            self.ecr.create_repository(repositoryName=repository)
        self.ecs.create_cluster(clusterName=self.cluster)
        for service in self.services:
            self._create_service(service)
        for alarm in self.alarms:
            self.cloudwatch.put_metric_alarm(
                AlarmName=alarm,
                Namespace="AWS/ApplicationELB",
                MetricName="HTTPCode_Target_5XX_Count",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=10,
                ComparisonOperator="GreaterThanThreshold",
            )
            self.set_alarm(alarm, "OK")

    def _create_service(self, service):
        container = {"name": service.removeprefix("scr-"), "image": f"{REGISTRY}/{service}:old"}
        self.ecs.register_task_definition(
            family=service,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[container],
        )
        self.ecs.create_service(
            cluster=self.cluster,
            serviceName=service,
            taskDefinition=service,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        )

    def push(self, tag):
        """Pushes every image under one tag; answers with the digest of each repository."""
        digests = {}
        for repository in self.spec["images"].values():
            content = hashlib.sha256(f"{repository} {tag}".encode()).hexdigest()
            config = {"mediaType": CONFIG, "digest": f"sha256:{content}", "size": 2}
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
            put = self.ecr.put_image(
                repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest)
            )
            digests[repository] = put["image"]["imageId"]["imageDigest"]
        return digests

    def set_alarm(self, alarm, state):
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="a test")

    def service(self, name):
        return self.ecs.describe_services(cluster=self.cluster, services=[name])["services"][0]

    def images(self, service):
        """What the service's task definition runs."""
        arn = self.service(service)["taskDefinition"]
        definition = self.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return [container["image"] for container in definition["containerDefinitions"]]

    def migration_of(self, deployment):
        """The task that Slipway started for this deployment, if it did."""
        of_deployment = f"/scr/staging/{deployment}/migrate/1"
        arns = self.ecs.list_tasks(cluster=self.cluster)["taskArns"]
        arns += self.ecs.list_tasks(cluster=self.cluster, desiredStatus="STOPPED")["taskArns"]
        tasks = arns and self.ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"]
        ours = [task for task in tasks if task.get("startedBy", "").endswith(of_deployment)]
        return ours and ours[0]

    def ends(self, task):
        """Its container has done its work."""
        self.ecs.stop_task(
            cluster=self.cluster, task=task["taskArn"], reason="the container exits with 0"
        )


class Web:
    """Answers whoever checks whether SCR is well, and counts."""

    def __init__(self):
        self.asked = 0
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Nothing: the journey says what it saw."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/health"
