//! What the border asks of stock: one handle, cheap to clone, behind which keys, actors and
//! protocols stay hidden.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::future;
use tokio::sync::oneshot;

use super::call::{CallError, Deliver, Replied, Reserved};
use super::completion::hear;
use super::directory::Directory;
use super::idempotency::{Claim, Claimed};
use super::published::ReservationFilter;
use super::raise::{Need, Raising, reserved};
use crate::journal::Position;
use crate::stock::command::{Idempotency, NewLine, Place};
use crate::stock::hold::Grant;
use crate::stock::{
    Answer, By, Change, Command, Level, Quantity, Refusal, Reservation, ReservationId, State,
    StockKey, Timestamp,
};

/// How often a change that met another one begins again.
const SUPERSEDED_MAX: usize = 8;

/// Stock, as the border sees it.
#[derive(Clone)]
pub struct StockService {
    directory: Arc<Directory>,
    epoch: Arc<str>,
}

impl StockService {
    /// The service over `directory`, in the lineage of data named `epoch`.
    pub fn new(directory: Arc<Directory>, epoch: &str) -> StockService {
        StockService {
            directory,
            epoch: epoch.into(),
        }
    }

    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The lineage of data.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last durable and published position.
    pub fn durable(&self) -> Position {
        self.directory.context.journal.durable()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.directory.context.clock.now()
    }

    /// A name that no reservation has.
    pub fn new_reservation_id(&self) -> ReservationId {
        ReservationId(uuid::Uuid::now_v7().as_u128())
    }

    /// One command to one key.
    pub async fn call(&self, key: &StockKey, by: By, command: Command) -> Replied {
        let (deliver, replied) = Deliver::new(by, command);
        self.directory.call(key, deliver, replied).await
    }

    /// Commands to many keys at once, in the order given per key: once one was shed, later ones
    /// of its key are too.
    pub async fn call_all(&self, calls: Vec<(StockKey, By, Command)>) -> Vec<Replied> {
        let mut shed: HashSet<StockKey> = HashSet::new();
        let mut waiting = Vec::with_capacity(calls.len());
        for (key, by, command) in calls {
            if shed.contains(&key) {
                waiting.push(Err(CallError::Overloaded));
                continue;
            }
            let (deliver, replied) = Deliver::new(by, command);
            let sent = self.directory.send(&key, deliver).map(|()| replied);
            if sent.is_err() {
                shed.insert(key);
            }
            waiting.push(sent);
        }
        let mut replies = Vec::with_capacity(waiting.len());
        for sent in waiting {
            replies.push(match sent {
                Ok(replied) => self.directory.reply(replied).await,
                Err(error) => Err(error),
            });
        }
        replies
    }

    /// The published figures; none, or `stocked: false`, for a key that is not stocked.
    pub fn level(&self, key: &StockKey) -> Option<Level> {
        self.directory.level(key.as_str())
    }

    /// The published figures, after what is overdue was settled.
    pub async fn fresh_level(&self, key: &StockKey) -> Result<Option<Level>, CallError> {
        match self.level(key) {
            Some(level) if level.is_overdue(self.now()) => {
                self.call(key, By::onhand(), Command::Touch).await?;
                Ok(self.level(key))
            }
            level => Ok(level),
        }
    }

    /// Up to `limit` stocked keys of a SKU, by location.
    pub fn keys_of(&self, sku: &str, limit: usize) -> Vec<StockKey> {
        let page = self.page(Some(sku), None, None, limit);
        page.into_iter().map(|(key, _)| key).collect()
    }

    /// Up to `limit` stocked keys after `after`, in order, with their published figures.
    pub fn page(
        &self,
        sku: Option<&str>,
        location: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<(StockKey, Level)> {
        const LOOK_AT_ONCE: usize = 1000;
        let prefix = sku.map_or_else(String::new, |sku| format!("{sku}@"));
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        loop {
            let keys = self.directory.keys(&prefix, after.as_deref(), LOOK_AT_ONCE);
            let more = keys.len() == LOOK_AT_ONCE;
            after = keys.last().map(|key| key.as_str().to_owned());
            for key in keys {
                let wanted = location.is_none_or(|location| key.location() == location);
                if let Some(level) = self.level(&key).filter(|level| wanted && level.stocked) {
                    found.push((key, level));
                    if found.len() == limit {
                        return found;
                    }
                }
            }
            if !more {
                return found;
            }
        }
    }

    /// The newest published revision, after what is overdue was settled.
    pub async fn reservation(
        &self,
        id: ReservationId,
    ) -> Result<Option<Arc<Reservation>>, CallError> {
        let published = &self.directory.context.reservations;
        let Some(known) = published.get(id) else {
            return Ok(None);
        };
        let overdue = known
            .deadline
            .is_some_and(|deadline| deadline <= self.now());
        if known.state.is_live() && overdue {
            self.call(&known.lead, By::onhand(), Command::Touch).await?;
            return Ok(published.get(id));
        }
        Ok(Some(known))
    }

    /// Up to `limit` reservations after `after`, oldest first; what is overdue is settled first.
    pub async fn reservations(
        &self,
        filter: &ReservationFilter,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Result<Vec<Arc<Reservation>>, CallError> {
        let published = &self.directory.context.reservations;
        let page = published.page(filter, after, limit);
        let now = self.now();
        let overdue = |one: &Arc<Reservation>| {
            one.state.is_live() && one.deadline.is_some_and(|deadline| deadline <= now)
        };
        if !page.iter().any(overdue) {
            return Ok(page);
        }
        for one in page.iter().filter(|one| overdue(one)) {
            self.call(&one.lead, By::onhand(), Command::Touch).await?;
        }
        Ok(published.page(filter, after, limit))
    }

    /// Places a reservation.
    pub async fn reserve(
        &self,
        by: By,
        place: Place,
        idempotency: Option<Idempotency>,
    ) -> Result<Reserved, CallError> {
        let context = &self.directory.context;
        if context.reservations.len() >= context.config.reservations_max {
            return Err(CallError::Overloaded);
        }
        let wants = wants(&place.lines);
        let (lead, _) = wants.last_key_value().expect("a reservation has a line");
        let (id, lead, partial) = (place.id, lead.clone(), place.partial);
        let (claim, repeated) = self.claim(idempotency)?;
        let change = Change::Place(Box::new(place));
        if wants.len() == 1 || repeated.is_some() {
            let lead = repeated.unwrap_or(lead);
            return self
                .at_lead(&lead, by, id, change, Vec::new(), idempotency, claim)
                .await;
        }
        let base = Grant::default();
        let needs = wants
            .into_iter()
            .map(|(key, wanted)| Need { key, wanted, base })
            .collect();
        let base_revision = 0;
        let raising = Raising {
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
        for _ in 0..SUPERSEDED_MAX {
            let (claim, repeated) = self.claim(idempotency)?;
            if let Some(lead) = repeated {
                return self
                    .at_lead(&lead, by, id, change, Vec::new(), idempotency, claim)
                    .await;
            }
            let known = self
                .reservation(id)
                .await?
                .ok_or(Refusal::ReservationNotFound)?;
            let needs = needs(&known, &change);
            let raises = |need: &Need| need.key != known.lead && need.wanted > need.base.granted;
            if !needs.iter().any(raises) {
                let uses = self.uses(&known, &by, &change).await;
                let lead = &known.lead;
                return self
                    .at_lead(lead, by, id, change, uses, idempotency, claim)
                    .await;
            }
            let raising = Raising {
                by: by.clone(),
                id,
                lead: known.lead.clone(),
                base_revision: known.revision,
                needs,
                partial: false,
                change: change.clone(),
                idempotency,
                claim,
            };
            match self.run(raising).await {
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
        let (nobody, change, uses) = (ReservationId(0), Change::Release, Vec::new());
        let key = Some(idempotency);
        let first = self.at_lead(&lead, by, nobody, change, uses, key, claim);
        match first.await {
            Err(CallError::Refused(Refusal::ReservationNotFound)) => Ok(None),
            first => first.map(Some),
        }
    }

    fn claim(
        &self,
        idempotency: Option<Idempotency>,
    ) -> Result<(Option<Claim>, Option<StockKey>), CallError> {
        let Some(idempotency) = idempotency else {
            return Ok((None, None));
        };
        match self.directory.context.idempotency.claim(idempotency)? {
            Claimed::First(claim) => Ok((Some(claim), None)),
            Claimed::Repeated(lead) => Ok((None, Some(lead))),
        }
    }

    /// A change that its lead decides alone.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one message, named once"
    )]
    async fn at_lead(
        &self,
        lead: &StockKey,
        by: By,
        reservation: ReservationId,
        change: Change,
        uses: Vec<(StockKey, Quantity)>,
        idempotency: Option<Idempotency>,
        claim: Option<Claim>,
    ) -> Result<Reserved, CallError> {
        let raise = None;
        let command = Command::Change {
            reservation,
            change,
            raise,
            uses,
            idempotency,
        };
        let (deliver, replied) = Deliver::new(by, command);
        let deliver = Deliver { claim, ..deliver };
        let reply = self.directory.call(lead, deliver, replied).await?;
        Ok(reserved(reply.answer))
    }

    /// Runs a raise beside the caller, so that it comes to its end even if the caller hangs up.
    async fn run(&self, raising: Raising) -> Result<Reserved, CallError> {
        let (told, outcome) = oneshot::channel();
        let directory = self.directory.clone();
        self.directory
            .run_errand(async move { hear(told, raising.run(&directory).await) });
        outcome.await.unwrap_or(Err(CallError::OutcomeUnknown))
    }

    /// What tills used at followers, before something of a confirmed reservation is handed over
    /// or cancelled. A follower that does not answer has reported, or will.
    async fn uses(
        &self,
        known: &Reservation,
        by: &By,
        change: &Change,
    ) -> Vec<(StockKey, Quantity)> {
        if !matches!(change, Change::Fulfil(_) | Change::Cancel(_)) {
            return Vec::new();
        }
        let asked = known.followers().map(|follower| async {
            let (reservation, wanted) = (known.id, Quantity::ZERO);
            let base = known.grant(follower);
            let ask = Command::Ask {
                reservation,
                base,
                wanted,
            };
            match self
                .call(follower, by.clone(), ask)
                .await
                .map(|reply| reply.answer)
            {
                Ok(Answer::Grantable { till_used, .. }) => Some((follower.clone(), till_used)),
                Ok(_) | Err(_) => None,
            }
        });
        future::join_all(asked)
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

/// What the lines want of each key.
fn wants(lines: &[NewLine]) -> BTreeMap<StockKey, Quantity> {
    let mut wants = BTreeMap::new();
    for line in lines {
        *wants.entry(line.key.clone()).or_insert(Quantity::ZERO) += line.quantity;
    }
    wants
}

/// What a change would want of each key; nothing for one that takes nothing more.
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
            let keys: BTreeMap<StockKey, Quantity> = known
                .shares
                .iter()
                .map(|s| (s.key.clone(), known.wanted(&s.key)))
                .collect();
            keys.into_iter().map(need).collect()
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
