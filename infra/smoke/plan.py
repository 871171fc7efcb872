"""Says before anything is made what will be made, how long it takes, and what it costs."""

# List prices in us-east-1, in dollars. They differ a little from region to region.
FARGATE_HOUR = 0.25 * 0.04048 + 0.5 * 0.004445
ADDRESS_HOUR = 0.005
ALARM_MONTH = 0.10
HOURS_OF_MONTH = 730

MINUTES = 30
SERVICES = 2
# Two migrations that run and one whose release is bad, old and new tasks side by side, and the
# tasks of the bad image. Each counts for a minute at least.
ONE_OFFS = 20
ALARMS = 12
# Requests to Lambda, DynamoDB, SQS, S3 and ECR, and a few megabytes.
REST = 0.01

PLAN = """infra/smoke checks Slipway in the account {account}, region {region}.

It makes, all named {name}* and tagged slipway-smoke={name}:

  a stack {name}
      an ECS cluster, an ECR repository, an execution role, a security group that lets nothing in,
      a log group, an alarm, a bucket for the template, two EventBridge rules and a queue
  a stack {name}-app
      Slipway: thirteen functions with their roles, queues, a table, a topic, eleven alarms
  in the repository
      three small images: {image} with other commands
  in the cluster, made by Slipway
      two Fargate services of one task (0.25 vCPU, 0.5 GB), and their task definitions;
      each task has a public address, in one of the subnets {subnets}

Then it deploys a good image twice, with a migration, promotes it, deploys a bad image, rolls back
by hand, and checks each verdict. That takes about {minutes} minutes, and nobody has to watch.

It costs about {dollars:.2f} dollars by list price, if it is removed after {minutes} minutes:
{items}
At the end it removes everything, after a failure and after Ctrl-C, too. {stays}

Slipway in these stacks may touch only what is named {name}*. It is not connected to anything else.
"""
STAYS = """What stays is the
service-linked role of ECS, if the account has none yet; it costs nothing."""
KEPT = """With --keep it removes
nothing; it then costs about {day:.2f} dollars a day until you run: infra/smoke --remove {name}"""


def costs(minutes=MINUTES):
    """What it costs, item by item."""
    hours = minutes / 60
    return {
        "tasks on Fargate": (SERVICES * hours + ONE_OFFS / 60) * FARGATE_HOUR,
        "public addresses of the tasks": (SERVICES * hours + ONE_OFFS / 60) * ADDRESS_HOUR,
        "alarms": ALARMS * ALARM_MONTH * hours / HOURS_OF_MONTH,
        "all else": REST,
    }


def text(account, region, name, image, subnets, keep=False):
    items = "".join(f"  {dollars:7.4f}  {what}\n" for what, dollars in costs().items())
    day = sum(costs(24 * 60).values())
    return PLAN.format(
        account=account,
        region=region,
        name=name,
        image=image,
        subnets=", ".join(subnets),
        minutes=MINUTES,
        dollars=max(0.01, sum(costs().values())),
        items=items,
        stays=KEPT.format(name=name, day=day) if keep else STAYS,
    )
