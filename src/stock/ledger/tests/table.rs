//! The contract's table of calls and states: one test for each cell.

use super::script::check;

/// Ways to come to each state: a reservation `r` of 3 out of 10, two of one line, one of another.
const HELD: &str = "receipt a 10 \n place r 2+1";
const CONFIRMED: &str = "receipt a 10 \n place r 2+1 \n confirm r order=o";
const FULFILLED: &str = "receipt a 10 \n place r 2+1 \n confirm r order=o \n fulfil r";
const RELEASED: &str = "receipt a 10 \n place r 2+1 \n release r";
const EXPIRED: &str = "receipt a 10 \n place r 2+1 ttl=60 \n @60 touch";
const CANCELLED: &str = "receipt a 10 \n place r 2+1 \n confirm r order=o \n cancel r";

macro_rules! cells {
    ($($name:ident: $state:ident, $call:literal;)*) => {$(
        #[test]
        fn $name() {
            check(&format!("{}\n{}", $state, $call));
        }
    )*};
}

cells! {
    new_lines_replace_those_of_a_held_one:
        HELD, "@5 lines r 4 -> state=held held=4 quantities=4 revision=2 deadline=605";
    the_lines_of_a_confirmed_one_stay:
        CONFIRMED, "lines r 4 -> refused=wrong_state:confirmed committed=3";
    the_lines_of_a_fulfilled_one_stay:
        FULFILLED, "lines r 4 -> refused=resolved:fulfilled on_hand=7";
    the_lines_of_a_released_one_stay:
        RELEASED, "lines r 4 -> refused=resolved:released held=0";
    the_lines_of_an_expired_one_stay:
        EXPIRED, "lines r 4 -> refused=expired held=0";
    the_lines_of_a_cancelled_one_stay:
        CANCELLED, "lines r 4 -> refused=resolved:cancelled committed=0";

    a_held_one_lives_from_now_for_as_long_as_it_is_extended:
        HELD, "@5 extend r ttl=60 -> state=held deadline=65 held=3 revision=2";
    a_confirmed_one_is_not_extended:
        CONFIRMED, "extend r ttl=60 -> refused=wrong_state:confirmed deadline=none";
    a_fulfilled_one_is_not_extended:
        FULFILLED, "extend r ttl=60 -> refused=resolved:fulfilled";
    a_released_one_is_not_extended:
        RELEASED, "extend r ttl=60 -> refused=resolved:released";
    an_expired_one_is_not_extended:
        EXPIRED, "extend r ttl=60 -> refused=expired";
    a_cancelled_one_is_not_extended:
        CANCELLED, "extend r ttl=60 -> refused=resolved:cancelled";

    a_held_one_is_confirmed_and_has_no_deadline:
        HELD, "confirm r order=o -> state=confirmed held=0 committed=3 deadline=none";
    a_confirmed_one_is_confirmed_again_by_an_equal_body:
        CONFIRMED, "confirm r order=o -> state=confirmed revision=2 committed=3";
    a_fulfilled_one_was_confirmed_by_an_equal_body:
        FULFILLED, "confirm r order=o -> state=fulfilled revision=3";
    a_released_one_is_not_confirmed:
        RELEASED, "confirm r order=o -> refused=resolved:released";
    an_expired_one_is_not_confirmed:
        EXPIRED, "confirm r order=o -> refused=expired";
    a_cancelled_one_is_not_confirmed:
        CANCELLED, "confirm r order=o -> refused=resolved:cancelled";

    a_confirmed_one_shows_what_is_stored_to_another_body:
        CONFIRMED, "confirm r order=p -> refused=already_confirmed:o";
    a_fulfilled_one_is_not_confirmed_by_another_body:
        FULFILLED, "confirm r order=p -> refused=resolved:fulfilled";

    reclaiming_a_held_one_just_confirms_it:
        HELD, "reclaim r order=o -> state=confirmed committed=3 held=0";
    reclaiming_a_confirmed_one_with_an_equal_body_changes_nothing:
        CONFIRMED, "reclaim r order=o -> state=confirmed revision=2";
    reclaiming_a_confirmed_one_with_another_body_is_refused:
        CONFIRMED, "reclaim r order=p -> refused=already_confirmed:o";
    reclaiming_a_fulfilled_one_changes_nothing:
        FULFILLED, "reclaim r order=o -> state=fulfilled revision=3";
    a_released_one_is_not_reclaimed:
        RELEASED, "reclaim r order=o -> refused=resolved:released";
    an_expired_one_takes_its_lines_again:
        EXPIRED, "reclaim r order=o -> state=confirmed committed=3 deadline=none revision=3";
    a_cancelled_one_is_not_reclaimed:
        CANCELLED, "reclaim r order=o -> refused=resolved:cancelled";

    a_held_one_is_not_handed_over:
        HELD, "fulfil r -> refused=wrong_state:held on_hand=10";
    a_confirmed_one_is_handed_over:
        CONFIRMED, "fulfil r -> state=fulfilled on_hand=7 committed=0 fulfilled=2+1";
    a_fulfilled_one_was_handed_over:
        FULFILLED, "fulfil r -> state=fulfilled on_hand=7 revision=3";
    a_released_one_is_not_handed_over:
        RELEASED, "fulfil r -> refused=resolved:released on_hand=10";
    an_expired_one_is_not_handed_over:
        EXPIRED, "fulfil r -> refused=expired on_hand=10";
    a_cancelled_one_is_not_handed_over:
        CANCELLED, "fulfil r -> refused=resolved:cancelled on_hand=10";

    a_part_of_a_held_one_is_not_handed_over:
        HELD, "fulfil r 1 -> refused=wrong_state:held";
    a_part_of_a_confirmed_one_is_handed_over:
        CONFIRMED, "fulfil r 1 -> state=confirmed on_hand=9 committed=2 fulfilled=1+0";
    a_part_of_a_fulfilled_one_is_not_handed_over_again:
        FULFILLED, "fulfil r 1 -> refused=resolved:fulfilled on_hand=7";

    a_held_one_is_released:
        HELD, "release r -> state=released held=0 available=10 revision=2";
    a_confirmed_one_is_not_released:
        CONFIRMED, "release r -> refused=wrong_state:confirmed committed=3";
    a_fulfilled_one_is_not_released:
        FULFILLED, "release r -> refused=resolved:fulfilled";
    a_released_one_was_released:
        RELEASED, "release r -> state=released revision=2";
    an_expired_one_is_not_released:
        EXPIRED, "release r -> refused=expired";
    a_cancelled_one_is_not_released:
        CANCELLED, "release r -> refused=resolved:cancelled";

    a_held_one_is_not_cancelled:
        HELD, "cancel r -> refused=wrong_state:held held=3";
    a_confirmed_one_is_cancelled:
        CONFIRMED, "cancel r -> state=cancelled committed=0 available=10 cancelled=2+1";
    a_fulfilled_one_is_not_cancelled:
        FULFILLED, "cancel r -> refused=resolved:fulfilled on_hand=7";
    a_released_one_is_not_cancelled:
        RELEASED, "cancel r -> refused=resolved:released";
    an_expired_one_is_not_cancelled:
        EXPIRED, "cancel r -> refused=expired";
    a_cancelled_one_was_cancelled:
        CANCELLED, "cancel r -> state=cancelled revision=3";

    a_part_of_a_held_one_is_not_cancelled:
        HELD, "cancel r 1 -> refused=wrong_state:held";
    a_part_of_a_confirmed_one_is_cancelled:
        CONFIRMED, "cancel r 1 -> state=confirmed committed=2 cancelled=1+0 available=8";
    a_part_of_a_cancelled_one_is_not_cancelled_again:
        CANCELLED, "cancel r 1 -> refused=resolved:cancelled";
}

#[test]
fn no_call_finds_a_reservation_that_never_was() {
    for call in [
        "lines r 1",
        "extend r",
        "confirm r",
        "reclaim r",
        "fulfil r",
        "fulfil r 1",
        "release r",
        "cancel r",
        "cancel r 1",
    ] {
        check(&format!(
            "receipt a 10 \n {call} -> refused=not_found version=1"
        ));
    }
}
