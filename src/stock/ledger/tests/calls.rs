//! What the calls on a reservation do beyond the table: parts, several lines of one key,
//! deadlines, shortages, prices.

use super::script::check;

#[test]
fn a_place_takes_all_or_says_what_there_is() {
    check(
        "
        place r 1           -> refused=not_stocked
        receipt a 5
        place r 6           -> refused=insufficient:6:5 state=forgotten version=1
        place r 3+3         -> refused=insufficient:6:5
        place r 3+2         -> held=5 available=0 quantities=3+2 requested=none+none
        place s 1           -> refused=insufficient:1:0
        ",
    );
}

#[test]
fn a_partial_place_takes_what_there_is_the_first_lines_first() {
    check(
        "
        receipt a 5
        place r 3+4+1 partial -> held=5 quantities=3+2+0 requested=3+4+1
        place s 1 partial     -> refused=insufficient:1:0
        release r
        place t 2+1 partial   -> held=3 quantities=2+1 requested=2+1
        ",
    );
}

#[test]
fn a_place_may_confirm_in_the_same_step() {
    check(
        "
        receipt a 5
        place r 3 confirm order=o -> state=confirmed committed=3 held=0 revision=2 version=2
        confirm r order=o         -> version=2
        @0 place s 2 confirm until=60 -> committed=5 deadline=60
        @60 touch s               -> state=expired committed=3
        place t 4 partial confirm prices=10SEK pay=20SEK -> state=confirmed quantities=2
        ",
    );
}

#[test]
fn a_hold_is_gone_at_its_deadline_not_before_and_not_after() {
    check(
        "
        receipt a 1
        @0 place r 1 ttl=60   -> held=1
        @59 place s 1         -> refused=insufficient:1:0
        @60 place s 1 ttl=60  -> held=1 state=held
        touch r               -> state=expired
        @119 confirm s        -> state=confirmed
        @999999 fulfil s      -> state=fulfilled on_hand=0
        ",
    );
}

#[test]
fn a_confirmed_one_lapses_when_it_says_so() {
    check(
        "
        receipt a 3
        @0 place r 3          -> deadline=600
        @10 confirm r until=5000 -> deadline=5000 committed=3
        @4999 fulfil r 1      -> committed=2
        @5000 fulfil r 1      -> refused=expired committed=0 available=2 on_hand=2
        touch r               -> state=expired fulfilled=1
        ",
    );
}

#[test]
fn an_extension_may_shorten_and_renewed_lines_keep_their_first_span() {
    check(
        "
        receipt a 3
        @0 place r 1 ttl=100  -> deadline=100
        @10 extend r ttl=20   -> deadline=30
        @20 lines r 2         -> deadline=120
        @120 extend r         -> refused=expired
        ",
    );
}

#[test]
fn new_lines_do_not_compete_with_the_own_hold() {
    check(
        "
        receipt a 5
        place r 4
        lines r 5             -> held=5
        lines r 6             -> refused=insufficient:6:5 held=5 revision=2
        lines r 2+2           -> held=4 quantities=2+2
        place s 1
        lines r 5             -> refused=insufficient:5:4
        lines r 1             -> held=2 available=3
        ",
    );
}

#[test]
fn new_lines_keep_the_prices_of_the_lines_they_continue() {
    check(
        "
        receipt a 9
        place r 1+2 refs=x+y prices=10SEK+20SEK -> total=50.00
        lines r 3+1+1 refs=y+x+z prices=99SEK+99SEK+99SEK -> prices=20.00+10.00+10.00 total=80.00
        lines r 1 prices=5EUR -> prices=20.00
        ",
    );
}

#[test]
fn new_lines_count_what_tills_have_used() {
    check(
        "
        receipt a 10
        place r 5
        sale b 2 of=r        -> used=2 held=3
        lines r 6            -> held=4 on_hand=8
        lines r 2            -> state=fulfilled held=0 fulfilled=2
        ",
    );
}

#[test]
fn parts_are_handed_over_and_cancelled_over_several_lines_of_one_key() {
    check(
        "
        receipt a 10
        place r 2+3+1 confirm -> committed=6
        fulfil r 3            -> fulfilled=2+1+0 on_hand=7 committed=3
        cancel r 1            -> cancelled=0+1+0 committed=2 left=2
        fulfil r 1+2          -> refused=over_fulfilled:3:2
        cancel r 3            -> refused=over_fulfilled:3:2
        fulfil r 1+1          -> state=fulfilled fulfilled=2+2+1 on_hand=5 committed=0
        ",
    );
}

#[test]
fn what_is_cancelled_last_leaves_it_cancelled() {
    check(
        "
        receipt a 10
        place r 2+3 confirm
        cancel r 4            -> state=confirmed cancelled=2+2 committed=1
        fulfil r 0.5          -> on_hand=9.5
        cancel r              -> state=cancelled cancelled=2+2.5 fulfilled=0+0.5 available=9.5
        ",
    );
}

#[test]
fn too_much_handed_over_names_the_key_and_changes_nothing() {
    check(
        "
        receipt a 10
        place r 3 confirm
        fulfil r 4            -> refused=over_fulfilled:4:3 on_hand=10 version=2
        sale b 2 of=r         -> used=2
        fulfil r 2            -> refused=over_fulfilled:2:1
        fulfil r              -> state=fulfilled on_hand=7
        ",
    );
}

#[test]
fn an_expired_one_is_reclaimed_only_if_its_lines_are_there() {
    check(
        "
        receipt a 3
        @0 place r 3 ttl=10 prices=10SEK
        @10 place s 1
        reclaim r pay=30SEK   -> refused=insufficient:3:2 state=expired
        release s
        reclaim r pay=29SEK   -> refused=payment_mismatch:29:30
        reclaim r pay=30SEK   -> state=confirmed committed=3 prices=10.00
        reclaim r pay=30SEK   -> revision=3
        ",
    );
}

#[test]
fn what_was_used_before_it_expired_is_not_taken_again() {
    check(
        "
        receipt a 3
        @0 place r 3 ttl=10
        sale b 1 of=r         -> used=1 on_hand=2 held=2
        @10 place s 1         -> available=1
        reclaim r             -> refused=insufficient:3:2
        release s             -> available=2
        reclaim r             -> state=confirmed committed=2 left=2
        fulfil r              -> on_hand=0 state=fulfilled
        ",
    );
    check(
        "
        receipt a 4
        @0 place r 4 confirm until=20
        fulfil r 1            -> on_hand=3
        @20 reclaim r order=o -> committed=3 fulfilled=1
        ",
    );
}

#[test]
fn a_resolved_one_is_remembered_for_a_day() {
    check(
        "
        receipt a 3
        @0 place r 3
        @10 release r
        @86409 release r      -> state=released
        @86410 receipt b 1    -> state=forgotten
        release r             -> refused=not_found
        ",
    );
}

#[test]
fn a_late_count_changes_what_there_is_but_never_a_promise() {
    check(
        "
        receipt a 10
        place r 4 confirm
        place s 4
        count n 3             -> oversold held=4 committed=4 shortfall=5
        lines s 5             -> refused=insufficient:5:4
        lines s 3             -> held=3
        lines s 4             -> refused=insufficient:4:3
        fulfil r              -> on_hand=-1 committed=0 shortfall=4
        ",
    );
}
