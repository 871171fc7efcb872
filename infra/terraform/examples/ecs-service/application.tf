# What Slipway knows of it.
module "application" {
  source = "../../application"

  function = var.configure_arn
  spec = {
    application = "shop"
    images      = { api = aws_ecr_repository.api.name }
    environments = {
      staging = {
        cluster   = data.aws_ecs_cluster.shop.cluster_name
        deploy_on = { tags = ["main-*"] }
        services  = [aws_ecs_service.api.name]
        timeout   = "10m"
        bake      = "5m"
      }
    }
  }

  # The dry run looks for the service, so it waits until Terraform has made or changed it.
  depends_on = [aws_ecs_service.api]
}
