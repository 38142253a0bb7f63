//! What is asked: each file one kind of shopper, till or page, and the tally of what the answers
//! promised. It must not know how requests are paced.

pub mod day;
pub mod movements;
pub mod read;
pub mod reserve;

pub use day::Day;
pub use movements::Movements;
pub use read::Read;
pub use reserve::{Reserve, Want};
