//! What a deployment to hosts would do, without asking them: they report what they run when it is
//! prepared.

use super::Tags;
use super::prepare::{Outside, look_from_outside};
use super::revision::Run;
use aws::clients::Aws;
use aws::failure::Failure;
use aws::preview::{Outlook, Preview};
use pipeline::effect::Prepare;

pub async fn preview(aws: &Aws, tags: &Tags, prepare: &Prepare) -> Result<Preview, Failure> {
    let Outside { found, after, faults, .. } = look_from_outside(aws, tags, prepare).await?;
    let hosts: Vec<&str> = found.iter().map(|host| host.id.as_str()).collect();
    let services = after.into_iter().map(|(service, run)| {
        let lines = told(&run, &hosts.join(", "));
        Outlook { service, lines }
    });
    let services = services.collect();
    Ok(Preview { faults, services, ..Preview::default() })
}

fn told(run: &Run, hosts: &str) -> Vec<String> {
    let hosts = if hosts.is_empty() { "no host" } else { hosts };
    let mut lines = vec![format!("on {hosts}"), format!("image: {}", run.image)];
    lines.extend((!run.ports.is_empty()).then(|| format!("ports: {}", run.ports.join(", "))));
    lines.extend(run.env_file.iter().map(|file| format!("env_file: {file}")));
    lines
}
