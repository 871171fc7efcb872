# Written from infra/template.yaml by infra/terraform/generate.py; do not edit it by hand.

variable "artifact_bucket" {
  description = "Leave it empty to download this release from GitHub and check it. For a network without GitHub, the name of an S3 bucket of yours, in the region of this stack, that holds the functions' zips."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])?)$", var.artifact_bucket))
    error_message = "The name of an S3 bucket, without s3:// and without a folder, or nothing."
  }
}

variable "artifact_prefix" {
  description = "Folder of <function>.zip in ArtifactBucket; not used without one. Use a new one for each release: CloudFormation does not notice that a zip has changed under its old name."
  type        = string
  nullable    = false
  default     = "slipway"

  validation {
    condition     = can(regex("^(?:[^/].*[^/])$", var.artifact_prefix))
    error_message = "Must neither begin nor end with a slash."
  }
}

variable "architecture" {
  description = "Processor that the functions run on. arm64 costs a fifth less."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Must be one of arm64, x86_64."
  }
}

variable "task_role_arns" {
  description = "ARNs of the task roles and execution roles that Slipway may pass to ECS, separated by commas, at most 2,500 characters. Wildcards are allowed: arn:aws:iam::123456789012:role/scr-*"
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.task_role_arns) > 0 && alltrue([for one in var.task_role_arns : can(regex("^(?:arn:[-a-z]+:iam::[0-9]{12}:role/.+)$", one))])
    error_message = "ARNs of roles, separated by commas without spaces; for example arn:aws:iam::123456789012:role/scr-*"
  }
}

variable "cluster_scope" {
  description = "ECS clusters that Slipway may deploy to. One name, wildcards allowed, for example scr-*; every cluster is *"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(?:[-a-zA-Z0-9_*?]+)$", var.cluster_scope))
    error_message = "One cluster name, wildcards allowed, no list; for example scr-*"
  }
}

variable "service_scope" {
  description = "ECS services in those clusters that Slipway may describe, create, update and roll back. One name, wildcards allowed, for example scr-*"
  type        = string
  nullable    = false
  default     = "*"

  validation {
    condition     = can(regex("^(?:[-a-zA-Z0-9_*?]+)$", var.service_scope))
    error_message = "One service name, wildcards allowed, no list; for example scr-*"
  }
}

variable "task_definition_scope" {
  description = "Task definition families that Slipway may register and run. One name, wildcards allowed, for example scr-*"
  type        = string
  nullable    = false
  default     = "*"

  validation {
    condition     = can(regex("^(?:[-a-zA-Z0-9_*?]+)$", var.task_definition_scope))
    error_message = "One family name, wildcards allowed, no list; for example scr-*"
  }
}

variable "repository_scope" {
  description = "ECR repositories whose images Slipway may read and tag. One name, wildcards allowed, for example scr-*; every repository is *"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(?:[-a-z0-9_./*?]+)$", var.repository_scope))
    error_message = "One repository name, wildcards allowed, no list; for example scr-*"
  }
}

variable "hosts_tagged" {
  description = "Lets Slipway deploy to EC2 hosts through Run Command, only to those whose tag slipway has this value, for example production. Empty for no hosts."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:[-a-zA-Z0-9_.:/=+@ ]{0,256})$", var.hosts_tagged))
    error_message = "The value of a tag, without wildcards, or nothing."
  }
}

variable "deletes_services" {
  description = "Whether Slipway may delete ECS services. It deletes only services that it created and whose first deployment fails, where the spec says first_deploy remove; while this is false, such a spec is rejected."
  type        = bool
  nullable    = false
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary for the functions' roles, where the account requires one, for example arn:aws:iam::123456789012:policy/boundary. Empty for none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:(arn:[-a-z]+:iam::[0-9a-z]+:policy/.+)?)$", var.permissions_boundary_arn))
    error_message = "The ARN of a policy, or nothing."
  }
}

variable "notification_email" {
  description = "E-mail address that receives notifications, once it has confirmed the subscription, for example team@example.com. Empty for none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:([^@ ,;]+@[^@ ,;]+)?)$", var.notification_email))
    error_message = "One e-mail address, for example team@example.com, or nothing."
  }
}

variable "slack_secret_arn" {
  description = "ARN of the Secrets Manager secret with a Slack bot token or webhook URL, under the account's default key. Empty for no Slack."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:(arn:[-a-z]+:secretsmanager:[-a-z0-9]+:[0-9]{12}:secret:.+)?)$", var.slack_secret_arn))
    error_message = "The ARN of a secret, not the token itself, or nothing; for example arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf"
  }
}

variable "slack_channel" {
  description = "Slack channel id for a bot token, for example C0123456789. A webhook has its own."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:([A-Z][A-Z0-9]{5,})?)$", var.slack_channel))
    error_message = "The id of a channel, not its name, or nothing; for example C0123456789"
  }
}

variable "task_log_groups" {
  description = "Log groups of your tasks, such as /ecs/*, from which a failure notice quotes the last lines of the container that failed. Every recipient of the notices can read those lines. Empty for none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:[-a-zA-Z0-9_/.#*?]*)$", var.task_log_groups))
    error_message = "One name of a log group, wildcards allowed, or nothing; for example /ecs/*"
  }
}

variable "topic_key_arn" {
  description = "KMS key of your own that encrypts the notification topic. Its policy has to allow cloudwatch.amazonaws.com to use kms:Decrypt and kms:GenerateDataKey*, or alarms are lost. Empty for none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:(arn:[-a-z]+:kms:.+:key/[-a-z0-9]+)?)$", var.topic_key_arn))
    error_message = "The ARN of a KMS key, not of an alias, or nothing."
  }
}

variable "alarm_level" {
  description = "Alarms on Slipway itself. none, essential (eleven alarms), or full (one more for each function's errors)."
  type        = string
  nullable    = false
  default     = "essential"

  validation {
    condition     = contains(["none", "essential", "full"], var.alarm_level)
    error_message = "Must be one of none, essential, full."
  }
}

variable "dashboard" {
  description = "Whether to make a CloudWatch dashboard."
  type        = bool
  nullable    = false
  default     = true
}

variable "log_retention_days" {
  description = "How many days logs are kept."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "existing_table" {
  description = "Table of an earlier stack, or one that was restored from a backup: Slipway continues with its history and numbers. Empty to make a table."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^(?:([a-zA-Z0-9_.-]{3,255})?)$", var.existing_table))
    error_message = "The name of a DynamoDB table, or nothing."
  }
}

variable "deletion_protection" {
  description = "Whether the table that this stack makes is protected from deletion. Switch it on once Slipway is installed."
  type        = bool
  nullable    = false
  default     = false
}

variable "reserved_concurrency" {
  description = "Concurrent executions reserved for each of rollback and wake, so that both run while the account is at its limit. They are taken from the account's own, of which 100 must stay unreserved. 0 for none."
  type        = number
  nullable    = false
  default     = 0

  validation {
    condition     = can(regex("^(?:0|[5-9]|[1-9][0-9]{1,2})$", tostring(var.reserved_concurrency)))
    error_message = "0 for none, or 5 to 999."
  }
}

variable "event_concurrency" {
  description = "Maximum of concurrent executions of each of image-pushed, ecs-changed and alarm-changed, so that a burst of events takes nothing from the account's other functions. The same number is reserved for each. 0 for no limit."
  type        = number
  nullable    = false
  default     = 0

  validation {
    condition     = can(regex("^(?:0|[2-9]|[1-9][0-9]{1,2})$", tostring(var.event_concurrency)))
    error_message = "0 for no limit, or 2 to 999."
  }
}

locals {
  parameters = {
    ArtifactBucket         = var.artifact_bucket
    ArtifactPrefix         = var.artifact_prefix
    Architecture           = var.architecture
    TaskRoleArns           = join(",", var.task_role_arns)
    ClusterScope           = var.cluster_scope
    ServiceScope           = var.service_scope
    TaskDefinitionScope    = var.task_definition_scope
    RepositoryScope        = var.repository_scope
    HostsTagged            = var.hosts_tagged
    DeletesServices        = var.deletes_services
    PermissionsBoundaryArn = var.permissions_boundary_arn
    NotificationEmail      = var.notification_email
    SlackSecretArn         = var.slack_secret_arn
    SlackChannel           = var.slack_channel
    TaskLogGroups          = var.task_log_groups
    TopicKeyArn            = var.topic_key_arn
    AlarmLevel             = var.alarm_level
    Dashboard              = var.dashboard
    LogRetentionDays       = var.log_retention_days
    ExistingTable          = var.existing_table
    DeletionProtection     = var.deletion_protection
    ReservedConcurrency    = var.reserved_concurrency
    EventConcurrency       = var.event_concurrency
  }
}
