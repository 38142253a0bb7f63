//! Keys, actors, journal and recovery together, as one node has them: what the protocols promise
//! while callers hang up, keys go to rest, the disk breaks and the process is killed.

mod asking;
mod baskets;
mod bounds;
mod breaking_store;
mod disk_failure;
mod events;
mod expiry;
mod life_cycle;
mod recovery;
mod repetition;
mod rest;
mod storm;
mod test_node;
mod tills;
