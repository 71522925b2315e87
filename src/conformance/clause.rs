//! Clause: one sentence of the contract, and how it is held against books.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::scratch::{Books, Scratch};
use crate::store::Store;

/// What holding a clause is: it panics where the clause is broken.
type Holding<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One sentence of the contract, as a test of one store.
#[derive(Clone, Copy)]
pub struct Clause {
    module: &'static str,
    /// The sentence: `exactly_as_many_as_fit_are_let_in`.
    pub name: &'static str,
    /// Whether it is about two handles that only share what outlives both.
    pub of_several: bool,
    hold: for<'a> fn(&'a Bench) -> Holding<'a>,
}

impl Clause {
    /// Returns the clause `name` of `module`.
    pub(super) const fn new(
        module: &'static str,
        name: &'static str,
        hold: for<'a> fn(&'a Bench) -> Holding<'a>,
    ) -> Self {
        Self { module, name, of_several: false, hold }
    }

    /// Returns the same clause as one that several handles are needed for.
    pub(super) const fn of_several(self) -> Self {
        Self { of_several: true, ..self }
    }

    /// Returns what it is about: the module it stands in, below this one.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.module.split("::").nth(2).unwrap_or(self.module)
    }

    /// Holds it against the books of `bench`; panics where it is broken.
    pub(super) async fn on(&self, bench: &Bench) {
        (self.hold)(bench).await;
    }
}

/// `admission::the_exact_limit_fits`.
impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group(), self.name)
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a clause is held against: books of its own, and where there are more.
pub(super) struct Bench {
    pub(super) books: Arc<dyn Books>,
    pub(super) scratch: Arc<dyn Scratch>,
    store: Arc<dyn Store>,
}

impl Bench {
    /// Opens `books`, which are of `scratch`.
    pub(super) fn at(books: Arc<dyn Books>, scratch: Arc<dyn Scratch>) -> Self {
        let store = books.open().unwrap();
        Self { books, scratch, store }
    }

    /// Returns the first handle on its books.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Opens one more handle on its books, as another process would.
    pub(super) fn open(&self) -> Arc<dyn Store> {
        self.books.open().unwrap()
    }
}
