//! `onhand demo`: the service as `serve` runs it, on temporary data, with a clog shop in it and
//! simulated people who shop, sell, deliver and count.
//!
//! Everything it does to the service goes over HTTP with tokens of its own, as any client's
//! requests would: it must not know the core, the actors or the journal. What it is allowed to
//! see of the composition root is where the service listens and what time it is.

mod caller;
mod cast;
mod desk;
mod dice;
mod directory;
mod guide;
mod opening;
mod sample;
mod shop;
mod stop;
pub mod swish;
mod teller;
mod tokens;
mod wire;

use std::io::Write;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::app::{self, AppError, Ready};
use crate::cli::DemoArgs;
use crate::config::ConfigFaults;

use cast::Cast;
use directory::Directory;
use sample::Sample;
use shop::Premises;
use stop::Stop;
use teller::Teller;
use wire::Patient;

/// Why the demo did not start, or ended otherwise than asked to.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Flags that contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// Where its data should be.
    #[error("{0}")]
    Directory(String),
    /// The service itself.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Runs the demo until it is told to stop.
///
/// # Errors
/// Why it did not start, or why it ended otherwise than asked to.
pub fn run(arguments: &DemoArgs, out: Box<dyn Write + Send>) -> Result<(), DemoError> {
    let directory = Directory::choose(arguments.data_dir.as_deref())?;
    let admin = format!("demo-{:032x}", rand::random::<u128>());
    let mut config = arguments.configuration(directory.path(), &admin)?;
    let place = Premises::take(arguments.shop_listen)?;
    config.http.origins.0.extend(place.origins());
    let seed = arguments
        .seed
        .unwrap_or_else(|| rand::random::<u32>().into());
    let teller = Teller::start(out);
    let play = Play {
        admin,
        seed,
        rate: arguments.rate,
        quiet: arguments.quiet,
        keeps: !directory.is_temporary(),
        teller: teller.clone(),
        shop_url: place.url(),
        cart_seconds: arguments.cart_seconds,
    };
    let served = app::serve_with(&config, &mut teller.greeting(), |ready, ending| {
        accompany(play, place, ready, ending)
    });
    teller.finish();
    Ok(served?)
}

/// What is played.
struct Play {
    admin: String,
    seed: u64,
    rate: f64,
    quiet: bool,
    keeps: bool,
    teller: Teller,
    shop_url: String,
    cart_seconds: u32,
}

/// Plays on a thread of its own, since its requests block, until it is told to end.
async fn accompany(
    play: Play,
    place: Premises,
    ready: Ready,
    ending: oneshot::Receiver<()>,
) -> Result<(), String> {
    let stop = Stop::default();
    let (tell, mut played) = oneshot::channel();
    let stopping = stop.clone();
    let begun = std::thread::Builder::new()
        .name("demo".to_owned())
        .spawn(move || {
            // Nobody listens any more only when the process ends regardless.
            tell.send(play.perform(place, &ready, &stopping)).ok();
        });
    begun.map_err(|error| format!("the demo cannot begin: {error}"))?;
    tokio::select! {
        ended = &mut played => return ended.expect("a panic stops the process before this"),
        // The sender is dropped only when the service stops as well.
        _ = ending => stop.stop(),
    }
    played.await.expect("a panic stops the process before this")
}

impl Play {
    /// Opens the shop, says what can be done with it, and has the simulated people act.
    fn perform(&self, place: Premises, ready: &Ready, stop: &Stop) -> Result<(), String> {
        let sample = Arc::new(Sample::read());
        let wire = |token: &str| Patient::new(&ready.public, token, stop);
        let opened = opening::open(&self.admin, &sample, wire);
        let opened = match opened {
            Err(_) if stop.is_stopped() => return Ok(()),
            opened => opened.map_err(|reason| format!("the demo's shop cannot open: {reason}"))?,
        };
        let web = &opened.tokens.web;
        let shop = match place.open(ready, web, self.cart_seconds, stop) {
            Err(_) if stop.is_stopped() => return Ok(()),
            shop => shop.map_err(|reason| format!("the demo's shop cannot open: {reason}"))?,
        };
        let guide = guide::Guide {
            ready,
            opened: &opened,
            play: self,
        };
        self.teller.tell(guide.to_string());
        let cast = Cast {
            sample,
            tokens: &opened.tokens,
            ready,
            teller: (!self.quiet).then_some(&self.teller),
            seed: self.seed,
        };
        cast.play(self.rate, stop);
        shop.close();
        Ok(())
    }
}
