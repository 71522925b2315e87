//! Grants: all of them, page by page.

use super::Redis;
use super::fault::corrupt;
use super::listing::{behind, subject};
use super::script::script;
use super::view::Parts;
use crate::quota::{Grants, Subject};
use crate::store::{Page, StoreError};

script!(ALL_GRANTS, WORDS, "verbs/all_grants.lua");

/// How many are read at once, so that no call waits long for it.
const AT_ONCE: usize = 1000;

pub(super) async fn all(store: &Redis, page: &Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
    let (mut found, mut bound) = (Vec::new(), behind(page));
    while found.len() < page.most {
        let count = AT_ONCE.min(page.most - found.len());
        let arguments = [bound.as_str(), &count.to_string()];
        let answer: Vec<String> = store.connection.run(&ALL_GRANTS, &arguments).await?;
        let is_last = answer.len() < 2 * count;
        let mut parts = Parts::of(answer);
        while !parts.is_empty() {
            let (subject, text) = (subject(&parts.text()?)?, parts.text()?);
            bound = format!("({subject}");
            let grants = serde_json::from_str(&text)
                .map_err(|error| corrupt(format!("what {subject} was granted: {error}")))?;
            found.push((subject, grants));
        }
        if is_last {
            break;
        }
    }
    Ok(found)
}
