//! W3C Trace Context: which trace a request is part of, and how it is told on. It must not know
//! what a request asks.
//!
//! `traceparent: 00-<trace, 32 hexadecimal digits>-<parent, 16>-<flags, 2>`, lower case, neither
//! trace nor parent zero. A later version may add members behind a dash; what is known of it is
//! read as of version 00. Anything else begins no trace.

use std::fmt;

/// The trace a request is part of, and our own place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    /// Who asked.
    parent: u64,
    /// Ours: the parent of all that is asked for on behalf of the request.
    span: u64,
    flags: u8,
}

impl Trace {
    /// The trace that the header of a request names, with a new span of ours.
    pub fn continued(traceparent: &str) -> Option<Trace> {
        let mut members = traceparent.splitn(5, '-');
        let mut member = |digits: usize| {
            let text = members.next()?;
            let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
            (text.len() == digits && text.bytes().all(is_hex)).then_some(text)
        };
        let (version, trace, parent, flags) = (member(2)?, member(32)?, member(16)?, member(2)?);
        let more = members.next();
        let id = u128::from_str_radix(trace, 16).ok()?;
        let parent = u64::from_str_radix(parent, 16).ok()?;
        if version == "ff" || (version == "00" && more.is_some()) || id == 0 || parent == 0 {
            return None;
        }
        Some(Trace {
            id,
            parent,
            span: rand::random_range(1..=u64::MAX),
            // Of the flags only `sampled` is known in version 00.
            flags: u8::from_str_radix(flags, 16).ok()? & 1,
        })
    }

    /// The id of our own span, as logs and tracing systems write it.
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// The id of the span that asked, under which a tracing system hangs ours.
    pub fn parent_id(&self) -> String {
        format!("{:016x}", self.parent)
    }

    /// The trace's id, as logs and tracing systems write it.
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.id(), self.span_id(), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let trace = Trace::continued(GIVEN).unwrap();
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let told = trace.to_string();
        assert!(told.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && told.ends_with("-01"));
        assert_ne!(told, GIVEN);
        assert!(Trace::continued(&told).is_some());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = GIVEN.replacen("00", "01", 1) + "-more-of-it";
        let told = Trace::continued(&later).unwrap().to_string();
        assert!(told.starts_with("00-4bf92f"), "{told}");
    }

    #[test]
    fn what_is_no_trace_begins_none() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::continued(bad), None, "{bad}");
        }
    }
}
