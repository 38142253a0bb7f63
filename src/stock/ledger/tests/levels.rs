//! Stocking, stopping, published figures and their public face.

use super::script::check;

#[test]
fn a_key_stops_only_when_it_has_and_owes_nothing() {
    check(
        "
        stop              -> refused=not_stocked
        receipt a 3
        safety 1
        stop              -> refused=not_empty
        place r 2
        sale b 3          -> oversold on_hand=0 held=2
        stop              -> refused=not_empty
        release r
        transfer c 1 to=A@Y -> oversold on_hand=-1
        receipt d 1       -> on_hand=0
        stop              -> refused=not_empty stocked=true
        ",
    );
    check(
        "
        receipt a 3       -> public=1
        safety 1
        sale b 3          -> on_hand=0 public=3
        stop              -> stocked=false safety=0 public=4
        place r 1         -> refused=not_stocked
        safety 1          -> refused=not_stocked
        stop              -> refused=not_stocked
        receipt c 2       -> stocked=true on_hand=2 available=2 public=5
        ",
    );
}

#[test]
fn a_key_is_not_stopped_under_a_live_reservation_that_it_leads() {
    check(
        "
        receipt a 1
        place r 1 confirm -> committed=1
        sale b 1          -> oversold on_hand=0
        stop              -> refused=not_empty
        cancel r          -> committed=0
        stop              -> stocked=false
        ",
    );
}

#[test]
fn the_public_face_moves_only_when_its_status_or_its_few_do() {
    check(
        "
        receipt a 10      -> version=1 public=1 status=InStock
        sale b 3          -> version=2 public=1 status=InStock
        place r 3         -> version=3 public=1 status=InStock
        sale c 1          -> version=4 public=2 status=Limited available=3
        sale d 1          -> version=5 public=3 status=Limited available=2
        return e 1 damaged -> version=6 public=3
        place s 2         -> version=7 public=4 status=OutOfStock
        sale f 2          -> oversold version=8 public=4 status=OutOfStock
        release s         -> version=9 public=4 available=0
        release r         -> version=10 public=5 available=3
        receipt g 9       -> version=11 public=6 status=InStock
        ",
    );
}

#[test]
fn a_level_carries_its_next_deadline() {
    check(
        "
        receipt a 10
        @0 place r 1 ttl=50     -> due=50
        @0 place s 1 ttl=20     -> due=20
        @5 confirm s            -> due=50
        @6 extend r ttl=100     -> due=106
        @7 confirm r until=90   -> due=90
        @8 fulfil r             -> due=none
        ",
    );
}

#[test]
fn what_is_promised_is_taken_from_what_is_free_only_once() {
    check(
        "
        receipt a 10
        place r 4              -> held=4 committed=0 available=6
        confirm r              -> held=0 committed=4 available=6
        fulfil r 1             -> on_hand=9 committed=3 available=6
        cancel r 1             -> on_hand=9 committed=2 available=7
        fulfil r               -> on_hand=7 committed=0 available=7
        ",
    );
}
