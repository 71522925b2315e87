//! events: what happened, line by line.

use std::io;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::answer::{Answer, write_out};
use super::books::Books;
use super::exit::{Exit, Failure};
use super::words;
use crate::clock::{Timestamp, exact};
use crate::engine::Lines;
use crate::quota::event::{Kind, Line};
use crate::quota::{Amount, Invalid, Measure, Policy, Resource, Subject};

/// How many lines are read in one step.
const PAGE: usize = 1000;
/// How often new lines are looked for.
const OFTEN: Duration = Duration::from_millis(500);

/// What happened, line by line, the newest last
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate events @alice:example.org
  metergate events @alice:example.org --resource media_bytes -n 100
  metergate events --follow
  metergate events --follow --json | jq .subject")]
pub(super) struct Events {
    /// To whom; everyone if nobody is named
    subject: Option<Subject>,
    /// Only of this
    #[arg(long, value_name = "R")]
    resource: Option<String>,
    /// How many of the latest are listed at most
    #[arg(short = 'n', long = "number", default_value_t = 50, value_name = "N", value_parser = number, allow_negative_numbers = true)]
    most: usize,
    /// Go on with what happens from now on, until it is stopped
    #[arg(long, short = 'f')]
    follow: bool,
}

/// Reads how many lines; none is for those who only follow.
fn number(text: &str) -> Result<usize, Invalid> {
    text.parse().map_err(|_| {
        Invalid::new(format!("\"{text}\" is no number of lines: write a whole one from 0"))
    })
}

/// A line as programs read it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    id: u64,
    subject: &'a Subject,
    group: Option<&'a str>,
    resource: &'a Resource,
    kind: &'static str,
    amount: Amount,
    member: Option<&'a str>,
    #[serde(with = "exact")]
    at: Timestamp,
    #[serde(with = "exact")]
    recorded: Timestamp,
    reservation: Option<String>,
    key: Option<&'a str>,
    bucket: Option<&'a str>,
}

impl<'a> From<&'a Line> for Told<'a> {
    fn from(line: &'a Line) -> Self {
        let Line { id, event, recorded, key } = line;
        Self {
            id: *id,
            subject: &event.subject,
            group: event.group.as_deref(),
            resource: &event.resource,
            kind: event.kind.name(),
            amount: event.amount,
            member: event.member.as_deref(),
            at: event.at,
            recorded: *recorded,
            reservation: event.hold.map(|id| id.to_string()),
            key: key.as_ref().map(|key| key.name.as_str()),
            bucket: event.bucket.as_deref(),
        }
    }
}

impl Events {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books, json: bool) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = self.resource.as_ref().map(|name| policy.resource(name).cloned());
        let resource = resource.transpose()?;
        let tale = Tale { policy, json };
        let which = Lines { subject: self.subject.clone(), resource, ..Lines::default() };
        if self.follow {
            // From here on no signal ends the process unheard.
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                told = self.follow(books, &which, &tale) => told?,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        } else {
            let latest = latest(books, &which, self.most).await?;
            if latest.is_empty() && !json {
                write_out("nothing of the kind has happened\n")?;
            }
            tale.say(&latest)?;
        }
        Ok(Answer::silent(Exit::Done))
    }

    /// Writes what there is, and then what comes, until the reader goes away.
    async fn follow(&self, books: &dyn Books, which: &Lines, tale: &Tale) -> Result<(), Failure> {
        // The newest is read even if it is not to be written: what comes is behind it.
        let mut lines = latest(books, which, self.most.max(1)).await?;
        let mut last = lines.last().map(|line| line.id);
        if self.most == 0 {
            lines.clear();
        }
        while tale.say(&lines)? {
            if lines.len() < PAGE {
                tokio::time::sleep(OFTEN).await;
            }
            let next = Lines { behind: last, most: PAGE, ..which.clone() };
            lines = books.events(&next).await?;
            last = lines.last().map(|line| line.id).or(last);
        }
        Ok(())
    }
}

/// Returns the latest lines, the newest last.
async fn latest(books: &dyn Books, which: &Lines, most: usize) -> Result<Vec<Line>, Failure> {
    let mut found: Vec<Line> = Vec::new();
    while found.len() < most {
        let most = (most - found.len()).min(PAGE);
        let behind = found.last().map(|line| line.id);
        let next = Lines { behind, newest_first: true, most, ..which.clone() };
        let lines = books.events(&next).await?;
        let is_last = lines.len() < most;
        found.extend(lines);
        if is_last {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// How lines are told: with amounts in their unit, or to programs.
#[derive(Debug)]
struct Tale {
    policy: Policy,
    json: bool,
}

impl Tale {
    /// Writes `lines`; returns false if the reader has gone away.
    fn say(&self, lines: &[Line]) -> io::Result<bool> {
        let mut text = String::new();
        for line in lines {
            if self.json {
                text.push_str(&serde_json::to_string(&Told::from(line))?);
            } else {
                text.push_str(&sentence(line, &self.policy.measure(&line.event.resource)));
            }
            text.push('\n');
        }
        if text.is_empty() { Ok(true) } else { write_out(&text) }
    }
}

/// Returns a line for people: `2026-06-18T12:00:00Z  use     @alice  300 MB of media_bytes, key a`.
fn sentence(line: &Line, measure: &Measure) -> String {
    let Line { event, recorded, key, .. } = line;
    let resource = &event.resource;
    let what = match (event.kind, &event.member) {
        (Kind::Lapse | Kind::Reset, _) => resource.to_string(),
        // What a caller has named may hold anything.
        (_, Some(member)) => format!("{} of {resource}", member.escape_debug()),
        (_, None) => format!("{} of {resource}", words::amount(measure, event.amount)),
    };
    let (kind, subject) = (event.kind.name(), &event.subject);
    let mut text = format!("{recorded}  {kind:<6}  {subject}  {what}");
    let mut add = |said: String| text.push_str(&said);
    if let Some(bucket) = &event.bucket {
        add(format!(", only {bucket}"));
    }
    if let Some(key) = key {
        add(format!(", key {}", key.name.escape_debug()));
    }
    if let Some(id) = event.hold {
        add(format!(", reservation {id}"));
    }
    if recorded.to_string() != event.at.to_string() {
        add(format!(", counts at {}", event.at));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::event::Event;
    use crate::quota::idempotency::Key;

    fn line(kind: Kind, amount: i64) -> Line {
        let recorded: Timestamp = "2026-06-18T12:00:00.250Z".parse().unwrap();
        let event = Event {
            subject: "@alice".parse().unwrap(),
            group: None,
            resource: "media_bytes".parse().unwrap(),
            kind,
            amount: Amount::new(amount),
            member: None,
            at: recorded,
            hold: None,
            bucket: None,
        };
        Line { id: 7, event, recorded, key: None }
    }

    #[test]
    fn a_line_for_people_says_what_when_and_to_whom() {
        let mut used = line(Kind::Use, 300_000_000);
        let told = |line: &Line| sentence(line, &Measure::BYTES);
        let plain = "2026-06-18T12:00:00Z  use     @alice  300 MB of media_bytes";
        assert_eq!(told(&used), plain);
        used.key = Some(Key { name: "up\nload".to_owned(), fingerprint: Vec::new() });
        used.event.at = "2026-06-17".parse().unwrap();
        let more = ", key up\\nload, counts at 2026-06-17T00:00:00Z";
        assert_eq!(told(&used), format!("{plain}{more}"));
        let mut reset = line(Kind::Reset, 0);
        reset.event.bucket = Some("2026-06".to_owned());
        let expected = "2026-06-18T12:00:00Z  reset   @alice  media_bytes, only 2026-06";
        assert_eq!(told(&reset), expected);
    }

    #[test]
    fn a_line_for_programs_keeps_its_milliseconds() {
        let told = serde_json::to_string(&Told::from(&line(Kind::Use, 5))).unwrap();
        let expected = concat!(
            r#"{"id":7,"subject":"@alice","group":null,"resource":"media_bytes","kind":"use","#,
            r#""amount":5,"member":null,"at":"2026-06-18T12:00:00.25Z","#,
            r#""recorded":"2026-06-18T12:00:00.25Z","reservation":null,"key":null,"bucket":null}"#,
        );
        assert_eq!(told, expected);
    }
}
