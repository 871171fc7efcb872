# Written from infra/template.yaml by infra/terraform/generate.py; do not edit it by hand.

output "version" {
  description = "The stack's output Version."
  value       = aws_cloudformation_stack.slipway.outputs["Version"]
}

output "table_name" {
  description = "The stack's output TableName."
  value       = aws_cloudformation_stack.slipway.outputs["TableName"]
}

output "topic_arn" {
  description = "The stack's output TopicArn."
  value       = aws_cloudformation_stack.slipway.outputs["TopicArn"]
}

output "event_dead_letters_url" {
  description = "The stack's output EventDeadLettersUrl."
  value       = aws_cloudformation_stack.slipway.outputs["EventDeadLettersUrl"]
}

output "image_pushed_arn" {
  description = "The stack's output ImagePushedArn."
  value       = aws_cloudformation_stack.slipway.outputs["ImagePushedArn"]
}

output "migrate_arn" {
  description = "The stack's output MigrateArn."
  value       = aws_cloudformation_stack.slipway.outputs["MigrateArn"]
}

output "rollout_arn" {
  description = "The stack's output RolloutArn."
  value       = aws_cloudformation_stack.slipway.outputs["RolloutArn"]
}

output "ecs_changed_arn" {
  description = "The stack's output EcsChangedArn."
  value       = aws_cloudformation_stack.slipway.outputs["EcsChangedArn"]
}

output "alarm_changed_arn" {
  description = "The stack's output AlarmChangedArn."
  value       = aws_cloudformation_stack.slipway.outputs["AlarmChangedArn"]
}

output "verify_arn" {
  description = "The stack's output VerifyArn."
  value       = aws_cloudformation_stack.slipway.outputs["VerifyArn"]
}

output "rollback_arn" {
  description = "The stack's output RollbackArn."
  value       = aws_cloudformation_stack.slipway.outputs["RollbackArn"]
}

output "deploy_arn" {
  description = "The stack's output DeployArn."
  value       = aws_cloudformation_stack.slipway.outputs["DeployArn"]
}

output "control_arn" {
  description = "The stack's output ControlArn."
  value       = aws_cloudformation_stack.slipway.outputs["ControlArn"]
}

output "status_arn" {
  description = "The stack's output StatusArn."
  value       = aws_cloudformation_stack.slipway.outputs["StatusArn"]
}

output "configure_arn" {
  description = "The stack's output ConfigureArn."
  value       = aws_cloudformation_stack.slipway.outputs["ConfigureArn"]
}

output "wake_arn" {
  description = "The stack's output WakeArn."
  value       = aws_cloudformation_stack.slipway.outputs["WakeArn"]
}

output "notify_arn" {
  description = "The stack's output NotifyArn."
  value       = aws_cloudformation_stack.slipway.outputs["NotifyArn"]
}

output "rollout_queue_url" {
  description = "The stack's output RolloutQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["RolloutQueueUrl"]
}

output "migrate_queue_url" {
  description = "The stack's output MigrateQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["MigrateQueueUrl"]
}

output "verify_queue_url" {
  description = "The stack's output VerifyQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["VerifyQueueUrl"]
}

output "rollback_queue_url" {
  description = "The stack's output RollbackQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["RollbackQueueUrl"]
}

output "wake_queue_url" {
  description = "The stack's output WakeQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["WakeQueueUrl"]
}

output "notify_queue_url" {
  description = "The stack's output NotifyQueueUrl."
  value       = aws_cloudformation_stack.slipway.outputs["NotifyQueueUrl"]
}
