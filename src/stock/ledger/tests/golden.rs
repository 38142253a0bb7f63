//! The bytes that later releases must read: a record of every kind of event, and an image with
//! something in each of its parts. A line of the files is a name and bytes in hexadecimal.
//!
//! When a format is extended, the old lines stay as they are and new ones are added.

use std::fmt::Write;
use std::sync::Arc;

use super::bench::{
    Bench, at, change, id, key, line, money, movement, place, quantity, sale, under,
};
use crate::stock::cause::TokenId;
use crate::stock::command::{Acknowledgements, Idempotency, Place};
use crate::stock::event::Cause;
use crate::stock::hold::{Grant, Prepared};
use crate::stock::movement::{Moved, MovementId, MovementKind};
use crate::stock::reservation::{Adjustment, Fulfilment, Payment, Share};
use crate::stock::{
    By, Change, Channel, Command, Confirmation, Event, Ledger, Level, Line, Movement, Quantity,
    Reservation, State, StockRecord,
};

#[test]
fn every_kind_of_record_is_read_and_written_as_ever() {
    let golden = read(include_str!("golden/records.hex"));
    let mut written = String::new();
    for (name, record) in records() {
        let bytes = postcard::to_stdvec(&record).unwrap();
        writeln!(written, "{name} {}", hex(&bytes)).unwrap();
        if let Some((_, golden)) = golden.iter().find(|(known, _)| *known == name) {
            let read: StockRecord = postcard::from_bytes(golden).unwrap();
            assert_eq!(read, record, "{name} is read as something else");
        }
    }
    let known = include_str!("golden/records.hex");
    assert!(written == known, "the bytes of records are now:\n{written}");
}

#[test]
fn an_image_is_read_and_written_as_ever() {
    let text = include_str!("golden/image.hex");
    let ledger = ledger();
    let [(_, old), (_, new)] = &read(text)[..] else {
        panic!("one image of each version");
    };
    let written = hex(&ledger.image());
    assert!(
        written == hex(new),
        "the bytes of the image are now:\n{written}"
    );
    assert_eq!(Ledger::from_image_1(key("A@X"), old).unwrap(), ledger);
    assert_eq!(Ledger::from_image(key("A@X"), new).unwrap(), ledger);
    assert_eq!(Ledger::level_of_image(new).unwrap(), *ledger.level());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(text: &str) -> Vec<(&str, Vec<u8>)> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).unwrap();
        u8::from_str_radix(pair, 16).unwrap()
    };
    text.lines()
        .map(|line| {
            let (name, hex) = line.split_once(' ').unwrap();
            (name, hex.as_bytes().chunks(2).map(byte).collect())
        })
        .collect()
}

/// One record for each variant of whatever a record may hold.
fn records() -> Vec<(String, StockRecord)> {
    let mut records: Vec<(String, StockRecord)> = Vec::new();
    for event in events() {
        let name = name(&event);
        let count = records.iter().filter(|(n, _)| n.starts_with(name)).count();
        records.push((format!("{name}-{}", count + 1), record(event)));
    }
    records
}

/// No wildcard: a new kind of event wants a line in the file.
fn name(event: &Event) -> &'static str {
    match event {
        Event::Moved(_) => "moved",
        Event::SafetyStockSet(_) => "safety-stock-set",
        Event::Stopped => "stopped",
        Event::Prepared { .. } => "prepared",
        Event::Abandoned { .. } => "abandoned",
        Event::Settled { .. } => "settled",
        Event::Reserved { .. } => "reserved",
        Event::Answered { .. } => "answered",
        Event::Denied { .. } => "denied",
        Event::Acknowledged(_) => "acknowledged",
    }
}

fn record(event: Event) -> StockRecord {
    let level = Level {
        stocked: true,
        on_hand: quantity("12.5"),
        held: 3.into(),
        committed: 2.into(),
        safety_stock: quantity("0.25"),
        version: 300,
        updated_at: at(60),
        public_version: 7,
        public_at: at(30),
        deadline: Some(at(600)),
    };
    StockRecord {
        key: key("A@X"),
        at: at(60),
        by: By {
            token: TokenId(0x0123_4567_89ab_cdef),
            channel: Channel::parse("marketplace:BOL").unwrap(),
        },
        events: vec![event],
        level,
        before: (quantity("7.25"), quantity("-1")),
        previous_movement: 299,
    }
}

fn events() -> Vec<Event> {
    let moved = movements().into_iter().map(|(kind, amount)| {
        Event::Moved(Moved {
            movement: Movement {
                occurred_at: Some(at(-5)),
                reference: Some("receipt 7".into()),
                ..movement("m", kind, amount)
            },
            delta: quantity(amount),
            oversold: true,
            absorbed: false,
            used: Some((id("r"), 1.into())),
        })
    });
    let reserved = causes().into_iter().zip(states()).map(|(cause, state)| {
        let idempotency = Some(Idempotency { key: 5, body: 6 });
        let reservation = Arc::new(reservation(state));
        Event::Reserved {
            reservation,
            cause,
            idempotency,
        }
    });
    moved.chain(reserved).chain(others()).collect()
}

fn movements() -> Vec<(MovementKind, &'static str)> {
    let reservation = Some(id("r").to_string().into());
    let reason = Some("shrinkage".into());
    let (counted_at, expected_version) = (Some(at(-9)), Some(299));
    let count = MovementKind::Count {
        counted_at,
        expected_version,
    };
    vec![
        (MovementKind::Receipt, "100"),
        (MovementKind::Sale { reservation }, "0.125"),
        (MovementKind::Return { damaged: true }, "1"),
        (MovementKind::Adjustment { reason }, "-2.5"),
        (count, "123456789012345"),
        (MovementKind::Transfer { to: key("A@Y") }, "4"),
        (MovementKind::Arrival { from: key("A@Z") }, "4"),
    ]
}

fn causes() -> [Cause; 10] {
    [
        Cause::Placed,
        Cause::LinesReplaced,
        Cause::Extended,
        Cause::Confirmed,
        Cause::HandedOver,
        Cause::Used,
        Cause::Released,
        Cause::Expired,
        Cause::Cancelled,
        Cause::Denied,
    ]
}

/// All states, beginning again until every cause has one.
fn states() -> impl Iterator<Item = State> {
    let all = [
        State::Held,
        State::Confirmed,
        State::Fulfilled,
        State::Released,
        State::Expired,
        State::Cancelled,
    ];
    all.into_iter().cycle()
}

fn confirmation() -> Confirmation {
    Confirmation {
        payments: Some(vec![Payment {
            method: "card".into(),
            reference: "p-1".into(),
            money: money("349.00", "SEK"),
        }]),
        adjustments: vec![Adjustment {
            label: "shipping".into(),
            amount: 49.into(),
        }],
        fulfilment: Some(Fulfilment {
            collect: true,
            location: Some("malmo".into()),
            reference: Some("f-1".into()),
        }),
        order: Some("o-1".into()),
        expires_at: Some(at(9_000)),
    }
}

fn reservation(state: State) -> Reservation {
    let line = Line {
        line: Some("1".into()),
        key: key("A@X"),
        quantity: 2.into(),
        requested: Some(3.into()),
        unit_price: Some(money("150", "SEK")),
        cancelled: quantity("0.5"),
    };
    let share = Share {
        key: key("A@X"),
        handed_over: 1.into(),
        till_used: quantity("0.25"),
    };
    Reservation {
        id: id("r"),
        lead: key("A@X"),
        revision: 4,
        state,
        lines: [line].into(),
        shares: [share].into(),
        deadline: Some(at(600)),
        ttl_ms: 600_000,
        by: By::onhand(),
        customer: Some("c-1".into()),
        reference: Some("cart-1".into()),
        metadata: Some("{\"gift\":true}".into()),
        confirmation: Some(Box::new(confirmation())),
        created_at: at(0),
        resolved_at: Some(at(60)),
    }
}

fn grant() -> Grant {
    Grant {
        revision: 3,
        granted: 4.into(),
        committed: true,
        handed_over: 1.into(),
        acknowledged: quantity("0.5"),
        deadline: Some(at(600)),
        closed: false,
    }
}

fn others() -> Vec<Event> {
    let reservation = id("r");
    let prepared = Prepared {
        revision: 4,
        granted: 6.into(),
        before: at(65),
    };
    vec![
        Event::SafetyStockSet(quantity("1.5")),
        Event::Stopped,
        Event::Prepared {
            reservation,
            lead: key("A@Y"),
            base: grant(),
            prepared,
        },
        Event::Abandoned { reservation },
        Event::Settled {
            reservation,
            grant: grant(),
        },
        Event::Answered {
            reservation,
            idempotency: Idempotency {
                key: u128::MAX,
                body: 1 << 100,
            },
        },
        Event::Denied {
            reservation,
            until: at(665),
        },
        Event::Acknowledged(Acknowledgements {
            settled: vec![(reservation, key("A@W"), 4)],
            arrived: vec![MovementId(9)],
        }),
    ]
}

/// A ledger with something in each part of its image: holds led here and elsewhere, prepared and
/// used; answers of now and then; movements, a denial, and a transfer on its way.
fn ledger() -> Ledger {
    let mut bench = Bench::stocked("A@X", "50");
    let count = MovementKind::Count {
        counted_at: Some(at(0)),
        expected_version: None,
    };
    let transfer = MovementKind::Transfer { to: key("A@Y") };
    let placed = Place {
        customer: Some("c-1".into()),
        ..place("mine", vec![line(&key("A@X"), "3"), line(&key("A@W"), "1")])
    };
    let placing = super::bench::raised(
        change("mine", Change::Place(Box::new(placed))),
        crate::stock::command::Raise {
            base_revision: 0,
            prepared: vec![(key("A@W"), 1.into())],
            before: at(5),
        },
    );
    let confirm = Change::Confirm {
        confirmation: Confirmation {
            payments: None,
            ..confirmation()
        },
        reclaim: false,
    };
    let theirs = |reservation, granted: u32| Command::Prepare {
        reservation,
        lead: key("A@Y"),
        base: Grant::default(),
        granted: granted.into(),
        partial: false,
        before: at(5),
    };
    let settled = Grant {
        revision: 1,
        granted: 2.into(),
        deadline: Some(at(600)),
        ..Grant::default()
    };
    let commands = [
        Command::Move(movement("count", count, "49.5")),
        Command::Move(movement("transfer", transfer, "4")),
        Command::SetSafetyStock(quantity("0.5")),
        under(placing, 1, 2),
        under(change("mine", confirm), 3, 4),
        theirs(id("theirs"), 2),
        Command::Settle(vec![(id("theirs"), settled)]),
        theirs(id("late"), 5),
        sale("till", "1", Some(id("theirs"))),
        Command::Inquire {
            reservation: id("nobody"),
            follower: key("A@W"),
            prepared: Some(1),
        },
    ];
    for command in &commands {
        bench.run(command).unwrap();
    }
    assert_eq!(bench.ledger.level().on_hand, quantity("44.5"));
    assert!(Quantity::ZERO < bench.ledger.level().committed);
    bench.ledger
}
