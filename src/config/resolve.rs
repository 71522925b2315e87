//! resolve: the tree → Settings; what sections say against each other.

use std::net::IpAddr;
use std::path::Path;

use super::error::Place;
use super::notes::Notes;
use super::section::Section;
use super::sections::{
    Server, Storage, Upstream, admin, auth, limits, log, meter, notify, page, policy, reject,
    server, storage, upstream,
};
use super::settings::Settings;
use super::tree::Table;
use crate::net::{Address, Origin};
use crate::proxy;

/// Reads the whole tree; what is wrong is noted and replaced by its default. `state` is the folder
/// that the service manager keeps for this service.
pub(super) fn resolve(
    tree: &Table,
    port: Option<u16>,
    state: Option<&Path>,
    notes: &Notes,
) -> Settings {
    let whole = Section::whole(tree, notes);
    let server = server(&whole);
    let Upstream { origin: upstream, protocol, roots } = upstream(&whole);
    let auth = auth(&whole);
    let mut admin = admin(&whole, port);
    let Storage { spec: storage, timeout: store_timeout, keep_events, on_outage, journal } =
        storage(&whole, state);
    let refusal = reject(&whole);
    let page = page(&whole);
    let (log, access) = log(&whole);
    admin.access_log = access.unwrap_or_default();
    let limits = limits(&whole);
    let mut policy = policy(&whole);
    let meters = meter(&whole, &mut policy);
    let notify = notify(&whole);
    let instance = server.instance.clone();
    if upstream.is_none() {
        needs_upstream(&whole);
    }
    let proxy = upstream.map(|upstream| proxy::Settings {
        protocol,
        roots,
        limits,
        refusal,
        page,
        meters,
        ..proxy(server, upstream, access)
    });
    if let Some(proxy) = &proxy {
        apart(&whole, proxy, &admin.listen, port);
    }
    whole.done();
    Settings {
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
        policy,
        notify,
    }
}

fn proxy(server: Server, upstream: Origin, access: Option<bool>) -> proxy::Settings {
    let default = proxy::Settings::before(upstream);
    proxy::Settings {
        listen: server.listen.unwrap_or(default.listen),
        certificates: server.certificates,
        trusted_proxies: server.trusted_proxies.unwrap_or(default.trusted_proxies),
        proxy_protocol: server.proxy_protocol.unwrap_or(default.proxy_protocol),
        access_log: access.unwrap_or(default.access_log),
        ..default
    }
}

/// Warns if the proxy is told where to listen, but not where to pass on to.
fn needs_upstream(whole: &Section<'_>) {
    if whole.place("upstream").is_none() {
        let text = "nothing is proxied without [upstream] url: only the quota API runs";
        whole.section("server").warn("listen", text);
    }
}

/// Complains if two listen at one place, or the upstream is where metergate itself listens.
fn apart(whole: &Section<'_>, proxy: &proxy::Settings, admin: &Address, port: Option<u16>) {
    if proxy.listen.iter().any(|address| meet(address, admin)) {
        let said = |section| whole.section(section).place("listen");
        let flag = port.map(|_| &Place::Flag("--port"));
        if let Some(place) = flag.or_else(|| said("admin")).or_else(|| said("server")) {
            let text = format!(
                "[server] listen and [admin] listen meet at {admin}: choose another address for one of them"
            );
            whole.notes.complain(place, text);
        }
    }
    let own = proxy.listen.iter().chain([admin]);
    if let Some(address) = own.into_iter().find(|it| leads_to(&proxy.upstream, it)) {
        let text = "is where metergate itself listens: write the address of the homeserver";
        whole.section("upstream").refuse("url", format!("{address} {text}"));
    }
}

/// Returns true if the two cannot both be listened at.
fn meet(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => {
            let overlap = one.ip() == other.ip()
                || (one.is_ipv4() == other.is_ipv4()
                    && (one.ip().is_unspecified() || other.ip().is_unspecified()));
            one.port() != 0 && one.port() == other.port() && overlap
        }
        (one, other) => one == other,
    }
}

/// Returns true if a connection to `origin` surely arrives at `address`.
fn leads_to(origin: &Origin, address: &Address) -> bool {
    match (origin, address) {
        (Origin::Unix(one), Address::Unix(other)) => one == other,
        (Origin::Tcp { host, port } | Origin::Https { host, port }, Address::Tcp(address)) => {
            let (here, at) = (address.ip().to_canonical(), host.parse::<IpAddr>());
            let same = match at.map(|ip| ip.to_canonical()) {
                Ok(ip) => {
                    ip == here || (here.is_unspecified() && ip.is_loopback()) || ip.is_unspecified()
                }
                Err(_) => {
                    host.eq_ignore_ascii_case("localhost")
                        && (here.is_loopback() || here.is_unspecified())
                }
            };
            *port == address.port() && same
        }
        _ => false,
    }
}
