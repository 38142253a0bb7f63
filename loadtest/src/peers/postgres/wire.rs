//! The part of PostgreSQL's protocol (3.0, documentation chapter 55) that one prepared statement
//! needs. A message is a letter, its length in four bytes (itself included, the letter not), and
//! what it says; strings end with a zero.
//!
//! To bind, execute and sync is one write and one answer, which ends with `Z`. Parameters are text,
//! as the slots of a request are.

use std::io;

use crate::connection::{Head, Protocol};
use crate::peers::status;
use crate::request::Template;

/// What a connection of this user says first: who it is, options, and statements by their names.
pub fn protocol(user: &str, options: &str, prepared: &[(&str, &str)]) -> Protocol {
    let mut greeting = vec![startup(user, options)];
    greeting.extend(prepared.iter().map(|(name, sql)| prepare(name, sql)));
    Protocol { greeting, head }
}

fn startup(user: &str, options: &str) -> Vec<u8> {
    let said = format!("user\0{user}\0database\0{user}\0options\0{options}\0\0");
    let mut message = length(said.len() + 4);
    message.extend(196_608_u32.to_be_bytes());
    message.extend(said.as_bytes());
    message
}

fn prepare(name: &str, sql: &str) -> Vec<u8> {
    // No type is said: the function's own are taken.
    let mut messages = message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes());
    messages.extend(message(b'S', b""));
    messages
}

/// Statements without parameters.
pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

/// A call of a prepared statement; its parameters may have slots.
pub fn call(name: &str, parameters: &[&str]) -> Template {
    let count = u16::try_from(parameters.len()).expect("a handful");
    let mut said = Template::default().then_bytes(format!("\0{name}\0\0\0").as_bytes());
    said = said.then_bytes(&count.to_be_bytes());
    for parameter in parameters {
        let parameter = Template::parse(parameter);
        let bytes = u32::try_from(parameter.bytes()).expect("far below a gigabyte");
        said = said.then_bytes(&bytes.to_be_bytes()).then(&parameter);
    }
    said = said.then_bytes(&[0, 0]);
    let begun = Template::default().then_bytes(b"B");
    let begun = begun.then_bytes(&length(said.bytes()));
    let executed = message(b'E', b"\0\0\0\0\0");
    begun
        .then(&said)
        .then_bytes(&executed)
        .then_bytes(&message(b'S', b""))
}

fn message(letter: u8, said: &[u8]) -> Vec<u8> {
    let mut message = vec![letter];
    message.extend(length(said.len()));
    message.extend(said);
    message
}

fn length(said: usize) -> Vec<u8> {
    let bytes = u32::try_from(said + 4).expect("far below a gigabyte");
    bytes.to_be_bytes().to_vec()
}

/// The answer, once the server is ready for the next request: the first column of its last row,
/// or the first error. The code of an error of ours ends with its status.
pub fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let (mut at, mut found) = (0, None);
    while let Some((letter, bytes)) = next(&received[at..])? {
        let said_at = at + 5;
        let said = &received[said_at..said_at + bytes];
        match letter {
            b'E' => {
                let error = error(said, said_at);
                // It is gone after that.
                if said
                    .split(|byte| *byte == 0)
                    .any(|field| field == b"VFATAL")
                {
                    return Ok(Some(error));
                }
                found = found.or(Some(error));
            }
            b'D' => found = row(said, said_at),
            b'R' if said != [0; 4] => {
                let what = "the server wants a password";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
            }
            b'Z' => {
                let empty = Head {
                    status: 200,
                    body_at: at,
                    body_bytes: 0,
                };
                return Ok(Some(found.unwrap_or(empty)));
            }
            _ => {}
        }
        at = said_at + bytes;
    }
    Ok(None)
}

/// The letter of the message and the length of what it says, once it is all there.
fn next(received: &[u8]) -> io::Result<Option<(u8, usize)>> {
    let Some((letter, length)) = received
        .split_first()
        .and_then(|(letter, rest)| Some((*letter, rest.first_chunk::<4>()?)))
    else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let bytes = length.checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    Ok((received.len() >= 5 + bytes).then_some((letter, bytes)))
}

/// The first column of a row.
fn row(said: &[u8], said_at: usize) -> Option<Head> {
    let (length, column) = said.get(2..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    let (status, from) = status(column.get(..length)?);
    Some(Head {
        status,
        body_at: said_at + 6 + from,
        body_bytes: length - from,
    })
}

/// An error: fields, each a letter and a string; `C` is its code.
fn error(said: &[u8], said_at: usize) -> Head {
    let mut fields = said.split(|byte| *byte == 0);
    let code = fields.find_map(|field| field.strip_prefix(b"COH"));
    let status = code.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Head {
        status: status.unwrap_or(500),
        body_at: said_at,
        body_bytes: said.len(),
    }
}
