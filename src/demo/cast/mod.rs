//! The simulated people and how often they act. What each of them does is told in a file of its
//! own; what they decide follows from the seed and from the answers they get, so a play can be
//! repeated as far as their requests do not cross each other.
//!
//! They must know nothing but the contract: they refuse nothing that the service answers, take a
//! refusal as a shopper would, and leave at the word to end.

mod crier;
mod marketplace;
mod people;
mod till;
mod warehouse;
mod web_shop;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::caller::Caller;
use super::desk::Desk;
use super::dice::Dice;
use super::sample::{STORES, Sample, WAREHOUSE};
use super::stop::Stop;
use super::teller::Teller;
use super::tokens::Tokens;
use super::wire::Patient;
use crate::app::Ready;
use crate::clock::{Clock, Stopwatch};

/// All who act.
pub(super) struct Cast<'a> {
    /// The shop.
    pub(super) sample: Arc<Sample>,
    /// Their tokens.
    pub(super) tokens: &'a Tokens,
    /// Where they ask.
    pub(super) ready: &'a Ready,
    /// Who tells what they do; nobody when it is quiet.
    pub(super) teller: Option<&'a Teller>,
    /// What they decide by.
    pub(super) seed: u64,
}

/// One who acts now and then.
trait Player: Send {
    /// Does one thing.
    fn act(&mut self, hand: &mut Hand);
}

/// What a player acts with.
struct Hand {
    caller: Caller,
    dice: Dice,
    voice: Voice,
    sample: Arc<Sample>,
    desk: Arc<Desk>,
}

/// Tells what one player does.
struct Voice {
    name: &'static str,
    clock: Clock,
    teller: Option<Teller>,
}

/// A player, with its share of all acts in hundredths.
struct Part {
    name: &'static str,
    token: String,
    share: u32,
    player: Box<dyn Player>,
}

impl Cast<'_> {
    /// Has everybody act, so many acts a second together, until the word to end.
    pub(super) fn play(&self, rate: f64, stop: &Stop) {
        let desk = Arc::new(Desk::default());
        thread::scope(|scope| {
            let mut crier = self.hand("stock", &self.tokens.events, stop, &desk);
            // From before the first act, so that no order is missed.
            let from = crier::newest(&mut crier);
            scope.spawn(move || crier::cry(&mut crier, from, stop));
            if rate > 0.0 {
                for part in parts(self.tokens) {
                    let hand = self.hand(part.name, &part.token, stop, &desk);
                    scope.spawn(move || perform(part, hand, rate, stop));
                }
            }
            stop.wait_for_ever();
        });
    }

    fn hand(&self, name: &'static str, token: &str, stop: &Stop, desk: &Arc<Desk>) -> Hand {
        Hand {
            caller: Caller::new(name, Patient::new(&self.ready.public, token, stop)),
            dice: Dice::new(self.seed, name),
            voice: Voice {
                name,
                clock: self.ready.clock.clone(),
                teller: self.teller.cloned(),
            },
            sample: self.sample.clone(),
            desk: desk.clone(),
        }
    }
}

/// Who acts how often: the web shop takes more orders than the warehouse would have time to send
/// if it acted less.
fn parts(tokens: &Tokens) -> Vec<Part> {
    let part = |name, token: &str, share, player| Part {
        name,
        token: token.to_owned(),
        share,
        player,
    };
    let web = Box::new(web_shop::WebShop::default());
    let marketplace = Box::new(marketplace::Marketplace::default());
    let malmo = Box::new(till::Till::of(STORES[0]));
    let lund = Box::new(till::Till::of(STORES[1]));
    vec![
        part("web", &tokens.web, 36, web),
        part("market", &tokens.marketplace, 6, marketplace),
        part(STORES[0], &tokens.till_malmo, 15, malmo),
        part(STORES[1], &tokens.till_lund, 12, lund),
        part(
            WAREHOUSE,
            &tokens.warehouse,
            31,
            Box::new(warehouse::Warehouse),
        ),
    ]
}

fn perform(mut part: Part, mut hand: Hand, rate: f64, stop: &Stop) {
    let mean = Duration::from_secs_f64(100.0 / (f64::from(part.share) * rate));
    let mut pause = hand.dice.pause(mean);
    while !stop.wait(pause) {
        let acting = Stopwatch::start();
        part.player.act(&mut hand);
        pause = hand.dice.pause(mean).saturating_sub(acting.elapsed());
    }
}

impl Voice {
    /// Tells something, with the time of day.
    fn say(&self, words: &str) {
        let Some(teller) = &self.teller else { return };
        let seconds = self
            .clock
            .now()
            .as_millis()
            .div_euclid(1_000)
            .rem_euclid(86_400);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        let (seconds, name) = (seconds % 60, self.name);
        teller.news(format!(
            "{hours:02}:{minutes:02}:{seconds:02}  {name:<10}{words}"
        ));
    }
}
