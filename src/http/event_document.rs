//! What a record of the journal tells others, as CloudEvents 1.0. Records that only bring keys
//! into line with each other tell nothing.
//!
//! An event is named `POSITION.INDEX`, so that a reader recognises what it has seen. The
//! extension attributes `channel` and `token` say through which channel and by whom.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::item_document::ItemDocument;
use super::reservation_document::ReservationDocument;
use super::stock_document::StockDocument;
use super::wire::{Time, position};
use crate::actors::Position;
use crate::catalogue::token::id_text;
use crate::catalogue::{CatalogueEvent, CatalogueRecord};
use crate::stock::event::Cause;
use crate::stock::reservation::State;
use crate::stock::{By, Event, Reservation, StockRecord, Timestamp};

/// One CloudEvent.
#[derive(Serialize)]
pub struct EventDocument {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: String,
    time: Time,
    datacontenttype: &'static str,
    channel: String,
    token: String,
    data: Box<RawValue>,
}

/// Gathers the events of one record.
pub struct Teller<'e> {
    epoch: &'e str,
    at: Position,
    by: &'e By,
    time: Timestamp,
    /// How many events of this record were told.
    index: usize,
    events: &'e mut Vec<EventDocument>,
}

impl<'e> Teller<'e> {
    /// Tells what happened at a stock key.
    pub fn stock(
        epoch: &'e str,
        at: Position,
        record: &'e StockRecord,
        events: &'e mut Vec<EventDocument>,
    ) {
        let (by, time, index) = (&record.by, record.at, 0);
        let mut teller = Teller {
            epoch,
            at,
            by,
            time,
            index,
            events,
        };
        teller.figures(record);
        for event in &record.events {
            if let Event::Reserved {
                reservation, cause, ..
            } = event
            {
                teller.reservation(reservation, *cause);
            }
        }
    }

    /// Tells what happened in the catalogue. Locations and tokens are not told.
    pub fn catalogue(
        epoch: &'e str,
        at: Position,
        record: &'e CatalogueRecord,
        events: &'e mut Vec<EventDocument>,
    ) {
        let (by, time, index) = (&record.by, record.at, 0);
        let mut teller = Teller {
            epoch,
            at,
            by,
            time,
            index,
            events,
        };
        match &record.event {
            CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
                let document = ItemDocument::new(item, time);
                teller.tell("onhand.item.changed", item.sku.to_string(), &document);
            }
            CatalogueEvent::LocationPut(_) | CatalogueEvent::TokenPut(_) => {}
        }
    }

    fn figures(&mut self, record: &StockRecord) {
        if !record
            .events
            .iter()
            .any(|event| moves_figures(event, record))
        {
            return;
        }
        let level = &record.level;
        let (available, shortfall) = record.before;
        let document = StockDocument::new(&record.key, level);
        let mut tell = |kind| self.tell(kind, record.key.to_string(), &document);
        tell("onhand.stock.changed");
        if available.is_positive() && level.available().is_zero() {
            tell("onhand.stock.out");
        }
        if available.is_zero() && level.available().is_positive() {
            tell("onhand.stock.back");
        }
        if level.shortfall() > shortfall {
            tell("onhand.stock.shortfall");
        }
    }

    fn reservation(&mut self, reservation: &Reservation, cause: Cause) {
        let kind = match (cause, reservation.state) {
            (Cause::Denied, _) => return,
            (Cause::Placed, _) => "onhand.reservation.held",
            (Cause::Confirmed, _) => "onhand.reservation.confirmed",
            (_, State::Fulfilled) => "onhand.reservation.fulfilled",
            (_, State::Released) => "onhand.reservation.released",
            (_, State::Expired) => "onhand.reservation.expired",
            (_, State::Cancelled) => "onhand.reservation.cancelled",
            (_, State::Held | State::Confirmed) => "onhand.reservation.changed",
        };
        let document = ReservationDocument::new(reservation);
        let subject = reservation.id.to_string();
        let confirmation = reservation.confirmation.as_ref();
        let has_fulfilment = confirmation.is_some_and(|said| said.fulfilment.is_some());
        if cause == Cause::Confirmed && has_fulfilment {
            self.tell(kind, subject.clone(), &document);
            self.tell("onhand.fulfilment.requested", subject, &document);
        } else {
            self.tell(kind, subject, &document);
        }
    }

    fn tell(&mut self, kind: &'static str, subject: String, data: &impl Serialize) {
        let at = position(self.epoch, self.at);
        self.events.push(EventDocument {
            specversion: "1.0",
            id: format!("{at}.{}", self.index),
            source: "/onhand",
            kind,
            subject,
            time: Time(self.time),
            datacontenttype: "application/json",
            channel: self.by.channel.to_string(),
            token: id_text(self.by.token),
            data: to_raw_value(data).expect("documents are plain data"),
        });
        self.index += 1;
    }
}

/// Whether an event may change what a key's level says. At a follower the lead's word does when
/// more or less is held, when what was held is now promised, and when goods were handed over:
/// that leaves what is available as it was.
fn moves_figures(event: &Event, record: &StockRecord) -> bool {
    let after = (record.level.available(), record.level.shortfall());
    match event {
        Event::Moved(_) | Event::SafetyStockSet(_) | Event::Stopped => true,
        Event::Reserved { cause, .. } => !matches!(cause, Cause::Extended | Cause::Denied),
        Event::Settled { grant, .. } => {
            record.before != after || grant.committed || grant.handed_over.is_positive()
        }
        Event::Prepared { .. }
        | Event::Abandoned { .. }
        | Event::Answered { .. }
        | Event::Denied { .. }
        | Event::Acknowledged(_) => false,
    }
}
