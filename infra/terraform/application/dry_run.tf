# A plan asks slipway-configure what it would do. It stores nothing, and its error stops the plan.
data "aws_lambda_invocation" "dry_run" {
  function_name = var.function
  input = jsonencode({
    dry_run = true
    force   = var.force
    spec    = var.spec
  })
}

locals {
  answer = jsondecode(data.aws_lambda_invocation.dry_run.result)
  dry_run = {
    accepted = local.answer.accepted
    because  = try(local.answer.because, "")
    changed  = try(local.answer.changed, false)
    changes  = try(local.answer.changes, [])
    warnings = try(local.answer.warnings, [])
  }
}

# What follows is said in the plan, as warnings, and stops nothing.
check "changes" {
  assert {
    condition     = !local.dry_run.changed
    error_message = "Slipway has stored another spec. Dry run:\n- ${join("\n- ", local.dry_run.changes)}"
  }
}

check "warnings" {
  assert {
    condition     = length(local.dry_run.warnings) == 0
    error_message = "Slipway warns:\n- ${join("\n- ", local.dry_run.warnings)}"
  }
}

output "dry_run" {
  description = "What slipway-configure answered to the plan: accepted, because, changed, changes, warnings."
  value       = local.dry_run
}
