//! Scenarios as text, one command a line, at one key:
//!
//! ```text
//! @60  sale s1 3 of=r occurred=20 -> oversold used=2 on_hand=-1 shortfall=4
//! ```
//!
//! `@60` sets the time, in seconds from the beginning; all times are such. What follows `->` is
//! what is to come of it: a refusal (`refused=code`), exactly these flags of a movement
//! (`duplicate`, `oversold`, `absorbed`), and any figures afterwards. Lines of a reservation are
//! joined by `+`: `place r 2+3` has two at the same key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bench::{BEGIN, Bench, at, change, id, key, line, money, movement, place, quantity};
use crate::stock::command::NewLine;
use crate::stock::reservation::{Adjustment, Payment};
use crate::stock::{
    Answer, Change, Command, Confirmation, Movement, MovementKind, Quantity, Refusal, Reservation,
    StockKey,
};

/// Runs a scenario at a new key and compares every line with what it expects.
pub fn check(scenario: &str) -> Bench {
    let mut bench = Bench::new("A@X");
    for text in scenario.lines().map(str::trim) {
        if !text.is_empty() {
            run_line(&mut bench, text);
        }
    }
    bench.reopen();
    bench
}

fn run_line(bench: &mut Bench, text: &str) {
    let (order, expected) = text.split_once("->").unwrap_or((text, ""));
    let mut words: Vec<&str> = order.split_whitespace().collect();
    if let Some(seconds) = words[0].strip_prefix('@') {
        bench.now = at(seconds.parse().unwrap());
        words.remove(0);
    }
    let (options, plain): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| word.contains('='));
    let options = pairs(&options);
    let command = command(bench.ledger.key(), &plain, &options);
    let outcome = bench.run(&command);
    let expected: Vec<&str> = expected.split_whitespace().collect();
    let found = Found {
        outcome: &outcome,
        bench,
        reservation: plain.get(1).copied().unwrap_or_default(),
    };
    let refused = expected.iter().any(|word| word.starts_with("refused="));
    if let Err(refusal) = &outcome {
        assert!(refused, "{text:?} was refused: {refusal:?}");
    }
    let flags = expected.iter().filter(|word| !word.contains('='));
    let flags: Vec<&str> = flags.copied().collect();
    assert_eq!(found.flags(), flags, "the flags of {text:?}");
    for (name, value) in pairs(&expected) {
        assert_eq!(found.figure(name), value, "{name} after {text:?}");
    }
}

fn pairs<'a>(words: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    words
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect()
}

fn command(here: &StockKey, plain: &[&str], options: &BTreeMap<&str, &str>) -> Command {
    let name = plain.get(1).copied().unwrap_or_default();
    let amount = plain.get(2).copied();
    let change = |what| change(name, what);
    let seconds = |option: &str| options.get(option).map(|text| text.parse::<i64>().unwrap());
    let ttl_ms = seconds("ttl").unwrap_or(600) * 1000;
    match plain[0] {
        "place" => {
            let confirm = plain.contains(&"confirm").then(|| confirmation(options));
            change(Change::Place(Box::new(crate::stock::command::Place {
                ttl_ms,
                partial: plain.contains(&"partial"),
                confirm,
                ..place(name, lines(here, amount, options))
            })))
        }
        "lines" => change(Change::ReplaceLines(lines(here, amount, options))),
        "extend" => change(Change::Extend { ttl_ms }),
        "confirm" | "reclaim" => change(Change::Confirm {
            confirmation: confirmation(options),
            reclaim: plain[0] == "reclaim",
        }),
        "fulfil" => change(Change::Fulfil(parts(here, amount))),
        "cancel" => change(Change::Cancel(parts(here, amount))),
        "release" => change(Change::Release),
        "safety" => Command::SetSafetyStock(quantity(plain[1])),
        "stop" => Command::Stop,
        "touch" => Command::Touch,
        _ => Command::Move(moved(plain, options)),
    }
}

fn moved(plain: &[&str], options: &BTreeMap<&str, &str>) -> Movement {
    let time = |option: &str| options.get(option).map(|text| at(text.parse().unwrap()));
    let kind = match plain[0] {
        "receipt" => MovementKind::Receipt,
        "sale" => MovementKind::Sale {
            reservation: options.get("of").map(|name| id(name).to_string().into()),
        },
        "return" => MovementKind::Return {
            damaged: plain.contains(&"damaged"),
        },
        "adjust" => MovementKind::Adjustment { reason: None },
        "count" => MovementKind::Count {
            counted_at: time("counted"),
            expected_version: options
                .get("expected")
                .map(|version| version.parse().unwrap()),
        },
        "transfer" => MovementKind::Transfer {
            to: key(options["to"]),
        },
        "arrival" => MovementKind::Arrival {
            from: key(options["from"]),
        },
        other => panic!("{other:?} is no command"),
    };
    Movement {
        occurred_at: time("occurred"),
        ..movement(plain[1], kind, plain[2])
    }
}

fn lines(here: &StockKey, amounts: Option<&str>, options: &BTreeMap<&str, &str>) -> Vec<NewLine> {
    let mut lines: Vec<NewLine> = amounts
        .unwrap()
        .split('+')
        .map(|amount| line(here, amount))
        .collect();
    let references = options.get("refs").into_iter().flat_map(|r| r.split('+'));
    for (line, reference) in lines.iter_mut().zip(references) {
        line.line = Some(reference.into());
    }
    let prices = options.get("prices").into_iter().flat_map(|p| p.split('+'));
    for (line, price) in lines.iter_mut().zip(prices) {
        line.unit_price = Some(priced(price));
    }
    lines
}

fn priced(text: &str) -> crate::stock::Money {
    let (amount, currency) = text.split_at(text.len() - 3);
    money(amount, currency)
}

/// `pay=20SEK+5SEK extra=-5+2.50 order=o until=60`
fn confirmation(options: &BTreeMap<&str, &str>) -> Confirmation {
    let payment = |text: &str| Payment {
        method: "card".into(),
        reference: "p".into(),
        money: priced(text),
    };
    let adjustment = |text: &str| Adjustment {
        label: "extra".into(),
        amount: quantity(text),
    };
    let extra = options.get("extra").into_iter().flat_map(|e| e.split('+'));
    Confirmation {
        payments: options
            .get("pay")
            .map(|pay| pay.split('+').map(payment).collect()),
        adjustments: extra.map(adjustment).collect(),
        fulfilment: None,
        order: options.get("order").map(|order| Arc::from(*order)),
        expires_at: options.get("until").map(|until| at(until.parse().unwrap())),
    }
}

fn parts(here: &StockKey, amounts: Option<&str>) -> Option<Vec<(StockKey, Quantity)>> {
    let part = |amount| (here.clone(), quantity(amount));
    amounts.map(|amounts| amounts.split('+').map(part).collect())
}

/// What came of a line.
struct Found<'a> {
    outcome: &'a Result<Answer, Refusal>,
    bench: &'a Bench,
    reservation: &'a str,
}

impl Found<'_> {
    fn flags(&self) -> Vec<&'static str> {
        let (names, set) = match self.outcome {
            Ok(Answer::Moved {
                duplicate,
                oversold,
                absorbed,
                ..
            }) => (
                ["duplicate", "oversold", "absorbed"],
                [*duplicate, *oversold, *absorbed],
            ),
            _ => return Vec::new(),
        };
        let set = names.into_iter().zip(set);
        set.filter_map(|(name, set)| set.then_some(name)).collect()
    }

    fn figure(&self, name: &str) -> String {
        let level = self.bench.ledger.level();
        match name {
            "refused" => code(self.outcome),
            "used" => match self.outcome {
                Ok(Answer::Moved { used, .. }) => text(used.as_ref()),
                other => panic!("{other:?} is no movement"),
            },
            "on_hand" => level.on_hand.to_string(),
            "held" => level.held.to_string(),
            "committed" => level.committed.to_string(),
            "safety" => level.safety_stock.to_string(),
            "available" => level.available().to_string(),
            "shortfall" => level.shortfall().to_string(),
            "stocked" => level.stocked.to_string(),
            "status" => format!("{:?}", level.status(self.bench.rules.limited_max)),
            "version" => level.version.to_string(),
            "public" => level.public_version.to_string(),
            "due" => text(level.deadline.map(seconds).as_ref()),
            other => self.of_reservation(other),
        }
    }

    fn of_reservation(&self, name: &str) -> String {
        let (id, here) = (id(self.reservation), self.bench.ledger.key());
        let Some(reservation) = self.bench.ledger.reservation(id) else {
            assert_eq!(name, "state", "{name} of nothing");
            return "forgotten".to_owned();
        };
        let each = |of: &dyn Fn(usize) -> String| {
            let lines = 0..reservation.lines.len();
            lines.map(of).collect::<Vec<_>>().join("+")
        };
        match name {
            "state" => reservation.state.name().to_owned(),
            "revision" => reservation.revision.to_string(),
            "deadline" => text(reservation.deadline.map(seconds).as_ref()),
            "left" => reservation.remaining(here).to_string(),
            "total" => reservation.total().unwrap().to_string(),
            "quantities" => each(&|line| reservation.lines[line].quantity.to_string()),
            "requested" => each(&|line| text(reservation.lines[line].requested.as_ref())),
            "prices" => each(&|line| reservation.lines[line].unit_price.unwrap().to_string()),
            "cancelled" => each(&|line| reservation.lines[line].cancelled.to_string()),
            "fulfilled" => each(&|line| reservation.fulfilled_by_line()[line].to_string()),
            other => panic!("{other:?} is no figure"),
        }
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or("none".to_owned(), ToString::to_string)
}

fn seconds(time: crate::stock::Timestamp) -> i64 {
    (time.as_millis() - BEGIN.as_millis()) / 1000
}

/// A refusal in a word, with what it says more: shortages as requested:available.
pub fn code(outcome: &Result<Answer, Refusal>) -> String {
    let Err(refusal) = outcome else {
        return "nothing".to_owned();
    };
    let short = |shortages: &[crate::stock::Shortage]| {
        let each = shortages
            .iter()
            .map(|one| format!("{}:{}", one.requested, one.available));
        each.collect::<Vec<_>>().join(",")
    };
    match refusal {
        Refusal::InsufficientStock(shortages) => format!("insufficient:{}", short(shortages)),
        Refusal::NotStocked => "not_stocked".into(),
        Refusal::NotEmpty => "not_empty".into(),
        Refusal::OutOfRange => "out_of_range".into(),
        Refusal::StaleVersion => "stale_version".into(),
        Refusal::IdReused => "id_reused".into(),
        Refusal::IdempotencyMismatch => "idempotency_mismatch".into(),
        Refusal::ReservationNotFound => "not_found".into(),
        Refusal::WrongState(state) => format!("wrong_state:{}", state.name()),
        Refusal::ReservationResolved(state) => format!("resolved:{}", state.name()),
        Refusal::ReservationExpired => "expired".into(),
        Refusal::AlreadyConfirmed(stored) => format!("already_confirmed:{}", order(stored)),
        Refusal::OverFulfilled(shortages) => format!("over_fulfilled:{}", short(shortages)),
        Refusal::PaymentMismatch { paid, due, .. } => format!("payment_mismatch:{paid}:{due}"),
        Refusal::CurrencyMismatch | Refusal::ForeignPayments(_) => "currency_mismatch".into(),
        Refusal::Full(what) => format!("full:{}", what.replace(' ', "_")),
        Refusal::Superseded => "superseded".into(),
        Refusal::TooLate => "too_late".into(),
    }
}

fn order(stored: &Reservation) -> String {
    let confirmation = stored.confirmation.as_ref().unwrap();
    text(confirmation.order.as_ref())
}
