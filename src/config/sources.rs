//! Sources: where settings are said; flags cover the environment, that the file, that the defaults.

use std::path::PathBuf;

use super::error::{Complaint, Place};
use super::tree::{Entry, Node, Table, Value};
use crate::telemetry::Secret;

/// Everything that may say a setting.
#[derive(Default)]
pub struct Sources {
    /// The file, from `--config` or `METERGATE_CONFIG`.
    pub file: Option<PathBuf>,
    /// The variables by name, such as `METERGATE_STORAGE`; those that are not ours are passed over.
    pub environment: Vec<(String, String)>,
    /// The flags of `metergate serve`.
    pub flags: Flags,
}

/// The flags of `metergate serve`, as they were written.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen ADDR`, each; takes the place of all in the file.
    pub listen: Vec<String>,
    /// `--upstream URL`.
    pub upstream: Option<String>,
    /// `--storage URL`.
    pub storage: Option<String>,
    /// `--port N`: the port of the admin API, wherever else it listens.
    pub port: Option<u16>,
    /// `--token T`.
    pub token: Option<Secret>,
    /// `--token-file F`.
    pub token_file: Option<PathBuf>,
    /// `--limit RESOURCE=LIMIT`, each: together they are the default group.
    pub limit: Vec<String>,
}

/// The group that `--limit` makes.
pub(super) const LIMIT_GROUP: &str = "default";

impl Flags {
    /// Makes a tree of the flags, but for `--port`, which changes only a part of a setting.
    pub(super) fn read(&self, complaints: &mut Vec<Complaint>) -> Table {
        let mut tree = Table::new();
        let mut say = |section: &str, key: &str, flag, value| {
            let section = tree
                .entry(section.to_owned())
                .or_insert_with(|| entry(flag, Value::Table(Table::new())));
            if let Value::Table(section) = &mut section.node.value {
                section.insert(key.to_owned(), entry(flag, value));
            }
        };
        let word = |text: &String| Value::Word(text.clone());
        if !self.listen.is_empty() {
            let each = self.listen.iter().map(|text| node("--listen", word(text)));
            say("server", "listen", "--listen", Value::List(each.collect()));
        }
        if let Some(url) = &self.upstream {
            say("upstream", "url", "--upstream", word(url));
        }
        if let Some(url) = &self.storage {
            say("storage", "url", "--storage", word(url));
        }
        if let Some(token) = &self.token {
            let value = Value::Word(token.reveal().to_owned());
            say("admin", "token", "--token", value);
        }
        if let Some(file) = &self.token_file {
            let value = Value::Word(file.to_string_lossy().into_owned());
            say("admin", "token_file", "--token-file", value);
        }
        if let Some(group) = limits(&self.limit, complaints) {
            let name = Value::Word(LIMIT_GROUP.to_owned());
            say("policy", "default_group", "--limit", name);
            let groups = Table::from([(LIMIT_GROUP.to_owned(), entry("--limit", group))]);
            say("policy", "groups", "--limit", Value::Table(groups));
        }
        tree
    }
}

/// Returns the group that `--limit` makes; nothing without the flag.
fn limits(flags: &[String], complaints: &mut Vec<Complaint>) -> Option<Value> {
    let mut group = Table::new();
    for flag in flags {
        let Some((resource, limit)) = flag.split_once('=') else {
            complaints.push(Complaint {
                place: Place::Flag("--limit"),
                text: format!(
                    "\"{flag}\" is not a limit: write RESOURCE=LIMIT, like media_bytes=500MB/month"
                ),
            });
            continue;
        };
        let word = node("--limit", Value::Word(limit.trim().to_owned()));
        match group.get_mut(resource.trim()).map(|it| &mut it.node) {
            None => {
                let entry = entry("--limit", word.value);
                group.insert(resource.trim().to_owned(), entry);
            }
            Some(Node { value: Value::List(several), .. }) => several.push(word),
            Some(first) => {
                let before = std::mem::replace(&mut first.value, Value::List(Vec::new()));
                first.value = Value::List(vec![node("--limit", before), word]);
            }
        }
    }
    (!flags.is_empty()).then_some(Value::Table(group))
}

fn entry(flag: &'static str, value: Value) -> Entry {
    Entry { place: Place::Flag(flag), node: node(flag, value) }
}

fn node(flag: &'static str, value: Value) -> Node {
    Node { place: Place::Flag(flag), value }
}
