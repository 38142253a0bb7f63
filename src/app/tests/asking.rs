//! What shoppers, tills and clerks ask of a node under test, in few words.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::future::LocalBoxFuture;

use super::test_node::{TTL_MS, TestNode};
use crate::actors::{CallError, Reply, Reserved};
use crate::stock::command::{Idempotency, NewLine, Place};
use crate::stock::movement::MovementId;
use crate::stock::{
    Answer, By, Change, Command, Level, Movement, MovementKind, Quantity, Reservation,
    ReservationId, StockKey,
};

pub fn key(name: &str) -> StockKey {
    StockKey::parse(&format!("{name}@malmo")).unwrap()
}

pub fn q(quantity: u32) -> Quantity {
    Quantity::from(quantity)
}

pub fn lines(wanted: &[(&str, u32)]) -> Vec<NewLine> {
    let line = |(name, quantity): &(&str, u32)| NewLine {
        line: None,
        key: key(name),
        quantity: q(*quantity),
        unit_price: None,
    };
    wanted.iter().map(line).collect()
}

pub fn parts(parts: &[(&str, u32)]) -> Option<Vec<(StockKey, Quantity)>> {
    Some(parts.iter().map(|(name, n)| (key(name), q(*n))).collect())
}

/// A request's Idempotency-Key and body, both named by a number.
pub fn request(number: u128) -> Option<Idempotency> {
    Some(Idempotency {
        key: number,
        body: number,
    })
}

pub fn confirm(reclaim: bool) -> Change {
    Change::Confirm {
        confirmation: Default::default(),
        reclaim,
    }
}

/// A basket that is held for `ttl_ms`.
pub fn basket(id: ReservationId, wanted: &[(&str, u32)], ttl_ms: i64) -> Place {
    Place {
        id,
        lines: lines(wanted),
        ttl_ms,
        partial: false,
        customer: None,
        reference: None,
        metadata: None,
        confirm: None,
    }
}

/// Polls a call once: it is on its way then, or was answered.
pub async fn begun<T>(call: &mut LocalBoxFuture<'_, T>) -> Option<T> {
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

impl TestNode {
    pub fn by(&self) -> By {
        By::default()
    }

    /// A number nobody else has in this test.
    pub fn number(&self) -> u128 {
        self.next_number()
    }

    pub fn new_id(&self) -> ReservationId {
        ReservationId(self.number())
    }

    pub async fn call(&self, name: &str, command: Command) -> Result<Reply, CallError> {
        self.stock().call(&key(name), self.by(), command).await
    }

    pub fn movement(&self, kind: MovementKind, quantity: u32) -> Movement {
        Movement {
            id: MovementId(self.number()),
            name: "movement".into(),
            kind,
            quantity: q(quantity),
            occurred_at: None,
            reference: None,
        }
    }

    pub async fn moves(&self, name: &str, kind: MovementKind, quantity: u32) -> Reply {
        let movement = self.movement(kind, quantity);
        self.call(name, Command::Move(movement)).await.unwrap()
    }

    /// Puts stock on the shelves.
    pub async fn receive(&self, stock: &[(&str, u32)]) {
        for (name, quantity) in stock {
            self.moves(name, MovementKind::Receipt, *quantity).await;
        }
    }

    /// A till's sale of a reservation's goods; gives how much of the hold it used.
    pub async fn sell(&self, name: &str, quantity: u32, of: ReservationId) -> Quantity {
        let reservation = Some(of.to_string().into());
        let reply = self
            .moves(name, MovementKind::Sale { reservation }, quantity)
            .await;
        let Answer::Moved { used, .. } = reply.answer else {
            panic!("a sale answered {:?}", reply.answer)
        };
        used.expect("the sale names a reservation")
    }

    pub async fn place(&self, wanted: &[(&str, u32)]) -> Result<Arc<Reservation>, CallError> {
        self.hold(wanted, TTL_MS).await
    }

    pub async fn hold(
        &self,
        wanted: &[(&str, u32)],
        ttl_ms: i64,
    ) -> Result<Arc<Reservation>, CallError> {
        let place = basket(self.new_id(), wanted, ttl_ms);
        let reserved = self.stock().reserve(self.by(), place, None).await?;
        assert!(!reserved.replayed);
        Ok(reserved.reservation)
    }

    pub async fn change(
        &self,
        id: ReservationId,
        change: Change,
    ) -> Result<Arc<Reservation>, CallError> {
        let reserved = self.ask(id, change, None).await?;
        assert!(!reserved.replayed);
        Ok(reserved.reservation)
    }

    pub async fn ask(
        &self,
        id: ReservationId,
        change: Change,
        request: Option<Idempotency>,
    ) -> Result<Reserved, CallError> {
        self.stock().change(self.by(), id, change, request).await
    }

    pub async fn reservation(&self, id: ReservationId) -> Arc<Reservation> {
        self.stock().reservation(id).await.unwrap().unwrap()
    }

    /// The published figures, settled: on hand, held, committed.
    pub async fn figures(&self, name: &str) -> (Quantity, Quantity, Quantity) {
        let level = self.level(name).await;
        (level.on_hand, level.held, level.committed)
    }

    pub async fn level(&self, name: &str) -> Level {
        let level = self.stock().fresh_level(&key(name)).await.unwrap();
        level.unwrap()
    }

    /// Checks the figures of several keys: name, on hand, held, committed.
    #[track_caller]
    pub fn expects<'a>(
        &'a self,
        expected: &'a [(&'a str, u32, u32, u32)],
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            for (name, on_hand, held, committed) in expected {
                let figures = self.figures(name).await;
                let expected = (q(*on_hand), q(*held), q(*committed));
                assert_eq!(figures, expected, "{name} at {caller}");
            }
        }
    }
}

/// Polls a call so many times, then hangs up.
pub async fn hang_up_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if left <= 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
