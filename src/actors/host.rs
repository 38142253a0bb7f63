//! Hosts the stock actors of one thread: an actix actor whose mailbox takes the commands for all of
//! them, in one order, and which wakes a key's actor when something comes for it and puts it to
//! rest when nothing does. Only a key's host ever has its ledger, so there is never a second one.
//!
//! One mailbox for each key would make a node of a million keys start, wake, time and stop a
//! million tasks; a stock actor here is a ledger in a table. It must not know what a command does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use actix::{Actor, Context, Handler};

use super::call::{Deliveries, Done, TakeImages, Taken, TakenLedger, Wake};
use super::completion::hear;
use super::directory::{Directory, hash};
use super::slots::KeyHasher;
use super::stock_actor::StockActor;
use crate::stock::StockKey;

/// The host of the stock actors of one thread.
pub(super) struct Host {
    directory: Weak<Directory>,
    awake: HashMap<StockKey, Box<StockActor>, KeyHasher>,
}

impl Host {
    pub fn new(directory: Weak<Directory>) -> Host {
        let awake = HashMap::default();
        Host { directory, awake }
    }

    /// The actor of `key`, woken if need be.
    fn actor(&mut self, directory: &Arc<Directory>, key: StockKey) -> &mut StockActor {
        match self.awake.entry(key) {
            Entry::Occupied(awake) => awake.into_mut(),
            Entry::Vacant(at_rest) => {
                let (ledger, presence) = directory.activate(at_rest.key());
                let actor = StockActor::awake(ledger, directory.clone(), presence);
                at_rest.insert(Box::new(actor))
            }
        }
    }
}

impl Actor for Host {
    type Context = Context<Self>;
}

impl Handler<Deliveries> for Host {
    type Result = ();

    fn handle(&mut self, Deliveries(all): Deliveries, _: &mut Context<Self>) {
        let Some(directory) = self.directory.upgrade() else {
            return;
        };
        for (key, deliver) in all {
            directory.waiting.taken(hash(&key));
            self.actor(&directory, key).take(deliver);
        }
    }
}

impl Handler<Wake> for Host {
    type Result = ();

    fn handle(&mut self, Wake(keys): Wake, _: &mut Context<Self>) {
        let Some(directory) = self.directory.upgrade() else {
            return;
        };
        for key in keys {
            if self.actor(&directory, key.clone()).wake_goes_to_rest() {
                self.awake.remove(&key);
            }
        }
    }
}

impl Handler<Done> for Host {
    type Result = ();

    fn handle(&mut self, Done(key, done): Done, _: &mut Context<Self>) {
        // A key rests only when all was done: then an older revision sent this errand, too.
        if let Some(actor) = self.awake.get_mut(&key) {
            actor.gather(done);
        }
    }
}

impl Handler<TakeImages> for Host {
    type Result = ();

    fn handle(&mut self, TakeImages { keys, reply }: TakeImages, _: &mut Context<Self>) {
        let Some(directory) = self.directory.upgrade() else {
            return;
        };
        let taken = keys.into_iter().filter_map(|key| {
            let (ledger, last) = match self.awake.get_mut(&key) {
                Some(actor) => actor.take_image(),
                // It went to rest after it was asked, and all in it is durable.
                None => (TakenLedger::Image(directory.image_at_rest(&key)?), None),
            };
            let last = last.unwrap_or_default();
            Some(Taken { key, ledger, last })
        });
        hear(reply, taken.collect());
    }
}
