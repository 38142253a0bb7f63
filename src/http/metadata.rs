//! The shop's own JSON object on a reservation: checked to the bottom, bounded, and brought to
//! one form, so that equal objects are equal texts. What it means is nobody's business here.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::body::{Bound, elements, members};
use super::fault::{At, Faults, Wrong};
use super::read;

/// The longest metadata, in its one form.
pub const METADATA_BYTES_MAX: usize = 4096;

/// How deep objects and arrays may be nested in it.
const DEPTH_MAX: usize = 8;

/// Reads metadata; members are sorted by name, numbers stay as they are written.
pub fn metadata(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Arc<str>> {
    if !raw.get().starts_with('{') {
        faults.note(at, Wrong::invalid("must be an object"));
        return None;
    }
    // Escapes never grow a text beyond six times; far longer ones need not be looked at.
    if raw.get().len() > METADATA_BYTES_MAX * 6 {
        faults.note(at, too_long());
        return None;
    }
    let mut text = String::with_capacity(raw.get().len());
    write(raw, at, 0, faults, &mut text)?;
    if text.len() > METADATA_BYTES_MAX {
        faults.note(at, too_long());
        return None;
    }
    Some(text.into())
}

fn too_long() -> Wrong {
    Wrong::invalid(format!("may have at most {METADATA_BYTES_MAX} bytes"))
}

fn write(
    raw: &RawValue,
    at: At<'_>,
    depth: usize,
    faults: &mut Faults,
    text: &mut String,
) -> Option<()> {
    if depth > DEPTH_MAX {
        let detail = format!("may be nested at most {DEPTH_MAX} deep");
        faults.note(at, Wrong::invalid(detail));
        return None;
    }
    match raw.get().as_bytes().first() {
        Some(b'{') => write_object(raw, at, depth, faults, text),
        Some(b'[') => write_array(raw, at, depth, faults, text),
        Some(b'"') => {
            let value = faults.unless(at, read::string(raw))?;
            push_string(&value, text);
            Some(())
        }
        _ => {
            text.push_str(raw.get());
            Some(())
        }
    }
}

fn write_object(
    raw: &RawValue,
    at: At<'_>,
    depth: usize,
    faults: &mut Faults,
    text: &mut String,
) -> Option<()> {
    let mut members = members(raw, at, METADATA_BYTES_MAX, faults)?;
    members.sort_by(|a, b| a.0.cmp(&b.0));
    text.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_string(name, text);
        text.push(':');
        let value = value.expect("nobody has taken it");
        write(value, At::Member(&at, name), depth + 1, faults, text)?;
    }
    text.push('}');
    Some(())
}

fn write_array(
    raw: &RawValue,
    at: At<'_>,
    depth: usize,
    faults: &mut Faults,
    text: &mut String,
) -> Option<()> {
    text.push('[');
    let bound = Bound::new(0, METADATA_BYTES_MAX);
    let mut is_first = true;
    let written = elements(raw, at, bound, faults, |raw, at, faults| {
        if !std::mem::take(&mut is_first) {
            text.push(',');
        }
        write(raw, at, depth + 1, faults, text)
    });
    text.push(']');
    written.map(|_| ())
}

fn push_string(value: &str, text: &mut String) {
    let quoted = serde_json::to_string(value).expect("a text can be quoted");
    text.push_str(&quoted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<String, String> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let mut faults = Faults::default();
        let read = metadata(&raw, At::Root, &mut faults);
        match faults.none_or_problem() {
            Ok(()) => Ok(read.unwrap().to_string()),
            Err(problem) => Err(problem.detail().to_owned()),
        }
    }

    #[test]
    fn equal_objects_come_to_one_form_and_numbers_stay_exact() {
        let one = read_text(r#"{ "b": [1.10, {"y":null,"x":true}], "a": "\u00e5" }"#);
        let other = read_text(r#"{"a":"å","b":[1.10,{"x":true,"y":null}]}"#);
        assert_eq!(one, other);
        assert_eq!(one.unwrap(), r#"{"a":"å","b":[1.10,{"x":true,"y":null}]}"#);
    }

    #[test]
    fn what_cannot_be_kept_is_a_fault() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(50), "]".repeat(50));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
        for (text, part) in [
            ("[]", "must be an object"),
            (r#"{"a":1,"a":2}"#, "given twice"),
            (r#"{"a":{"b":1,"b":2}}"#, "/a/b is given twice"),
            (r#"{"a":"\ud800"}"#, "broken escape"),
            (&deep, "nested at most"),
            (&long, "at most 4096 bytes"),
        ] {
            let found = read_text(text).unwrap_err();
            assert!(found.contains(part), "{found}");
        }
    }
}
