//! Reads a JSON body into core types, naming every fault with its JSON pointer in one pass.
//!
//! One level of the document is taken apart at a time: an object into its members, an array
//! into its elements, each as its raw text, so that numbers are read exactly and nothing is
//! built that is not kept. Unknown and repeated fields are faults (a typo loses stock). Every
//! resource reads its requests with `Object`; there is no second way in.
//!
//! Knows no resource, no route and no core command.

use std::borrow::Cow;
use std::fmt;

use actix_web::web::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{At, Faults, Wrong};
use super::problem::{Code, Problem};

/// The most members one object of a request may have: more are not looked at.
pub const MEMBERS_MAX: usize = 64;

/// Parses `body` by `read`, which notes what is wrong in the faults it is given and may only
/// return nothing if it noted something.
pub fn parse<'b, T>(
    body: &'b Bytes,
    read: impl FnOnce(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
) -> Result<T, Problem> {
    let (value, faults) = parse_with_faults(document(body)?, read)?;
    faults.none_or_problem()?;
    Ok(value)
}

/// As `parse`, for those who go on in spite of faults that are by rule: the value and these.
pub fn parse_with_faults<'b, T>(
    document: &'b RawValue,
    read: impl FnOnce(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
) -> Result<(T, Faults), Problem> {
    let mut faults = Faults::default();
    match read(document, At::Root, &mut faults) {
        Some(value) if faults.are_all_by_rule() => Ok((value, faults)),
        Some(_) | None => {
            faults.none_or_problem()?;
            unreachable!("a reader that gives nothing has noted a fault");
        }
    }
}

/// As `document`, but a call that needs no words may have no body: that is `{}`.
pub fn document_or_empty(body: &[u8]) -> Result<&RawValue, Problem> {
    document(if body.is_empty() { b"{}" } else { body })
}

/// The body as one well-formed JSON value; where it is not, says where by line and column.
pub fn document(body: &[u8]) -> Result<&RawValue, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Problem::invalid(format!("the body is not UTF-8: broken at byte {at}"))
    })?;
    if text.trim_ascii().is_empty() {
        return Err(Problem::invalid("a JSON body is required"));
    }
    serde_json::from_str(text)
        .map_err(|error| Problem::invalid(format!("the body is not JSON: {error}")))
}

/// How many elements an array may have, and the code of the fault if there are more or fewer.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// At least.
    pub min: usize,
    /// At most.
    pub max: usize,
    /// The code when there are more.
    pub code: Code,
}

impl Bound {
    /// `min` to `max` elements; anything else is an invalid request.
    pub const fn new(min: usize, max: usize) -> Bound {
        Bound {
            min,
            max,
            code: Code::InvalidRequest,
        }
    }
}

/// One object of the body: its members are taken one by one, and what is left is a fault.
pub struct Object<'b, 'a> {
    at: At<'a>,
    faults: &'a mut Faults,
    /// A member that was taken leaves `None`, so that it is still known to have been there.
    members: Vec<(Cow<'b, str>, Option<&'b RawValue>)>,
}

impl<'b, 'a> Object<'b, 'a> {
    /// Takes `raw` apart; `None` and a fault if it is not an object.
    pub fn read(raw: &'b RawValue, at: At<'a>, faults: &'a mut Faults) -> Option<Object<'b, 'a>> {
        let members = members(raw, at, MEMBERS_MAX, faults)?;
        Some(Object {
            at,
            faults,
            members,
        })
    }

    /// A member that must be there and not null.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'b RawValue) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.required_part(name, |raw, at, faults| faults.unless(at, read(raw)))
    }

    /// A member that may be absent or null.
    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'b RawValue) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.optional_part(name, |raw, at, faults| faults.unless(at, read(raw)))
    }

    /// A member that must be there and has parts of its own.
    pub fn required_part<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name);
        let at = At::Member(&self.at, name);
        let Some(raw) = raw.filter(|raw| !is_null(raw)) else {
            self.faults.note(at, Wrong::invalid("is required"));
            return None;
        };
        read(raw, at, self.faults)
    }

    /// A member that may be absent or null and has parts of its own.
    pub fn optional_part<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name).filter(|raw| !is_null(raw))?;
        read(raw, At::Member(&self.at, name), self.faults)
    }

    /// A member for which null says something else than absence: `Some(None)` is null.
    pub fn nullable_part<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        let raw = self.take(name)?;
        if is_null(raw) {
            return Some(None);
        }
        read(raw, At::Member(&self.at, name), self.faults).map(Some)
    }

    /// An array that must be there, each element read by `read`; elements with faults are left
    /// out.
    pub fn array<T>(
        &mut self,
        name: &str,
        bound: Bound,
        read: impl FnMut(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.required_part(name, |raw, at, faults| {
            elements(raw, at, bound, faults, read)
        })
    }

    /// An array that may be absent.
    pub fn optional_array<T>(
        &mut self,
        name: &str,
        bound: Bound,
        read: impl FnMut(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.optional_part(name, |raw, at, faults| {
            elements(raw, at, bound, faults, read)
        })
    }

    /// A member's raw text, null included, for those who tell null from absent.
    pub fn take(&mut self, name: &str) -> Option<&'b RawValue> {
        let found = self.members.iter_mut().find(|(key, _)| key == name);
        found.and_then(|(_, raw)| raw.take())
    }

    /// Notes a fault at a member, found by looking at several.
    pub fn wrong(&mut self, name: &str, wrong: Wrong) {
        self.faults.note(At::Member(&self.at, name), wrong);
    }

    /// Whether nothing was wrong so far, in this object or before it.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Every member that nobody took is unknown, which is a fault.
    pub fn finish(self) {
        let left = self.members.iter().filter(|(_, raw)| raw.is_some());
        for (name, _) in left {
            let at = At::Member(&self.at, name);
            self.faults.note(at, Wrong::invalid("is not a known field"));
        }
    }
}

/// Whether the value is `null`.
pub fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// An object's members in the order they were written; repeated names are faults.
pub fn members<'b>(
    raw: &'b RawValue,
    at: At<'_>,
    max: usize,
    faults: &mut Faults,
) -> Option<Vec<(Cow<'b, str>, Option<&'b RawValue>)>> {
    if !raw.get().starts_with('{') {
        faults.note(at, Wrong::invalid("must be an object"));
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    match reader.deserialize_map(Members { max }) {
        Ok(read) => {
            for name in &read.repeated {
                faults.note(At::Member(&at, name), Wrong::invalid("is given twice"));
            }
            Some(read.members)
        }
        Err(error) => {
            faults.note(at, Wrong::invalid(format!("cannot be read: {error}")));
            None
        }
    }
}

/// An array's elements, each read by `read`.
pub fn elements<'b, T>(
    raw: &'b RawValue,
    at: At<'_>,
    bound: Bound,
    faults: &mut Faults,
    read: impl FnMut(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    if !raw.get().starts_with('[') {
        faults.note(at, Wrong::invalid("must be an array"));
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let visitor = Elements {
        at,
        max: bound.max,
        faults,
        read,
    };
    let (values, count) = match reader.deserialize_seq(visitor) {
        Ok(read) => read,
        Err(error) => {
            faults.note(at, Wrong::invalid(format!("cannot be read: {error}")));
            return None;
        }
    };
    if count > bound.max {
        let detail = format!("may have at most {} elements", bound.max);
        faults.note(at, Wrong::new(bound.code, detail));
        return None;
    }
    if count < bound.min {
        let detail = format!("must have at least {}", bound.min);
        faults.note(at, Wrong::invalid(detail));
        return None;
    }
    Some(values)
}

struct Members {
    max: usize,
}

struct ReadMembers<'b> {
    members: Vec<(Cow<'b, str>, Option<&'b RawValue>)>,
    repeated: Vec<Cow<'b, str>>,
}

impl<'b> Visitor<'b> for Members {
    type Value = ReadMembers<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<ReadMembers<'b>, A::Error> {
        let mut members: Vec<(Cow<'b, str>, Option<&'b RawValue>)> = Vec::with_capacity(8);
        let mut repeated = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            let raw: &'b RawValue = map.next_value()?;
            if members.iter().any(|(known, _)| *known == name) {
                repeated.push(name);
            } else {
                members.push((name, Some(raw)));
            }
            if members.len() + repeated.len() > self.max {
                let max = self.max;
                return Err(serde::de::Error::custom(format!(
                    "an object here has at most {max} fields"
                )));
            }
        }
        Ok(ReadMembers { members, repeated })
    }
}

struct Elements<'p, 'f, R> {
    at: At<'p>,
    max: usize,
    faults: &'f mut Faults,
    read: R,
}

impl<'b, T, R> Visitor<'b> for Elements<'_, '_, R>
where
    R: FnMut(&'b RawValue, At<'_>, &mut Faults) -> Option<T>,
{
    type Value = (Vec<T>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'b>>(mut self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        let mut count = 0;
        while let Some(raw) = seq.next_element::<&'b RawValue>()? {
            if count < self.max {
                let at = At::Element(&self.at, count);
                values.extend((self.read)(raw, at, self.faults));
            }
            count += 1;
        }
        Ok((values, count))
    }
}

/// A member's name, borrowed from the body unless it holds an escape.
struct Name<'b>(Cow<'b, str>);

impl<'b> Deserialize<'b> for Name<'b> {
    fn deserialize<D: Deserializer<'b>>(deserializer: D) -> Result<Name<'b>, D::Error> {
        struct NameVisitor;

        impl<'b> Visitor<'b> for NameVisitor {
            type Value = Name<'b>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_borrowed_str<E>(self, name: &'b str) -> Result<Name<'b>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'b>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests;
