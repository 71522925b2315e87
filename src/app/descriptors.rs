//! Descriptors: as many as this machine lets us have, and a word if they are too few.

/// What an exchange takes: the client's connection, and the homeserver's.
const EACH: u64 = 2;

/// Raises the limit on open descriptors to the most this process may have, and warns if so many
/// `connections` as are allowed may need more.
pub(super) fn provide(connections: usize) {
    // Where it may not be raised, the service manager has set it.
    let limit =
        rlimit::increase_nofile_limit(u64::MAX).or_else(|_| rlimit::Resource::NOFILE.get_soft());
    let Ok(limit) = limit else { return };
    if needed(connections) > limit {
        tracing::warn!(
            limit,
            connections,
            "as many connections as are allowed need more open files than this process may have: \
             raise LimitNOFILE= or `ulimit -n`, or lower [limits] connections"
        );
    }
}

fn needed(connections: usize) -> u64 {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    connections.saturating_mul(EACH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_needs_two_and_no_number_is_too_large() {
        assert_eq!(needed(10_000), 20_000);
        assert_eq!(needed(usize::MAX), u64::MAX);
    }

    #[test]
    fn as_many_are_had_as_may_be() {
        provide(1);
        let (soft, hard) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(soft, hard);
    }
}
