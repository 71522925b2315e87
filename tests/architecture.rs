//! The house keeps its order: who may import whom, which room names which outside crate, and a
//! first line in every file that says what it is for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import of ours. `clock` and `quota` are words: what has a time or an
/// amount may say so.
const LAW: [(&str, &[&str]); 16] = [
    ("clock", &[]),
    ("telemetry", &[]),
    ("quota", &["clock"]),
    ("store", &["quota", "clock"]),
    ("conformance", &["store", "quota", "clock"]),
    ("net", &["telemetry"]),
    ("engine", &["quota", "store", "clock", "telemetry"]),
    ("matrix", &["quota", "net", "clock", "telemetry"]),
    ("proxy", &["engine", "matrix", "quota", "net", "clock", "telemetry"]),
    ("api", &["engine", "quota", "net", "clock", "telemetry"]),
    ("dashboard", &[]),
    ("notify", &["engine", "quota", "net", "clock", "telemetry"]),
    (
        "config",
        &["quota", "clock", "store", "net", "matrix", "proxy", "api", "notify", "telemetry"],
    ),
    (
        "app",
        &[
            "api",
            "clock",
            "config",
            "dashboard",
            "engine",
            "matrix",
            "net",
            "notify",
            "proxy",
            "quota",
            "store",
            "telemetry",
        ],
    ),
    (
        "cli",
        &["app", "clock", "config", "conformance", "engine", "net", "quota", "store", "telemetry"],
    ),
    ("main", &["cli"]),
];

/// Outside crates that only one part of the house may name.
const OWNERS: [(&str, &[&str]); 36] = [
    ("askama", &["proxy/own_pages"]),
    ("axum", &["api", "dashboard"]),
    ("backon", &["notify"]),
    ("base64", &["api", "notify"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["cli"]),
    ("futures_core", &["store/postgres"]),
    ("getrandom", &["api"]),
    ("hmac", &["notify"]),
    ("hyper", &["net", "matrix", "proxy", "api", "app", "cli/books/there"]),
    ("hyper_util", &["net"]),
    ("indicatif", &["cli"]),
    ("ipnet", &["net", "proxy", "config"]),
    ("jiff", &["clock", "quota/bucket", "quota/period"]),
    ("listenfd", &["net/listener"]),
    ("prometheus", &["telemetry/metrics"]),
    ("proxy_header", &["net/server"]),
    ("redis", &["store/redis"]),
    ("rusqlite", &["store/sqlite"]),
    ("rust_embed", &["dashboard"]),
    ("rustls_native_certs", &["net/tls", "store/postgres/tls"]),
    ("rlimit", &["app"]),
    ("sd_notify", &["app"]),
    ("serde_saphyr", &["cli"]),
    ("socket2", &["net"]),
    ("tokio_postgres", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres/tls"]),
    ("tokio_rustls", &["net/tls", "store/postgres/tls"]),
    ("toml", &["config"]),
    ("tower", &["api"]),
    ("tracing_subscriber", &["telemetry"]),
    // What is told to programs is described where it is declared.
    ("utoipa", &["api", "engine", "quota", "store/answer", "store/doctor"]),
    ("utoipa_axum", &["api"]),
    ("wildmatch", &["quota/pattern"]),
];

/// Past this many lines a file is no longer about one thing.
const LONGEST_FILE: usize = 400;
/// Past this many lines nor is a file of unit tests.
const LONGEST_TESTS: usize = 600;

struct Source {
    /// Below `src`, without its ending: `store/sqlite/mod`.
    place: String,
    /// All of it.
    text: String,
    /// Without its unit tests, which may look at more.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let read = |path: PathBuf| {
        let place = path.strip_prefix(&root).unwrap().with_extension("");
        let text = fs::read_to_string(&path).unwrap();
        let tests_only = place.file_name().is_some_and(|name| name == "tests");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        Source {
            place: place.to_str().unwrap().to_owned(),
            code: if tests_only { String::new() } else { without_comments(code) },
            text,
        }
    };
    found.into_iter().map(read).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn without_comments(code: &str) -> String {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

impl Source {
    fn module(&self) -> &str {
        self.place.split('/').next().unwrap()
    }

    /// Returns the modules of ours that are named after `crate::`, in groups too.
    fn imports(&self) -> BTreeSet<String> {
        let prefix = if self.module() == "main" { "metergate::" } else { "crate::" };
        let mut named = BTreeSet::new();
        for (at, _) in self.code.match_indices(prefix) {
            let rest = &self.code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => named.extend(first_words_of(group)),
                None => named.extend(word(rest)),
            }
        }
        named.remove(self.module());
        named
    }

    fn names_crate(&self, name: &str) -> bool {
        self.code.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
        })
    }
}

/// Returns the first word of each entry of an import group, whatever is nested below it.
fn first_words_of(group: &str) -> Vec<String> {
    let (mut depth, mut words, mut entry) = (0, Vec::new(), String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => words.extend(word(&std::mem::take(&mut entry))),
            other => entry.push(other),
        }
    }
    words.extend(word(&entry));
    words
}

fn word(text: &str) -> Option<String> {
    let word: String =
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // A module, not an item of the crate's root.
    word.chars().next().filter(char::is_ascii_lowercase).map(|_| word)
}

#[test]
fn a_module_imports_only_what_the_law_allows() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "lib") {
        let law = LAW.iter().find(|(module, _)| *module == source.module());
        let (_, allowed) = law.unwrap_or_else(|| panic!("{} has no law", source.place));
        for import in source.imports() {
            if !allowed.contains(&import.as_str()) {
                broken.push(format!("src/{}.rs imports {import}", source.place));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn an_outside_crate_is_named_only_by_its_owner() {
    let mut broken = Vec::new();
    for source in sources() {
        for (name, owners) in OWNERS {
            let owned = owners.iter().any(|owner| {
                source.place == *owner || source.place.starts_with(&format!("{owner}/"))
            });
            if !owned && source.names_crate(name) {
                broken.push(format!("src/{}.rs names {name}", source.place));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    let silent: Vec<_> = silent.map(|source| source.place).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_file_is_about_more_than_one_thing() {
    let is_long = |source: &Source| {
        let most = if source.place.ends_with("tests") { LONGEST_TESTS } else { LONGEST_FILE };
        source.text.lines().count() > most
    };
    let long: Vec<_> = sources().into_iter().filter(is_long).map(|source| source.place).collect();
    assert!(long.is_empty(), "too long: {long:?}");
}

#[test]
fn a_grouped_import_is_seen() {
    let code = "use crate::{engine::{Ask, Hold}, store};\nuse crate::quota::Amount;".to_owned();
    let source = Source { place: "net/x".to_owned(), text: String::new(), code };
    let expected = ["engine", "quota", "store"].map(str::to_owned);
    assert_eq!(source.imports(), BTreeSet::from(expected));
}
