//! Pins the catalogue's bytes on disk: a later release must read what this one wrote.

use super::*;
use crate::catalogue::item::{ItemContent, Offer};
use crate::catalogue::location::{Degrees, LocationContent, LocationKind};
use crate::catalogue::text::Text;
use crate::catalogue::token::{Scope, TokenGrant};
use crate::stock::{Channel, Currency, Money};

/// Every record below, one line of hexadecimal digits each.
const GOLDEN: &str = include_str!("../golden/records_v1.hex");

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn item() -> Item {
    Item {
        sku: Sku::parse("clogs-38").unwrap(),
        content: ItemContent {
            name: text("Red clogs 38"),
            unit: text("each"),
            decimals: 2,
            product: Some(text("red-clogs")),
            barcodes: vec![text("7350000000017")],
            attributes: [(text("colour"), text("red")), (text("size"), text("38"))].into(),
            price: Some(Money::new(
                "300.50".parse().unwrap(),
                Currency::parse("SEK").unwrap(),
            )),
            offer: Some(Offer {
                amount: 240.into(),
                from: Some(Timestamp::from_millis(1_800_000_000_000)),
                until: None,
            }),
            reservable: true,
            archived: false,
        },
        version: 3,
        updated_at: Timestamp::from_millis(1_790_000_000_000),
    }
}

fn location() -> Location {
    Location {
        location: LocationId::parse("malmo").unwrap(),
        content: LocationContent {
            name: text("Malmö"),
            kind: LocationKind::Warehouse,
            latitude: Some(Degrees("55.6059".parse().unwrap())),
            longitude: Some(Degrees("-13.0007".parse().unwrap())),
            region: Some(text("south")),
        },
        version: 1,
        updated_at: Timestamp::from_millis(-1),
    }
}

fn token() -> Token {
    Token {
        id: TokenId(u128::MAX - 1),
        grant: TokenGrant {
            name: text("till 3"),
            scopes: [Scope::StockWrite, Scope::Admin].into_iter().collect(),
            locations: Some([LocationId::parse("malmo").unwrap()].into()),
            channel: Some(Channel::parse("store").unwrap()),
            unit_price: true,
        },
        hash: [7; 32],
        created_at: Timestamp::from_millis(1),
        revoked_at: Some(Timestamp::from_millis(2)),
        version: 2,
    }
}

fn records() -> Vec<CatalogueRecord> {
    let events = [
        CatalogueEvent::ItemPut(item().into()),
        CatalogueEvent::OfferTurned(item().into()),
        CatalogueEvent::LocationPut(location().into()),
        CatalogueEvent::TokenPut(token().into()),
    ];
    let record = |event| CatalogueRecord {
        at: Timestamp::from_millis(1_790_000_000_000),
        by: By {
            token: TokenId(9),
            channel: Channel::default(),
        },
        event,
    };
    events.into_iter().map(record).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_of_a_record_never_change() {
    let written: Vec<_> = records()
        .iter()
        .map(|record| hex(&record.encode()))
        .collect();
    let golden: Vec<_> = GOLDEN.lines().collect();
    assert_eq!(written, golden, "now:\n{}", written.join("\n"));
}

#[test]
fn a_record_is_read_as_it_was_written() {
    for record in records() {
        let bytes = record.encode();
        assert_eq!(bytes[0], RECORD_TAG);
        assert_eq!(CatalogueRecord::decode(&bytes[1..]), Ok(record));
    }
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    let bytes = &records()[0].encode()[1..];
    assert_eq!(
        CatalogueRecord::decode(&[]),
        Err(CatalogueCodecError::Empty)
    );
    let mut newer = bytes.to_vec();
    newer[0] = 2;
    let refused = CatalogueRecord::decode(&newer);
    assert_eq!(refused, Err(CatalogueCodecError::Version(2)));
    let longer = [bytes, &[0, 0]].concat();
    let refused = CatalogueRecord::decode(&longer);
    assert_eq!(refused, Err(CatalogueCodecError::Trailing(2)));
    for end in 1..bytes.len() {
        let refused = CatalogueRecord::decode(&bytes[..end]);
        assert!(
            matches!(refused, Err(CatalogueCodecError::Damaged(_))),
            "{end}"
        );
    }
}

#[test]
fn an_entity_is_found_again_under_its_key() {
    for record in records() {
        let key = record.event.key();
        let bytes = key.to_string().into_bytes();
        assert_eq!(EntityKey::parse(&bytes), Ok(key));
    }
    for bad in ["", "i", "i/", "x/a", "t/zz", "l/a@b", "k/A@B"] {
        assert!(EntityKey::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
}
