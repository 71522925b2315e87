//! explain: why they may or may not, and what would have to change.

use clap::Args;

use super::answer::Answer;
use super::asking::Asking;
use super::books::Books;
use super::check::sentence;
use super::exit::Failure;
use super::table::table;
use super::words::{self, Words};
use crate::engine::{Explained, ExplainedWindow, Explanation, Remedy, Standing};
use crate::quota::policy::{Claim, Source};
use crate::quota::strictness::{Admit, Mode};
use crate::quota::{Amount, Measure, Per, Resource, Subject};

/// Why they may or may not, and what would have to change
///
/// Which group, rule, override, exemption or call set which limit, and what it stands before;
/// every window with its figures; which of them decided. Exits 0 either way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate explain @alice:example.org --cap upload_media --amount 10MB
  metergate explain @alice:example.org --resource requests --limit 10000/month")]
pub(super) struct Explain {
    #[command(flatten)]
    asking: Asking,
}

impl Explain {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let ask = self.asking.understood(&policy)?;
        let explanation = books.explain(&self.asking.subject, &self.asking.worded()).await?;
        let words = Words::under(&policy).in_zone(explanation.timezone.parse()?);
        let answer = if explanation.decision.allowed { "ALLOWED" } else { "DENIED" };
        let first = sentence(&self.asking, &ask, &explanation.decision, &words);
        let mut lines = vec![format!("{answer} {first}"), String::new(), place(&explanation)];
        for explained in &explanation.resources {
            lines.push(String::new());
            lines.extend(of_resource(explained, explanation.at, &words));
        }
        if let Some(remedy) = &explanation.remedy {
            lines.push(String::new());
            lines.push("What would help, each alone:".to_owned());
            lines.extend(remedies(remedy, &explanation, &words).map(|line| format!("  {line}")));
        }
        lines.push(String::new());
        lines.push(format!("Decided by version {} of the policy.", version(&explanation)));
        Ok(Answer::new(lines.join("\n"), &explanation)?)
    }
}

const fn version(explanation: &Explanation) -> i64 {
    explanation.decision.policy_version.0
}

/// Returns which group the subject is in, and why.
fn place(explanation: &Explanation) -> String {
    let Explanation { subject, group, extends, timezone, .. } = explanation;
    let group = match group {
        Some(Source::Assigned(name)) => format!("was put into group {name}"),
        Some(Source::Matched(name)) => format!("is in group {name} by a rule"),
        Some(Source::Default(name)) => format!("is in group {name}, the default"),
        Some(Source::Exempt | Source::Override | Source::Call | Source::Nothing) | None => {
            "is in no group".to_owned()
        }
    };
    let bases = match extends.as_slice() {
        [] => String::new(),
        bases => format!(", which extends {}", bases.join(", which extends ")),
    };
    format!("{subject} {group}{bases}; days begin in {timezone}.")
}

fn of_resource(
    explained: &Explained,
    now: crate::clock::Timestamp,
    words: &Words<'_>,
) -> Vec<String> {
    let Explained { resource, measure, amount, claims, boosts, windows } = explained;
    let asked = words::amount(measure, *amount);
    let mut lines = vec![format!("{resource} ({}): {asked} asked for", words::measured(measure))];
    let rows = claims.iter().map(|claim| of_claim(claim, measure, words));
    let none = "no group, override or call limits it: everything is allowed";
    lines.extend(indented(&table(["LIMIT", "BY", "", "NOTE"], rows, none)));
    for boost in boosts {
        let what = format!("boost of {}", words::amount(measure, boost.what));
        let note = boost.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        lines.push(format!("  {}{note}", words.grant(&what, boost, now)));
    }
    if !windows.is_empty() {
        let header =
            ["WINDOW", "MODE", "FROM", "BUCKET", "USED", "RESERVED", "LIMIT", "LEFT", "RESETS", ""];
        let rows = windows.iter().map(|window| of_window(window, measure, words));
        lines.push(String::new());
        lines.extend(indented(&table(header, rows, "")));
    }
    lines
}

fn indented(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| format!("  {line}"))
}

fn of_claim(claim: &Claim, measure: &Measure, words: &Words<'_>) -> [String; 4] {
    let limit = claim.limit.as_ref();
    let by = match &claim.source {
        Source::Call => "this call".to_owned(),
        Source::Exempt => "exemption".to_owned(),
        Source::Override => "override".to_owned(),
        Source::Assigned(group) => format!("group {group}"),
        Source::Matched(group) => {
            let rule = claim.rule.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("rule {rule}: group {group}")
        }
        Source::Default(group) => format!("default group {group}"),
        Source::Nothing => "nothing".to_owned(),
    };
    let extended = claim.extended.as_ref().map(|base| format!(", extending {base}"));
    let standing = match claim.standing {
        Standing::Holds => "in force",
        Standing::Shadowed => "another comes before it",
        Standing::Ended => "ended",
        Standing::Missing => "the group is declared nowhere",
    };
    [
        limit.map_or_else(|| "no limit".to_owned(), |limit| limit.human(measure)),
        format!("{by}{}", extended.unwrap_or_default()),
        format!("{standing}{}", words.until_clause(claim.until)),
        claim.note.clone().unwrap_or_default(),
    ]
}

fn of_window(explained: &ExplainedWindow, measure: &Measure, words: &Words<'_>) -> [String; 10] {
    let window = &explained.window;
    let amount = |amount| words::amount(measure, amount);
    let boosted = match explained.boost {
        Amount::ZERO => String::new(),
        boost => format!(" ({} + {})", amount(explained.declared), amount(boost)),
    };
    let ceiling = window.ceiling.map(|ceiling| format!(", up to {}", amount(ceiling)));
    let grace = window.grace_ends.map(|end| format!(", until {}", words.moment(end)));
    let trailing = if explained.admit == Admit::Trailing { ", trailing" } else { "" };
    let from = match (window.per, &explained.declared_in) {
        (Per::Subject, _) | (_, None) => explained.source.clone(),
        (_, Some(group)) if explained.source == format!("pool {group}") => format!("pool {group}"),
        (_, Some(group)) => format!("{}, declared in {group}", explained.source),
    };
    let past = words::past_limit(window).map(|past| format!(" ({} over)", amount(past)));
    let says = match (explained.denies, window.would_deny, window.over) {
        (true, ..) if explained.binding => "denies, and decides",
        (true, ..) => "denies",
        (false, true, _) => "would deny, but is only observed",
        (false, false, true) if window.mode == Mode::Soft => "is over, and allows it",
        _ if explained.binding => "has the least room",
        _ => "has room",
    };
    [
        window.period.to_string(),
        format!(
            "{}{}{}{trailing}",
            window.mode,
            ceiling.unwrap_or_default(),
            grace.unwrap_or_default()
        ),
        from,
        window.bucket.clone(),
        amount(window.used),
        amount(window.reserved),
        words::amount_or(measure, window.limit, "unlimited") + &boosted,
        words::amount_or(measure, window.remaining, "unlimited") + &past.unwrap_or_default(),
        words.reset(window.resets_at),
        says.to_owned(),
    ]
}

/// Returns what would help, a line for each.
fn remedies(
    remedy: &Remedy,
    explanation: &Explanation,
    words: &Words<'_>,
) -> impl Iterator<Item = String> {
    let Explanation { subject, decision, .. } = explanation;
    let reservations = remedy
        .reservations
        .then(|| "the end of what is under way: without its reservations there is room".to_owned());
    let wait = match remedy.wait_until {
        Some(moment) => {
            Some(format!("to wait until {}, if nothing else is used", words.moment(moment)))
        }
        None => {
            Some("waiting does not help: it does not fit even where nothing is used".to_owned())
                .filter(|_| decision.max_size.is_none() || !remedy.lacks.is_empty())
        }
    };
    let size = decision.max_size.filter(|_| remedy.lacks.is_empty());
    let size = size.map(|most| {
        let most = words::amount(&Measure::BYTES, most);
        format!("a smaller file, or an override: one may have {most} (metergate override set {subject} max_upload_bytes=…)")
    });
    let measure = |resource: &Resource| {
        let found = explanation.resources.iter().find(|it| it.resource == *resource);
        found.map(|it| it.measure.clone()).unwrap_or_default()
    };
    let boosts = remedy.boosts.iter();
    let boosts = boosts.map(|(resource, more)| boost(subject, resource, &measure(resource), *more));
    let boosts = boosts.collect::<Vec<_>>();
    let boosts = Some(boosts.join(" and ")).filter(|boosts| !boosts.is_empty());
    let groups = remedy.groups.iter();
    let groups =
        groups.map(|group| format!("group {group}: metergate user set {subject} --group {group}"));
    let groups: Vec<_> = groups.collect();
    reservations.into_iter().chain(wait).chain(size).chain(boosts).chain(groups)
}

fn boost(subject: &Subject, resource: &Resource, measure: &Measure, more: Amount) -> String {
    let human = words::amount(measure, more);
    let typed = match (measure.decimals, human.split_once(' ')) {
        (0, _) => more.to_string(),
        (_, Some((number, _))) => number.to_owned(),
        (_, None) => human.clone(),
    };
    format!("a boost of {human}: metergate boost add {subject} {resource}={typed} --until DATE")
}
