//! Runs one command line from its words to its exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::answer::{self, Answer};
use super::args::{Args, Command, OnBooks};
use super::books::{Books, Here, There};
use super::exit::{Exit, Failure};
use super::place::Chosen;
use super::{mistake, visit};

/// Runs what the command line of this process asks for; returns its exit code.
///
/// Blocks until that is done, which for `serve` is when it is told to stop.
#[must_use]
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(mistake) => return mistake::tell(&mistake).into(),
    };
    let json = args.json;
    let said = execute(args).and_then(|answer| {
        answer.say(json)?;
        Ok(answer.exit)
    });
    let exit = said.unwrap_or_else(|failure| {
        for sentence in failure.sentences() {
            answer::complain("error", &sentence);
        }
        failure.exit()
    });
    exit.into()
}

fn execute(args: Args) -> Result<Answer, Failure> {
    let Args { place, json, command } = args;
    match command {
        Command::Serve(serve) => {
            serve.run(place.no_server_for("serve")?).map(|()| Answer::silent(Exit::Done))
        }
        Command::Config(config) => {
            place.no_server_for("config check")?;
            config.run()
        }
        Command::Completions(completions) => {
            place.no_server_for("completions")?;
            completions.run(Args::command())
        }
        Command::Man(man) => {
            place.no_server_for("man")?;
            man.run(Args::command())
        }
        Command::Doctor(doctor) => doctor.run(place),
        Command::Move(to) => on_runtime(to.run(place.store_for("move")?)),
        Command::OnBooks(command) => on_runtime(visiting(place.chosen()?, command, json)),
    }
}

/// Runs `visit` to its end on this thread.
fn on_runtime(visit: impl Future<Output = Result<Answer, Failure>>) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(visit)
}

/// Opens the books, runs `command` on them, and closes them whatever came of that.
async fn visiting(place: Chosen, command: OnBooks, json: bool) -> Result<Answer, Failure> {
    let books: Box<dyn Books> = match place {
        Chosen::Store(named) => Box::new(Here::on(visit::open(named).await?)),
        Chosen::Server(server) => Box::new(There::at(server)),
    };
    let answer = on_books(command, &*books, json).await;
    let closed = books.close().await;
    let answer = answer?;
    closed?;
    Ok(answer)
}

/// Runs one command. What is long is written as it is found, in words or in `json`.
async fn on_books(command: OnBooks, books: &dyn Books, json: bool) -> Result<Answer, Failure> {
    match command {
        OnBooks::Group(group) => group.run(books).await,
        OnBooks::Cap(capability) => capability.run(books).await,
        OnBooks::Rule(rule) => rule.run(books).await,
        OnBooks::User(user) => user.run(books).await,
        OnBooks::Override(overrides) => overrides.run(books).await,
        OnBooks::Boost(boost) => boost.run(books).await,
        OnBooks::Resource(resource) => resource.run(books).await,
        OnBooks::Use(fact) => fact.run(books).await,
        OnBooks::Set(set) => set.run(books).await,
        OnBooks::Reset(reset) => reset.run(books).await,
        OnBooks::Check(check) => check.run(books).await,
        OnBooks::Explain(explain) => explain.run(books).await,
        OnBooks::Usage(usage) => usage.run(books).await,
        OnBooks::Summary(summary) => summary.run(books).await,
        OnBooks::History(history) => history.run(books).await,
        OnBooks::Events(events) => events.run(books, json).await,
        OnBooks::Subjects(subjects) => subjects.run(books, json).await,
        OnBooks::Over(over) => over.run(books, json).await,
        OnBooks::Top(top) => top.run(books).await,
        OnBooks::Export(export) => export.run(books).await,
        OnBooks::Import(import) => import.run(books).await,
        OnBooks::Simulate(simulate) => simulate.run(books).await,
        OnBooks::Rebuild(rebuild) => rebuild.run(books).await,
    }
}
