"""Deploys the template to MiniStack and looks whether it does what it says."""

import sys
import tempfile
from pathlib import Path

import installing
import journey
import wiring
from cloud import Cloud
from stack import Stack


def main():
    binaries = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder)) as cloud:
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


if __name__ == "__main__":
    main()
