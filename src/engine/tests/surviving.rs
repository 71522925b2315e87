//! Whatever happens to store and process, in any order: each upload that was told to be kept is
//! charged once, and none that was refused.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;

use super::silent::{Place, is_right};
use super::{alice, figures, upload};
use crate::engine::Engine;
use crate::quota::{Amount, OnOutage};

/// One thing that happens to an engine.
#[derive(Clone, Debug)]
enum Happening {
    Out(bool),
    Lose(&'static str),
    /// An upload, in one piece or growing; the homeserver keeps it or refuses.
    Upload {
        size: i64,
        grows: bool,
        kept: bool,
    },
    /// An upload that its client breaks off.
    BrokenOff,
    /// The process ends in the middle of anything: of an entry, or after the entries were brought
    /// in and before the journal knew.
    Crash {
        torn: usize,
        forgotten: bool,
    },
    /// The process ends as it should.
    Close,
    Wait,
}

/// The calls of which an upload consists, and those that bring one in.
const VERBS: [&str; 6] = ["reserve", "grow", "settle", "refund", "release", "grants"];

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => any::<bool>().prop_map(Happening::Out),
        4 => prop::sample::select(VERBS.to_vec()).prop_map(Happening::Lose),
        8 => (1..1000_i64, any::<bool>(), prop::bool::weighted(0.7))
            .prop_map(|(size, grows, kept)| Happening::Upload { size, grows, kept }),
        1 => Just(Happening::BrokenOff),
        3 => (0..80_usize, any::<bool>())
            .prop_map(|(torn, forgotten)| Happening::Crash { torn, forgotten }),
        2 => Just(Happening::Close),
        2 => Just(Happening::Wait),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Uploads; returns what is to be charged for it in the end.
async fn uploaded(engine: &Engine, size: i64, grows: bool, kept: bool) -> i64 {
    let first = if grows { 1 } else { size };
    let Ok(reserved) = engine.reserve(&alice(), &upload(first)).await else { return 0 };
    let mut hold = reserved.hold.unwrap();
    if grows && hold.grow(Amount::new(size)).await.is_err() {
        return 0;
    }
    match hold.settle(Amount::new(size)).await {
        Ok(charge) if !kept => {
            charge.refund().await;
            0
        }
        Ok(_) => size,
        Err(_) => 0,
    }
}

/// Ends the process that is `engine` in `runtime` as a crash does, and leaves the journal at
/// `path` as one may.
fn crash(place: &Place, written: &[u8], torn: usize, forgotten: bool) {
    let path = place.folder.path().join("journal");
    if forgotten && !written.is_empty() {
        fs::write(&path, written).unwrap();
    }
    let Ok(mut left) = fs::read(&path) else { return };
    let line = b"0123456789abcdef 90 charge 01890a5d000070008000000000000000 1781784000000 1781784000000 unseen 1";
    left.extend(&line[..torn.min(line.len())]);
    fs::write(&path, left).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_happens_each_upload_is_charged_once_and_none_that_was_refused(
        happenings in prop::collection::vec(happening(), 1..24),
        open in any::<bool>(),
    ) {
        let on_outage = if open { OnOutage::Open } else { OnOutage::Closed };
        let place = Place::under("1GB/never", on_outage);
        let path = place.folder.path().join("journal");
        let mut running = runtime();
        let mut engine = running.block_on(place.engine());
        let (mut expected, mut written) = (0, Vec::new());
        for happening in happenings {
            place.clock.advance(Duration::from_secs(1));
            match happening {
                Happening::Out(out) => place.store.guard().be_out(out),
                Happening::Lose(verb) => place.store.guard().lose(verb),
                Happening::Upload { size, grows, kept } => {
                    expected += running.block_on(uploaded(&engine, size, grows, kept));
                    written = fs::read(&path).unwrap_or_default();
                }
                Happening::BrokenOff => {
                    drop(running.block_on(engine.reserve(&alice(), &upload(50))));
                }
                Happening::Crash { torn, forgotten } => {
                    drop(engine);
                    drop(running);
                    crash(&place, &written, torn, forgotten);
                    // What the journal could not tell is told by the lease.
                    place.clock.advance(Duration::from_mins(1));
                    place.store.guard().lose_nothing();
                    running = runtime();
                    engine = running.block_on(place.engine());
                    written.clear();
                }
                Happening::Close => {
                    // An answer that is lost now is lost to nobody.
                    let _ = running.block_on(engine.close());
                    drop(engine);
                    drop(running);
                    place.clock.advance(Duration::from_mins(1));
                    place.store.guard().lose_nothing();
                    running = runtime();
                    engine = running.block_on(place.engine());
                    written.clear();
                }
                Happening::Wait => {
                    running.block_on(async { tokio::time::sleep(Duration::from_secs(3)).await });
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        }
        place.store.guard().be_out(false);
        place.store.guard().lose_nothing();
        let figures = running.block_on(async {
            is_right(&engine).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            is_right(&engine).await;
            place.clock.advance(Duration::from_mins(1));
            engine.check(&alice(), &upload(1)).await.unwrap();
            figures(&engine).await
        });
        prop_assert_eq!(figures, (expected, 0));
    }
}
