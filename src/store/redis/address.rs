//! Address: where the books are, as a URL says it, and how to get in.

use redis::{ConnectionInfo, IntoConnectionInfo, RedisResult};

use super::keys::Keys;
use crate::store::{StoreError, StoreUrl};

/// The prefix of all keys, unless the URL names another.
const PREFIX: &str = "metergate";

/// Where the books are.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) servers: Servers,
    pub(super) keys: Keys,
    /// The prefix of all keys.
    pub(super) prefix: String,
}

/// Which servers keep them.
#[derive(Clone, Debug)]
pub(super) enum Servers {
    /// This one.
    One(Box<ConnectionInfo>),
    /// A Cluster, of which these are some.
    Cluster(Vec<ConnectionInfo>),
    /// The one that these Sentinels call the master of that name.
    Sentinel { watchers: Vec<ConnectionInfo>, master: String },
}

impl Address {
    /// Reads `redis://`, `redis+cluster://` and `redis+sentinel://`, with an `s` behind `redis`
    /// over TLS.
    ///
    /// # Errors
    /// Misconfigured, with what is wrong; never with the text, which may hold a password.
    pub(super) fn read(url: &StoreUrl) -> Result<Self, StoreError> {
        let (bare, parameters) = url.secret().split_once('?').unwrap_or((url.secret(), ""));
        let (scheme, rest) = bare.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let (driver, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let mut prefix = PREFIX;
        let mut master = None;
        for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=') {
                Some(("prefix", name)) => prefix = name,
                Some(("master", name)) if kind == "sentinel" => master = Some(name),
                _ => return Err(wrong("it has a parameter other than prefix and master")),
            }
        }
        let fits = |it: char| it.is_ascii_alphanumeric() || "_-.:".contains(it);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.chars().all(fits) {
            return Err(wrong(
                "its prefix is not 1 to 64 letters, digits, \"_\", \"-\", \".\", \":\"",
            ));
        }
        let mut infos = servers(driver, rest)?;
        let servers = match kind {
            "" if infos.len() == 1 => Servers::One(Box::new(infos.remove(0))),
            "" => return Err(wrong("it names several servers: write redis+cluster://…")),
            "cluster" => Servers::Cluster(infos),
            "sentinel" => {
                let text = "it does not say what the Sentinels call the server: add ?master=NAME";
                let master = master.ok_or_else(|| wrong(text))?.to_owned();
                Servers::Sentinel { watchers: infos, master }
            }
            _ => return Err(wrong("its scheme is not redis, redis+cluster or redis+sentinel")),
        };
        Ok(Self { servers, keys: Keys::under(prefix), prefix: prefix.to_owned() })
    }
}

/// Reads `USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE`.
fn servers(driver: &str, rest: &str) -> Result<Vec<ConnectionInfo>, StoreError> {
    let (way_in, place) = rest
        .rsplit_once('@')
        .map_or((String::new(), rest), |(way_in, place)| (format!("{way_in}@"), place));
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    let read = |host: &str| -> RedisResult<ConnectionInfo> {
        format!("{driver}://{way_in}{host}/{database}").into_connection_info()
    };
    let all: RedisResult<Vec<_>> = hosts.split(',').map(read).collect();
    all.map_err(|error| {
        // The cause names what is wrong, not what was written.
        wrong(error.category())
    })
}

fn wrong(why: &str) -> StoreError {
    StoreError::Misconfigured(format!("the address of the store cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Address, String> {
        Address::read(&StoreUrl::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_way_to_write_an_address_is_read() {
        let one = read("redis://me:s3cret@localhost:7000/2?prefix=quota").unwrap();
        assert_eq!(one.keys.root(), "{quota}:");
        let Servers::One(info) = one.servers else { panic!("not one server") };
        assert_eq!(info.addr().to_string(), "localhost:7000");
        assert_eq!(info.redis_settings().username(), Some("me"));
        assert_eq!(info.redis_settings().password(), Some("s3cret"));
        assert_eq!(info.redis_settings().db(), 2);
        let many = read("rediss+cluster://:s3cret@a:1,b:2").unwrap();
        assert_eq!(many.keys.root(), "{metergate}:");
        let Servers::Cluster(infos) = many.servers else { panic!("no cluster") };
        assert_eq!(infos.len(), 2);
        assert!(infos.iter().all(|it| it.redis_settings().password() == Some("s3cret")));
        let watched = read("redis+sentinel://a:1,b:2?master=quota").unwrap();
        assert!(matches!(watched.servers, Servers::Sentinel { master, .. } if master == "quota"));
    }

    #[test]
    fn a_wrong_address_says_what_to_change_and_no_secret() {
        for (text, why) in [
            ("redis://:s3cret@a:1,b:2", "several servers"),
            ("redis+sentinel://:s3cret@a:1", "add ?master=NAME"),
            ("redis://:s3cret@a:1?prefix={x}", "its prefix is not"),
            ("redis://:s3cret@a:1?timeout=3", "a parameter other than"),
            ("redis+ring://:s3cret@a:1", "its scheme is not"),
            ("redis://:s3cret@a:port", ""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("s3cret"), "{text}: {error}");
        }
    }
}
