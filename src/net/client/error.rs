//! Client errors: why a request has no answer, and what that is counted as.

use std::error::Error;
use std::io;

use crate::net::body::{BodyError, BoxError};
use crate::telemetry::labels::Silence;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody could be reached; nothing was sent.
    #[error("failed to connect")]
    Connect(#[source] io::Error),
    /// Connecting took longer than `connect_timeout`; nothing was sent.
    #[error("failed to connect in time (connect_timeout)")]
    ConnectTimeout,
    /// The request's own body failed half way: not the upstream's fault.
    #[error("the request body broke off")]
    Body(#[source] BoxError),
    /// The connection broke, or what came over it was not HTTP.
    #[error("the other side broke off the exchange")]
    Broken(#[source] hyper::Error),
}

impl ClientError {
    /// Returns the error of a request that was sent, or that another connection may have had.
    pub(super) fn sent_in_vain(error: hyper::Error) -> Self {
        if error.is_user() { Self::Body(error.into()) } else { Self::Broken(error) }
    }

    /// Returns true if whoever sent the request's body has gone.
    #[must_use]
    pub fn is_parting(&self) -> bool {
        let Self::Body(error) = self else { return false };
        let mut cause: Option<&(dyn Error + 'static)> = Some(error.as_ref());
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<BodyError>() {
                return error.is_parting();
            }
            cause = error.source();
        }
        false
    }

    /// Returns what it is counted as.
    pub(super) const fn silence(&self) -> Silence {
        match self {
            Self::Connect(_) => Silence::Connect,
            Self::ConnectTimeout => Silence::ConnectTimeout,
            Self::Body(_) => Silence::Body,
            Self::Broken(_) => Silence::Broken,
        }
    }
}
