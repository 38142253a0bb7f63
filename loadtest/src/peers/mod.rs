//! What else retailers keep their stock in, asked for the same reservations: PostgreSQL and Redis,
//! as they come in packages, each set up as well as we know how. README.md says with what rules.
//! It must not know Onhand, nor how load is driven.
//!
//! A peer answers in words of its own, which its `Protocol` reads: the answer begins with a
//! status that means what it means in HTTP (201 placed, 200 placed before under the same key, 409
//! not enough stock, 207 some of many), and what else it says follows a blank.

pub mod postgres;
mod process;
pub mod redis;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use crate::books::Found;
use crate::connection::{Connection, Protocol};
use crate::request::Template;
use process::Process;

/// A peer that runs, with its data on the disk of the run. It ends when it is dropped.
pub struct Peer {
    /// What it is called.
    pub name: &'static str,
    /// Its version, as it says.
    pub version: String,
    /// How it is set up.
    pub settings: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The forms that it can be asked in, each with ways to try.
    pub forms: Vec<Form>,
    protocol: Protocol,
    /// Asks for its books.
    books: Vec<u8>,
    process: Process,
}

/// A form of asking, and ways to try; the best of them counts.
pub struct Form {
    /// What it is called.
    pub name: &'static str,
    /// The ways.
    pub ways: Vec<Way>,
}

/// A way to ask.
#[derive(Clone)]
pub struct Way {
    /// Connections.
    pub connections: usize,
    /// Reservations in a request.
    pub many: usize,
    /// What is set for this way only, in words.
    pub with: &'static str,
    /// What the server speaks, settings of the connection included.
    pub protocol: Protocol,
    /// The request, with the slots that `workload::Reserve` fills.
    pub request: Template,
}

impl Way {
    /// It, in words.
    pub fn words(&self) -> String {
        let connections = match self.connections {
            1 => "1 connection".into(),
            some => format!("{some} connections"),
        };
        match self.many {
            1 => format!("{connections}{}", self.with),
            many => format!("{connections}, {many} in a request{}", self.with),
        }
    }
}

impl Peer {
    /// Its process; its connections may have processes that this one started.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Reads its books, and how much its holds add up to.
    ///
    /// # Errors
    /// It does not answer with numbers.
    pub async fn read_books(&self) -> Result<(Found, i64)> {
        let mut connection = self.connection();
        let said = ask(&mut connection, &self.books).await?;
        let numbers: Vec<i64> = said
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| said.clone())?;
        let [keys, on_hand, held, oversold, holds] = numbers[..] else {
            anyhow::bail!(
                "{}'s books have {} numbers: {said}",
                self.name,
                numbers.len()
            );
        };
        let found = Found {
            keys: keys.unsigned_abs(),
            on_hand,
            held,
            committed: 0,
            oversold_keys: oversold.unsigned_abs(),
        };
        Ok((found, holds))
    }

    fn connection(&self) -> Connection {
        Connection::speaking(self.address, self.protocol.clone())
    }
}

/// Asks for something that succeeds; gives what was said behind the status.
async fn ask(connection: &mut Connection, request: &[u8]) -> Result<String> {
    let answer = connection.exchange(request).await?;
    let said = String::from_utf8_lossy(answer.body).into_owned();
    ensure!(
        answer.status < 400,
        "a peer answered {}: {said}",
        answer.status
    );
    Ok(said)
}

/// The status that text begins with, and where what follows it begins; 200 if it begins with none.
fn status(text: &[u8]) -> (u16, usize) {
    let end = text.iter().position(|byte| *byte == b' ');
    let digits = &text[..end.unwrap_or(text.len())];
    let status = std::str::from_utf8(digits).ok();
    let status = status.filter(|digits| digits.len() == 3);
    match status.and_then(|digits| digits.parse().ok()) {
        Some(status) => (status, end.map_or(text.len(), |end| end + 1)),
        None => (200, 0),
    }
}
