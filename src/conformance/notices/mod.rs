//! S18: what a charge makes of the windows of its plan is told, each mark once per window.

use std::time::Duration;

use crate::quota::notice::Notice;
use crate::store::Store;

use crate::conformance::words::*;

pub(super) mod crossing;
pub(super) mod outbox;

pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) async fn all(store: &dyn Store) -> Vec<Notice> {
    store.notices(0, 1000).await.unwrap()
}

/// Returns what was told behind `seen`, in words: `warn 80`, `over`, `recovered`, `past by 3`.
pub(super) async fn told(store: &dyn Store, seen: &mut u64) -> Vec<String> {
    let fresh = store.notices(*seen, 1000).await.unwrap();
    *seen = fresh.last().map_or(*seen, |notice| notice.id);
    fresh.iter().map(words).collect()
}

pub(super) fn words(notice: &Notice) -> String {
    let number = notice.percentage.map(|it| format!(" {it}")).unwrap_or_default();
    match notice.part {
        Some(part) => format!("past by {part}"),
        None => format!("{}{number}", notice.topic.name()),
    }
}
