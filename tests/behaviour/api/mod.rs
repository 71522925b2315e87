//! The admin API, as bots, operators and the dashboard call it.

mod asking;
mod carrying;
mod declaring;
mod described;
mod granting;
mod listing;
mod reserving;
mod watching;
mod wrong;

use serde_json::{Value, json};

use crate::support::{Answer, Request, Sidecar};

const ALICE: &str = "@alice:example.org";

fn get(sidecar: &Sidecar, target: &str) -> Value {
    let answer = sidecar.api(&Request::get(target));
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn call(sidecar: &Sidecar, method: &str, target: &str, body: &Value) -> Answer {
    let request = Request::new(method, target).line("Content-Type: application/json");
    sidecar.api(&request.body(body.to_string().as_bytes()))
}

fn post(sidecar: &Sidecar, target: &str, body: &Value) -> Answer {
    call(sidecar, "POST", target, body)
}

fn put(sidecar: &Sidecar, target: &str, body: &Value) -> Answer {
    call(sidecar, "PUT", target, body)
}

fn delete(sidecar: &Sidecar, target: &str) -> Answer {
    sidecar.api(&Request::new("DELETE", target))
}

/// Calls what has to be done.
#[track_caller]
fn done(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, code: &str) {
    let told = answer.json();
    assert_eq!((answer.status, &told["error"]["code"]), (status, &json!(code)), "{told}");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains("sqlite"), "{message}");
    assert_eq!((told.as_object().unwrap().len(), told["error"].as_object().unwrap().len()), (1, 2));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

/// An API without a policy of its own in a file, where everyone is in group free.
fn seeded(limit: &str) -> Sidecar {
    let sidecar = Sidecar::alone().bare().start();
    let free = json!({"name": "free", "limits": {"media_bytes": limit}, "default": true});
    done(&post(&sidecar, "/v1/groups", &free), 201);
    sidecar
}

/// Follows a list to its end; returns its pages.
fn pages(sidecar: &Sidecar, target: &str) -> Vec<Vec<Value>> {
    let (mut all, mut next) = (Vec::new(), target.to_owned());
    loop {
        let page = get(sidecar, &next);
        all.push(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        assert!(all.len() < 200, "{target} does not end");
        let mark = if target.contains('?') { '&' } else { '?' };
        next = format!("{target}{mark}cursor={cursor}");
    }
}
