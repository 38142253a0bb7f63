//! The images of keys for a snapshot: of one at rest they are there, of one awake its host gives
//! them. It must not know where they go.

use tokio::sync::oneshot;

use super::call::{TakeImages, Taken, TakenLedger};
use super::directory::{Directory, Gone, hash};
use super::slots::Slot;
use crate::journal::Position;
use crate::stock::StockKey;

/// A key, its ledger's image and the position of the newest record in that.
pub type Imaged = (StockKey, Vec<u8>, Position);

impl Directory {
    /// The image of a key at rest.
    pub fn image_at_rest(&self, key: &StockKey) -> Option<Vec<u8>> {
        let image = self.slots.look(key.as_str(), |slot| match slot {
            Slot::Passive(passive) => Some(passive.image().to_vec()),
            Slot::Active(_) => None,
        });
        image.flatten()
    }

    /// The images of those of `keys` that ever had a record, and the position of the newest one in
    /// each.
    ///
    /// # Errors
    /// The thread of a key's host is gone, and the ledger with it: the process is stopping.
    pub async fn images(&self, keys: &[StockKey]) -> Result<Vec<Imaged>, Gone> {
        let mut images = Vec::with_capacity(keys.len());
        let mut by_host: Vec<Vec<StockKey>> = self.hosts.iter().map(|_| Vec::new()).collect();
        for key in keys {
            match self.image_at_rest(key) {
                Some(image) => images.push((key.clone(), image, Position::ZERO)),
                None => by_host[self.host_of(hash(key))].push(key.clone()),
            }
        }
        for (host, keys) in self.hosts.iter().zip(by_host) {
            if keys.is_empty() {
                continue;
            }
            let (reply, taken) = oneshot::channel();
            host.do_send(TakeImages { keys, reply });
            for Taken { key, ledger, last } in taken.await.map_err(|_| Gone)? {
                images.push((key, encoded(ledger).await, last));
            }
        }
        Ok(images)
    }
}

/// The image of what an actor gave.
async fn encoded(ledger: TakenLedger) -> Vec<u8> {
    match ledger {
        TakenLedger::Image(image) => image,
        TakenLedger::Copy(copy) => {
            let image = tokio::task::spawn_blocking(move || copy.image()).await;
            image.expect("a panic stops the process before this")
        }
    }
}
