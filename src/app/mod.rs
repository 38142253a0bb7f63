//! The composition root: what is started in which order, and stopped in the reverse one.

pub mod recovery;
pub mod snapshots;
pub mod state;
pub mod trim;
pub mod verify;
