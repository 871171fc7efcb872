# A task that runs every night, with the image of the service.

resource "aws_iam_role" "nightly" {
  name = "shop-nightly"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "nightly" {
  name = "run-task"
  role = aws_iam_role.nightly.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = [local.newest, "${local.newest}:*"]
        Condition = { ArnEquals = { "ecs:cluster" = data.aws_ecs_cluster.shop.arn } }
      },
      {
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.execution.arn
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "shop-nightly"
  schedule_expression = "cron(17 3 * * ? *)"
}

locals {
  # The family without a revision: whatever was registered last, by Slipway or here.
  newest = replace(aws_ecs_task_definition.api.arn, "/:[0-9]+$/", "")
}

# Slipway does not change the targets of rules. With the ARN of a revision, the task would run the first
# image forever; with the family's, there is nothing to ignore.
resource "aws_cloudwatch_event_target" "nightly" {
  rule     = aws_cloudwatch_event_rule.nightly.name
  arn      = data.aws_ecs_cluster.shop.arn
  role_arn = aws_iam_role.nightly.arn
  input    = jsonencode({ containerOverrides = [{ name = "api", command = ["nightly"] }] })

  ecs_target {
    task_definition_arn = local.newest
    task_count          = 1
    launch_type         = "FARGATE"

    network_configuration {
      subnets = var.subnets
    }
  }
}
