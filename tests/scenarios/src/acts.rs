//! What people and builds do.

use crate::before::refused;
use crate::{Error, System, Team};
use pipeline::names::Tag;
use pipeline::spec::TagPattern;
use sandbox::ecr::{Ecr, Image, Mutability};
use sandbox::ecs::{Behaviour, Ending};
use serde_json::json;
use std::collections::BTreeMap;

impl Team {
    /// A build pushes every image of a release under one tag; what is in them depends on `content`.
    pub fn push_all(
        &mut self,
        tag: &str,
        content: &str,
    ) -> Result<BTreeMap<String, String>, Error> {
        let repositories: Vec<String> =
            self.system.spec.images.values().map(ToString::to_string).collect();
        let mut digests = BTreeMap::new();
        for repository in repositories {
            let digest = self.push(&repository, tag, content)?;
            digests.insert(repository, digest);
        }
        Ok(digests)
    }

    /// A build pushes one image; returns its digest.
    pub fn push(&mut self, repository: &str, tag: &str, content: &str) -> Result<String, Error> {
        let image = Image::buildx(&format!("{repository} {content}"), &["linux/amd64"]);
        self.push_image(repository, tag, &image)
    }

    /// As `push`, for an image that says something of itself.
    pub fn push_image(
        &mut self,
        repository: &str,
        tag: &str,
        image: &Image,
    ) -> Result<String, Error> {
        self.sandbox.at_desk("ecr", |services, desk| {
            let pushed = services.ecr.push(repository, tag, image, desk);
            let digest = pushed.map_err(|refusal| refused("push", refusal))?;
            services.ecs.point(&format!("{}:{tag}", Ecr::uri(repository)), &digest);
            Ok(digest)
        })
    }

    /// Makes the repositories that only another spec speaks of.
    pub(crate) fn have_repositories_of(&mut self, other: &System) {
        let known = &self.system.spec.images;
        for repository in other.spec.images.values() {
            if !known.values().any(|one| one == repository) {
                let ecr = &mut self.sandbox.account().services.ecr;
                ecr.create_repository(repository.as_str(), Mutability::default());
            }
        }
    }

    /// The digest that a tag points at.
    pub fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        self.sandbox.account().services.ecr.digest(repository, tag).map(str::to_owned)
    }

    /// Tasks with this image behave so.
    pub fn behave(&mut self, digest: &str, behaviour: Behaviour) {
        self.sandbox.account().services.ecs.behave(digest, behaviour);
    }

    /// One-off tasks with this image, whose command holds these words, end so.
    pub fn one_off(&mut self, digest: &str, command: &str, ending: Ending) {
        self.sandbox.account().services.ecs.one_off(digest, command, ending, None);
    }

    /// An alarm changes its state.
    pub fn alarm(&mut self, name: &str, state: &str, reason: &str) {
        self.sandbox.at_desk("cloudwatch", |services, desk| {
            services.cloudwatch.set_state(name, state, reason, desk);
        });
    }

    /// A message is put into a queue by hand.
    pub fn write_to(&self, queue: &str, body: &str) -> Result<(), Error> {
        let url = self.queue_url(queue)?;
        let input = json!({"QueueUrl": url, "MessageBody": body});
        self.person("sqs", "SendMessage", input).map(|_| ())
    }

    /// A queue is purged by hand: every message in it is lost.
    pub fn purge(&self, queue: &str) -> Result<(), Error> {
        let url = self.queue_url(queue)?;
        self.person("sqs", "PurgeQueue", json!({ "QueueUrl": url })).map(|_| ())
    }

    fn queue_url(&self, queue: &str) -> Result<String, Error> {
        let stack = self.sandbox.stack();
        let known = stack.queues.get(queue);
        let unknown = || Error::Unknown(format!("the template has no queue {queue}"));
        known.map(|known| known.url.clone()).ok_or_else(unknown)
    }

    /// The tags of two builds, the older one first, as this environment wants them.
    pub(crate) fn tags(&self, environment: &str) -> [String; 2] {
        let builds = [("0a1b2c3", "20261120T1000"), ("3f2a9c1", "20261121T1000")];
        builds.map(|(commit, timestamp)| self.build_tag(environment, commit, timestamp))
    }

    pub(crate) fn build_tag(&self, environment: &str, commit: &str, timestamp: &str) -> String {
        let rules = self.system.rules(environment).and_then(|rules| rules.deploy_on.as_ref());
        let fits = |tag: &str, pattern: &TagPattern| pattern.matches(&Tag::new(tag));
        match rules.and_then(|rules| rules.tags.first()) {
            Some(TagPattern::Moving(tag)) => tag.to_string(),
            Some(pattern) if fits(commit, pattern) => commit.to_owned(),
            // The tag says where the push goes: `dev-3f2a9c1`.
            Some(TagPattern::Glob(glob)) if glob.ends_with("-*") => glob.replace('*', commit),
            _ => timestamp.to_owned(),
        }
    }
}
