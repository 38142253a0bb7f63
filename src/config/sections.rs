//! Every option: its name with the unit last, its default, its bounds and why it is there.
//! It must not know where values come from.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::setting::{Origins, Secret, section};

section! {
    /// The border: listeners, TLS, limits on what comes in.
    Http as "http" {
        /// The public listener. Loopback by default: nothing is exposed by accident.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// The listener for metrics, probes and contention; apart, so that it can be firewalled.
        ops_listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8081));
        /// The TLS certificate chain (PEM). A listener that others reach needs it, or a proxy.
        tls_cert: Option<PathBuf> = None;
        /// The key of the certificate (PEM).
        tls_key: Option<PathBuf> = None;
        /// A proxy ends TLS in front of us; only then is its word on the client's address taken.
        behind_proxy: bool = false;
        /// Adds `POST /v1/noop`, the yardstick that speed is measured against.
        yardstick: bool = false;
        /// The bootstrap token with all scopes. Without one, the first start makes its own.
        admin_token: Option<Secret> = None;
        /// Origins of the web pages that may follow the feed and ask for availability, separated
        /// by commas. Without any they are the service's own: a stranger's page gets nothing. In
        /// a list `own` stands for these; the store screens and tills need it.
        origins: Origins = Origins::default();
        /// Threads that parse and answer requests; 0 means one per core.
        workers: usize = 0, in 0..=1024, of "threads";
        /// Connections accepted at once per worker, so that a storm meets a limit before memory
        /// does; more than the feed may take, so that it never shuts others out.
        connections_max: usize = 25_000, in 1..=1_000_000;
        /// What the system holds unsent of one connection: behind it what is shown grows old.
        unsent_bytes_max: u32 = 32_768, in 4_096..=16_777_216;
        /// How long a peer may take nothing at all before the system drops its connection; longer
        /// than the feed or a backup waits, so that one that wakes late still hears why.
        unacknowledged_ms_max: u32 = 60_000, in 100..=3_600_000;
        /// The largest body: room for 1000 movements, and no more for anybody to fill memory with.
        body_bytes_max: usize = 1_048_576, in 1024..=67_108_864;
        /// How long a client may take to send its request head; a slow one must not hold a place.
        request_head_ms_max: u64 = 5_000, in 100..=600_000;
        /// How long a client may take to send a body, and a second more for each 8 KiB of it that
        /// came: a slow line is waited for. One that comes drop by drop would hold a connection
        /// and memory for ever.
        body_ms_max: u64 = 30_000, in 100..=600_000;
        /// How long an idle connection is kept; longer than the usual proxy keeps its own.
        keep_alive_seconds: u64 = 75, in 0..=3_600;
        /// Requests a second without a token, by client address; 0 lifts the limit. A page asks a
        /// few times a second, a scraper far more.
        requests_per_second_max: u32 = 1_000;
        /// How far an address may run ahead of its rate: a page with many products at once.
        requests_burst_max: u32 = 4_000, in 1..=1_000_000, of "requests";
        /// Requests a second with a token, by token; 0 lifts the limit, because back ends of our
        /// own are shed by the queues, which know better.
        token_requests_per_second_max: u32 = 0;
        /// What `Retry-After` says when we are overloaded: queues drain in far less.
        retry_after_seconds: u64 = 1, in 1..=3_600;
        /// How long the client of a backup may take none of it: until it is done, or dropped,
        /// history is not trimmed and nobody else takes one.
        backup_stall_seconds_max: u64 = 60, in 1..=3_600;
        /// How long requests under way may take to finish when we stop.
        stop_seconds_max: u64 = 30, in 0..=3_600;
    }
}

section! {
    /// Durability: where the data is, how much may wait for the disk, how long history is kept.
    Journal as "journal" {
        /// The data directory; one process at a time.
        data_dir: PathBuf = PathBuf::from("./onhand-data");
        /// Places in the writer's queue. Past it commands are refused before anything changes.
        queue_places_max: usize = 16_384, in 16..=1_048_576;
        /// The largest group written with one sync; it bounds the latency of the first in it.
        group_bytes_max: usize = 4_194_304, in 65_536..=268_435_456;
        /// How long history is kept for `/v1/events`, the ledgers and `verify`.
        history_days: u32 = 30, in 0..=3_650;
        /// The most history keeps on disk, whatever its days; the oldest goes first. While much is
        /// written it may be more: a sixteenth, and what two snapshot intervals write. The disk
        /// needs room for that, for two copies of all keys and for 256 MiB of the engine's own.
        history_bytes_max: u64 = 68_719_476_736, in 67_108_864..=1_125_899_906_842_624_u64;
        /// How often changed keys are snapshotted; it bounds what a restart has to replay.
        snapshot_interval_seconds: u64 = 60, in 1..=86_400;
        /// How often history past its days is trimmed; past its bytes it is after every snapshot
        /// round.
        trim_interval_seconds: u32 = 3_600, in 1..=86_400;
    }
}

section! {
    /// Concurrency: mailboxes, time-outs, passivation.
    Actors as "actors" {
        /// Threads that run actors; 0 means one per core.
        arbiters: usize = 0, in 0..=1024, of "threads";
        /// Messages that may wait at one key. Past it the caller gets a 503.
        mailbox_capacity: usize = 4_096, in 16..=1_048_576, of "messages";
        /// How long a caller waits before its outcome is called unknown.
        command_timeout_ms: u64 = 5_000, in 10..=600_000;
        /// How long a prepared hold waits for its lead before it asks.
        prepare_timeout_ms: u64 = 5_000, in 10..=600_000;
        /// How long a key may be idle before its actor is put to rest, which frees memory.
        idle_seconds: u64 = 10, in 1..=86_400;
    }
}

section! {
    /// The rules of stock and reservations.
    Stock as "stock" {
        /// At or below this many available the public status is `limited` and the number is told.
        limited_max: u32 = 3, of "units of sale";
        /// The life of a reservation that asks for none.
        ttl_seconds_default: u32 = 600, in 1..=14_400;
        /// The longest life one may ask for: a hold keeps stock from others.
        ttl_seconds_max: u32 = 14_400, in 1..=14_400;
        /// Lines in one reservation; each is a key to be asked.
        lines_max: usize = 100, in 1..=1_000;
        /// Movements, items or settings in one batch.
        movements_max: usize = 1_000, in 1..=10_000;
        /// Movement ids remembered at one key; past it new ones are refused, never forgotten.
        remembered_ids_max: usize = 1_000_000, in 1_000..=100_000_000;
        /// Live holds at one key: what one snapshot of it must carry.
        holds_max: usize = 1_000_000, in 1..=10_000_000;
        /// Reservations known to the node, resolved ones included while they are remembered.
        reservations_max: usize = 20_000_000, in 1..=100_000_000;
        /// Idempotency answers remembered by the node.
        idempotency_answers_max: usize = 20_000_000, in 1_000..=100_000_000;
    }
}

section! {
    /// The feed: how many may follow how much, and when a connection ends.
    Feed as "feed" {
        /// Connections at once, each about 14 kB and an open file; past it new ones are told to
        /// come back.
        connections_max: usize = 20_000, in 1..=10_000_000;
        /// Connections of one client address (IPv6: of one /64), of those without a token: an
        /// office or a carrier behind one address is many people.
        address_connections_max: usize = 500, in 1..=10_000_000;
        /// Connections with one token: all screens and tills of a chain may share one.
        token_connections_max: usize = 2_000, in 1..=10_000_000;
        /// Keys one connection may follow; a pattern counts as one.
        keys_max: usize = 200, in 1..=1_000_000;
        /// The same with a token.
        token_keys_max: usize = 5_000, in 1..=1_000_000;
        /// The largest frame taken: room for all keys one may follow.
        frame_bytes_max: usize = 16_384, in 256..=16_777_216;
        /// The same with a token.
        token_frame_bytes_max: usize = 262_144, in 256..=16_777_216;
        /// Messages taken in a second: a page sends a few when it opens and then hardly any. One in
        /// fragments is one, but for fragments below 1 KiB, which count each.
        commands_per_second_max: u32 = 20, in 1..=1_000_000;
        /// How long after the opening a hello may come.
        hello_ms_max: u32 = 10_000, in 10..=600_000;
        /// How often a ping is sent: proxies drop what is silent for 30 to 60 s.
        ping_seconds: u32 = 25, in 1..=3_600;
        /// How long after a ping was due something must be heard.
        pong_ms_max: u32 = 8_000, in 10..=600_000;
        /// How long a client may take nothing before it is closed.
        stalled_ms_max: u32 = 10_000, in 10..=600_000;
        /// How old a connection gets, each by up to a fifth more or less: then its token is
        /// looked at anew, and load spreads over what is there.
        age_seconds_max: u32 = 900, in 1..=86_400;
        /// What a client is told to wait at most before it comes back after a stop; each is told
        /// another time, so that they do not all come at once.
        retry_after_ms_max: u32 = 5_000, in 10..=600_000;
        /// How often followers are told of a key that changes again and again. The first change
        /// and a key that sells out or comes back do not wait for it.
        tick_ms: u32 = 50, in 1..=10_000;
    }
}

section! {
    /// What operators are told.
    Telemetry as "telemetry" {
        /// Counts and times requests and commands. Without it `/metrics`, the board and slow
        /// requests say little: it is off only to measure what counting costs.
        counting: bool = true;
        /// A request that takes so long gets a line in the log that says where its time went; 0
        /// tells of every one. Well above what is promised, so that a line is worth reading.
        slow_request_ms: u64 = 500, in 0..=600_000;
    }
}

section! {
    /// How many items, locations and tokens one node carries; all are kept in memory.
    Catalogue as "catalogue" {
        /// Items.
        items_max: usize = 2_000_000, in 1..=100_000_000;
        /// Stores and warehouses.
        locations_max: usize = 20_000, in 1..=1_000_000;
        /// Tokens that are not revoked.
        tokens_max: usize = 10_000, in 1..=1_000_000;
    }
}

section! {
    /// Pages of a store: what hangs on its walls and stands at its counter. Who opens one brings a
    /// token of its own; without it a page shows nothing.
    Pages as "pages" {
        /// Serves `/screen/{location}`, the store's products with live stock for a wall. Off unless
        /// wanted: a service that others use needs no pages.
        screens: bool = false;
        /// Serves `/till/{location}`, where a clerk sells, takes returns and hands over orders.
        tills: bool = false;
    }
}
