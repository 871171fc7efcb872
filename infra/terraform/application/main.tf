# Sends the spec to slipway-configure when it is created or changed, and says so when it is destroyed.
resource "aws_lambda_invocation" "spec" {
  function_name   = var.function
  lifecycle_scope = "CRUD"
  input = jsonencode({
    force     = var.force
    on_delete = var.on_delete
    spec      = var.spec
    why       = var.why
  })

  lifecycle {
    precondition {
      condition     = local.dry_run.accepted
      error_message = "Slipway refuses: ${local.dry_run.because}"
    }
  }
}

output "application" {
  description = "Name of the application."
  value       = jsondecode(aws_lambda_invocation.spec.result).application
}

output "environments" {
  description = "Names of its environments."
  value       = jsondecode(aws_lambda_invocation.spec.result).environments
}
