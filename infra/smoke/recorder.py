"""Keeps every event and every answer of AWS in a folder, without what tells the account.

The format: `manifest.json` says how to read the folder (`format`) and where it is from. Every other
file is one record, in the order in which they came: `0007-event.json` has an `event` as EventBridge
sent it, `0008-answer.json` the `service`, the `operation`, its `parameters` and its `answer`, and
`0009-slipway.json` the `function`, its `payload` and its `answer`. All have `at`, the seconds since
the recording began.
"""

import hashlib
import ipaddress
import json
import re
import time
from datetime import datetime
from pathlib import Path

FORMAT = 1
ACCOUNT = "123456789012"

# What is left out: secrets, and content that says nothing about shapes.
LEFT_OUT = {"ResponseMetadata", "authorizationToken", "downloadUrl", "layerPartBlob"}
LEFT_OUT |= {"TemplateBody", "TemplateURL", "ReceiptHandle", "NextToken", "nextToken"}
# Whole operations of this program that say nothing about what Slipway depends on.
NOT_KEPT = {"s3", "sqs", "sts", "iam", "ec2", "logs", "cloudformation", "lambda"}

IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# What may be an address of version 6; a time of day and a hardware address are not.
IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*(?![\w:])")
MAC = re.compile(r"(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])", re.IGNORECASE)
HOST = re.compile(r"(?<![\w.-])(?:ip|ec2)(?:-\d{1,3}){4}(?![\w-])")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# In ARNs, in names of registries, in addresses of queues, and as a field of its own.
OTHER_ACCOUNT = re.compile(
    r"(?<=:)\d{12}(?=:)|(?<!\w)\d{12}(?=\.dkr[.-]ecr)|^\d{12}$|(?<=com/)\d{12}(?=/)"
)
ACCESS_KEY = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}(?![A-Z0-9])")
PERSON = re.compile(r"(?<=:user/)[^\s\"]+|(?<=/AWSReservedSSO_)[^\s\"]+")
SIGNED = re.compile(r"(X-Amz-(?:Security-Token|Signature|Credential)=)[^&\s\"]+")


class Scrubber:
    """Replaces what tells the account, the same by the same, so that references still match."""

    def __init__(self, account=None):
        self.own = account and re.compile(rf"(?<!\d){account}(?!\d)")
        self.known = {}

    def scrub(self, value):
        if isinstance(value, dict):
            kept = {key: one for key, one in value.items() if key not in LEFT_OUT}
            return {self.scrub(key): self.scrub(one) for key, one in kept.items()}
        if isinstance(value, (list, tuple)):
            return [self.scrub(one) for one in value]
        if isinstance(value, datetime):
            # As it was on the wire.
            return value.timestamp()
        if isinstance(value, (bytes, bytearray)):
            return f"{len(value)} bytes"
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text):
        if self.own:
            text = self.own.sub(ACCOUNT, text)
        text = SIGNED.sub(r"\1scrubbed", text)
        for pattern, stand_in in [
            (EMAIL, lambda found: f"person-{self._number('email', found)}@example.com"),
            (OTHER_ACCOUNT, self._account),
            (ACCESS_KEY, lambda found: f"AKIAEXAMPLE{self._number('key', found):05}"),
            # The name of a host has its address in it.
            (HOST, lambda found: f"ip-{self._address(found.split('-')[1:], '-')}"),
            (IPV4, lambda found: self._address(found.split("."), ".")),
            (MAC, lambda found: f"02:00:00:00:00:{self._number('mac', found) % 256:02x}"),
            (IPV6, self._ipv6),
            (PERSON, lambda found: f"person-{self._number('person', found)}"),
        ]:
            text = pattern.sub(lambda match, stand_in=stand_in: stand_in(match[0]), text)
        return text

    def _number(self, kind, found):
        numbers = self.known.setdefault(kind, {})
        return numbers.setdefault(found, len(numbers) + 1)

    def _account(self, found):
        return found if found == ACCOUNT else f"{self._number('account', found):012}"

    def _address(self, parts, between):
        number = self._number("address", tuple(parts))
        return between.join(["10", "0", str(number // 250), str(number % 250 + 1)])

    def _ipv6(self, found):
        try:
            ipaddress.IPv6Address(found)
        except ValueError:
            return found
        return f"2001:db8::{self._number('ipv6', found):x}"


class Nothing:
    """Records nothing."""

    count = 0

    def answer(self, *_):
        pass

    event = slipway = answer


class Recorder:
    def __init__(self, folder, account, manifest, clock=time):
        self.folder, self.clock = Path(folder), clock
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()):
            raise SystemExit(f"infra/smoke: {folder} is not empty; name another folder")
        self.scrubber = Scrubber(account)
        self.began, self.count, self.last, self.events = clock.monotonic(), 0, {}, []
        manifest = self.scrubber.scrub(dict(manifest, format=FORMAT))
        self._write(self.folder / "manifest.json", manifest)

    def event(self, event):
        self.events.append(event)
        self._keep("event", {"event": event})

    def answer(self, service, operation, parameters, answer):
        if service not in NOT_KEPT:
            record = {"service": service, "operation": operation}
            self._keep("answer", dict(record, parameters=parameters, answer=answer))

    def slipway(self, function, payload, answer):
        self._keep("slipway", {"function": function, "payload": payload, "answer": answer})

    def _keep(self, kind, record):
        record = self.scrubber.scrub(record)
        if kind != "event" and not self._is_new(record):
            return
        self.count += 1
        record["at"] = round(self.clock.monotonic() - self.began, 1)
        self._write(self.folder / f"{self.count:04}-{kind}.json", record)

    def _is_new(self, record):
        """Waiting means to ask again and again; only what is different from the last is kept."""
        asked = dict(record, answer=None)
        asked, answer = (
            hashlib.sha256(json.dumps(one, sort_keys=True, default=str).encode()).hexdigest()
            for one in (asked, dict(record["answer"], now=None))
        )
        if self.last.get(asked) == answer:
            return False
        self.last[asked] = answer
        return True

    @staticmethod
    def _write(path, content):
        path.write_text(json.dumps(content, indent=1, default=str) + "\n")
