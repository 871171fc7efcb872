"""One MiniStack for this run: its own port, its own process, gone with it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import botocore.config
import botocore.session

ACCOUNT, REGION = "123456789012", "eu-central-1"
TEMPLATES = "templates"


def until(what, happens, seconds=60, every=0.1):
    """Waits for something that takes its time in another process; says what never came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := happens():
            return found
        time.sleep(every)
    raise SystemExit(f"FAILED: {what} did not happen within {seconds} seconds")


def check(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"FAILED: {what}\n  found:  {found}\n  wanted: {wanted}")
    print(f"ok: {what}", flush=True)


def limit(what, found):
    """What MiniStack cannot do: said, and seen to be so."""
    if found:
        raise SystemExit(
            f"FAILED: this is no longer so, let the test rely on it: {what}\n  {found}"
        )
    print(f"LIMIT: {what}", flush=True)


class Cloud:
    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        # Twelve digits as the access key are the account; AUTH makes each role count.
        environment = (
            os.environ
            | {
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(self.port),
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "MINISTACK_REGION": REGION,
                # Functions in Python run the first python3, and this one has boto3.
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.folder),
            }
            | self.credentials()
        )
        self.log = open(self.folder / "ministack.log", "wb")
        server = [sys.executable, "-B", Path(__file__).parent / "ministack_server.py"]
        self.process = subprocess.Popen(server, env=environment, stdout=self.log, stderr=self.log)
        until("MiniStack's start", self._is_up)
        self.create_bucket(TEMPLATES)
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()
        if kind:
            text = (self.folder / "ministack.log").read_text(errors="replace")
            print("\n".join(text.splitlines()[-40:]), file=sys.stderr)

    def create_bucket(self, name):
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)

    def credentials(self):
        """For a process that is to use this cloud, and not AWS."""
        return {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }

    def _is_up(self):
        try:
            return urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def client(self, service):
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="secret",
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"max_attempts": 1}
            ),
        )
