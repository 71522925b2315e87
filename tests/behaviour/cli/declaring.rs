//! resource, boost, groups that extend others, and the whole grammar of limits: declared, listed,
//! in effect, removed.

use serde_json::json;

use super::Books;

/// Books where everyone has 500 MB a month.
fn free() -> Books {
    let books = Books::new();
    books.done("group set free media_bytes=500MB --default");
    books
}

#[test]
fn a_resource_is_declared_listed_and_removed() {
    let books = free();
    let said = books.done("resource set seats --aggregate max --unit count");
    assert!(said.contains("highest"), "{said}");
    books.done("resource set credits --unit points --decimals 2");
    let listed = json!([
        { "resource": "credits", "aggregate": "sum", "unit": "points", "decimals": 2, "from": "store" },
        { "resource": "media_bytes", "aggregate": "sum", "unit": "bytes", "from": "name" },
        { "resource": "seats", "aggregate": "max", "unit": "count", "from": "store" },
    ]);
    assert_eq!(books.json("resource list"), listed);
    assert!(books.done("resource list").contains("DECIMALS"));
    books.done("use @alice seats 7");
    books.done("use @alice seats 5");
    assert_eq!(books.used("seats"), 7);
    books.done("use @alice credits 1.25");
    assert_eq!(books.used("credits"), 125);
    assert!(books.done("usage @alice credits").contains("1.25 points"));
    books.done("resource remove credits");
    assert!(books.refused("use @alice credits 1", 2).contains("no resource"));
    assert!(books.refused("resource remove seat", 3).contains("did you mean \"seats\""));
    assert!(books.refused("resource remove media_bytes", 3).contains("as its name says"));
    for wrong in [
        "resource set x --aggregate mean",
        "resource set x --unit 5",
        "resource set x --decimals 7",
        "resource set x_bytes --decimals 1",
        "resource set max_upload_bytes --aggregate max",
    ] {
        books.refused(wrong, 2);
    }
}

#[test]
fn what_is_not_named_of_a_resource_stays() {
    let books = Books::new();
    books.done("resource set points --unit points --decimals 1");
    books.done("resource set points --aggregate last");
    let points = &books.json("resource list")[1];
    assert_eq!((&points["aggregate"], &points["decimals"]), (&json!("last"), &json!(1)));
    let said = books.run("resource set points --decimals 2");
    assert_eq!(said.code, 0);
    assert!(said.err.contains("warning") && said.err.contains("2 decimals"), "{said:?}");
}

#[test]
fn different_members_are_counted_once_each() {
    let books = Books::new();
    books.done("resource set visitors --aggregate unique");
    books.done("group set free visitors=2 --default");
    books.done("use @alice visitors bob");
    books.done("use @alice visitors bob");
    books.done("use @alice visitors carol");
    assert_eq!(books.used("visitors"), 2);
    books.done("check @alice --resource visitors --member bob");
    assert_eq!(books.run("check @alice --resource visitors --member dave").code, 1);
    assert!(books.refused("check @alice --resource visitors --amount 2", 2).contains("which one"));
}

#[test]
fn a_boost_is_added_listed_and_removed() {
    let books = free();
    books.done("use @alice media_bytes 500MB");
    assert_eq!(books.run("check @alice --cap upload_media --amount 200MB").code, 1);
    let said =
        books.done("boost add @alice media_bytes=200MB --until 2999-01-01 --note 'the wedding'");
    assert!(said.contains("200 MB") && said.contains("2999"), "{said}");
    books.done("check @alice --cap upload_media --amount 200MB");
    books.done("boost add @alice media_bytes=5MB --until 2999-06-01");
    let boosts = json!({ "media_bytes": [
        { "amount": 200_000_000, "until": "2999-01-01T00:00:00Z", "note": "the wedding" },
        { "amount": 5_000_000, "until": "2999-06-01T00:00:00Z", "note": null },
    ] });
    let listed = json!([{ "subject": "@alice", "boosts": boosts }]);
    assert_eq!(books.json("boost list"), listed);
    assert_eq!(books.json("boost list @alice"), listed);
    assert_eq!(books.json("user show @alice")["boosts"], boosts);
    assert!(books.done("user show @alice").contains("media_bytes +200 MB until"));
    assert!(books.done("boost list").contains("the wedding"));
    assert_eq!(books.done("boost list @bob"), "@bob has no boosts\n");
    assert_eq!(books.done("override list @bob"), "@bob has no overrides\n");
    books.done("boost remove @alice media_bytes --number 1");
    assert_eq!(books.run("check @alice --cap upload_media --amount 6MB").code, 1);
    books.done("check @alice --cap upload_media --amount 5MB");
    books.done("boost remove @alice");
    assert_eq!(books.json("boost list"), json!([]));
    assert!(books.refused("boost remove @alice media_bytes", 3).contains("media_bytes"));
}

#[test]
fn a_boost_that_makes_no_sense_is_refused() {
    let books = free();
    for (line, hint) in [
        ("boost add @alice media_bytes=200MB", "--until"),
        ("boost add @alice media_byte=200MB --until 2999-01-01", "did you mean \"media_bytes\""),
        ("boost add @alice media_bytes=0 --until 2999-01-01", "above zero"),
        ("boost add @alice media_bytes=5G --until 2999-01-01", "5G"),
        ("boost add @alice media_bytes=5MB --until 2020-01-01", "has passed"),
        ("boost add @alice max_upload_bytes=5MB --until 2999-01-01", "setting of a group"),
        ("boost remove @alice --number 1", "RESOURCE"),
    ] {
        let said = books.refused(line, 2);
        assert!(said.contains(hint), "{line}: {said}");
    }
    assert_eq!(books.json("boost list"), json!([]));
}

#[test]
fn a_group_extends_another_and_has_days_of_its_own() {
    let books = free();
    books.done("group set patron requests=10 --extends free --timezone Europe/Berlin");
    let shown = books.json("group show patron");
    let limits = json!({ "requests": "10", "extends": "free", "timezone": "Europe/Berlin" });
    assert_eq!(shown["limits"], limits);
    let told = books.done("group list");
    assert!(told.contains("extends free") && told.contains("Europe/Berlin"), "{told}");
    books.done("user set @alice --group patron");
    assert_eq!(books.json("usage @alice media_bytes")["limit"], 500_000_000);
    let bucket = &books.json("usage @alice requests")["windows"][0]["bucket"];
    assert!(bucket.as_str().unwrap().ends_with("@Europe/Berlin"), "{bucket}");
    assert!(books.refused("group set free --extends patron", 2).contains("circle"));
    assert!(books.refused("group set patron --extends fre", 3).contains("\"free\""));
    books.refused("group set patron --timezone Mars", 2);
    books.refused("group set patron --extends free --no-extends", 2);
    books.done("group set other --default");
    assert!(books.refused("group remove free", 4).contains("\"patron\" extends"));
    books.done("group set patron --no-extends --no-timezone");
    assert_eq!(books.json("group show patron")["limits"], json!({ "requests": "10" }));
    books.done("group remove free");
}

#[test]
fn a_limit_is_written_as_it_is_told() {
    let books = Books::new();
    books.done(
        "group set free media_bytes='500MB/month soft ceiling 600MB grace 7d,2GB/day observe,1TB/month per server,30GB/rolling 30d in Europe/Berlin' --default",
    );
    let limits = json!([
        "500000000/month soft ceiling 600000000 grace 7d",
        "2000000000/day observe",
        "1000000000000/month per server",
        "30000000000/rolling 30d in Europe/Berlin",
    ]);
    assert_eq!(books.json("group show free")["limits"]["media_bytes"], limits);
    let told = books.done("usage @alice media_bytes");
    for word in ["MODE", "PER", "soft", "observe", "server", "pool", "rolling 30d"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    for (limit, hint) in [
        ("'5MB/month softt'", "soft"),
        ("'5MB/month ceiling 9MB'", "make it soft"),
        ("'5MB/month per planet'", "per server"),
        ("'5MB/fortnight'", "fortnight"),
    ] {
        let said = books.refused(&format!("group set free media_bytes={limit}"), 2);
        assert!(said.contains(hint), "{limit}: {said}");
    }
    let said = books.refused("override set @alice media_bytes='1GB per group'", 2);
    assert!(said.contains("belongs to a group"), "{said}");
}

#[test]
fn every_change_of_these_says_that_it_is_done() {
    let books = free();
    for line in [
        "resource set seats --aggregate max",
        "boost add @alice media_bytes=5MB --until 2999-01-01",
        "group set patron --extends free",
        "boost remove @alice",
        "resource remove seats",
    ] {
        let told = books.json(line);
        assert_eq!(told["done"], true, "{line}: {told}");
    }
}
