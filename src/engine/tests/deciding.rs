//! What an answer is about when there are several windows, or none is asked for by number.

use std::sync::Arc;

use super::{alice, engine_on, limit, media};
use crate::engine::{Ask, Engine, Fact, GroupChange, Reason};
use crate::quota::Amount;
use crate::quota::capability::UPLOAD;
use crate::store::memory::Memory;

async fn engine_under(change: GroupChange) -> Engine {
    let engine = engine_on(Arc::new(Memory::default())).await;
    engine.set_group("free", &change).await.unwrap();
    engine
}

#[tokio::test]
async fn a_fact_tells_the_window_with_the_least_room_however_the_limit_is_written() {
    for text in ["50GB/month,2GB/day", "2GB/day,50GB/month"] {
        let limits = [(media(), limit(text))].into();
        let engine = engine_under(GroupChange { limits, ..GroupChange::default() }).await;
        let amount = Amount::new(3_000_000_000);
        let fact =
            Fact { subject: alice(), resource: media(), amount, member: None, key: None, at: None };
        let recorded = engine.record(&fact).await.unwrap();
        assert!(recorded.over, "{text}");
        assert_eq!(recorded.window.limit, Some(Amount::new(2_000_000_000)), "{text}");
    }
}

#[tokio::test]
async fn where_no_file_may_have_a_byte_none_may_be_asked_for() {
    let max_upload_bytes = Some(Some(Amount::ZERO));
    let engine = engine_under(GroupChange { max_upload_bytes, ..GroupChange::default() }).await;
    let ask = Ask::Capability { name: UPLOAD.to_owned(), amount: None };
    let decision = engine.check(&alice(), &ask).await.unwrap();
    assert_eq!((decision.allowed, decision.reason), (false, Reason::TooLarge));
}
