"""MiniStack, with tasks that can end: it runs no container, so that none of its own ever does."""

from ministack.app import main
from ministack.services import ecs

EXITS = "the container exits with 0"

_mark_stopped = ecs._mark_task_stopped


def _mark_ended(task_arn, task, reason, stop_code, exit_code=None):
    """StopTask with this reason is what a container does that has done its work."""
    if reason == EXITS:
        reason, stop_code = "Essential container in task exited", "EssentialContainerExited"
    return _mark_stopped(task_arn, task, reason, stop_code, exit_code=exit_code)


if __name__ == "__main__":
    ecs._mark_task_stopped = _mark_ended
    main()
