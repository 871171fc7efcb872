"""MiniStack, with tasks that can end: it runs no container, so that none of its own ever does.

And with services as ECS makes them: with a role and percentages, even if nobody names any, because
Terraform's provider reads both.
"""

from ministack.app import main
from ministack.services import ecs

EXITS = {"the container exits with 0": 0, "the container exits with 1": 1}

_mark_stopped = ecs._mark_task_stopped


def _mark_ended(task_arn, task, reason, stop_code, exit_code=None):
    """StopTask with such a reason is what a container does that has done its work, or failed."""
    if reason in EXITS:
        exit_code = EXITS[reason]
        reason, stop_code = "Essential container in task exited", "EssentialContainerExited"
    return _mark_stopped(task_arn, task, reason, stop_code, exit_code=exit_code)


_create_service = ecs._create_service


def _create_whole_service(data):
    role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    data = {"role": f"arn:aws:iam::{ecs.get_account_id()}:{role}"} | data
    if "deploymentConfiguration" in data:
        percentages = {"maximumPercent": 200, "minimumHealthyPercent": 100}
        data["deploymentConfiguration"] = percentages | data["deploymentConfiguration"]
    return _create_service(data)


if __name__ == "__main__":
    ecs._mark_task_stopped = _mark_ended
    ecs._ACTION_MAP["CreateService"] = _create_whole_service
    main()
