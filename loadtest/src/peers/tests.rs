//! Peers keep the rules that Onhand keeps; else the comparison would be worth nothing. Each is
//! asked if it is installed.

use tempfile::TempDir;

use super::*;

/// One shop of three keys, one piece each.
const SHOP: crate::shop::Shop = crate::shop::Shop {
    items: 3,
    locations: 1,
    opening: 1,
};

const KEYS: [&str; 3] = [
    "lt-0000000@store-0000",
    "lt-0000001@store-0000",
    "lt-0000002@store-0000",
];

fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o711);
    tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap()
}

/// Asks for a reservation of these keys for so many seconds; gives the status.
async fn reserve(connection: &mut Connection, request: &Template) -> u16 {
    let mut bytes = Vec::new();
    request.render(&[], &mut bytes);
    connection.exchange(&bytes).await.unwrap().status
}

/// The rules: a request takes effect once, all lines or none, never beyond what is there, and
/// what is held comes back at its deadline.
async fn keeps_the_rules(peer: &Peer, form: impl Fn(&str, &[&str], &str) -> Template) {
    let way = &peer.forms[0].ways[0];
    let mut connection = Connection::speaking(peer.address, way.protocol.clone());
    let cases: [(_, &[&str], _, _, _); 7] = [
        ("lt-1", &KEYS[..1], "60", 201, "there is one"),
        ("lt-1", &KEYS[..1], "60", 200, "the same request again"),
        ("lt-2", &KEYS[..1], "60", 409, "it is held"),
        (
            "lt-3",
            &[KEYS[1], KEYS[0]],
            "60",
            409,
            "one of two lines is short",
        ),
        ("lt-4", &KEYS[1..2], "0", 201, "the other line took nothing"),
        ("lt-5", &KEYS[1..], "60", 201, "that hold lapsed at once"),
        (
            "lt-6",
            &["lt-0000009@store-0000"],
            "60",
            409,
            "nobody knows it",
        ),
    ];
    for (request, keys, seconds, status, why) in cases {
        let request = form(request, keys, seconds);
        assert_eq!(reserve(&mut connection, &request).await, status, "{why}");
    }
    let (found, holds) = peer.read_books().await.unwrap();
    assert_eq!((found.on_hand, found.held, found.oversold_keys), (3, 3, 0));
    assert_eq!(holds, 3);
}

#[tokio::test]
async fn postgresql_keeps_the_rules() {
    let folder = folder();
    let Some(peer) = postgres::start(folder.path(), SHOP).await.unwrap() else {
        return;
    };
    keeps_the_rules(&peer, postgres::reserve).await;
}

#[tokio::test]
async fn postgresql_keeps_the_rules_when_it_decides_many_at_once() {
    let folder = folder();
    let Some(peer) = postgres::start(folder.path(), SHOP).await.unwrap() else {
        return;
    };
    let mut connection = Connection::speaking(peer.address, peer.forms[1].ways[0].protocol.clone());
    let [first, second, third] = KEYS;
    let cases: [(&[&str], &[&str], _, _); 5] = [
        // Of two who want the same the first gets it.
        (&["a", "b", "c"], &[first, first, second], "60", 207),
        (&["a", "c"], &[first, second], "60", 207),
        // Of two lines neither, as one is short.
        (&["d", "d"], &[third, first], "60", 207),
        (&["f"], &[third], "0", 201),
        (&["g"], &[third], "60", 201),
    ];
    for (requests, keys, seconds, status) in cases {
        let request = postgres::reserve_many(requests, keys, seconds);
        assert_eq!(
            reserve(&mut connection, &request).await,
            status,
            "{requests:?}"
        );
    }
    let (found, _) = peer.read_books().await.unwrap();
    assert_eq!((found.held, found.oversold_keys), (3, 0));
}

#[tokio::test]
async fn redis_keeps_the_rules() {
    let folder = folder();
    let Some(peer) = redis::start(folder.path(), SHOP).await.unwrap() else {
        return;
    };
    let mut connection = peer.connection();
    let script = redis::load(&mut connection).await.unwrap();
    keeps_the_rules(&peer, |request, keys, seconds| {
        redis::reserve(&script, request, keys, seconds)
    })
    .await;
}
