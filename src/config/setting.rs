//! How one option takes a value from text, and the macro that writes a section down once: name,
//! type, default, bounds and reason side by side. It must not know which sections there are.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A value that text can give. The error says what the text should have been.
pub(super) trait Setting: Sized {
    fn parse(text: &str) -> Result<Self, String>;
}

impl Setting for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl Setting for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "expected an address and a port, as in 127.0.0.1:8080".to_owned())
    }
}

impl Setting for PathBuf {
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
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| "expected a whole number".to_owned())
            }
        }
    )*};
}
whole_numbers!(u16, u32, u64, usize);

/// An empty text is the absence of the value, so that a variable can undo what the file says.
impl<T: Setting> Setting for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}

/// Origins of web pages, as browsers write them: `https://shop.example`, separated by commas.
/// None: the service's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Setting for Origins {
    fn parse(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(str::trim);
        let origins = origins.filter(|origin| !origin.is_empty());
        let well_formed = |origin: &str| {
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
                "expected origins as browsers send them, without a path and in lower case, as in \
                 https://shop.example,https://www.shop.example:8443"
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
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

/// A section as the sources see it: names, and a way to set each from text.
pub(super) trait Section {
    /// Its name in the file.
    fn name(&self) -> &'static str;
    /// The names of its options.
    fn options(&self) -> &'static [&'static str];
    /// Sets one option; `None` if there is none of that name.
    fn set(&mut self, option: &str, text: &str) -> Option<Result<(), String>>;
}

/// Writes a section: the struct, its defaults, and how each option is set and bounded.
macro_rules! section {
    (
        $(#[$about:meta])*
        $section:ident as $name:literal {
            $(
                $(#[$why:meta])*
                $option:ident: $kind:ty = $default:expr $(, in $bounds:expr)?;
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $section {
            $($(#[$why])* pub $option: $kind,)*
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
