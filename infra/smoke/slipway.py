"""Slipway as a person uses it: functions to invoke, and what they answer."""

import json

from account import Wrong

APPLICATION, CONTAINER = "smoke", "app"
MIGRATION = ["sh", "-c", "echo 'this is the migration'"]


def spec(name, region, subnets, security_group, execution_role):
    """Two environments of one service. Slipway creates both services."""

    def environment(of, **more):
        service = f"{name}-{of}"
        options = {
            "awslogs-group": name,
            "awslogs-region": region,
            "awslogs-stream-prefix": of,
        }
        container = {
            "name": CONTAINER,
            "image": name,
            "essential": True,
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        definition = {
            "family": service,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "executionRoleArn": execution_role,
            "containerDefinitions": [container],
            "tags": [{"key": "slipway-smoke", "value": name}],
        }
        create = {
            "desired_count": 1,
            "subnets": subnets,
            "security_groups": [security_group],
            # Without it a task in a default VPC does not reach ECR.
            "public_ip": True,
        }
        own = {"name": service, "base": {"template": definition}, "create": create}
        common = {"cluster": name, "timeout": "8m", "alarms": [f"{name}-alarm"], "bake": "30s"}
        return dict(common, services=[own], failures={"tasks": 2}, **more)

    migration = {
        "service": f"{name}-staging",
        "container": CONTAINER,
        "command": MIGRATION,
        "timeout": "8m",
    }
    return {
        "application": APPLICATION,
        "images": {CONTAINER: name},
        "environments": {
            "staging": environment(
                "staging", deploy_on={"tags": ["semver:>=0.0.0"]}, migration=migration
            ),
            "production": environment("production", deploy_on={"promoted_from": "staging"}),
        },
    }


class Slipway:
    def __init__(self, account, stack):
        self.account, self.stack = account, stack
        self.client = account.client("lambda")

    def invoke(self, function, **payload):
        """Invokes a function; a crash of it is wrong in any case."""
        answer = self.client.invoke(
            FunctionName=f"{self.stack}-{function}", Payload=json.dumps(payload).encode()
        )
        text = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Wrong(f"{self.stack}-{function} failed: {text.decode()[:500]}")
        answer = json.loads(text)
        self.account.recorder.slipway(function, payload, answer)
        return answer

    def ask(self, function, **payload):
        """Requests something that has to be accepted."""
        answer = self.invoke(function, by="infra/smoke", why="a check", **payload)
        if answer.get("accepted") is not True:
            raise Wrong(f"{function} refuses: {json.dumps(answer)[:2000]}")
        return answer

    def deployment(self, environment, number):
        """A deployment, or nothing while it has not begun."""
        of = {"application": APPLICATION, "environment": environment}
        answer = self.invoke("status", deployment=number, **of)
        return answer if "state" in answer else None
