mock_provider "aws" {
  mock_data "aws_lambda_invocation" {
    defaults = {
      result = "{\"accepted\": true, \"dry_run\": \"nothing was stored\", \"application\": \"shop\", \"environments\": [\"staging\"], \"changed\": false}"
    }
  }
  mock_resource "aws_lambda_invocation" {
    defaults = {
      result = "{\"accepted\": true, \"application\": \"shop\", \"environments\": [\"staging\"], \"changed\": true}"
    }
  }
}

variables {
  function = "slipway-configure"
  spec     = "application: shop"
}

run "a_text_is_sent_as_it_is" {
  assert {
    condition     = jsondecode(aws_lambda_invocation.spec.input) == { force = false, on_delete = "keep", spec = "application: shop", why = "" }
    error_message = aws_lambda_invocation.spec.input
  }

  assert {
    condition     = aws_lambda_invocation.spec.lifecycle_scope == "CRUD"
    error_message = "updates and deletions are not sent"
  }

  assert {
    condition     = jsondecode(data.aws_lambda_invocation.dry_run.input) == { dry_run = true, force = false, spec = "application: shop" }
    error_message = data.aws_lambda_invocation.dry_run.input
  }

  assert {
    condition     = output.application == "shop" && output.environments == ["staging"] && !output.dry_run.changed
    error_message = "the answer is not in the outputs"
  }
}

run "an_object_is_sent_as_json" {
  command = plan

  variables {
    spec      = { application = "shop", environments = { staging = { services = ["api"], bake = null } } }
    on_delete = "remove"
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.spec.input).spec.environments.staging.services == ["api"]
    error_message = aws_lambda_invocation.spec.input
  }
}

run "changes_and_warnings_are_said_and_stop_nothing" {
  command = plan

  override_data {
    target = data.aws_lambda_invocation.dry_run
    values = {
      result = "{\"accepted\": true, \"changed\": true, \"changes\": [\"shop is new\"], \"warnings\": [\"there is no alarm high-5xx\"]}"
    }
  }

  assert {
    condition     = output.dry_run.changes == ["shop is new"] && output.dry_run.warnings == ["there is no alarm high-5xx"]
    error_message = "the answer is not in the output"
  }

  expect_failures = [check.changes, check.warnings]
}

run "a_refusal_stops_the_plan" {
  command = plan

  override_data {
    target = data.aws_lambda_invocation.dry_run
    values = {
      result = "{\"accepted\": false, \"because\": \"this is the Lambda console's sample event\"}"
    }
  }

  expect_failures = [aws_lambda_invocation.spec]
}

run "on_delete_has_two_values" {
  command = plan

  variables {
    on_delete = "delete"
  }

  expect_failures = [var.on_delete]
}
