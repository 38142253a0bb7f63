//! What each problem means, when it happens and what to do: the words of its page, one entry a
//! code. The compiler asks for the entry of a new code. It must not know how a page looks.

use super::problem::Code;

/// The words about one code. What stands between backquotes is written as code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What it says about the request.
    pub means: &'static str,
    /// When it happens.
    pub when: &'static str,
    /// What to do.
    pub act: &'static str,
}

impl Code {
    /// What it means and what to do.
    pub fn advice(self) -> Advice {
        match self {
            Code::InvalidRequest => INVALID_REQUEST,
            Code::Unauthorized => UNAUTHORIZED,
            Code::Forbidden => FORBIDDEN,
            Code::WrongChannel => WRONG_CHANNEL,
            Code::NotFound => NOT_FOUND,
            Code::MethodNotAllowed => METHOD_NOT_ALLOWED,
            Code::UnsupportedSubprotocol => UNSUPPORTED_SUBPROTOCOL,
            Code::UpgradeRequired => UPGRADE_REQUIRED,
            Code::BodyTooLarge => BODY_TOO_LARGE,
            Code::RateLimited => RATE_LIMITED,
            Code::Overloaded => OVERLOADED,
            Code::OutcomeUnknown => OUTCOME_UNKNOWN,
            Code::UnknownItem => UNKNOWN_ITEM,
            Code::UnknownLocation => UNKNOWN_LOCATION,
            Code::NotStocked => NOT_STOCKED,
            Code::NotReservable => NOT_RESERVABLE,
            Code::InvalidQuantity => INVALID_QUANTITY,
            Code::TooManyLines => TOO_MANY_LINES,
            Code::CurrencyMismatch => CURRENCY_MISMATCH,
            Code::PaymentMismatch => PAYMENT_MISMATCH,
            Code::IdempotencyMismatch => IDEMPOTENCY_MISMATCH,
            Code::IdempotencyInProgress => IDEMPOTENCY_IN_PROGRESS,
            Code::BackupInProgress => BACKUP_IN_PROGRESS,
            Code::InsufficientStock => INSUFFICIENT_STOCK,
            Code::WrongState => WRONG_STATE,
            Code::AlreadyConfirmed => ALREADY_CONFIRMED,
            Code::OverFulfilled => OVER_FULFILLED,
            Code::ReservationResolved => RESERVATION_RESOLVED,
            Code::ReservationExpired => RESERVATION_EXPIRED,
            Code::ReservationNotFound => RESERVATION_NOT_FOUND,
            Code::StaleVersion => STALE_VERSION,
            Code::IdReused => ID_REUSED,
            Code::NotEmpty => NOT_EMPTY,
            Code::PositionExpired => POSITION_EXPIRED,
        }
    }
}

const INVALID_REQUEST: Advice = Advice {
    means: "The request cannot be read as the contract says. Nothing happened.",
    when: "A member is missing, misspelt, unknown or of the wrong kind; a parameter or header is \
         out of bounds; the body is not JSON. `errors` names every fault with its place: a JSON \
         pointer into the body, a parameter or a header. With status 408: the body took longer \
         to arrive than the operator gives it (`http.body_ms_max`).",
    act: "Mend what `errors` names and send it again; after a 408 send it again as it was, or in \
         smaller parts over a slow line. Unknown members are refused on purpose: a \
         misspelt one would lose stock silently.",
};

const UNAUTHORIZED: Advice = Advice {
    means: "Nobody is known by what was sent, or nothing was.",
    when: "There is no `Authorization: Bearer` header where one is needed, it is malformed, or its \
         token is unknown or revoked.",
    act: "Send a token that is valid. Whoever has the scope `admin` makes one with `onhand token \
         create` or `POST /v1/tokens`. Do not repeat with the same token.",
};

const FORBIDDEN: Advice = Advice {
    means: "The token is valid, but this is not among what it may do.",
    when: "It lacks the scope that `detail` names, or it is bound to locations and the request \
         changes stock at another.",
    act: "Ask for a token with that scope or location. Repeating will not help.",
};

const WRONG_CHANNEL: Advice = Advice {
    means: "The body says another channel than the one the token is bound to.",
    when: "A till's token is bound to `store`, and the body says `web`.",
    act: "Leave `channel` out, so that the token's is taken, or use a token of that channel.",
};

const NOT_FOUND: Advice = Advice {
    means: "The path leads to nothing.",
    when: "The path is misspelt, or names a token or a page that is not there.",
    act: "Compare the path with the API's pages at `/docs`. Percent-encode what stands between \
         slashes.",
};

const METHOD_NOT_ALLOWED: Advice = Advice {
    means: "There is something at this path, but it does not take this method.",
    when: "For instance a `POST` where only `GET` and `PUT` fit.",
    act: "Use one of the methods in `allow`, which the header `Allow` names too.",
};

const UNSUPPORTED_SUBPROTOCOL: Advice = Advice {
    means: "The handshake offers subprotocols, and none of them is spoken here.",
    when: "A client of something else was pointed at `/v1/feed`.",
    act: "Offer `onhand.v1` in `Sec-WebSocket-Protocol`, or nothing. The frames are described at \
         `/docs/feed`.",
};

const UPGRADE_REQUIRED: Advice = Advice {
    means: "A WebSocket is opened here; the request is no handshake.",
    when: "`/v1/feed` was asked as a page is, or a proxy in front took the headers `Upgrade` and \
         `Connection` away.",
    act: "Open it with a WebSocket client, over HTTP/1.1 up to here. Who only listens can use \
         `/v1/feed/events`.",
};

const BODY_TOO_LARGE: Advice = Advice {
    means: "The body has more bytes than are read. Nothing happened.",
    when: "A batch is too big: bodies end at 1 MiB unless the operator says otherwise \
         (`http.body_bytes_max`).",
    act: "Send smaller batches. Ids make it safe to split one and to repeat a part.",
};

const RATE_LIMITED: Advice = Advice {
    means: "Too many requests came from this address without a token, or with this token. Nothing \
         happened.",
    when: "A page asks far more often than a shopper clicks, many clients share one address, or \
         the operator limits tokens as well (`http.token_requests_per_second_max`). `detail` says \
         which was counted.",
    act: "Wait as long as `Retry-After` says. Back ends should send a token. Behind a proxy the \
         operator must set `http.behind_proxy`, or all shoppers count as one address.",
};

const OVERLOADED: Advice = Advice {
    means: "There is more to do than can wait in line. Nothing happened.",
    when: "A key's mailbox, the journal's queue or a bound of the node is full, or the node is \
         stopping.",
    act: "Wait as long as `Retry-After` says, then send the same again. Widen the wait each time.",
};

const OUTCOME_UNKNOWN: Advice = Advice {
    means: "It may have happened or not.",
    when: "The disk did not confirm in time, or the journal failed and the process stops.",
    act: "Send the same again with the same Idempotency-Key or movement ids: if it happened you \
         get its answer, if not it happens now. Never send it under a new key or id.",
};

const UNKNOWN_ITEM: Advice = Advice {
    means: "No item has this SKU.",
    when: "It is misspelt, or the catalogue has not been told of it yet. 404 where the path names \
         it, 422 where a body does.",
    act: "Check the SKU, or put the item first: `PUT /v1/items/{sku}`.",
};

const UNKNOWN_LOCATION: Advice = Advice {
    means: "No location has this name.",
    when: "It is misspelt, or the catalogue has not been told of it yet. 404 where the path names \
         it, 422 where a body does.",
    act: "Check the name, or put the location first: `PUT /v1/locations/{location}`.",
};

const NOT_STOCKED: Advice = Advice {
    means: "Item and location are known, but this item was never stocked there.",
    when: "Nothing was ever received, counted or set at this SKU and location, or stocking it was \
         stopped.",
    act: "Record a receipt or a count there, or ask for another location. 404 where the path names \
         it.",
};

const NOT_RESERVABLE: Advice = Advice {
    means: "The item can be looked at but not reserved.",
    when: "The item says `reservable: false`, or it is archived.",
    act: "Do not offer it for sale, or change the item.",
};

const INVALID_QUANTITY: Advice = Advice {
    means: "The quantity does not fit the item.",
    when: "It is not a number, is zero or negative where that makes no sense, has more than 15 \
         significant digits or more decimals than the item allows.",
    act: "Send a quantity with at most the item's `decimals`. A string such as `\"0.250\"` keeps \
         its digits where floating point would not.",
};

const TOO_MANY_LINES: Advice = Advice {
    means: "The reservation has no line, or more than it may have.",
    when: "A basket has more than 100 lines (`stock.lines_max`).",
    act: "Split it into several reservations.",
};

const CURRENCY_MISMATCH: Advice = Advice {
    means: "Prices or payments in different currencies came together.",
    when: "Items of one reservation are priced in different currencies, or a payment is in another \
         than the total.",
    act: "Reserve per currency, and pay in the currency of `total`.",
};

const PAYMENT_MISMATCH: Advice = Advice {
    means: "The payments do not sum to the total and the adjustments.",
    when: "A shipping fee, a voucher or a rounding is missing among `adjustments`, or a price \
         changed between page and basket.",
    act: "Compare with `total` of the reservation; send what differs as an adjustment with its \
         label.",
};

const IDEMPOTENCY_MISMATCH: Advice = Advice {
    means: "This Idempotency-Key was used with another body.",
    when: "A key was made from something that is not unique to the request, such as a basket that \
         changed since.",
    act: "Use a new key for each new intent, and the same key only to repeat the same request.",
};

const IDEMPOTENCY_IN_PROGRESS: Advice = Advice {
    means: "A request with this Idempotency-Key still runs.",
    when: "The client gave up waiting and repeated at once, or sent it twice.",
    act: "Wait as long as `Retry-After` says and send the same again: it gives the first answer.",
};

const BACKUP_IN_PROGRESS: Advice = Advice {
    means: "Somebody else is taking a backup, and only one is taken at a time.",
    when: "A backup reads everything there is and keeps history from being trimmed, so another \
         has to wait; it takes seconds or minutes.",
    act: "Wait as long as `Retry-After` says and ask again. A client that takes nothing of its \
         backup for long is dropped, so this does not last.",
};

const INSUFFICIENT_STOCK: Advice = Advice {
    means: "There is not enough to sell. Nothing was taken.",
    when: "Others hold or bought it. `shortages` names every short line, with what is available.",
    act: "Offer less, another location, or reserve with `partial` to take what there is. Repeating \
         helps only if another shopper's hold ends.",
};

const WRONG_STATE: Advice = Advice {
    means: "The call does not fit the state the reservation is in, which is in `state`.",
    when: "For instance extending or releasing one that is confirmed, or handing over one that is \
         not.",
    act: "Confirm before handing over; cancel, not release, what is confirmed.",
};

const ALREADY_CONFIRMED: Advice = Advice {
    means: "It was confirmed before, with other content.",
    when: "Two checkouts ran for one basket, or the payment changed between two tries. What is \
         stored is in `reservation`.",
    act: "Look at what is stored. If it is what was meant, go on; if not, cancel it and begin \
         anew.",
};

const OVER_FULFILLED: Advice = Advice {
    means: "More would be handed over or cancelled than is left.",
    when: "A part was handed over twice. `lines` names every such line, with what remains.",
    act: "Read the reservation and hand over what remains. Send an Idempotency-Key, so that a \
         repetition is not a second part.",
};

const RESERVATION_RESOLVED: Advice = Advice {
    means: "The reservation came to its end before; how, is in `state`.",
    when: "It was fulfilled, released or cancelled by another call, or used up at a till.",
    act: "Nothing is held any more. Place a new reservation if it is still wanted.",
};

const RESERVATION_EXPIRED: Advice = Advice {
    means: "Its time ran out, and its stock can be sold again.",
    when: "It was neither confirmed nor extended before `expires_at`.",
    act: "Place it anew, or confirm with `reclaim: true`, which takes the lines again at the \
         prices they had if there still is enough.",
};

const RESERVATION_NOT_FOUND: Advice = Advice {
    means: "No reservation has this id.",
    when: "The id is misspelt, or it came to its end more than a day ago and was forgotten.",
    act: "Check the id. The event stream tells what became of older ones.",
};

const STALE_VERSION: Advice = Advice {
    means: "On hand changed since the version the count speaks of. Nothing was counted.",
    when: "A sale or a receipt came between looking and counting, and \
         `expected_version` asks to be told.",
    act: "Read the stock again, compare, and send the count with the new version.",
};

const ID_REUSED: Advice = Advice {
    means: "This movement id was used for another movement.",
    when: "A till's numbering began again, or two tills share a token and a numbering.",
    act: "Give each movement an id of its own, for instance till, day and number. The first \
         movement stands.",
};

const NOT_EMPTY: Advice = Advice {
    means: "The key still has stock or promises, so it cannot be dropped.",
    when: "On hand is not zero, something is held or committed, or work between keys is not yet \
         settled.",
    act: "Count or transfer it to zero, end its reservations, then ask again.",
};

const POSITION_EXPIRED: Advice = Advice {
    means: "The event stream no longer goes back to this position.",
    when: "A reader was away for longer than history is kept (30 days, `journal.history_days`), or \
         the data was restored from a copy and has a new epoch.",
    act: "Read everything anew from the lists, and go on from the `position` they tell. `earliest` \
         is the oldest that is kept.",
};
