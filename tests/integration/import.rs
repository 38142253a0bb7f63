//! `onhand import` against a running server: a small retailer of the project's own making, and
//! real input where it lies beside the checkout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::server::{ADMIN, DataDir, Server, run, verify};

#[test]
fn a_retailer_is_imported_and_sales_imported_twice_apply_once() {
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    retailer_is_imported(&server, &folder("tests/data"), "stock.csv", "sales.csv");
    assert_eq!(on_hand(&server), vec!["5"; 8]);
    let clogs = server.client().read("/v1/items/clogs-38");
    assert_eq!(clogs["name"], "Red clogs, size 38");
    assert_eq!(clogs["barcodes"], json!(["7350000000385"]));
    assert_eq!(clogs["attributes"], json!({"colour": "red", "size": "38"}));
    assert_eq!(
        clogs["current_price"],
        json!({"amount": "240.00", "currency": "SEK"})
    );
    let web = server.client().read("/v1/stock/clogs-38/web");
    assert_eq!(
        (&web["safety_stock"], &web["available"]),
        (&json!(5), &json!(0))
    );

    server.stop();
    let mut server = Server::start(&data.path);
    assert_eq!(on_hand(&server), vec!["5"; 8]);
    server.stop();
    verify(&data.path);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let (empty, absent) = (data.path.join("empty.csv"), data.path.join("absent.csv"));
    std::fs::write(&empty, "").unwrap();
    for file in [&data.path, &empty, &absent] {
        let imported = import(&server, "items", file);
        let told = String::from_utf8(imported.stderr).unwrap();
        assert_eq!(imported.status.code(), Some(1), "{told}");
        let named = format!("error: {}: ", file.display());
        assert!(told.starts_with(&named), "{told}");
    }
}

#[test]
fn bad_lines_are_told_by_number_and_the_rest_is_imported() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let file = folder("tests/data").join("items_with_bad_lines.csv");
    let imported = import(&server, "items", &file);
    assert_eq!(imported.status.code(), Some(1));
    let told = String::from_utf8(imported.stderr).unwrap();
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("line "))
        .collect();
    let numbers: Vec<&str> = lines
        .iter()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["line 3", "line 4", "line 5", "line 7"], "{told}");
    let summary = String::from_utf8(imported.stdout).unwrap();
    assert!(summary.contains("4 bad"), "{summary}");
    let items = server.client().list("/v1/items");
    let skus: Vec<&Value> = items.iter().map(|item| &item["sku"]).collect();
    assert_eq!(skus, ["soap", "sponge"]);
}

#[test]
fn an_import_with_a_wrong_token_or_no_server_says_so_at_once() {
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    let file = folder("tests/data").join("items.csv");
    let file = file.to_str().unwrap();
    let wrong = [
        "import",
        "items",
        file,
        "--url",
        &server.url,
        "--token",
        "wrong",
    ];
    let refused = run(&wrong);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("nothing was sent") && told.contains("401"),
        "{told}"
    );

    server.stop();
    let refused = import(&server, "items", Path::new(file));
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("nothing was sent"), "{told}");
}

/// The folder is no part of the project; where it is absent there is nothing to show.
#[test]
fn real_input_beside_the_checkout_ends_with_five_of_each() {
    let Some(real) = real_input() else {
        eprintln!("skipped: there is no ../shared/data beside the checkout");
        return;
    };
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    items_left_out_are_added(&server, &real);
    retailer_is_imported(&server, &real, "stock.csv", "sales.csv");
    assert_eq!(on_hand(&server), vec!["5"; 13_624]);
    server.stop();
    let mut server = Server::start(&data.path);
    assert_eq!(on_hand(&server), vec!["5"; 13_624]);
    server.stop();
    verify(&data.path);
}

/// `stock.csv` may name SKUs that `items.csv` leaves out. The import tells exactly their lines,
/// so that they can be added by hand, as is done here.
fn items_left_out_are_added(server: &Server, real: &Path) {
    let first = |file: &str| {
        let text = std::fs::read_to_string(real.join(file)).unwrap();
        let cells = text
            .lines()
            .map(|line| line.split(',').next().unwrap().to_owned());
        cells.collect::<Vec<String>>()
    };
    let items: BTreeSet<String> = first("items.csv").into_iter().collect();
    for (kind, file) in [("locations", "locations.csv"), ("items", "items.csv")] {
        assert!(import(server, kind, &real.join(file)).status.success());
    }
    let stock = first("stock.csv");
    let left_out = stock
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, sku)| !items.contains(*sku));
    let expected: Vec<String> = left_out
        .clone()
        .map(|(index, _)| format!("line {}", index + 1))
        .collect();
    let imported = import(server, "stock", &real.join("stock.csv"));
    assert_eq!(imported.status.success(), expected.is_empty());
    let told = String::from_utf8(imported.stderr).unwrap();
    let bad = told
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(number, _)| number);
    assert_eq!(bad.collect::<Vec<&str>>(), expected, "{told}");
    for (index, sku) in left_out {
        eprintln!(
            "stock.csv line {}: items.csv leaves {sku} out; it is added",
            index + 1
        );
        server
            .client()
            .put(&format!("/v1/items/{sku}"), &json!({"name": "left out"}));
    }
}

/// `ONHAND_TEST_DATA`, or `../shared/data`.
fn real_input() -> Option<PathBuf> {
    let named = std::env::var_os("ONHAND_TEST_DATA").map(PathBuf::from);
    let real = named.unwrap_or_else(|| folder("../shared/data"));
    real.join("stock.csv").is_file().then_some(real)
}

/// Imports everything, the sales twice.
fn retailer_is_imported(server: &Server, from: &Path, stock: &str, sales: &str) {
    let all = [
        ("locations", "locations.csv"),
        ("items", "items.csv"),
        ("stock", stock),
    ];
    for (kind, file) in all.into_iter().chain([("movements", sales); 2]) {
        let imported = import(server, kind, &from.join(file));
        let told = String::from_utf8_lossy(&imported.stderr);
        assert!(imported.status.success(), "{file}: {told}");
        let summary = String::from_utf8_lossy(&imported.stdout);
        assert!(summary.contains(" 0 bad in "), "{summary}");
    }
    let again = import(server, "movements", &from.join(sales));
    let summary = String::from_utf8_lossy(&again.stdout);
    assert!(
        summary.contains("duplicate") && !summary.contains("applied"),
        "{summary}"
    );
}

fn import(server: &Server, kind: &str, file: &Path) -> Output {
    let file = file.to_str().unwrap();
    run(&["import", kind, file, "--url", &server.url, "--token", ADMIN])
}

fn on_hand(server: &Server) -> Vec<String> {
    let stock = server.client().list("/v1/stock");
    stock
        .iter()
        .map(|level| level["on_hand"].to_string())
        .collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
