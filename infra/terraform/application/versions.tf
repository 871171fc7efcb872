terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # lifecycle_scope came with 5.1; until 5.82 an update kept the old result.
      version = ">= 5.83"
    }
  }
}
