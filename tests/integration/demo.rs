//! `onhand demo` as a stranger meets it: what it prints works when pasted, what its simulated
//! people do adds up, and nothing of it is left behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use rust_decimal::Decimal;
use serde_json::Value;

use crate::client::Client;
use crate::levels::key_of;
use crate::server::{DataDir, PATIENCE, Server, Start, run, verify};

/// Waits until the other end closes.
fn wait_for_end(open: &mut TcpStream) {
    open.set_read_timeout(Some(PATIENCE)).unwrap();
    let read = open.read_to_end(&mut Vec::new());
    assert!(!matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock));
}

/// Reads until this line is told; the lines before it.
fn until(server: &Server, words: &str) -> Vec<String> {
    let lines = std::iter::repeat_with(|| server.line());
    lines.take_while(|line| !line.contains(words)).collect()
}

#[test]
fn every_command_works_when_pasted_also_twice() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().to_str().unwrap();
    let start = Start::demo(&["--rate=20", "--seed=7"]).with("TMPDIR", temporary);
    let mut server = start.run();
    let guide = until(&server, "What the simulated people do");
    for user in ["product page", "web shop", "till", "warehouse", "operator"] {
        assert!(
            guide.iter().any(|line| line.contains(user)),
            "nothing for the {user}"
        );
    }
    assert!(
        guide.iter().any(|line| line.contains("--seed 7 --rate 20")),
        "{guide:#?}"
    );
    // A refusal fails, and the status is told.
    let setting = "fail-with-body\nwrite-out = \" %{http_code}\"\n";
    fs::write(folder.path().join(".curlrc"), setting).unwrap();
    let commands: Vec<&str> = guide
        .iter()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    assert!(commands.len() >= 18, "{commands:#?}");
    // A till sells, looks orders up and hands them over.
    let till = commands.iter().find(|command| command.contains("till-7"));
    let scopes = r#""scopes":["stock:read","stock:write","reserve","fulfil"]"#;
    assert!(till.unwrap().contains(scopes), "{till:?}");
    let (endless, ending): (Vec<&str>, Vec<&str>) = commands
        .into_iter()
        .partition(|command| command.contains(" -sSN "));
    for command in ending.iter().chain(&ending) {
        paste(command, folder.path());
    }
    assert_eq!(endless.len(), 1, "{endless:#?}");
    follow(endless[0]);
    let links = guide.iter().filter_map(|line| line.strip_prefix("  open "));
    let links: Vec<&str> = links
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let pages = [
        format!("{}/openapi.json", server.url),
        format!("{}/board", server.ops),
    ];
    for page in &pages {
        assert!(links.contains(&page.as_str()), "{links:?}");
    }
    server.stop();
}

/// A command that goes on until Ctrl-C: it tells the state, and then a change.
fn follow(command: &str) {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", &format!("exec {command}")]);
    let mut following = shell.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut told = lines
        .map(Result::unwrap)
        .filter(|line| line.starts_with("data: "));
    let first = told.next().unwrap();
    assert!(first.contains(r#""type":"state""#), "{first}");
    assert!(told.any(|line| line.contains(r#""type":"update""#)));
    following.kill().unwrap();
    following.wait().unwrap();
}

fn paste(command: &str, folder: &Path) {
    let shell = ["-c", command];
    let mut shell_command = Command::new("sh");
    let pasted = shell_command
        .args(shell)
        .current_dir(folder)
        .env("CURL_HOME", folder);
    let pasted = pasted.output().unwrap();
    let said = String::from_utf8_lossy(&pasted.stdout);
    let errors = String::from_utf8_lossy(&pasted.stderr);
    assert!(pasted.status.success(), "{command}\n{said}\n{errors}");
    let refused = said.contains(r#""status":"refused""#);
    assert!(!refused, "{command}\n{said}");
    if command.starts_with("curl ") {
        let status: u16 = said.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((200..300).contains(&status), "{command}\n{said}");
    }
}

#[test]
fn a_temporary_directory_goes_with_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().to_str().unwrap();
    let start = Start::demo(&["--rate=100", "--quiet"]).with("TMPDIR", temporary);
    let mut server = start.run();
    let data = server
        .greeting
        .iter()
        .find_map(|line| line.trim().strip_prefix("data "));
    let data = Path::new(data.unwrap().trim()).to_owned();
    assert!(
        data.is_dir() && data.starts_with(folder.path()),
        "{}",
        data.display()
    );
    until(&server, "a token for one more till");
    server.stop();
    assert!(!data.exists(), "{} is left behind", data.display());
    complains_of_nothing(&server);
}

#[test]
fn a_busy_play_sells_nothing_twice_and_its_books_agree() {
    let data = DataDir::new();
    let path = data.path.to_str().unwrap();
    let flags = ["--rate=400", "--seed=7", "--data-dir", path];
    let mut server = Start::demo(&flags).run();
    until(&server, "What the simulated people do");
    let mut awaited = vec![
        " holds ",
        " instead",
        " pays ",
        " puts ",
        " closes the page",
        " lapsed",
        " orders ",
        " cancels ",
        " sells ",
        " back, ",
        " in vain",
        " over for ",
        " a delivery",
        " to lund",
        " counts ",
        " sold out ",
        " is back at ",
    ];
    for told in 0.. {
        if awaited.is_empty() && told >= 2_000 {
            break;
        }
        assert!(told < 50_000, "nobody ever told: {awaited:?}");
        let line = server.line();
        awaited.retain(|words| !line.contains(words));
    }
    server.stop();
    complains_of_nothing(&server);

    verify(&data.path);
    let mut server = Server::start(&data.path);
    let shop = server.client();
    nothing_is_sold_twice(&shop);
    let stock = the_books_agree(&shop);
    server.stop();

    // The next play goes on with what there is.
    let mut again = Start::demo(&["--rate=0", "--data-dir", path]).run();
    until(&again, "a token for one more till");
    again.stop();
    let server = Server::start(&data.path);
    assert_eq!(stock, the_books_agree(&server.client()));
}

/// But for slow requests: a machine that is busy with other things makes them.
fn complains_of_nothing(server: &Server) {
    let said = server.said();
    let complaints = said
        .lines()
        .filter(|line| line.contains("WARN") && !line.contains("slow request"));
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0]);
}

/// Only tills, which are never refused, may take what was promised.
fn nothing_is_sold_twice(shop: &Client) {
    let events = shop.events();
    let of_kind = |kind: &str| {
        let kind = kind.to_owned();
        events
            .iter()
            .filter(move |event| event["type"] == kind.as_str())
    };
    assert!(of_kind("onhand.reservation.held").count() > 100);
    for event in of_kind("onhand.stock.shortfall") {
        let is_at_till = ["malmo", "lund"].contains(&event["data"]["location"].as_str().unwrap());
        // A till may also take what a basket under way has been promised: then the shortfall shows
        // when the basket's hold does, and what was taken before it was taken at a till.
        let before = events.iter().take_while(|earlier| *earlier != event);
        let levels: Vec<&Value> = before
            .filter(|earlier| earlier["type"] == "onhand.stock.changed")
            .filter(|earlier| earlier["subject"] == event["subject"])
            .collect();
        let on_hand = |event: &Value| number(&event["data"]["on_hand"]);
        let taken = levels.windows(2).rev();
        let mut taken = taken.filter(|pair| on_hand(pair[1]) < on_hand(pair[0]));
        let by_till = |event: &Value| event["channel"] == "store";
        let is_till = by_till(event) || taken.next().is_some_and(|pair| by_till(pair[1]));
        assert!(is_at_till && is_till, "{event} after {levels:#?}");
    }
    for event in of_kind("onhand.stock.changed") {
        let level = &event["data"];
        assert!(number(&level["available"]) >= Decimal::ZERO, "{event}");
        let free = number(&level["on_hand"])
            - number(&level["held"])
            - number(&level["committed"])
            - number(&level["safety_stock"]);
        let short = number(&level["shortfall"]);
        assert!(
            free >= Decimal::ZERO || short > Decimal::ZERO || is_withheld(level),
            "{event}"
        );
    }
    let names = ["Anna", "Björn", "Cecilia"];
    let journal = serde_json::to_string(&events).unwrap();
    assert!(
        names.iter().all(|name| !journal.contains(name)),
        "a name is in the journal"
    );
}

/// A till may sell from the safety stock as well, before anything is promised twice.
fn is_withheld(level: &Value) -> bool {
    number(&level["safety_stock"]) > Decimal::ZERO
}

/// What is held and committed is what reservations say, at every key; how much is where.
fn the_books_agree(shop: &Client) -> BTreeMap<String, Decimal> {
    for _ in 0..30 {
        let before = shop.read("/v1/stock?limit=1000");
        let reservations = shop.list("/v1/reservations");
        let after = shop.read("/v1/stock?limit=1000");
        if before["position"] != after["position"] {
            // A hold lapses now and then; the next look may come between two.
            continue;
        }
        let mut promised: BTreeMap<(String, &str), Decimal> = BTreeMap::new();
        for reservation in &reservations {
            let state = match reservation["state"].as_str().unwrap() {
                "held" => "held",
                "confirmed" => "committed",
                _ => continue,
            };
            for line in reservation["lines"].as_array().unwrap() {
                let done = number(&line["fulfilled"]) + number(&line["cancelled"]);
                let left = number(&line["quantity"]) - done;
                *promised.entry((key_of(line), state)).or_default() += left;
            }
        }
        let rows = before["items"].as_array().unwrap();
        assert_eq!(rows.len(), 81);
        for row in rows {
            for state in ["held", "committed"] {
                let promised = promised.get(&(key_of(row), state));
                let promised = promised.copied().unwrap_or_default();
                assert_eq!(number(&row[state]), promised, "{state} of {row}");
            }
        }
        let on_hand = rows
            .iter()
            .map(|row| (key_of(row), number(&row["on_hand"])));
        return on_hand.collect();
    }
    panic!("the figures never came to rest");
}

fn number(value: &Value) -> Decimal {
    value
        .to_string()
        .parse()
        .unwrap_or_else(|_| panic!("no number: {value}"))
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let flags = ["--listen", "--ops-listen", "--shop-listen"];
    for flag in flags {
        let mut arguments = vec!["demo", flag, &address];
        for other in flags.iter().filter(|other| **other != flag) {
            arguments.extend([*other, "127.0.0.1:0"]);
        }
        let ended = run(&arguments);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success());
        let advice = format!("choose another address with {flag} ");
        assert!(said.contains(&advice) && said.contains(&address), "{said}");
    }
}

/// The first link is the shop's.
fn shop(guide: &[String]) -> String {
    let link = guide
        .iter()
        .find(|line| line.contains("the web shop, to buy in"));
    let link = link.unwrap().split_whitespace().nth(1).unwrap();
    link.trim_end_matches('/').to_owned()
}

#[test]
fn the_shop_shows_what_is_there_and_lets_nobody_in_from_elsewhere() {
    let mut server = Start::demo(&["--rate=0"]).run();
    let shop = shop(&until(&server, "a token for one more till"));
    let anyone = Client::new(&shop, "");
    let list = anyone.send("GET", "/", &[], None).unwrap();
    assert_eq!(list.status, 200);
    assert!(list.text.contains("Blue clogs") && list.text.contains("schema.org/InStock"));
    let policy = list.header("content-security-policy");
    let is_strict = policy.contains("default-src 'none'") && !policy.contains("unsafe");
    assert!(is_strict && policy.contains(&server.url), "{policy}");
    let cookie = list.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    // Its pages may follow the feed; nobody else's may.
    for (origin, allowed) in [(shop.as_str(), shop.as_str()), ("https://else.example", "")] {
        let path = "/v1/availability/blue-clogs-38";
        let read = Client::new(&server.url, "").send("GET", path, &[("origin", origin)], None);
        assert_eq!(read.unwrap().header("access-control-allow-origin"), allowed);
    }
    // Only Swish knows what proves that something was paid.
    let paid = br#"{"id":"x","is_paid":true,"amount":"1.00"}"#;
    let json = [("content-type", "application/json")];
    let said = anyone.send("POST", "/swish", &json, Some(paid)).unwrap();
    assert_eq!(said.status, 401);
    for strange in ["/product/none", "/order/none", "/nothing"] {
        let answer = anyone.send("GET", strange, &[], None).unwrap();
        assert_eq!(answer.status, 404, "{strange}");
    }
    server.stop();
    complains_of_nothing(&server);
}

#[test]
fn the_pretend_swish_ends_with_the_demo_however_that_ends() {
    for is_killed in [false, true] {
        let mut server = Start::demo(&["--rate=0"]).run();
        let shop = shop(&until(&server, "a token for one more till"));
        let list = Client::new(&shop, "").send("GET", "/", &[], None).unwrap();
        let policy = list.header("content-security-policy");
        let forms = policy.split("form-action 'self' http://").nth(1).unwrap();
        let swish = forms.split(';').next().unwrap();
        let mut open = TcpStream::connect(swish).unwrap();
        open.set_read_timeout(Some(PATIENCE)).unwrap();
        open.write_all(b"GET /pay/none HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        open.read_exact(&mut status).unwrap();
        assert_eq!(status, *b"HTTP/1.1 404");
        match is_killed {
            true => server.kill9(),
            false => server.stop(),
        }
        // A process that is gone has no open connections. They end a moment before it does, and
        // nobody waits for that once the demo was killed.
        wait_for_end(&mut open);
        let is_gone = || {
            let still = TcpStream::connect(swish);
            still.map(|mut open| wait_for_end(&mut open)).is_err()
        };
        assert!((0..10).any(|_| is_gone()));
    }
}

#[test]
fn the_data_of_a_real_service_is_refused() {
    let data = DataDir::new();
    Server::start(&data.path).stop();
    let ended = run(&["demo", "--data-dir", data.path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        !ended.status.success() && said.contains("give a new directory"),
        "{said}"
    );
}
