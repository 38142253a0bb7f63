//! What is sold, where, and who may ask: items with their prices, locations, tokens.
//!
//! Every change is a record in the journal, published only once it is durable, like a level.
//! Nothing here knows stock keys' figures, JSON or HTTP.

pub mod command;
pub mod fault;
pub mod item;
pub mod location;
pub mod patch;
mod published;
pub mod record;
pub mod register;
mod registrar;
pub mod service;
pub mod text;
pub mod token;

pub use command::{
    ItemChange, ItemCommand, LocationChange, LocationCommand, Outcome, TokenCommand, Written,
};
pub use fault::{CatalogueError, CatalogueRefusal, Fault};
pub use item::{Item, ItemContent, Offer};
pub use location::{Degrees, Location, LocationContent, LocationKind};
pub use patch::{ItemPatch, LocationPatch, OfferPatch, Patch, PricePatch};
pub use published::CatalogueListener;
pub use record::{CatalogueCodecError, CatalogueEvent, CatalogueRecord, EntityKey};
pub use register::{CatalogueLimits, OutOfOrder, Register};
pub use service::{Catalogue, CatalogueConfig, ItemFilter, Page, Recovery};
pub use token::{Scope, Scopes, Secret, Token, TokenGrant};
