//! Lines: the ledger of a store, read whole, a page at a time.

use crate::engine::EngineError;
use crate::quota::event::Line;
use crate::store::{Balance, Ledger, Lines, Store};

/// How many lines are read in one step.
pub(super) const PAGE: usize = 2000;
/// How often it is read again because old lines were taken out meanwhile, at most.
const TRIES: usize = 32;

/// Is told how much of a long work is done, and how much there is.
pub type Steps<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

/// Returns the id of the newest line of `store`.
pub(super) async fn newest(store: &dyn Store) -> Result<Option<u64>, EngineError> {
    let newest = Lines { newest_first: true, most: 1, ..Lines::default() };
    Ok(store.lines(&newest).await?.first().map(|line| line.id))
}

/// Tells `steps` how far the line `id` is on the way to `last`.
pub(super) fn tell(steps: Steps<'_>, id: u64, last: u64) {
    let step = |id: u64| usize::try_from(id).unwrap_or(usize::MAX);
    steps(step(id.min(last)), step(last));
}

/// Goes through the lines that a store has at one moment.
pub(in crate::engine) struct Walk<'a> {
    store: &'a dyn Store,
    steps: Steps<'a>,
    behind: Option<u64>,
    last: u64,
}

impl<'a> Walk<'a> {
    /// Begins with the first line; what is written from now on is not on the way.
    pub(in crate::engine) async fn of(
        store: &'a dyn Store,
        steps: Steps<'a>,
    ) -> Result<Self, EngineError> {
        let last = newest(store).await?.unwrap_or(0);
        Ok(Self { store, steps, behind: None, last })
    }

    /// Returns the next lines; none at the end.
    pub(in crate::engine) async fn next(&mut self) -> Result<Vec<Line>, EngineError> {
        tell(self.steps, self.behind.unwrap_or(0), self.last);
        let which = Lines { behind: self.behind, most: PAGE, ..Lines::default() };
        let mut lines = self.store.lines(&which).await?;
        lines.retain(|line| line.id <= self.last);
        self.behind = lines.last().map(|line| line.id).or(self.behind);
        Ok(lines)
    }
}

/// Returns the whole ledger of `store`; read again if old lines are taken out of it meanwhile.
pub(super) async fn ledger(store: &dyn Store, steps: Steps<'_>) -> Result<Ledger, EngineError> {
    for _ in 0..TRIES {
        let balances = balances(store).await?;
        let mut walk = Walk::of(store, steps).await?;
        let mut lines = Vec::new();
        loop {
            let next = walk.next().await?;
            if next.is_empty() {
                break;
            }
            lines.extend(next);
        }
        if self::balances(store).await? == balances {
            return Ok(Ledger { balances, lines });
        }
    }
    Err(EngineError::Conflict("old lines keep being taken out of the ledger: try again".to_owned()))
}

/// Returns what was used before the first line, always in the same order.
pub(super) async fn balances(store: &dyn Store) -> Result<Vec<Balance>, EngineError> {
    let mut all = store.balances().await?;
    all.sort_by_cached_key(|it| (it.resource.clone(), it.per, it.account.clone()));
    Ok(all)
}
