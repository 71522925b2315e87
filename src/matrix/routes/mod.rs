//! Routes: what a method and a target ask for.
//!
//! Matched by exact bytes, as the homeservers do. What is not a route as written, but would be one
//! after a gateway behind us has tidied it up, is [`Endpoint::Disguised`]: never forwarded, since
//! nobody would meter it.

use http::{Method, Uri};

use crate::matrix::disguise;

/// What a request asks for, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Stores media.
    Upload,
    /// Makes room for media that is to be stored later; stores nothing itself.
    Create,
    /// Not an upload as written, but after tidying up: to be refused.
    Disguised,
    /// Tells how large an upload may be.
    MediaConfig,
    /// Tells how much a user has uploaded (MSC4034).
    MediaUsage,
    /// Ours: `/_metergate/`, any method.
    Own,
    /// Ends sessions, so that tokens known until now may be dead after it succeeds.
    SessionsEnd,
    /// Anything else: passes.
    Other,
}

/// The paths under which media is stored, each with `upload`, `upload/{server}/{id}` and `create`.
pub(super) const MEDIA: [&str; 6] = [
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixmediav3upload
    // https://spec.matrix.org/v1.18/client-server-api/#put_matrixmediav3uploadservernamemediaid
    "/_matrix/media/v3/",
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixmediav1create
    "/_matrix/media/v1/",
    // https://spec.matrix.org/legacy/client_server/r0.6.1.html#post-matrix-media-r0-upload
    "/_matrix/media/r0/",
    // https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/2246-asynchronous-uploads.md
    "/_matrix/media/unstable/fi.mau.msc2246/",
    // https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/3911-linking-media-to-events.md
    "/_matrix/client/v1/media/",
    "/_matrix/client/unstable/org.matrix.msc3911/media/",
];

/// The paths that tell how large an upload may be, by GET.
const MEDIA_CONFIG: [&str; 5] = [
    // https://spec.matrix.org/v1.18/client-server-api/#get_matrixclientv1mediaconfig
    "/_matrix/client/v1/media/config",
    // https://spec.matrix.org/v1.18/client-server-api/#get_matrixmediav3config
    "/_matrix/media/v3/config",
    "/_matrix/media/v1/config",
    "/_matrix/media/r0/config",
    // https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/3916-authentication-for-media.md
    "/_matrix/client/unstable/org.matrix.msc3916/media/config",
];

/// <https://github.com/matrix-org/matrix-spec-proposals/pull/4034>
const MEDIA_USAGE: &str = "/_matrix/media/unstable/org.matrix.msc4034/usage";

/// The one part of the public paths that is ours.
pub(super) const OWN: &str = "/_metergate";

/// The versions under which the routes that end sessions are known.
const CLIENT: [&str; 4] = [
    "/_matrix/client/v3/",
    "/_matrix/client/r0/",
    "/_matrix/client/v1/",
    "/_matrix/client/unstable/",
];

/// What ends sessions by POST.
const SESSIONS_END: [&str; 5] = [
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixclientv3logout
    "logout",
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixclientv3logoutall
    "logout/all",
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixclientv3accountpassword
    "account/password",
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixclientv3accountdeactivate
    "account/deactivate",
    // https://spec.matrix.org/v1.18/client-server-api/#post_matrixclientv3delete_devices
    "delete_devices",
];

/// What ends a session by DELETE, with the id of a device after it.
/// <https://spec.matrix.org/v1.18/client-server-api/#delete_matrixclientv3devicesdeviceid>
const DEVICES: &str = "devices/";

impl Endpoint {
    /// Returns what a request asks for.
    ///
    /// `target` is as on an HTTP/1 request line: one with a scheme and authority is not an exact
    /// spelling (HTTP/2's pseudo-headers are to be taken off first). Only odd targets of methods
    /// that change something cost more than a few comparisons.
    #[must_use]
    pub fn of(method: &Method, target: &Uri) -> Self {
        let path = target.path();
        if path.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Self::Own;
        }
        match *method {
            Method::GET => return of_get(path),
            Method::HEAD | Method::OPTIONS => return Self::Other,
            _ => {}
        }
        let is_absolute = target.authority().is_some();
        let exact = of_media(path);
        match exact {
            Some(_) if is_absolute => Self::Disguised,
            Some(endpoint) => endpoint,
            None if disguise::hides(path, &MEDIA, &["upload", "create"]) => Self::Disguised,
            None if ends_sessions(method, path) => Self::SessionsEnd,
            None => Self::Other,
        }
    }
}

fn of_get(path: &str) -> Endpoint {
    if MEDIA_CONFIG.contains(&path) {
        Endpoint::MediaConfig
    } else if path == MEDIA_USAGE {
        Endpoint::MediaUsage
    } else {
        Endpoint::Other
    }
}

/// Returns what a path that is spelled exactly does with media.
fn of_media(path: &str) -> Option<Endpoint> {
    let rest = MEDIA.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    if rest == "create" {
        return Some(Endpoint::Create);
    }
    let rest = rest.strip_prefix("upload")?;
    if rest.is_empty() {
        return Some(Endpoint::Upload);
    }
    let (server, id) = rest.strip_prefix('/')?.split_once('/')?;
    let is_exact = !server.is_empty() && !id.is_empty() && !id.contains('/');
    is_exact.then_some(Endpoint::Upload)
}

fn ends_sessions(method: &Method, path: &str) -> bool {
    let Some(rest) = CLIENT.iter().find_map(|prefix| path.strip_prefix(prefix)) else {
        return false;
    };
    match *method {
        Method::POST => SESSIONS_END.contains(&rest),
        Method::DELETE => rest.strip_prefix(DEVICES).is_some_and(|device| !device.is_empty()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
