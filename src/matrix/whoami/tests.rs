//! Asking who asks, of a scripted homeserver, by paused time.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::{Mutex, PoisonError};

use http::header::CONNECTION;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;

fn knowing_nobody(settings: Settings) -> Whoami {
    Whoami::new(settings, crate::telemetry::Metrics::new().unwrap().lookups)
}

/// Returns how many were hit, joined, asked, refused and failed.
fn counted(whoami: &Whoami) -> [u64; 5] {
    [Lookup::Hit, Lookup::Joined, Lookup::Asked, Lookup::Refused, Lookup::Failed]
        .map(|how| whoami.counts.count(how))
}

/// What the homeserver does next; the last is repeated.
#[derive(Clone)]
enum Act {
    Say(u16, &'static str),
    Refuse,
    Hang,
}

/// A homeserver that notes what it was asked.
#[derive(Clone)]
struct Homeserver {
    acts: Arc<Mutex<VecDeque<Act>>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// A permit per answer.
    answers: Arc<Semaphore>,
}

const ALICE: Act = Act::Say(200, r#"{"user_id":"@alice:example.org","device_id":"ABC"}"#);
const UNKNOWN: Act =
    Act::Say(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"x","soft_logout":true}"#);

fn homeserver(acts: impl IntoIterator<Item = Act>) -> Homeserver {
    Homeserver {
        acts: Arc::new(Mutex::new(acts.into_iter().collect())),
        asked: Arc::default(),
        answers: Arc::new(Semaphore::new(1000)),
    }
}

impl Homeserver {
    fn times_asked(&self) -> usize {
        lock(&self.asked).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ask for Homeserver {
    async fn ask(&self, request: Request<Body>) -> Result<Response<Body>, ClientError> {
        let token = request.headers().get(AUTHORIZATION).map_or("nothing", |token| {
            assert!(token.is_sensitive());
            token.to_str().unwrap()
        });
        let question = format!("{} {} {token}", request.method(), request.uri());
        lock(&self.asked).push(question);
        let act = {
            let mut acts = lock(&self.acts);
            if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
        };
        self.answers.acquire().await.unwrap().forget();
        match act.unwrap() {
            Act::Say(status, body) => Ok(Response::builder()
                .status(status)
                .header(CONTENT_TYPE, "application/json")
                .header(RETRY_AFTER, "7")
                .header(CONNECTION, "close, X-Hop")
                .header("x-hop", "1")
                .header("x-kept", "1")
                .body(Body::full(body))
                .unwrap()),
            Act::Refuse => Err(ClientError::Connect(io::ErrorKind::ConnectionRefused.into())),
            Act::Hang => pending().await,
        }
    }
}

fn credentials(token: &str, query: &str) -> Credentials {
    let mut headers = HeaderMap::new();
    if !token.is_empty() {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    Credentials::of(&headers, Some(query)).unwrap()
}

fn name(identity: &Identity) -> &str {
    match identity {
        Identity::User(user) => user.as_str(),
        Identity::Refused(_) => "refused",
    }
}

async fn who(whoami: &Whoami, homeserver: &Homeserver) -> String {
    name(&whoami.who(homeserver, &credentials("syt_alice", "")).await.unwrap()).to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_token_is_shown_in_a_header_and_the_claim_in_the_query() {
    let homeserver = homeserver([ALICE]);
    let whoami = knowing_nobody(Settings::default());
    let rows = [
        ("", "/_matrix/client/v3/account/whoami"),
        (
            "filename=x&user_id=%40b&device_id=D",
            "/_matrix/client/v3/account/whoami?user_id=%40b&device_id=D",
        ),
    ];
    for (query, target) in rows {
        whoami.who(&homeserver, &credentials("syt_alice", query)).await.unwrap();
        let asked = lock(&homeserver.asked).pop().unwrap();
        assert_eq!(asked, format!("GET {target} Bearer syt_alice"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_is_believed_in_for_cache_ttl() {
    let homeserver = homeserver([ALICE]);
    let settings = Settings::default();
    let whoami = knowing_nobody(settings);
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    advance(settings.cache_ttl.saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    assert_eq!(homeserver.times_asked(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    assert_eq!(homeserver.times_asked(), 2);
    assert_eq!(counted(&whoami), [1, 0, 2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_believed_in_for_negative_ttl() {
    let homeserver = homeserver([UNKNOWN, ALICE]);
    let settings = Settings::default();
    let whoami = knowing_nobody(settings);
    assert_eq!(who(&whoami, &homeserver).await, "refused");
    assert_eq!(who(&whoami, &homeserver).await, "refused");
    assert_eq!(homeserver.times_asked(), 1);
    advance(settings.negative_ttl).await;
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_relayed_in_the_homeservers_words() {
    for status in [401, 403] {
        let body = "{\"errcode\": \"M_FORBIDDEN\" }\n";
        let homeserver = homeserver([Act::Say(status, body)]);
        let whoami = knowing_nobody(Settings::default());
        let identity = whoami.who(&homeserver, &credentials("syt_alice", "")).await.unwrap();
        let Identity::Refused(refusal) = identity else { panic!("not refused") };
        let (head, answered) = refusal.response().into_parts();
        assert_eq!(head.status, status);
        assert_eq!(small(answered, 1000).await.unwrap(), body);
        assert_eq!(head.headers[RETRY_AFTER], "7");
        assert_eq!(head.headers[CONTENT_TYPE], "application/json");
        assert_eq!(head.headers["x-kept"], "1");
        assert_eq!(head.headers["access-control-allow-origin"], "*");
        assert!(!head.headers.contains_key("x-hop") && !head.headers.contains_key(CONNECTION));
    }
}

#[tokio::test(start_paused = true)]
async fn who_shows_no_token_is_told_so_by_the_homeserver() {
    let homeserver = homeserver([UNKNOWN]);
    let whoami = knowing_nobody(Settings::default());
    for _ in 0..2 {
        let identity = whoami.who(&homeserver, &credentials("", "")).await.unwrap();
        assert_eq!(name(&identity), "refused");
    }
    assert_eq!(*lock(&homeserver.asked), ["GET /_matrix/client/v3/account/whoami nothing"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_makes_no_sense_is_odd_and_not_remembered() {
    static LARGE: &str = "                                ";
    let large: &'static str = Box::leak(LARGE.repeat(3000).into_boxed_str());
    let acts = [
        Act::Say(500, "{}"),
        Act::Say(404, "{}"),
        Act::Say(400, r#"{"errcode":"M_EXCLUSIVE"}"#),
        Act::Say(204, ""),
        Act::Say(302, ""),
        Act::Say(200, ""),
        Act::Say(200, "<html>"),
        Act::Say(200, "{}"),
        Act::Say(200, r#"{"user_id":7}"#),
        Act::Say(200, r#"{"user_id":"alice"}"#),
        Act::Say(200, r#"{"user_id":"@a:b"#),
        Act::Say(200, large),
        Act::Say(401, large),
    ];
    let times = acts.len();
    let homeserver = homeserver(acts.into_iter().chain([ALICE]));
    let whoami = knowing_nobody(Settings::default());
    for _ in 0..times {
        let error = whoami.who(&homeserver, &credentials("syt_alice", "")).await.unwrap_err();
        assert!(matches!(error, WhoamiError::Odd(_)), "{error:?}");
    }
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    let tokenless = whoami.who(&homeserver, &credentials("", "")).await.unwrap_err();
    assert!(matches!(tokenless, WhoamiError::Odd(Oddity::Tokenless)));
}

#[tokio::test(start_paused = true)]
async fn a_homeserver_out_of_reach_or_silent_is_told_apart() {
    let homeserver = homeserver([Act::Refuse, Act::Hang, ALICE]);
    let settings = Settings::default();
    let whoami = knowing_nobody(settings);
    let error = whoami.who(&homeserver, &credentials("syt_alice", "")).await.unwrap_err();
    assert!(matches!(error, WhoamiError::Unreachable(_)));
    let begun = Instant::now();
    let error = whoami.who(&homeserver, &credentials("syt_alice", "")).await.unwrap_err();
    assert!(matches!(error, WhoamiError::Timeout));
    assert_eq!(begun.elapsed(), settings.timeout);
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    assert_eq!(counted(&whoami), [0, 0, 1, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_share_one_lookup() {
    for (act, name) in [(ALICE, "@alice:example.org"), (UNKNOWN, "refused")] {
        let homeserver = homeserver([act]);
        let whoami = knowing_nobody(Settings::default());
        let lookups: Vec<_> = (0..20)
            .map(|_| {
                let (whoami, homeserver) = (whoami.clone(), homeserver.clone());
                tokio::spawn(async move { who(&whoami, &homeserver).await })
            })
            .collect();
        for lookup in lookups {
            assert_eq!(lookup.await.unwrap(), name);
        }
        assert_eq!(homeserver.times_asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_goes_on_for_others_when_the_first_hangs_up() {
    let homeserver = homeserver([ALICE]);
    homeserver.answers.forget_permits(1000);
    let whoami = knowing_nobody(Settings::default());
    let ask = || {
        let (whoami, homeserver) = (whoami.clone(), homeserver.clone());
        tokio::spawn(async move { who(&whoami, &homeserver).await })
    };
    let first = ask();
    settle().await;
    let second = ask();
    settle().await;
    first.abort();
    settle().await;
    homeserver.answers.add_permits(1);
    assert_eq!(second.await.unwrap(), "@alice:example.org");
    assert_eq!(homeserver.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_begun_before_sessions_ended_is_not_kept() {
    let homeserver = homeserver([ALICE, UNKNOWN]);
    homeserver.answers.forget_permits(1000);
    let whoami = knowing_nobody(Settings::default());
    let early = {
        let (whoami, homeserver) = (whoami.clone(), homeserver.clone());
        tokio::spawn(async move { who(&whoami, &homeserver).await })
    };
    settle().await;
    whoami.forget();
    homeserver.answers.add_permits(2);
    assert_eq!(early.await.unwrap(), "@alice:example.org");
    assert_eq!(who(&whoami, &homeserver).await, "refused");
}

#[tokio::test(start_paused = true)]
async fn ended_sessions_forget_everybody() {
    let homeserver = homeserver([ALICE, UNKNOWN]);
    let whoami = knowing_nobody(Settings::default());
    assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
    whoami.forget();
    assert_eq!(who(&whoami, &homeserver).await, "refused");
}

#[tokio::test(start_paused = true)]
async fn a_ttl_of_nothing_asks_every_time() {
    let none = Duration::ZERO;
    for settings in [
        Settings { cache_ttl: none, ..Settings::default() },
        Settings { cache_ttl: none, negative_ttl: none, ..Settings::default() },
        Settings { cache_entries: 0, ..Settings::default() },
    ] {
        let homeserver = homeserver([ALICE, ALICE, UNKNOWN]);
        let whoami = knowing_nobody(settings);
        assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
        assert_eq!(who(&whoami, &homeserver).await, "@alice:example.org");
        assert_eq!(who(&whoami, &homeserver).await, "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_times_are_no_harm() {
    let longest = Duration::MAX;
    let settings = Settings {
        timeout: longest,
        cache_ttl: longest,
        negative_ttl: longest,
        cache_entries: u64::MAX,
    };
    assert_eq!(who(&knowing_nobody(settings), &homeserver([ALICE])).await, "@alice:example.org");
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}
