//! History is kept as long as configured. What is older is folded into the base generation, the
//! exact state at the cut, which `verify` starts from; then its groups are deleted.

use std::sync::Arc;

use super::recovery::RecoveryError;
use super::state::State;
use crate::journal::codec::Tagged;
use crate::journal::{RecordReader, Store};
use crate::stock::Timestamp;

/// How many records one step folds; appends wait while a step is written.
const RECORDS_AT_ONCE: usize = 500;

/// Folds history decided before `limit` into the base; gives the number of records folded. Only
/// what the newest snapshot round covers may go.
///
/// Blocks for as long as it takes to read the base; to be run beside the work.
pub fn trim(store: &Arc<dyn Store>, limit: Timestamp) -> Result<u64, RecoveryError> {
    let Some(round) = store.round() else {
        return Ok(0);
    };
    if !begins_before(store, limit)? {
        return Ok(0);
    }
    let mut state = State::of(store.base()?)?;
    let (mut folded, mut in_step) = (0, 0);
    for record in RecordReader::open(&**store, store.earliest())? {
        let record = record?;
        if record.position > round.cut || decided_at(&record)?.is_some_and(|at| at >= limit) {
            break;
        }
        state.replay(&record)?;
        in_step += 1;
        if record.ends_group && in_step >= RECORDS_AT_ONCE {
            fail::fail_point!("trim::before_advance", |_| std::process::abort());
            store.advance_base(record.position, state.take_changes())?;
            fail::fail_point!("trim::after_advance", |_| std::process::abort());
            folded += in_step as u64;
            in_step = 0;
        }
    }
    Ok(folded)
}

/// Whether there is anything to trim, before the base is read for it.
fn begins_before(store: &Arc<dyn Store>, limit: Timestamp) -> Result<bool, RecoveryError> {
    for record in RecordReader::open(&**store, store.earliest())?.take(RECORDS_AT_ONCE) {
        if decided_at(&record?)?.is_some_and(|at| at >= limit) {
            return Ok(false);
        }
    }
    Ok(store.earliest() <= store.last())
}

fn decided_at(record: &crate::journal::Record) -> Result<Option<Timestamp>, RecoveryError> {
    Ok(match super::recovery::decode(record)? {
        Tagged::Stock(stock) => Some(stock.at),
        Tagged::Catalogue(_) => None,
    })
}
