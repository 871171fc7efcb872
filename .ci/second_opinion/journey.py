"""With the real functions: SCR is released twice, and the second time its alarm puts it back.

MiniStack tells nobody what happens in ECR, ECS and CloudWatch, and its tasks run no container. What
AWS would tell is told here in its place: the sample events, about what stands in MiniStack. That
nothing told it before is checked where it is told first, so that whoever brings a MiniStack that
does more is asked to shorten this journey.
"""

import json
import time

from cloud import check, limit, until
from scr import ALARM, REGISTRY, Scr
from stack import sample


def run(stack):
    journey = Journey(stack)
    try:
        journey.configure()
        journey.good_release()
        journey.bad_release()
        journey.afterwards()
    except SystemExit:
        print(json.dumps(journey.environment(), indent=1))
        raise


class Journey:
    def __init__(self, stack):
        self.stack = stack
        self.scr = Scr(stack.cloud)
        self.scr.create()
        self.headlines = stack.subscribe()

    def configure(self):
        error, answer = self.stack.invoke("configure", self.scr.spec)
        check(
            "configure finds all that the spec speaks of",
            (error, answer.get("accepted")),
            (None, True),
        )

    def good_release(self):
        self.release(1, "3f2a9c1d7b60")
        check("the first release", self.verdict(1), "succeeded")
        check("its site was asked how it is", self.scr.web.asked, 1)

    def bad_release(self):
        good = {service: self.scr.images(service) for service in self.scr.services}
        self.release(2, "9b1c44e02d77")
        self.becomes("baking")
        self.scr.set_alarm(ALARM, "ALARM")
        self.silent("alarm-changed", "MiniStack tells nobody that an alarm went off")
        self.stack.tell(sample("alarm-metric"))
        for service in reversed(self.scr.services):
            self.rolled_out(service, good[service])
        # The last look comes when no worker can be under way any more and its update would be seen:
        # two and a half minutes later.
        self.becomes("verifying rollback")
        self.stack.update()
        check("the second release", self.verdict(2), f"rolled back: alarm {ALARM}: a test")
        found = {service: self.scr.images(service) for service in self.scr.services}
        check("every service runs the first again", found, good)

    def afterwards(self):
        """What no journey may leave behind."""
        told = until(
            "word of the end", lambda: "rolled back" in str(found := self.headlines()) and found
        )
        for headline in told:
            print(f"    {headline}")
        # The logs speak of all that was done, so that their silence on a refusal means something.
        quiet = {name for name in self.stack.functions if not self.stack.log(name)}
        check("all but these had a part in it: control, deploy", quiet, {"control", "deploy"})
        check("nobody was refused anything", self.stack.refusals(), [])
        check("no message was given up", self.stack.given_up(), [])

    def release(self, number, tag):
        """From the push until ECS has brought every service forward."""
        digests = self.scr.push(tag)
        if number == 1:
            self.silent("image-pushed", "MiniStack tells nobody of a push")
        for repository, digest in digests.items():
            event = sample("ecr-push-tagged")
            event["detail"] |= {
                "repository-name": repository,
                "image-digest": digest,
                "image-tag": tag,
            }
            self.stack.tell(event)

        self.becomes("migrating")
        task = until("the migration's task", lambda: self.scr.migration_of(number))
        check("the migration runs as a task of ECS", task["lastStatus"], "RUNNING")
        if number == 1:
            self.silent("ecs-changed", "MiniStack starts no container: the migration runs for ever")
        # ECS is asked before the event counts, so that the task has to have ended there.
        self.scr.ends(task)
        event = sample("ecs-task-one-off-exit-0")
        same = ("taskArn", "clusterArn", "startedBy", "taskDefinitionArn")
        event["detail"] |= {name: task[name] for name in same}
        self.stack.tell(event)

        for service in self.scr.services:
            self.rolled_out(service, [f"{REGISTRY}/{service}@{digests[service]}"])

    def rolled_out(self, service, images):
        """Waits for MiniStack's rollout, which is over at once, and tells that it is."""

        def over():
            rollouts = self.scr.service(service)["deployments"]
            done = len(rollouts) == 1 and rollouts[0]["rolloutState"] == "COMPLETED"
            return done and self.scr.images(service) == images and rollouts[0]["id"]

        rollout = until(f"{service} with {images}", over)
        event = sample("ecs-deployment-completed")
        event["resources"] = [self.scr.service(service)["serviceArn"]]
        event["detail"] |= {"deploymentId": rollout}
        self.stack.tell(event)
        print(f"ok: {service} was brought to {images[0].rpartition('/')[2][:40]}...")

    def environment(self):
        asked = {"application": "scr", "environment": "staging"}
        error, answer = self.stack.invoke("status", asked)
        if error:
            raise SystemExit(f"FAILED: status: {answer}")
        return answer["details"][0]

    def becomes(self, state):
        def there():
            return self.environment().get("under_way", {}).get("state") == state

        until(state, there, every=0.5)
        print(f"ok: it is {state}")

    def verdict(self, number):
        def ended():
            for line in self.environment().get("ended", []):
                which, _, verdict = line.partition(": ")
                if which.startswith(f"{number} of "):
                    return verdict
            return None

        return until(f"the end of deployment {number}", ended, seconds=240, every=0.5)

    def silent(self, function, what):
        """Gives an event that would come by itself the time to arrive."""
        time.sleep(1)
        limit(what, self.stack.log(function))
