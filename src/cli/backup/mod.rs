//! `backup`: a copy of everything comes over HTTP, is proven while it is written, and gets its
//! name only when it is whole. It knows the contract and the format of a copy.

mod destination;
mod download;

use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{BinaryBytes, ProgressBar, ProgressStyle};

use super::REDRAW;
use super::client::{HttpServer, ServerArgs, Streamed};
use crate::backup::{CopyError, CopyReader, Header, Trailer};
use destination::{Destination, Unwritable};
use download::Download;

/// Bytes read ahead of the check.
const READ_BYTES: usize = 256 << 10;

/// Arguments of `backup`.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// Where the copy goes; - is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which server, and who asks; the token needs the scope admin.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Replaces FILE if it exists, once the new copy is whole
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(arguments: &BackupArgs) -> ExitCode {
    let (mut out, mut notes) = (io::stdout(), io::stderr());
    let piped = arguments.file == Path::new("-");
    let told = take(arguments).and_then(|told| {
        let written = match piped {
            true => writeln!(notes, "{told}"),
            false => writeln!(out, "{told}"),
        };
        written.map_err(|error| error.to_string())
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            writeln!(notes, "error: {reason}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Takes the backup; what to tell of it.
fn take(arguments: &BackupArgs) -> Result<String, String> {
    let mut destination = Destination::open(&arguments.file, arguments.force)?;
    let Streamed { estimated, body } = HttpServer::new(&arguments.server).stream("/v1/backup")?;
    let bar = bar(estimated);
    let input = BufReader::with_capacity(READ_BYTES, Download::start(body));
    let both = Both {
        input,
        output: &mut destination,
        bar: &bar,
    };
    let (header, trailer, bytes) = read_to_the_end(both).map_err(words)?;
    destination.finish()?;
    let elapsed = bar.elapsed();
    bar.finish_and_clear();
    let seconds = elapsed.as_secs_f64();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let rate = BinaryBytes(bytes.saturating_mul(1_000) / millis.max(1));
    let size = BinaryBytes(bytes);
    let file = arguments.file.display();
    let contents = contents(&header, &trailer);
    Ok(format!(
        "backup        {file}\n\
         {contents}\n\
         size          {bytes} bytes ({size}) in {seconds:.1} s, {rate}/s"
    ))
}

/// What a copy that is whole says of itself, for people.
pub(super) fn contents(header: &Header, trailer: &Trailer) -> String {
    let Trailer {
        records,
        base,
        snapshots,
        digest,
        last,
        ..
    } = trailer;
    let (taken, release, epoch) = (header.taken_at(), &header.release, &header.epoch);
    let from = header.base();
    format!(
        "taken         {taken}, by release {release}\n\
         epoch         {epoch}\n\
         position      {last}\n\
         contents      {base} entries as of position {from}, {records} records since, \
         {snapshots} snapshots\n\
         digest        {digest:032x}"
    )
}

fn read_to_the_end(input: impl Read) -> Result<(Header, Trailer, u64), CopyError> {
    let mut reader = CopyReader::open(input)?;
    while reader.next_part()?.is_some() {}
    let trailer = reader.trailer().expect("it was read to its end");
    Ok((reader.header().clone(), trailer, reader.bytes()))
}

/// Why it failed, and what was kept.
fn words(error: CopyError) -> String {
    match error {
        CopyError::Read(error) if error.get_ref().is_some_and(|it| it.is::<Unwritable>()) => {
            error.to_string()
        }
        CopyError::Read(error) => {
            format!("the backup was broken off: {error}; nothing was kept, take it again")
        }
        error @ (CopyError::NotACopy
        | CopyError::Version { .. }
        | CopyError::Short { .. }
        | CopyError::Damaged { .. }
        | CopyError::Trailing { .. }
        | CopyError::Source(_)
        | CopyError::Store(_)) => format!("{error}; nothing was kept"),
    }
}

/// A bar on a terminal; how long the copy will be is known only roughly.
fn bar(estimated: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = estimated.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match estimated {
        Some(_) => "{wide_bar} {bytes} of about {total_bytes}  {bytes_per_sec}",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(REDRAW);
    bar
}

/// Reads, and writes what was read; shows how far it is.
struct Both<'a, R> {
    input: R,
    output: &'a mut Destination,
    bar: &'a ProgressBar,
}

impl<R: Read> Read for Both<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.output.write(&buffer[..read])?;
        self.bar.inc(read as u64);
        let position = self.bar.position();
        if self.bar.length().is_some_and(|length| length < position) {
            self.bar.set_length(position);
        }
        Ok(read)
    }
}
