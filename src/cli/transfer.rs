//! export: the books as one document; import: bring one in.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Done, complain, write_out, write_out_bytes};
use super::books::Books;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use crate::engine::{Draft, Foreign, How, Imported, Tree, Wanted, foreign};

/// Print policy, subjects and, if asked for, the ledger as one document
///
/// It is JSON, in order, with amounts in base units. Without --all it is what was declared by
/// commands and API, without what stands in the configuration file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate export > quota.json
  metergate export --all > whole.json
  metergate export --usage > backup.json")]
pub(super) struct Export {
    /// What the configuration file declares, too, as both hold together
    #[arg(long)]
    all: bool,
    /// Every event of the ledger, too
    #[arg(long)]
    usage: bool,
}

/// Bring a document in, all of it or nothing
///
/// It is one that export printed, or one written by hand, with amounts like 500MB. The
/// media_upload_limits of Synapse and the quotas of matrix-media-repo are understood as well, on
/// their own or within the whole configuration (YAML).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate import quota.json --dry-run
  metergate import quota.json
  metergate import backup.json --replace
  metergate export | metergate import -
  metergate import /etc/matrix-synapse/homeserver.yaml --dry-run")]
pub(super) struct Import {
    /// The document; - is standard input
    file: PathBuf,
    /// Set what the document names, and let the rest stay; this is how it is done unless told
    #[arg(long, conflicts_with = "replace")]
    merge: bool,
    /// Let the document take the place of all that is there: what it does not name is gone
    #[arg(long)]
    replace: bool,
    /// Only tell what would change
    #[arg(long)]
    dry_run: bool,
}

impl Export {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let progress = Progress::of("exporting");
        let wanted = Wanted { both_layers: self.all, ledger: self.usage };
        let mut write = |piece: &[u8]| {
            progress.end();
            write_out_bytes(piece)
        };
        books.export(wanted, &mut write, &|done, total| progress.at(done, total)).await?;
        write_out("\n")?;
        Ok(Answer::silent(Exit::Done))
    }
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Told<'a> {
    dry_run: bool,
    /// What was understood of a document of another program.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    understood: &'a [String],
    #[serde(flatten)]
    imported: &'a Imported,
}

impl Import {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let text = self.read()?;
        let Foreign { draft, words } = self.understand(&text, books).await?;
        let how = if self.replace { How::Replace } else { How::Merge };
        let progress = Progress::of("importing");
        let steps = |done, total| progress.at(done, total);
        let imported = books.import(&draft, how, self.dry_run, &steps).await?;
        drop(progress);
        if !imported.shadowed.is_empty() {
            complain(
                "warning",
                &format!(
                    "the configuration file declares these, too, and holds: {}",
                    imported.shadowed.join(", ")
                ),
            );
        }
        let understood = &words;
        let told = Told { dry_run: self.dry_run, understood, imported: &imported };
        let words = self.words(understood, &imported);
        Ok(if self.dry_run {
            Answer::new(words, &told)?
        } else {
            Answer::new(words, &Done::now(told))?
        })
    }

    /// Returns the text of the document.
    fn read(&self) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let read = if self.file == Path::new("-") {
            std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
        } else {
            std::fs::read(&self.file).map(|read| bytes = read)
        };
        read.map_err(|error| self.wrong(format_args!("cannot be read: {error}")))?;
        String::from_utf8(bytes).map_err(|_| self.wrong("is not text in UTF-8"))
    }

    /// Understands a document of our own, which is JSON, or one of another program.
    async fn understand(&self, text: &str, books: &dyn Books) -> Result<Foreign, Failure> {
        if text.trim_start().starts_with('{') {
            let draft: Draft = serde_json::from_str(text).map_err(|error| {
                // Within a part of the document it is the same, but no longer of that kind.
                if error.is_eof() || error.to_string().contains("EOF while parsing") {
                    let line = error.line();
                    return self.wrong(format_args!(
                        "stops in the middle of line {line}: bring it in whole"
                    ));
                }
                self.wrong(error)
            })?;
            return Ok(Foreign { draft, words: Vec::new() });
        }
        let tree = serde_saphyr::from_str::<Tree>(text);
        let tree = tree.map_err(|error| self.wrong(first_line(&error.to_string())))?;
        Ok(foreign(&tree, &books.policy().await?)?)
    }

    fn wrong(&self, text: impl std::fmt::Display) -> Failure {
        let name = if self.file == Path::new("-") {
            "standard input".to_owned()
        } else {
            self.file.display().to_string()
        };
        Failure::bad_input(format!("{name}: {text}"))
    }

    /// Tells what was understood, what changed, and what that comes to.
    fn words(&self, understood: &[String], imported: &Imported) -> String {
        let Imported { changes, lines, lines_before, reservations_ended, .. } = imported;
        let mut all: Vec<_> = understood.to_vec();
        all.extend(changes.iter().map(ToString::to_string));
        let would = if self.dry_run { "would change" } else { "changed" };
        let mut sum = match changes.len() {
            0 => format!("nothing {would} in the policy"),
            1 => format!("1 entry {would}"),
            many => format!("{many} entries {would}"),
        };
        if let Some(lines) = lines {
            sum = format!("{sum}; {lines} events");
            if let Some(before) = lines_before {
                sum = format!("{sum} in place of those up to number {before}");
            }
        }
        if *reservations_ended > 0 {
            sum = format!("{sum}; {reservations_ended} reservations under way end");
        }
        all.push(sum);
        all.join("\n")
    }
}

/// What stands below it draws where the mistake is, which is no sentence.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
