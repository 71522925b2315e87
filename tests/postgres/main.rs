//! What only a server of PostgreSQL promises: what becomes of calls when it goes away, when others
//! are in the way, and when it is not what it should be. What every store promises is in
//! `src/conformance`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/servers/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests need other servers")]
mod servers;

mod contending;
mod examining;
mod losing;
mod naming;
mod opening;
mod private;

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use metergate::store::StoreUrl;
use metergate::store::postgres::Postgres as Store;

use servers::Postgres;

/// The server of all tests that leave it as it is.
fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start().unwrap())
}

fn opened(url: &str) -> Store {
    Store::open(&StoreUrl::new(url)).unwrap()
}

/// Runs a statement beside the store, in the schema `namespace`; returns what it prints.
fn tell(server: &Postgres, namespace: &str, statement: &str) -> String {
    let said = psql(server, namespace, statement).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn psql(server: &Postgres, namespace: &str, statement: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-Atqc", statement, &server.base()]);
    psql.env("PGOPTIONS", format!("-c search_path={namespace}"));
    psql
}

/// Waits until `statement` prints `expected`.
fn until(server: &Postgres, namespace: &str, statement: &str, expected: &str) {
    for _ in 0..600 {
        if tell(server, namespace, statement) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{statement} never gave {expected}");
}

/// Returns an error with all that caused it.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
