mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        Version = "1.2.3", ConfigureArn = "arn:aws:lambda:eu-central-1:123456789012:function:slipway-configure"
      }
    }
  }
}

variables {
  template_url     = "https://templates.s3.eu-central-1.amazonaws.com/slipway/v1.2.3/template.yaml"
  task_role_arns   = ["arn:aws:iam::123456789012:role/scr-*", "arn:aws:iam::123456789012:role/execution"]
  cluster_scope    = "scr-*"
  repository_scope = "scr-*"
}

run "defaults_are_the_templates" {
  command = plan

  assert {
    condition     = aws_cloudformation_stack.slipway.name == "slipway" && tolist(aws_cloudformation_stack.slipway.capabilities) == tolist(["CAPABILITY_IAM"])
    error_message = "another stack"
  }

  assert {
    condition     = aws_cloudformation_stack.slipway.parameters["TaskRoleArns"] == "arn:aws:iam::123456789012:role/scr-*,arn:aws:iam::123456789012:role/execution"
    error_message = "roles: ${aws_cloudformation_stack.slipway.parameters["TaskRoleArns"]}"
  }

  # Booleans and numbers become the texts that the template wants.
  assert {
    condition     = [for name in ["DeletesServices", "Dashboard", "LogRetentionDays", "ReservedConcurrency"] : aws_cloudformation_stack.slipway.parameters[name]] == ["false", "true", "30", "0"]
    error_message = jsonencode(aws_cloudformation_stack.slipway.parameters)
  }
}

run "rules_are_the_templates" {
  command = plan

  variables {
    name                 = "a-name-of-more-than-fifty-characters-is-one-too-long"
    architecture         = "arm"
    artifact_bucket      = "s3://bucket"
    task_role_arns       = ["scr-task"]
    cluster_scope        = "scr-*,shop-*"
    notification_email   = "a@b, c@d"
    log_retention_days   = 2
    reserved_concurrency = 4
    template_url         = "template.yaml"
  }

  expect_failures = [
    var.name,
    var.architecture,
    var.artifact_bucket,
    var.task_role_arns,
    var.cluster_scope,
    var.notification_email,
    var.log_retention_days,
    var.reserved_concurrency,
    var.template_url,
  ]
}

run "a_role_is_needed" {
  command = plan

  variables {
    task_role_arns = []
  }

  expect_failures = [var.task_role_arns]
}
