//! Heard: what a panic said, without a word on standard error.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

#[cfg(panic = "abort")]
compile_error!("a broken clause is a panic that is caught: build it with panic = \"unwind\"");

thread_local! {
    /// Somebody in this thread is listening.
    static LISTENING: Cell<bool> = const { Cell::new(false) };
    /// What the last panic in this thread said, while somebody was listening.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `call`; returns what it panicked with, if it did, and where.
///
/// Panics of other threads are told as ever.
pub(super) fn heard<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    let before = LISTENING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    LISTENING.set(before);
    let last = LAST.take();
    result.map_err(|payload| last.unwrap_or_else(|| words(payload.as_ref()).to_owned()))
}

/// Goes on with a panic that was [heard] in another thread.
pub(super) fn go_on(said: String) -> ! {
    panic::resume_unwind(Box::new(said))
}

/// Puts an ear before the hook that there is; once in a process.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if LISTENING.get() {
                LAST.set(Some(sentence(panic)));
            } else {
                tell(panic);
            }
        }));
    });
}

fn sentence(panic: &PanicHookInfo<'_>) -> String {
    let words = words(panic.payload());
    panic.location().map_or_else(
        || words.to_owned(),
        |place| format!("{words} ({}:{})", place.file(), place.line()),
    )
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_sentence_with_its_place() {
        assert_eq!(heard(|| 5), Ok(5));
        let said = heard(|| panic!("10 is not {}", 11)).unwrap_err();
        assert!(said.starts_with("10 is not 11 ("), "{said}");
        assert!(said.contains("heard.rs:"), "{said}");
    }

    #[test]
    fn a_panic_of_another_thread_goes_on_here() {
        let other = std::thread::spawn(|| heard(|| panic!("there")).unwrap_err());
        let said = heard(|| go_on(other.join().unwrap())).unwrap_err();
        assert!(said.starts_with("there ("), "{said}");
    }
}
