"""Deploys the template to MiniStack and looks whether it does what it says."""

import os
import sys
import tempfile
from pathlib import Path

import installing
import journey
import wiring
from cloud import Cloud
from stack import ROOT, Stack


def main():
    given = sys.argv[1:]
    smoke = "--smoke" in given
    folders = [one for one in given if one != "--smoke"]
    binaries = Path(folders[0]) if folders else None
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder)) as cloud:
        if smoke:
            check_in_an_account(cloud, binaries)
            return
        stack = Stack(cloud, binaries)
        stack.create()
        if binaries:
            journey.run(stack)
        else:
            wiring.run(stack)
            stack.update()
        stack.delete()
        if not binaries:
            installing.run(cloud)
    print("MiniStack agrees.")


def check_in_an_account(cloud, binaries):
    """infra/smoke, which is for a real account, as far as MiniStack goes."""
    sys.path += [str(ROOT / ".ci/smoke"), str(ROOT / "infra/smoke")]
    os.environ.update(cloud.credentials())
    import on_ministack

    on_ministack.run(cloud, binaries)


if __name__ == "__main__":
    main()
