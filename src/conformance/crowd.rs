//! A crowd: many callers at once, each in a thread of its own.

use tokio::runtime::Handle;

use super::heard::{go_on, heard};
use crate::store::Store;

/// Lets `many` call `store` at once; returns what each got. Needs a runtime of several threads.
pub fn at_once<T: Send>(
    many: usize,
    store: &dyn Store,
    call: impl AsyncFn(usize, &dyn Store) -> T + Sync,
) -> Vec<T> {
    let runtime = Handle::current();
    let start = std::sync::Barrier::new(many);
    let (start, call, runtime) = (&start, &call, &runtime);
    tokio::task::block_in_place(|| {
        std::thread::scope(|threads| {
            let callers: Vec<_> = (0..many)
                .map(|index| {
                    threads.spawn(move || {
                        start.wait();
                        heard(|| runtime.block_on(call(index, store)))
                    })
                })
                .collect();
            let answers = callers.into_iter().map(|caller| caller.join().unwrap());
            answers.map(|answer| answer.unwrap_or_else(|said| go_on(said))).collect()
        })
    })
}
