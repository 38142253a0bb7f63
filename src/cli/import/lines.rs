//! Records of a CSV file by RFC 4180, each with the number of its first line.
//!
//! A quote that is never closed would swallow the rest of a file, and one in the wrong place
//! several lines. So lines are joined to a record only until its quotes are even, and what was
//! joined must be one record; otherwise its first line alone is bad and reading goes on after it.
//! It must not know what columns mean.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

/// The largest record; quoted line breaks are counted in. Real ones are a hundredth of it.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A record.
    Cells { line: u64, cells: Vec<String> },
    /// A line that is none, and why.
    Bad { line: u64, reason: String },
}

/// Reads records.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    /// Lines that were read ahead in vain, to be read again.
    ahead: VecDeque<Line>,
    /// The number of the line read last.
    number: u64,
}

struct Line {
    bytes: Vec<u8>,
    /// It was longer than a record may be; the rest was skipped.
    cut: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::new(input),
            ahead: VecDeque::new(),
            number: 0,
        }
    }

    /// The next record; `None` at the end of the file. Blank lines are passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let first = loop {
            let Some(line) = self.line()? else {
                return Ok(None);
            };
            if !line.bytes.trim_ascii().is_empty() {
                break line;
            }
        };
        let line = self.number;
        let bad = |reason: String| Ok(Some(Record::Bad { line, reason }));
        if first.cut {
            return bad(format!("longer than {RECORD_BYTES_MAX} bytes"));
        }
        let joined = self.join(first)?;
        let whole: Vec<u8> = joined
            .iter()
            .flat_map(|line| line.bytes.iter().copied())
            .collect();
        let reason = if quotes(&whole) % 2 == 1 {
            "a quoted cell is never closed"
        } else {
            match one_record(&whole) {
                Some(Ok(cells)) => return Ok(Some(Record::Cells { line, cells })),
                Some(Err(reason)) => return bad(reason),
                None => "a quote in the middle of a cell",
            }
        };
        self.number = line;
        joined
            .into_iter()
            .skip(1)
            .rev()
            .for_each(|line| self.ahead.push_front(line));
        bad(reason.to_owned())
    }

    /// Lines from the first on, until the quotes are even, the file ends or it is too much.
    fn join(&mut self, first: Line) -> io::Result<Vec<Line>> {
        let mut open = quotes(&first.bytes) % 2 == 1;
        let mut bytes = first.bytes.len();
        let mut joined = vec![first];
        while open && bytes <= RECORD_BYTES_MAX {
            let Some(line) = self.line()? else { break };
            open ^= quotes(&line.bytes) % 2 == 1;
            bytes += line.bytes.len();
            joined.push(line);
        }
        Ok(joined)
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let line = match self.ahead.pop_front() {
            Some(line) => Some(line),
            None => self.fresh_line()?,
        };
        self.number += u64::from(line.is_some());
        Ok(line)
    }

    fn fresh_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let limit = RECORD_BYTES_MAX as u64 + 1;
        self.input
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut bytes)?;
        let cut = bytes.len() > RECORD_BYTES_MAX && bytes.last() != Some(&b'\n');
        if cut {
            self.input.skip_until(b'\n')?;
        }
        if self.number == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok((!bytes.is_empty()).then_some(Line { bytes, cut }))
    }
}

fn quotes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'"').count()
}

/// The cells, if these bytes are one record; `None` if they are more.
fn one_record(bytes: &[u8]) -> Option<Result<Vec<String>, String>> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Setting a parser up costs more than most lines; one without quotes needs none.
    if !line.iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n')) {
        return Some(texts(line.split(|byte| *byte == b',')));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(bytes.len().max(1))
        .from_reader(bytes);
    let mut records = reader.byte_records();
    let record = match records.next()? {
        Ok(record) => record,
        Err(error) => return Some(Err(error.to_string())),
    };
    if records.next().is_some() {
        return None;
    }
    Some(texts(record.iter()))
}

fn texts<'a>(cells: impl Iterator<Item = &'a [u8]>) -> Result<Vec<String>, String> {
    let text = |(column, cell)| {
        let text = std::str::from_utf8(cell).map(str::to_owned);
        text.map_err(|_| format!("column {} is not UTF-8", column + 1))
    };
    cells.enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(bytes: &[u8]) -> Vec<Record> {
        let mut lines = Lines::new(bytes);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    fn cells(line: u64, cells: &[&str]) -> Record {
        Record::Cells {
            line,
            cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
        }
    }

    fn bad(line: u64, reason: &str) -> Record {
        Record::Bad {
            line,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn cells_may_be_quoted_and_lines_may_end_either_way() {
        assert_eq!(
            records(b"a,b\r\n\"x, \"\"y\"\"\",\n\"two\nlines\",z"),
            [
                cells(1, &["a", "b"]),
                cells(2, &["x, \"y\"", ""]),
                cells(3, &["two\nlines", "z"])
            ]
        );
    }

    #[test]
    fn the_number_is_that_of_the_line_in_the_file() {
        assert_eq!(
            records(b"a\n\n\"1\n2\n3\"\n \nb\n"),
            [cells(1, &["a"]), cells(3, &["1\n2\n3"]), cells(7, &["b"])]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(records(b"\xef\xbb\xbfsku\n"), [cells(1, &["sku"])]);
    }

    #[test]
    fn broken_utf8_is_bad_by_its_number_and_the_next_line_is_not() {
        assert_eq!(
            records(b"a,b\nx,\xff\ny,z\n"),
            [
                cells(1, &["a", "b"]),
                bad(2, "column 2 is not UTF-8"),
                cells(3, &["y", "z"])
            ]
        );
    }

    #[test]
    fn a_quote_never_closed_costs_one_line() {
        assert_eq!(
            records(b"a,\"b\nc,d\ne,f"),
            [
                bad(1, "a quoted cell is never closed"),
                cells(2, &["c", "d"]),
                cells(3, &["e", "f"])
            ]
        );
    }

    #[test]
    fn two_stray_quotes_cost_their_own_lines_only() {
        assert_eq!(
            records(b"pipe 12\",x\nc,d\npipe 14\",y\ne,f\n"),
            [
                bad(1, "a quote in the middle of a cell"),
                cells(2, &["c", "d"]),
                bad(3, "a quoted cell is never closed"),
                cells(4, &["e", "f"]),
            ]
        );
    }

    #[test]
    fn an_endless_line_is_bad_and_memory_stays_bounded() {
        let mut file = vec![b'x'; RECORD_BYTES_MAX * 3];
        file.extend_from_slice(b"\nnext\n");
        assert_eq!(
            records(&file),
            [bad(1, "longer than 65536 bytes"), cells(2, &["next"])]
        );
    }

    #[test]
    fn a_quote_open_for_a_whole_file_is_read_again_line_by_line() {
        let file = format!("\"open\n{}", "a,b\n".repeat(50_000));
        let read = records(file.as_bytes());
        assert_eq!(read.len(), 50_001);
        assert_eq!(read[50_000], cells(50_001, &["a", "b"]));
    }

    #[test]
    fn nothing_at_all_is_no_record() {
        assert_eq!(records(b""), []);
        assert_eq!(records(b"\n\r\n  \n"), []);
    }
}
