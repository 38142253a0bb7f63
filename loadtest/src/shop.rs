//! The retailer of a run: its items, locations and opening stock, imported as any retailer would
//! import them. It must not know what is asked afterwards.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock;
use crate::request::Target;
use crate::server::Binary;

/// Items × locations, each pair a stock key with the same opening stock.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Items.
    pub items: u64,
    /// Locations.
    pub locations: u64,
    /// On hand at each key before the run.
    pub opening: u64,
}

/// The SKU of item `<7>`, as requests and files write it.
pub const SKU: &str = "lt-<7>";

/// The location `<4>`.
pub const LOCATION: &str = "store-<4>";

/// The start of every SKU of a run, so that others in the same server are let alone.
pub const SKU_PREFIX: &str = "lt-";

impl Shop {
    /// A shop of about `keys` stock keys over at most `locations`.
    pub fn of(keys: u64, locations: u64, opening: u64) -> Shop {
        let locations = locations.min(keys);
        Shop {
            items: keys / locations,
            locations,
            opening,
        }
    }

    /// Stock keys.
    pub fn keys(&self) -> u64 {
        self.items * self.locations
    }

    /// Item and location of a key: what goes into the slots of [`SKU`] and [`LOCATION`].
    pub fn slots(&self, key: u64) -> [u64; 2] {
        [key % self.items, key / self.items]
    }

    /// The key of these names; none if it is not the shop's.
    pub fn named(&self, sku: &str, location: &str) -> Option<u64> {
        let item = sku.strip_prefix("lt-")?.parse::<u64>().ok()?;
        let location = location.strip_prefix("store-")?.parse::<u64>().ok()?;
        let is_ours = item < self.items && location < self.locations;
        is_ours.then(|| location * self.items + item)
    }

    /// A key as the feed names it.
    pub fn feed_key(&self, key: u64) -> String {
        let [item, location] = self.slots(key);
        format!("lt-{item:07}@store-{location:04}")
    }

    /// Imports everything; gives how long the stock alone took.
    ///
    /// # Errors
    /// The server refuses a line.
    pub fn import(&self, binary: &Binary, target: &Target, folder: &Path) -> Result<Duration> {
        let mut items = String::from("sku,name,unit,decimals,price,currency\n");
        for item in 0..self.items {
            writeln!(items, "lt-{item:07},Clogs of kind {item},each,0,300.00,SEK")?;
        }
        let mut locations = String::from("location,name,kind\n");
        for location in 0..self.locations {
            writeln!(locations, "store-{location:04},Store {location},store")?;
        }
        let mut stock = String::from("sku,location,on_hand\n");
        for key in 0..self.keys() {
            let [item, location] = self.slots(key);
            let opening = self.opening;
            writeln!(stock, "lt-{item:07},store-{location:04},{opening}")?;
        }
        import(binary, target, folder, "items", &items)?;
        import(binary, target, folder, "locations", &locations)?;
        import(binary, target, folder, "stock", &stock)
    }
}

fn import(
    binary: &Binary,
    target: &Target,
    folder: &Path,
    sheet: &str,
    text: &str,
) -> Result<Duration> {
    let path = folder.join(format!("{sheet}.csv"));
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    let file = path.to_str().context("the folder's name")?;
    let url = format!("http://{}", target.address);
    let before = clock::now();
    binary.run(&[
        "import",
        sheet,
        file,
        "--url",
        &url,
        "--token",
        &target.token,
    ])?;
    let took = clock::now().saturating_duration_since(before);
    fs::remove_file(&path)?;
    Ok(took)
}
