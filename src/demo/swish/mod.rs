//! A pretend Swish: a process of its own that asks for money, shows the page where it is paid, and
//! tells the shop, as real ones do: late, twice, or something else than was agreed, as the person
//! who pays chooses. Here is the shop's end of it. It must not know what is paid for.
//!
//! The process is this program under a hidden command. It reads whom to tell, and a secret they
//! share, from its input's first line, says where it listens in its output's first, and ends with
//! its input: so it never outlives the demo, however that ends.

mod page;
mod process;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use parking_lot::Mutex;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::cli::ServerArgs;
use crate::cli::client::{HttpServer, Method};

pub use process::run;

/// The shop's end.
pub(super) struct Swish {
    child: Mutex<Child>,
    url: String,
    secret: String,
}

/// Whom the process tells, and how it proves who it is.
#[derive(Serialize, Deserialize)]
struct Introduction {
    callback: String,
    secret: String,
}

/// What the shop asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    id: String,
    /// In kronor, as money is written.
    amount: String,
    message: String,
    back: String,
}

/// What the process says of a payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Callback {
    /// The shop's name for the payment.
    pub(super) id: String,
    /// Whether it was paid, or declined.
    pub(super) is_paid: bool,
    /// How much was paid, in kronor, as money is written.
    pub(super) amount: String,
}

impl Swish {
    /// Starts the process; it tells `callback` what became of payments.
    ///
    /// # Errors
    /// Why it did not start.
    pub(super) fn start(callback: &str) -> Result<Swish, String> {
        let failed = |error: std::io::Error| format!("the pretend Swish cannot start: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .arg("swish")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let introduction = Introduction {
            callback: callback.to_owned(),
            secret: format!("{:032x}", rand::random::<u128>()),
        };
        let line = serde_json::to_string(&introduction).expect("two texts") + "\n";
        // Left open: its end is the process's.
        let input = child.stdin.as_mut().expect("it is piped");
        input.write_all(line.as_bytes()).map_err(failed)?;
        let mut url = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut url).map_err(failed)?;
        let swish = Swish {
            child: child.into(),
            url: url.trim().to_owned(),
            secret: introduction.secret,
        };
        match swish.url.is_empty() {
            true => Err("the pretend Swish ended at once".to_owned()),
            false => Ok(swish),
        }
    }

    /// Where its pages are.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What it proves with who it is.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Has it ask for money; the page where it is paid.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn ask(
        &self,
        id: &str,
        amount: Decimal,
        message: &str,
        back: &str,
    ) -> Result<String, String> {
        let (id, back) = (id.to_owned(), back.to_owned());
        let (message, amount) = (message.to_owned(), format!("{amount:.2}"));
        let asked = Asked {
            id,
            amount,
            message,
            back,
        };
        let body = serde_json::to_string(&asked).expect("texts and a number");
        let mut server = HttpServer::new(&ServerArgs {
            url: self.url.clone(),
            token: self.secret.clone(),
            ca: None,
        });
        let answer = server.send(Method::Post, "/payments", Some(&body), None)?;
        match answer.is_success() {
            true => Ok(format!("{}/pay/{}", self.url, asked.id)),
            false => Err(format!("it answered {}", answer.status)),
        }
    }
}

impl Drop for Swish {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        drop(child.stdin.take());
        if let Err(error) = child.wait() {
            tracing::warn!(%error, "the pretend Swish did not end");
        }
    }
}
