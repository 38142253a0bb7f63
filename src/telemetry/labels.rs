//! The words that labels take. Each label is an enumeration, so that a metric has as many series
//! as there are words and no more: a SKU, a token or a path of a stranger can never become one.

/// A label with all its words.
pub trait Label: Copy + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every word it takes, in the order of their indexes.
    const ALL: &'static [Self];

    /// The word.
    fn text(self) -> &'static str;

    /// Its place in [`Label::ALL`].
    fn index(self) -> usize;
}

macro_rules! labels {
    ($(
        $(#[$doc:meta])*
        $name:ident as $label:literal { $($word:ident $text:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $text] $word,)*
        }

        impl Label for $name {
            const NAME: &'static str = $label;
            const ALL: &'static [$name] = &[$($name::$word,)*];

            fn text(self) -> &'static str {
                match self { $($name::$word => $text,)* }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}

labels! {
    /// What a command asks of a stock key.
    Kind as "kind" {
        Place "place",
        ReplaceLines "replace_lines",
        Extend "extend",
        Confirm "confirm",
        Fulfil "fulfil",
        Release "release",
        Cancel "cancel",
        Sale "sale",
        Receipt "receipt",
        Return "return",
        Adjustment "adjustment",
        Count "count",
        Transfer "transfer",
        SafetyStock "safety_stock",
        Stop "stop",
        Touch "touch",
        Ask "ask",
        Prepare "prepare",
        Abandon "abandon",
        Settle "settle",
        Inquire "inquire",
        ReportUse "report_use",
        Acknowledge "acknowledge",
    }

    /// What became of a command.
    Outcome as "outcome" {
        Recorded "recorded",
        Unchanged "unchanged",
        Refused "refused",
        Shed "shed",
        Skipped "skipped",
    }

    /// Why a command was refused: a business answer, nothing broke.
    Reason as "reason" {
        InsufficientStock "insufficient_stock",
        NotStocked "not_stocked",
        NotEmpty "not_empty",
        OutOfRange "out_of_range",
        StaleVersion "stale_version",
        IdReused "id_reused",
        IdempotencyMismatch "idempotency_mismatch",
        ReservationNotFound "reservation_not_found",
        WrongState "wrong_state",
        ReservationResolved "reservation_resolved",
        ReservationExpired "reservation_expired",
        AlreadyConfirmed "already_confirmed",
        OverFulfilled "over_fulfilled",
        PaymentMismatch "payment_mismatch",
        CurrencyMismatch "currency_mismatch",
        Full "full",
        Superseded "superseded",
        TooLate "too_late",
    }

    /// How a reservation came to its next revision.
    Revised as "change" {
        Placed "placed",
        LinesReplaced "lines_replaced",
        Extended "extended",
        Confirmed "confirmed",
        HandedOver "handed_over",
        Used "used",
        Released "released",
        Expired "expired",
        Cancelled "cancelled",
        Denied "denied",
    }

    /// How a hold came to its end.
    End as "end" {
        Fulfilled "fulfilled",
        Released "released",
        Expired "expired",
        Cancelled "cancelled",
    }

    /// How the feed reaches a client.
    Transport as "transport" {
        WebSocket "websocket",
        ServerSentEvents "sse",
    }

    /// Why a connection of the feed was not let in.
    Barred as "reason" {
        Total "total",
        Who "client",
        Origin "origin",
    }

    /// Whether work of the node's own was done.
    WorkResult as "result" {
        Done "done",
        Failed "failed",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check<L: Label>() {
        let words: BTreeSet<&str> = L::ALL.iter().map(|word| word.text()).collect();
        assert_eq!(words.len(), L::ALL.len(), "{} says a word twice", L::NAME);
        let indexes: Vec<usize> = L::ALL.iter().map(|word| word.index()).collect();
        assert_eq!(indexes, (0..L::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn every_word_of_a_label_is_its_own() {
        check::<Kind>();
        check::<Outcome>();
        check::<Reason>();
        check::<Revised>();
        check::<End>();
        check::<Transport>();
        check::<Barred>();
        check::<WorkResult>();
    }
}
