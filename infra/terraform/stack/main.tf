# The stack of infra/template.yaml. CloudFormation creates what is in it; Terraform sees only the stack.

variable "name" {
  description = "Name of the stack. The functions are named after it: NAME-configure."
  type        = string
  nullable    = false
  default     = "slipway"

  validation {
    condition     = can(regex("^[a-zA-Z][-a-zA-Z0-9]{0,49}$", var.name))
    error_message = "Must begin with a letter, have only letters, digits and hyphens, and at most 50 characters."
  }
}

variable "template_url" {
  description = "Address of template.yaml in S3. It must change with each release: Terraform does not notice that the file under the same address has changed."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://.+", var.template_url))
    error_message = "Must be the https address of an object in S3, for example https://BUCKET.s3.eu-central-1.amazonaws.com/slipway/v1.2.3/template.yaml"
  }
}

variable "iam_role_arn" {
  description = "ARN of the role with which CloudFormation creates the stack. Empty for the permissions of whoever runs Terraform."
  type        = string
  nullable    = false
  default     = ""
}

variable "timeout_in_minutes" {
  description = "After how many minutes CloudFormation gives up the creation of the stack."
  type        = number
  nullable    = false
  default     = 30
}

variable "tags" {
  description = "Tags of the stack. CloudFormation puts them on its resources, too."
  type        = map(string)
  nullable    = false
  default     = {}
}

resource "aws_cloudformation_stack" "slipway" {
  name               = var.name
  template_url       = var.template_url
  parameters         = local.parameters
  capabilities       = ["CAPABILITY_IAM"]
  iam_role_arn       = var.iam_role_arn == "" ? null : var.iam_role_arn
  timeout_in_minutes = var.timeout_in_minutes
  tags               = var.tags
}

output "stack_id" {
  description = "ARN of the stack."
  value       = aws_cloudformation_stack.slipway.id
}
