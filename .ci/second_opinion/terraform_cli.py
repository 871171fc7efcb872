"""Terraform, in a folder of its own: which commands it is given, and what it says."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from cloud import ACCOUNT, REGION
from stack import ROOT

MODULES = ROOT / "infra/terraform"
SERVICES = (
    "cloudformation",
    "cloudwatchevents",
    "ec2",
    "ecr",
    "ecs",
    "elb",
    "iam",
    "lambda",
    "sts",
)


class Terraform:
    """A copy of `infra/terraform`, and one folder in it to work in."""

    def __init__(self, folder: Path, work: str, environment):
        self.modules = folder / "modules"
        shutil.copytree(MODULES, self.modules, dirs_exist_ok=True)
        self.work = self.modules / work
        self.work.mkdir(parents=True, exist_ok=True)
        quiet = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        quiet["TF_CLI_CONFIG_FILE"] = os.devnull
        self.environment = os.environ | quiet | environment

    def run(self, *command, wanted=(0,)):
        """Its output; ends the test if the exit code is another."""
        done = subprocess.run(
            ["terraform", *command, "-no-color"],
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode not in wanted:
            print(done.stdout)
            raise SystemExit(f"FAILED: terraform {' '.join(command)}: exit code {done.returncode}")
        self.code = done.returncode
        return done.stdout

    def changes(self):
        """What a plan would do, and in `changed` to what: addresses and names of attributes."""
        self.run("plan", "-detailed-exitcode", "-out=plan", wanted=(0, 2))
        self.changed = []
        if self.code == 0:
            return []
        plan = json.loads(self.run("show", "-json", "plan"))
        found = [one for one in plan["resource_changes"] if one["change"]["actions"] != ["no-op"]]
        self.changed = [(one["address"], different(one["change"])) for one in found]
        return ["-".join(one["change"]["actions"]) for one in found] or ["outputs"]

    def variables(self, **values):
        (self.work / "terraform.tfvars.json").write_text(json.dumps(values))

    def as_old(self, file):
        """Takes the real provider, although it is older than what the module asks for."""
        file = self.work / file
        text = file.read_text()
        assert '">= 5.83"' in text, text
        file.write_text(text.replace('">= 5.83"', '">= 3.39"'))

    def use(self, cloud):
        """Terraform is to talk to MiniStack, and to nobody else."""
        endpoints = "\n".join(f'    {service} = "{cloud.url}"' for service in SERVICES)
        (self.work / "provider.tf").write_text(
            f"""provider "aws" {{
  region                      = "{REGION}"
  access_key                  = "{ACCOUNT}"
  secret_key                  = "secret"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 1

  endpoints {{
{endpoints}
  }}
}}
"""
        )


def different(change):
    before, after, unknown = change["before"], change["after"], change["after_unknown"]
    return [key for key in before if before[key] != after.get(key) and not unknown.get(key)]
