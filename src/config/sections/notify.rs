//! `[[notify]]`: who is told of warnings and overages.

use std::collections::BTreeSet;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{from_file, parsed, text, word};
use crate::notify::{Signer, Target};
use crate::quota::Invalid;
use crate::quota::notice::Topic;

/// The shortest secret that is not warned about, in bytes.
const SHORT: usize = 16;

pub(in crate::config) fn notify(whole: &Section<'_>) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for section in whole.sections("notify") {
        let target = target(&section);
        if let Some(target) = &target
            && targets.iter().any(|other| other.endpoint == target.endpoint)
        {
            section.refuse("url", "is told already: join the two");
        }
        targets.extend(target);
        section.done();
    }
    targets
}

fn target(section: &Section<'_>) -> Option<Target> {
    let endpoint = section.value("url", parsed);
    section.needs("url", "\"https://example.org/metergate\"");
    let inline = section.value("secret", |node| signer(text(node)?));
    let in_file = section.value("secret_file", |node| signer(&secret_file(node)?));
    if section.place("secret").is_some() {
        section.refuse("secret_file", "[notify] secret says it too: keep one");
    } else if section.place("secret_file").is_none() {
        section.needs("secret", "\"whsec_…\", or secret_file");
    }
    let topics = section.list("on", topic);
    if topics.as_ref().is_some_and(Vec::is_empty) && section.items("on").is_empty() {
        section.refuse("on", "needs a topic, like \"over\", or leave it out for all");
    }
    let topics: BTreeSet<_> = topics.unwrap_or(Topic::ALL.to_vec()).into_iter().collect();
    let signer = inline.or(in_file);
    if signer.as_ref().is_some_and(|signer| signer.length() < SHORT) {
        let key = if section.place("secret").is_some() { "secret" } else { "secret_file" };
        section.warn(key, format!("the secret is short: write at least {SHORT} characters"));
    }
    Some(Target { endpoint: endpoint?, signer: signer?, topics })
}

fn topic(node: &Node) -> Result<Topic, Invalid> {
    word(node, &Topic::ALL.map(|topic| (topic.name(), topic)))
}

fn secret_file(node: &Node) -> Result<String, Invalid> {
    Ok(from_file(node)?.trim().to_owned())
}

/// Makes a signer with the secret `text`; the complaint does not repeat it.
fn signer(text: &str) -> Result<Signer, Invalid> {
    Signer::with(text).map_err(|error| Invalid::new(error.to_string()))
}
