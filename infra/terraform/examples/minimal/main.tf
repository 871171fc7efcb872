# Slipway, and one application whose services exist already.
#
# template.yaml is the one of a release. CloudFormation takes a template of this length only from S3.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83"
    }
  }
}

variable "bucket" {
  description = "Name of an S3 bucket for the template."
  type        = string
}

variable "template" {
  description = "Path of template.yaml of a release of Slipway."
  type        = string
  default     = "template.yaml"
}

variable "task_role_arns" {
  description = "ARNs of the task roles and execution roles of your services."
  type        = list(string)
}

data "aws_s3_bucket" "templates" {
  bucket = var.bucket
}

resource "aws_s3_object" "template" {
  bucket = data.aws_s3_bucket.templates.id
  # Another template has another address, so that Terraform sees the difference.
  key    = "slipway/${filesha256(var.template)}/template.yaml"
  source = var.template

  # The stack goes on with the old address until it is updated.
  lifecycle {
    create_before_destroy = true
  }
}

module "slipway" {
  source = "../../stack"

  template_url       = "https://${data.aws_s3_bucket.templates.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  task_role_arns     = var.task_role_arns
  cluster_scope      = "shop-*"
  repository_scope   = "shop-*"
  notification_email = "team@example.com"
}

module "shop" {
  source = "../../application"

  function = module.slipway.configure_arn
  spec     = file("${path.module}/shop.yaml")
}

output "version" {
  description = "Version of Slipway."
  value       = module.slipway.version
}
