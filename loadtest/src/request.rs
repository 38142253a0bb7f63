//! Requests rendered beforehand: a whole HTTP request as bytes with slots for numbers. A slot
//! keeps its width, so neither the length nor anything else is computed while load runs.
//!
//! A slot is written `<6>` for six digits with leading zeros, `<_6>` for six places with leading
//! blanks, as JSON wants numbers. It must not know what is asked.

use std::net::SocketAddr;

/// Where requests go, and who asks.
#[derive(Clone, Debug)]
pub struct Target {
    /// The public listener.
    pub address: SocketAddr,
    /// The token, with all scopes.
    pub token: String,
}

/// A request with slots.
#[derive(Clone, Debug, Default)]
pub struct Template {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    at: usize,
    width: usize,
    blank: u8,
}

impl Template {
    /// `head` may hold more header lines, each ended by CR LF.
    pub fn new(target: &Target, method: &str, path: &str, head: &str, body: &str) -> Template {
        let length = Template::parse(body).bytes.len();
        let Target { address, token } = target;
        let body_head = match body {
            "" => String::new(),
            _ => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
        };
        Template::parse(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             {head}{body_head}\r\n{body}"
        ))
    }

    /// A GET without a token, as a product page asks.
    pub fn page(target: &Target, path: &str) -> Template {
        let address = target.address;
        Template::parse(&format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
    }

    /// A POST without a token.
    pub fn post_without_token(target: &Target, path: &str, body: &str) -> Template {
        let (address, length) = (target.address, body.len());
        Template::parse(&format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// How many bytes it renders to.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The same with more behind it.
    #[must_use]
    pub fn then(mut self, more: &Template) -> Template {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&more.bytes);
        let moved = more.slots.iter().map(|slot| Slot {
            at: before + slot.at,
            ..*slot
        });
        self.slots.extend(moved);
        self
    }

    /// The same with bytes behind it that mean themselves.
    #[must_use]
    pub fn then_bytes(mut self, more: &[u8]) -> Template {
        self.bytes.extend_from_slice(more);
        self
    }

    /// Writes the request with `values` in its slots, in their order, over what `out` held.
    pub fn render(&self, values: &[u64], out: &mut Vec<u8>) {
        assert_eq!(values.len(), self.slots.len(), "one value for each slot");
        out.clear();
        out.extend_from_slice(&self.bytes);
        for (slot, value) in self.slots.iter().zip(values) {
            slot.write(*value, &mut out[slot.at..slot.at + slot.width]);
        }
    }

    /// Text with slots.
    pub fn parse(text: &str) -> Template {
        let (mut bytes, mut slots) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(open) = rest.find('<') {
            let close = open + rest[open..].find('>').expect("a slot ends");
            let (blank, digits) = match rest[open + 1..close].strip_prefix('_') {
                Some(digits) => (b' ', digits),
                None => (b'0', &rest[open + 1..close]),
            };
            let width = digits.parse().expect("a slot says its width");
            bytes.extend_from_slice(&rest.as_bytes()[..open]);
            slots.push(Slot {
                at: bytes.len(),
                width,
                blank,
            });
            bytes.resize(bytes.len() + width, blank);
            rest = &rest[close + 1..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        Template { bytes, slots }
    }
}

impl Slot {
    fn write(&self, value: u64, place: &mut [u8]) {
        place.fill(self.blank);
        let mut left = value;
        for digit in place.iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).expect("a digit");
            left /= 10;
            if left == 0 {
                return;
            }
        }
        assert_eq!(left, 0, "{value} does not fit into its slot");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            address: SocketAddr::from(([127, 0, 0, 1], 80)),
            token: "t".into(),
        }
    }

    #[test]
    fn slots_keep_their_width_and_the_length_is_right() {
        let body = r#"{"sku":"clog-<4>","ttl_seconds":<_3>}"#;
        let template = Template::new(&target(), "POST", "/v1/x", "Key: <3>\r\n", body);
        let mut out = b"old".to_vec();
        template.render(&[7, 42, 9], &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("POST /v1/x HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nKey: 007\r\n"), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"sku":"clog-0042","ttl_seconds":  9}"#);
        let length = format!("Content-Length: {}", body.len());
        assert!(head.contains(&length), "{text}");
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn a_number_too_long_for_its_slot_is_a_bug() {
        Template::page(&target(), "/<2>").render(&[100], &mut Vec::new());
    }
}
