//! One ledger under test: runs commands at a time of its own, keeps the records, and checks
//! after each that the ledger is sound and comes back the same from its image and its records.

use std::sync::Arc;

use crate::stock::command::{Idempotency, Place, Raise};
use crate::stock::hold::Hold;
use crate::stock::ledger::EXPIRE_AT_ONCE_MAX;
use crate::stock::movement::MovementId;
use crate::stock::{
    Answer, By, Change, Command, Currency, Decision, Event, Ledger, LocationId, Money, Movement,
    MovementKind, Quantity, Refusal, Reservation, ReservationId, Rules, Sku, StockKey, StockRecord,
    Timestamp,
};

/// When every test begins.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// `seconds` after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    BEGIN.plus_millis(seconds * 1000)
}

pub fn key(text: &str) -> StockKey {
    let (sku, location) = text.split_once('@').unwrap();
    StockKey::new(
        &Sku::parse(sku).unwrap(),
        &LocationId::parse(location).unwrap(),
    )
}

pub fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// A name of up to 16 characters as the number it would be.
pub fn number(name: &str) -> u128 {
    name.bytes()
        .fold(0, |number, byte| number << 8 | u128::from(byte))
}

pub fn id(name: &str) -> ReservationId {
    ReservationId(number(name))
}

pub fn movement(name: &str, kind: MovementKind, amount: &str) -> Movement {
    Movement {
        id: MovementId(number(name)),
        name: name.into(),
        kind,
        quantity: quantity(amount),
        occurred_at: None,
        reference: None,
    }
}

pub fn receipt(name: &str, amount: &str) -> Command {
    Command::Move(movement(name, MovementKind::Receipt, amount))
}

pub fn sale(name: &str, amount: &str, of: Option<ReservationId>) -> Command {
    let reservation = of.map(|id| Arc::from(id.to_string()));
    Command::Move(movement(name, MovementKind::Sale { reservation }, amount))
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money::new(quantity(amount), Currency::parse(currency).unwrap())
}

pub fn line(key: &StockKey, amount: &str) -> crate::stock::command::NewLine {
    crate::stock::command::NewLine {
        line: None,
        key: key.clone(),
        quantity: quantity(amount),
        unit_price: None,
    }
}

/// A reservation held for ten minutes.
pub fn place(name: &str, lines: Vec<crate::stock::command::NewLine>) -> Place {
    Place {
        id: id(name),
        lines,
        ttl_ms: 600_000,
        partial: false,
        customer: None,
        reference: None,
        metadata: None,
        confirm: None,
    }
}

/// A change at its lead, with nothing prepared elsewhere.
pub fn change(name: &str, change: Change) -> Command {
    Command::Change {
        reservation: id(name),
        change,
        raise: None,
        uses: Vec::new(),
        idempotency: None,
    }
}

/// The same change, asked for under an Idempotency-Key.
pub fn under(command: Command, request: u128, body: u128) -> Command {
    let Command::Change {
        reservation,
        change,
        raise,
        uses,
        ..
    } = command
    else {
        panic!("only a change has an Idempotency-Key");
    };
    let idempotency = Some(Idempotency { key: request, body });
    Command::Change {
        reservation,
        change,
        raise,
        uses,
        idempotency,
    }
}

/// The same change, with what followers prepared.
pub fn raised(command: Command, raised: Raise) -> Command {
    let Command::Change {
        reservation,
        change,
        uses,
        idempotency,
        ..
    } = command
    else {
        panic!("only a change raises");
    };
    Command::Change {
        reservation,
        change,
        raise: Some(raised),
        uses,
        idempotency,
    }
}

/// A ledger, its time and its records.
pub struct Bench {
    pub ledger: Ledger,
    pub now: Timestamp,
    pub rules: Rules,
    pub records: Vec<StockRecord>,
    /// Before each command no more than it needs is recorded of what is due, one at once, as when
    /// far too much falls due in one moment. Otherwise all of it is.
    pub hurried: bool,
}

impl Bench {
    pub fn new(name: &str) -> Bench {
        Bench {
            ledger: Ledger::new(key(name)),
            now: BEGIN,
            rules: Rules::default(),
            records: Vec::new(),
            hurried: false,
        }
    }

    /// A ledger with so much on hand.
    pub fn stocked(name: &str, amount: &str) -> Bench {
        let mut bench = Bench::new(name);
        bench.run(&receipt("opening", amount)).unwrap();
        bench
    }

    /// Lets what is due happen, as an actor does before each command, and says what `command`
    /// would bring about.
    pub fn decide(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let most = if self.hurried { 1 } else { EXPIRE_AT_ONCE_MAX };
        loop {
            let mut due = self.ledger.due_before(command, self.now, most);
            if due.is_empty() && !self.hurried {
                due = self.ledger.due(self.now, most);
            }
            if due.is_empty() {
                break;
            }
            self.record(By::onhand(), due);
        }
        let before = self.ledger.clone();
        let decision = self
            .ledger
            .decide(&By::default(), command, self.now, &self.rules);
        assert_eq!(self.ledger, before, "to decide changes nothing");
        decision
    }

    /// Carries `command` out.
    pub fn run(&mut self, command: &Command) -> Result<Answer, Refusal> {
        match self.decide(command)? {
            Decision::Record(events, answer) => {
                self.record(By::default(), events);
                Ok(answer)
            }
            Decision::Nothing(answer) => Ok(answer),
            Decision::SettleFirst(inquiries) => panic!("{command:?} waits for {inquiries:?}"),
        }
    }

    /// Carries a change out and gives the reservation it answers with.
    pub fn change(&mut self, name: &str, what: Change) -> Result<Arc<Reservation>, Refusal> {
        self.run(&change(name, what)).map(|answer| shown(&answer))
    }

    fn record(&mut self, by: By, events: Vec<Event>) {
        let before = self.ledger.clone();
        let record = self.ledger.record(by, events, self.now, &self.rules);
        let position = self.records.len() as u64 + 1;
        self.ledger.note_position(&record, position);
        assert_step(&before, &record, &self.ledger);
        assert_sound(&self.ledger);
        self.records.push(record);
    }

    /// Comes back from the records alone, as after a crash.
    pub fn reopen(&mut self) {
        let mut replayed = Ledger::new(self.ledger.key().clone());
        for (index, record) in self.records.iter().enumerate() {
            assert_eq!(replayed.replay(record, index as u64 + 1), Ok(true));
        }
        assert_eq!(replayed, self.ledger, "replay gives what was live");
        self.ledger = replayed;
    }
}

/// The reservation that an answer shows.
pub fn shown(answer: &Answer) -> Arc<Reservation> {
    let Answer::Reservation { reservation, .. } = answer else {
        panic!("{answer:?} shows no reservation");
    };
    reservation.clone()
}

/// All that a key has promised: what remains of holds, and what raises set aside.
pub fn promised(ledger: &Ledger) -> Quantity {
    let live = ledger.holds().filter(|(_, hold)| is_live(ledger, hold));
    live.map(|(_, hold)| hold.remaining() + hold.tentative())
        .sum()
}

/// Whether the deadline of a hold that is led here is still to come, as of the newest record.
fn is_live(ledger: &Ledger, hold: &Hold) -> bool {
    let as_of = ledger.level().updated_at;
    hold.lead != *ledger.key() || hold.grant.deadline.is_none_or(|deadline| deadline > as_of)
}

/// What must be true between the states before and after one record.
pub fn assert_step(before: &Ledger, record: &StockRecord, after: &Ledger) {
    let (old, new) = (before.level(), after.level());
    assert_eq!(new.version, old.version + 1, "one record, one version");
    assert_eq!(*new, record.level, "a record carries the level it leads to");
    assert_eq!(record.before, (old.available(), old.shortfall()));
    assert!(new.updated_at >= old.updated_at && new.public_version >= old.public_version);
    if promised(after) > promised(before) {
        let sellable = (new.on_hand - new.safety_stock).or_zero();
        assert!(
            promised(after) <= sellable,
            "oversold: {:?} promises {} of {sellable}",
            record.events,
            promised(after),
        );
    }
}

/// What must be true of every state.
pub fn assert_sound(ledger: &Ledger) {
    let level = ledger.level();
    let side = |committed: bool| -> Quantity {
        let here = ledger
            .holds()
            .filter(|(_, hold)| hold.grant.committed == committed && is_live(ledger, hold));
        here.map(|(_, hold)| hold.remaining()).sum()
    };
    assert_eq!(
        level.held,
        side(false),
        "held is what remains of live holds"
    );
    assert_eq!(level.committed, side(true), "and committed of commitments");
    for (id, hold) in ledger.holds() {
        assert!(!hold.is_over(), "a hold with nothing left to say: {hold:?}");
        if hold.lead == *ledger.key() {
            let led = ledger.reservation(id).expect("what leads here is led here");
            assert_eq!(hold.grant, led.grant(ledger.key()));
        }
    }
    for reservation in ledger.reservations().filter(|one| one.state.is_live()) {
        let keeps = ledger
            .hold(reservation.id)
            .map_or(Quantity::ZERO, |hold| hold.remaining());
        assert_eq!(keeps, reservation.remaining(ledger.key()));
    }
    let image = ledger.image();
    let back = Ledger::from_image(ledger.key().clone(), &image).unwrap();
    assert_eq!(back, *ledger, "an image holds everything");
    assert_eq!(Ledger::level_of_image(&image).unwrap(), *level);
}
