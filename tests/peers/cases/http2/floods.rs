//! Floods: whoever sends what costs him little and others much is cut, or costs nobody else anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Case, others_are_served};
use crate::frames::{
    CONTINUATION, DATA, END_STREAM, Fields, Frames, HEADERS, PING, PRIORITY, SETTINGS, frame,
    setting,
};
use crate::stand::Stand;
use crate::support::bytes;

/// How often each is done, unless the other side ends it before.
const TIMES: usize = 20_000;

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("h2 floods", name, act);
    vec![
        case("requests that are taken back at once harm no other", |stand| {
            flood(stand, |frames, _| {
                let stream = frames.begin(&Fields::get("/x"), true);
                frames.reset(stream)
            });
        }),
        case("streams made to be reset by the other side harm no other", |stand| {
            flood(stand, |frames, _| {
                let stream = frames.begin(&Fields::post("/x"), false);
                frames.window_update(stream, 0)
            });
        }),
        case("SETTINGS without end harm no other", |stand| {
            flood(stand, |frames, _| frames.send(SETTINGS, 0, 0, &setting(3, 100)));
        }),
        case("PING without end harms no other", |stand| {
            flood(stand, |frames, _| frames.send(PING, 0, 0, &[0; 8]));
        }),
        case("PRIORITY without end harms no other", |stand| {
            flood(stand, |frames, index| {
                let stream = u32::try_from(index).unwrap() * 2 + 101;
                frames.send(PRIORITY, 0, stream, &[0, 0, 0, 0, 15])
            });
        }),
        case("frames nobody knows without end harm no other", |stand| {
            flood(stand, |frames, _| frames.send(0x77, 0, 0, &[0; 8]));
        }),
        case("empty DATA without end harms no other", |stand| {
            let begun = Arc::new(AtomicBool::new(false));
            flood(stand, move |frames, _| {
                if !begun.swap(true, Ordering::SeqCst) {
                    frames.begin(&Fields::post("/x"), false);
                }
                frames.send(DATA, 0, 1, &[])
            });
        }),
        case("windows opened by a byte each time harm no other", dribble),
        case("a head that never ends is cut", |stand| {
            let fields = (0..100).fold(Fields::default(), |fields, index| {
                fields.and(&format!("x-{index}"), "y".repeat(100))
            });
            continued(stand, &fields.block());
        }),
        case("a head of CONTINUATIONs of nothing is cut", |stand| continued(stand, &[])),
        case("a hundred answers nobody takes harm no other", zero_window),
        case("a hundred connections with a head half sent harm no other", half_heads),
        case("a hundred stalled uploads on one connection slow nobody", stalled_uploads),
    ]
}

/// Does something again and again without reading an answer, while others ask.
fn flood(stand: &Stand, act: impl Fn(&mut Frames, usize) -> bool + Sync) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut frames = stand.frames();
            frames.patience(Duration::from_secs(3));
            for index in 0..TIMES {
                if !act(&mut frames, index) {
                    break;
                }
            }
            over.store(true, Ordering::SeqCst);
            // Stays, so that what was left behind is not taken away by its end.
            std::thread::sleep(Duration::from_millis(200));
        });
        let mut asked = 0;
        while !over.load(Ordering::SeqCst) || asked < 5 {
            others_are_served(stand);
            asked += 1;
        }
    });
    others_are_served(stand);
}

fn dribble(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.answer(200, &"x".repeat(100_000));
    });
    let mut frames = Frames::with(stand.http2(), &[setting(1, 0), setting(4, 0)].concat());
    let stream = frames.begin(&Fields::get("/x"), true);
    for _ in 0..2000 {
        if !frames.window_update(stream, 1) {
            break;
        }
    }
    assert_eq!(frames.until(stream, |told| told.body.len() == 2000).status, 200);
    others_are_served(stand);
}

/// Only a part of what is sent may be taken before the connection ends.
fn continued(stand: &Stand, piece: &[u8]) {
    let mut frames = stand.frames();
    frames.patience(Duration::from_secs(3));
    let stream = frames.stream();
    frames.send(HEADERS, END_STREAM, stream, &Fields::get("/x").block());
    let more = frame(CONTINUATION, 0, stream, piece).repeat(if piece.is_empty() { 100 } else { 1 });
    let mut sent = 0;
    while sent < 64 * 1024 * 1024 && frames.raw(&more) {
        sent += more.len();
    }
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes were taken");
    others_are_served(stand);
    assert!(stand.homeserver.seen("/x").is_empty(), "it went on");
}

fn zero_window(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.answer(200, &"x".repeat(1_000_000));
    });
    let mut frames = Frames::with(stand.http2(), &[setting(1, 0), setting(4, 0)].concat());
    for _ in 0..100 {
        frames.begin(&Fields::get("/x"), true);
    }
    for _ in 0..20 {
        others_are_served(stand);
    }
}

fn half_heads(stand: &Stand) {
    let halves: Vec<_> = (0..100)
        .map(|_| {
            let mut frames = stand.frames();
            let block = Fields::get("/x").block();
            let stream = frames.stream();
            frames.send(HEADERS, END_STREAM, stream, &block[..10]);
            frames
        })
        .collect();
    for _ in 0..20 {
        others_are_served(stand);
    }
    drop(halves);
    assert!(stand.homeserver.seen("/x").is_empty(), "one went on");
}

fn stalled_uploads(stand: &Stand) {
    let mut frames = stand.frames();
    for _ in 0..100 {
        let stream = frames.begin(&Fields::post("/stalled").length(1000), false);
        frames.body(stream, &bytes(10), false);
    }
    for _ in 0..20 {
        others_are_served(stand);
    }
}
