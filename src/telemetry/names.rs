//! Names: every figure that `/metrics` tells, what it means, and by what it is split.
//!
//! What a label may say is a closed list ([`labels`](super::labels)), or a number or name of the
//! configuration: never a user id, a path, a token or a client's address.

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name: unit and `_total` as Prometheus wants them.
    pub name: &'static str,
    /// What it tells, for people.
    pub help: &'static str,
    /// By what it is split.
    pub labels: &'static [&'static str],
}

const fn figure(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure { name, help, labels }
}

// What clients ask for.
pub(super) const REQUESTS: Figure = figure(
    "metergate_requests_total",
    &["kind", "status"],
    "Requests of clients by what they ask for and the class of the answer; 499 where the client left before it.",
);
pub(super) const REQUEST_HEAD: Figure = figure(
    "metergate_request_head_seconds",
    &["kind"],
    "Time from the head of a request to the head of its answer.",
);
pub(super) const ADMIN_REQUESTS: Figure = figure(
    "metergate_admin_requests_total",
    &["status"],
    "Requests to the admin API by the class of the answer.",
);

// What is metered.
pub(super) const UPLOADS: Figure = figure(
    "metergate_uploads_total",
    &["outcome"],
    "Uploads by what became of them: charged, refunded after the homeserver said no, released uncharged, refused before the first byte, or cut half way for want of room.",
);
pub(super) const UPLOAD_BYTES: Figure = figure(
    "metergate_upload_bytes_total",
    &["outcome"],
    "Bytes of uploads by what became of them; of a refused one as many as it announced, of others as many as came.",
);
pub(super) const METERED: Figure = figure(
    "metergate_metered_total",
    &["capability", "outcome"],
    "Requests that a [[meter]] of the configuration counts, by what became of them, as with uploads.",
);
pub(super) const METERED_BYTES: Figure = figure(
    "metergate_metered_bytes_total",
    &["capability", "outcome"],
    "Bytes counted by a [[meter]], of requests or of answers; none where it counts requests.",
);
pub(super) const DENIALS: Figure = figure(
    "metergate_denials_total",
    &["capability", "period", "mode"],
    "Windows that had no room for an upload, or what else is metered, by period and mode; those of mode observe denied nothing. The period file is the size of one file.",
);
pub(super) const BUSY: Figure = figure(
    "metergate_uploads_busy_total",
    &["limit"],
    "Uploads turned away because their user or client had as many under way as limits.uploads_per_subject or uploads_per_client allows.",
);
pub(super) const RESERVATIONS: Figure = figure(
    "metergate_reservations_open",
    &[],
    "Uploads, and what else is metered, under way in this process for which room is reserved.",
);
pub(super) const RESERVED_BYTES: Figure = figure(
    "metergate_reserved_bytes",
    &[],
    "Room reserved for the uploads and other metered bodies under way in this process.",
);
pub(super) const STORE_RESERVATIONS: Figure = figure(
    "metergate_store_reservations_open",
    &[],
    "Open reservations in the store, of all instances and of the API, counted up to 1000; absent while the store does not say so at once.",
);

// Who asks.
pub(super) const LOOKUPS: Figure = figure(
    "metergate_whoami_lookups_total",
    &["outcome"],
    "Who asks: remembered (hit), learnt by a question under way (joined), asked of the homeserver and answered (asked), refused by it (refused), or not answered (failed).",
);
pub(super) const LOOKUP_TIME: Figure =
    figure("metergate_whoami_lookup_seconds", &[], "How long the homeserver took to say who asks.");

// The books.
pub(super) const STORE_TIME: Figure =
    figure("metergate_store_call_seconds", &["verb"], "How long calls of the store took.");
pub(super) const STORE_ERRORS: Figure = figure(
    "metergate_store_errors_total",
    &["verb", "reason"],
    "Calls of the store that failed, by verb and reason.",
);
pub(super) const STORE_UP: Figure =
    figure("metergate_store_up", &[], "1 if the store answers, 0 while it is out.");
pub(super) const STORE_OUT_SINCE: Figure = figure(
    "metergate_store_out_since_timestamp_seconds",
    &[],
    "Since when the store is out; 0 if it is not.",
);
pub(super) const JOURNAL_ENTRIES: Figure = figure(
    "metergate_journal_entries",
    &[],
    "Entries of the journal that are not in the books yet.",
);
pub(super) const JOURNAL_AGE: Figure = figure(
    "metergate_journal_oldest_age_seconds",
    &[],
    "How long the oldest entry of the journal has waited; 0 if none does.",
);
pub(super) const JOURNAL_WRITTEN: Figure =
    figure("metergate_journal_written_total", &[], "Entries written into the journal.");
pub(super) const JOURNAL_REPLAYED: Figure = figure(
    "metergate_journal_replayed_total",
    &[],
    "Entries of the journal brought into the books.",
);

// The homeserver.
pub(super) const UPSTREAM_CONNECT: Figure = figure(
    "metergate_upstream_connect_seconds",
    &[],
    "How long it took to connect to the homeserver.",
);
pub(super) const UPSTREAM_HEAD: Figure = figure(
    "metergate_upstream_head_seconds",
    &["kind"],
    "Time from sending a request to the head of the homeserver's answer; of an upload its body lies between.",
);
pub(super) const UPSTREAM_ERRORS: Figure = figure(
    "metergate_upstream_errors_total",
    &["reason"],
    "Requests the homeserver did not answer, by reason; body is a client whose request broke off.",
);

// The wire.
pub(super) const CONNECTIONS: Figure =
    figure("metergate_connections_open", &["listener"], "Connections of clients that are open.");
pub(super) const ACCEPTED: Figure = figure(
    "metergate_connections_accepted_total",
    &["listener"],
    "Connections of clients that were accepted.",
);
pub(super) const LIMITED: Figure = figure(
    "metergate_connections_limited_total",
    &["listener", "limit"],
    "Connections held up or ended by a limit: made to wait by connections, closed by connections_per_client, ended by head_timeout, head_bytes and header_count (head_size), send_idle_timeout (over HTTP/2 an answer may be), or http2_resets and other floods (http2_flood).",
);

// Who is told.
pub(super) const NOTICES: Figure = figure(
    "metergate_notices_total",
    &["notify", "outcome"],
    "Deliveries of notices by webhook, counted as in the configuration, and outcome; a failed one is tried again.",
);
pub(super) const NOTICES_WAITING: Figure = figure(
    "metergate_notices_waiting",
    &["notify"],
    "Notices a webhook is still to be told, as last seen, counted up to 100.",
);

// The process.
pub(super) const POLICY_VERSION: Figure =
    figure("metergate_policy_version", &[], "The version of the policy as last seen.");
pub(super) const RELOADS: Figure = figure(
    "metergate_config_reloads_total",
    &["outcome"],
    "Reloads of the configuration: good ones, and bad ones that changed nothing.",
);
pub(super) const RELOADED: Figure = figure(
    "metergate_config_last_good_timestamp_seconds",
    &[],
    "When a configuration was last taken over, at the start or by a reload.",
);
pub(super) const BUILD: Figure =
    figure("metergate_build_info", &["version"], "Always 1; says which version runs.");
pub(super) const STARTED: Figure =
    figure("metergate_start_timestamp_seconds", &[], "When this process started.");
