"""Updates a stack of an earlier version's template to this one, and back."""

import sys
import tempfile
from pathlib import Path

from cloud import Cloud, check
from stack import ROOT, Stack

# What has the state, and what others know by its name: it has to be the same after an update.
KEPT = ("AWS::DynamoDB::Table", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Lambda::Function")


def main():
    earlier, this = Path(sys.argv[1]), ROOT / "infra/template.yaml"
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder)) as cloud:
        stack = Stack(cloud, None, earlier)
        stack.create()
        before = kept(stack)
        for template, what in ((this, "to this version"), (earlier, "and back")):
            stack.use(template)
            stack.update_to("UPDATE_COMPLETE")
            same = {id: name for id, name in kept(stack).items() if id in before}
            check(f"a stack is updated {what}, and nothing that lasts is replaced", same, before)
        stack.delete()


def kept(stack):
    return {
        id: stack.physical[id]
        for id, resource in stack.resources.items()
        if resource["Type"] in KEPT and id in stack.physical
    }


if __name__ == "__main__":
    main()
