//! Logs go to standard error: words for a person at a terminal, one JSON object a line for a
//! machine. It must not know who logs; a line reads alone, so callers give fields.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// Words, in colours if standard error is a terminal.
    #[default]
    Human,
    /// One JSON object a line, the fields at its top level.
    Json,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not of the form `level` or `target=level,…`.
    #[error("the log filter `{filter}` cannot be used: {reason}")]
    Filter {
        /// The filter as given.
        filter: String,
        /// Why not.
        reason: String,
    },
    /// Something in this process logs already.
    #[error("logging was already set up")]
    AlreadySet,
}

/// Begins to log for the whole process. `filter` is `info`, or by target as in
/// `info,onhand::journal=debug`.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn start(filter: &str, format: LogFormat) -> Result<(), LoggingError> {
    let colours = io::stderr().is_terminal();
    let subscriber = subscriber(filter, format, colours, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LoggingError::AlreadySet)
}

fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    colours: bool,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let refused = |reason: String| LoggingError::Filter {
        filter: filter.to_owned(),
        reason,
    };
    // The filter would take a level that is none for a target, and say nothing for ever.
    for word in filter.split(',').map(str::trim) {
        let is_level = word.parse::<LevelFilter>().is_ok();
        if !is_level && !word.contains(['=', '[', ':']) {
            return Err(refused(format!(
                "`{word}` is no level: those are off, error, warn, info, debug and trace"
            )));
        }
    }
    let parsed = EnvFilter::try_new(filter).map_err(|error| refused(error.to_string()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        // Spans are looked at only where the filter asks for them; each is told when it ends.
        .with_span_events(FmtSpan::CLOSE)
        // It would be told on standard error, which is just what nobody takes, and by a macro that
        // panics then: a log collector that dies must not end the service.
        .log_internal_errors(false)
        .with_writer(writer);
    Ok(match format {
        LogFormat::Human => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(filter, format, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(request_id = "r-1", "answered");
            tracing::debug!("a detail");
        });
        String::from_utf8(lines.0.lock().clone()).unwrap()
    }

    #[test]
    fn a_machine_gets_one_object_a_line_with_its_fields_on_top() {
        let text = logged("info", LogFormat::Json);
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["request_id"], "r-1");
        assert_eq!(line["message"], "answered");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn the_filter_decides_how_much_is_told() {
        assert_eq!(logged("info", LogFormat::Human).lines().count(), 1);
        assert_eq!(logged("debug", LogFormat::Human).lines().count(), 2);
        assert_eq!(logged("error", LogFormat::Human), "");
    }

    #[test]
    fn without_a_terminal_there_are_no_colours() {
        let text = logged("info", LogFormat::Human);
        assert!(
            text.contains("answered request_id=\"r-1\"") && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_named() {
        let refused = start("onhand=loud", LogFormat::Human)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("`onhand=loud`"), "{refused}");
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        for (filter, word) in [("inf", "inf"), ("info,debg", "debg")] {
            let refused = start(filter, LogFormat::Human).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("`{word}` is no level")),
                "{refused}"
            );
        }
    }
}
