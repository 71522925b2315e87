//! View: the books as they stand at one moment, though they are read piece by piece.
//!
//! Lines are only added, so whoever leaves out those behind the newest of the moment reads what
//! was then; any other change raises the epoch, and a reader that finds another begins anew.

use super::Redis;
use super::fault::corrupt;
use super::script::script;
use crate::store::StoreError;

script!(VIEW, WORDS, "verbs/view.lua");

/// How often what is read in pieces is begun anew.
const TRIES: usize = 16;

/// Where the books stand.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) epoch: String,
    /// The newest line, in 20 digits.
    pub(super) last: String,
}

impl View {
    /// Returns where the books stand now.
    pub(super) async fn now(store: &Redis) -> Result<Self, StoreError> {
        let (epoch, last) = store.connection.run(&VIEW, &[]).await?;
        Ok(Self { epoch, last })
    }
}

/// Counts how often something was begun anew; refuses in the end.
#[derive(Debug, Default)]
pub(super) struct Tries(usize);

impl Tries {
    /// Says that the books were changed meanwhile.
    ///
    /// # Errors
    /// If that was so too often.
    pub(super) async fn again(&mut self) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 >= TRIES {
            return Err(StoreError::unavailable(
                "the books in Redis are changed all the time: try again in a moment",
                "they are pruned, imported or recounted",
            ));
        }
        // Whoever changes them in many steps may well be done after this.
        let wait = u64::try_from(self.0).unwrap_or(1) * 2;
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        Ok(())
    }
}

/// Reads an answer from its front.
#[derive(Debug)]
pub(super) struct Parts(std::vec::IntoIter<String>);

impl Parts {
    pub(super) fn of(answer: Vec<String>) -> Self {
        Self(answer.into_iter())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// Returns the next text.
    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.0.next().ok_or_else(|| corrupt("an answer is too short"))
    }

    /// Returns the next text as a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        text.parse().map_err(|_| corrupt(format!("\"{text}\" is not a number")))
    }
}
