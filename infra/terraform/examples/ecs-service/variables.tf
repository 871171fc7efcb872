terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83"
    }
  }
}

variable "configure_arn" {
  description = "ARN of slipway-configure: the output configure_arn of the module stack."
  type        = string
}

variable "image" {
  description = "Image of the first revision. Later ones come from Slipway."
  type        = string
}

variable "cluster" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the service."
  type        = string
}

variable "subnets" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "load_balancer_arn" {
  description = "ARN of the Application Load Balancer."
  type        = string
}
