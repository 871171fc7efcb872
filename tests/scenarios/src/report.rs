//! A deployment as a story: what was decided when, what runs at the end, and what people read.

use crate::{Deployment, Team};
use pipeline::deployment::Entry;
use pipeline::time::Span;
use pipeline::verdict::Verdict;
use std::fmt::Write;

impl Team {
    /// Everything about an environment that a test or a person wants to see.
    pub fn story(&self, place: &str) -> String {
        self.story_from(place, 1)
    }

    /// As `story`, of the deployments from number `first` on.
    pub fn story_from(&self, place: &str, first: u64) -> String {
        let (_, environment) = place.split_once('/').unwrap_or(("", place));
        let mut story = String::new();
        let deployments = self.deployments();
        for deployment in
            deployments.iter().filter(|d| d.id.number >= first && d.id.place.to_string() == place)
        {
            story.push_str(&tell(deployment));
        }
        story.push_str(&self.outcome(environment));
        story
    }

    /// How each deployment of an environment ended, and everything but the way there and its words.
    pub fn ending(&self, place: &str) -> String {
        let mut ending = String::new();
        let of_place = |deployment: &Deployment| deployment.id.place.to_string() == place;
        for deployment in self.deployments().into_iter().filter(of_place) {
            let verdict = deployment.verdict().map_or("no verdict", Verdict::name);
            let _ = writeln!(ending, "{}: {verdict}", deployment.id);
        }
        let (_, environment) = place.split_once('/').unwrap_or(("", place));
        ending + &self.outcome(environment)
    }

    /// How one deployment ended and why, and everything but the way there.
    pub fn end_of(&self, place: &str, number: u64) -> String {
        let deployment = self.deployment(place, number);
        let verdict = deployment.as_ref().and_then(Deployment::verdict);
        let verdict = verdict.map_or("no verdict".to_owned(), ToString::to_string);
        let (_, environment) = place.split_once('/').unwrap_or(("", place));
        format!("{verdict}\n{}", self.outcome(environment))
    }

    /// What runs, which notices were sent, and what should not be there.
    fn outcome(&self, environment: &str) -> String {
        let mut story = String::from("runs\n");
        for (service, images) in self.running(environment) {
            let names: Vec<String> = images.iter().map(|image| self.name_of(image)).collect();
            let _ = writeln!(story, "  {service}: {}", names.join(", "));
        }
        story.push_str("told\n");
        for published in &self.sandbox.account().services.sns.published {
            let _ = writeln!(story, "  {}", published.subject.as_deref().unwrap_or("-"));
        }
        let left = self.left_over();
        if !left.is_empty() {
            let _ = writeln!(story, "left over\n  {}", left.join("\n  "));
        }
        for problem in self.sandbox.problems() {
            let _ = writeln!(story, "problem: {problem}");
        }
        story
    }

    /// The repository and the tags of a digest, which is what people know it by; without tags, its
    /// beginning.
    pub(crate) fn name_of(&self, image: &str) -> String {
        let account = self.sandbox.account();
        let (_, image) = image.split_once('/').unwrap_or(("", image));
        let Some((repository, digest)) = image.split_once('@') else { return image.to_owned() };
        let tags = account.services.ecr.tags(repository, digest);
        let tags: Vec<&str> = tags
            .iter()
            .filter(|tag| !tag.starts_with("slipway-keep-"))
            .map(String::as_str)
            .collect();
        if tags.is_empty() {
            let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
            return format!("{repository}@{digest:.12}");
        }
        format!("{repository}:{}", tags.join("="))
    }
}

fn tell(deployment: &Deployment) -> String {
    let mut lines: Vec<Line> =
        deployment.timeline.entries().iter().map(|entry| Line::of(deployment, entry)).collect();
    // Calls for several services go out side by side, and which is answered first is chance.
    for alike in lines.chunk_by_mut(|one, next| one.says_as_much_as(next)) {
        alike.sort_by_key(|line| line.service);
    }
    let mut story = format!("{} {}\n", deployment.id, deployment.request.release.version);
    for line in lines {
        let _ = writeln!(story, "  {} {}", clock(line.after), line.text);
    }
    story
}

/// A line of a timeline.
struct Line<'a> {
    after: Span,
    text: &'a str,
    /// The place among the services of the one that it speaks of.
    service: Option<usize>,
    /// The text around that service's name.
    around: String,
}

impl<'a> Line<'a> {
    fn of(deployment: &'a Deployment, entry: &'a Entry) -> Self {
        let names = deployment.services.iter().map(|service| service.name.as_str());
        let said =
            |name: &str| entry.text.split(' ').any(|word| word.trim_end_matches(':') == name);
        let about = names.enumerate().find(|(_, name)| said(name));
        let around = about.map_or(entry.text.clone(), |(_, name)| entry.text.replacen(name, "", 1));
        Self {
            after: entry.at.since(deployment.started_at),
            text: &entry.text,
            service: about.map(|(place, _)| place),
            around,
        }
    }

    fn says_as_much_as(&self, next: &Self) -> bool {
        self.after == next.after && self.around == next.around
    }
}

fn clock(span: Span) -> String {
    let seconds = span.as_seconds();
    format!("{:>3}:{:02}", seconds / 60, seconds % 60)
}
