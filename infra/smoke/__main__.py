"""`python3 infra/smoke`: see command.py."""

import signal
import sys

try:
    from command import main
except ModuleNotFoundError as missing:
    sys.exit(f"infra/smoke: {missing}; AWS CloudShell has it, or: pip install boto3")


def interrupt(*_):
    raise KeyboardInterrupt


# A shell that is closed is no reason to leave anything behind.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, interrupt)
sys.exit(main(sys.argv[1:]))
