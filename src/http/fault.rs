//! What is wrong with a request, and where: gathered so that one answer names everything.
//!
//! Knows no resource and reads nothing itself.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::problem::{Code, Problem};

/// The most faults one answer names.
pub const FAULTS_MAX: usize = 100;

/// A place in the body, kept on the stack and only written out when something is wrong there.
#[derive(Clone, Copy, Debug)]
pub enum At<'p> {
    /// The whole body.
    Root,
    /// A member of an object.
    Member(&'p At<'p>, &'p str),
    /// An element of an array.
    Element(&'p At<'p>, usize),
}

impl At<'_> {
    fn write(&self, pointer: &mut String) {
        match self {
            At::Root => {}
            At::Member(parent, name) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            At::Element(parent, index) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
    }
}

/// The JSON pointer of RFC 6901.
impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pointer = String::new();
        self.write(&mut pointer);
        f.write_str(&pointer)
    }
}

/// What is wrong with a value, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which problem it is.
    pub code: Code,
    /// What it should be, in words that follow its name.
    pub detail: Cow<'static, str>,
    /// Whether the form is right and it is only that things stand so now: a repetition of a
    /// request that was answered before still gets the first answer.
    pub by_rule: bool,
}

impl Wrong {
    /// A fault with a code of its own.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Wrong {
        Wrong {
            code,
            detail: detail.into(),
            by_rule: false,
        }
    }

    /// The form is right, but not as things stand now.
    pub fn rule(code: Code, detail: impl Into<Cow<'static, str>>) -> Wrong {
        Wrong {
            by_rule: true,
            ..Wrong::new(code, detail)
        }
    }

    /// A fault of form.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Wrong {
        Wrong::new(Code::InvalidRequest, detail)
    }
}

/// Where a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the body, at a JSON pointer.
    Pointer(String),
    /// In a parameter of the path or the query.
    Parameter(Cow<'static, str>),
    /// In a header.
    Header(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Pointer(text) => f.write_str(text),
            Source::Parameter(name) => f.write_str(name),
            Source::Header(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub source: Source,
    /// Which problem it is.
    pub code: Code,
    /// What it should be.
    pub detail: Cow<'static, str>,
    /// Whether the form is right and it is only that things stand so now.
    pub by_rule: bool,
}

impl Fault {
    /// `wrong`, found at `source`.
    pub fn new(source: Source, wrong: Wrong) -> Fault {
        let Wrong {
            code,
            detail,
            by_rule,
        } = wrong;
        Fault {
            source,
            code,
            detail,
            by_rule,
        }
    }
}

/// `{"pointer"|"parameter"|"header","code","detail"}`.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        match &self.source {
            Source::Pointer(text) => map.serialize_entry("pointer", text)?,
            Source::Parameter(name) => map.serialize_entry("parameter", name)?,
            Source::Header(name) => map.serialize_entry("header", name)?,
        }
        map.serialize_entry("code", self.code.as_str())?;
        map.serialize_entry("detail", &self.detail)?;
        map.end()
    }
}

/// Everything that is wrong so far, up to a bound.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    /// Notes what is wrong at a place of the body.
    pub fn note(&mut self, at: At<'_>, wrong: Wrong) {
        if self.list.len() < FAULTS_MAX {
            let source = Source::Pointer(at.to_string());
            self.list.push(Fault::new(source, wrong));
        }
    }

    /// Notes what is wrong with a parameter or a header.
    pub fn note_source(&mut self, source: Source, wrong: Wrong) {
        if self.list.len() < FAULTS_MAX {
            self.list.push(Fault::new(source, wrong));
        }
    }

    /// The value, or nothing and a note.
    pub fn unless<T>(&mut self, at: At<'_>, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.note(at, wrong)).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the form of everything is right.
    pub fn are_all_by_rule(&self) -> bool {
        self.list.iter().all(|fault| fault.by_rule)
    }

    /// Nothing, or the problem that names them all; its code is the first one's.
    pub fn none_or_problem(self) -> Result<(), Problem> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(Problem::from_faults(self.list))
        }
    }
}
