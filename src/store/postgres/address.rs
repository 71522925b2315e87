//! Address: where the database is, in which schema, and how the way there is kept private.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::{Connector, Proof};
use crate::store::{StoreError, StoreUrl};

/// How long connecting to one host may take, the TCP handshake alone.
const CONNECT: Duration = Duration::from_secs(3);

/// How long sent bytes may stay without an answer of the other machine.
const SILENT: Duration = Duration::from_secs(10);

/// A database, and all it takes to get in.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) schema: Schema,
    pub(super) connector: Connector,
    /// The URL as it may be shown.
    pub(super) shown: String,
}

/// Never the password that is in the rest.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

/// The name of the schema the tables are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schema(String);

impl Schema {
    /// The longest name PostgreSQL keeps whole, in bytes.
    const MAX_BYTES: usize = 63;

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns it as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl FromStr for Schema {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Self, StoreError> {
        let is_long = name.is_empty() || name.len() > Self::MAX_BYTES;
        if is_long || name.chars().any(char::is_control) {
            let most = Self::MAX_BYTES;
            return Err(refused(format!(
                "a schema is named by 1 to {most} bytes without control characters: write \
                 ?schema=metergate"
            )));
        }
        if name.starts_with("pg_") || name == "information_schema" {
            let text = format!("schema={name} is PostgreSQL's own: write ?schema=metergate");
            return Err(refused(text));
        }
        Ok(Self(name.to_owned()))
    }
}

impl Address {
    pub(super) fn parse(url: &StoreUrl) -> Result<Self, StoreError> {
        let (rest, own) = split(url.secret())?;
        let mut config = Config::from_str(&rest).map_err(|error| {
            // The texts of the driver name a parameter at most, never its value.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            refused(format!("{cause}: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refused("it names no host: write postgresql://USER@HOST/DATABASE"));
        }
        let proof = own.proof()?;
        config.ssl_mode(proof.map_or(SslMode::Disable, |proof| ssl_mode(proof, &config)));
        let proof = match proof {
            // As libpq does: naming whom to trust is wanting to know.
            Some(Proof::IfOffered | Proof::Anyone) if own.roots.is_some() => Proof::Chain,
            Some(proof) => proof,
            None => Proof::Anyone,
        };
        let connector = Connector::of(proof, own.roots.as_deref())?;
        settle(&mut config);
        let schema = own.schema.as_deref().unwrap_or("metergate").parse()?;
        Ok(Self { config, schema, connector, shown: url.to_string() })
    }
}

/// Returns how much the driver has to insist on TLS.
///
/// A password never goes in clear to another machine unless `sslmode=disable` says so: where
/// libpq would fall back to no TLS, here that is an error.
fn ssl_mode(proof: Proof, config: &Config) -> SslMode {
    let has_secret = config.get_password().is_some();
    match proof {
        Proof::IfOffered if !has_secret || is_local(config) => SslMode::Prefer,
        Proof::IfOffered | Proof::Anyone | Proof::Chain | Proof::Name => SslMode::Require,
    }
}

/// Returns true if no byte leaves this machine.
fn is_local(config: &Config) -> bool {
    let by_address = config.get_hostaddrs();
    if !by_address.is_empty() {
        return by_address.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    })
}

/// Sets what the URL leaves open.
fn settle(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("metergate");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENT);
    }
    config.keepalives(true).keepalives_idle(Duration::from_secs(5));
    config.keepalives_interval(Duration::from_secs(2)).keepalives_retries(3);
    let is_many = config.get_hosts().len() > 1 || config.get_hostaddrs().len() > 1;
    if is_many && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        // Of several, one is the primary.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

/// The parameters that are not for the driver.
#[derive(Debug, Default)]
struct Parameters {
    schema: Option<String>,
    mode: Option<String>,
    roots: Option<PathBuf>,
}

impl Parameters {
    /// Returns what the server has to prove; none if there is to be no TLS.
    fn proof(&self) -> Result<Option<Proof>, StoreError> {
        Ok(match self.mode.as_deref() {
            Some("disable") => None,
            None | Some("prefer") => Some(Proof::IfOffered),
            Some("require") => Some(Proof::Anyone),
            Some("verify-ca") => Some(Proof::Chain),
            Some("verify-full") => Some(Proof::Name),
            Some(_) => {
                return Err(refused(
                    "sslmode is not known: write disable, prefer, require, verify-ca or \
                     verify-full",
                ));
            }
        })
    }
}

/// Returns the URL without our own parameters, and these.
fn split(url: &str) -> Result<(String, Parameters), StoreError> {
    let mut own = Parameters::default();
    let Some((bare, parameters)) = url.split_once('?') else {
        return Ok((url.to_owned(), own));
    };
    let mut rest = Vec::new();
    for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| refused(format!("{name} is not UTF-8")))?.into_owned();
        match name {
            "schema" => own.schema = Some(value),
            "sslmode" => own.mode = Some(value),
            "sslrootcert" => own.roots = Some(PathBuf::from(value)).filter(|it| !is_system(it)),
            _ => rest.push(parameter),
        }
    }
    let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Ok((format!("{bare}{rest}"), own))
}

/// As libpq: the roots of the system, which are taken anyway.
fn is_system(roots: &std::path::Path) -> bool {
    roots == std::path::Path::new("system")
}

pub(super) fn refused(why: impl Into<String>) -> StoreError {
    let why = why.into();
    StoreError::Misconfigured(format!("the address of the database cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Address, StoreError> {
        Address::parse(&StoreUrl::new(url))
    }

    fn why(url: &str) -> String {
        parsed(url).unwrap_err().to_string()
    }

    #[test]
    fn our_own_parameters_are_kept_from_the_driver() {
        let url = "postgresql://me:s3cret@db/quota?schema=my%20%22books%22&sslmode=disable\
                   &connect_timeout=7";
        let address = parsed(url).unwrap();
        assert_eq!(address.schema.quoted(), "\"my \"\"books\"\"\"");
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(7)));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(address.config.get_application_name(), Some("metergate"));
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn a_password_goes_to_another_machine_only_under_tls() {
        for (url, mode) in [
            ("postgresql://me:s3cret@db/quota", SslMode::Require),
            ("postgresql://me:s3cret@db/quota?sslmode=prefer", SslMode::Require),
            ("postgresql://me:s3cret@10.0.0.1/quota", SslMode::Require),
            ("postgresql://me@db/quota", SslMode::Prefer),
            ("postgresql://me:s3cret@localhost/quota", SslMode::Prefer),
            ("postgresql://me:s3cret@127.0.0.1/quota", SslMode::Prefer),
            ("postgresql://me:s3cret@%2Frun%2Fpostgresql/quota", SslMode::Prefer),
            ("postgresql://me:s3cret@localhost,db/quota", SslMode::Require),
            ("postgresql://me:s3cret@db/quota?sslmode=disable", SslMode::Disable),
        ] {
            assert_eq!(parsed(url).unwrap().config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for (url, part) in [
            ("postgresql://me:s3cret@db/quota?sslmode=maybe", "write disable, prefer"),
            ("postgresql://me:s3cret@db/quota?schema=", "?schema=metergate"),
            ("postgresql://me:s3cret@db/quota?schema=pg_mine", "PostgreSQL's own"),
            ("postgresql://me:s3cret@db:port/quota", "postgresql://USER"),
            ("postgresql://me:s3cret@db/quota?colour=red", "colour"),
            ("postgresql:///quota?user=me&password=s3cret", "names no host"),
            ("postgresql://me:s3cret@db/quota?sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let why = why(url);
            assert!(why.contains(part), "{url}: {why}");
            assert!(!why.contains("s3cret"), "{why}");
        }
    }
}
