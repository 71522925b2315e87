//! man: the manual, written from the commands themselves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::roff::{Roff, roman};
use serde::Serialize;

use super::answer::{Answer, Done};
use super::exit::Failure;

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate man | man -l -
  metergate man --out /usr/local/share/man/man1")]
pub(super) struct Man {
    /// Write the pages of all commands into this folder: metergate.1, metergate-group-set.1 …
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The page as programs read it.
#[derive(Debug, Serialize)]
struct Page<'a> {
    page: &'a str,
}

/// The pages that were written, as programs read it.
#[derive(Debug, Serialize)]
struct Written<'a> {
    folder: &'a Path,
    pages: &'a [String],
}

impl Man {
    /// Writes the page of `command`, which is all of them, or those of each; touches no store.
    pub(super) fn run(self, command: Command) -> Result<Answer, Failure> {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let Some(folder) = self.out else {
            let page = page(&command)?;
            let page = page.trim_end();
            return Ok(Answer::new(page, &Page { page })?);
        };
        let mut pages = Vec::new();
        write_all(&command, &folder, &mut pages).map_err(|error| {
            let text = format!("cannot write into {}: {error}", folder.display());
            io::Error::new(error.kind(), text)
        })?;
        let words = format!("{} pages are in {}", pages.len(), folder.display());
        Ok(Answer::new(words, &Done::now(Written { folder: &folder, pages: &pages }))?)
    }
}

/// Writes the page of `command` and those of all commands below it into `folder`.
fn write_all(command: &Command, folder: &Path, written: &mut Vec<String>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = clap_mangen::Man::new(command.clone()).get_filename();
    fs::write(folder.join(&name), page(command)?)?;
    written.push(name);
    command.get_subcommands().try_for_each(|below| write_all(below, folder, written))
}

/// Returns the page of `command`, which has been built.
fn page(command: &Command) -> io::Result<String> {
    let source = concat!("metergate ", env!("CARGO_PKG_VERSION"));
    let described = command.clone().after_help(Resettable::Reset);
    let mut page = Vec::new();
    clap_mangen::Man::new(described).source(source).render(&mut page)?;
    let help = [command.get_before_help(), command.get_after_help()];
    let [before, after] = help.map(|text| text.map(ToString::to_string).unwrap_or_default());
    let examples = before.lines().chain(after.lines()).filter(|line| is_example(line));
    let notes = after.lines().filter(|line| !is_example(line) && *line != "Examples:");
    let page = String::from_utf8_lossy(&page);
    Ok(format!(
        "{page}{}{}",
        as_typed("EXAMPLES", examples.map(str::trim)),
        as_typed("NOTES", notes)
    ))
}

fn is_example(line: &str) -> bool {
    line.starts_with("  metergate ")
}

/// Returns a section of `lines` as they are; nothing if there are none.
fn as_typed<'a>(title: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return String::new();
    }
    let mut section = Roff::default();
    section.control("SH", [title]).control("nf", []);
    for line in lines {
        section.text([roman(line)]);
    }
    section.control("fi", []);
    section.to_roff()
}
