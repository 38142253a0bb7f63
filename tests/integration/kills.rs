//! The real binary killed with -9 under load, again and again on one data directory.

use crate::book::Book;
use crate::dice::{Dice, seed};
use crate::server::{DataDir, Server, Start, verify};

const KILLS: usize = 24;

#[test]
fn nothing_acknowledged_is_lost_when_killed_again_and_again() {
    let seed = seed();
    let mut dice = Dice::new(seed);
    let data = DataDir::new();
    let start = || {
        // Short, so that kills hit snapshot rounds, and raises that were cut off, too.
        Start::on(&data.path)
            .with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1")
            .with("ONHAND_ACTORS_PREPARE_TIMEOUT_MS", "1000")
            .run()
    };
    let mut server = start();
    let mut book = Book::open(&server, seed);
    for kill in 1..=KILLS {
        let until = usize::try_from(20 + dice.below(400)).unwrap();
        book.work(&mut server, usize::MAX, until, Server::kill9);
        server = start();
        book.check(&server.client());
        eprintln!("kill {kill}: all is there");
    }
    book.check_events(&server.client());
    book.check_within_reach(&server.client());
    server.stop();
    verify(&data.path);
}
