//! What the person at the terminal sees: a bar with a rate while it runs, every bad line by its
//! number, a summary at the end. It must not know where lines come from or go to.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};

use indicatif::{HumanCount, ProgressBar, ProgressBarIter, ProgressStyle};

use super::super::REDRAW;
use super::Stopped;

/// Counts what happened and tells it.
pub(super) struct Report {
    bar: ProgressBar,
    /// Bad lines and errors.
    notes: Box<dyn Write>,
    /// The summary.
    out: Box<dyn Write>,
    /// How many lines ended how.
    outcomes: BTreeMap<String, u64>,
    bad: u64,
    terminal: bool,
}

impl Report {
    /// A report for a person; the bar is drawn only if standard error is a terminal.
    pub(super) fn to_terminal(notes: impl Write + 'static, out: impl Write + 'static) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            bar: ProgressBar::hidden(),
            notes: Box::new(notes),
            out: Box::new(out),
            outcomes: BTreeMap::new(),
            bad: 0,
            terminal,
        }
    }

    /// Lets the bar follow how much of the input was read; its size is known but for a pipe.
    pub(super) fn follow<R: Read>(&mut self, input: R, bytes: Option<u64>) -> ProgressBarIter<R> {
        if self.terminal {
            self.bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = match bytes {
                Some(_) => "{wide_bar} {percent}%  {msg}  {eta} left",
                None => "{spinner} {bytes}  {msg}",
            };
            let style = ProgressStyle::with_template(template);
            self.bar
                .set_style(style.expect("the template is well formed"));
            self.bar.enable_steady_tick(REDRAW);
        }
        self.bar.wrap_read(input)
    }

    /// One line ended well.
    pub(super) fn done(&mut self, outcome: &str) {
        match self.outcomes.get_mut(outcome) {
            Some(count) => *count += 1,
            None => drop(self.outcomes.insert(outcome.to_owned(), 1)),
        }
        let done: u64 = self.outcomes.values().sum();
        if done.is_multiple_of(100) {
            let rate = HumanCount(self.rate(done));
            self.bar.set_message(format!(
                "{} done, {rate}/s, {} bad",
                HumanCount(done),
                self.bad
            ));
        }
    }

    /// One line ended badly.
    pub(super) fn bad(&mut self, line: u64, reason: &str) -> io::Result<()> {
        self.bad += 1;
        let notes = &mut self.notes;
        self.bar
            .suspend(|| writeln!(notes, "line {line}: {reason}"))
    }

    /// Whether any line ended badly.
    pub(super) fn has_bad_lines(&self) -> bool {
        self.bad > 0
    }

    /// The summary; true if all of the file was done and no line was bad.
    pub(super) fn finish(mut self, file: &str, stopped: Option<&Stopped>) -> io::Result<bool> {
        self.bar.finish_and_clear();
        let nothing = self.bad == 0 && self.outcomes.is_empty();
        if !(stopped.is_some() && nothing) {
            self.summarise(file)?;
        }
        match stopped {
            Some(Stopped::File(reason)) => writeln!(self.notes, "error: {file}: {reason}")?,
            Some(stopped) => writeln!(self.notes, "error: {stopped}")?,
            None => {}
        }
        Ok(stopped.is_none() && self.bad == 0)
    }

    fn summarise(&mut self, file: &str) -> io::Result<()> {
        let seconds = self.bar.elapsed().as_secs_f64();
        let done: u64 = self.outcomes.values().sum();
        let told: Vec<String> = self
            .outcomes
            .iter()
            .map(|(outcome, count)| format!("{} {outcome}", HumanCount(*count)))
            .chain([format!("{} bad", HumanCount(self.bad))])
            .collect();
        let rate = HumanCount(self.rate(done));
        writeln!(
            self.out,
            "{file}: {} in {seconds:.1} s ({rate}/s)",
            told.join(", ")
        )
    }

    #[expect(clippy::cast_possible_truncation, reason = "a rate for the eye")]
    fn rate(&self, done: u64) -> u64 {
        let milliseconds = self.bar.elapsed().as_millis().max(1) as u64;
        done.saturating_mul(1_000) / milliseconds
    }
}
