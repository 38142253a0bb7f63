//! Where stock is: stores and warehouses. Knows no stock.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::text::Text;
use crate::stock::{LocationId, Quantity, Timestamp};

/// What people call a location.
pub type LocationName = Text<200>;
/// The part of the country, or of the organisation, it belongs to.
pub type Region = Text<64>;

/// The most decimals of a coordinate: a centimetre on the ground has 7.
pub const DEGREE_DECIMALS_MAX: u32 = 8;

/// A store or a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Which.
    pub location: LocationId,
    /// What the retailer says about it.
    pub content: LocationContent,
    /// Rises by one with each record of the location; the first is 1.
    pub version: u64,
    /// When its newest record was decided.
    pub updated_at: Timestamp,
}

/// What the retailer says about a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationContent {
    /// What people call it.
    pub name: LocationName,
    /// Whether shoppers walk in.
    pub kind: LocationKind,
    /// Degrees north of the equator; only together with the longitude.
    pub latitude: Option<Degrees>,
    /// Degrees east of Greenwich.
    pub longitude: Option<Degrees>,
    /// What it belongs to.
    pub region: Option<Region>,
}

/// What sort of place it is. The order of the variants is part of the disk format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LocationKind {
    /// Shoppers walk in.
    Store,
    /// Goods are only sent from here.
    Warehouse,
}

/// An angle in degrees, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Degrees(pub Quantity);

impl LocationKind {
    /// Every kind.
    pub const ALL: [LocationKind; 2] = [LocationKind::Store, LocationKind::Warehouse];

    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            LocationKind::Store => "store",
            LocationKind::Warehouse => "warehouse",
        }
    }

    /// Reads the word for it.
    pub fn parse(text: &str) -> Option<LocationKind> {
        LocationKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl LocationContent {
    /// Everything that is wrong with it; empty if nothing is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.latitude.is_some() && self.longitude.is_none() {
            faults.push(Fault::new("/longitude", "is required with a latitude"));
        }
        if self.longitude.is_some() && self.latitude.is_none() {
            faults.push(Fault::new("/latitude", "is required with a longitude"));
        }
        faults.extend(degrees_fault(self.latitude, 90, "/latitude"));
        faults.extend(degrees_fault(self.longitude, 180, "/longitude"));
        faults
    }
}

fn degrees_fault(degrees: Option<Degrees>, max: u32, pointer: &'static str) -> Option<Fault> {
    let Degrees(angle) = degrees?;
    let max = Quantity::from(max);
    if angle > max || angle < -max {
        return Some(Fault::new(pointer, format!("must be from -{max} to {max}")));
    }
    let detail = format!("may have at most {DEGREE_DECIMALS_MAX} decimals");
    (angle.decimals() > DEGREE_DECIMALS_MAX).then(|| Fault::new(pointer, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_come_in_pairs_and_within_the_globe() {
        let table = [
            (None, None, vec![]),
            (Some("55.6059"), Some("13.0007"), vec![]),
            (Some("-90"), Some("180"), vec![]),
            (Some("55.6"), None, vec!["/longitude"]),
            (None, Some("13"), vec!["/latitude"]),
            (
                Some("90.1"),
                Some("-180.5"),
                vec!["/latitude", "/longitude"],
            ),
            (Some("1.123456789"), Some("1"), vec!["/latitude"]),
        ];
        let degrees = |text: Option<&str>| text.map(|text| Degrees(text.parse().unwrap()));
        for (latitude, longitude, expected) in table {
            let content = LocationContent {
                name: LocationName::parse("Malmö").unwrap(),
                kind: LocationKind::Store,
                latitude: degrees(latitude),
                longitude: degrees(longitude),
                region: None,
            };
            let faults = content.faults();
            let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer).collect();
            assert_eq!(pointers, expected, "{latitude:?} {longitude:?}");
        }
    }

    #[test]
    fn a_kind_is_read_from_its_own_word() {
        for kind in LocationKind::ALL {
            assert_eq!(LocationKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(LocationKind::parse("Store"), None);
    }
}
