//! Placing and changing reservations: the Idempotency-Key is claimed, then either the lead decides
//! alone or what is wanted of other keys is raised first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::oneshot;

use super::call::{CallError, Deliver, Reserved};
use super::completion::hear;
use super::idempotency::{Claim, Claimed};
use super::raise::{Need, RaisingChange, prepares, reserved};
use super::service::StockService;
use crate::stock::command::{Idempotency, NewLine, Place, Raise};
use crate::stock::hold::Grant;
use crate::stock::{
    By, Change, Command, Quantity, Refusal, Reservation, ReservationId, State, StockKey, Timestamp,
};
use crate::telemetry::timings;

/// How often a change that met another one begins again, and how long it waits before: the other
/// one is done once its lead has written it to the disk. Doubled each time, two seconds in all.
const SUPERSEDED_MAX: u32 = 11;
const SUPERSEDED_FIRST: Duration = Duration::from_millis(2);

impl StockService {
    /// Places a reservation.
    pub async fn reserve(
        &self,
        by: By,
        place: Place,
        idempotency: Option<Idempotency>,
    ) -> Result<Reserved, CallError> {
        let wants = wants(&place.lines);
        let (lead, _) = wants.last_key_value().expect("a reservation has a line");
        let (id, lead, partial) = (place.id, lead.clone(), place.partial);
        let (claim, repeated) = self.claim(idempotency)?;
        let context = &self.directory().context;
        let is_full = context.reservations.len() >= context.config.reservations_max;
        if is_full && repeated.is_none() {
            return Err(CallError::Overloaded);
        }
        let change = Change::Place(Box::new(place));
        if wants.len() == 1 || repeated.is_some() {
            let lead = repeated.unwrap_or(lead);
            let asked = Asked {
                by,
                id,
                change,
                idempotency,
                claim,
            };
            return self.at_lead(&lead, asked, None).await;
        }
        let base = Grant::default();
        let needs = wants
            .into_iter()
            .map(|(key, wanted)| Need { key, wanted, base })
            .collect();
        let base_revision = 0;
        let raising = RaisingChange {
            by,
            id,
            lead,
            base_revision,
            needs,
            partial,
            change,
            idempotency,
            claim,
        };
        match self.run(raising).await {
            // The raise was given up before its lead committed it: nothing happened.
            Err(CallError::Refused(Refusal::TooLate | Refusal::Superseded)) => {
                Err(CallError::Overloaded)
            }
            reserved => reserved,
        }
    }

    /// Changes a reservation.
    pub async fn change(
        &self,
        by: By,
        id: ReservationId,
        change: Change,
        idempotency: Option<Idempotency>,
    ) -> Result<Reserved, CallError> {
        for again in 0..SUPERSEDED_MAX {
            if again > 0 {
                tokio::time::sleep(SUPERSEDED_FIRST * 2_u32.pow(again - 1)).await;
            }
            let (claim, repeated) = self.claim(idempotency)?;
            let (by, change) = (by.clone(), change.clone());
            let asked = Asked {
                by,
                id,
                change,
                idempotency,
                claim,
            };
            if let Some(lead) = repeated {
                return self.at_lead(&lead, asked, None).await;
            }
            let known = self
                .reservation(id)
                .await?
                .ok_or(Refusal::ReservationNotFound)?;
            match self.change_known(&known, asked).await {
                Err(CallError::Refused(Refusal::TooLate | Refusal::Superseded)) => {}
                reserved => return reserved,
            }
        }
        Err(CallError::Overloaded)
    }

    /// The first answer to a request that was answered before; none if it was not. For a request
    /// that the border would refuse now: what changed since must not change the first answer.
    pub async fn replay(
        &self,
        by: By,
        idempotency: Idempotency,
    ) -> Result<Option<Reserved>, CallError> {
        let (claim, repeated) = self.claim(Some(idempotency))?;
        let Some(lead) = repeated else {
            return Ok(None);
        };
        // The lead answers from what it remembers before it looks at what is asked, or whose it
        // is: no reservation has this name.
        let (id, change, idempotency) = (ReservationId(0), Change::Release, Some(idempotency));
        let asked = Asked {
            by,
            id,
            change,
            idempotency,
            claim,
        };
        match self.at_lead(&lead, asked, None).await {
            Err(CallError::Refused(Refusal::ReservationNotFound)) => Ok(None),
            first => first.map(Some),
        }
    }

    /// Changes a reservation that is known at some revision; refused as superseded if what it
    /// takes more of stock was reckoned from another one than the newest.
    async fn change_known(&self, known: &Reservation, asked: Asked) -> Result<Reserved, CallError> {
        let needs = needs(known, &asked.change);
        let prepares = |need: &Need| prepares(need, &known.lead, &asked.change);
        if !needs.iter().any(prepares) {
            let raise = asked.change.takes_stock().then(|| Raise {
                base_revision: known.revision,
                prepared: Vec::new(),
                before: self.prepare_before(),
            });
            return self.at_lead(&known.lead, asked, raise).await;
        }
        let Asked {
            by,
            id,
            change,
            idempotency,
            claim,
        } = asked;
        let raising = RaisingChange {
            by,
            id,
            lead: known.lead.clone(),
            base_revision: known.revision,
            needs,
            partial: false,
            change,
            idempotency,
            claim,
        };
        self.run(raising).await
    }

    fn prepare_before(&self) -> Timestamp {
        self.now()
            .plus_millis(self.directory().context.config.prepare_ms)
    }

    fn claim(
        &self,
        idempotency: Option<Idempotency>,
    ) -> Result<(Option<Claim>, Option<StockKey>), CallError> {
        let Some(idempotency) = idempotency else {
            return Ok((None, None));
        };
        let claimed = self
            .directory()
            .context
            .idempotency
            .claim(idempotency, self.now())?;
        match claimed {
            Claimed::First(claim) => Ok((Some(claim), None)),
            Claimed::Repeated(lead) => Ok((None, Some(lead))),
        }
    }

    /// Sends a change that its lead decides alone, then waits for what it says.
    fn at_lead(
        &self,
        lead: &StockKey,
        asked: Asked,
        raise: Option<Raise>,
    ) -> impl Future<Output = Result<Reserved, CallError>> + use<'_> {
        let (change, idempotency, claim) = (asked.change, asked.idempotency, asked.claim);
        let command = Command::Change {
            reservation: asked.id,
            change,
            raise,
            uses: Vec::new(),
            idempotency,
        };
        let (deliver, replied) = Deliver::new(asked.by, command);
        let deliver = Deliver { claim, ..deliver };
        let reply = self.directory().call(lead, deliver, replied);
        async move { Ok(reserved(reply.await?.answer)) }
    }

    /// Runs a raise beside the caller, so that it comes to its end even if the caller hangs up, or
    /// waits no longer.
    fn run(
        &self,
        raising: RaisingChange,
    ) -> impl Future<Output = Result<Reserved, CallError>> + use<> {
        let (told, outcome) = oneshot::channel();
        let directory = self.directory().clone();
        let raised = async move { raising.run(&directory).await };
        let work = timings::time_as(timings::current(), raised);
        self.directory()
            .run_errand(async move { hear(told, work.await) });
        let patience = self.directory().context.config.command_timeout;
        async move {
            match tokio::time::timeout(patience, outcome).await {
                Ok(Ok(reserved)) => reserved,
                Ok(Err(_)) | Err(_) => Err(CallError::OutcomeUnknown),
            }
        }
    }
}

/// A change as it was asked for, and its claim on the Idempotency-Key.
struct Asked {
    by: By,
    id: ReservationId,
    change: Change,
    idempotency: Option<Idempotency>,
    claim: Option<Claim>,
}

/// What the lines want of each key.
fn wants(lines: &[NewLine]) -> BTreeMap<StockKey, Quantity> {
    let mut wants = BTreeMap::new();
    for line in lines {
        *wants.entry(line.key.clone()).or_insert(Quantity::ZERO) += line.quantity;
    }
    wants
}

/// What a change would want of each key, the same as before where something is handed over or
/// cancelled; nothing for a change that concerns the lead alone.
fn needs(known: &Reservation, change: &Change) -> Vec<Need> {
    let need = |(key, wanted): (StockKey, Quantity)| {
        let base = known.grant(&key);
        Need { key, wanted, base }
    };
    match change {
        Change::ReplaceLines(lines) if known.state == State::Held => {
            wants(lines).into_iter().map(need).collect()
        }
        Change::Confirm { reclaim: true, .. } if known.state == State::Expired => {
            let shares = known.shares.iter();
            let keys: BTreeMap<StockKey, Quantity> = shares
                .map(|share| (share.key.clone(), known.wanted(&share.key)))
                .collect();
            keys.into_iter().map(need).collect()
        }
        Change::Fulfil(parts) | Change::Cancel(parts) if known.state == State::Confirmed => {
            let keys: BTreeSet<&StockKey> = known.gives_from(parts.as_deref()).collect();
            let granted = |key: &StockKey| (key.clone(), known.grant(key).granted);
            keys.into_iter().map(granted).map(need).collect()
        }
        Change::Place(_)
        | Change::ReplaceLines(_)
        | Change::Extend { .. }
        | Change::Confirm { .. }
        | Change::Fulfil(_)
        | Change::Release
        | Change::Cancel(_) => Vec::new(),
    }
}
