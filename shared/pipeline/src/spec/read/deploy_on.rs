//! Which pushes start a deployment.

use super::super::did_you_mean;
use super::super::model::{DeployOn, TagPattern};
use super::super::node::Node;
use super::super::syntax;
use super::Images;
use crate::names::{EnvironmentName, ImageName};
use crate::time::Span;

const MOST_PATTERNS: usize = 20;

pub(super) fn deploy_on(node: &Node, images: &Images) -> Option<DeployOn> {
    let mut entries = node.map("{tags: [\"v*\"]}")?;
    let written = entries.get("tags");
    let wanted = entries.get("images");
    let promoted_from = entries.get("promoted_from").and_then(|n| n.name(syntax::short_name));
    let patience = entries.get("patience").and_then(|n| n.span(Span::minutes(1), Span::hours(168)));
    entries.end();

    if written.is_none() && promoted_from.is_none() {
        node.fault(
            "nothing would start a deployment; write tags: [\"v*\"] or promoted_from: staging, or remove deploy_on",
        );
    }
    let images = wanted.map_or_else(|| every(images), |n| required(&n, images));
    let tags = written.map(|n| patterns(&n, images.len())).unwrap_or_default();
    Some(DeployOn {
        tags,
        images,
        promoted_from: promoted_from.map(EnvironmentName::new),
        patience: patience.unwrap_or(Span::minutes(30)),
    })
}

fn patterns(node: &Node, required_images: usize) -> Vec<TagPattern> {
    let mut patterns = Vec::new();
    for item in node.list_or_one("[\"v*\"] or [latest]", 1..=MOST_PATTERNS) {
        let Some(text) = item.text() else { continue };
        match TagPattern::parse(&text) {
            Err(message) => item.fault_about(&message),
            Ok(TagPattern::Moving(_)) if required_images > 1 => item.fault(format!(
                "a moving tag cannot say which pushes of {required_images} images belong together; \
                 tag every image with the commit, or describe them as separate applications"
            )),
            Ok(pattern) => patterns.push(pattern),
        }
    }
    patterns
}

fn every(images: &Images) -> Vec<ImageName> {
    images.keys().cloned().collect()
}

fn required(node: &Node, images: &Images) -> Vec<ImageName> {
    if node.value() == "all" {
        return every(images);
    }
    let mut required = Vec::new();
    for item in node.list("all, or a list such as [api, web]", 1..=super::MOST_IMAGES) {
        let Some(name) = item.text().map(ImageName::new) else { continue };
        if required.contains(&name) {
            item.fault(format!("{name} is listed twice; keep one"));
        } else if images.contains_key(&name) {
            required.push(name);
        } else if !images.is_empty() {
            let instead =
                did_you_mean::instead(name.as_str(), images.keys().map(ImageName::as_str));
            item.fault_about(&format!("is not one of the images; {instead}"));
        }
    }
    required
}
