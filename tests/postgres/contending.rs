//! Others in the way: what the server refuses for their sake is done again, and happens once.

use metergate::conformance::words::*;
use metergate::quota::Period;
use metergate::store::{Store, StoreError};

use crate::{opened, psql, server, tell, told, until};

/// Makes the first `times` lines fail with an SQLSTATE, even of those that are taken back.
fn fail(namespace: &str, state: &str, times: u32, whose: &str) {
    let statement = format!(
        "CREATE SEQUENCE IF NOT EXISTS failed;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.subject = '{whose}' AND nextval('failed') <= {times} THEN
                 RAISE EXCEPTION 'not now' USING ERRCODE = '{state}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    tell(server(), namespace, &statement);
}

#[tokio::test]
async fn what_others_were_in_the_way_of_is_done_again_and_happens_once() {
    for (namespace, state) in [("serial", "40001"), ("dead", "40P01"), ("locked", "55P03")] {
        let store = opened(&server().url(namespace));
        recorded(&store, &by(bob(), asks(1, &[MONTH_10MB]))).await;
        fail(namespace, state, 2, alice().as_str());
        recorded(&store, &asks(3, &[MONTH_10MB])).await;
        assert_eq!(usage(&store, alice(), Period::Month).await, (3, 0));
        assert_eq!(tell(server(), namespace, "SELECT last_value FROM failed"), "3");
        recorded(&store, &asks(3, &[MONTH_10MB])).await;
        assert_eq!(usage(&store, alice(), Period::Month).await, (6, 0));
    }
}

#[tokio::test]
async fn one_that_fails_for_good_takes_nothing_of_the_others_with_it() {
    let store = opened(&server().url("bad"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    fail("bad", "22003", 1000, bob().as_str());
    let (good, bad) = (asks(1, &[MONTH_10MB]), by(bob(), asks(1, &[MONTH_10MB])));
    let (first, failed, last) = tokio::join!(
        store.record(&good, None, noon()),
        store.record(&bad, None, noon()),
        store.record(&good, None, noon()),
    );
    first.unwrap().unwrap();
    last.unwrap().unwrap();
    let failed = failed.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable { .. }), "{failed}");
    assert!(told(&failed).ends_with("not now"), "{}", told(&failed));
    assert_eq!(usage(&store, alice(), Period::Month).await, (3, 0));
    assert_eq!(usage(&store, bob(), Period::Month).await, (0, 0));
}

#[tokio::test]
async fn a_turn_that_another_has_is_waited_for() {
    let store = opened(&server().url("turn"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let mut other = psql(server(), "turn", "UPDATE book SET turn = turn + 1; SELECT pg_sleep(3)");
    let mut other = other.spawn().unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)'
                    AND query NOT LIKE '%pg_stat%' AND wait_event = 'PgSleep'";
    until(server(), "turn", sleeping, "1");
    // Longer than it waits at once.
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    assert!(other.wait().unwrap().success());
    assert_eq!(usage(&store, alice(), Period::Month).await, (2, 0));
}

/// S13, whatever the server is set to.
#[tokio::test]
async fn a_commit_waits_for_the_disk_even_where_the_server_does_not() {
    let server = crate::servers::Postgres::start_with(&["synchronous_commit=off"]).unwrap();
    let store = opened(&server.url("durable"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let watch = "CREATE TABLE level (it TEXT);
         CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO level VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
         CREATE TRIGGER watch BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION watch()";
    tell(&server, "durable", watch);
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    assert_eq!(tell(&server, "durable", "SELECT it FROM level"), "on");
}
