//! check: may they? Prints ALLOWED or DENIED and why; exits 0 or 1.

use clap::Args;
use serde::Serialize;

use super::answer::Answer;
use super::exit::{Exit, Failure};
use super::words::{self, Words};
use crate::engine::{Ask, Decision, Engine, Figures, Reason};
use crate::quota::{Amount, Invalid, Measure, Subject};

/// May they? Prints ALLOWED or DENIED, exits 0 or 1
///
/// Nothing is set aside and nothing is written: a second question right after may be answered
/// otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate check @alice:example.org --cap upload_media
  metergate check @alice:example.org --cap upload_media --amount 10MB && echo go on")]
pub(super) struct Check {
    /// Who
    subject: Subject,
    /// What they want to do
    #[arg(long = "cap", value_name = "CAPABILITY")]
    capability: String,
    /// Its size in bytes; without one: one unit of each resource
    #[arg(long, value_name = "AMOUNT", value_parser = size)]
    amount: Option<Amount>,
}

fn size(text: &str) -> Result<Amount, Invalid> {
    let size = Measure::BYTES.parse(text)?;
    if size.is_negative() {
        return Err(Invalid::new("an action has no size below zero: write 10MB"));
    }
    Ok(size)
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    subject: &'a Subject,
    capability: &'a str,
    #[serde(flatten)]
    decision: &'a Decision,
}

impl Check {
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine) -> Result<Answer, Failure> {
        let ask = Ask::Capability { name: self.capability.clone(), amount: self.amount };
        let decision = engine.check(&self.subject, &ask).await?;
        let words = Words::of(engine).await?;
        let sentence = self.sentence(&decision, &words);
        let checked =
            Checked { subject: &self.subject, capability: &self.capability, decision: &decision };
        let (first, exit) =
            if decision.allowed { ("ALLOWED", Exit::Done) } else { ("DENIED", Exit::Denied) };
        Ok(Answer::new(format!("{first} {sentence}"), &checked)?.ending(exit))
    }

    fn sentence(&self, decision: &Decision, words: &Words) -> String {
        let Self { subject, capability, .. } = self;
        let (may, figures) = match decision.reason {
            Reason::WithinLimits => ("may", within(decision, words)),
            Reason::OverLimit => ("may not", over(decision, words)),
            Reason::TooLarge => ("may not", too_large(decision, self.amount)),
        };
        let source = source(&decision.source);
        format!("{subject} {may} {capability}: {figures}{source}.")
    }
}

/// Returns where the limit comes from, behind a sentence: ` (the limit of group free)`.
fn source(source: &str) -> String {
    let of = match source.split_once(' ') {
        Some(("group", name)) => format!("group {name}"),
        Some(("rule", name)) => format!("group {name}, by a rule"),
        Some(("default", name)) => format!("group {name}, the default"),
        _ => match source {
            "" | "none" => return String::new(),
            "exempt" => return " (exempt from every limit)".to_owned(),
            other => other.to_owned(),
        },
    };
    format!(" (limits of {of})")
}

fn within(decision: &Decision, words: &Words) -> String {
    if let Some(Figures { resource, measure, window, .. }) = &decision.binding {
        return format!("of {resource} {}", words.window(measure, window));
    }
    let items = decision.items.iter().filter_map(|item| {
        let window = item.windows.first()?;
        let resource = &item.resource;
        let figures = words.window(&item.measure, window);
        Some(format!("of {resource} {figures}, no limit"))
    });
    items.collect::<Vec<_>>().join("; ")
}

fn over(decision: &Decision, words: &Words) -> String {
    let Some(Figures { resource, requested, measure, window }) = &decision.binding else {
        return "a limit is reached".to_owned();
    };
    format!(
        "it needs {} of {resource}; {}",
        words::amount(measure, *requested),
        words.window(measure, window)
    )
}

fn too_large(decision: &Decision, asked: Option<Amount>) -> String {
    let most = words::amount_or(&Measure::BYTES, decision.max_size, "any size");
    let asked = words::amount(&Measure::BYTES, asked.unwrap_or(Amount::ONE));
    format!("one upload has at most {most}, this one has {asked}")
}
