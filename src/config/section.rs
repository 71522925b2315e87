//! Section: one table of the configuration, read key by key; what is wrong is noted, and reading goes on.

use std::cell::RefCell;

use super::error::Place;
use super::notes::Notes;
use super::tree::{Entry, Node, Table, Value};
use crate::quota::{Invalid, nearest};

/// One table, or the lack of it: then every key is absent.
pub(super) struct Section<'a> {
    /// `limits`, `policy.groups.free`; empty for the whole configuration.
    name: String,
    /// The same with `*` for names that are not ours.
    pattern: String,
    table: Option<&'a Table>,
    /// Where it begins; nothing if it is absent.
    begins: Option<&'a Place>,
    asked: RefCell<Vec<String>>,
    pub(super) notes: &'a Notes,
}

impl<'a> Section<'a> {
    /// Returns the whole configuration.
    pub(super) fn whole(table: &'a Table, notes: &'a Notes) -> Self {
        Self {
            name: String::new(),
            pattern: String::new(),
            table: Some(table),
            begins: None,
            asked: RefCell::default(),
            notes,
        }
    }

    /// Returns the section `name` of this one.
    pub(super) fn section(&self, name: &'static str) -> Self {
        self.below(self.ask(name).map(|entry| &entry.node), name, name)
    }

    /// Returns the section that `node` is, called `name` by whoever wrote it.
    pub(super) fn named(&self, name: &str, node: &'a Node) -> Self {
        self.below(Some(node), name, "*")
    }

    /// Returns the tables that `key` lists, each as a section; a single one is a list of one.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Self> {
        self.ask(key);
        let each = |node| self.below(Some(node), key, key);
        self.items(key).into_iter().map(each).collect()
    }

    fn below(&self, node: Option<&'a Node>, name: &str, pattern: &str) -> Self {
        let below = Self {
            name: join(&self.name, name),
            pattern: join(&self.pattern, pattern),
            table: node.and_then(|node| match &node.value {
                Value::Table(table) => Some(table),
                _ => None,
            }),
            begins: node.map(|node| &node.place),
            asked: RefCell::default(),
            notes: self.notes,
        };
        if let (Some(node), None) = (node, below.table) {
            let (title, kind) = (below.title(), node.value.kind());
            let text = format!("{title} is a section with keys of its own, not {kind}");
            self.notes.complain(&node.place, text);
        }
        below
    }

    /// Returns what `key` says, as `read` understands it; nothing if it is absent or wrong.
    pub(super) fn value<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Node) -> Result<T, Invalid>,
    ) -> Option<T> {
        let entry = self.ask(key)?;
        self.heed(key, &entry.node.place, read(&entry.node))
    }

    /// Returns everything that `key` lists; a single value is a list of one.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        self.ask(key).map(|_| self.each(key, read))
    }

    /// Returns everything that `key`, a name that is not ours, lists.
    pub(super) fn each<T>(&self, key: &str, read: impl Fn(&Node) -> Result<T, Invalid>) -> Vec<T> {
        let mut all = Vec::new();
        for node in self.items(key) {
            for node in split(node).as_deref().unwrap_or(std::slice::from_ref(node)) {
                all.extend(self.heed(key, &node.place, read(node)));
            }
        }
        all
    }

    /// Returns the nodes that `key` lists; a single one is a list of one.
    pub(super) fn items(&self, key: &str) -> Vec<&'a Node> {
        match self.get(key).map(|entry| &entry.node) {
            None => Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items.iter().collect(),
            Some(node) => vec![node],
        }
    }

    /// Complains if `key` is absent and the section is not.
    pub(super) fn needs(&self, key: &str, example: &str) {
        if let (Some(_), Some(place), None) = (self.table, self.begins, self.get(key)) {
            let text = format!("{} needs {key}, like {key} = {example}", self.title());
            self.notes.complain(place, text);
        }
    }

    /// Returns where `key` stands, if it does.
    pub(super) fn place(&self, key: &str) -> Option<&'a Place> {
        self.get(key).map(|entry| &entry.node.place)
    }

    /// Complains about the value of `key`.
    pub(super) fn refuse(&self, key: &str, fragment: impl std::fmt::Display) {
        if let Some(place) = self.place(key) {
            let text = format!("{}: {fragment}", self.title_of(key));
            self.notes.complain(place, text);
        }
    }

    /// Warns about the value of `key`.
    pub(super) fn warn(&self, key: &str, fragment: impl std::fmt::Display) {
        if let Some(place) = self.place(key) {
            let text = format!("{}: {fragment}", self.title_of(key));
            self.notes.warn(place, text);
        }
    }

    /// Returns `result`'s value, or notes at `place` what is wrong with `key`.
    pub(super) fn heed<T>(
        &self,
        key: &str,
        place: &Place,
        result: Result<T, Invalid>,
    ) -> Option<T> {
        let complain = |invalid| {
            let text = format!("{}: {invalid}", self.title_of(key));
            self.notes.complain(place, text);
        };
        result.map_err(complain).ok()
    }

    /// Returns the keys that nobody asked for so far: names that are not ours.
    pub(super) fn others(&self) -> Vec<(&'a str, &'a Entry)> {
        let asked = self.asked.borrow();
        let all = self.table.into_iter().flatten();
        all.filter(|(name, _)| !asked.contains(name))
            .map(|(name, entry)| (name.as_str(), entry))
            .collect()
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn done(self) {
        self.finish();
    }

    /// Like [`Section::done`], of a section that is asked no more.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        for (name, entry) in self.others() {
            let hint = nearest(name, asked.iter().map(String::as_str));
            let what = match &entry.node.value {
                Value::Table(_) => format!("[{}] is not a section", join(&self.name, name)),
                _ => format!("{} is not a setting", self.title_of(name)),
            };
            let hint = (!hint.is_empty()).then_some(hint);
            self.notes.unknown(&entry.place, what, name, hint);
        }
    }

    fn get(&self, key: &str) -> Option<&'a Entry> {
        self.table?.get(key)
    }

    fn ask(&self, key: &str) -> Option<&'a Entry> {
        self.asked.borrow_mut().push(key.to_owned());
        self.notes.asked(join(&self.pattern, key));
        self.get(key)
    }

    fn title(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!("[{}]", self.name) }
    }

    fn title_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("[{}] {key}", self.name) }
    }
}

/// Returns the parts of a variable or flag that says several things, `A,B`.
fn split(node: &Node) -> Option<Vec<Node>> {
    let Value::Word(text) = &node.value else {
        return None;
    };
    let part =
        |part: &str| Node { place: node.place.clone(), value: Value::Word(part.trim().to_owned()) };
    Some(text.split(',').map(part).collect())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
