//! JSON laid out for reading: members in the order they were sent, what is short on one line. It
//! must not know what the JSON is about.

use indexmap::IndexMap;
use serde_json::value::RawValue;

/// The longest object or list that stays on one line, indentation included.
const LINE_MAX: usize = 64;

/// The same JSON, over as many lines as reading it takes. `text` must be JSON.
pub fn laid_out(text: &str) -> String {
    let raw: &RawValue = serde_json::from_str(text).expect("what is laid out is JSON");
    value(raw, 0)
}

fn value(raw: &RawValue, indent: usize) -> String {
    let text = raw.get();
    let (open, close, parts) = match text.as_bytes().first() {
        Some(b'{') => ('{', '}', members(text, indent)),
        Some(b'[') => ('[', ']', elements(text, indent)),
        _ => return text.to_owned(),
    };
    let width: usize = parts.iter().map(|part| part.chars().count() + 2).sum();
    let broken = parts.iter().any(|part| part.contains('\n'));
    if !broken && indent + width <= LINE_MAX {
        return format!("{open}{}{close}", parts.join(", "));
    }
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    let lines = parts.join(&format!(",\n{inner}"));
    format!("{open}\n{inner}{lines}\n{outer}{close}")
}

fn members(text: &str, indent: usize) -> Vec<String> {
    let members: IndexMap<String, &RawValue> =
        serde_json::from_str(text).expect("an object has members");
    let members = members.into_iter().map(|(name, raw)| {
        let name = serde_json::to_string(&name).expect("a name is a text");
        format!("{name}: {}", value(raw, indent + 2))
    });
    members.collect()
}

fn elements(text: &str, indent: usize) -> Vec<String> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).expect("a list has elements");
    let elements = elements.into_iter();
    elements.map(|raw| value(raw, indent + 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_stay_on_a_line_and_long_ones_are_broken_in_the_order_sent() {
        assert_eq!(laid_out(r#"{"b":1,"a":[]}"#), r#"{"b": 1, "a": []}"#);
        let long = r#"{"total":{"amount":"600.00","currency":"SEK"},"lines":[{"sku":"clog-38"}]}"#;
        let expected = "{\n  \"total\": {\"amount\": \"600.00\", \"currency\": \"SEK\"},\n  \
                        \"lines\": [{\"sku\": \"clog-38\"}]\n}";
        assert_eq!(laid_out(long), expected);
        assert_eq!(laid_out("null"), "null");
        assert_eq!(laid_out(" 0.250 "), "0.250");
    }
}
