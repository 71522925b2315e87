//! Who asks, by all the ways of showing a token.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::proptest;

use super::*;

fn of(authorizations: &[&str], query: &str) -> Result<Credentials, Ambiguous> {
    let mut headers = HeaderMap::new();
    for value in authorizations {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Credentials::of(&headers, Some(query))
}

/// What whoami is shown, or nothing.
fn shown(authorizations: &[&str], query: &str) -> Option<String> {
    let credentials = of(authorizations, query).unwrap();
    credentials.token().map(|token| String::from_utf8(token.as_bytes().to_vec()).unwrap())
}

#[test]
fn one_token_is_shown_as_it_came() {
    let rows: [(&[&str], &str, &str); 11] = [
        (&["Bearer syt_alice"], "", "Bearer syt_alice"),
        (&["bearer syt_alice"], "filename=cat.png", "bearer syt_alice"),
        (&["BEARER syt_alice"], "", "BEARER syt_alice"),
        (&["Bearer  syt_alice"], "", "Bearer  syt_alice"),
        (&[], "access_token=syt_alice", "Bearer syt_alice"),
        (&[], "filename=x&access_token=syt_alice&y", "Bearer syt_alice"),
        (&[], "access%5Ftoken=syt_alice", "Bearer syt_alice"),
        (&[], "access%5ftoken=syt%5Falice", "Bearer syt_alice"),
        (&[], "access_token=a%2Bb+c", "Bearer a+b c"),
        (&[], "access_token=a=b", "Bearer a=b"),
        // The same token twice is one token.
        (&["Bearer syt_alice"], "access_token=syt%5falice", "Bearer syt_alice"),
    ];
    for (headers, query, token) in rows {
        assert_eq!(shown(headers, query).as_deref(), Some(token), "{headers:?} {query}");
    }
}

#[test]
fn what_is_no_token_is_none() {
    let rows: [(&[&str], &str); 17] = [
        (&[], ""),
        (&[], "filename=cat.png"),
        (&[""], ""),
        (&["Bearer"], ""),
        (&["Bearer "], ""),
        (&["Bearer\tsyt_alice"], ""),
        (&["Bearersyt_alice"], ""),
        (&["syt_alice"], ""),
        (&["Basic YWxpY2U6"], ""),
        // A header that is no Bearer token hides that of the query.
        (&["Basic YWxpY2U6"], "access_token=syt_alice"),
        (&["Bearer"], "access_token=syt_alice"),
        (&[], "access_token"),
        (&[], "access_token="),
        (&[], "access_token=a%0Ab"),
        (&[], "Access_Token=syt_alice"),
        (&[], "filename=x;access_token=syt_alice"),
        (&[], "access%255Ftoken=syt_alice"),
    ];
    for (headers, query) in rows {
        assert_eq!(shown(headers, query), None, "{headers:?} {query}");
    }
}

#[test]
fn more_than_one_token_is_ambiguous() {
    let rows: [(&[&str], &str); 9] = [
        (&["Bearer syt_alice", "Bearer syt_mallory"], ""),
        (&["Bearer syt_alice", "Bearer syt_alice"], ""),
        (&["Bearer syt_alice", "Basic YWxpY2U6"], ""),
        (&[], "access_token=syt_alice&access_token=syt_alice"),
        (&[], "access_token=syt_alice&access%5Ftoken=syt_mallory"),
        (&[], "access_token&access_token"),
        (&["Bearer syt_alice"], "access_token=syt_mallory"),
        (&["Bearer syt_alice"], "access_token="),
        (&["Bearer  syt_alice"], "access_token=syt_alice"),
    ];
    for (headers, query) in rows {
        assert_eq!(of(headers, query), Err(Ambiguous), "{headers:?} {query}");
    }
}

#[test]
fn claims_to_act_as_someone_keep_order_and_spelling() {
    let rows = [
        ("user_id=@bot:example.org", "user_id=@bot:example.org"),
        ("filename=x&user_id=%40b%3Ae&device_id=D", "user_id=%40b%3Ae&device_id=D"),
        ("device_id=D&user_id=@b:e", "device_id=D&user_id=@b:e"),
        ("user%5Fid=@b:e", "user%5Fid=@b:e"),
        ("user_id=@a:e&user_id=@b:e", "user_id=@a:e&user_id=@b:e"),
        ("org.matrix.msc3202.device_id=D", "org.matrix.msc3202.device_id=D"),
        ("user_id", "user_id"),
        ("filename=x;user_id=@b:e", "filename=x;user_id=@b:e"),
        // A token is never put into a URL.
        ("user_id=@b:e&access_token=syt_alice", "user_id=@b:e"),
        ("user_id=@b:e;access_token=syt_alice", ""),
        ("User_Id=@b:e&x_user_id=@b:e", ""),
    ];
    for (query, claim) in rows {
        assert_eq!(of(&[], query).unwrap().acting_as(), claim, "{query}");
    }
}

#[test]
fn the_same_credentials_have_the_same_key() {
    let key = |headers: &[&str], query| of(headers, query).unwrap().cache_key();
    let alice = key(&["Bearer syt_alice"], "");
    assert_eq!(alice, key(&["Bearer syt_alice"], "filename=cat.png"));
    assert_eq!(alice, key(&[], "access_token=syt_alice"));
    let others = [
        key(&[], ""),
        key(&["Bearer syt_mallory"], ""),
        key(&["Bearer syt_alice"], "user_id=@b:e"),
        key(&["Bearer syt_alice"], "device_id=D"),
        key(&["Bearer syt_alice"], "user_id=@b:e&device_id=D"),
        key(&["Bearer syt_alice"], "device_id=D&user_id=@b:e"),
        key(&[], "user_id=@b:e"),
    ];
    for (place, other) in others.iter().enumerate() {
        assert_ne!(*other, alice);
        assert!(!others[..place].contains(other));
    }
}

#[test]
fn credentials_are_never_printed() {
    let credentials = of(&["Bearer syt_alice"], "user_id=@bot:example.org").unwrap();
    assert_eq!(format!("{credentials:?}"), "Credentials([redacted])");
    assert!(!format!("{:?}", credentials.token()).contains("alice"));
}

proptest! {
    #[test]
    fn any_query_is_read_without_panic(query in ".{0,60}") {
        let _read = of(&[], &query);
    }

    #[test]
    fn a_token_is_read_however_it_is_encoded(token in "[!-~]{1,40}") {
        let encoded = utf8_percent_encode(&token, NON_ALPHANUMERIC);
        let query = format!("access_token={encoded}");
        assert_eq!(shown(&[], &query), Some(format!("Bearer {token}")));
        assert!(of(&[&format!("Bearer {token}")], &query).is_ok());
    }
}
