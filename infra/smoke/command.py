"""Checks Slipway in a real AWS account, and removes everything again.

    python3 infra/smoke TEMPLATE

TEMPLATE is template.yaml of a release. It says what it makes and what that costs, and asks. It
needs Python 3.9 and boto3, as in AWS CloudShell, and credentials that may make all that it names.
"""

import argparse
import re
import secrets
from pathlib import Path

import plan
from account import Account, Wrong
from botocore.exceptions import BotoCoreError, ClientError
from images import NAME, TAG, PublicRegistry
from recorder import Nothing, Recorder
from removal import Removal
from trial import Trial

HERE = Path(__file__).resolve().parent


def arguments(given):
    parser = argparse.ArgumentParser(
        prog="infra/smoke",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("template", nargs="?", type=Path, help="template.yaml of a release")
    parser.add_argument("--plan", action="store_true", help="only say what it would make")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep", action="store_true", help="remove nothing at the end")
    parser.add_argument("--remove", metavar="NAME", help="remove what an earlier run has left")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="default: ./NAME")
    parser.add_argument("--region", help="default: that of your configuration")
    parser.add_argument("--subnets", help="SUBNET,SUBNET; default: those of the default VPC")
    parser.add_argument(
        "--zips", type=Path, help="folder of the functions' zips, without a release"
    )
    parser.add_argument("--architecture", default="arm64", choices=["arm64", "x86_64"])
    options = parser.parse_args(given)
    if not options.template and not options.remove:
        parser.error("name the template, or what to remove")
    if options.remove and not re.fullmatch(r"slipway-smoke-[0-9a-f]{4}", options.remove):
        parser.error(f"{options.remove} is not the name of a run, such as slipway-smoke-1a2b")
    if options.template:
        fault = fault_of(options.template, options.zips)
        if fault:
            parser.error(fault)
    options.own, options.registry = HERE / "own.yaml", PublicRegistry()
    return options


def fault_of(template, zips):
    """Why the template cannot be installed: said before anything is made."""
    if not template.is_file():
        return f"there is no file {template}"
    if "Url: none" in template.read_text() and not zips:
        return f"{template} is of no release; use that of a release, or name the zips: --zips"
    if zips and not list(zips.glob("*.zip")):
        return f"there are no zips in {zips}; infra/package makes them"
    return None


def default_network(account, wanted):
    """The VPC and the subnets of the tasks."""
    ec2 = account.client("ec2")
    if wanted:
        found = ec2.describe_subnets(SubnetIds=wanted.split(","))["Subnets"]
    else:
        default = [{"Name": "default-for-az", "Values": ["true"]}]
        found = ec2.describe_subnets(Filters=default)["Subnets"]
    if not found:
        raise Wrong("this region has no default VPC; name public subnets: --subnets SUBNET,SUBNET")
    vpc = found[0]["VpcId"]
    return vpc, [one["SubnetId"] for one in found if one["VpcId"] == vpc][:3]


def version_of(template):
    found = re.search(r'^Description: "?Slipway ([^:"]+):', template.read_text(), re.MULTILINE)
    return found[1] if found else "built from source"


def tell(text):
    try:
        print(text, flush=True)
    except OSError:
        # The terminal is gone. All the more is to be removed.
        pass


def main(given, session=None, trial=Trial, ask=input, say=tell):
    options = arguments(given)
    if session is None:
        import boto3

        session = boto3.session.Session(region_name=options.region)
    if not session.region_name:
        raise SystemExit("infra/smoke: name a region: --region eu-west-1")
    account = Account(session, Nothing())
    try:
        identity = account.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"infra/smoke: AWS does not know you: {error}") from None
    name = options.remove or f"slipway-smoke-{secrets.token_hex(2)}"
    if options.remove:
        return 1 if removed(account, name, say) else 0
    try:
        options.vpc, options.subnets = default_network(account, options.subnets)
    except (Wrong, BotoCoreError, ClientError) as wrong:
        raise SystemExit(f"infra/smoke: {wrong}") from None
    where = {"account": identity, "region": session.region_name, "name": name}
    image = f"public.ecr.aws/{NAME}:{TAG}"
    say(plan.text(image=image, subnets=options.subnets, keep=options.keep, **where))
    if options.plan:
        return 0
    if not options.yes and ask("Go ahead? yes or no: ").strip().lower() not in ("y", "yes"):
        say("Nothing was made.")
        return 1
    folder = options.record or Path(name)
    manifest = {"region": where["region"], "template": version_of(options.template), "name": name}
    account.recorder = Recorder(folder, identity, manifest)
    return go(account, trial(account, name, options, say), options, folder)


def go(account, trial, options, folder):
    """Runs it, and removes everything whatever happens; answers with the exit code."""
    say, wrong = trial.say, None
    say(f"If this is interrupted: infra/smoke --remove {trial.name}\n")
    try:
        trial.run()
    except KeyboardInterrupt:
        wrong = "interrupted"
    except (Exception, SystemExit) as error:
        wrong = str(error) if isinstance(error, Wrong) else repr(error)
    if wrong:
        say(f"   WRONG: {wrong}\n")
    if options.keep:
        say(f"Everything is left for a look. Remove it: infra/smoke --remove {trial.name}")
        left = []
    else:
        left = removed(account, trial.name, say)
    say(f"\nThe recording is in {folder}: {account.recorder.count} events and answers.")
    if not wrong:
        say(f"All {len(trial.done)} steps and {trial.checks} checks are right.")
        return 1 if left else 0
    undone = trial.undone()
    say(f"WRONG: {undone[0] if undone else 'at the end'}: {wrong}")
    for what in undone[1:]:
        say(f"not tried: {what}")
    return 1


def removed(account, name, say):
    """Removes everything; says what is left, and how to remove it."""
    removal = Removal(account, name, say)
    try:
        left = removal.run()
    except KeyboardInterrupt:
        left = removal.left
        say(f"Interrupted. Go on with: infra/smoke --remove {name}")
    for what, how, why in left:
        say(f"LEFT: {what}: {why}\n      {how}")
    if not left:
        say(f"Everything named {name}* is removed.")
    return left
