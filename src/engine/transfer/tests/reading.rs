//! What a document may say, and what it may not.

use super::super::{How, Tree, Wanted, foreign};
use super::{draft, exported, import, nobody_watches, on_memory};
use crate::engine::EngineError;
use crate::store::LayerKind;

const WHOLE: &str = r#"{
  "resources": {"points": {"aggregate": "sum", "unit": "points", "decimals": 1}},
  "groups": {
    "base": {"max_upload_bytes": "20MB", "timezone": "Europe/Berlin"},
    "free": {
      "extends": "base",
      "media_bytes": [{"limit": "500MB", "period": "month", "mode": "soft", "ceiling": "1GB",
        "grace": "7d", "warn": [50, 90], "per": "group", "admit": "trailing", "timezone": "UTC"},
        "50MB/day"],
      "points": "47.5 points/week",
      "uploads": 10
    }
  },
  "default_group": "free",
  "capabilities": {"upload_media": ["media_bytes", "uploads"], 
    "play": {"resources": "points", "on_outage": "open"}},
  "rules": [{"match": "@b*", "group": "base"}, {"match": "@a*", "group": "free"}],
  "subjects": {"@alice": {"group": "base", "until": "2027-01-01", "exempt": true}},
  "overrides": {"@alice": {"media_bytes": "1GiB", "max_upload_bytes": "unlimited",
    "points": {"limit": "12/month", "until": "2027-01-01", "note": "asked"}}},
  "boosts": {"@alice": {"media_bytes": {"amount": "200MB", "until": "2026-12-31T23:00:00.5Z"}}},
  "timezone": "UTC",
  "period": "week"
}"#;

const GOLDEN: &str = r#"{"boosts":{"@alice":{"media_bytes":[{"amount":200000000,"until":"2026-12-31T23:00:00.5Z"}]}},"capabilities":{"play":{"on_outage":"open","resources":["points"]},"upload_media":["media_bytes","uploads"]},"default_group":"free","groups":{"base":{"max_upload_bytes":20000000,"timezone":"Europe/Berlin"},"free":{"extends":"base","media_bytes":["500000000/month soft trailing per group ceiling 1000000000 grace 7d warn 50 90 in UTC","50000000/day"],"points":"475/week","uploads":"10"}},"overrides":{"@alice":{"max_upload_bytes":{"limit":"unlimited"},"media_bytes":{"limit":"1073741824"},"points":{"limit":"12/month","note":"asked","until":"2027-01-01T00:00:00Z"}}},"period":"week","resources":{"points":{"aggregate":"sum","unit":"points","decimals":1}},"rules":[{"group":"base","match":"@b*"},{"group":"free","match":"@a*"}],"subjects":{"@alice":{"exempt":true,"group":"base","until":"2027-01-01T00:00:00Z"}},"timezone":"UTC"}"#;

#[tokio::test]
async fn what_people_write_becomes_what_is_carried() {
    let engine = on_memory().await;
    import(&engine, WHOLE, How::Merge).await.unwrap();
    let document = engine.export(Wanted::default(), &nobody_watches).await.unwrap();
    assert_eq!(serde_json::to_string(&document).unwrap(), GOLDEN);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_and_changes_nothing() {
    let engine = on_memory().await;
    import(&engine, WHOLE, How::Merge).await.unwrap();
    let before = exported(&engine).await;
    for (text, place, hint) in [
        (r#"{"capabilities":{"a":{"resources":["b"],"on_outage":"opn"}}}"#, "/on_outage:", "open"),
        (r#"{"capabilities":{"a":{"on_outage":"open"}}}"#, "/capabilities/a:", "no resources"),
        (r#"{"groups":{"a":{"media_bytes":"5G"}}}"#, "/groups/a/media_bytes:", "GiB"),
        (r#"{"groups":{"a":{"media_bytes":"5MB/mnth"}}}"#, "/groups/a/media_bytes:", "month"),
        (r#"{"groups":{"a":{"uploads":"5MB"}}}"#, "/groups/a/uploads:", "plain number"),
        (r#"{"groups":{"a":{"uploads":[]}}}"#, "/groups/a/uploads:", "needs a limit"),
        (r#"{"groups":{"a":{"uploads":["5","unlimited"]}}}"#, "/groups/a/uploads/1:", "beside"),
        (r#"{"groups":{"a":{"uploads":["5/day","6/day"]}}}"#, "/groups/a/uploads:", "keep one"),
        (r#"{"groups":{"a":{"uploads":{"limit":5,"perod":"day"}}}}"#, "/perod:", "period"),
        (
            r#"{"groups":{"a":{"uploads":{"limit":"5/day","period":"day"}}}}"#,
            "/groups/a/uploads/limit:",
            "keep one",
        ),
        (r#"{"groups":{"a":{"uploads":{"limit":5,"grace":"7d"}}}}"#, "/uploads:", "soft"),
        (r#"{"groups":{"a":{"uploads":true}}}"#, "/groups/a/uploads:", "true or false"),
        (r#"{"groups":{"a":{"up loads":1}}}"#, "/groups/a/up loads:", "name"),
        (r#"{"groups":{"a":{"extends":"fre"}}}"#, "/groups/a/extends:", "\"free\""),
        (r#"{"groups":{"base":{"extends":"free"}}}"#, "", "circle"),
        (r#"{"groups":[]}"#, "/groups:", "a table"),
        (r#"{"default_group":"nobody"}"#, "/default_group:", "no group"),
        (r#"{"rules":[{"match":"@x"}]}"#, "/rules/0:", "has no group"),
        (
            r#"{"rules":[{"match":"x","group":"free"},{"match":"x","group":"base"}]}"#,
            "/rules/1:",
            "keep one",
        ),
        (r#"{"subjects":{"@a":{"group":"bas"}}}"#, "/subjects/@a/group:", "\"base\""),
        (r#"{"subjects":{"@a":{"until":"2027-01-01"}}}"#, "/subjects/@a/until:", "group"),
        (r#"{"subjects":{"@a":{"group":"base","until":"soon"}}}"#, "/subjects/@a/until:", "time"),
        (r#"{"overrides":{"@a":{"uplods":5}}}"#, "/overrides/@a/uplods:", "\"uploads\""),
        (r#"{"overrides":{"@a":{"uploads":-5}}}"#, "/overrides/@a/uploads:", "below zero"),
        (
            r#"{"overrides":{"@a":{"uploads":"5 per group"}}}"#,
            "/overrides/@a/uploads:",
            "belongs to a group",
        ),
        (r#"{"boosts":{"@a":{"uploads":[{"amount":0}]}}}"#, "/boosts/@a/uploads/0/amount:", "zero"),
        (r#"{"capabilities":{"act":[]}}"#, "/capabilities/act:", "no resource"),
        (r#"{"resources":{"x":{"decimals":9}}}"#, "/resources/x:", "decimals"),
        (r#"{"resources":{"x":{"unit":"bytes","aggregate":"unique"}}}"#, "/resources/x:", "unique"),
        (r#"{"timezone":"Mars"}"#, "/timezone:", "time zone"),
    ] {
        for how in [How::Merge, How::Replace] {
            // Of a document that stands alone something else may be wrong first.
            match import(&engine, text, how).await {
                Err(EngineError::BadInput(said)) if how == How::Merge => {
                    assert!(said.contains(place) && said.contains(hint), "{text}: {said}");
                }
                Err(EngineError::BadInput(_)) => {}
                other => assert!(how == How::Replace, "{text}: {other:?}"),
            }
            if how == How::Replace {
                import(&engine, WHOLE, How::Replace).await.unwrap();
            }
            assert_eq!(exported(&engine).await, before, "{text}");
        }
    }
}

#[tokio::test]
async fn a_broken_record_far_down_changes_nothing() {
    let record = |id: u64, rest: &str| {
        format!(
            r#"{{"id":{id},"subject":"@a","resource":"uploads","kind":"use","amount":1,"at":"2026-06-18T12:00:00Z"{rest}}}"#
        )
    };
    let many: Vec<_> = (1..=90_000).map(|id| record(id, "")).collect();
    let engine = on_memory().await;
    let before = exported(&engine).await;
    let last = 90_001;
    for (broken, hint) in [
        (record(last, r#","hold":"x""#), "not the id of a reservation"),
        (record(5, ""), "ids rise"),
        (record(last, r#","key":"k""#), "fingerprint"),
        (record(last, r#","key":"","fingerprint":"00""#), "1 to 255"),
        (record(last, r#","member":"""#), "1 to 255"),
        (record(last, r#","group":"a b""#), "not the name of a group"),
        (record(last, r#","bucket":"2026-06""#), "reset"),
        (record(last, "").replace("use", "used"), "no kind of event"),
        (record(last, "").replace("use", "lapse"), "no amount"),
        (record(last, "").replace(":1,", ":\"5MB\","), "plain number"),
    ] {
        let text = format!(r#"{{"groups":{{"a":{{}}}},"events":[{},{broken}]}}"#, many.join(","));
        let error = import(&engine, &text, How::Replace).await.unwrap_err().to_string();
        assert!(error.starts_with("/events/90000: ") && error.contains(hint), "{error}");
    }
    for (broken, hint) in [
        (record(last, r#","surprise":1"#), "surprise"),
        (record(last, "").replace("@a", " "), "/events/90000"),
        (record(last, "").replace(":1,", ":1.5,"), "an amount"),
        ("{".to_owned(), "line 1"),
    ] {
        let text = format!(r#"{{"events":[{},{broken}]}}"#, many.join(","));
        let error = serde_json::from_str::<super::Draft>(&text).unwrap_err().to_string();
        assert!(error.starts_with("/events/90000: ") && error.contains(hint), "{error}");
    }
    assert_eq!(exported(&engine).await, before);
}

#[tokio::test]
async fn merging_sets_what_is_named_and_replacing_leaves_nothing_else() {
    let engine = on_memory().await;
    import(&engine, WHOLE, How::Merge).await.unwrap();
    let change = r#"{"groups":{"free":{"uploads":"11","max_upload_bytes":"unlimited"}}}"#;
    let told = import(&engine, change, How::Merge).await.unwrap();
    let told: Vec<_> = told.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["~ group free uploads 10 → 11"]);
    assert!(exported(&engine).await.contains("50000000/day"));
    let told = engine.import(&draft(change), How::Replace, true).await.unwrap();
    let told: Vec<_> = told.changes.iter().map(ToString::to_string).collect();
    for line in [
        "- rule @a* free",
        "- group base",
        "- boost @alice media_bytes 200 MB until 2026-12-31T23:00:00.5Z",
    ] {
        assert!(told.iter().any(|it| it == line), "{line}: {told:#?}");
    }
    assert!(exported(&engine).await.contains("@a*"), "a dry run writes nothing");
    import(&engine, change, How::Replace).await.unwrap();
    assert!(!exported(&engine).await.contains("@a"));
}

#[tokio::test]
async fn what_the_file_declares_too_is_told() {
    let engine = on_memory().await;
    let store = &engine.0.store;
    let layer = serde_json::from_str(
        r#"{"groups":{"free":{"limits":{"uploads":"3"}}},"default_group":"free"}"#,
    );
    let seen = store.policy().await.unwrap().version;
    store.write_layer(LayerKind::File, layer.unwrap(), seen).await.unwrap();
    let told = import(&engine, WHOLE, How::Merge).await.unwrap();
    assert_eq!(told.shadowed, ["group free", "default_group"]);
    let both = Wanted { both_layers: true, ..Wanted::default() };
    let both = engine.export(both, &nobody_watches).await.unwrap();
    let group = serde_json::to_value(&both).unwrap()["groups"]["free"].clone();
    assert_eq!(group, serde_json::json!({"uploads": "3"}));
}

#[tokio::test]
async fn events_are_not_mixed_with_those_that_are_there() {
    let engine = on_memory().await;
    let events = r#"{"events":[{"subject":"@a","resource":"uploads","kind":"use","amount":1,"at":"2026-06-18"}]}"#;
    let first = import(&engine, events, How::Merge).await.unwrap();
    assert_eq!((first.lines, first.lines_before), (Some(1), None));
    let again = import(&engine, events, How::Merge).await;
    assert!(matches!(&again, Err(EngineError::Conflict(said)) if said.contains("--replace")));
    let replaced = import(&engine, events, How::Replace).await.unwrap();
    assert_eq!((replaced.lines, replaced.lines_before), (Some(1), Some(1)));
}

async fn translated(tree: serde_json::Value) -> Result<(String, Vec<String>), EngineError> {
    let engine = on_memory().await;
    let tree: Tree = serde_json::from_value(tree).unwrap();
    let understood = foreign(&tree, &engine.policy().await.unwrap())?;
    engine.import(&understood.draft, How::Merge, false).await?;
    let document = engine.export(Wanted::default(), &nobody_watches).await?;
    let whole = serde_json::to_value(&document).unwrap();
    let parts = ["groups", "rules", "default_group", "capabilities"];
    let parts = parts.map(|key| whole[key].to_string()).join(" ");
    Ok((parts, understood.words))
}

#[tokio::test]
async fn limits_of_synapse_roll_and_are_in_binary_units() {
    let limits = serde_json::json!({"server_name": "x", "media_upload_limits": [
        {"time_period": "1d", "max_size": "100M"},
        {"time_period": "1d", "max_size": "200M", "info_uri": "https://x"},
        {"time_period": "1w", "max_size": "1G", "msc4335_info_uri": "https://x"},
        {"time_period": 3_600_000, "max_size": 5},
    ]});
    let (parts, words) = translated(limits).await.unwrap();
    let expected = r#"{"synapse":{"media_bytes":["5/rolling 1h","104857600/rolling 1d","1073741824/rolling 7d"]}} [] "synapse" {}"#;
    assert_eq!(parts, expected);
    assert!(words[0].contains("104.85 MB (104857600) in the last 24 hours"), "{words:?}");
    assert!(words[1].contains("info_uri"), "{words:?}");
    assert!(words[2].contains("msc4335_info_uri"), "{words:?}");
    for (wrong, place) in [
        (serde_json::json!([{"time_period": "1d", "max_size": "100MB"}]), "/0/max_size"),
        (serde_json::json!([{"time_period": "1s", "max_size": "1M"}]), "/0/time_period"),
        (serde_json::json!([{"max_size": "1M"}]), "has no time_period"),
        (serde_json::json!([]), "empty"),
    ] {
        let error = translated(serde_json::json!({"media_upload_limits": wrong})).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[tokio::test]
async fn quotas_of_matrix_media_repo_are_rules_in_their_order() {
    let users = serde_json::json!([
        {"glob": "@admin:*", "maxBytes": -1, "maxFiles": -1, "maxPending": 3},
        {"glob": "@muted:*", "maxBytes": 0},
        {"glob": "@*:x", "maxBytes": 53_687_091_200_i64, "maxFiles": 10},
        {"glob": "@*:x", "maxBytes": 1},
    ]);
    let quotas = serde_json::json!({"uploads": {"quotas": {"enabled": true, "users": users}}});
    let (parts, words) = translated(quotas).await.unwrap();
    let expected = concat!(
        r#"{"media-repo-1":{"media_bytes":"unlimited","uploads":"unlimited"},"#,
        r#""media-repo-2":{"media_bytes":"0/never","uploads":"unlimited"},"#,
        r#""media-repo-3":{"media_bytes":"53687091200/never","uploads":"10/never"}} "#,
        r#"[{"group":"media-repo-1","match":"@admin:*"},{"group":"media-repo-2","match":"@muted:*"},{"group":"media-repo-3","match":"@*:x"}] "#,
        r#"null {"upload_media":["media_bytes","uploads"]}"#
    );
    assert_eq!(parts, expected);
    for said in ["maxPending of @admin:*", "maxBytes 0 of @muted:*", "second entry for @*:x"] {
        assert!(words.iter().any(|word| word.contains(said)), "{said}: {words:#?}");
    }
    let off = serde_json::json!({"quotas": {"enabled": false, "users": []}});
    assert!(translated(off).await.unwrap_err().to_string().contains("/quotas/enabled"));
    let bare = serde_json::json!({"quotas": {"enabled": true, "users": [{"glob": "*"}]}});
    assert!(translated(bare).await.unwrap_err().to_string().contains("-1 for unlimited"));
    let other = translated(serde_json::json!({"listen": 5})).await.unwrap_err().to_string();
    assert!(other.contains("neither an export"), "{other}");
}
