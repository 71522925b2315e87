//! What a configuration comes to: settings with warnings, or complaints.

use std::fs;

use metergate::config::{self, Flags, Loaded, Settings, Sources};
use metergate::quota::{Limit, Measure};

/// What a file with `text`, these variables and these flags come to; the file is called `metergate.toml`.
pub(crate) fn outcome(
    text: &str,
    environment: &[(&str, &str)],
    flags: Flags,
) -> (Vec<String>, Option<Loaded>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.toml");
    fs::write(&file, text).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let sources =
        Sources { file: Some(file), environment: environment.iter().map(owned).collect(), flags };
    let short = format!("{}/", folder.path().display());
    match config::load(&sources) {
        Ok(loaded) => {
            let lines = loaded.warnings.iter().map(ToString::to_string);
            let lines = lines.map(|line| line.replace(&short, "")).collect();
            (lines, Some(loaded))
        }
        Err(error) => {
            let lines = error.to_string().replace(&short, "");
            (lines.lines().map(str::to_owned).collect(), None)
        }
    }
}

pub(crate) fn complaints(text: &str) -> Vec<String> {
    let (lines, loaded) = outcome(text, &[], Flags::default());
    assert_eq!(loaded, None, "{text}");
    lines
}

pub(crate) fn accepted(text: &str, environment: &[(&str, &str)], flags: Flags) -> Settings {
    let (lines, loaded) = outcome(text, environment, flags);
    loaded.unwrap_or_else(|| panic!("{lines:?}")).settings
}

/// The limit that `text` says, in bytes.
pub(crate) fn limit(text: &str) -> Limit {
    Limit::parse(text, &Measure::BYTES).unwrap()
}
