//! WebSocket frames (RFC 6455, section 5.2): those of a client go out masked, those of a server
//! come in as they are. It must not know what they say.

use std::io;

/// What a mask is for, proxies that take frames for requests, is not there on loopback; the
/// server only wants to see one.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

/// A frame that came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// JSON.
    Text(&'a [u8]),
    /// The end, with its code; 1005 if it came without one.
    Close(u16),
    /// A ping or a pong of the protocol itself.
    Life,
}

const TEXT: u8 = 0x81;

const CLOSE: u8 = 0x88;

/// Takes the first frame off, if it is all there.
///
/// # Errors
/// It is none that the server may send.
pub fn take<'a>(bytes: &mut &'a [u8]) -> io::Result<Option<Frame<'a>>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let length = match second {
        0..=125 => Some((usize::from(second), rest)),
        126 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest)),
        127 => rest.split_first_chunk::<8>().map(|(length, rest)| {
            let length = usize::try_from(u64::from_be_bytes(*length));
            (length.unwrap_or(usize::MAX), rest)
        }),
        128.. => return Err(invalid("the server masked a frame")),
    };
    let Some((length, rest)) = length else {
        return Ok(None);
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    *bytes = rest;
    match first {
        TEXT => Ok(Some(Frame::Text(payload))),
        CLOSE => {
            let code = payload
                .first_chunk()
                .map_or(1005, |code| u16::from_be_bytes(*code));
            Ok(Some(Frame::Close(code)))
        }
        0x89 | 0x8a => Ok(Some(Frame::Life)),
        _ => Err(invalid("the server sent a frame of no kind that is ours")),
    }
}

/// A frame of text, as a client sends it.
pub fn text(words: &str) -> Vec<u8> {
    let mut out = vec![TEXT];
    match words.len() {
        short @ 0..=125 => out.push(0x80 | u8::try_from(short).expect("it is short")),
        middle @ 126..=0xffff => {
            out.push(0x80 | 126);
            let length = u16::try_from(middle).expect("it fits");
            out.extend_from_slice(&length.to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let masked = words.bytes().zip(MASK.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_when_they_are_all_there() {
        let bytes = [0x81, 2, b'h', b'i', 0x88, 3, 0x0f, 0xa8, b'!', 0x81, 126, 0];
        let mut rest = &bytes[..3];
        assert_eq!(take(&mut rest).unwrap(), None);
        assert_eq!(rest.len(), 3);
        let mut rest = &bytes[..];
        assert_eq!(take(&mut rest).unwrap(), Some(Frame::Text(b"hi")));
        assert_eq!(take(&mut rest).unwrap(), Some(Frame::Close(4008)));
        assert_eq!(take(&mut rest).unwrap(), None);
        assert_eq!(rest, [0x81, 126, 0]);
    }

    #[test]
    fn a_masked_or_fragmented_frame_is_refused() {
        for bytes in [[0x81, 0x80, 1, 2, 3, 4], [0x01, 1, b'a', 0, 0, 0]] {
            take(&mut &bytes[..]).unwrap_err();
        }
    }

    #[test]
    fn what_a_client_says_is_masked_whatever_its_length() {
        for length in [0, 5, 125, 126, 0xffff, 0x1_0000] {
            let words = "x".repeat(length);
            let mut sent = text(&words);
            assert_eq!(sent[1] & 0x80, 0x80);
            let payload_at = sent.len() - length;
            assert_eq!(sent[payload_at - 4..payload_at], MASK);
            for (at, mask) in (payload_at..sent.len()).zip(MASK.iter().cycle()) {
                sent[at] ^= mask;
            }
            sent[1] &= 0x7f;
            sent.drain(payload_at - 4..payload_at);
            let taken = take(&mut &sent[..]).unwrap();
            assert_eq!(taken, Some(Frame::Text(words.as_bytes())));
        }
    }
}
