//! What can be typed: the commands, the flags of all of them, and the first page of help.

use clap::{Parser, Subcommand};

use super::boost::BoostCommand;
use super::capability::CapabilityCommand;
use super::check::Check;
use super::completions::Completions;
use super::config::ConfigCommand;
use super::doctor::Doctor;
use super::events::Events;
use super::explain::Explain;
use super::group::GroupCommand;
use super::history::History;
use super::listing::{Over, Top};
use super::man::Man;
use super::move_to::Move;
use super::overrides::OverrideCommand;
use super::place::Place;
use super::rebuild::Rebuild;
use super::record::{Reset, Use};
use super::resource::ResourceCommand;
use super::rule::RuleCommand;
use super::serve::Serve;
use super::set::Set;
use super::simulate::Simulate;
use super::subjects::Subjects;
use super::summary::Summary;
use super::transfer::{Export, Import};
use super::usage::Usage;
use super::user::UserCommand;

/// The commands by what they are for; a test holds it to the commands there are.
const OVERVIEW: &str = "\
Set up, in three lines:
  metergate group set free media_bytes=500MB/month max_upload_bytes=20MB --default
  metergate serve --upstream http://127.0.0.1:8008
  metergate top media_bytes

Run:
  serve      Stand in front of a homeserver, and serve the API
  config     Check a configuration file

Say who may how much:
  group      Limits that many subjects share
  cap        Actions, and the resources they draw on
  rule       Put subjects into groups by name
  user       Put one subject into a group, or exempt it
  override   Give one subject limits of its own
  boost      Add to the limits of one subject, until a date
  resource   How resources are counted that are not plain sums

Ask and count:
  check      May they? Prints ALLOWED or DENIED, exits 0 or 1
  explain    Why they may or may not, and what would have to change
  use        Record what was used
  set        Bring a count to a value
  reset      Bring a count to zero
  usage      What one subject used, and what is left
  summary    The same of every resource, at one glance
  history    What was used day by day
  events     What happened, line by line
  subjects   Everyone the books know
  over       Who has reached a limit
  top        Who used most

Look after the books:
  export     Everything as one document
  import     Bring a document in, all of it or nothing
  move       Copy everything to another store
  simulate   Whom another policy would have refused
  rebuild    Compare every count with the ledger, and correct it
  doctor     What could make the books lie, or be lost; and whether the store keeps its contract

Shell:
  completions  The script that lets a shell complete commands
  man          The manual

`metergate COMMAND --help` explains a command with examples.";

/// What stands below the options.
const ENDINGS: &str = "\
Books:   on a store (--storage), or through a running server (--server): the same answers
Limits:  500MB/month, 500MB/month,50MB/day, 10000/week, unlimited, 0
         per minute, hour, day, week, month, quarter, year, never, month@15, year@03-01,
         30d@2026-01-01, 30d (from the first use), 'rolling 30d', 'rolling 1 month'
         then soft [ceiling 1GB] [grace 7d], observe, trailing, warn 80 100, in Europe/Berlin,
         per group or per server (shared); kB MB GB TB are 1000s, KiB MiB GiB TiB are 1024s
Dates:   2026-12-01 (its first moment in UTC) or 2026-12-01T12:00:00Z
Exits:   0 done or allowed, 1 denied, 2 bad input, 3 not found, 4 conflict, 5 store unavailable";

/// Upload quotas in front of a Matrix homeserver, and the quota engine behind them.
#[derive(Debug, Parser)]
#[command(
    name = "metergate",
    version,
    arg_required_else_help = true,
    before_help = OVERVIEW,
    after_help = ENDINGS,
    help_template = "{about}\n\n{usage-heading} {usage}\n\n{before-help}Options:\n{options}{after-help}"
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) place: Place,
    /// Answer in JSON, with amounts in base units
    #[arg(long, global = true, display_order = 110)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Serve(Serve),
    #[command(subcommand)]
    Config(ConfigCommand),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
    Move(Move),
    #[command(flatten)]
    OnBooks(OnBooks),
}

/// The commands that do one thing with the books, and leave.
#[derive(Debug, Subcommand)]
pub(super) enum OnBooks {
    #[command(subcommand)]
    Group(GroupCommand),
    #[command(subcommand)]
    Cap(CapabilityCommand),
    #[command(subcommand)]
    Rule(RuleCommand),
    #[command(subcommand)]
    User(UserCommand),
    #[command(subcommand)]
    Override(OverrideCommand),
    #[command(subcommand)]
    Boost(BoostCommand),
    #[command(subcommand)]
    Resource(ResourceCommand),
    Check(Check),
    Explain(Explain),
    Use(Use),
    Set(Set),
    Reset(Reset),
    Usage(Usage),
    Summary(Summary),
    History(History),
    Events(Events),
    Subjects(Subjects),
    Over(Over),
    Top(Top),
    Export(Export),
    Import(Import),
    Simulate(Simulate),
    Rebuild(Rebuild),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_nothing_wrong_with_it() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_overview_names_every_command_and_no_other() {
        let listed: Vec<_> = OVERVIEW
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| !line.starts_with("metergate"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let mut command = Args::command();
        command.build();
        let mut there: Vec<_> = command
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .filter(|name| name != "help")
            .collect();
        let mut listed: Vec<_> = listed.into_iter().map(str::to_owned).collect();
        listed.sort();
        there.sort();
        assert_eq!(listed, there);
    }

    #[test]
    fn every_command_tells_what_it_does_and_shows_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path}");
            let mut below = command.get_subcommands().peekable();
            if below.peek().is_none() {
                let example = command.get_after_help().map(ToString::to_string);
                assert!(example.is_some_and(|text| text.contains("metergate ")), "{path}");
            }
            below.for_each(|command| walk(command, &path));
        }
        Args::command().get_subcommands().for_each(|command| walk(command, ""));
    }

    /// Splits a line as a shell does that knows single quotes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for letter in line.chars().chain(" ".chars()) {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted && word.is_empty() => {}
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                letter => word.push(letter),
            }
        }
        words
    }

    #[test]
    fn every_example_can_be_typed() {
        fn examples(command: &clap::Command) -> Vec<String> {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let own = help.lines().filter(|line| line.starts_with("  metergate "));
            // What a shell does with it is its own affair.
            let own = own.map(|line| line.split(['&', '|', '>']).next().unwrap().to_owned());
            own.chain(command.get_subcommands().flat_map(examples)).collect()
        }
        let overview = OVERVIEW.lines().filter(|line| line.starts_with("  metergate "));
        let overview = overview.map(str::to_owned);
        let all: Vec<_> = overview.chain(examples(&Args::command())).collect();
        assert!(all.len() > 30, "{all:?}");
        for line in all {
            let typed = Args::try_parse_from(words(&line));
            assert!(typed.is_ok(), "{line}: {typed:?}");
        }
    }
}
