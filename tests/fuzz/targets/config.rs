//! Config: a mutated file is settings, or complaints that name lines of it; what is accepted has no
//! key but those there are.

use std::collections::BTreeSet;
use std::path::PathBuf;

use metergate::config::{Place, Sources, keys, load};
use tempfile::TempDir;

use crate::drive::{Judge, kind};

pub(super) const WORDS: &[&str] = &[
    "[server]\n",
    "[server.tls]\n",
    "[upstream]\n",
    "[auth]\n",
    "[admin]\n",
    "[storage]\n",
    "[reject]\n",
    "[page]\n",
    "[log]\n",
    "[limits]\n",
    "[policy]\n",
    "[policy.resources]\n",
    "[policy.groups.free]\n",
    "[policy.groups]\n",
    "[policy.capabilities]\n",
    "[[policy.rules]]\n",
    "[[notify]]\n",
    "[[meter]]\n",
    "\n",
    " = ",
    "\"",
    "'''",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "true",
    "false",
    "1.5",
    "-1",
    "0",
    "1979-05-27",
    "[]",
    "{}",
    "\"10s\"",
    "\"64KiB\"",
    "\"unlimited\"",
    "\"http://127.0.0.1:1\"",
    "\"https://h/\"",
    "\"unix:/x\"",
    "\"systemd\"",
    "\"memory:\"",
    "\"redis://h\"",
    "\"postgresql://u:pw@h/d\"",
    "\"500MB/month\"",
    "\"free\"",
    "media_bytes",
    "uploads",
    "extends",
    "max_upload_bytes",
    "timezone",
    "limit",
    "mode",
    "per",
    "listen",
    "url",
    "token",
    "instance",
    "protocol",
    "default_group",
    "match",
    "group",
    "#",
    "\u{0}",
    "\u{feff}",
    "proxy_protocol = true\n",
    "x = 1\n",
];

/// The names below these are anyone's own.
const OWN: [&str; 3] = ["policy.groups", "policy.capabilities", "policy.resources"];

pub(super) struct Config {
    keys: BTreeSet<String>,
    file: PathBuf,
    _folder: TempDir,
}

impl Config {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { keys: keys(), file: folder.path().join("metergate.toml"), _folder: folder }
    }
}

impl Judge for Config {
    fn judge(&mut self, input: &[u8]) -> Result<u64, String> {
        std::fs::write(&self.file, input).unwrap();
        let sources = Sources { file: Some(self.file.clone()), ..Sources::default() };
        match load(&sources) {
            Ok(loaded) => {
                let text = String::from_utf8_lossy(input);
                let table: toml::Table =
                    text.parse().map_err(|error| format!("accepted, and no TOML: {error}"))?;
                let mut said = BTreeSet::new();
                gather(&toml::Value::Table(table), "", &mut said);
                if let Some(unknown) = said.iter().find(|key| !self.knows(key)) {
                    return Err(format!("{unknown} is no key, and accepted"));
                }
                Ok(kind((said, loaded.warnings.len())))
            }
            Err(error) => {
                let complaints = error.complaints();
                if complaints.is_empty() {
                    return Err("refused without a word".to_owned());
                }
                let lines = input.split(|byte| *byte == b'\n').count();
                for complaint in complaints {
                    match &complaint.place {
                        Place::Line(file, line)
                            if **file == self.file && (1..=lines).contains(line) => {}
                        Place::File(file) if **file == self.file => {}
                        other => {
                            return Err(format!("{other:?} of {lines} lines: {}", complaint.text));
                        }
                    }
                    if complaint.text.trim().is_empty() {
                        return Err(format!("{:?} is refused without a word", complaint.place));
                    }
                }
                let texts: BTreeSet<_> = complaints.iter().map(|it| plain(&it.text)).collect();
                Ok(kind(texts))
            }
        }
    }
}

impl Config {
    /// Returns whether there is such a key, or keys below it.
    fn knows(&self, key: &str) -> bool {
        let below = format!("{key}.");
        self.keys.iter().any(|known| known == key || known.starts_with(&below))
    }
}

/// Gathers every key that is said, as `limits.head_timeout`; a name of one's own is `*`.
fn gather(value: &toml::Value, place: &str, said: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let name =
                    if OWN.contains(&place) || place == "policy.groups.*" && !is_reserved(name) {
                        "*"
                    } else {
                        name
                    };
                let place =
                    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
                said.insert(place.clone());
                gather(value, &place, said);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| gather(item, place, said)),
        _ => {}
    }
}

fn is_reserved(name: &str) -> bool {
    ["max_upload_bytes", "extends", "timezone"].contains(&name)
}

/// Returns a complaint without what it quotes.
fn plain(text: &str) -> String {
    text.split(['"', '`'])
        .step_by(2)
        .collect::<String>()
        .chars()
        .filter(|it| !it.is_ascii_digit())
        .take(40)
        .collect()
}
