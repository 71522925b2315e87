//! Scene: a sidecar whose books go out when told to, with one upload behind it.

use std::sync::Arc;
use std::time::Duration;

use super::sidecar::Setup;
use super::stores::{Scripted, scripted};
use super::{Homeserver, Sidecar};

/// Who plays in it.
pub(crate) struct Scene {
    pub(crate) homeserver: Homeserver,
    pub(crate) store: Arc<Scripted>,
    pub(crate) sidecar: Sidecar,
}

impl Scene {
    /// Starts one where everyone may upload 1 MB in all, with a sidecar as `more` has it.
    pub(crate) fn with(more: impl FnOnce(Setup) -> Setup) -> Self {
        let homeserver = Homeserver::start();
        let store = Arc::new(scripted());
        let sidecar = Sidecar::before(&homeserver)
            .limit("1MB/never")
            .store(&store)
            .store_timeout(Duration::from_secs(2));
        let sidecar = more(sidecar).start();
        assert_eq!(sidecar.upload(1000), 200);
        Self { homeserver, store, sidecar }
    }
}
