//! `[admin]`: where the admin API listens, and who may call.

use crate::api::Settings;
use crate::config::error::Place;
use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{from_file, parsed, text};
use crate::net::Address;
use crate::quota::Invalid;
use crate::telemetry::Secret;

/// The shortest token there may be, and the shortest that is not warned about beyond loopback.
const SHORTEST: usize = 4;
const SHORT: usize = 16;

/// `port` is the flag of that name: it changes the port, and nothing else of the address.
pub(in crate::config) fn admin(whole: &Section<'_>, port: Option<u16>) -> Settings {
    let section = whole.section("admin");
    let mut read = Settings::default();
    if let Some(listen) = section.value("listen", address) {
        read.listen = listen;
    }
    match (&mut read.listen, port) {
        (Address::Tcp(address), Some(port)) => address.set_port(port),
        (Address::Unix(_), Some(_)) => section.notes.complain(
            &Place::Flag("--port"),
            "[admin] listen is a Unix socket, which has no port: leave --port out",
        ),
        // Refused below.
        (Address::Systemd, _) | (_, None) => {}
    }
    read.token = section.value("token", token);
    if let Some(from_file) = section.value("token_file", token_file) {
        read.token.get_or_insert(from_file);
    }
    if section.place("token").is_some() {
        section.refuse("token_file", "[admin] token says it too: keep one");
    }
    guarded(&section, &read);
    section.done();
    read
}

/// Complains if others than this machine can reach the API, and nothing keeps them out.
fn guarded(section: &Section<'_>, read: &Settings) {
    let here = match &read.listen {
        Address::Tcp(address) => address.ip().to_canonical().is_loopback(),
        Address::Unix(_) | Address::Systemd => true,
    };
    let token_is_said = ["token", "token_file"].map(|key| section.place(key).is_some());
    if here {
        return;
    }
    if !token_is_said.contains(&true) {
        let text =
            "can be reached from other machines: set token or token_file, or listen on 127.0.0.1";
        section.refuse("listen", format!("{} {text}", read.listen));
    }
    if read.token.as_ref().is_some_and(|it| it.reveal().len() < SHORT) {
        section.warn(
            "listen",
            format!("can be reached from other machines, and the token is short: write at least {SHORT} characters"),
        );
    }
}

fn address(node: &Node) -> Result<Address, Invalid> {
    match parsed(node)? {
        Address::Systemd => Err(Invalid::new(
            "systemd passes the proxy's sockets only: write an address, like \"127.0.0.1:8400\"",
        )),
        address => Ok(address),
    }
}

fn token(node: &Node) -> Result<Secret, Invalid> {
    secret(text(node)?)
}

fn token_file(node: &Node) -> Result<Secret, Invalid> {
    secret(from_file(node)?.trim())
}

/// Makes a token of `text`; the complaint does not repeat it.
fn secret(text: &str) -> Result<Secret, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("the token is empty: write one, or leave it out"));
    }
    if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(Invalid::new(
            "the token may hold letters, digits and signs, no spaces and nothing beyond ASCII",
        ));
    }
    if text.len() < SHORTEST {
        return Err(Invalid::new(format!(
            "the token is too short: write at least {SHORTEST} characters, better {SHORT}"
        )));
    }
    Ok(Secret::new(text))
}
