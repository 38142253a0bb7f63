//! Names and labels that people read: bounded, without control characters. Parsed once at the
//! border; nothing inside checks them again, and nothing here knows what they mean.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text of 1 to `MAX` characters that is not blank and holds no control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Text<const MAX: usize>(Arc<str>);

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1–{characters_max} characters, not blank and without control characters")]
pub struct InvalidText {
    /// The most characters it may have.
    pub characters_max: usize,
}

impl<const MAX: usize> Text<MAX> {
    /// Parses a text; it is kept as it is.
    pub fn parse(text: &str) -> Result<Text<MAX>, InvalidText> {
        let blank = text.chars().all(char::is_whitespace);
        let too_long = text.len() > MAX && text.chars().count() > MAX;
        if blank || too_long || text.chars().any(char::is_control) {
            return Err(InvalidText {
                characters_max: MAX,
            });
        }
        Ok(Text(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> std::borrow::Borrow<str> for Text<MAX> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_bounded_in_characters_and_never_blank() {
        for good in ["x", "Malmö", "ååååå", " a "] {
            assert_eq!(Text::<5>::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "   ", "\u{a0}", "åååååå", "a\nb", "a\u{7f}"] {
            let refused = Text::<5>::parse(bad);
            assert_eq!(refused, Err(InvalidText { characters_max: 5 }), "{bad:?}");
        }
    }
}
