//! Changes: what differs between two settings, as far as only a restart applies it.

use super::settings::Settings;
use crate::telemetry::log;
use crate::{api, proxy};

impl Settings {
    /// Returns the keys and sections in which `new` differs from what a process runs by, but for
    /// what it can apply while running: the policy, what is metered, certificates, who is told, and
    /// the log's level.
    #[must_use]
    pub fn needing_restart(&self, new: &Self) -> Vec<&'static str> {
        // Taken apart, so that a setting that is added is not forgotten here.
        let Self {
            proxy,
            auth,
            admin,
            storage,
            store_timeout,
            keep_events,
            on_outage,
            journal,
            instance,
            log,
            policy: _,
            notify: _,
        } = self;
        let api::Settings { listen, token, access_log } = admin;
        let log::Settings { level: _, format } = log;
        let mut changed = changed(proxy.as_ref(), new.proxy.as_ref());
        changed.extend(differing(&[
            ("[auth]", *auth != new.auth),
            ("[admin] listen", *listen != new.admin.listen),
            ("[admin] token", *token != new.admin.token),
            ("[storage] url", *storage != new.storage),
            ("[storage] timeout", *store_timeout != new.store_timeout),
            ("[storage] keep_events", *keep_events != new.keep_events),
            ("[storage] on_outage", *on_outage != new.on_outage),
            ("[storage] journal", *journal != new.journal),
            ("[server] instance", *instance != new.instance),
            ("[log] format", *format != new.log.format),
            // Told with the proxy's where there is one.
            ("[log] access", proxy.is_none() && *access_log != new.admin.access_log),
        ]));
        changed
    }
}

fn changed(old: Option<&proxy::Settings>, new: Option<&proxy::Settings>) -> Vec<&'static str> {
    let (Some(old), Some(new)) = (old, new) else {
        return differing(&[("[upstream]", old != new)]);
    };
    let proxy::Settings {
        listen,
        certificates,
        trusted_proxies,
        proxy_protocol,
        upstream,
        protocol,
        roots,
        limits,
        refusal,
        page,
        access_log,
        meters: _,
    } = old;
    let there = (upstream, protocol, roots);
    // Others are shown while running; to begin or end with TLS is a matter of the start.
    let sealed = certificates.is_empty() != new.certificates.is_empty();
    differing(&[
        ("[server] listen", *listen != new.listen),
        ("[server.tls]", sealed),
        ("[server] trusted_proxies", *trusted_proxies != new.trusted_proxies),
        ("[server] proxy_protocol", *proxy_protocol != new.proxy_protocol),
        ("[upstream]", there != (&new.upstream, &new.protocol, &new.roots)),
        ("[limits]", *limits != new.limits),
        ("[reject]", *refusal != new.refusal),
        ("[page]", *page != new.page),
        ("[log] access", *access_log != new.access_log),
    ])
}

fn differing(all: &[(&'static str, bool)]) -> Vec<&'static str> {
    all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::Protocol;
    use crate::quota::{Layer, OnOutage};
    use crate::store::StorageSpec;
    use crate::telemetry::Secret;

    fn settings() -> Settings {
        let proxy = proxy::Settings::before("http://127.0.0.1:8008".parse().unwrap());
        Settings { proxy: Some(proxy), ..Settings::default() }
    }

    #[track_caller]
    fn assert_needs(change: impl FnOnce(&mut Settings, &mut proxy::Settings), named: &[&str]) {
        let mut new = settings();
        let mut proxy = new.proxy.take().unwrap();
        change(&mut new, &mut proxy);
        new.proxy = Some(proxy);
        assert_eq!(settings().needing_restart(&new), named);
        assert_eq!(new.needing_restart(&settings()), named);
    }

    #[test]
    fn policy_and_level_need_no_restart() {
        assert_needs(
            |new, _| {
                new.policy = Layer { default_group: Some("free".to_owned()), ..Layer::default() };
                new.log.level = tracing::Level::TRACE;
            },
            &[],
        );
    }

    #[test]
    fn everything_else_is_named() {
        assert_needs(|_, proxy| proxy.listen.clear(), &["[server] listen"]);
        assert_needs(|_, proxy| proxy.trusted_proxies.clear(), &["[server] trusted_proxies"]);
        assert_needs(|_, proxy| proxy.proxy_protocol = true, &["[server] proxy_protocol"]);
        assert_needs(|_, proxy| proxy.protocol = Protocol::H2c, &["[upstream]"]);
        assert_needs(|_, proxy| proxy.upstream = "unix:/x".parse().unwrap(), &["[upstream]"]);
        assert_needs(|_, proxy| proxy.limits.connections = 7, &["[limits]"]);
        assert_needs(|_, proxy| proxy.refusal.info_uri = Some(String::new()), &["[reject]"]);
        assert_needs(|_, proxy| proxy.page.limits = false, &["[page]"]);
        assert_needs(|_, proxy| proxy.access_log = true, &["[log] access"]);
        assert_needs(|new, _| new.auth.cache_entries = 7, &["[auth]"]);
        assert_needs(
            |new, _| new.admin.listen = "127.0.0.1:1".parse().unwrap(),
            &["[admin] listen"],
        );
        assert_needs(|new, _| new.admin.token = Some(Secret::new("x")), &["[admin] token"]);
        assert_needs(|new, _| new.storage = StorageSpec::Memory, &["[storage] url"]);
        assert_needs(|new, _| new.store_timeout = Duration::from_secs(7), &["[storage] timeout"]);
        assert_needs(|new, _| new.keep_events = Duration::from_secs(7), &["[storage] keep_events"]);
        assert_needs(|new, _| new.on_outage = OnOutage::Open, &["[storage] on_outage"]);
        assert_needs(|new, _| new.journal = None, &["[storage] journal"]);
        assert_needs(|new, _| new.instance = Some("a".to_owned()), &["[server] instance"]);
        assert_needs(|new, _| new.log.format = log::Format::Json, &["[log] format"]);
    }

    #[test]
    fn all_that_changed_is_named_at_once() {
        assert_needs(
            |new, proxy| {
                proxy.limits.connections = 7;
                new.auth.cache_entries = 7;
            },
            &["[limits]", "[auth]"],
        );
        let alone = Settings::default();
        assert_eq!(settings().needing_restart(&alone), ["[upstream]"]);
        assert_eq!(alone.needing_restart(&settings()), ["[upstream]"]);
    }
}
