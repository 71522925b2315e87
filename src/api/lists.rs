//! Lists: a page at a time, and where the next one begins.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::respond::Problem;

/// How many entries a page has unless told, and at most.
const USUAL: u16 = 100;
const MOST: u16 = 1000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T: ToSchema> {
    /// The entries; there may be fewer than asked for although more follow.
    pub(super) items: Vec<T>,
    /// What to ask for the next page by; null at the end.
    pub(super) next_cursor: Option<String>,
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paged {
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    pub(super) limit: Option<u16>,
    /// Where the page before ended, as it said.
    pub(super) cursor: Option<String>,
}

/// Returns how many entries are wanted.
pub(super) fn size(limit: Option<u16>) -> Result<usize, Problem> {
    match limit.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit.into()),
        _ => Err(Problem::BadRequest(format!("`limit`: write 1 to {MOST}"))),
    }
}

/// Returns the cursor that says `place` in the list called `list`.
pub(super) fn cursor(list: &str, place: &impl Serialize) -> Option<String> {
    let told = serde_json::to_vec(&(list, place)).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(told))
}

/// Reads the place in the list called `list` that a cursor says.
pub(super) fn place<P: DeserializeOwned>(
    list: &str,
    cursor: Option<&str>,
) -> Result<Option<P>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let read = bytes.and_then(|bytes| serde_json::from_slice::<(String, P)>(&bytes).ok());
    match read.filter(|(name, _)| name == list) {
        Some((_, place)) => Ok(Some(place)),
        None => Err(Problem::BadRequest(
            "`cursor`: this is none of this list: take next_cursor as it is, or leave it out"
                .to_owned(),
        )),
    }
}

impl<T: ToSchema> List<T> {
    /// Returns the page of the first `most` of `items`, one more of which was looked for.
    pub(super) fn cut<P: Serialize>(
        list: &str,
        mut items: Vec<T>,
        most: usize,
        place: impl Fn(&T) -> P,
    ) -> Self {
        let more = items.len() > most;
        items.truncate(most);
        let last = items.last().filter(|_| more);
        let next_cursor = last.and_then(|last| cursor(list, &place(last)));
        Self { items, next_cursor }
    }

    /// Returns the page that `asked` wants of `all`, which are in order and have names.
    pub(super) fn part(
        list: &str,
        all: Vec<T>,
        asked: &Paged,
        name: impl Fn(&T) -> &str,
    ) -> Result<Self, Problem> {
        let most = size(asked.limit)?;
        let behind: Option<String> = place(list, asked.cursor.as_deref())?;
        let begin = behind.map_or(Ok(0), |behind| {
            let found = all.iter().position(|it| name(it) == behind);
            let gone = || format!("`cursor`: {behind} is gone: begin without a cursor");
            found.map(|place| place + 1).ok_or_else(|| Problem::BadRequest(gone()))
        })?;
        let items = all.into_iter().skip(begin).take(most + 1).collect();
        Ok(Self::cut(list, items, most, |it| name(it).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_its_own_list_alone() {
        let written = cursor("top", &("@alice", 5)).unwrap();
        let read: Option<(String, i64)> = place("top", Some(&written)).unwrap();
        assert_eq!(read, Some(("@alice".to_owned(), 5)));
        assert!(place::<(String, i64)>("over", Some(&written)).is_err());
        for odd in ["", "x", "!!", "AAAA", &written[1..]] {
            assert!(place::<(String, i64)>("top", Some(odd)).is_err(), "{odd}");
        }
    }
}
