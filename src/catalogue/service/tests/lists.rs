//! Items found, and told page by page.

use super::*;

#[actix::test]
async fn items_are_found_by_query_barcode_and_product_as_they_are_now() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    let variant = |name: &str, code: &str, product: &str| ItemContent {
        barcodes: vec![text(code)],
        product: Some(text(product)),
        ..named(name)
    };
    life.put("clog-38", variant("Röda TRÄSKOR", "111", "clogs"))
        .await;
    life.put("clog-39", variant("Blå träskor", "222", "clogs"))
        .await;
    life.put("boot", variant("Stövel", "333", "boots")).await;
    let query = |text: &str| ItemFilter {
        query: Some(text.to_owned()),
        ..ItemFilter::default()
    };
    let barcode = |code: &str| ItemFilter {
        barcode: Some(code.to_owned()),
        ..ItemFilter::default()
    };
    assert_eq!(life.skus(&query("träSKO")), ["clog-38", "clog-39"]);
    assert_eq!(life.skus(&query("OOT")), ["boot"]);
    assert_eq!(life.skus(&barcode("222")), ["clog-39"]);
    let clogs = ItemFilter {
        product: Some("clogs".to_owned()),
        ..query("blå")
    };
    assert_eq!(life.skus(&clogs), ["clog-39"]);

    life.put("clog-39", variant("Gul stövel", "444", "boots"))
        .await;
    assert_eq!(life.skus(&barcode("222")), [""; 0]);
    assert_eq!(life.skus(&barcode("444")), ["clog-39"]);
    assert_eq!(life.skus(&clogs), [""; 0]);
    life.end();
}

#[actix::test]
async fn pages_bring_every_item_once() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    for batch in 0..3 {
        let commands = (0..800).map(|n| put(&format!("{n:03}-{batch}"), named("Clogs")));
        let written = life
            .catalogue
            .write_items(By::default(), commands.collect());
        assert!(written.await.unwrap().iter().all(Result::is_ok));
    }
    for (filter, limit, expected) in [
        (ItemFilter::default(), 1000, 2400),
        (
            ItemFilter {
                query: Some("-1".to_owned()),
                ..ItemFilter::default()
            },
            7,
            800,
        ),
    ] {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = life.catalogue.items(&filter, after.as_deref(), limit);
            assert!(page.items.len() <= limit);
            found.extend(page.items.into_iter().map(|item| item.sku.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), expected);
        assert!(found.is_sorted_by(|a, b| a < b));
    }
    life.end();
}
