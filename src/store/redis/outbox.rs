//! Outbox: what there is to tell, and who was told how much.

use super::Redis;
use super::codec::read_notice;
use super::keys::Keys;
use super::script::script;
use super::view::Parts;
use crate::quota::notice::Notice;
use crate::store::StoreError;

script!(NOTICES, WORDS, "verbs/notices.lua");
script!(TOLD, WORDS, "verbs/told.lua");
script!(TELL, WORDS, "verbs/tell.lua");

/// How many notices are read at once, so that no call waits long for it.
const AT_ONCE: usize = 1000;

pub(super) async fn notices(
    store: &Redis,
    behind: u64,
    most: usize,
) -> Result<Vec<Notice>, StoreError> {
    let (mut found, mut behind) = (Vec::<Notice>::new(), behind);
    while found.len() < most {
        let count = AT_ONCE.min(most - found.len());
        let (from, limit) = (Keys::id(behind), count.to_string());
        let answer: Vec<String> = store.connection.run(&NOTICES, &[&from, &limit]).await?;
        let is_last = answer.len() < 2 * count;
        let mut parts = Parts::of(answer);
        while !parts.is_empty() {
            behind = parts.number()?;
            found.push(read_notice(behind, &parts.text()?)?);
        }
        if is_last {
            break;
        }
    }
    Ok(found)
}

pub(super) async fn told(store: &Redis, target: &str) -> Result<u64, StoreError> {
    store.connection.run(&TOLD, &[target]).await
}

pub(super) async fn tell(store: &Redis, target: &str, notice: u64) -> Result<(), StoreError> {
    store.connection.run(&TELL, &[target, &notice.to_string()]).await
}
