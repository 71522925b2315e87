//! Runs one command line from its words to its exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::answer::{self, Answer};
use super::args::{Args, Command, OnStore};
use super::exit::{Exit, Failure};
use super::{mistake, visit};
use crate::engine::Engine;

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
    match args.command {
        Command::Serve(serve) => serve.run(args.storage).map(|()| Answer::silent(Exit::Done)),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(args.storage),
        Command::Completions(completions) => completions.run(Args::command()),
        Command::Man(man) => man.run(Args::command()),
        Command::OnStore(command) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(visiting(args.storage, command, args.json)),
    }
}

/// Opens the store, runs `command` on it, and closes it whatever came of that.
async fn visiting(
    storage: Option<String>,
    command: OnStore,
    json: bool,
) -> Result<Answer, Failure> {
    let engine = visit::open(storage).await?;
    let answer = on_engine(command, &engine, json).await;
    let closed = engine.close().await;
    let answer = answer?;
    closed?;
    Ok(answer)
}

/// Runs one command. What is long is written as it is found, in words or in `json`.
async fn on_engine(command: OnStore, engine: &Engine, json: bool) -> Result<Answer, Failure> {
    match command {
        OnStore::Group(group) => group.run(engine).await,
        OnStore::Cap(capability) => capability.run(engine).await,
        OnStore::Rule(rule) => rule.run(engine).await,
        OnStore::User(user) => user.run(engine).await,
        OnStore::Override(overrides) => overrides.run(engine).await,
        OnStore::Boost(boost) => boost.run(engine).await,
        OnStore::Resource(resource) => resource.run(engine).await,
        OnStore::Use(fact) => fact.run(engine).await,
        OnStore::Set(set) => set.run(engine).await,
        OnStore::Reset(reset) => reset.run(engine).await,
        OnStore::Check(check) => check.run(engine).await,
        OnStore::Explain(explain) => explain.run(engine).await,
        OnStore::Usage(usage) => usage.run(engine).await,
        OnStore::Summary(summary) => summary.run(engine).await,
        OnStore::History(history) => history.run(engine).await,
        OnStore::Events(events) => events.run(engine, json).await,
        OnStore::Subjects(subjects) => subjects.run(engine, json).await,
        OnStore::Over(over) => over.run(engine, json).await,
        OnStore::Top(top) => top.run(engine).await,
        OnStore::Export(export) => export.run(engine).await,
        OnStore::Import(import) => import.run(engine).await,
        OnStore::Move(to) => to.run(engine).await,
        OnStore::Simulate(simulate) => simulate.run(engine).await,
        OnStore::Rebuild(rebuild) => rebuild.run(engine).await,
    }
}
