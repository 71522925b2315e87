//! `[[meter]]`: what is metered beside uploads, and the capability it is charged as.

use std::collections::BTreeSet;

use http::Method;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{parsed, text, word};
use crate::matrix::{PathPattern, Taken};
use crate::proxy::{Count, Meter};
use crate::quota::capability::UPLOAD;
use crate::quota::{Aggregate, Capability, Invalid, Layer, Policy, Resource, resource};

/// What may be counted, by name.
const COUNTS: [(&str, Count); 3] = [
    ("request_body", Count::RequestBody),
    ("response_body", Count::ResponseBody),
    ("one", Count::One),
];

/// Reads what is metered; a capability that nobody declares is added to `policy`.
pub(in crate::config) fn meter(whole: &Section<'_>, policy: &mut Layer) -> Vec<Meter> {
    let mut meters: Vec<Meter> = Vec::new();
    for section in whole.sections("meter") {
        let meter = one(&section, policy);
        if let Some(meter) = &meter {
            doubled(&section, meter, &meters);
        }
        meters.extend(meter);
        section.done();
    }
    meters
}

fn one(section: &Section<'_>, policy: &mut Layer) -> Option<Meter> {
    let methods = section.list("methods", method);
    let path: Option<PathPattern> = section.value("path", parsed);
    let capability = section.value("capability", capability);
    let resource: Option<Resource> = section.value("resource", parsed);
    let count = section.value("count", |node| word(node, &COUNTS));
    section.needs("methods", "[\"GET\"]");
    section.needs("path", "\"/_matrix/client/v1/media/download/**\"");
    section.needs("capability", "\"download_media\"");
    section.needs("resource", "\"egress_bytes\"");
    section.needs("count", "\"response_body\"");
    if methods.as_ref().is_some_and(Vec::is_empty) && section.items("methods").is_empty() {
        section.refuse("methods", "needs a method, like \"GET\"");
    }
    let (methods, path) = (methods?, path?);
    is_free(section, &methods, &path);
    let (capability, resource, count) = (capability?, resource?, count?);
    declare(section, policy, &capability, &resource);
    can_count(section, policy, &resource, count);
    if count == Count::One {
        costs_no_bytes(section, policy, &capability, &resource);
    }
    Some(Meter { methods, path, capability, count })
}

/// Reads a method; those that are no requests for anything are none.
fn method(node: &Node) -> Result<Method, Invalid> {
    let text = text(node)?;
    let wrong = |what: &str| Err(Invalid::new(format!("\"{text}\" {what}")));
    if matches!(text, "CONNECT" | "OPTIONS") {
        return wrong("is never metered: leave it out");
    }
    let is_token = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if text.bytes().all(is_token) => Ok(method),
        _ => wrong("is no method: write it in capital letters, like \"GET\""),
    }
}

fn capability(node: &Node) -> Result<String, Invalid> {
    resource::name(text(node)?, "capability").map(|name| name.as_ref().to_owned())
}

/// Complains if `path` meets what has a meaning of its own.
fn is_free(section: &Section<'_>, methods: &[Method], path: &PathPattern) {
    for method in methods {
        let what = match path.taken(method) {
            None => continue,
            Some(Taken::Own) => "\"/_metergate\", which is never metered: leave it out".to_owned(),
            Some(Taken::Uploads) => {
                format!("{method} of uploads, which are metered already: leave {method} out")
            }
        };
        section.refuse("path", format!("{path} meets {what}, or name a narrower path"));
        return;
    }
}

/// Sees to it that `capability` draws on `resource`: declares it if nobody has.
fn declare(section: &Section<'_>, policy: &mut Layer, capability: &str, resource: &Resource) {
    if capability != UPLOAD && !policy.capabilities.contains_key(capability) {
        let declared = Capability::new(vec![resource.clone()]).ok();
        policy.capabilities.extend(declared.map(|it| (capability.to_owned(), it)));
        return;
    }
    let whole = Policy { file: policy.clone(), ..Policy::default() };
    let Ok(known) = whole.capability(capability) else { return };
    if !known.resources().contains(resource) {
        let drawn: Vec<_> = known.resources().iter().map(Resource::as_str).collect();
        let drawn = drawn.join(", ");
        let text = format!(
            "{capability} draws on {drawn}, not on {resource}: name one of these, or another capability"
        );
        section.refuse("resource", text);
    }
}

/// Complains if `resource` cannot be counted so.
fn can_count(section: &Section<'_>, policy: &Layer, resource: &Resource, count: Count) {
    let whole = Policy { file: policy.clone(), ..Policy::default() };
    let measure = whole.measure(resource);
    if measure.aggregate != Aggregate::Sum {
        let aggregate = measure.aggregate;
        section.refuse("resource", format!("{resource} is a {aggregate}: only sums are metered"));
    } else if measure.in_bytes() && count == Count::One {
        let text = "counts bytes, not requests: name another, like \"requests\", or count a body";
        section.refuse("resource", format!("{resource} {text}"));
    } else if !measure.in_bytes() && count != Count::One {
        let text =
            "does not count bytes: name one that does, like \"egress_bytes\", or count = \"one\"";
        section.refuse("resource", format!("{resource} {text}"));
    }
}

/// Complains if one that costs one would cost a byte, too.
fn costs_no_bytes(section: &Section<'_>, policy: &Layer, capability: &str, named: &Resource) {
    let whole = Policy { file: policy.clone(), ..Policy::default() };
    let Ok(known) = whole.capability(capability) else { return };
    let mut others = known.resources().iter().filter(|other| *other != named);
    if let Some(bytes) = others.find(|other| whole.measure(other).in_bytes()) {
        let text = format!(
            "{capability} draws on {bytes}, too, and one has no bytes: name another capability"
        );
        section.refuse("capability", text);
    }
}

/// Complains if nothing is left for `meter` by any of its methods.
fn doubled(section: &Section<'_>, meter: &Meter, before: &[Meter]) {
    let mut seen = BTreeSet::new();
    for method in &meter.methods {
        let twice = !seen.insert(method.as_str());
        let same = |other: &Meter| other.path == meter.path && other.methods.contains(method);
        if twice {
            section.refuse("methods", format!("{method} stands there twice: once is enough"));
        } else if before.iter().any(same) {
            let text = format!("{method} {} is metered by an entry before this one", meter.path);
            section.refuse("path", format!("{text}: keep one"));
        }
    }
}
