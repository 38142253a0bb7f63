//! What is sold, where, and who may ask: items with their prices, locations, tokens.
//!
//! Every change is a record in the journal, published only once it is durable, like a level.
//! Nothing here knows stock keys' figures, JSON or HTTP.

pub mod fault;
pub mod item;
pub mod location;
pub mod text;
pub mod token;

pub use fault::{CatalogueError, CatalogueRefusal, Fault};
pub use item::{Item, ItemContent, Offer};
pub use location::{Degrees, Location, LocationContent, LocationKind};
pub use token::{Scope, Scopes, Secret, Token, TokenGrant};
