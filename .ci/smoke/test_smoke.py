"""infra/smoke on an account in memory: every step right, and a failure at every single call."""

import contextlib
import io
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "infra/smoke")]

import command  # noqa: E402
import plan  # noqa: E402
from account import Account, Wrong  # noqa: E402
from fake_aws import REGION, Clock, FakeAws, refusal  # noqa: E402
from fake_registry import LAYER, digest_of  # noqa: E402
from recorder import Nothing  # noqa: E402
from removal import Removal  # noqa: E402
from trial import Trial  # noqa: E402

NAME = "slipway-smoke-1a2b"


class Registry:
    def image(self):
        return {"os": "linux", "config": {}}, [(digest_of(LAYER), LAYER)]


class Quick(Trial):
    def __init__(self, account, *rest):
        account.clock = Clock()
        super().__init__(account, *rest)
        self.options.registry = Registry()


class Test(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.template = Path(self.folder.name, "template.yaml")
        self.template.write_text('Description: "Slipway 1.2.3: a test"\n')
        self.runs = 0

    def smoke(self, aws, *given, trial=Quick, ask=None):
        """Runs the command; answers with its exit code and its lines."""
        self.runs += 1
        lines, folder = [], Path(self.folder.name, f"recording-{self.runs}")
        given = [str(self.template), "--record", str(folder), *given]
        code = command.main(given, aws, trial, ask or (lambda _: "yes"), lines.append)
        return code, "\n".join(lines)

    def refused(self, *given):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), self.assertRaises(SystemExit):
            command.main([str(one) for one in given], FakeAws())
        return errors.getvalue()

    def test_all_is_right_and_nothing_is_left(self):
        aws = FakeAws()
        code, text = self.smoke(aws)
        self.assertEqual(code, 0, text)
        self.assertIn("All 12 steps and 34 checks are right.", text)
        self.assertEqual(aws.left(), {})

    def test_whatever_call_fails_nothing_is_left(self):
        whole = FakeAws()
        self.smoke(whole)
        # Two come before anything is made; and once it is being removed, nothing can be promised.
        last = whole.calls.index("logs:filter_log_events") + 1
        # Hundreds of recordings would take longer than all the rest.
        self.enterContext(unittest.mock.patch("command.Recorder", lambda *_: Nothing()))
        for failure in (refusal("AccessDenied"), KeyboardInterrupt()):
            for call in range(3, last):
                aws = FakeAws(call, failure)
                code, text = self.smoke(aws)
                with self.subTest(call=whole.calls[call - 1], failure=repr(failure)):
                    self.assertEqual(aws.left(), {}, text)
                    # A look at ECS for the recording's sake may fail.
                    self.assertTrue(code == 1 or "All 12 steps" in text, text)

    def test_what_cannot_be_removed_is_said_and_keeps_nothing_else(self):
        whole = FakeAws()
        self.smoke(whole)
        first = whole.calls.index("logs:filter_log_events") + 2
        for call in range(first, len(whole.calls) + 1):
            aws = FakeAws(call, refusal("AccessDenied", "not you"))
            code, text = self.smoke(aws)
            name = whole.calls[call - 1]
            with self.subTest(call=name):
                if not aws.left():
                    # The last call of this one was not needed.
                    continue
                self.assertEqual(code, 1, text)
                self.assertIn("LEFT: ", text)
                self.assertIn("not you", text)
                # It can be started again.
                account = Account(aws, Nothing(), Clock())
                name = next(line for line in text.splitlines() if "--remove" in line).split()[-1]
                Removal(account, name, lambda _: None).run()
                self.assertEqual(aws.left(), {})

    def test_a_stack_that_cannot_be_deleted_at_once(self):
        for often, code in ((3, 0), (4, 1)):
            aws = FakeAws()
            aws.stubborn = often
            found, text = self.smoke(aws)
            self.assertEqual(found, code, text)
            self.assertIn("SecurityGroup: has a dependent object", text)
            self.assertEqual("LEFT: the stack" in text, bool(code))

    def test_a_terminal_that_is_gone_stops_no_removal(self):
        with unittest.mock.patch("builtins.print", side_effect=OSError("gone")):
            command.tell("nobody reads this")

    def test_what_is_wrong_is_said_and_the_rest_is_not_tried(self):
        class Wrongly(Quick):
            def runs(self, environment, version):
                if environment == "production":
                    raise Wrong("ECS runs something else")

        aws = FakeAws()
        code, text = self.smoke(aws, trial=Wrongly)
        self.assertEqual(code, 1)
        self.assertIn("WRONG: promote v1.0.0 to production: ECS runs something else", text)
        self.assertIn("not tried: roll production back by hand", text)
        self.assertNotIn("are right", text)
        self.assertEqual(aws.left(), {})

    def test_a_verdict_that_is_wrong(self):
        class Hopeful(FakeAws):
            def deployed(self, environment, version, digest, verdict):
                super().deployed(environment, version, digest, "succeeded")

        code, text = self.smoke(Hopeful())
        self.assertEqual(code, 1)
        said = "the verdict on deployment 3 of staging: succeeded; wanted: rolled back (succeeded)"
        self.assertIn(said, text)

    def test_what_never_happens(self):
        class Slow(FakeAws):
            def deployed(self, *_):
                pass

        code, text = self.smoke(Slow())
        self.assertEqual(code, 1)
        self.assertIn("deployment 1 of staging did not happen within 1200 seconds", text)

    def test_an_older_boto3_is_good_enough(self):
        class Older(FakeAws):
            def list_service_deployments(self, **_):
                raise AttributeError("'ECS' object has no attribute 'list_service_deployments'")

        self.assertEqual(self.smoke(Older())[0], 0)

    def test_plan_makes_nothing(self):
        aws = FakeAws()
        code, text = self.smoke(aws, "--plan")
        self.assertEqual(code, 0)
        self.assertEqual(aws.calls, ["sts:get_caller_identity", "ec2:describe_subnets"])
        for said in ("210987654321", REGION, "subnet-1, subnet-2", "dollars", "removes everything"):
            self.assertIn(said, text)

    def test_without_a_yes_nothing_is_made(self):
        for answer in ("", "no", "yes please"):
            aws = FakeAws()
            code, text = self.smoke(aws, ask=lambda _, answer=answer: answer)
            self.assertEqual((code, text.splitlines()[-1]), (1, "Nothing was made."))
            self.assertEqual(aws.left(), {})

    def test_keep_leaves_it_and_says_how_to_remove_it(self):
        aws = FakeAws()
        code, text = self.smoke(aws, "--keep")
        self.assertEqual(code, 0)
        self.assertIn("dollars a day until you run", text)
        name = next(one for one in aws.stacks if not one.endswith("-app"))
        lines = []
        self.assertEqual(command.main(["--remove", name], aws, say=lines.append), 0)
        self.assertEqual(lines[-1], f"Everything named {name}* is removed.")
        self.assertEqual(aws.left(), {})

    def test_what_cannot_work_is_said_before_anything_is_made(self):
        self.assertIn("name the template", self.refused())
        self.assertIn("there is no file", self.refused("gone.yaml"))
        source = ROOT / "infra/template.yaml"
        self.assertIn("is of no release", self.refused(source))
        self.assertIn("there are no zips", self.refused(source, "--zips", self.folder.name))
        self.assertIn("is not the name of a run", self.refused("--remove", "production"))

    def test_a_region_without_a_default_vpc(self):
        class Bare(FakeAws):
            def describe_subnets(self, **_):
                return {"Subnets": []}

        with self.assertRaisesRegex(SystemExit, "--subnets SUBNET,SUBNET"):
            self.smoke(Bare())

    def test_credentials_that_are_not_valid(self):
        for call, said in ((1, "AWS does not know you"), (2, "AccessDenied")):
            aws = FakeAws(call, refusal("AccessDenied"))
            with self.assertRaisesRegex(SystemExit, said):
                self.smoke(aws)
            self.assertEqual(aws.left(), {})

    def test_the_recording_has_no_account(self):
        self.smoke(FakeAws())
        texts = [file.read_text() for file in Path(self.folder.name).glob("recording-1/*")]
        self.assertGreater(len(texts), 10)
        self.assertNotIn("210987654321", "".join(texts))

    def test_costs_are_cents(self):
        self.assertLess(sum(plan.costs().values()), 0.10)
        self.assertGreater(plan.costs(24 * 60)["tasks on Fargate"], 24 * 2 * 0.01)


if __name__ == "__main__":
    unittest.main()
