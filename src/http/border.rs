//! What every handler is given: stock, the catalogue, backups, the limits. One for all workers.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::limits::Limits;
use super::origins::Origins;
use super::rate::Rate;
use super::wire;
use crate::actors::StockService;
use crate::backup::Backups;
use crate::catalogue::Catalogue;
use crate::feed::Hub;
use crate::stock::TokenId;

/// The border's own state.
pub struct Border {
    /// Stock and reservations.
    pub stock: StockService,
    /// Items, locations, tokens.
    pub catalogue: Catalogue,
    /// Copies of everything.
    pub backups: Backups,
    /// Who follows what.
    pub feed: Arc<Hub>,
    /// Whose pages may ask.
    pub origins: Origins,
    /// What is allowed.
    pub limits: Limits,
    /// Requests without a token, by client.
    pub addresses: Rate<IpAddr>,
    /// Requests by token.
    pub tokens: Rate<TokenId>,
    stopping: watch::Sender<bool>,
}

impl Border {
    /// A border in front of these.
    pub fn new(
        stock: StockService,
        catalogue: Catalogue,
        backups: Backups,
        feed: Arc<Hub>,
        limits: Limits,
    ) -> Border {
        let rate = limits.requests_per_second_max;
        let token_rate = limits.token_requests_per_second_max;
        Border {
            addresses: Rate::new(rate, limits.requests_burst_max),
            tokens: Rate::new(token_rate, token_rate),
            stopping: watch::Sender::new(false),
            stock,
            catalogue,
            backups,
            feed,
            origins: Origins::default(),
            limits,
        }
    }

    /// Ends every wait for news, now and from now on: a stop finishes what runs, and a long
    /// poll would keep it from ending.
    pub fn stop_waiting(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns once nobody is to wait for news any longer.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        let told = stopping.wait_for(|stopping| *stopping).await;
        told.map(|_| ())
            .expect("the border, which holds the sender, is borrowed");
    }

    /// Where the event stream is now, for a list that is about to be read.
    pub fn position(&self) -> String {
        wire::position(self.stock.epoch(), self.stock.durable())
    }
}

/// Whether the node takes requests, and if not, why. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<Option<String>>>);

impl Readiness {
    /// Not ready, for a reason told at `/readyz`.
    pub fn not_ready(reason: &str) -> Readiness {
        Readiness(Arc::new(RwLock::new(Some(reason.to_owned()))))
    }

    /// From now on it is ready.
    pub fn set_ready(&self) {
        *self.0.write() = None;
    }

    /// From now on it is not, for this reason.
    pub fn set_not_ready(&self, reason: &str) {
        *self.0.write() = Some(reason.to_owned());
    }

    /// Why it is not ready, if it is not.
    pub fn reason(&self) -> Option<String> {
        self.0.read().clone()
    }
}
