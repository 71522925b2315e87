//! The lines of the ledger, and what was used before them.

use std::collections::HashSet;

use super::Reader;
use crate::engine::EngineError;
use crate::engine::transfer::draft::Draft;
use crate::engine::transfer::record::Record;
use crate::store::Ledger;

impl Reader<'_> {
    pub(super) fn ledger(&self, draft: &Draft) -> Result<Option<Ledger>, EngineError> {
        let Some(records) = &draft.events else { return Ok(None) };
        let mut ledger = Ledger::default();
        for (index, brought) in draft.balances.iter().enumerate() {
            let wrong = |text| EngineError::BadInput(format!("/balances/{index}: {text}"));
            let balance = brought.balance(&self.measure(&brought.resource));
            ledger.balances.push(balance.map_err(|error| wrong(error.to_string()))?);
        }
        let (mut last, mut keys) = (0, HashSet::new());
        for (index, record) in records.iter().enumerate() {
            let wrong = |text: String| EngineError::BadInput(format!("/events/{index}: {text}"));
            let id = next_id(record, last).map_err(wrong)?;
            let line = record.line(id, &self.measure(&record.resource));
            let line = line.map_err(|error| wrong(error.to_string()))?;
            if let Some(key) = &line.key
                && !keys.insert((line.event.subject.clone(), key.name.clone()))
            {
                let (subject, key) = (&line.event.subject, &key.name);
                return Err(wrong(format!(
                    "{subject} has an event under the key \"{key}\" already"
                )));
            }
            last = id;
            ledger.lines.push(line);
        }
        Ok(Some(ledger))
    }
}

/// Returns the place of `record` in the ledger, behind `last`.
fn next_id(record: &Record, last: u64) -> Result<u64, String> {
    match record.id {
        None => last.checked_add(1).ok_or_else(|| "the id is too large".to_owned()),
        Some(id) if id > last && i64::try_from(id).is_ok() => Ok(id),
        Some(id) => Err(format!("id {id} does not come after {last}: ids rise, or are left out")),
    }
}
