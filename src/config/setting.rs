//! How one option takes a value from text and shows it, and the macro that writes a section down
//! once: name, type, default, bounds and reason side by side. The reasons are read by the
//! compiler's documentation and by [`Described`] alike, so no copy of them can drift.
//! It must not know which sections there are.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A value that text can give. The error says what the text should have been.
pub(super) trait Setting: Sized {
    /// What kind of value it is, in words.
    const KIND: &'static str;
    /// The value that `text` names.
    fn parse(text: &str) -> Result<Self, String>;
    /// The value as it stands in the file; of a secret, that there is one.
    fn show(&self) -> String;
}

impl Setting for bool {
    const KIND: &'static str = "true or false";

    fn show(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl Setting for SocketAddr {
    const KIND: &'static str = "an address and a port";

    fn show(&self) -> String {
        quoted(&self.to_string())
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "expected an address and a port, as in 127.0.0.1:8080".to_owned())
    }
}

impl Setting for PathBuf {
    const KIND: &'static str = "a path";

    fn show(&self) -> String {
        quoted(&self.to_string_lossy())
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("expected a path".to_owned())
        } else {
            Ok(text.into())
        }
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Setting for $number {
            const KIND: &'static str = "a whole number";

            fn show(&self) -> String {
                grouped(u64::try_from(*self).expect("no number is wider than 64 bits"))
            }

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| "expected a whole number".to_owned())
            }
        }
    )*};
}
whole_numbers!(u16, u32, u64, usize);

/// An empty text is the absence of the value, so that a variable can undo what the file says.
impl<T: Setting> Setting for Option<T> {
    const KIND: &'static str = T::KIND;

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), T::show)
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}

/// Origins of web pages, as browsers write them: `https://shop.example`, separated by commas.
/// None: the service's own, as well as what `own` among them stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Origins {
    /// Stands for the service's own listeners, whose ports may not be known yet.
    pub const OWN: &str = "own";
}

impl Setting for Origins {
    const KIND: &'static str = "origins, separated by commas";

    fn show(&self) -> String {
        quoted(&self.0.join(","))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(str::trim);
        let origins = origins.filter(|origin| !origin.is_empty());
        let well_formed = |origin: &str| {
            if origin == Origins::OWN {
                return true;
            }
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            let plain =
                |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'[' | b']');
            host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain))
        };
        let read = |origin: &str| match well_formed(origin) {
            true => Ok(origin.to_owned()),
            false => Err(
                "expected origins as browsers send them, without a path and in lower case, or \
                 `own`, as in own,https://shop.example,https://www.shop.example:8443"
                    .to_owned(),
            ),
        };
        origins.map(read).collect::<Result<_, _>>().map(Origins)
    }
}

/// A text that no log and no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The longest one that is taken from a client.
    const BYTES_MAX: usize = 512;

    /// The text itself; for comparing and hashing only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Setting for Secret {
    const KIND: &'static str = "a secret text";

    fn show(&self) -> String {
        "(hidden)".to_owned()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_sendable && (1..=Secret::BYTES_MAX).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "expected 1 to {} letters, digits and signs of ASCII without spaces, for clients \
                 send it in a header",
                Secret::BYTES_MAX
            ))
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// `1048576` → `1_048_576`, as TOML allows: a wrong number of zeros shows.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// All that is said about one option where it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// Its name, the unit last.
    pub name: &'static str,
    /// What kind of value it takes.
    pub kind: &'static str,
    /// What it counts, where its name does not say.
    pub unit: Option<&'static str>,
    /// Its default as it stands in the file.
    pub default: String,
    /// The least and the greatest value, if it is bounded.
    pub bounds: Option<(u64, u64)>,
    /// Why it is there: the lines of its comment.
    pub why: &'static [&'static str],
}

/// A section as the sources see it: names, and a way to set each from text.
pub(super) trait Section {
    /// Its name in the file.
    fn name(&self) -> &'static str;
    /// The names of its options.
    fn options(&self) -> &'static [&'static str];
    /// What it is about: the lines of its comment.
    fn about(&self) -> &'static [&'static str];
    /// What is said about each option, the value of `self` given as the default.
    fn describe(&self) -> Vec<Described>;
    /// Sets one option; `None` if there is none of that name.
    fn set(&mut self, option: &str, text: &str) -> Option<Result<(), String>>;
}

/// Writes a section: the struct, its defaults, and how each option is set and bounded.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $section:ident as $name:literal {
            $(
                $(#[doc = $why:literal])*
                $option:ident: $kind:ty = $default:expr
                    $(, in $bounds:expr)? $(, of $unit:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $section {
            $($(#[doc = $why])* pub $option: $kind,)*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($option: $default,)* }
            }
        }

        impl $crate::config::setting::Section for $section {
            fn name(&self) -> &'static str {
                $name
            }

            fn options(&self) -> &'static [&'static str] {
                &[$(stringify!($option)),*]
            }

            fn about(&self) -> &'static [&'static str] {
                &[$($about),*]
            }

            fn describe(&self) -> Vec<$crate::config::setting::Described> {
                vec![$($crate::config::setting::Described {
                    name: stringify!($option),
                    kind: <$kind as $crate::config::setting::Setting>::KIND,
                    default: $crate::config::setting::Setting::show(&self.$option),
                    unit: None$(.or(Some($unit)))?,
                    bounds: None$(.or($crate::config::setting::shown($bounds)))?,
                    why: &[$($why),*],
                },)*]
            }

            fn set(&mut self, option: &str, text: &str) -> Option<Result<(), String>> {
                $(
                    if option == stringify!($option) {
                        let parsed = <$kind as $crate::config::setting::Setting>::parse(text);
                        $(let parsed = $crate::config::setting::bounded(parsed, $bounds);)?
                        return Some(parsed.map(|value| self.$option = value));
                    }
                )*
                None
            }
        }
    };
}
pub(super) use section;

/// Refuses a number outside its bounds and names them.
pub(super) fn bounded<T: PartialOrd + fmt::Display>(
    parsed: Result<T, String>,
    bounds: std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let value = parsed?;
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(format!("expected {} to {}", bounds.start(), bounds.end()))
}

/// Bounds as the file tells them.
pub(super) fn shown<T: TryInto<u64> + Copy>(
    bounds: std::ops::RangeInclusive<T>,
) -> Option<(u64, u64)> {
    let number = |bound: &T| (*bound).try_into().ok();
    Some((number(bounds.start())?, number(bounds.end())?))
}
