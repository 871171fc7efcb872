//! Systems that grow by their spec alone.

use crate::System;

/// The settings are those of the API, which come first in the document.
const WORKER: &str = "
      - name: omen-epr-audit-worker
        create:
          desired_count: 1
          subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]
          security_groups: [sg-0a1b2c3d4e5f60003]
        base:
          parameters: *parameters
          template:
            family: omen-epr-worker
            requiresCompatibilities: [FARGATE]
            networkMode: awsvpc
            cpu: \"256\"
            memory: \"512\"
            executionRoleArn: arn:aws:iam::123456789012:role/ecsTaskExecutionRole
            taskRoleArn: arn:aws:iam::123456789012:role/omenEprTaskRole
            containerDefinitions:";

/// Of Faceplate's second environment, which is `prod`.
const SERVICES: &str = "    services:
      - name: faceplate
        timeout: 5m
        container: {image: app, ports: [\"8000:8000\"], env_file: /etc/faceplate.env}
    checks:
      - {url: \"https://shifter";
/// What Faceplate gets beside its first container.
pub const EMBEDDER: &str =
    "      - {name: embedder, container: {image: embedder, ports: [\"9000:9000\"]}}\n";

impl System {
    /// Its spec when it has grown: Omen EPR's worker has a service of its own, and Faceplate a second
    /// container in production. The others stay as they are.
    pub fn grown(&self) -> Option<String> {
        match self.spec.application.as_str() {
            "omen-epr" => Some(apart(around_the_worker(&self.text)?)),
            "faceplate" => Some(with_embedder(&self.text)),
            _ => None,
        }
    }
}

/// Omen EPR's spec in three parts: what comes before the worker's container, that container, and the
/// rest.
pub fn around_the_worker(text: &str) -> Option<[&str; 3]> {
    let (before, _) = text.split_once("              - name: audit-worker")?;
    let (upto, _) = text.split_once("    checks:")?;
    Some([before, text.get(before.len()..upto.len())?, text.get(upto.len()..)?])
}

fn apart([before, worker, after]: [&str; 3]) -> String {
    let before = before.replace("parameters:\n", "parameters: &parameters\n");
    let worker = worker.replace("essential: false", "essential: true");
    format!("{}{WORKER}\n{worker}{after}", before.trim_end())
}

/// Two containers on one host, of two images.
fn with_embedder(text: &str) -> String {
    let images = "  app: shifter/faceplate\n";
    let more = SERVICES.replace("    checks:", &format!("{EMBEDDER}    checks:"));
    let dev = "deploy_on: {tags: [\"dev-*\"]}";
    text.replace(images, &format!("{images}  embedder: shifter/embedder\n"))
        .replace(dev, "deploy_on: {tags: [\"dev-*\"], images: [app]}")
        .replace(SERVICES, &more)
}
