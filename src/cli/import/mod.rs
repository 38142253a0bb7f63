//! `import`: a CSV file goes over HTTP in batches, one at a time and in the order of the file, so
//! that the order per stock key is kept. A bad line is reported by its number and skipped;
//! repeating a file is safe as far as the contract says so.
//!
//! It must not know the server but by the contract.

mod header;
mod lines;
mod progress;
mod reading;
mod row;
mod sending;
mod sheet;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::client::{HttpServer, Method, Server, ServerArgs};
use progress::Report;
use reading::{Piece, read_ahead};
use sending::Sending;

pub(crate) use sheet::Layout;

/// Arguments of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What the file holds.
    #[command(subcommand)]
    pub sheet: Sheet,
}

/// The kinds of file.
#[derive(Debug, Clone, Subcommand)]
pub enum Sheet {
    /// Items: sku, name, unit, decimals, price, currency, offer_price?, offer_from?, offer_until?,
    /// product?, barcode?; every other column is an attribute
    Items(FileArgs),
    /// Locations: location, name, kind, latitude?, longitude?, region?
    Locations(FileArgs),
    /// Stock on hand: sku, location, on_hand, safety_stock?; sent as counts under fresh ids
    Stock {
        /// The file and the server.
        #[command(flatten)]
        file: FileArgs,
        /// When the stock was counted (RFC 3339), if not now: later movements are added to it
        #[arg(long, value_name = "TIME", value_parser = row::time)]
        as_of: Option<String>,
    },
    /// Movements: id, type, sku, location, quantity, to?, reservation?, condition?, reason?,
    /// occurred_at?, counted_at?, channel?, reference?
    Movements(FileArgs),
}

/// The file and the server it goes to.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// The CSV file, its first line naming the columns; - is standard input
    #[arg(value_name = "FILE.csv")]
    pub path: PathBuf,
    /// Which server, and who asks.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Why an import stopped before the end of its file.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The file cannot be read, or is not of this kind.
    #[error("{0}")]
    File(String),
    /// The server does not let us go on.
    #[error("stopped at line {line}: {reason}; the lines before it are done")]
    Server { line: u64, reason: String },
    /// Nothing was begun.
    #[error("nothing was sent: {0}")]
    NotBegun(String),
    /// The report cannot be written.
    #[error("cannot report: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(arguments: &ImportArgs) -> ExitCode {
    let (file, layout) = match &arguments.sheet {
        Sheet::Items(file) => (file, Layout::Items),
        Sheet::Locations(file) => (file, Layout::Locations),
        Sheet::Stock { file, as_of } => (
            file,
            Layout::Stock {
                as_of: as_of.clone(),
            },
        ),
        Sheet::Movements(file) => (file, Layout::Movements),
    };
    let mut report = Report::to_terminal(io::stderr(), io::stdout());
    let mut server = HttpServer::new(&file.server);
    let done = open(&file.path, &mut report).and_then(|input| {
        begin(&mut server)?;
        import(input, &layout, &mut server, &mut report)
    });
    let ended = report.finish(&file.path.display().to_string(), done.err().as_ref());
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Sends a sheet that comes with the program, all of which must be taken.
///
/// # Errors
/// What was not taken.
pub(crate) fn send_all(
    layout: &Layout,
    text: &'static str,
    server: &mut impl Server,
) -> Result<(), String> {
    let mut report = Report::to_terminal(io::stderr(), io::sink());
    let done = import(text.as_bytes(), layout, server, &mut report);
    match (done, report.has_bad_lines()) {
        (Ok(()), false) => Ok(()),
        (Ok(()), true) => Err("some lines were not taken".to_owned()),
        (Err(stopped), _) => Err(stopped.to_string()),
    }
}

fn open(path: &Path, report: &mut Report) -> Result<Box<dyn Read + Send>, Stopped> {
    if path == Path::new("-") {
        return Ok(Box::new(report.follow(io::stdin(), None)));
    }
    let unreadable = |error: io::Error| Stopped::File(format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    Ok(Box::new(report.follow(file, Some(bytes))))
}

/// A wrong address or token should be told at once, not after the patience that a server in
/// trouble deserves.
fn begin(server: &mut impl Server) -> Result<(), Stopped> {
    let greeted = server.call(Method::Get, "/v1/locations?limit=1", None);
    let answer = greeted.map_err(Stopped::NotBegun)?;
    match answer.status {
        401 | 403 | 404 => Err(Stopped::NotBegun(answer.words())),
        _ => Ok(()),
    }
}

/// Sends the whole file.
fn import(
    input: impl Read + Send + 'static,
    layout: &Layout,
    server: &mut impl Server,
    report: &mut Report,
) -> Result<(), Stopped> {
    let mut sending = Sending {
        layout,
        server,
        report,
    };
    for piece in read_ahead(input, layout.clone()) {
        match piece? {
            Piece::Batch(batch) => sending.send(batch)?,
            Piece::Bad { line, reason } => sending.report.bad(line, &reason)?,
        }
    }
    Ok(())
}
