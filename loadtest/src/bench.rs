//! What every scenario is given: sizes, a server, a shop, loads to drive; and what it has to give
//! back: books that agree. It must not know any one scenario.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::books::{self, Books, Expected, Found};
use crate::clock;
use crate::connection::HTTP;
use crate::keys::Keys;
use crate::load::{self, Load, Pace, Phase, Workload};
use crate::machine::Machine;
use crate::options::{Choice, Options};
use crate::progress;
use crate::request::Target;
use crate::result::{Figure, Outcome};
use crate::server::{Binary, Server};
use crate::shop::Shop;
use crate::sizes::Sizes;
use crate::workload::reserve::{NOOP, Placed, RESERVATIONS};
use crate::workload::{Reserve, Want};

/// One scenario under way.
pub struct Bench {
    /// As asked for.
    pub options: Options,
    /// How large.
    pub sizes: Sizes,
    /// The server's program.
    pub binary: Binary,
    /// A folder of this scenario's own, gone at its end.
    pub folder: PathBuf,
    /// The result so far.
    pub outcome: Outcome,
    scenario: Choice,
    /// Phases so far: each draws numbers of its own.
    phases: u64,
    opening: Found,
}

impl Bench {
    /// A scenario that begins in `folder`.
    pub fn new(
        scenario: Choice,
        options: &Options,
        binary: &Binary,
        machine: Machine,
        folder: &Path,
    ) -> Bench {
        let sizes = Sizes::of(scenario, options);
        Bench {
            options: options.clone(),
            sizes,
            binary: binary.clone(),
            folder: folder.to_owned(),
            outcome: Outcome {
                scenario: scenario.name(),
                machine,
                sizes,
                phases: Vec::new(),
                figures: Vec::new(),
                books: Vec::new(),
                breaches: Vec::new(),
                notes: Vec::new(),
            },
            scenario,
            phases: 0,
            opening: Found::default(),
        }
    }

    /// Where this scenario's server keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts a server, or takes the one that runs.
    ///
    /// # Errors
    /// It does not start.
    pub async fn server(&self, settings: &[(&str, String)]) -> Result<Server> {
        if let Some(address) = self.options.running {
            let token = self.options.token.clone().unwrap_or_default();
            return Ok(Server::running(
                Target { address, token },
                self.options.process,
            ));
        }
        self.own_server(settings).await
    }

    /// Starts a server that may be stopped and killed.
    ///
    /// # Errors
    /// It does not start, or another one was asked for.
    pub async fn own_server(&self, settings: &[(&str, String)]) -> Result<Server> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.own_server_at(anywhere, settings).await
    }

    /// The same, where clients expect it.
    ///
    /// # Errors
    /// It does not start, or another one was asked for.
    pub async fn own_server_at(
        &self,
        listen: SocketAddr,
        settings: &[(&str, String)],
    ) -> Result<Server> {
        if self.options.running.is_some() {
            let name = self.scenario.name();
            bail!("`{name}` starts and stops servers; it cannot use one that runs already");
        }
        self.start(&self.data(), listen, settings).await
    }

    /// A second server beside the first, on data of its own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn another_server(&self, settings: &[(&str, String)]) -> Result<Server> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.start(&self.folder.join("another"), anywhere, settings)
            .await
    }

    async fn start(
        &self,
        data: &Path,
        listen: SocketAddr,
        settings: &[(&str, String)],
    ) -> Result<Server> {
        // All load comes from one address.
        let unlimited = ("ONHAND_HTTP_REQUESTS_PER_SECOND_MAX", "0".to_owned());
        let settings: Vec<(&str, String)> = settings.iter().cloned().chain([unlimited]).collect();
        self.binary.start(data, &settings, listen).await
    }

    /// Starts a server with a shop in it.
    ///
    /// # Errors
    /// It does not start, or refuses the shop.
    pub async fn server_with(&mut self, shop: Shop, settings: &[(&str, String)]) -> Result<Server> {
        let server = self.server(settings).await?;
        self.stock(&server, shop).await?;
        Ok(server)
    }

    /// Imports a shop; gives how long its stock took.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn stock(&mut self, server: &Server, shop: Shop) -> Result<Duration> {
        let keys = shop.keys();
        progress::say(format_args!("  importing {keys} stock keys"));
        let took = shop.import(&self.binary, &server.target, &self.folder)?;
        self.opening = books::read(&server.target).await?;
        Ok(took)
    }

    /// A load on a server, closed and as long as the sizes say.
    pub fn load(&self, name: &str, server: &Server) -> Load {
        Load {
            name: name.to_owned(),
            address: server.target.address,
            protocol: HTTP,
            process: server.process,
            connections: self.sizes.connections(),
            pace: Pace::Closed,
            warm_up: self.sizes.warm_up(),
            duration: Some(self.sizes.duration()),
        }
    }

    /// The same, with arrivals on a schedule.
    pub fn open_load(&mut self, name: &str, server: &Server, per_second: f64) -> Load {
        let seed = self.next_seed();
        Load {
            pace: Pace::Open { per_second, seed },
            ..self.load(name, server)
        }
    }

    /// Drives a load and keeps what it came to.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn drive<W: Workload + 'static>(
        &mut self,
        load: &Load,
        workload: W,
    ) -> Result<(Phase, W)> {
        let (phase, workload) = load::drive(load, workload).await?;
        self.keep(&phase);
        Ok((phase, workload))
    }

    /// Keeps what a load came to.
    pub fn keep(&mut self, phase: &Phase) {
        let (name, rate) = (&phase.name, phase.per_second());
        let share = |seconds: f64| 100.0 * seconds / phase.used.seconds.max(0.001);
        progress::say(format_args!(
            "  {name}: {rate:.0}/s, server {:.0} %, generator {:.0} %, others {:.0} %, \
             host {:.0} % of a core",
            share(phase.used.server_cpu_seconds),
            share(phase.used.generator_cpu_seconds),
            share(phase.used.others_cpu_seconds),
            share(phase.used.stolen_cpu_seconds),
        ));
        self.outcome.phases.push(phase.clone());
    }

    /// Keys of the shop, drawn as the sizes say.
    ///
    /// # Errors
    /// The exponent is none.
    pub fn keys(&mut self, shop: Shop) -> Result<Keys> {
        let seed = self.next_seed();
        Keys::new(shop.keys(), self.sizes.zipf, seed)
    }

    /// Reservations of this run.
    pub fn reserve(&mut self, server: &Server, shop: Shop, want: Want, lines: usize) -> Reserve {
        let tag = (!self.options.without_keys).then(|| self.tag());
        Reserve::new(&server.target, RESERVATIONS, shop, want, lines, tag)
    }

    /// The same requests for the yardstick.
    pub fn noop(&mut self, server: &Server, shop: Shop, want: Want, lines: usize) -> Reserve {
        let tag = (!self.options.without_keys).then(|| self.tag());
        Reserve::new(&server.target, NOOP, shop, want, lines, tag)
    }

    /// A number that ids begin with: no two phases, and no two runs against one server, share it.
    pub fn tag(&mut self) -> u64 {
        self.phases += 1;
        let millis = u64::try_from(clock::wall().as_millisecond()).unwrap_or(0);
        millis + self.phases
    }

    /// A seed of its own for each use, all of them following from the one asked for.
    pub fn next_seed(&mut self) -> u64 {
        self.phases += 1;
        self.options
            .seed
            .wrapping_mul(1_000_003)
            .wrapping_add(self.phases)
    }

    /// Adds a figure.
    pub fn figure(&mut self, figure: Figure) {
        self.outcome.figures.push(figure);
    }

    /// What the books should say if only reservations were placed.
    pub fn expect_held(&self, placed: Placed) -> Expected {
        Expected {
            opening: self.opening.on_hand,
            held: self.opening.held + whole(placed.held),
            committed: self.opening.committed,
            unknown: whole(placed.unknown),
            ..Expected::default()
        }
    }

    /// Checks the books of a server that runs on.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn check(&mut self, server: &Server, expected: Expected) -> Result<()> {
        progress::say("  checking the books");
        let found = books::read(&server.target).await?;
        self.outcome.books.push(Books::check(expected, found));
        Ok(())
    }

    /// Checks the books, stops the server and has its data directory verified.
    ///
    /// # Errors
    /// The server cannot be asked or does not stop.
    pub async fn finish(&mut self, server: Server, expected: Expected) -> Result<()> {
        self.check(&server, expected).await?;
        let data = server.data.clone();
        server.stop()?;
        let Some(data) = data else {
            self.outcome
                .notes
                .push("the data directory was not verified: not ours".into());
            return Ok(());
        };
        let verified = self.binary.verify(&data);
        let books = self.outcome.books.last_mut().expect("just checked");
        match verified {
            Ok(said) => books.verify = Some(said),
            Err(error) => books.faults.push(format!("{error:#}")),
        }
        Ok(())
    }
}

/// Pieces as the books count them.
pub fn whole(pieces: u64) -> i64 {
    i64::try_from(pieces).unwrap_or(i64::MAX)
}
