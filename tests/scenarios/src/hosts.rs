//! Hosts of a team: what runs on them before Slipway, and what goes wrong with them.

use crate::{Error, Team};
use pipeline::spec::{Environment, Service, Target};
use sandbox::ssm::{Host, Standing};
use std::collections::BTreeMap;

/// What the tag `slipway` of a host says that Slipway may deploy to.
pub(crate) const OURS: &str = "yes";

impl Team {
    /// One machine for each environment on hosts, as the team's Terraform and its user data made it:
    /// a container that was started by hand, an environment file, and the scripts of the migration.
    pub(crate) fn have_hosts(&mut self, name: &str, rules: &Environment) -> Result<(), Error> {
        let Target::Hosts(tags) = &rules.target else { return Ok(()) };
        self.add_host(&format!("i-0{name}1"), tags, rules)
    }

    /// One more machine.
    pub fn add_host(
        &mut self,
        instance: &str,
        tags: &BTreeMap<String, String>,
        rules: &Environment,
    ) -> Result<(), Error> {
        let mut all: Vec<(&str, &str)> =
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        all.push(("slipway", OURS));
        let host = Host::new(instance, &all)?;
        for command in rules.migration.iter().filter(|one| one.on_host).map(|one| &one.command) {
            let ran = "#!/bin/bash\necho \"applied\" >>\"${0%/*}/applied\"\n";
            host.write(command.first().map_or("", String::as_str), ran)?;
        }
        for (_, service) in rules.services() {
            run_old_container(&host, service)?;
        }
        self.sandbox.account().services.ssm.add(host);
        Ok(())
    }

    /// Changes something on the hosts of an environment.
    pub fn on_hosts(
        &mut self,
        environment: &str,
        act: impl Fn(&Host) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let rules = self.system.environments().find(|(name, _)| *name == environment);
        let Some(Target::Hosts(tags)) = rules.map(|(_, rules)| rules.target.clone()) else {
            return Err(Error::Unknown(format!("{environment} has no hosts")));
        };
        let account = self.sandbox.account();
        for host in account.services.ssm.tagged(&tags) {
            act(host)?;
        }
        Ok(())
    }

    /// The scripts of the migration fail from now on.
    pub(crate) fn break_scripts(&mut self, environment: &str) -> Result<(), Error> {
        let rules = self.system.environments().find(|(name, _)| *name == environment);
        let migration = rules.and_then(|(_, rules)| rules.migration.clone());
        let Some(script) = migration.and_then(|migration| migration.command.first().cloned())
        else {
            return Ok(());
        };
        self.on_hosts(environment, |host| host.write(&script, "#!/bin/bash\nexit 1\n"))
    }

    /// The agent of a host disconnects, or reconnects.
    pub fn host_is(&mut self, instance: &str, standing: Standing) {
        self.sandbox.at_desk("ssm", |services, desk| {
            services.ssm.set_standing(instance, standing, desk);
        });
    }

    /// The report of a host.
    pub fn host<T>(&self, instance: &str, ask: impl FnOnce(&Host) -> T) -> Option<T> {
        self.sandbox.account().services.ssm.host(instance).map(ask)
    }
}

/// Started by hand, from an image of the team's own.
fn run_old_container(host: &Host, service: &Service) -> std::io::Result<()> {
    let Some(container) = &service.container else { return Ok(()) };
    if let Some(file) = &container.env_file {
        host.write(file, "DATABASE_URL=postgresql://\n")?;
    }
    let image = format!("{}:by-hand", service.name);
    host.have_image(&image)?;
    let name = service.name.as_str();
    let mut words = vec!["run", "--detach", "--name", name, "--restart", "always"];
    for port in &container.ports {
        words.extend(["--publish", port]);
    }
    words.push(&image);
    host.docker(&words).map(|_| ())
}
