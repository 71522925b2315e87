//! The same commands, the same answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Twins;
use super::script::SCRIPT;
use crate::cli::Books;

/// What asks no server: `--server` is refused.
const ELSEWHERE: [&str; 5] = ["serve", "config check", "completions", "man", "move"];
/// What looks at the server's own store, in another process.
const LOOKS: &str = "doctor";

/// Returns all commands, as the manual names them.
fn commands() -> BTreeSet<String> {
    let books = Books::new();
    books.done("man --out pages");
    let pages = std::fs::read_dir(books.0.path().join("pages")).unwrap();
    let name = |page: std::io::Result<std::fs::DirEntry>| page.unwrap().file_name();
    let names = pages.map(|page| name(page).into_string().unwrap());
    let names: Vec<_> = names.map(|name| name.trim_end_matches(".1").to_owned()).collect();
    let is_leaf = |name: &&String| !names.iter().any(|it| it.starts_with(&format!("{name}-")));
    let path = |name: &String| name.trim_start_matches("metergate-").replace('-', " ");
    names.iter().filter(is_leaf).map(path).collect()
}

/// Returns what `text` shows to be typed, without what only a shell understands.
fn examples(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("metergate "));
    let lines = lines.map(|line| line.split(['&', '|', '>', '#']).next().unwrap().trim());
    let goes_on = |line: &&str| line.contains("--follow") || line.contains("--conformance");
    let lines = lines.filter(|line| !goes_on(line) && !line.is_empty());
    let asks = |line: &&str| {
        let mut others = ELSEWHERE.iter().chain([&LOOKS, &"--storage"]);
        !others.any(|it| line.starts_with(it))
    };
    lines.filter(asks).map(str::to_owned).collect()
}

#[test]
fn every_command_says_on_a_server_what_it_says_on_a_store() {
    let twins = Twins::new();
    twins.file("quota.json", super::script::DOCUMENT);
    twins.file("wrong.json", r#"{"groups":{"free":{"media_bytes":0.5}}}"#);
    twins.file("broken.json", r#"{"groups":{"free":{"#);
    twins.file("synapse.yaml", "media_upload_limits:\n  - time_period: 1d\n    max_size: 10M\n");
    twins.file("policy.toml", "[policy]\ndefault_group = \"x\"\n[policy.groups.x]\nmedia_bytes = \"1MB/month\"\nmax_upload_bytes = \"200MB\"\n");
    let day = metergate::clock::Clock::now(&metergate::clock::System);
    let day = day.before(std::time::Duration::from_hours(72)).to_string()[..10].to_owned();
    let lines = SCRIPT.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(|line| line.replace("DAY", &day)).collect();
    let told = commands();
    let is_tried = |it: &&String| lines.iter().any(|line| line.starts_with(it.as_str()));
    let tried = told.iter().filter(is_tried).cloned();
    let others = ELSEWHERE.iter().chain([&LOOKS]).map(|it| (*it).to_owned());
    assert_eq!(tried.chain(others).collect::<BTreeSet<_>>(), told);
    let both = lines.iter().flat_map(|line| [line.clone(), format!("{line} --json")]);
    let both: Vec<_> = both.collect();
    twins.are_equal(both.iter().map(String::as_str));
}

#[test]
fn every_example_of_help_and_readme_is_the_same() {
    let twins = Twins::new();
    let books = Books::new();
    let help =
        commands().into_iter().flat_map(|path| examples(&books.done(&format!("{path} --help"))));
    let readme = include_str!("../../../../README.md");
    let help: Vec<_> = help.chain(examples(readme)).collect();
    assert!(help.len() > 60, "{help:?}");
    twins.are_equal(help.iter().map(String::as_str));
}

#[test]
fn long_lists_are_read_page_by_page_and_look_the_same() {
    let twins = Twins::new();
    let names: Vec<_> = (0..2300).map(|number| format!("@u{}", number * 7919)).collect();
    let event = |(index, name): (usize, &String)| {
        let amount = 1000 + index % 50;
        json!({"kind": "use", "resource": "media_bytes", "subject": name, "amount": amount, "at": "2026-01-01T00:00:00Z"})
    };
    let events: Vec<Value> = names.iter().enumerate().map(event).collect();
    let document = json!({
        "groups": {"free": {"media_bytes": "1020B/never"}},
        "default_group": "free",
        "subjects": names.iter().map(|it| (it.clone(), json!({"group": "free"}))).collect::<serde_json::Map<_, _>>(),
        "events": events,
    });
    twins.file("many.json", &document.to_string());
    twins.are_equal([
        "import many.json --json",
        "subjects",
        "subjects --json",
        "subjects --prefix @u1",
        "over media_bytes",
        "over media_bytes --json",
        "top media_bytes -n 1500 --period never",
        "events -n 2200",
        "events -n 1000 --json",
        "user list --json",
        "export --usage",
        "rebuild",
        "simulate metergate.toml --json",
    ]);
}

#[test]
fn the_doctor_tells_of_the_store_of_the_server() {
    let twins = Twins::new();
    let looked = |said: &super::Said| -> (String, bool, Vec<(String, String)>) {
        let told: Value = serde_json::from_str(&said.out).unwrap();
        let findings = told["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        // How the file is just now is another matter than what it is.
        let names = findings.map(|it| (text(&it["severity"]), text(&it["about"])));
        (text(&told["storage"]), told["healthy"].as_bool().unwrap(), names.collect())
    };
    let (here, there) = twins.run("doctor --json");
    assert_eq!((here.code, looked(&here)), (there.code, looked(&there)));
    let (here, there) = twins.run("doctor");
    assert_eq!(here.out.lines().next(), there.out.lines().next());
    assert_eq!(here.out.lines().count(), there.out.lines().count(), "{there:?}");
}
