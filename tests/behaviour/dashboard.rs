//! The dashboard's door: its files, sign-in, and that no other page can come in with it.

use serde_json::json;

use crate::support::{Answer, Request, Sidecar};

const TARGET: &str = "/v1/usage?subject=@alice:example.org&resource=media_bytes";
const HOST: &str = "Host: quota.example.org";
const OURS: &str = "Origin: https://quota.example.org";
const USE: &str = r#"{"subject":"@alice:example.org","resource":"media_bytes","amount":1}"#;

fn guarded() -> Sidecar {
    Sidecar::alone().limit("1MB/month").admin_token("s3cret").start()
}

/// A request as a browser sends it for a page of quota.example.org.
fn of_our_page(method: &str, target: &str) -> Request {
    Request::new(method, target).without("Host:").line(HOST).line(OURS)
}

fn sign_in(sidecar: &Sidecar, token: &str) -> Answer {
    let body = json!({ "token": token }).to_string();
    sidecar.api(&of_our_page("POST", "/session").body(body.as_bytes()))
}

/// Signs in and returns what a browser sends from then on.
fn cookie(sidecar: &Sidecar) -> String {
    let answer = sign_in(sidecar, "s3cret");
    assert_eq!(answer.status, 204, "{}", answer.text());
    let set = answer.header("set-cookie").unwrap();
    format!("Cookie: theme=dark; {}", set.split(';').next().unwrap())
}

#[test]
fn its_files_are_served_without_a_token_and_load_nothing_from_elsewhere() {
    let sidecar = guarded();
    let page = sidecar.api(&Request::get("/"));
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let text = page.text();
    let mut files: Vec<String> = text
        .split('"')
        .filter(|it| it.starts_with("/style/") || it.starts_with("/script/"))
        .map(str::to_owned)
        .collect();
    assert!(files.len() > 4, "{files:?}");
    assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains("onclick"));
    let mut seen = vec!["/".to_owned()];
    while let Some(file) = files.pop() {
        if seen.contains(&file) {
            continue;
        }
        let answer = sidecar.api(&Request::get(&file));
        assert_eq!(answer.status, 200, "{file}");
        for (ending, kind) in [
            (".js", "text/javascript; charset=utf-8"),
            (".css", "text/css; charset=utf-8"),
            (".svg", "image/svg+xml"),
        ] {
            assert!(!file.ends_with(ending) || answer.header("content-type") == Some(kind));
        }
        let text = answer.text();
        let named = text.split(['"', '\'']).filter(|it| it.starts_with("./") && it.contains(".js"));
        files.extend(named.map(|it| it.replacen('.', "/script", 1)));
        // A namespace, and what is shown as an example, are never fetched.
        let fetched = text.replace("http://www.w3.org/", "").replace("https://example.org/", "");
        for elsewhere in ["http://", "https://", "\"//", "@import", "url("] {
            assert!(!fetched.contains(elsewhere), "{file}: {elsewhere}");
        }
        seen.push(file);
    }
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn its_files_come_with_a_strict_policy_and_are_sent_once() {
    let sidecar = guarded();
    for file in ["/", "/style/base.css", "/script/app.js"] {
        let answer = sidecar.api(&Request::get(file));
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
            )
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let tag = answer.header("etag").unwrap().to_owned();
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()]
        {
            let again = sidecar.api(&Request::get(file).line(&format!("If-None-Match: {known}")));
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
        }
        let other = sidecar.api(&Request::get(file).line("If-None-Match: \"other\""));
        assert_eq!(other.status, 200);
        assert_eq!(sidecar.api(&Request::new("HEAD", file)).status, 200);
    }
    for target in
        ["/style/none.css", "/script/../index.html", "/style/..%2Findex.html", "/style/", "/script"]
    {
        assert_eq!(sidecar.api(&Request::get(target)).status, 404, "{target}");
    }
}

#[test]
fn who_shows_the_token_gets_a_cookie_that_stands_for_it() {
    let sidecar = guarded();
    let standing = |line: Option<&str>| {
        let request = of_our_page("GET", "/session");
        sidecar.api(&line.into_iter().fold(request, Request::line)).json()
    };
    assert_eq!(standing(None), json!({ "needed": true, "signed_in": false }));
    let answer = sign_in(&sidecar, "s3cret");
    let set = answer.header("set-cookie").unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(set.split("; ").any(|it| it == part), "{set}");
    }
    assert!(set.starts_with("metergate_session=") && !set.contains("s3cret"), "{set}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let cookie = cookie(&sidecar);
    assert_eq!(standing(Some(&cookie)), json!({ "needed": true, "signed_in": true }));
    assert_eq!(sidecar.api(&of_our_page("GET", TARGET).line(&cookie)).status, 200);
    let told = of_our_page("POST", "/v1/use").line(&cookie).body(USE.as_bytes());
    assert_eq!(sidecar.api(&told).status, 200);
    // Somebody else's session goes on.
    let other = self::cookie(&sidecar);
    let left = sidecar.api(&of_our_page("DELETE", "/session").line(&cookie));
    assert_eq!(left.status, 204);
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(sidecar.api(&of_our_page("GET", TARGET).line(&cookie)).status, 401);
    assert_eq!(sidecar.api(&of_our_page("GET", TARGET).line(&other)).status, 200);
    for wrong in ["Cookie: metergate_session=", "Cookie: metergate_session=s3cret", "Cookie: a=b"] {
        assert_eq!(sidecar.api(&of_our_page("GET", TARGET).line(wrong)).status, 401, "{wrong}");
    }
}

#[test]
fn over_a_plain_connection_the_cookie_is_not_secure_or_it_would_not_come_back() {
    let sidecar = guarded();
    let request = Request::post("/session").line("Origin: http://localhost");
    let answer = sidecar.api(&request.body(br#"{"token":"s3cret"}"#));
    assert_eq!(answer.status, 204);
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"));
}

#[test]
fn a_page_of_another_origin_can_do_nothing_with_the_cookie() {
    let sidecar = guarded();
    let cookie = cookie(&sidecar);
    let foreign: [&[&str]; 7] = [
        &["Origin: https://evil.example"],
        &["Origin: null"],
        &["Origin: https://quota.example.org.evil.example"],
        &["Origin: https://quota.example.org:8443"],
        &["Origin: https://quota.example.org", "Sec-Fetch-Site: same-site"],
        &["Origin: https://quota.example.org", "Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: none"],
    ];
    for lines in foreign {
        let with = |request: Request| lines.iter().fold(request, |it, line| it.line(line));
        let to_us = |method: &str, target: &str| {
            with(Request::new(method, target).without("Host:").line(HOST).line(&cookie))
        };
        for request in [
            to_us("GET", TARGET),
            to_us("POST", "/v1/use").body(USE.as_bytes()),
            to_us("POST", "/v1/use").line("Content-Type: text/plain").body(USE.as_bytes()),
            to_us("DELETE", "/session"),
            to_us("POST", "/session").body(br#"{"token":"s3cret"}"#),
        ] {
            let answer = sidecar.api(&request);
            assert_eq!(answer.status, 401, "{lines:?} {}", answer.text());
            assert_eq!(answer.header("access-control-allow-origin"), None);
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    // A change of which nothing says where it is from is not believed, either.
    let silent = Request::post("/v1/use").line(&cookie).body(USE.as_bytes());
    assert_eq!(sidecar.api(&silent).status, 401);
    assert_eq!(sidecar.used(), 0);
    // And the session is still there.
    assert_eq!(sidecar.api(&of_our_page("GET", TARGET).line(&cookie)).status, 200);
    let says = of_our_page("GET", TARGET).line(&cookie).line("Sec-Fetch-Site: same-origin");
    assert_eq!(sidecar.api(&says).status, 200);
}

#[test]
fn without_a_token_only_pages_asked_of_this_machine_may_call() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    let ask = |host: &str, lines: &[&str]| {
        let request = Request::get(TARGET).without("Host:").line(&format!("Host: {host}"));
        sidecar.api(&lines.iter().fold(request, |it, line| it.line(line))).status
    };
    for (host, origin) in [
        ("localhost:8400", "http://localhost:8400"),
        ("127.0.0.1:8400", "http://127.0.0.1:8400"),
        ("[::1]:8400", "http://[::1]:8400"),
    ] {
        assert_eq!(ask(host, &[]), 200, "{host}");
        assert_eq!(ask(host, &[&format!("Origin: {origin}")]), 200, "{host}");
        assert_eq!(ask(host, &["Sec-Fetch-Site: same-origin"]), 200, "{host}");
        assert_eq!(ask(host, &["Origin: https://evil.example"]), 401, "{host}");
        assert_eq!(ask(host, &["Sec-Fetch-Site: cross-site"]), 401, "{host}");
        // Another service of this machine is another origin.
        assert_eq!(ask(host, &["Origin: http://localhost:3000"]), 401, "{host}");
    }
    // A page whose own name was made to point here (DNS rebinding).
    for host in ["evil.example:8400", "localhost.evil.example", "127.0.0.1.evil.example"] {
        assert_eq!(ask(host, &[]), 401, "{host}");
        assert_eq!(ask(host, &[&format!("Origin: http://{host}")]), 401, "{host}");
        assert_eq!(ask(host, &["Sec-Fetch-Site: same-origin"]), 401, "{host}");
    }
    let told = sidecar.api(&Request::get("/session"));
    assert_eq!(told.json(), json!({ "needed": false, "signed_in": true }));
    let entered = sidecar.api(&Request::post("/session").body(b"{}"));
    assert_eq!((entered.status, entered.header("set-cookie")), (204, None));
}

#[test]
fn wrong_tokens_are_bounded_and_never_let_in() {
    let sidecar = guarded();
    for body in [&b"{}"[..], b"", b"token=s3cret", br#"{"token":5}"#] {
        let answer = sidecar.api(&of_our_page("POST", "/session").body(body));
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    for token in ["", "s3cre", "s3cret2", "S3CRET", "wrong", " s3cret", "x", "y", "z", "0"] {
        let answer = sign_in(&sidecar, token);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{token:?}");
    }
    let answer = sign_in(&sidecar, "s3cret");
    assert_eq!(answer.status, 429, "the right one is not looked at, either");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert!(answer.text().contains("too many wrong tokens"), "{}", answer.text());
    // Programs with the token, and those who are in, are not kept out by it.
    let bearer = Request::get(TARGET).line("Authorization: Bearer s3cret");
    assert_eq!(sidecar.api(&bearer).status, 200);
}
