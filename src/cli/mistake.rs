//! What is wrong with a command line, as one sentence; help, where that was asked for.

use std::io::{self, Write};

use clap::error::ErrorKind;

use super::answer;
use super::exit::Exit;

/// Tells what clap found; returns how the command ends.
pub(super) fn tell(found: &clap::Error) -> Exit {
    match found.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that has gone away has seen enough.
            let _ = found.print();
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(io::stderr(), "{}", found.render());
            Exit::BadInput
        }
        _ => {
            answer::complain("error", &sentence(&found.render().to_string()));
            Exit::BadInput
        }
    }
}

/// Draws clap's paragraphs together: what is wrong, what may be meant, how it is written.
fn sentence(rendered: &str) -> String {
    let mut said = Vec::new();
    for paragraph in rendered.split("\n\n") {
        let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(wrong) = line.strip_prefix("error: ") {
            said.push(once(wrong.trim_end_matches('.')));
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            said.push(tip.to_owned());
        } else if let Some(usage) = line.strip_prefix("Usage: ") {
            said.push(format!("write: {usage}"));
        }
    }
    said.join("; ")
}

/// Says a value that makes no sense once: `--at: "x" is not a time: …`, where what follows names
/// it anyway.
fn once(wrong: &str) -> String {
    let told = wrong.strip_prefix("invalid value '").and_then(|rest| {
        let (value, rest) = rest.split_once("' for '")?;
        let (place, reason) = rest.split_once("': ")?;
        let place = place.split(" <").next().unwrap_or(place);
        let is_named = reason.starts_with(&format!("\"{value}\""));
        is_named.then(|| format!("{}: {reason}", place.trim_matches(['<', '>'])))
    });
    told.unwrap_or_else(|| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_s_paragraphs_become_one_sentence() {
        let rendered = "error: unrecognized subcommand 'grop'\n\n  tip: a similar subcommand exists: 'group'\n\nUsage: metergate [OPTIONS] <COMMAND>\n\nFor more information, try '--help'.\n";
        assert_eq!(
            sentence(rendered),
            "unrecognized subcommand 'grop'; a similar subcommand exists: 'group'; write: metergate [OPTIONS] <COMMAND>"
        );
    }

    #[test]
    fn a_value_that_makes_no_sense_is_said_once() {
        let at = "invalid value 'x' for '--at <TIME>': \"x\" is not a time: write 2026-12-01";
        assert_eq!(once(at), "--at: \"x\" is not a time: write 2026-12-01");
        let name = "invalid value 'a b' for '<NAME>': \"a b\" is not the name of a group";
        assert_eq!(once(name), "NAME: \"a b\" is not the name of a group");
        for kept in ["invalid value '' for '<WHO>': a subject has 1 to 255 bytes", "no"] {
            assert_eq!(once(kept), kept);
        }
    }
}
