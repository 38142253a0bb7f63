//! Whole files against a scripted server: what goes over the wire, and what the person is told.

mod answers;

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use serde_json::{Value, json};

use super::super::client::Answer;
use super::super::client::script::{Asked, Script, answer};
use super::*;

#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a run left behind.
struct Ran {
    server: Script,
    notes: String,
    summary: String,
    success: bool,
}

fn run_with(layout: &Layout, file: &[u8], mut server: Script) -> Ran {
    let (notes, out) = (Page::default(), Page::default());
    let mut report = Report::to_terminal(notes.clone(), out.clone());
    let file = io::Cursor::new(file.to_vec());
    let done = import(file, layout, &mut server, &mut report);
    let success = report.finish("file.csv", done.err().as_ref()).unwrap();
    Ran {
        server,
        notes: notes.text(),
        summary: out.text(),
        success,
    }
}

fn run(layout: &Layout, file: &str) -> Ran {
    run_with(layout, file.as_bytes(), Script::new(takes_all))
}

/// Takes whatever comes, as the contract says.
fn takes_all(asked: &Asked) -> Result<Answer, String> {
    let status = if asked.method == Method::Put {
        201
    } else {
        200
    };
    Ok(answer(
        status,
        results(&asked.body, |_| json!({"status": "applied"})),
    ))
}

fn results(body: &Value, mut outcome: impl FnMut(&Value) -> Value) -> Value {
    let list = body
        .as_object()
        .and_then(|body| body.values().next()?.as_array());
    json!({"results": list.into_iter().flatten().map(&mut outcome).collect::<Vec<_>>()})
}

fn movements(count: usize) -> String {
    let lines = (0..count).map(|n| format!("m-{n},sale,clogs,malmo,1\n"));
    format!(
        "id,type,sku,location,quantity\n{}",
        lines.collect::<String>()
    )
}

fn ids(asked: &Asked) -> Vec<&str> {
    let list = asked.body["movements"].as_array().unwrap();
    list.iter()
        .map(|movement| movement["id"].as_str().unwrap())
        .collect()
}

#[test]
fn an_item_goes_over_with_its_price_its_offer_and_its_attributes() {
    let ran = run(
        &Layout::Items,
        "sku,name,unit,decimals,price,currency,offer_price,offer_from,offer_until,product,barcode,\
         colour,size\n\
         clogs-38,\"Clogs, red\",each,0,300.00,SEK,240.00,2026-11-27T00:00:00+01:00,,clogs,7350,\
         red,38\n\
         cloth,Linen,metre,2,,,,,,,,,\n",
    );
    assert_eq!(ran.server.asked[0].path, "/v1/items/batch");
    let expected = json!({"items": [
        {"sku": "clogs-38", "name": "Clogs, red", "unit": "each", "decimals": 0,
         "price": {"amount": "300.00", "currency": "SEK"},
         "offer": {"amount": "240.00", "from": "2026-11-27T00:00:00+01:00"},
         "product": "clogs", "barcodes": ["7350"],
         "attributes": {"colour": "red", "size": "38"}},
        {"sku": "cloth", "name": "Linen", "unit": "metre", "decimals": 2},
    ]});
    assert_eq!(ran.server.asked[0].body, expected);
    assert!(ran.success && ran.notes.is_empty(), "{}", ran.notes);
}

#[test]
fn a_location_is_put_by_its_name() {
    let ran = run(
        &Layout::Locations,
        "location,name,kind,latitude,longitude,region\nmalmö/1,Malmö,store,55.6050,-13.0,\n",
    );
    let asked = &ran.server.asked[0];
    assert_eq!(
        (asked.method, asked.path.as_str()),
        (Method::Put, "/v1/locations/malm%C3%B6%2F1")
    );
    assert_eq!(
        asked.text,
        r#"{"name":"Malmö","kind":"store","latitude":55.6050,"longitude":-13.0}"#
    );
    assert!(
        ran.success && ran.summary.contains("1 created, 0 bad"),
        "{}",
        ran.summary
    );
}

#[test]
fn stock_is_counted_under_fresh_ids_and_then_its_safety_stock_set() {
    let file = "sku,location,on_hand,safety_stock\na,malmo,7,2\nb,malmo,0.250,\n";
    let as_of = Some("2026-11-27T09:30:00.000Z".to_owned());
    let ran = run(&Layout::Stock { as_of }, file);
    let counted = ran.server.asked[0].body["movements"].as_array().unwrap();
    assert_eq!(counted[0]["type"], "count");
    assert_eq!(counted[0]["counted_at"], "2026-11-27T09:30:00.000Z");
    assert_ne!(counted[0]["id"], counted[1]["id"]);
    assert!(ran.server.asked[0].text.contains("\"quantity\":0.250"));
    assert_eq!(ran.server.asked[1].path, "/v1/stock/settings/batch");
    let settings = json!({"settings": [{"sku": "a", "location": "malmo", "safety_stock": 2}]});
    assert_eq!(ran.server.asked[1].body, settings);
    assert!(
        ran.summary
            .contains("2 applied, 1 safety stock applied, 0 bad"),
        "{}",
        ran.summary
    );
}

#[test]
fn a_refused_count_sets_no_safety_stock() {
    let server = Script::new(|asked: &Asked| {
        let refused = json!({"status": "refused", "problem": {"code": "unknown_item"}});
        Ok(answer(200, results(&asked.body, |_| refused.clone())))
    });
    let file = b"sku,location,on_hand,safety_stock\na,malmo,7,2\n";
    let ran = run_with(&Layout::Stock { as_of: None }, file, server);
    assert_eq!(ran.server.asked.len(), 1);
    assert_eq!(ran.notes, "line 2: unknown_item\n");
    assert!(!ran.success);
}

#[test]
fn a_movement_carries_what_its_line_says_and_nothing_blank() {
    let ran = run(
        &Layout::Movements,
        "id,type,sku,location,quantity,to,reservation,condition,reason,occurred_at,counted_at,\
         channel,reference\n\
         t-1,transfer,clogs,malmo,2,lund,,,,2017-11-06T07:02:10Z,,store,r-9\n\
         r-1,return,clogs,malmo,1,,,damaged,,,,,\n",
    );
    let expected = json!({"movements": [
        {"id": "t-1", "type": "transfer", "sku": "clogs", "location": "malmo", "quantity": 2,
         "to": "lund", "occurred_at": "2017-11-06T07:02:10Z", "channel": "store",
         "reference": "r-9"},
        {"id": "r-1", "type": "return", "sku": "clogs", "location": "malmo", "quantity": 1,
         "condition": "damaged"},
    ]});
    assert_eq!(ran.server.asked[0].body, expected);
}

#[test]
fn batches_hold_a_thousand_lines_in_the_order_of_the_file() {
    let ran = run(&Layout::Movements, &movements(2_500));
    let sizes: Vec<usize> = ran
        .server
        .asked
        .iter()
        .map(|asked| ids(asked).len())
        .collect();
    assert_eq!(sizes, [1_000, 1_000, 500]);
    assert_eq!(ids(&ran.server.asked[2])[0], "m-2000");
    assert!(
        ran.summary
            .starts_with("file.csv: 2,500 applied, 0 bad in "),
        "{}",
        ran.summary
    );
}

#[test]
fn bodies_stay_under_a_mebibyte() {
    let long = "x".repeat(20_000);
    let lines = (0..200).map(|n| format!("m-{n},sale,clogs,malmo,1,{long}\n"));
    let file = format!(
        "id,type,sku,location,quantity,reference\n{}",
        lines.collect::<String>()
    );
    let ran = run(&Layout::Movements, &file);
    assert!(ran.server.asked.len() > 3);
    let sent: usize = ran.server.asked.iter().map(|asked| ids(asked).len()).sum();
    assert_eq!(sent, 200);
    assert!(
        ran.server
            .asked
            .iter()
            .all(|asked| asked.text.len() <= 1024 * 1024)
    );
}

#[test]
fn bad_lines_are_told_by_number_and_the_others_sent() {
    let file = b"id,type,sku,location,quantity\n\
        a,sael,x,malmo,1\n\
        b,sale,x,malmo,one\n\
        c,sale,x,malmo\n\
        d,sale,\xff,malmo,1\n\
        ,sale,x,malmo,1\n\
        f,sale,x,malmo,1\n";
    let ran = run_with(&Layout::Movements, file, Script::new(takes_all));
    assert_eq!(ids(&ran.server.asked[0]), ["f"]);
    let told: Vec<&str> = ran.notes.lines().collect();
    let expected = [
        "line 2: type is `sael`, not one of receipt, sale, return, adjustment, count, transfer",
        "line 3: quantity is `one`, not a decimal number",
        "line 4: 4 cells where the header has 5",
        "line 5: column 3 is not UTF-8",
        "line 6: id is blank",
    ];
    assert_eq!(told, expected);
    assert!(
        !ran.success && ran.summary.contains("1 applied, 5 bad"),
        "{}",
        ran.summary
    );
}

#[test]
fn a_header_that_is_wrong_sends_nothing() {
    let ran = run(
        &Layout::Movements,
        "id,typ,sku,location,quantity\na,sale,x,y,1\n",
    );
    assert!(ran.server.asked.is_empty() && !ran.success);
    assert!(
        ran.notes
            .contains("unknown column `typ`; did you mean `type`?"),
        "{}",
        ran.notes
    );
    assert!(
        run(&Layout::Movements, "")
            .notes
            .contains("the file is empty")
    );
}

#[test]
fn the_command_line_takes_the_contracts_words() {
    use clap::Parser;
    let parse = |line: &str| super::super::CommandLine::try_parse_from(line.split_whitespace());
    parse("onhand import items FILE.csv --url http://localhost:1 --token t").unwrap();
    parse("onhand import movements - --token t").unwrap();
    parse("onhand import stock s.csv --token t --as-of 2026-11-27T09:30:00Z").unwrap();
    parse("onhand import stock s.csv --token t --as-of yesterday").unwrap_err();
    parse("onhand import items i.csv --token t --as-of 2026-11-27T09:30:00Z").unwrap_err();
}
