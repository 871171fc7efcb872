//! The script that Slipway runs on hosts, alone: with bash, in a folder, with stand-ins for docker.
//!
//! Each story is what the script said and with which code it ended, and which containers there are then.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod ends;
mod images;
mod installations;
mod interrupted;
mod one_off;
mod reports;
mod switching;
mod trouble;

use sandbox::ssm::{Host, Ran};
use std::fmt::Write;

const SCRIPT: &str = include_str!("../../../../shared/hosts/src/host.sh");
const REGISTRY: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

/// The installation that sends the commands; others have other letters.
pub(crate) const INSTALLATION: &str = "708c7cd5";

/// The digest of the `n`-th release.
pub(crate) fn digest(n: u8) -> String {
    format!("sha256:{}", format!("{n:02x}").repeat(32))
}

pub(crate) fn image(n: u8) -> String {
    format!("{REGISTRY}/shifter/faceplate@{}", digest(n))
}

/// A host with an environment file, as its Terraform made it.
pub(crate) fn host() -> Host {
    let host = Host::new("i-0a1", &[]).unwrap();
    host.write("/etc/faceplate.env", "DATABASE_URL=postgresql://\n").unwrap();
    host
}

/// A host with a container that was started by hand, long before Slipway.
pub(crate) fn host_with_old_container() -> Host {
    let host = host();
    host.have_image("faceplate:old").unwrap();
    let run = ["run", "--detach", "--name", "faceplate", "--restart", "always"];
    host.docker(&[&run[..], &["--publish", "8000:8000", "faceplate:old"]].concat()).unwrap();
    host
}

/// A command, by its variables.
#[derive(Clone)]
pub(crate) struct Order {
    variables: Vec<(&'static str, String)>,
}

impl Order {
    /// Deployment `number` deploys release `release`.
    pub(crate) fn rollout(number: u64, release: u8) -> Self {
        let text = |text: &str| format!("'{text}'");
        Self {
            variables: vec![
                ("DO", text("rollout")),
                ("PLACE", text("faceplate/prod")),
                ("NUMBER", number.to_string()),
                ("STEP", "1".into()),
                ("INSTALLATION", text(INSTALLATION)),
                ("MARK", text(&format!("slipway/{INSTALLATION}/faceplate/prod/{number}"))),
                ("OLD_MARK", text("")),
                ("LATE_MINUTES", "65".into()),
                ("SERVICE", text("faceplate")),
                ("REVISION", text(&format!("hosts/faceplate:{release}"))),
                ("BEFORE", "()".into()),
                ("FRESH", text("")),
                ("IMAGE", text(&image(release))),
                ("REGISTRY", text(REGISTRY)),
                ("REGION", text("eu-central-1")),
                ("PORTS", "('8000:8000')".into()),
                ("ENV_FILE", text("/etc/faceplate.env")),
                ("LOCK_SECONDS", "1".into()),
            ],
        }
    }

    /// Deployment `number` rolls back to `release`, or to what was found there.
    pub(crate) fn back(number: u64, release: Option<u8>) -> Self {
        let order = Self::rollout(number, release.unwrap_or_default());
        let order = order.with("DO", "'back'").with("STEP", "2");
        if release.is_some() { order } else { order.with("REVISION", "''").with("IMAGE", "''") }
    }

    pub(crate) fn look() -> Self {
        let order = Self::rollout(1, 1).with("DO", "'look'").with("SERVICES", "('faceplate')");
        order.with("CHECK", "'yes'").with("FILES", "('/etc/faceplate.env')")
    }

    pub(crate) fn one_off(claim: &str, command: &str) -> Self {
        let order =
            Self::rollout(2, 2).with("DO", "'one-off'").with("CLAIM", &format!("'{claim}'"));
        order.with("ON_HOST", "'yes'").with("TIMEOUT", "60").with("COMMAND", command)
    }

    /// Deployment `number` takes away what it started.
    pub(crate) fn remove(number: u64) -> Self {
        Self::back(number, None).with("DO", "'remove'")
    }

    /// The same from another installation, which has a table of its own.
    pub(crate) fn from(self, installation: &str) -> Self {
        let mine = self.variables.iter().find(|(name, _)| *name == "MARK").unwrap().1.clone();
        let mark = mine.replace(INSTALLATION, installation);
        self.with("INSTALLATION", installation).with("MARK", &mark)
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::from("#!/bin/bash\n");
        for (name, value) in &self.variables {
            writeln!(text, "SLIPWAY_{name}={value}").unwrap();
        }
        text + SCRIPT
    }

    pub(crate) fn send(&self, host: &Host) -> Ran {
        host.run(&self.text()).unwrap()
    }
}

/// What came of it, and what there is then.
pub(crate) fn tell(host: &Host, ran: &Ran) -> String {
    let mut story = match ran.code {
        Some(code) => format!("ended with {code}\n"),
        None => "was killed\n".to_owned(),
    };
    for line in ran.stdout.lines().chain(ran.stderr.lines()) {
        writeln!(story, "  {}", shortened(line)).unwrap();
    }
    for container in host.containers() {
        let image = container.image.rsplit('/').next().unwrap_or_default();
        let (name, status) = (&container.name, &container.status);
        let id = &container.id[..6];
        writeln!(story, "{name} {} {status} {id} {}", shortened(image), container.ports.join(" "))
            .unwrap();
    }
    story
}

/// Long names of docker, cut to what distinguishes them.
fn shortened(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        text.push_str(before);
        text.push_str(if word.len() == 64 { &word[..6] } else { word });
        rest = after;
    }
    text + rest
}

/// Where a folder of this machine stands in a story, the host's own.
pub(crate) fn of_host(host: &Host, story: &str) -> String {
    story.replace(&host.folder().display().to_string(), "")
}

/// A report without the line about this very machine.
pub(crate) fn without_machine(story: &str) -> String {
    let lines = story.lines().filter(|line| !line.contains(r#"{"machine""#));
    lines.map(|line| format!("{line}\n")).collect()
}
