//! Notes: what is wrong and what looks wrong, gathered while reading goes on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::error::{Complaint, Place};

/// What was noted while reading.
#[derive(Default)]
pub(super) struct Notes {
    complaints: RefCell<Vec<Complaint>>,
    warnings: RefCell<Vec<Complaint>>,
    unknown: RefCell<Vec<Unknown>>,
    /// Every key asked for, as `limits.head_timeout`; a name that is not ours is `*`.
    keys: RefCell<BTreeSet<String>>,
}

/// A key that its section does not have.
struct Unknown {
    place: Place,
    text: String,
    name: String,
    hint: Option<String>,
}

impl Notes {
    pub(super) fn complain(&self, place: &Place, text: impl Into<String>) {
        push(&self.complaints, place, text.into());
    }

    /// Returns how many complaints there are so far.
    pub(super) fn count(&self) -> usize {
        self.complaints.borrow().len()
    }

    pub(super) fn warn(&self, place: &Place, text: impl Into<String>) {
        push(&self.warnings, place, text.into());
    }

    /// Complains about the key `name`; without a hint, once all sections are read, one is looked for.
    pub(super) fn unknown(&self, place: &Place, text: String, name: &str, hint: Option<String>) {
        self.unknown.borrow_mut().push(Unknown {
            place: place.clone(),
            text,
            name: name.to_owned(),
            hint,
        });
    }

    /// Notes that the key `path` was asked for.
    pub(super) fn asked(&self, path: String) {
        self.keys.borrow_mut().insert(path);
    }

    /// Returns every key that was asked for so far.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.keys.borrow().clone()
    }

    /// Returns complaints and warnings.
    pub(super) fn into_parts(self) -> (Vec<Complaint>, Vec<Complaint>) {
        let mut complaints = self.complaints.into_inner();
        let keys = self.keys.into_inner();
        for unknown in self.unknown.into_inner() {
            let elsewhere = || belongs_to(&unknown.name, &keys);
            let hint = unknown.hint.or_else(elsewhere).unwrap_or_default();
            let (place, text) = (unknown.place, unknown.text + &hint);
            complaints.push(Complaint { place, text });
        }
        let mut warnings = self.warnings.into_inner();
        warnings.sort();
        (complaints, warnings)
    }
}

/// Says which section has a key called `name`, if one does.
fn belongs_to(name: &str, keys: &BTreeSet<String>) -> Option<String> {
    let parts = keys.iter().filter_map(|path| path.rsplit_once('.'));
    let mut sections = parts.filter(|(section, key)| *key == name && !section.contains('*'));
    let (section, _) = sections.next()?;
    Some(format!(" (it belongs to [{section}])"))
}

fn push(notes: &RefCell<Vec<Complaint>>, place: &Place, text: String) {
    let place = place.clone();
    notes.borrow_mut().push(Complaint { place, text });
}
