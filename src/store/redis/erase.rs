//! Erase: takes away all keys of a prefix.

use super::Redis;
use super::script::script;
use crate::store::StoreError;

script!(ERASE, WORDS, "verbs/erase.lua");

pub(super) async fn erase(store: &Redis) -> Result<(), StoreError> {
    let mut cursor = "0".to_owned();
    loop {
        cursor = store.connection.run(&ERASE, &[&cursor]).await?;
        if cursor == "0" {
            return Ok(());
        }
    }
}
