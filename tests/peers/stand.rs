//! Stand: a proxy of some kind before a homeserver of its own.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::frames::Frames;
use crate::support::servers::machine::{port, program, until};
use crate::support::servers::watched::Watched;
use crate::support::wire::Stream;
use crate::support::{Answer, Client, Homeserver, Request, Sidecar};

/// How long a client here waits for anything: longer than every limit of the proxies.
const WAIT: Duration = Duration::from_secs(8);

/// Who is put to the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Metergate,
    Nginx,
    Haproxy,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Metergate, Self::Nginx, Self::Haproxy];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Metergate => "metergate",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
        }
    }

    /// Returns what to install if it is not here.
    pub(crate) fn is_here(self) -> Result<(), String> {
        match self {
            Self::Metergate => Ok(()),
            Self::Nginx => program("nginx", "nginx").map(drop),
            Self::Haproxy => program("haproxy", "haproxy").map(drop),
        }
    }
}

/// A proxy, and the homeserver behind it; both end when dropped.
pub(crate) struct Stand {
    proxy: Proxy,
    pub(crate) homeserver: Homeserver,
}

enum Proxy {
    Metergate(Box<Sidecar>),
    Other { ports: [u16; 2], process: Option<Watched>, _folder: TempDir },
}

impl Stand {
    /// Starts a proxy of this kind: a request's head may take 2 seconds, and so may the next byte
    /// of its body; nobody's word on who the client is counts.
    pub(crate) fn of(kind: Kind) -> Self {
        let homeserver = Homeserver::start();
        let proxy = match kind {
            Kind::Metergate => Proxy::Metergate(Box::new(metergate(&homeserver))),
            Kind::Nginx => other("nginx", &nginx(homeserver.port()), &["-p", ".", "-c", "conf"]),
            Kind::Haproxy => other("haproxy", &haproxy(homeserver.port()), &["-db", "-f", "conf"]),
        };
        Self { proxy, homeserver }
    }

    /// Connects as a client that speaks HTTP/1.1.
    pub(crate) fn client(&self) -> Client {
        self.connect(0)
    }

    /// Connects as a client that is about to speak HTTP/2, by prior knowledge.
    pub(crate) fn http2(&self) -> Client {
        self.connect(1)
    }

    /// Connects as a client that speaks HTTP/2, and has begun to.
    pub(crate) fn frames(&self) -> Frames {
        Frames::to(self.http2())
    }

    /// metergate tells both versions apart at one port; the others have one for each.
    fn connect(&self, version: usize) -> Client {
        let client = match &self.proxy {
            Proxy::Metergate(sidecar) => sidecar.client(),
            Proxy::Other { ports, .. } => {
                let stream = TcpStream::connect(("127.0.0.1", ports[version])).unwrap();
                Client::to(Stream::Tcp(stream))
            }
        };
        client.wire.stream.timeout(WAIT);
        client
    }

    /// Asks over a connection of its own.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.client().ask(request)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Self::Other { process, .. } = self
            && let Some(process) = process.take()
        {
            process.end("TERM");
        }
    }
}

fn metergate(homeserver: &Homeserver) -> Sidecar {
    Sidecar::before(homeserver)
        .proxy(|proxy| proxy.trusted_proxies.clear())
        .limits(|limits| {
            limits.head_timeout = Duration::from_secs(2);
            limits.body_idle_timeout = Duration::from_secs(2);
        })
        .start()
}

/// Starts `name` with a configuration that has `PORT1` and `PORT2` for where it listens.
fn other(name: &str, configuration: &str, words: &[&str]) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let ports = [port(), port()];
    let configuration = configuration
        .replace("PORT1", &ports[0].to_string())
        .replace("PORT2", &ports[1].to_string());
    std::fs::write(folder.path().join("conf"), configuration).unwrap();
    let mut command = Command::new(program(name, name).unwrap());
    command.args(words).current_dir(folder.path());
    let said = std::fs::File::create(folder.path().join("said")).unwrap();
    command.stdout(Stdio::null()).stderr(said);
    let mut process = Watched::start(&mut command, "KILL", folder.path()).unwrap();
    let listens = || ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok());
    until(|| listens() || !process.runs()).unwrap();
    assert!(process.runs(), "{name} does not start: {}", said_in(folder.path()));
    Proxy::Other { ports, process: Some(process), _folder: folder }
}

fn said_in(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("said")).unwrap_or_default()
}

/// nginx as it stands before a homeserver.
fn nginx(upstream: u16) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid pid; error_log stderr crit;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            client_header_timeout 2s; client_body_timeout 2s; client_max_body_size 0;
            map $http_upgrade $hop {{ default upgrade; '' ''; }}
            upstream homeserver {{ server 127.0.0.1:{upstream}; keepalive 16; }}
            server {{
                listen 127.0.0.1:PORT1;
                listen 127.0.0.1:PORT2 http2;
                location / {{
                    proxy_pass http://homeserver;
                    proxy_http_version 1.1;
                    proxy_request_buffering off; proxy_buffering off;
                    proxy_read_timeout 10m;
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection $hop;
                }}
            }}
        }}"
    )
}

/// HAProxy as it stands before a homeserver.
fn haproxy(upstream: u16) -> String {
    format!(
        "global
            maxconn 500
        defaults
            mode http
            option abortonclose
            timeout http-request 2s
            timeout connect 2s
            timeout client 60s
            timeout server 60s
            timeout tunnel 10m
        frontend clients
            bind 127.0.0.1:PORT1
            bind 127.0.0.1:PORT2 proto h2
            option forwardfor
            default_backend homeserver
        backend homeserver
            server homeserver 127.0.0.1:{upstream}\n"
    )
}
