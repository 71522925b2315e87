//! `[server]`: where the proxy listens, whom it trusts, what this instance is called.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{parsed, text, yes};
use crate::net::{Address, Certificate};
use crate::quota::{Invalid, resource};

/// What the section says; what it does not say is absent.
pub(in crate::config) struct Server {
    pub(in crate::config) listen: Option<Vec<Address>>,
    pub(in crate::config) certificates: Vec<Certificate>,
    pub(in crate::config) trusted_proxies: Option<Vec<IpNet>>,
    pub(in crate::config) proxy_protocol: Option<bool>,
    pub(in crate::config) instance: Option<String>,
}

pub(in crate::config) fn server(whole: &Section<'_>) -> Server {
    let section = whole.section("server");
    let read = Server {
        listen: section.list("listen", parsed),
        certificates: tls(&section),
        trusted_proxies: section.list("trusted_proxies", network),
        proxy_protocol: section.value("proxy_protocol", yes),
        instance: section.value("instance", |node| {
            let name = text(node)?;
            resource::name(name, "server instance").map(|name| name.as_ref().to_owned())
        }),
    };
    if let Some(listen) = &read.listen {
        for (index, address) in listen.iter().enumerate() {
            if listen.iter().skip(index + 1).any(|it| it == address) {
                section.refuse("listen", format!("says {address} twice: keep one"));
            }
        }
        let said_nothing = section.items("listen").is_empty();
        if said_nothing {
            section.refuse("listen", "needs an address, like \"127.0.0.1:8010\"");
        }
    }
    section.done();
    read
}

/// Reads the files that `[server.tls]` names; a file that is no good is told with its key.
fn tls(server: &Section<'_>) -> Vec<Certificate> {
    let section = server.section("tls");
    let files = |key| section.list(key, |node| text(node).map(PathBuf::from)).unwrap_or_default();
    let (certs, keys) = (files("cert"), files("key"));
    section.needs("cert", "\"/etc/metergate/fullchain.pem\"");
    section.needs("key", "\"/etc/metergate/privkey.pem\"");
    let mut certificates = Vec::new();
    if certs.len() == keys.len() {
        for (cert, key) in certs.iter().zip(&keys) {
            match Certificate::read(cert, key) {
                Ok(certificate) => certificates.push(certificate),
                Err(bad) if bad.is_about_the_certificate(cert) => section.refuse("cert", bad),
                Err(bad) => section.refuse("key", bad),
            }
        }
    } else if !certs.is_empty() && !keys.is_empty() {
        section.refuse("key", "needs as many files as cert has, in the same order");
    }
    if certificates.is_empty() && certs.is_empty() && section.place("cert").is_some() {
        section.refuse("cert", "needs a file, like \"/etc/metergate/fullchain.pem\"");
    }
    section.done();
    certificates
}

/// Reads an address or a network; an address is the network of itself.
fn network(node: &Node) -> Result<IpNet, Invalid> {
    let text = text(node)?;
    let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse::<IpNet>());
    network.map(|network| network.trunc()).map_err(|_| {
        Invalid::new(format!(
            "\"{text}\" is not an IP address or network: write 127.0.0.1, ::1 or 10.0.0.0/8"
        ))
    })
}
