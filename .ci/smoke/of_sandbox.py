"""Records what the sandbox answers, for `.ci/recordings FOLDER SANDBOX` to compare.

    cargo run -- serve wwhd
    python3 .ci/smoke/of_sandbox.py http://127.0.0.1:4566 SANDBOX

It pushes an image to the application that is served, and asks ECS and ECR, as infra/smoke
does, until Slipway has a verdict. The sandbox has no queue for events: they are not recorded.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra/smoke"))

import boto3  # noqa: E402
import images  # noqa: E402
from account import Account  # noqa: E402
from recorder import ACCOUNT, Nothing, Recorder  # noqa: E402

CLUSTER, SERVICE, REPOSITORY = "wwhd-cluster", "wwhd-service", "wwhd-backend"
PLACE = {"application": "wwhd", "environment": "production"}


def main(url, folder):
    os.environ["AWS_ENDPOINT_URL"] = url
    keys = {"aws_access_key_id": "me", "aws_secret_access_key": "me"}
    session = boto3.session.Session(region_name="eu-central-1", **keys)
    account = Account(session, Nothing())
    number = last_number(account) + 1
    account.recorder = Recorder(folder, ACCOUNT, {"region": "sandbox", "template": "sandbox"})
    push(account.client("ecr"))
    verdict = account.until("a verdict", lambda: look(account, number), 1200, every=2)
    print(f"deployment {number}: {verdict}; {account.recorder.count} answers in {folder}")


def push(ecr):
    config, manifest = images.build({"os": "linux", "architecture": "amd64"}, [], ["a"], "1", "")
    ecr.put_image(
        repositoryName=REPOSITORY,
        imageTag="latest",
        imageManifest=manifest.decode(),
        imageManifestMediaType=images.MANIFEST,
    )
    ecr.describe_images(repositoryName=REPOSITORY)


def look(account, number):
    ecs, of_service = account.client("ecs"), {"cluster": CLUSTER, "service": SERVICE}
    service = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    tasks = ecs.list_tasks(cluster=CLUSTER)["taskArns"]
    if tasks:
        ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)
    rollouts = ecs.list_service_deployments(**of_service)["serviceDeployments"]
    arns = [one["serviceDeploymentArn"] for one in rollouts]
    if arns:
        ecs.describe_service_deployments(serviceDeploymentArns=arns)
    return status(account, deployment=number).get("verdict")


def last_number(account):
    ended = status(account)["details"][0].get("ended", ["0"])
    return max(int(line.split()[0]) for line in ended)


def status(account, **more):
    asked = json.dumps(dict(PLACE, **more))
    answer = account.client("lambda").invoke(FunctionName="slipway-status", Payload=asked)
    return json.loads(answer["Payload"].read())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
