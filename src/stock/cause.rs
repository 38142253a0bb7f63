//! Who asks, and through which channel they sell. In every command and every record.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most characters a channel may have.
pub const CHANNEL_CHARACTERS_MAX: usize = 64;

/// The token that asks. `0` is Onhand itself (a deadline that passed).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TokenId(pub u128);

impl TokenId {
    /// Onhand itself: what time alone brought about.
    pub const ONHAND: TokenId = TokenId(0);
}

/// Who sells: `store`, `web`, `marketplace:NAME`, `call-centre` or a name of the retailer's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channel(Arc<str>);

/// Why a text is not a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1–64 printable ASCII characters without spaces, like web or marketplace:NAME")]
pub struct InvalidChannel;

impl Channel {
    /// The channel of a request that names none.
    pub const DEFAULT: &'static str = "web";

    /// Parses a channel name.
    pub fn parse(text: &str) -> Result<Channel, InvalidChannel> {
        let length_ok = !text.is_empty() && text.len() <= CHANNEL_CHARACTERS_MAX;
        if length_ok && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Channel(text.into()))
        } else {
            Err(InvalidChannel)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Channel {
    fn default() -> Channel {
        Channel(Channel::DEFAULT.into())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The cause of a change: which token, through which channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct By {
    /// Who asked.
    pub token: TokenId,
    /// Who sells.
    pub channel: Channel,
}

impl By {
    /// Onhand itself, through no channel of the retailer's: what time alone brought about.
    pub fn onhand() -> By {
        By {
            token: TokenId::ONHAND,
            channel: Channel("onhand".into()),
        }
    }
}
