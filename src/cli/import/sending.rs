//! Batches on their way: sent, repeated where the contract says that it is safe, taken apart
//! where one line spoils the rest. Batches follow one another, and a line the server wants again
//! is sent again before the next batch, so the order per stock key is that of the file.
//!
//! It must not know what a line holds.

use serde::Deserialize;

use super::super::client::{Answer, BODY_LATE, Method, Problem, Server};
use super::super::client::{patience, persist, persist_divisible};
use super::Stopped;
use super::progress::Report;
use super::sheet::{Endpoint, Entry, Layout, SETTINGS};

/// Lines in a batch: what the contract allows.
const BATCH_LINES_MAX: usize = 1_000;

/// Bytes in a batch: the contract's 1 MiB, less the frame around the list.
const BATCH_BYTES_MAX: usize = 1_048_576 - 64;

/// Rounds in which the server wants every line again and takes none.
const FRUITLESS_MAX: u32 = 10;

/// Lines that will travel together.
#[derive(Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Batch {
    pub(super) fn has_room_for(&self, entry: &Entry) -> bool {
        let bytes = self.bytes + weight(entry);
        self.entries.len() < BATCH_LINES_MAX && bytes <= BATCH_BYTES_MAX
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += weight(&entry);
        self.entries.push(entry);
    }
}

/// The heavier of the two lists it may stand in, with its comma.
fn weight(entry: &Entry) -> usize {
    entry
        .json
        .len()
        .max(entry.settings.as_ref().map_or(0, String::len))
        + 1
}

/// One result of a batch. A status we do not know is taken as done unless there is a problem.
#[derive(Deserialize)]
struct Outcome {
    status: String,
    #[serde(default)]
    problem: Option<Problem>,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<Outcome>,
}

/// What sending needs.
pub(super) struct Sending<'a, S> {
    pub(super) layout: &'a Layout,
    pub(super) server: &'a mut S,
    pub(super) report: &'a mut Report,
}

impl<S: Server> Sending<'_, S> {
    /// Sends a batch to its end: every line of it is done or reported as bad.
    pub(super) fn send(&mut self, batch: Batch) -> Result<(), Stopped> {
        let Some(endpoint) = self.layout.endpoint() else {
            return self.one_by_one(batch.entries);
        };
        let done = self.list(endpoint, batch.entries, "")?;
        let settings = done.into_iter().filter_map(|entry| {
            let json = entry.settings?;
            Some(Entry {
                line: entry.line,
                json,
                path: None,
                settings: None,
            })
        });
        self.list(SETTINGS, settings.collect(), "safety stock ")
            .map(drop)
    }

    fn one_by_one(&mut self, entries: Vec<Entry>) -> Result<(), Stopped> {
        for entry in entries {
            let path = entry
                .path
                .as_deref()
                .expect("an entry that goes alone has a path");
            let answer =
                persist(self.server, Method::Put, path, Some(&entry.json)).map_err(|reason| {
                    Stopped::Server {
                        line: entry.line,
                        reason,
                    }
                })?;
            match answer.status {
                201 => self.report.done("created"),
                200..=299 => self.report.done("updated"),
                400 | 409 | 413 | 422 => self.report.bad(entry.line, &reason(&answer))?,
                _ => return Err(stopped(entry.line, &answer)),
            }
        }
        Ok(())
    }

    /// Sends a list and hands back the entries that were taken. `what` names it in the report.
    fn list(
        &mut self,
        endpoint: Endpoint,
        entries: Vec<Entry>,
        what: &str,
    ) -> Result<Vec<Entry>, Stopped> {
        let mut taken = Vec::new();
        let mut fruitless = 0;
        // What is still to be sent, the next piece last.
        let mut pieces = vec![entries];
        while let Some(piece) = pieces.pop() {
            let Some(first) = piece.first().map(|entry| entry.line) else {
                continue;
            };
            let body = body(endpoint, &piece);
            let persist = match piece.len() {
                1 => persist,
                _ => persist_divisible,
            };
            let answer = persist(self.server, Method::Post, endpoint.path, Some(&body)).map_err(
                |reason| Stopped::Server {
                    line: first,
                    reason,
                },
            )?;
            match answer.status {
                200..=299 => {
                    let sent = piece.len();
                    let again = self.sort(&answer, piece, &mut taken, what)?;
                    if again.is_empty() {
                        continue;
                    }
                    fruitless = if again.len() == sent {
                        fruitless + 1
                    } else {
                        0
                    };
                    if fruitless == FRUITLESS_MAX {
                        let reason = "the server wants this line again and again".to_owned();
                        return Err(Stopped::Server {
                            line: first,
                            reason,
                        });
                    }
                    self.server
                        .wait(patience(fruitless + 1, answer.retry_after));
                    pieces.push(again);
                }
                BODY_LATE | 400 | 409 | 413 | 422 => {
                    let smaller = self.take_apart(&answer, piece, what)?;
                    pieces.extend(smaller.into_iter().rev());
                }
                _ => return Err(stopped(first, &answer)),
            }
        }
        Ok(taken)
    }

    /// Goes through the results: bad ones are reported, and the entries to repeat come back.
    fn sort(
        &mut self,
        answer: &Answer,
        piece: Vec<Entry>,
        taken: &mut Vec<Entry>,
        what: &str,
    ) -> Result<Vec<Entry>, Stopped> {
        let first = piece.first().map_or(0, |entry| entry.line);
        let strange = |reason: String| Stopped::Server {
            line: first,
            reason,
        };
        let results: Results = serde_json::from_slice(&answer.body).map_err(|error| {
            strange(format!("the answer is not what the contract says: {error}"))
        })?;
        if results.results.len() != piece.len() {
            let (got, sent) = (results.results.len(), piece.len());
            return Err(strange(format!("{got} results for {sent} lines")));
        }
        let mut again = Vec::new();
        for (entry, outcome) in piece.into_iter().zip(results.results) {
            match (outcome.status.as_str(), outcome.problem) {
                ("retry", _) => again.push(entry),
                ("refused", problem) => {
                    bad(
                        self.report,
                        entry.line,
                        what,
                        &problem.unwrap_or_default().words_of_entry(),
                    )?;
                }
                (_, Some(problem)) => {
                    bad(self.report, entry.line, what, &problem.words_of_entry())?
                }
                (status, None) => {
                    self.report.done(&format!("{what}{status}"));
                    taken.push(entry);
                }
            }
        }
        Ok(again)
    }

    /// The server refuses the whole list. Lines it points at are bad and the rest goes again; if
    /// it points at none, halves find the culprit.
    fn take_apart(
        &mut self,
        answer: &Answer,
        piece: Vec<Entry>,
        what: &str,
    ) -> Result<Vec<Vec<Entry>>, Stopped> {
        if let [only] = piece.as_slice() {
            bad(self.report, only.line, what, &reason(answer))?;
            return Ok(Vec::new());
        }
        let problem = answer.problem();
        let fault_of = |index: usize| {
            let mut faults = problem.errors.iter();
            faults.find(|fault| fault.entry() == Some(index))
        };
        let (mut good, mut faults) = (Vec::new(), 0);
        for (index, entry) in piece.iter().enumerate() {
            match fault_of(index) {
                Some(fault) => {
                    faults += 1;
                    bad(self.report, entry.line, what, &fault.words())?;
                }
                None => good.push(entry.clone()),
            }
        }
        if faults > 0 {
            return Ok(vec![good]);
        }
        let (front, back) = piece.split_at(piece.len() / 2);
        Ok(vec![front.to_vec(), back.to_vec()])
    }
}

/// Reports a bad line; `what` says which part of it.
fn bad(report: &mut Report, line: u64, what: &str, reason: &str) -> Result<(), Stopped> {
    Ok(report.bad(line, &format!("{what}{reason}"))?)
}

fn body(endpoint: Endpoint, entries: &[Entry]) -> String {
    let list: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
    format!("{{\"{}\":[{}]}}", endpoint.list, list.join(","))
}

/// Why a line that went alone was refused: its fault if one is named, else the problem itself.
fn reason(answer: &Answer) -> String {
    let problem = answer.problem();
    match problem.errors.is_empty() {
        true => answer.words(),
        false => problem.words_of_entry(),
    }
}

fn stopped(line: u64, answer: &Answer) -> Stopped {
    Stopped::Server {
        line,
        reason: answer.words(),
    }
}
