//! Concurrency: how many uploads one user has under way at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::quota::Subject;

/// Counts uploads under way, if that is limited.
#[derive(Clone, Debug)]
pub(super) struct Concurrency {
    most: Option<usize>,
    under_way: Arc<Mutex<HashMap<Subject, usize>>>,
}

/// One upload under way; ends when dropped.
#[derive(Debug)]
pub(super) struct Slot(Option<(Concurrency, Subject)>);

/// The most uploads one user may have under way are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full(pub(super) usize);

impl Concurrency {
    pub(super) fn new(most: Option<usize>) -> Self {
        Self { most, under_way: Arc::default() }
    }

    /// Counts one more upload of `subject`, while the slot lives.
    pub(super) fn enter(&self, subject: &Subject) -> Result<Slot, Full> {
        let Some(most) = self.most else {
            return Ok(Slot(None));
        };
        let mut under_way = self.lock();
        let count = under_way.entry(subject.clone()).or_default();
        if *count >= most {
            return Err(Full(most));
        }
        *count += 1;
        Ok(Slot(Some((self.clone(), subject.clone()))))
    }

    fn leave(&self, subject: &Subject) {
        let mut under_way = self.lock();
        if let Some(count) = under_way.get_mut(subject) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(subject);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((concurrency, subject)) = self.0.take() {
            concurrency.leave(&subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_the_limit_is_refused_until_one_ends() {
        let concurrency = Concurrency::new(Some(2));
        let (alice, bob) = ("@alice:x".parse().unwrap(), "@bob:x".parse().unwrap());
        let first = concurrency.enter(&alice).unwrap();
        let _second = concurrency.enter(&alice).unwrap();
        assert_eq!(concurrency.enter(&alice).unwrap_err(), Full(2));
        assert!(concurrency.enter(&bob).is_ok());
        drop(first);
        assert!(concurrency.enter(&alice).is_ok());
    }

    #[test]
    fn nobody_is_remembered_whose_uploads_have_ended() {
        let concurrency = Concurrency::new(Some(1));
        drop(concurrency.enter(&"@alice:x".parse().unwrap()));
        assert!(concurrency.lock().is_empty());
    }
}
