//! The description of the API: every example in it is called, and every answer is what it says.

use serde_json::{Value, json};

use super::{ALICE, done, get, post, put, seeded};
use crate::support::{Answer, Request, Sidecar};

/// Sets up what the examples are about; returns the ids of a reservation and of a charge.
fn furnished() -> (Sidecar, String, String) {
    let sidecar = seeded("500MB/month");
    let patron = json!({"limits": {"media_bytes": "50GB/month"}});
    done(&put(&sidecar, "/v1/groups/patron", &patron), 201);
    done(&put(&sidecar, "/v1/capabilities/post", &json!({"resources": ["posts"]})), 201);
    done(&put(&sidecar, "/v1/resources/seats", &json!({"aggregate": "max"})), 201);
    done(&put(&sidecar, "/v1/rules/@bridge_*:example.org", &json!({"group": "free"})), 201);
    let alice = format!("/v1/subjects/{ALICE}");
    done(&put(&sidecar, &alice, &json!({"group": "free"})), 201);
    let limits = json!({"limits": {"media_bytes": "1GB/month", "max_upload_bytes": "9MB"}});
    done(&put(&sidecar, &format!("/v1/overrides/{ALICE}"), &limits), 201);
    let boosts = json!({"amounts": {"media_bytes": "5MB"}});
    done(&put(&sidecar, &format!("/v1/boosts/{ALICE}"), &boosts), 201);
    let asked = json!({"subject": "@bob:example.org", "capability": "upload_media", "amount": 1});
    let held = done(&post(&sidecar, "/v1/reserve", &asked), 200);
    let charged = done(&post(&sidecar, "/v1/consume", &asked), 200);
    let id = |told: Value| told["id"].as_str().unwrap().to_owned();
    (sidecar, id(held), id(charged))
}

struct Operation {
    method: String,
    path: String,
    told: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, told)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            told: told.clone(),
        })
    });
    each.collect()
}

impl Operation {
    /// Calls its example; what there is none of is left out.
    fn call(&self, sidecar: &Sidecar, held: &str, charged: &str) -> Answer {
        let (mut path, mut query) = (self.path.clone(), Vec::new());
        for parameter in self.told["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = match &parameter["example"] {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let example = match example.as_str() {
                "a-reservation" => held.to_owned(),
                "a-charge" => charged.to_owned(),
                _ => example,
            };
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &example);
            } else {
                query.push(format!("{name}={example}"));
            }
        }
        let target = format!("{path}?{}", query.join("&"));
        let request = Request::new(&self.method, &target);
        match &self.told["requestBody"]["content"]["application/json"]["example"] {
            Value::Null => sidecar.api(&request),
            example => sidecar.api(&request.body(example.to_string().as_bytes())),
        }
    }

    /// Asserts that an answer is one of those that are described.
    fn is_as_described(&self, document: &Value, answer: &Answer) {
        let Self { method, path, told } = self;
        let response = &told["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{method} {path}: {} {}", answer.status, answer.text());
        let content = &response["content"]["application/json"];
        if content.is_null() {
            assert!(answer.body.is_empty(), "{method} {path}: {}", answer.text());
            return;
        }
        fits(document, &content["schema"], &answer.json(), &format!("{method} {path}"));
    }
}

/// Asserts that `body`, of the call `name`, is what `schema` says.
fn fits(document: &Value, schema: &Value, body: &Value, name: &str) {
    let schema = json!({"components": document["components"], "allOf": [schema]});
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator.iter_errors(body).map(|it| it.to_string()).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}: {body}");
}

#[test]
fn every_example_is_answered_as_it_is_described() {
    let document = get(&seeded("1MB/month"), "/openapi.json");
    let operations = operations(&document);
    assert!(operations.len() > 60, "{}", operations.len());
    for operation in &operations {
        // Each finds things as they are, not as the one before left them.
        let (sidecar, held, charged) = furnished();
        let answer = operation.call(&sidecar, &held, &charged);
        operation.is_as_described(&document, &answer);
        // Nobody in this process could read its configuration again.
        let expected = if operation.path == "/v1/reload" { 409 } else { 200 };
        let fits = (expected..expected + 100).contains(&answer.status);
        assert!(fits, "{} {}: {}", operation.method, operation.path, answer.text());
    }
}

#[test]
fn every_operation_is_described_whole() {
    let sidecar = Sidecar::alone().bare().admin_token("s3cret").start();
    // Who reads it needs no token.
    let document = get(&sidecar, "/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    for Operation { method, path, told } in operations(&document) {
        let name = format!("{method} {path}");
        assert!(told["summary"].as_str().is_some_and(|it| !it.is_empty()), "{name}");
        assert!(told["operationId"].is_string(), "{name}");
        for parameter in told["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"].as_str();
            assert!(described.is_some_and(|it| !it.is_empty()), "{name}: {parameter}");
        }
        let is_open = told["security"] == json!([{}]);
        assert_eq!(is_open, !path.starts_with("/v1/"), "{name}");
        if !is_open {
            for status in ["400", "401", "503"] {
                assert!(told["responses"][status].is_object(), "{name}: {status}");
            }
            let answer = sidecar.api(&Request::new(&method, &path.replace(['{', '}'], "")));
            assert_eq!(answer.status, 401, "{name}");
        }
        let body = &told["requestBody"]["content"]["application/json"];
        let needs_one = body.is_object() && told["requestBody"]["required"] == json!(true);
        assert!(!needs_one || body["example"].is_object(), "{name} has no example");
        if body["example"].is_object() {
            fits(&document, &body["schema"], &body["example"], &name);
        }
    }
}
