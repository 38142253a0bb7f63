//! What is told while load runs: lines on standard error, so that results can be piped. It must
//! not know what the figures mean.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use crate::load::Progress;

/// Something begins or ended.
pub fn say(words: impl Display) {
    // Nobody may be listening; the load goes on.
    writeln!(std::io::stderr(), "{words}").ok();
}

/// How a load is going.
pub fn load(name: &str, ahead: Option<Duration>, progress: &Progress) {
    let Progress {
        answers,
        p99_ms,
        troubles,
    } = progress;
    let ahead = ahead.map_or(String::new(), |ahead| {
        format!(", {:.0} s left", ahead.as_secs_f64())
    });
    let troubles = match troubles {
        0 => String::new(),
        some => format!(", {some} TROUBLES"),
    };
    say(format_args!(
        "    {name}: {answers}/s, p99 {p99_ms:.2} ms{troubles}{ahead}"
    ));
}
