//! What comes in over a WebSocket: frames (RFC 6455), put together to messages. A frame is judged
//! by its head as soon as that is there, so none is waited for that would be refused, and what
//! is kept of a client is bounded by the largest message it may send. It must not know what a
//! message says.

use actix_http::ws::{OpCode, Parser};
use actix_web::web::BytesMut;

/// The most bytes that a control frame carries (RFC 6455, 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// A fragment of at least so many bytes is free: of these a message has but few. Clients cut theirs
/// into 4 KiB and more; crumbs would be work without end.
const FREE_FRAGMENT_BYTES: usize = 1 << 10;

/// What a frame brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Brought {
    /// A text, if it is one.
    Text(BytesMut),
    /// The beginning or the middle of one: how many bytes.
    Fragment(usize),
    /// Is to be echoed in a pong.
    Ping(BytesMut),
    /// A sign of life.
    Pong,
    /// The client says goodbye.
    Close,
}

impl Brought {
    /// Whether it counts among those that may come in a second.
    pub fn is_counted(&self) -> bool {
        match self {
            Brought::Fragment(bytes) => *bytes < FREE_FRAGMENT_BYTES,
            Brought::Text(_) | Brought::Ping(_) | Brought::Pong | Brought::Close => true,
        }
    }
}

/// What came in and was not taken yet.
#[derive(Default)]
pub struct Messages {
    received: BytesMut,
    /// A message that comes in fragments, so far.
    begun: Option<BytesMut>,
}

impl Messages {
    /// Bytes came in. They are to be taken before more are received.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Takes one frame, if it is there; a message has at most so many bytes.
    ///
    /// # Errors
    /// The frame is not what the protocol says; why. All that came in is dropped.
    pub fn take(&mut self, bytes_max: usize) -> Result<Option<Brought>, String> {
        let brought = self.next(bytes_max);
        if brought.is_err() {
            *self = Messages::default();
        } else if self.received.is_empty() {
            // Room for a large frame is not kept.
            self.received = BytesMut::new();
        }
        brought
    }

    fn next(&mut self, bytes_max: usize) -> Result<Option<Brought>, String> {
        let Some(head) = Head::read(&self.received) else {
            return Ok(None);
        };
        let begun = self.begun.as_ref().map(BytesMut::len);
        head.check(begun, bytes_max)?;
        let frame = Parser::parse(&mut self.received, true, bytes_max);
        let frame = frame.map_err(|error| error.to_string())?;
        Ok(frame.map(|(is_final, code, bytes)| {
            let bytes = bytes.unwrap_or_default();
            match code {
                OpCode::Ping => Brought::Ping(bytes),
                OpCode::Pong => Brought::Pong,
                OpCode::Close => Brought::Close,
                OpCode::Continue | OpCode::Text | OpCode::Binary | OpCode::Bad => {
                    self.put_together(is_final, bytes)
                }
            }
        }))
    }

    fn put_together(&mut self, is_final: bool, bytes: BytesMut) -> Brought {
        let length = bytes.len();
        let message = match self.begun.take() {
            Some(mut begun) => {
                begun.extend_from_slice(&bytes);
                begun
            }
            // What is begun outlives the room it came in.
            None if !is_final => BytesMut::from(&bytes[..]),
            None => bytes,
        };
        if is_final {
            return Brought::Text(message);
        }
        self.begun = Some(message);
        Brought::Fragment(length)
    }
}

/// What a frame says of itself before its payload.
struct Head {
    is_final: bool,
    code: OpCode,
    /// Of the payload, in bytes.
    length: u64,
}

impl Head {
    /// Reads it, if it is there.
    fn read(bytes: &[u8]) -> Option<Head> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let length = match second & 0x7F {
            126 => u16::from_be_bytes(*rest.first_chunk()?).into(),
            127 => u64::from_be_bytes(*rest.first_chunk()?),
            length => length.into(),
        };
        Some(Head {
            is_final: first & 0x80 != 0,
            code: OpCode::from(first & 0x0F),
            length,
        })
    }

    /// Whether such a frame may come, after so many bytes of a message that is not whole.
    fn check(&self, begun: Option<usize>, bytes_max: usize) -> Result<(), String> {
        match (self.code, begun) {
            (OpCode::Ping | OpCode::Pong | OpCode::Close, _) => {
                if !self.is_final || self.length > CONTROL_BYTES_MAX {
                    return Err(format!(
                        "a control frame is whole and has at most {CONTROL_BYTES_MAX} bytes"
                    ));
                }
                return Ok(());
            }
            (OpCode::Text, None) | (OpCode::Continue, Some(_)) => {}
            (OpCode::Continue, None) => {
                return Err("a fragment goes on with what was not begun".to_owned());
            }
            (OpCode::Text, Some(_)) => {
                return Err("a message begins before another one ended".to_owned());
            }
            (OpCode::Binary | OpCode::Bad, _) => {
                return Err("a frame is text, JSON in UTF-8".to_owned());
            }
        }
        let room = bytes_max.saturating_sub(begun.unwrap_or(0));
        if self.length > room as u64 {
            return Err(format!("a frame has at most {bytes_max} bytes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1000;
    const FINAL: u8 = 0x80;
    const TEXT: u8 = 1;
    const CLOSE: u8 = 8;
    const PING: u8 = 9;
    const PONG: u8 = 10;

    /// The head of a frame with so many bytes.
    fn head(first: u8, length: u64) -> Vec<u8> {
        let mut bytes = vec![first];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => bytes.push(0x80 | short),
            (_, Ok(length)) => {
                bytes.push(0x80 | 126);
                bytes.extend(length.to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes
    }

    fn frame(first: u8, payload: &str) -> Vec<u8> {
        // A mask of nothing leaves the payload as it is.
        [
            &head(first, payload.len() as u64)[..],
            &[0; 4],
            payload.as_bytes(),
        ]
        .concat()
    }

    fn text(text: &str) -> Brought {
        Brought::Text(BytesMut::from(text))
    }

    #[test]
    fn a_frame_that_is_too_large_is_refused_by_its_head_alone() {
        for length in [MAX as u64 + 1, 400_000_000, u64::MAX] {
            let mut messages = Messages::default();
            messages.receive(&head(FINAL | TEXT, length));
            let refused = messages.take(MAX).unwrap_err();
            assert!(refused.contains("at most 1000 bytes"), "{refused}");
            assert_eq!(messages.received.capacity(), 0, "room was made for it");
        }
        let mut messages = Messages::default();
        messages.receive(&frame(FINAL | TEXT, &"x".repeat(MAX)));
        assert_eq!(messages.take(MAX), Ok(Some(text(&"x".repeat(MAX)))));
    }

    #[test]
    fn fragments_are_put_together_up_to_the_same_bound() {
        let mut messages = Messages::default();
        for (first, payload) in [
            (TEXT, "{\"op\":"),
            (PING, "?"),
            (0, "\"po"),
            (FINAL, "ng\"}"),
        ] {
            let first = if first == PING { FINAL | PING } else { first };
            messages.receive(&frame(first, payload));
        }
        assert_eq!(messages.take(MAX), Ok(Some(Brought::Fragment(6))));
        let ping = Brought::Ping(BytesMut::from("?"));
        assert_eq!(messages.take(MAX), Ok(Some(ping)));
        assert_eq!(messages.take(MAX), Ok(Some(Brought::Fragment(3))));
        assert_eq!(messages.take(MAX), Ok(Some(text("{\"op\":\"pong\"}"))));
        assert_eq!(messages.take(MAX), Ok(None));

        messages.receive(&frame(TEXT, &"x".repeat(MAX - 1)));
        assert_eq!(messages.take(MAX), Ok(Some(Brought::Fragment(MAX - 1))));
        messages.receive(&head(0, 2));
        let refused = messages.take(MAX).unwrap_err();
        assert!(refused.contains("at most 1000 bytes"), "{refused}");
    }

    #[test]
    fn a_control_frame_is_whole_and_small() {
        for code in [CLOSE, PING, PONG] {
            for head in [head(code, 0), head(FINAL | code, 126)] {
                let mut messages = Messages::default();
                messages.receive(&head);
                let refused = messages.take(MAX).unwrap_err();
                assert!(refused.contains("a control frame"), "{refused}");
            }
            let mut messages = Messages::default();
            messages.receive(&frame(FINAL | code, &"x".repeat(125)));
            assert!(messages.take(MAX).unwrap().is_some());
        }
    }

    #[test]
    fn what_comes_out_of_turn_is_refused() {
        let refused: [&[u8]; 5] = [
            &[FINAL],
            &[TEXT, FINAL | TEXT],
            &[FINAL | 2],
            &[FINAL | 3],
            &[FINAL | 0x40 | TEXT],
        ];
        for firsts in refused {
            let mut messages = Messages::default();
            for first in firsts {
                messages.receive(&frame(*first, "x"));
            }
            let taken = firsts.iter().map(|_| messages.take(MAX)).last();
            assert!(taken.unwrap().is_err(), "{firsts:?}");
        }
        let mut messages = Messages::default();
        messages.receive(&[FINAL | TEXT, 1, b'x', 0, 0, 0, 0]);
        assert!(messages.take(MAX).is_err(), "it has no mask");
    }

    #[test]
    fn a_frame_may_come_byte_by_byte() {
        let mut messages = Messages::default();
        let whole = frame(FINAL | TEXT, &"x".repeat(300));
        for byte in &whole[..whole.len() - 1] {
            messages.receive(&[*byte]);
            assert_eq!(messages.take(MAX), Ok(None));
        }
        messages.receive(b"x");
        assert_eq!(messages.take(MAX), Ok(Some(text(&"x".repeat(300)))));
    }
}
