"""What infra/smoke writes down, and what .ci/recordings says of it: with made-up differences."""

import copy
import datetime
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "infra/smoke")]

from recorder import Recorder, Scrubber  # noqa: E402

SCRIPT = ROOT / ".ci/recordings"
loader = SourceFileLoader("recordings", str(SCRIPT))
recordings = importlib.util.module_from_spec(importlib.util.spec_from_loader("recordings", loader))
loader.exec_module(recordings)

ACCOUNT = "210987654321"


def sample(name, **detail):
    """A sample as a real account would send it."""
    text = (ROOT / f"events/{name}.json").read_text().replace("123456789012", ACCOUNT)
    text = text.replace("10.20.3.117", "172.31.5.9").replace("ip-10-20-3-117", "ip-172-31-5-9")
    event = json.loads(text)
    event["detail"].update(detail)
    return event


def made_up():
    """A deployment with a migration, from the push to an alarm, and a rollout that fails."""
    one_off = "ecs-task-one-off-running", "ecs-task-one-off-exit-0"
    one_off = [sample(name, taskArn="migration", version=v) for v, name in enumerate(one_off)]
    names = "ecs-task-pending", "ecs-task-running", "ecs-task-stopped-crash"
    tasks = [sample(name, taskArn="task", version=v) for v, name in enumerate(names)]
    failing = "ecs-deployment-in-progress", "ecs-deployment-failed"
    failing = [dict(sample(name, deploymentId="ecs-svc/2"), id=f"2, {name}") for name in failing]
    return [
        sample("ecr-push-semver"),
        *one_off,
        sample("ecs-deployment-in-progress"),
        *tasks,
        sample("ecs-service-steady-state"),
        sample("ecs-deployment-completed"),
        *failing,
        sample("alarm-metric-ok"),
        sample("alarm-metric"),
    ]


class Recorded(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.count = 0

    def record(self, events=(), answers=(), account=ACCOUNT):
        self.count += 1
        folder = Path(self.folder.name, str(self.count))
        recorder = Recorder(folder, account, {"region": "eu-central-1"})
        for event in events:
            recorder.event(event)
        for operation, answer in answers:
            recorder.answer("ecs", operation, {"cluster": "c"}, answer)
        return folder

    def differences(self, events, account=ACCOUNT):
        return recordings.check(self.record(events, account=account))[0]

    def only(self, pattern, events, account=ACCOUNT):
        """There is a difference, and none that does not fit."""
        found = self.differences(events, account)
        self.assertTrue(found, "nothing was noticed")
        self.assertEqual([one for one in found if not re.search(pattern, one)], [])

    def changed(self, name, change, **detail):
        """The made-up recording with an event changed."""
        events = made_up()
        [event] = [one for one in events if one["id"] == sample(name)["id"] and fits(one, detail)]
        change(event)
        return events


def fits(event, detail):
    return all(event["detail"].get(key) == value for key, value in detail.items())


class Comparison(Recorded):
    def test_what_is_as_the_samples_say_has_no_difference(self):
        differences, notes = recordings.check(self.record(made_up()))
        self.assertEqual(differences, [])
        self.assertIn("aws.ecr, ECR Replication Action: none came", notes)

    def test_a_field_that_is_missing(self):
        events = self.changed("ecs-task-stopped-crash", lambda e: e["detail"].pop("stopCode"))
        # The migration's task has it.
        self.assertEqual(self.differences(events), [])
        alone = [one for one in events if one["detail"].get("taskArn") != "migration"]
        self.only("STOPPED: detail.stopCode never came, and every sample has it", alone)

    def test_a_field_that_is_missing_in_every_event(self):
        events = self.changed("ecr-push-semver", lambda e: e["detail"].pop("repository-name"))
        self.only("detail.repository-name never came", events)

    def test_a_field_that_no_sample_has(self):
        def change(event):
            event["detail"]["containers"][0]["shiny"] = {"new": [1]}

        events = self.changed("ecs-task-stopped-crash", change)
        self.only(r"STOPPED: detail.containers\[\].shiny came, and no sample has it$", events)

    def test_another_type(self):
        events = self.changed("ecs-task-running", lambda e: e["detail"].update(cpu=512))
        self.only("detail.cpu is number, and in each sample text", events)
        events = self.changed("ecr-push-semver", lambda e: e.update(resources=None))
        self.only("resources is null, and in each sample list", events)

    def test_a_status_that_nobody_knows(self):
        change = {"stopCode": "SolarFlare"}
        events = self.changed("ecs-task-stopped-crash", lambda e: e["detail"].update(change))
        self.only("detail.stopCode is SolarFlare", events)
        change = {"eventName": "SERVICE_DEPLOYMENT_PAUSED"}
        events = self.changed("ecs-deployment-completed", lambda e: e["detail"].update(change))
        self.only("detail.eventName is SERVICE_DEPLOYMENT_PAUSED", events)

    def test_a_status_without_a_sample_is_compared_with_the_others(self):
        waits = sample("ecs-task-pending", lastStatus="PROVISIONING", taskArn="other", version=0)
        self.assertEqual(self.differences([*made_up(), waits]), [])
        waits["detail"]["shiny"] = 1
        self.only("PROVISIONING: detail.shiny came", [*made_up(), waits])

    def test_a_kind_without_a_sample(self):
        event = dict(sample("ecr-push-semver"), **{"detail-type": "ECR Image Mood"})
        self.only("aws.ecr, ECR Image Mood: no sample is of this kind", [*made_up(), event])

    def test_answers_are_compared_with_those_of_the_sandbox(self):
        answer = {"services": [{"serviceName": "a", "runningCount": 1, "pendingCount": 0}]}
        other = copy.deepcopy(answer)
        other["services"][0].update(runningCount="1", shiny=True)
        del other["services"][0]["pendingCount"]
        sandbox = self.record(made_up(), [("DescribeServices", answer), ("ListTasks", {})])
        same = self.record(made_up(), [("DescribeServices", answer)])
        differences, notes = recordings.check(same, sandbox)
        self.assertEqual(differences, [])
        self.assertIn("ecs ListTasks: only one of the folders has it", notes)
        real = self.record(made_up(), [("DescribeServices", other)])
        found = recordings.check(real, sandbox)[0]
        self.assertEqual(len(found), 3, found)


class Order(Recorded):
    def test_events_may_arrive_in_any_order_and_twice(self):
        events = made_up()
        self.assertEqual(self.differences([*reversed(events), *events]), [])

    def test_a_task_that_goes_back(self):
        events = self.changed("ecs-task-running", lambda e: e["detail"].update(version=9))
        said = r"task task: (lastStatus|desiredStatus) is RUNNING \(version 9\) after STOPPED"
        self.only(said, events)

    def test_two_events_of_one_version(self):
        events = self.changed("ecs-task-running", lambda e: e["detail"].update(version=0))
        self.only("task task: two events have the version 0", events)

    def test_a_rollout_that_completes_before_it_begins(self):
        early = {"updatedAt": "2026-11-21T09:00:00.000Z"}
        events = self.changed("ecs-deployment-completed", lambda e: e["detail"].update(early))
        self.only("COMPLETED after nothing|it begins again|before any of its tasks runs", events)

    def test_a_rollout_that_completes_after_it_failed(self):
        late = {"updatedAt": "2026-11-21T10:00:00.000Z", "deploymentId": "ecs-svc/2"}
        late = dict(sample("ecs-deployment-completed", **late), id="another")
        self.only("ecs-svc/2: COMPLETED after FAILED", [*made_up(), late])

    def test_ecs_goes_back_to_an_old_rollout(self):
        old = sample("ecs-deployment-breaker-going-back")["detail"]["deploymentId"]
        before = [
            dict(sample("ecs-deployment-in-progress", deploymentId=old), id="a"),
            dict(sample("ecs-deployment-completed", deploymentId=old), id="b"),
        ]
        again = sample("ecs-deployment-breaker-going-back")
        events = [*made_up(), *before, again, sample("ecs-deployment-breaker-went-back")]
        self.assertEqual(self.differences(events), [])
        again["detail"]["reason"] = "ECS deployment in progress."
        self.only("it begins again, and not as a rollback", events)

    def test_a_rollout_that_is_completed_without_a_task(self):
        def change(event):
            event["detail"]["startedAt"] = "2026-11-21T09:59:00.000Z"

        events = self.changed("ecs-task-running", change)
        crash = next(e for e in events if e["id"] == sample("ecs-task-stopped-crash")["id"])
        change(crash)
        self.only("it is completed before any of its tasks runs", events)

    def test_the_sandbox_knows_no_other_order_of_a_task(self):
        source = (ROOT / "tests/sandbox/src/ecs/task.rs").read_text()
        names = re.findall(r'Self::\w+ => "([A-Z]+)"', source.partition("fn name(")[2])
        self.assertGreaterEqual(len(names), 5)
        self.assertEqual(names, [one for one in recordings.STATUSES if one in names])


class Scrubbing(Recorded):
    def test_references_still_match_and_the_account_is_gone(self):
        scrubber = Scrubber(ACCOUNT)
        scrubbed = scrubber.scrub(sample("ecs-task-running"))
        text = json.dumps(scrubbed)
        self.assertNotIn(ACCOUNT, text)
        self.assertNotIn("172.31.5.9", text)
        details = scrubbed["detail"]["attachments"][0]["details"]
        address = {one["name"]: one["value"] for one in details}["privateIPv4Address"]
        container = scrubbed["detail"]["containers"][0]
        self.assertEqual(container["networkInterfaces"][0]["privateIpv4Address"], address)
        address = scrubber.scrub("172.31.5.9")
        name = address.replace(".", "-")
        self.assertEqual(scrubber.scrub("ip-172-31-5-9.ec2.internal"), f"ip-{name}.ec2.internal")
        self.assertNotEqual(scrubber.scrub("172.31.5.10"), address)
        self.assertEqual(scrubbed["account"], "123456789012")
        self.assertEqual(scrubbed["detail"]["platformVersion"], "1.4.0")

    def test_each_kind_of_secret(self):
        scrub = Scrubber(ACCOUNT).scrub
        for before, after in {
            f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/x": "arn:aws:ecs:eu-west-1:123456789012:task/x",
            "arn:aws:iam::555555555555:role/x": "arn:aws:iam::000000000001:role/x",
            "555555555555.dkr.ecr.eu-west-1.amazonaws.com/a": (
                "000000000001.dkr.ecr.eu-west-1.amazonaws.com/a"
            ),
            f"arn:aws:iam::{ACCOUNT}:user/ann": "arn:aws:iam::123456789012:user/person-1",
            "by ann.lee@corp.example": "by person-1@example.com",
            "ASIAQWERTYUIOPASDFGH": "AKIAEXAMPLE00001",
            "ecs-svc/1234567890123456789": "ecs-svc/1234567890123456789",
            f"ecs-svc/99{ACCOUNT}": f"ecs-svc/99{ACCOUNT}",
            "2026-11-21T09:05:19.733Z": "2026-11-21T09:05:19.733Z",
            "from 2600:1f18::77 to 06:2f:91:aa:3c:58": "from 2001:db8::1 to 02:00:00:00:00:01",
            "?X-Amz-Signature=abc&x=1": "?X-Amz-Signature=scrubbed&x=1",
            "sha256:1e434f08c210f5f3": "sha256:1e434f08c210f5f3",
        }.items():
            self.assertEqual(scrub(before), after)

    def test_answers_are_as_on_the_wire_and_without_their_envelope(self):
        moment = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
        answer = {"createdAt": moment, "ResponseMetadata": {"RequestId": "1"}, "blob": b"abc"}
        scrubbed = Scrubber(ACCOUNT).scrub(answer)
        self.assertEqual(scrubbed, {"createdAt": moment.timestamp(), "blob": "3 bytes"})

    def test_what_was_not_scrubbed_is_said(self):
        for secret, said in {
            f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/x": "an account id",
            ACCOUNT: "an account id",
            "ann@corp.example": "an e-mail address",
            "AKIAQWERTYUIOPASDFGH": "an access key",
            "172.31.5.9": "an IP address",
            "ip-172-31-5-9.ec2.internal": "a host name",
        }.items():
            folder = self.record(made_up())
            file = folder / "0001-event.json"
            record = json.loads(file.read_text())
            record["event"]["detail"]["image-tag"] = secret
            file.write_text(json.dumps(record))
            found = recordings.check(folder)[0]
            self.assertEqual(found, [f"0001-event.json has {said} that is not scrubbed"])

    def test_another_account_than_the_own_is_scrubbed_all_the_same(self):
        self.assertEqual(self.differences(made_up(), account="111111111111"), [])


class Format(Recorded):
    def test_records_are_numbered_and_repetitions_left_out(self):
        answers = [("DescribeServices", {"n": n}) for n in (1, 1, 2, 2, 1)]
        folder = self.record(made_up()[:2], answers)
        names = [file.name for file in sorted(folder.iterdir())]
        events = ["0001-event.json", "0002-event.json"]
        told = [f"000{n}-answer.json" for n in (3, 4, 5)]
        self.assertEqual(names, [*events, *told, "manifest.json"])
        record = json.loads((folder / "0003-answer.json").read_text())
        self.assertEqual(set(record), {"service", "operation", "parameters", "answer", "at"})
        manifest = json.loads((folder / "manifest.json").read_text())
        self.assertEqual(manifest["format"], recordings.FORMAT)

    def test_a_folder_that_holds_something_is_not_written_to(self):
        folder = self.record(made_up())
        with self.assertRaisesRegex(SystemExit, "is not empty"):
            Recorder(folder, ACCOUNT, {})

    def test_the_exit_code_and_what_is_no_recording(self):
        def run(*given):
            ran = subprocess.run([sys.executable, SCRIPT, *given], capture_output=True, text=True)
            return ran.returncode, ran.stdout + ran.stderr

        good = self.record(made_up())
        code, text = run(good)
        self.assertEqual((code, "0 differences" in text), (0, True), text)
        bad = self.record([dict(sample("ecr-push-semver"), shiny=1)])
        code, text = run(bad)
        self.assertEqual((code, "DIFFERENCE: aws.ecr" in text), (1, True), text)
        code, text = run(self.folder.name)
        self.assertEqual((code, "is no recording" in text), (1, True), text)
        self.assertEqual(run()[0], 1)
        (good / "manifest.json").write_text('{"format": 2}')
        self.assertIn("has the format 2; this script reads 1", run(good)[1])


class OfRealAccounts(unittest.TestCase):
    def test_each_that_was_contributed(self):
        for folder in sorted((ROOT / "tests/recordings").glob("*/")):
            with self.subTest(folder=folder.name):
                self.assertEqual(recordings.check(folder)[0], [])


if __name__ == "__main__":
    unittest.main()
