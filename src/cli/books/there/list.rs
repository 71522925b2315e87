//! Lists: read page by page, and told on in parts of the size that a command wants.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::{Call, Line};
use crate::cli::books::{Reader, Told};

/// The most that a server tells at once.
const PAGE: usize = 1000;

/// One page of a list.
#[derive(Debug, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    /// Where the next begins; none behind the last.
    next_cursor: Option<String>,
}

impl Line {
    /// Tells `reader` of the list that `call` asks for, `most` at a time, until nobody reads on.
    pub(super) async fn read<T>(
        &self,
        call: impl Fn() -> Call + Send,
        most: usize,
        reader: Reader<'_, T>,
    ) -> Told<()>
    where
        T: DeserializeOwned + Send,
    {
        let (mut part, mut cursor) = (Vec::new(), None);
        loop {
            let page = call().with("limit", PAGE.min(most - part.len()));
            let page: Page<T> = self.ask(page.with_some("cursor", cursor)).await?;
            part.extend(page.items);
            if page.next_cursor.is_some() && part.len() < most {
                cursor = page.next_cursor;
                continue;
            }
            let is_read = reader(&part)?;
            if page.next_cursor.is_none() || !is_read {
                return Ok(());
            }
            cursor = page.next_cursor;
            part.clear();
        }
    }

    /// Returns the first `most` of the list that `call` asks for.
    pub(super) async fn first<T>(&self, call: impl Fn() -> Call + Send, most: usize) -> Told<Vec<T>>
    where
        T: DeserializeOwned + Send,
    {
        let (mut found, mut cursor) = (Vec::new(), None);
        while found.len() < most {
            let page = call().with("limit", PAGE.min(most - found.len()));
            let page: Page<T> = self.ask(page.with_some("cursor", cursor)).await?;
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
