//! Payments, adjustments and currencies of a confirmation.

use super::script::check;

const PRICED: &str = "receipt a 10 \n place r 2+1 prices=10.01SEK+5SEK -> total=25.02";

fn confirm(call: &str) {
    check(&format!("{PRICED}\n{call}"));
}

#[test]
fn payments_sum_to_the_total_and_what_comes_on_top() {
    confirm("confirm r pay=25.02SEK -> state=confirmed");
    confirm("confirm r pay=20SEK+5.02SEK -> state=confirmed");
    confirm("confirm r pay=20SEK extra=-5.02 -> state=confirmed");
    confirm("confirm r pay=74SEK extra=49+-0.02 -> state=confirmed");
    confirm("confirm r pay=25SEK -> refused=payment_mismatch:25:25.02 held=3");
    confirm("confirm r pay=25.02SEK extra=0.01 -> refused=payment_mismatch:25.02:25.03");
    confirm("confirm r extra=49 -> state=confirmed");
}

#[test]
fn payments_are_in_the_currency_of_the_lines() {
    confirm("confirm r pay=25.02EUR -> refused=currency_mismatch state=held");
    confirm("confirm r pay=25SEK+0.02EUR -> refused=currency_mismatch");
}

#[test]
fn lines_without_a_price_are_worth_nothing() {
    check("receipt a 9 \n place r 2 \n confirm r pay=0SEK -> state=confirmed");
    check("receipt a 9 \n place r 2 \n confirm r pay=1SEK -> refused=payment_mismatch:1:0");
    check("receipt a 9 \n place r 2 \n confirm r pay=1SEK extra=1 -> state=confirmed");
    check("receipt a 9 \n place r 2 \n confirm r pay=1SEK+1EUR -> refused=currency_mismatch");
}

#[test]
fn what_was_paid_is_part_of_what_was_confirmed() {
    confirm("confirm r pay=25.02SEK order=o \n confirm r pay=25.020SEK order=o -> revision=2");
    confirm("confirm r pay=25.02SEK order=o \n confirm r order=o -> refused=already_confirmed:o");
}

#[test]
fn what_a_till_used_is_paid_for_too() {
    confirm("sale b 1 of=r \n confirm r pay=25.02SEK -> state=confirmed committed=2");
}
