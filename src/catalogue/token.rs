//! Who may do what: tokens, their scopes, and the secret a caller shows. Only the hash of a secret
//! is ever kept. Knows nothing of HTTP headers.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::text::Text;
use crate::stock::{Channel, LocationId, Timestamp, TokenId};

/// The most locations a token may be bound to.
pub const TOKEN_LOCATIONS_MAX: usize = 100;

/// What people call a token.
pub type TokenName = Text<100>;

/// A caller's right to do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Which; not secret.
    pub id: TokenId,
    /// What it may do.
    pub grant: TokenGrant,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped being accepted.
    pub revoked_at: Option<Timestamp>,
    /// Rises by one with each record of the token; the first is 1.
    pub version: u64,
}

/// What a token may do, as asked for when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenGrant {
    /// What people call it.
    pub name: TokenName,
    /// The kinds of requests it may make.
    pub scopes: Scopes,
    /// Limits `stock:write` and `fulfil` to these, if any are named.
    pub locations: Option<BTreeSet<LocationId>>,
    /// Sells through this channel and no other.
    pub channel: Option<Channel>,
    /// Whether it may set the price of a line without the scope `admin`.
    pub unit_price: bool,
}

/// SHA-256 of a secret.
pub type SecretHash = [u8; 32];

/// One kind of request. The order of the variants is part of the disk format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Whether something can be bought; nobody needs a token for it.
    Availability,
    /// The public view of a whole location.
    Screen,
    /// Exact figures.
    StockRead,
    /// Movements and settings.
    StockWrite,
    /// Reservations.
    Reserve,
    /// Handing over.
    Fulfil,
    /// Items and locations.
    CatalogueWrite,
    /// The event stream.
    EventsRead,
    /// Tokens, and whatever else only the owner may do. It does not stand for the others.
    Admin,
}

/// A set of scopes. On disk: a bit per scope, the first scope the lowest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scopes(u16);

/// What a caller shows. Told once, never kept, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Token {
    /// The id of the token from the environment: a constant, so that a new secret for it keeps
    /// its idempotency keys, and nothing of the secret shows in events.
    pub const ENVIRONMENT_ID: TokenId = TokenId(1);

    /// The token whose secret the operator gives in the environment: all scopes, not journaled.
    pub fn from_environment(secret: &str) -> Token {
        Token {
            id: Token::ENVIRONMENT_ID,
            grant: TokenGrant::all_scopes("environment"),
            hash: hash_secret(secret),
            created_at: Timestamp::from_millis(0),
            revoked_at: None,
            version: 0,
        }
    }

    /// Whether it is still accepted.
    pub fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether it may make that kind of request.
    pub fn may(&self, scope: Scope) -> bool {
        self.grant.scopes.contains(scope)
    }

    /// Whether its bound lets it change the stock of `location`.
    pub fn may_change_stock_at(&self, location: &str) -> bool {
        let bound = self.grant.locations.as_ref();
        bound.is_none_or(|locations| locations.contains(location))
    }

    /// Whether it may set the price of a line.
    pub fn may_set_prices(&self) -> bool {
        self.grant.unit_price || self.may(Scope::Admin)
    }
}

impl TokenGrant {
    /// All there is, for the operator's first token.
    pub fn all_scopes(name: &str) -> TokenGrant {
        TokenGrant {
            name: TokenName::parse(name).expect("the operator's token has a proper name"),
            scopes: Scope::ALL.into_iter().collect(),
            locations: None,
            channel: None,
            unit_price: false,
        }
    }
}

impl Scope {
    /// Every scope, in the order of their bits.
    pub const ALL: [Scope; 9] = [
        Scope::Availability,
        Scope::Screen,
        Scope::StockRead,
        Scope::StockWrite,
        Scope::Reserve,
        Scope::Fulfil,
        Scope::CatalogueWrite,
        Scope::EventsRead,
        Scope::Admin,
    ];

    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Availability => "availability",
            Scope::Screen => "screen",
            Scope::StockRead => "stock:read",
            Scope::StockWrite => "stock:write",
            Scope::Reserve => "reserve",
            Scope::Fulfil => "fulfil",
            Scope::CatalogueWrite => "catalogue:write",
            Scope::EventsRead => "events:read",
            Scope::Admin => "admin",
        }
    }

    /// Reads the word for it.
    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl Scopes {
    /// Whether it is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// They, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |set, scope| set | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Secret {
    /// The secret made of 32 random bytes: `onh_` and 64 hexadecimal digits, so that a leaked one
    /// is easy to search for.
    pub fn from_random(bytes: [u8; 32]) -> Secret {
        let mut text = String::with_capacity(4 + 64);
        text.push_str("onh_");
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16"));
            }
        }
        Secret(text)
    }

    /// The text, to be told once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        hash_secret(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token's id as text: 32 hexadecimal digits.
pub fn id_text(id: TokenId) -> String {
    format!("{:032x}", id.0)
}

/// Reads a token's id from its text.
pub fn parse_id(text: &str) -> Option<TokenId> {
    let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let well_formed = text.len() == 32 && text.bytes().all(digits);
    let id = u128::from_str_radix(text, 16).ok();
    id.filter(|_| well_formed).map(TokenId)
}

/// The hash under which a secret is known.
pub fn hash_secret(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_from_its_own_word_and_kept_in_its_own_bit() {
        let mut bits = 0;
        for (position, scope) in Scope::ALL.into_iter().enumerate() {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            assert_eq!(scope.bit(), 1 << position);
            bits |= scope.bit();
        }
        assert_eq!(bits, 0b1_1111_1111);
        assert_eq!(Scope::parse("Admin"), None);
    }

    #[test]
    fn a_set_of_scopes_holds_what_was_put_in_and_nothing_else() {
        let scopes: Scopes = [Scope::Reserve, Scope::StockRead, Scope::Reserve]
            .into_iter()
            .collect();
        let listed: Vec<_> = scopes.iter().collect();
        assert_eq!(listed, [Scope::StockRead, Scope::Reserve]);
        assert!(!scopes.contains(Scope::Admin));
        assert!(Scopes::default().is_empty());
    }

    #[test]
    fn a_secret_is_told_as_text_and_kept_as_its_hash() {
        let secret = Secret::from_random([0xab; 32]);
        assert_eq!(secret.reveal(), format!("onh_{}", "ab".repeat(32)));
        assert_eq!(secret.hash(), hash_secret(secret.reveal()));
        assert_ne!(secret.hash(), Secret::from_random([0xac; 32]).hash());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn an_id_is_read_from_its_own_text_only() {
        for id in [TokenId(0), TokenId(0xfeed), TokenId(u128::MAX)] {
            assert_eq!(parse_id(&id_text(id)), Some(id));
        }
        let signed = format!("+{}", "0".repeat(31));
        for bad in ["", "feed", &"F".repeat(32), &"0".repeat(33), &signed] {
            assert_eq!(parse_id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_bound_to_locations_changes_stock_only_there() {
        let mut token = Token::from_environment("secret");
        assert!(token.may_change_stock_at("malmo"));
        token.grant.locations = Some([LocationId::parse("lund").unwrap()].into());
        assert!(token.may_change_stock_at("lund"));
        assert!(!token.may_change_stock_at("malmo"));
    }
}
