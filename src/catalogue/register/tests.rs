//! The register's rules: what is created, changed, refused; when offers are due; and that replay
//! of any history gives the state that was live.

use proptest::prelude::*;

use super::*;
use crate::catalogue::command::Outcome;
use crate::catalogue::item::{ItemContent, Offer};
use crate::catalogue::location::{LocationContent, LocationKind};
use crate::catalogue::patch::{ItemPatch, LocationPatch, OfferPatch, Patch};
use crate::catalogue::record::CatalogueRecord;
use crate::catalogue::text::Text;
use crate::catalogue::token::Scope;
use crate::stock::{By, Currency, Money, Quantity};

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn priced(name: &str, offer: Option<(Option<i64>, Option<i64>)>) -> ItemContent {
    ItemContent {
        price: Some(Money::new(300.into(), Currency::parse("SEK").unwrap())),
        offer: offer.map(|(from, until)| Offer {
            amount: Quantity::from(240),
            from: from.map(at),
            until: until.map(at),
        }),
        ..ItemContent::named(text(name))
    }
}

fn put(sku: &str, content: ItemContent) -> ItemCommand {
    let sku = Sku::parse(sku).unwrap();
    ItemCommand {
        sku,
        change: ItemChange::Put(content),
    }
}

fn patch(sku: &str, patch: ItemPatch) -> ItemCommand {
    let sku = Sku::parse(sku).unwrap();
    ItemCommand {
        sku,
        change: ItemChange::Patch(patch),
    }
}

fn warehouse(name: &str) -> LocationCommand {
    LocationCommand {
        location: LocationId::parse(name).unwrap(),
        change: LocationChange::Put(LocationContent {
            name: text(name),
            kind: LocationKind::Warehouse,
            latitude: None,
            longitude: None,
            region: None,
        }),
    }
}

fn create(id: u128, scopes: &[Scope]) -> TokenCommand {
    let grant = TokenGrant {
        scopes: scopes.iter().copied().collect(),
        ..TokenGrant::all_scopes("till")
    };
    TokenCommand::Create {
        id: TokenId(id),
        hash: [id as u8; 32],
        grant,
    }
}

/// Decides and applies, as the service does.
fn write_item(register: &mut Register, command: ItemCommand, now: i64) -> Written<Item> {
    let written = register.decide_item(command, at(now)).unwrap();
    if written.outcome != Outcome::Unchanged {
        let event = CatalogueEvent::ItemPut(written.entity.clone());
        assert_eq!(register.apply(&event), Ok(true));
    }
    written
}

fn pointers(refusal: CatalogueRefusal) -> Vec<&'static str> {
    let CatalogueRefusal::Invalid(faults) = refusal else {
        panic!("{refusal:?} names no pointers");
    };
    faults.iter().map(|fault| fault.pointer).collect()
}

#[test]
fn an_item_is_created_updated_or_found_unchanged() {
    let mut register = Register::default();
    let first = write_item(&mut register, put("A", priced("Clogs", None)), 1);
    assert_eq!((first.outcome, first.entity.version), (Outcome::Created, 1));
    let same = write_item(&mut register, put("A", priced("Clogs", None)), 2);
    assert_eq!((same.outcome, same.entity.version), (Outcome::Unchanged, 1));
    assert_eq!(same.entity.updated_at, at(1));
    let renamed = ItemPatch {
        name: Some(text("Red clogs")),
        ..ItemPatch::default()
    };
    let other = write_item(&mut register, patch("A", renamed.clone()), 3);
    assert_eq!((other.outcome, other.entity.version), (Outcome::Updated, 2));
    assert_eq!(other.entity.updated_at, at(3));
    assert_eq!(other.entity.content.price, priced("Clogs", None).price);
    let again = write_item(&mut register, patch("A", renamed.clone()), 4);
    assert_eq!(again.outcome, Outcome::Unchanged);
    let unknown = register.decide_item(patch("B", renamed), at(5));
    let sku = Sku::parse("B").unwrap();
    assert_eq!(unknown, Err(CatalogueRefusal::UnknownItem(sku)));
}

impl ItemContent {
    fn with_decimals(self, decimals: u32) -> ItemContent {
        ItemContent { decimals, ..self }
    }
}

#[test]
fn decimals_are_raised_and_never_lowered() {
    let mut register = Register::default();
    let cloth = || ItemContent::named(text("Cloth"));
    write_item(&mut register, put("A", cloth().with_decimals(2)), 1);
    write_item(&mut register, put("A", cloth().with_decimals(3)), 2);
    for fewer in [0, 2] {
        let refused = register.decide_item(put("A", cloth().with_decimals(fewer)), at(3));
        assert_eq!(pointers(refused.unwrap_err()), ["/decimals"]);
    }
    let too_many = register.decide_item(put("B", cloth().with_decimals(7)), at(3));
    assert_eq!(pointers(too_many.unwrap_err()), ["/decimals"]);
}

#[test]
fn a_patch_that_makes_a_document_wrong_is_refused() {
    let mut register = Register::default();
    write_item(
        &mut register,
        put("A", priced("Clogs", Some((None, Some(9))))),
        1,
    );
    let without_price = ItemPatch {
        price: Patch::Clear,
        ..ItemPatch::default()
    };
    let refused = register.decide_item(patch("A", without_price), at(2));
    assert_eq!(pointers(refused.unwrap_err()), ["/offer"]);
    let late_start = ItemPatch {
        offer: Patch::Set(OfferPatch {
            from: Patch::Set(at(9)),
            ..OfferPatch::default()
        }),
        ..ItemPatch::default()
    };
    let refused = register.decide_item(patch("A", late_start), at(2));
    assert_eq!(pointers(refused.unwrap_err()), ["/offer/until"]);
}

#[test]
fn past_its_limits_the_register_takes_nothing_new_but_changes_what_is_there() {
    let limits = CatalogueLimits {
        items_max: 1,
        locations_max: 0,
        tokens_max: 0,
    };
    let mut register = Register::new(limits);
    write_item(&mut register, put("A", priced("Clogs", None)), 1);
    let full = |what, max| Err(CatalogueRefusal::Full { what, max });
    let second = put("B", priced("Clogs", None));
    let refused = register.decide_item(second, at(2)).map(drop);
    assert_eq!(refused, full("items", 1));
    write_item(&mut register, put("A", priced("Boots", None)), 2);
    let refused = register.decide_location(warehouse("w"), at(2)).map(drop);
    assert_eq!(refused, full("locations", 0));
    let refused = register.decide_token(create(7, &[Scope::Admin]), at(2));
    assert_eq!(refused.map(drop), full("tokens", 0));
}

#[test]
fn a_token_is_made_once_and_revoked_once() {
    let mut register = Register::default();
    let refused = register.decide_token(create(7, &[]), at(1));
    assert_eq!(pointers(refused.unwrap_err()), ["/scopes"]);
    let made = register.decide_token(create(7, &[Scope::Reserve]), at(1));
    let made = made.unwrap();
    assert!(made.entity.is_live() && made.entity.may(Scope::Reserve));
    register.apply(&made.entity.into()).unwrap();
    let revoke = || TokenCommand::Revoke(TokenId(7));
    let revoked = register.decide_token(revoke(), at(2)).unwrap();
    assert_eq!(revoked.entity.revoked_at, Some(at(2)));
    register.apply(&revoked.entity.into()).unwrap();
    let again = register.decide_token(revoke(), at(3));
    assert_eq!(again, Err(CatalogueRefusal::UnknownToken(TokenId(7))));
}

#[test]
fn offers_are_due_at_their_boundaries_and_told_once() {
    let mut register = Register::default();
    let content = priced("Clogs", Some((Some(100), Some(200))));
    write_item(&mut register, put("A", content), 1);
    write_item(
        &mut register,
        put("B", priced("Boots", Some((None, Some(150))))),
        1,
    );
    assert_eq!(register.next_offer_boundary(), Some(at(100)));
    assert!(register.due_offers(at(99), 9).is_empty());

    let began = register.due_offers(at(100), 9);
    assert_eq!((began.len(), began[0].version), (1, 2));
    let event = CatalogueEvent::OfferTurned(began[0].clone());
    assert_eq!(register.apply(&event), Ok(true));
    assert!(register.due_offers(at(100), 9).is_empty());

    // Both ended while nobody looked: one record each, and the limit holds.
    assert_eq!(register.due_offers(at(500), 1)[0].sku.as_str(), "B");
    for item in register.due_offers(at(500), 9) {
        assert_eq!(register.apply(&CatalogueEvent::OfferTurned(item)), Ok(true));
    }
    assert_eq!(register.next_offer_boundary(), None);
}

#[test]
fn a_withdrawn_offer_is_not_due() {
    let mut register = Register::default();
    let content = priced("Clogs", Some((Some(100), None)));
    write_item(&mut register, put("A", content), 1);
    write_item(&mut register, put("A", priced("Clogs", None)), 2);
    assert_eq!(register.next_offer_boundary(), None);
}

#[test]
fn replay_skips_what_is_known_and_refuses_a_gap() {
    let mut register = Register::default();
    let first = write_item(&mut register, put("A", priced("Clogs", None)), 1);
    assert_eq!(register.apply(&first.entity.clone().into()), Ok(false));
    let mut later = Item::clone(&first.entity);
    later.version = 3;
    let refused = register.apply(&Arc::new(later).into());
    let out_of_order = OutOfOrder {
        key: EntityKey::Item(Sku::parse("A").unwrap()),
        state: 1,
        record: 3,
    };
    assert_eq!(refused, Err(out_of_order));
}

#[test]
fn an_image_under_the_wrong_key_is_refused() {
    let mut register = Register::default();
    write_item(&mut register, put("A", priced("Clogs", None)), 1);
    let image = register
        .image(&EntityKey::Item(Sku::parse("A").unwrap()))
        .unwrap();
    let mut other = Register::default();
    assert!(other.load(b"i/B", &image).is_err());
    assert!(other.load(b"i/A", &image[..4]).is_err());
    assert_eq!(other.load(b"i/A", &image), Ok(()));
    assert_eq!(other.images(), register.images());
}

#[derive(Clone, Debug)]
enum Step {
    Item(ItemCommand),
    Location(LocationCommand),
    Token(TokenCommand),
    Wait(i64),
    Snapshot,
}

fn any_step() -> impl Strategy<Value = Step> {
    let boundary = || proptest::option::of(0i64..1000);
    let sku = || prop_oneof![Just("A"), Just("B"), Just("C")];
    let item = (
        sku(),
        "[a-c]",
        proptest::option::of((boundary(), boundary())),
    )
        .prop_map(|(sku, name, offer)| Step::Item(put(sku, priced(&name, offer))));
    let patched = (sku(), 0u32..4, any::<bool>()).prop_map(|(sku, decimals, archived)| {
        let change = ItemPatch {
            decimals: Some(decimals),
            archived: Some(archived),
            ..ItemPatch::default()
        };
        Step::Item(patch(sku, change))
    });
    let location = "[a-c]".prop_map(|name| Step::Location(warehouse(&name)));
    let moved = ("[a-c]", any::<bool>()).prop_map(|(name, is_store)| {
        let kind = LocationKind::ALL[usize::from(!is_store)];
        Step::Location(LocationCommand {
            location: LocationId::parse(&name).unwrap(),
            change: LocationChange::Patch(LocationPatch {
                kind: Some(kind),
                ..LocationPatch::default()
            }),
        })
    });
    let revoke = (0u128..20).prop_map(|id| Step::Token(TokenCommand::Revoke(TokenId(id))));
    prop_oneof![
        4 => item,
        2 => patched,
        1 => location,
        1 => moved,
        1 => Just(Step::Token(create(0, &[Scope::Reserve]))),
        1 => revoke,
        3 => (1i64..300).prop_map(Step::Wait),
        1 => Just(Step::Snapshot),
    ]
}

/// What a step brings about, as events; ids of new tokens count up.
fn events(register: &Register, step: Step, now: i64, ids: &mut u128) -> Vec<CatalogueEvent> {
    fn changed<T>(decided: Result<Written<T>, CatalogueRefusal>) -> Vec<CatalogueEvent>
    where
        CatalogueEvent: From<Arc<T>>,
    {
        let written = decided.ok().filter(|it| it.outcome != Outcome::Unchanged);
        written.into_iter().map(|it| it.entity.into()).collect()
    }
    match step {
        Step::Item(command) => changed(register.decide_item(command, at(now))),
        Step::Location(command) => changed(register.decide_location(command, at(now))),
        Step::Token(TokenCommand::Create { grant, .. }) => {
            *ids += 1;
            let id = TokenId(*ids);
            let hash = [0; 32];
            changed(register.decide_token(TokenCommand::Create { id, hash, grant }, at(now)))
        }
        Step::Token(command) => changed(register.decide_token(command, at(now))),
        Step::Wait(_) => {
            let due = register.due_offers(at(now), usize::MAX);
            due.into_iter().map(CatalogueEvent::OfferTurned).collect()
        }
        Step::Snapshot => Vec::new(),
    }
}

proptest! {
    #[test]
    fn replay_of_any_history_from_any_snapshot_gives_the_live_state(
        steps in proptest::collection::vec(any_step(), 0..60),
        cut in 0usize..60,
    ) {
        let mut live = Register::default();
        let (mut now, mut ids) = (0, 0);
        let mut history = Vec::new();
        let (mut snapshot, mut taken_at) = (BTreeMap::new(), 0);
        for step in steps {
            if let Step::Wait(millis) = step {
                now += millis;
            }
            if matches!(step, Step::Snapshot) {
                (snapshot, taken_at) = (live.images(), history.len());
            }
            for event in events(&live, step, now, &mut ids) {
                prop_assert_eq!(live.apply(&event), Ok(true));
                history.push(event);
            }
        }
        let boundaries = live.items().filter_map(|item| item.next_offer_boundary());
        prop_assert_eq!(boundaries.min(), live.next_offer_boundary());
        let mut replayed = Register::default();
        for (key, image) in &snapshot {
            replayed.load(key.to_string().as_bytes(), image).unwrap();
        }
        // Replay may start anywhere up to the snapshot: what it knows already is skipped.
        for event in &history[cut.min(taken_at)..] {
            let event = event.clone();
            let record = CatalogueRecord { at: at(now), by: By::default(), event };
            let read = CatalogueRecord::decode(&record.encode()[1..]).unwrap();
            replayed.apply(&read.event).unwrap();
        }
        prop_assert_eq!(replayed.images(), live.images());
        prop_assert_eq!(replayed.next_offer_boundary(), live.next_offer_boundary());
    }
}
