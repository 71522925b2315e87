//! A crowd: many callers at once, each in a thread of its own.

use metergate::store::Store;
use tokio::runtime::Handle;

/// Lets `many` call `store` at once; returns what each got. Needs a runtime of several threads.
pub(crate) fn at_once<T: Send>(
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
                        runtime.block_on(call(index, store))
                    })
                })
                .collect();
            let answers = callers.into_iter().map(|caller| caller.join().unwrap());
            answers.collect()
        })
    })
}
