//! Proves a data directory: replays the journal from the base generation and compares every
//! ledger and every entity of the catalogue with what the newest snapshot and the tail give.

use std::collections::BTreeSet;
use std::fmt;

use super::recovery::RecoveryError;
use super::state::State;
use crate::journal::{Position, RecordReader, Store};
use crate::stock::{Quantity, StockKey, Timestamp};

/// How many differences are named.
const DIFFERENCES_MAX: usize = 20;

/// What verification found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Stock keys.
    pub keys: usize,
    /// Records replayed.
    pub records: u64,
    /// The last position.
    pub position: Position,
    /// Sum of on hand.
    pub on_hand: Quantity,
    /// Sum of held.
    pub held: Quantity,
    /// Sum of committed.
    pub committed: Quantity,
    /// Items, locations and tokens.
    pub entities: usize,
    /// What does not agree; bounded.
    pub differences: Vec<String>,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verified {
            keys,
            records,
            position,
            on_hand,
            held,
            committed,
            entities,
            ..
        } = self;
        writeln!(
            f,
            "records       {records} replayed, to position {position}"
        )?;
        writeln!(f, "stock keys    {keys}")?;
        writeln!(f, "on hand       {on_hand}")?;
        writeln!(f, "held          {held}")?;
        writeln!(f, "committed     {committed}")?;
        writeln!(f, "catalogue     {entities} items, locations and tokens")?;
        for difference in &self.differences {
            writeln!(f, "difference    {difference}")?;
        }
        let agrees = self.differences.is_empty();
        let verdict = if agrees {
            "everything agrees"
        } else {
            "DOES NOT AGREE"
        };
        write!(f, "verdict       {verdict}")
    }
}

/// Recomputes everything, holding each ledger twice, packed: some hundred bytes a key, and more for
/// what it holds and remembers. `progress` hears how many records were replayed.
pub fn verify(store: &dyn Store, mut progress: impl FnMut(u64)) -> Result<Verified, RecoveryError> {
    let mut truth = State::of(store.base()?)?;
    let mut served = State::of(store.snapshots()?)?;
    let mut verified = Verified {
        position: store.last(),
        ..Verified::default()
    };
    let cut = store
        .round()
        .map_or(store.base_position(), |round| round.cut);
    let mut latest = Timestamp::MIN;
    for record in RecordReader::open(store, store.earliest())? {
        let record = record?;
        truth.replay(&record)?;
        if record.position > cut {
            served.replay(&record)?;
        }
        verified.records += 1;
        progress(verified.records);
    }
    let keys: BTreeSet<StockKey> = truth.keys().chain(served.keys()).cloned().collect();
    for key in &keys {
        if let Some(ledger) = truth.ledger(key)? {
            latest = latest.max(ledger.level().updated_at);
        }
    }
    verified.keys = keys.len();
    compare_ledgers(keys, (&mut truth, &mut served), latest, &mut verified)?;
    compare_catalogues(&truth, &served, &mut verified);
    Ok(verified)
}

fn compare_ledgers(
    keys: BTreeSet<StockKey>,
    (truth, served): (&mut State, &mut State),
    latest: Timestamp,
    verified: &mut Verified,
) -> Result<(), RecoveryError> {
    for key in keys {
        let (Some(mut replayed), Some(mut kept)) = (truth.ledger(&key)?, served.ledger(&key)?)
        else {
            differ(
                verified,
                format!("{key}: only in the journal or only in the snapshot"),
            );
            continue;
        };
        // What is past its time may be forgotten by one and not yet by the other.
        replayed.forget(latest);
        kept.forget(latest);
        let level = *replayed.level();
        verified.on_hand += level.on_hand;
        verified.held += level.held;
        verified.committed += level.committed;
        if replayed != kept {
            let shown = kept.level();
            differ(
                verified,
                format!("{key}: the journal gives {level:?}, kept is {shown:?}"),
            );
        }
    }
    Ok(())
}

fn compare_catalogues(truth: &State, served: &State, verified: &mut Verified) {
    let (replayed, kept) = (truth.catalogue.register(), served.catalogue.register());
    let (replayed, kept) = (replayed.images(), kept.images());
    verified.entities = replayed.len();
    for key in replayed.keys().chain(kept.keys()).collect::<BTreeSet<_>>() {
        if replayed.get(key) != kept.get(key) {
            differ(
                verified,
                format!("{key}: the journal and the snapshot do not agree"),
            );
        }
    }
}

fn differ(verified: &mut Verified, difference: String) {
    if verified.differences.len() < DIFFERENCES_MAX {
        verified.differences.push(difference);
    }
}
