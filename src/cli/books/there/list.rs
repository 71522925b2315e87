//! Lists: read page by page, and told on in parts of the size that a command wants.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::{Call, Line};
use crate::cli::books::{Reader, Told};

/// The most that a server tells at once.
const PAGE: usize = 1000;

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next begins; none behind the last.
    pub(super) next_cursor: Option<String>,
}

impl Line {
    /// Returns a page of the list that `call` asks for, of at most so many entries.
    pub(super) async fn page<T: DeserializeOwned>(&self, call: Call, most: usize) -> Told<Page<T>> {
        self.ask(call.with("limit", &PAGE.min(most))).await
    }

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
            let call = call().with_some("cursor", cursor);
            let page: Page<T> = self.page(call, most - part.len()).await?;
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
            let call = call().with_some("cursor", cursor);
            let page: Page<T> = self.page(call, most - found.len()).await?;
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
