//! check: may they? Prints ALLOWED or DENIED and why; exits 0 or 1.

use clap::Args;

use super::answer::Answer;
use super::asking::Asking;
use super::books::Books;
use super::exit::{Exit, Failure};
use super::words::{self, Words};
use crate::engine::{Ask, Decision, Figures, Reason};
use crate::quota::strictness::Mode;
use crate::quota::{Amount, Measure};

/// May they? Prints ALLOWED or DENIED, exits 0 or 1
///
/// Nothing is set aside and nothing is written: a second question right after may be answered
/// otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate check @alice:example.org --cap upload_media
  metergate check @alice:example.org --cap upload_media --amount 10MB && echo go on
  metergate check @alice:example.org --resource requests --limit 10000/month")]
pub(super) struct Check {
    #[command(flatten)]
    asking: Asking,
}

impl Check {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let asking = &self.asking;
        let policy = books.policy().await?;
        let ask = asking.understood(&policy)?;
        let decision = books.check(&asking.subject, &asking.worded()).await?;
        let words = Words::under(&policy);
        let sentence = sentence(asking, &ask, &decision, &words);
        let (first, exit) =
            if decision.allowed { ("ALLOWED", Exit::Done) } else { ("DENIED", Exit::Denied) };
        let answered = asking.worded().answered(asking.subject.clone(), decision);
        Ok(Answer::new(format!("{first} {sentence}"), &answered)?.ending(exit))
    }
}

/// Returns the answer and its figures in one sentence.
pub(super) fn sentence(
    asking: &Asking,
    ask: &Ask,
    decision: &Decision,
    words: &Words<'_>,
) -> String {
    let (may, figures) = match decision.reason {
        Reason::WithinLimits => ("may", within(decision, words)),
        Reason::OverLimit => ("may not", over(decision, words)),
        Reason::TooLarge => ("may not", too_large(decision, ask.amount())),
    };
    let (subject, action) = (&asking.subject, asking.action());
    let source = words::source(&decision.source);
    let observed = observed(decision, words);
    format!("{subject} {may} {action}: {figures}{source}{observed}.")
}

fn within(decision: &Decision, words: &Words<'_>) -> String {
    if let Some(Figures { resource, window, .. }) = &decision.binding {
        return format!("of {resource} {}", words.window(&words.measure(resource), window));
    }
    let items = decision.items.iter().filter_map(|item| {
        let window = item.windows.first()?;
        let resource = &item.resource;
        let figures = words.window(&words.measure(resource), window);
        Some(format!("of {resource} {figures}, no limit"))
    });
    items.collect::<Vec<_>>().join("; ")
}

/// Returns what limits that are only observed would have denied.
fn observed(decision: &Decision, words: &Words<'_>) -> String {
    let all = decision.items.iter().flat_map(|item| {
        let denying = item.windows.iter();
        let denying = denying.filter(|it| it.would_deny && it.mode == Mode::Observe);
        let measure = words.measure(&item.resource);
        denying.map(move |window| {
            let limit = words::amount_or(&measure, window.limit, "unlimited");
            format!(
                "; {limit}/{} of {} would deny, and is only observed",
                window.period, item.resource
            )
        })
    });
    all.collect()
}

fn over(decision: &Decision, words: &Words<'_>) -> String {
    let Some(Figures { resource, requested, window, .. }) = &decision.binding else {
        return "a limit is reached".to_owned();
    };
    let measure = &words.measure(resource);
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
