//! Counted: a request as it is counted, whether its client waits for the answer or leaves.

use tokio::time::Instant;

use crate::matrix::Endpoint;
use crate::telemetry::labels::{Kind, Label};
use crate::telemetry::{Access, Metrics};

/// A request under way. Dropped before it is answered, its client has left.
pub(super) struct Counted<'a> {
    metrics: &'a Metrics,
    access: Option<&'a Access>,
    kind: Kind,
    begun: Instant,
    answered: bool,
}

impl<'a> Counted<'a> {
    pub(super) fn begin(metrics: &'a Metrics, access: Option<&'a Access>) -> Self {
        let begun = Instant::now();
        Self { metrics, access, kind: Kind::Malformed, begun, answered: false }
    }

    /// Says what is asked for.
    pub(super) fn is_about(&mut self, kind: Kind) {
        self.kind = kind;
        if let Some(access) = self.access {
            access.is_about(kind.word());
        }
    }

    /// Says that the client has left, whatever it is answered.
    pub(super) fn left(self) {
        if let Some(access) = self.access {
            access.left();
        }
    }

    /// Says that the answer's head goes out.
    pub(super) fn answered(mut self, status: u16) {
        self.answered = true;
        self.metrics.requests.answered(self.kind, status, self.begun.elapsed());
        if let Some(access) = self.access {
            access.answered(status);
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.metrics.requests.left(self.kind);
        }
    }
}

/// Returns the word for what is asked for.
pub(super) const fn kind(endpoint: Endpoint) -> Kind {
    match endpoint {
        Endpoint::Upload => Kind::Upload,
        Endpoint::Create => Kind::Create,
        Endpoint::Disguised => Kind::Disguised,
        Endpoint::MediaConfig => Kind::MediaConfig,
        Endpoint::MediaUsage => Kind::MediaUsage,
        Endpoint::Own => Kind::Own,
        Endpoint::SessionsEnd => Kind::SessionsEnd,
        Endpoint::Other => Kind::Other,
    }
}
