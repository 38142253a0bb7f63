//! The handle of the catalogue: writes go to the registrar and come back durable, reads take what
//! is published. Cheap to clone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, ArbiterHandle};
use tokio::sync::oneshot;

use super::command::{ItemCommand, LocationCommand, TokenCommand, Written};
use super::fault::CatalogueError;
use super::item::Item;
use super::location::Location;
use super::published::{CatalogueListener, Items, Published};
use super::record::{CatalogueCodecError, CatalogueRecord, EntityKey};
use super::register::{CatalogueLimits, OutOfOrder, Register};
use super::registrar::{Answers, Registrar, Work, Write};
use super::token::{Secret, Token, TokenGrant, hash_secret, id_text};
use crate::clock::{Clock, Stopwatch};
use crate::journal::Journal;
use crate::stock::{By, TokenId};
use crate::telemetry::timings;

/// A search looks at so many items for one page, then answers with what it found and where to go
/// on: anyone may search, so a search must cost little.
const ITEMS_SCANNED_MAX: usize = 50_000;

/// So many items are copied from the index at a time: writers wait meanwhile.
const ITEMS_COPIED_MAX: usize = 1000;

/// How the catalogue is run.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueConfig {
    /// How much it may hold.
    pub limits: CatalogueLimits,
    /// Writes waiting for the registrar; past it they are shed. Each may bring 1000 items.
    pub mailbox_capacity: usize,
    /// How long a caller waits for its write; it may still happen after that.
    pub command_timeout: Duration,
}

impl Default for CatalogueConfig {
    /// 64 writes: an import sends one batch at a time, people even fewer.
    fn default() -> CatalogueConfig {
        CatalogueConfig {
            limits: CatalogueLimits::default(),
            mailbox_capacity: 64,
            command_timeout: Duration::from_secs(5),
        }
    }
}

/// Items, locations and tokens.
#[derive(Clone)]
pub struct Catalogue {
    published: Arc<Published>,
    registrar: Addr<Registrar>,
    clock: Clock,
    command_timeout: Duration,
}

/// Which items are asked for; all that are named must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Part of the SKU or of the name, in any case.
    pub query: Option<String>,
    /// One of its barcodes, exactly.
    pub barcode: Option<String>,
    /// Its product, exactly.
    pub product: Option<String>,
}

/// Part of a list, in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found; may be fewer than asked for although there are more.
    pub items: Vec<Arc<T>>,
    /// What to pass as `after` for the next part; none at the end.
    pub next: Option<String>,
}

/// Builds up the catalogue from a snapshot and the journal's tail.
#[derive(Debug, Default)]
pub struct Recovery {
    register: Register,
    replayed: BTreeSet<EntityKey>,
}

impl Recovery {
    /// Starts with nothing.
    pub fn new(limits: CatalogueLimits) -> Recovery {
        Recovery {
            register: Register::new(limits),
            replayed: BTreeSet::new(),
        }
    }

    /// Takes in an entry of the snapshots. All of them come before any record.
    pub fn load(&mut self, key: &[u8], image: &[u8]) -> Result<(), CatalogueCodecError> {
        self.register.load(key, image)
    }

    /// Takes in a record of the journal. What it brings is in no snapshot yet.
    pub fn replay(&mut self, record: &CatalogueRecord) -> Result<(), OutOfOrder> {
        if self.register.apply(&record.event)? {
            self.replayed.insert(record.event.key());
        }
        Ok(())
    }

    /// What was built so far.
    pub fn register(&self) -> &Register {
        &self.register
    }
}

impl Catalogue {
    /// Publishes what was recovered and starts the registrar on `arbiter`.
    pub fn start(
        recovery: Recovery,
        config: CatalogueConfig,
        journal: Journal,
        clock: Clock,
        arbiter: &ArbiterHandle,
    ) -> Catalogue {
        let Recovery { register, replayed } = recovery;
        let published = Arc::new(Published::of(&register, replayed));
        let capacity = config.mailbox_capacity;
        let (shown, time) = (published.clone(), clock.clone());
        let registrar = Registrar::start_in_arbiter(arbiter, move |_| {
            Registrar::new(register, shown, journal, time, capacity)
        });
        Catalogue {
            published,
            registrar,
            clock,
            command_timeout: config.command_timeout,
        }
    }

    /// Has `listener` told of every change from now on.
    ///
    /// # Panics
    /// There is one already: that is an error in the wiring.
    pub fn listen(&self, listener: CatalogueListener) {
        let set = self.published.listener.set(listener);
        assert!(set.is_ok(), "the catalogue has one listener");
    }

    /// Accepts the operator's own secret from now on, with all scopes. It is not journaled.
    pub fn accept_from_environment(&self, secret: &str) {
        let token = Token::from_environment(secret);
        let live = &self.published.live_tokens;
        live.insert(token.hash, Arc::new(token));
    }

    /// On the first start, when no token was ever made: makes one with all scopes, named
    /// `bootstrap`, and gives its secret, to be shown once.
    pub async fn bootstrap(&self) -> Result<Option<Secret>, CatalogueError> {
        if !self.published.tokens.is_empty() {
            return Ok(None);
        }
        let grant = TokenGrant::all_scopes("bootstrap");
        let (_, secret) = self.create_token(By::default(), grant).await?;
        Ok(Some(secret))
    }

    /// The item of that SKU.
    pub fn item(&self, sku: &str) -> Option<Arc<Item>> {
        self.published.items.get(sku)
    }

    /// The location of that name.
    pub fn location(&self, location: &str) -> Option<Arc<Location>> {
        self.published.locations.get(location)
    }

    /// The live token with that secret.
    pub fn token(&self, secret: &str) -> Option<Arc<Token>> {
        let found = self.published.live_tokens.get(&hash_secret(secret));
        found.map(|token| token.value().clone())
    }

    /// Items that fit, in the order of their SKUs, at most `limit`, those after `after`.
    pub fn items(&self, filter: &ItemFilter, after: Option<&str>, limit: usize) -> Page<Item> {
        let mut matching = Matching::new(filter);
        let mut items = Vec::new();
        let mut scanned = 0;
        let mut last: Option<Arc<Item>> = None;
        loop {
            let from = last.as_ref().map_or(after, |item| Some(item.sku.as_str()));
            let candidates = self.candidates(filter, from);
            let is_end = candidates.len() < ITEMS_COPIED_MAX;
            scanned += candidates.len();
            for item in candidates {
                if matching.fits(&item) {
                    if items.len() == limit {
                        return Page::until(items, last.map(|item| item.sku.to_string()));
                    }
                    items.push(item.clone());
                }
                last = Some(item);
            }
            if is_end {
                return Page::until(items, None);
            }
            if scanned >= ITEMS_SCANNED_MAX {
                return Page::until(items, last.map(|item| item.sku.to_string()));
            }
        }
    }

    /// Locations in the order of their names, at most `limit`, those after `after`.
    pub fn locations(&self, after: Option<&str>, limit: usize) -> Page<Location> {
        let found = self.published.locations.after(after, limit + 1);
        Page::cut(found, limit, |location| location.location.to_string())
    }

    /// Live tokens in the order they were made, at most `limit`, those after `after`. The one
    /// from the environment is not among them.
    pub fn tokens(&self, after: Option<TokenId>, limit: usize) -> Page<Token> {
        let mut live = Vec::new();
        let mut after = after;
        while live.len() <= limit {
            let found = self.published.tokens.after(after.as_ref(), limit + 1);
            let Some(last) = found.last() else {
                break;
            };
            after = Some(last.id);
            live.extend(found.into_iter().filter(|token| token.is_live()));
        }
        Page::cut(live, limit, |token| id_text(token.id))
    }

    /// Changes items, in order, each with its own answer.
    pub async fn write_items(
        &self,
        by: By,
        commands: Vec<ItemCommand>,
    ) -> Result<Vec<Result<Written<Item>, CatalogueError>>, CatalogueError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(by, |reply| Work::Items(commands, reply)).await
    }

    /// Changes one item.
    pub async fn write_item(
        &self,
        by: By,
        command: ItemCommand,
    ) -> Result<Written<Item>, CatalogueError> {
        only(self.write_items(by, vec![command]).await?)
    }

    /// Changes one location.
    pub async fn write_location(
        &self,
        by: By,
        command: LocationCommand,
    ) -> Result<Written<Location>, CatalogueError> {
        only(self.ask(by, |reply| Work::Location(command, reply)).await?)
    }

    /// Makes a token; its secret is told here and never again. Locations it is bound to must be
    /// known.
    pub async fn create_token(
        &self,
        by: By,
        grant: TokenGrant,
    ) -> Result<(Arc<Token>, Secret), CatalogueError> {
        let secret = Secret::from_random(rand::random());
        let command = TokenCommand::Create {
            id: self.new_token_id(),
            hash: secret.hash(),
            grant,
        };
        let written = only(self.ask(by, |reply| Work::Token(command, reply)).await?)?;
        Ok((written.entity, secret))
    }

    /// Accepts a token no more.
    pub async fn revoke_token(&self, by: By, id: TokenId) -> Result<(), CatalogueError> {
        let command = TokenCommand::Revoke(id);
        only(self.ask(by, |reply| Work::Token(command, reply)).await?).map(drop)
    }

    /// The images, with their keys, of what changed since the last call; all of it is durable.
    /// If they cannot be written, the keys go to [`Catalogue::put_back`].
    pub fn take_dirty(&self) -> Vec<(EntityKey, Vec<u8>)> {
        self.published.take_dirty()
    }

    /// Marks what was taken as still to be written.
    pub fn put_back(&self, keys: impl IntoIterator<Item = EntityKey>) {
        self.published.put_back(keys);
    }

    /// Items among which a page is sought, in order, at most [`ITEMS_COPIED_MAX`].
    fn candidates(&self, filter: &ItemFilter, after: Option<&str>) -> Items {
        let published = &self.published;
        match (&filter.barcode, &filter.product) {
            (Some(code), _) => published.with_barcode(code, after, ITEMS_COPIED_MAX),
            (None, Some(product)) => published.of_product(product, after, ITEMS_COPIED_MAX),
            (None, None) => published.items.after(after, ITEMS_COPIED_MAX),
        }
    }

    async fn ask<T>(
        &self,
        by: By,
        work: impl FnOnce(oneshot::Sender<Answers<T>>) -> Work,
    ) -> Result<Answers<T>, CatalogueError> {
        let (reply, answers) = oneshot::channel();
        let work = work(reply);
        let write = Write {
            by,
            work,
            sent: Stopwatch::start(),
            timings: timings::current(),
        };
        let sent = self.registrar.try_send(write);
        sent.map_err(|_| CatalogueError::Overloaded)?;
        match tokio::time::timeout(self.command_timeout, answers).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(_)) | Err(_) => Err(CatalogueError::OutcomeUnknown),
        }
    }

    /// Ids rise with time, so that lists are in the order of creation.
    fn new_token_id(&self) -> TokenId {
        const RANDOM_BITS: u32 = 80;
        let millis = u128::try_from(self.clock.now().as_millis()).unwrap_or(0);
        let random = rand::random::<u128>() >> (u128::BITS - RANDOM_BITS);
        TokenId((millis << RANDOM_BITS) | random)
    }
}

fn only<T>(answers: Answers<T>) -> Result<Written<T>, CatalogueError> {
    let mut answers = answers.into_iter();
    answers.next().expect("one command has one answer")
}

impl<T> Page<T> {
    fn until(items: Vec<Arc<T>>, next: Option<String>) -> Page<T> {
        Page { items, next }
    }

    /// The first `limit` of them; more were looked for to know whether there are.
    fn cut(mut items: Vec<Arc<T>>, limit: usize, key: impl FnOnce(&T) -> String) -> Page<T> {
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|last| key(last));
        Page { items, next }
    }
}

/// Tells which items fit a filter; keeps its memory from one to the next.
struct Matching<'a> {
    filter: &'a ItemFilter,
    query: Option<String>,
    buffer: String,
}

impl Matching<'_> {
    fn new(filter: &ItemFilter) -> Matching<'_> {
        Matching {
            query: filter.query.as_ref().map(|query| query.to_lowercase()),
            filter,
            buffer: String::new(),
        }
    }

    fn fits(&mut self, item: &Item) -> bool {
        let barcode = self.filter.barcode.as_deref();
        let product = self.filter.product.as_deref();
        let content = &item.content;
        let fits = barcode.is_none_or(|code| content.barcodes.iter().any(|b| b.as_str() == code))
            && product.is_none_or(|p| content.product.as_ref().is_some_and(|it| it.as_str() == p));
        fits && (self.holds(item.sku.as_str()) || self.holds(content.name.as_str()))
    }

    fn holds(&mut self, text: &str) -> bool {
        let Some(query) = &self.query else {
            return true;
        };
        self.buffer.clear();
        self.buffer
            .extend(text.chars().flat_map(char::to_lowercase));
        self.buffer.contains(query.as_str())
    }
}

#[cfg(test)]
mod tests;
