//! Meters: what the configuration meters beside uploads, which are built in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::{Method, Uri};

use super::action::Action;
use crate::matrix::{Disguised, PathPattern};

/// One entry of `[[meter]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// By which methods; at least one.
    pub methods: Vec<Method>,
    /// Which paths.
    pub path: PathPattern,
    /// What it is gated by and charged as.
    pub capability: String,
    /// What of it is counted.
    pub count: Count,
}

/// What of an exchange is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The bytes that come up, as of an upload.
    RequestBody,
    /// The bytes that go down.
    ResponseBody,
    /// That it takes place.
    One,
}

/// What requests are metered by now. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Meters(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// So that a request costs no lock where nothing is metered.
    any: AtomicBool,
    /// Something that people do is counted otherwise than by what comes down: messages, perhaps.
    acts: AtomicBool,
    entries: RwLock<Arc<[Entry]>>,
}

#[derive(Debug)]
struct Entry {
    methods: Vec<Method>,
    path: PathPattern,
    found: (Action, Count),
}

impl Meters {
    /// Meters these from the next request on, and no others.
    pub fn are(&self, meters: &[Meter]) {
        let acts = meters.iter().any(|meter| meter.count != Count::ResponseBody);
        let entries: Arc<[_]> = meters.iter().map(|meter| Entry::of(meter, !acts)).collect();
        let any = !entries.is_empty();
        self.0.acts.store(acts, Ordering::Relaxed);
        *self.0.entries.write().unwrap_or_else(PoisonError::into_inner) = entries;
        self.0.any.store(any, Ordering::Release);
    }

    /// Returns whether nothing is metered but uploads.
    pub(super) fn are_none(&self) -> bool {
        !self.0.any.load(Ordering::Acquire)
    }

    /// Returns whether text messages cost nothing, as far as that is known.
    pub(super) fn leave_text(&self) -> bool {
        !self.0.acts.load(Ordering::Relaxed)
    }

    /// Returns by what a request is metered: the first entry that matches it.
    pub(super) fn of(
        &self,
        method: &Method,
        target: &Uri,
    ) -> Result<Option<(Action, Count)>, Disguised> {
        if self.are_none() {
            return Ok(None);
        }
        let entries = Arc::clone(&self.0.entries.read().unwrap_or_else(PoisonError::into_inner));
        let asked = entries.iter().filter(|entry| entry.methods.contains(method));
        let found = PathPattern::first(asked.map(|entry| (&entry.path, &entry.found)), target)?;
        Ok(found.cloned())
    }
}

impl Entry {
    fn of(meter: &Meter, text_is_free: bool) -> Self {
        let Meter { methods, path, capability, count } = meter.clone();
        let action = Action::named(&capability, count == Count::ResponseBody, text_is_free);
        Self { methods, path, found: (action, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(method: Method, path: &str, capability: &str) -> Meter {
        let capability = capability.to_owned();
        let path = path.parse().unwrap();
        Meter { methods: vec![method], path, capability, count: Count::One }
    }

    fn found(meters: &Meters, method: &Method, path: &str) -> Option<String> {
        let found = meters.of(method, &path.parse().unwrap()).unwrap();
        found.map(|(action, _)| action.capability().to_owned())
    }

    #[test]
    fn only_methods_that_are_named_are_metered_and_the_first_entry_counts() {
        let meters = Meters::default();
        assert_eq!(found(&meters, &Method::GET, "/a/b"), None);
        meters.are(&[
            meter(Method::GET, "/a/*", "first"),
            meter(Method::GET, "/a/**", "second"),
            meter(Method::POST, "/a/b", "third"),
        ]);
        assert_eq!(found(&meters, &Method::GET, "/a/b").as_deref(), Some("first"));
        assert_eq!(found(&meters, &Method::GET, "/a/b/c").as_deref(), Some("second"));
        assert_eq!(found(&meters, &Method::POST, "/a/b").as_deref(), Some("third"));
        assert_eq!(found(&meters, &Method::HEAD, "/a/b"), None);
        assert!(meters.of(&Method::GET, &"/x/../a/B".parse().unwrap()).is_err());
        assert_eq!(found(&meters, &Method::DELETE, "/x/../a/b"), None);
        meters.are(&[]);
        assert_eq!(found(&meters, &Method::GET, "/a/b"), None);
    }
}
