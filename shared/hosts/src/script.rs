//! The script for a host, and its values, each in quotes.

use super::command_tag::{self, CommandKind};
use super::revision::Run;
use aws::clients::Aws;
use aws::step_error::StepError;
use pipeline::names::{DeploymentId, Revision, ServiceName};

/// ShellCheck reads and the tests run this file unchanged.
const SCRIPT: &str = include_str!("host.sh");

/// Builds the text of one command.
#[derive(Clone, Debug)]
pub(super) struct Script {
    lines: Vec<String>,
}

impl Script {
    pub(super) fn new(aws: &Aws, action: &str, id: &DeploymentId) -> Result<Self, StepError> {
        let installation = aws.settings.installation().map_err(StepError::Later)?;
        let mut script = Self { lines: Vec::new() };
        script.text("DO", action)?;
        script.text("PLACE", &id.place.to_string())?;
        script.text("INSTALLATION", &installation)?;
        script.text("MARK", &command_tag::of(&installation, id))?;
        script.number("NUMBER", id.number);
        Ok(script)
    }

    /// What changes one service's container.
    pub(super) fn for_service(
        aws: &Aws,
        kind: CommandKind,
        id: &DeploymentId,
        service: &ServiceName,
    ) -> Result<Self, StepError> {
        let mut script = Self::new(aws, kind.word(), id)?;
        script.number("STEP", kind.step());
        script.text("SERVICE", service.as_str())?;
        Ok(script)
    }

    /// For a deployment that an earlier version worked on: the mark of its containers.
    pub(super) fn old_mark(&mut self, id: &DeploymentId, is_old: bool) -> Result<(), StepError> {
        self.text("OLD_MARK", &if is_old { command_tag::old(id) } else { String::new() })
    }

    pub(super) fn text(&mut self, name: &str, value: &str) -> Result<(), StepError> {
        let value = quoted(value)?;
        self.lines.push(format!("SLIPWAY_{name}={value}"));
        Ok(())
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.lines.push(format!("SLIPWAY_{name}={value}"));
    }

    pub(super) fn list<'a>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StepError> {
        let values: Vec<String> = values.into_iter().map(quoted).collect::<Result<_, _>>()?;
        self.lines.push(format!("SLIPWAY_{name}=({})", values.join(" ")));
        Ok(())
    }

    /// How a container is run; without it, no new container can be started.
    pub(super) fn run(
        &mut self,
        aws: &Aws,
        revision: Option<&Revision>,
        run: Option<&Run>,
    ) -> Result<(), StepError> {
        let image = run.map_or("", |run| run.image.as_str());
        self.text("REVISION", revision.map_or("", |revision| revision.as_str()))?;
        self.text("IMAGE", image)?;
        self.text("REGISTRY", image.split('/').next().unwrap_or_default())?;
        self.text("REGION", &aws.settings.optional("AWS_REGION").unwrap_or_default())?;
        self.list("PORTS", run.iter().flat_map(|run| &run.ports).map(String::as_str))?;
        self.text("ENV_FILE", run.and_then(|run| run.env_file.as_deref()).unwrap_or_default())
    }

    /// The lines for Run Command. The second one names the owner: the template's rule matches it.
    pub(super) fn commands(&self, mark: &str) -> Vec<String> {
        let head = ["#!/bin/bash".to_owned(), format!("# {mark}")];
        let rest = self.lines.iter().cloned();
        head.into_iter().chain(rest).chain([SCRIPT.to_owned()]).collect()
    }
}

/// A bash word with exactly this `text`, in which Run Command finds no parameter of its own: it
/// would replace `{{ssm:name}}`.
fn quoted(text: &str) -> Result<String, StepError> {
    if text.contains('\0') {
        let what = "the spec contains a NUL character, which no shell accepts; remove it";
        return Err(StepError::Fault(what.to_owned()));
    }
    let mut word = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => word.push_str(r"'\''"),
            '{' if word.ends_with('{') => word.push_str("''{"),
            '}' if word.ends_with('}') => word.push_str("''}"),
            other => word.push(other),
        }
    }
    word.push('\'');
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, quoted};
    use std::process::Command;

    #[test]
    fn bash_reads_the_exact_text_and_runs_nothing() {
        let nasty = [
            "plain",
            "two words",
            "",
            "it's",
            "''",
            "$(touch /tmp/slipway-was-here)",
            "`id`",
            "; rm -rf / #",
            "a\nb\n",
            "\\",
            "\"quoted\"",
            "{{ssm:password}}",
            "{{{{{",
            "}}",
            "*",
            "~",
            "!!",
            "-n",
            "ünïcödé",
        ];
        for text in nasty {
            let word = quoted(text).expect("it has no NUL");
            assert!(!word.contains("{{"), "{word}");
            let script = format!("set -- {word}; printf '%s|%s' \"$#\" \"$1\"");
            let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("1|{text}"));
            assert!(output.stderr.is_empty(), "{text}");
        }
        assert!(!std::path::Path::new("/tmp/slipway-was-here").exists());
        assert!(quoted("a\0b").is_err());
    }

    /// Run Command treats the whole script as a value, too, and copies it into an event.
    #[test]
    fn the_script_itself_has_no_parameter_of_run_commands_and_is_not_too_long() {
        assert!(!SCRIPT.contains("{{"));
        assert!(SCRIPT.len() < 24_000, "{}", SCRIPT.len());
    }
}
