//! A passing body, against scripted ones.

use std::collections::VecDeque;
use std::future::poll_fn;

use bytes::Buf;
use http::HeaderMap;
use tokio::time::{Instant, Sleep, advance};

use super::*;

/// What a scripted body does when it is asked for a frame.
enum Step {
    Data(&'static [u8]),
    Trailers,
    Error,
    /// Has nothing yet, but will if asked again.
    Later,
    /// Has nothing for this long.
    After(Duration),
    Never,
}

struct Script {
    steps: VecDeque<Step>,
    hint: SizeHint,
    pause: Option<Pin<Box<Sleep>>>,
}

fn script(steps: impl IntoIterator<Item = Step>) -> Script {
    Script { steps: steps.into_iter().collect(), hint: SizeHint::new(), pause: None }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        Poll::Ready(match this.steps.pop_front() {
            None => None,
            Some(Step::Data(data)) => Some(Ok(Frame::data(Bytes::from_static(data)))),
            Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Step::Error) => Some(Err("the script says so".into())),
            Some(Step::Later) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::After(pause)) => {
                this.pause = Some(Box::pin(tokio::time::sleep(pause)));
                return Pin::new(this).poll_frame(cx);
            }
            Some(Step::Never) => {
                this.steps.push_front(Step::Never);
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// Reads a body to its end or first error, each frame as a word.
async fn words(body: &mut Passing<Script>) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(frame) = next(body).await {
        match frame {
            Ok(frame) if frame.is_trailers() => words.push("trailers".to_owned()),
            Ok(frame) => {
                let mut data = frame.into_data().unwrap();
                let bytes = data.copy_to_bytes(data.remaining());
                words.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            Err(error) => {
                words.push(error.to_string());
                break;
            }
        }
    }
    words
}

async fn next(body: &mut Passing<Script>) -> Option<Result<Frame<Segments>, BodyError>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn frames_of_a_small_known_length_pass_as_they_are() {
    let mut body = script([Step::Data(b"one"), Step::Data(b"two"), Step::Data(b"")]);
    body.hint = SizeHint::with_exact(6);
    assert_eq!(words(&mut Passing::new(body)).await, ["one", "two", ""]);
}

#[tokio::test(start_paused = true)]
async fn frames_of_an_unknown_length_are_joined() {
    let steps = [Step::Data(b"one"), Step::Data(b""), Step::Data(b"two"), Step::Data(b"three")];
    assert_eq!(words(&mut Passing::new(script(steps))).await, ["onetwothree"]);
}

#[tokio::test(start_paused = true)]
async fn frames_of_a_large_known_length_are_joined() {
    let mut body = script([Step::Data(b"one"), Step::Later, Step::Data(b"two")]);
    body.hint = SizeHint::with_exact(1_000_000);
    assert_eq!(words(&mut Passing::new(body)).await, ["onetwo"]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_given_two_turns_to_add_to_a_frame() {
    let steps = [
        Step::Data(b"one"),
        Step::Later,
        Step::Later,
        Step::Data(b"two"),
        Step::Later,
        Step::Data(b"three"),
        Step::Later,
        Step::Later,
        Step::Later,
        Step::Data(b"late"),
    ];
    assert_eq!(words(&mut Passing::new(script(steps))).await, ["onetwothree", "late"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_does_not_wait_for_what_has_not() {
    let mut body = Passing::new(script([Step::Data(b"ping"), Step::Never]));
    let frame = next(&mut body).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap().chunk(), b"ping");
}

#[tokio::test(start_paused = true)]
async fn joined_frames_have_a_largest_size() {
    static LARGE: [u8; 100 * 1024] = [7; 100 * 1024];
    let mut body = Passing::new(script((0..4).map(|_| Step::Data(&LARGE))));
    let sizes: Vec<_> = words(&mut body).await.iter().map(String::len).collect();
    assert_eq!(sizes, [3 * LARGE.len(), LARGE.len()]);
}

#[tokio::test(start_paused = true)]
async fn joined_frames_have_a_largest_number_of_pieces() {
    let mut body = Passing::new(script((0..100).map(|_| Step::Data(b"x"))));
    let sizes: Vec<_> = words(&mut body).await.iter().map(String::len).collect();
    assert_eq!(sizes, [JOINED_PIECES, 100 - JOINED_PIECES]);
}

#[tokio::test(start_paused = true)]
async fn trailers_stay_behind_what_was_joined() {
    let body = script([Step::Data(b"one"), Step::Data(b"two"), Step::Trailers]);
    assert_eq!(words(&mut Passing::new(body)).await, ["onetwo", "trailers"]);
}

#[tokio::test(start_paused = true)]
async fn after_an_error_there_is_no_end() {
    let mut body = Passing::new(script([Step::Data(b"one"), Step::Error]));
    assert_eq!(words(&mut body).await, ["one", "the stream broke off"]);
    assert!(!body.is_end_stream());
    assert_eq!(words(&mut body).await, ["the stream broke off"]);
}

#[tokio::test(start_paused = true)]
async fn after_the_end_it_stays_ended() {
    let mut body = Passing::new(script([]));
    for _ in 0..3 {
        assert!(next(&mut body).await.is_none());
        assert!(body.is_end_stream());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_past_the_limit_is_an_error() {
    let begun = Instant::now();
    let mut body = Passing::new(script([Step::Data(b"one"), Step::Never])).idle_limit(MINUTE);
    assert_eq!(words(&mut body).await, ["one", "nothing came for 60s"]);
    assert_eq!(begun.elapsed(), MINUTE);
    assert!(!body.is_end_stream());
    assert!(next(&mut body).await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_moving_body_lives() {
    let slow = (0..5).flat_map(|_| [Step::After(Duration::from_secs(59)), Step::Data(b"x")]);
    let mut body = Passing::new(script(slow)).idle_limit(MINUTE);
    assert_eq!(words(&mut body).await, ["x"; 5]);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_is_not_silence() {
    let pause = Duration::from_secs(50);
    let steps = [Step::After(pause), Step::Data(b"one"), Step::After(pause), Step::Data(b"two")];
    let mut body = Passing::new(script(steps)).idle_limit(MINUTE);
    next(&mut body).await.unwrap().unwrap();
    advance(MINUTE * 10).await;
    assert_eq!(words(&mut body).await, ["two"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_joined_counts_to_the_size() {
    let mut body = Passing::new(script([Step::Data(b"one"), Step::Never]));
    let waits = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx).is_pending())).await;
    assert!(waits);
    assert_eq!(body.size_hint().lower(), 3);
    assert_eq!(body.size_hint().upper(), None);
}
