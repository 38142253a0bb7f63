//! The real binary behind Debian's nginx, set up with the very file that operators are given: TLS,
//! the client's address, sizes, long polls, problems. It must not know what a proxy does inside.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::json;

use crate::client::Client;
use crate::server::{ADMIN, DataDir, Server, Start};

const CONF: &str = include_str!("../../packaging/nginx.conf");
const DOCUMENTED: &str = include_str!("../../packaging/nginx.md");

/// A running nginx, with all its files in a folder of its own.
struct Proxy {
    folder: tempfile::TempDir,
    url: String,
}

impl Proxy {
    /// In front of a server, once it accepts connections: nginx goes to the background only when
    /// its sockets are bound.
    fn before(server: &Server) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name).display().to_string();
        certificate(folder.path());
        let port = free_port();
        let upstream = server.url.strip_prefix("http://").unwrap();
        let mut conf = CONF.to_owned();
        for (given, ours) in [
            ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
            ("server 127.0.0.1:8080", format!("server {upstream}")),
            ("/etc/ssl/onhand/cert.pem", inside("cert.pem")),
            ("/etc/ssl/onhand/key.pem", inside("key.pem")),
        ] {
            assert_eq!(
                conf.matches(given).count(),
                1,
                "{given} is not in nginx.conf"
            );
            conf = conf.replace(given, &ours);
        }
        let around = format!(
            "user root;\npid {};\nerror_log {};\nevents {{}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path {};\nproxy_temp_path {};\n{conf}\n}}\n",
            inside("pid"),
            inside("error.log"),
            inside("bodies"),
            inside("answers"),
        );
        std::fs::write(folder.path().join("nginx.conf"), around).unwrap();
        let proxy = Proxy {
            folder,
            url: format!("https://127.0.0.1:{port}"),
        };
        proxy.nginx(&[]);
        proxy
    }

    fn nginx(&self, more: &[&str]) {
        let conf = self.folder.path().join("nginx.conf");
        let log = self.folder.path().join("error.log");
        let mut nginx = Command::new("nginx");
        let nginx = nginx.arg("-e").arg(log).arg("-p").arg(self.folder.path());
        ran("nginx", nginx.arg("-c").arg(conf).args(more));
    }

    fn client(&self, token: &str) -> Client {
        Client::new(&self.url, token)
    }

    /// The status of a request without a token, sent from `address`, which claims another one.
    fn status_from(&self, address: &str, claimed: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "-o", "/dev/null", "-w", "%{http_code}"]);
        curl.args(["--interface", address, "-H"])
            .arg(format!("X-Forwarded-For: {claimed}"));
        let output = ran("curl", curl.arg(format!("{}/v1/items", self.url)));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("error.log"));
            eprintln!("--- nginx said\n{}", log.unwrap_or_default());
        }
        self.nginx(&["-s", "stop"]);
    }
}

fn ran(name: &str, command: &mut Command) -> Output {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs it"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

fn certificate(folder: &Path) {
    let mut openssl = Command::new("openssl");
    openssl
        .current_dir(folder)
        .args(["req", "-x509", "-nodes", "-newkey", "ec"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]);
    openssl.args([
        "-subj",
        "/CN=stock.example.com",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]);
    ran("openssl", &mut openssl);
}

/// A port that was free a moment ago; nginx cannot be asked which one it chose.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn behind(data: &DataDir) -> Start {
    Start::on(&data.path).with("ONHAND_BEHIND_PROXY", "true")
}

#[test]
fn requests_problems_and_pages_pass_through_tls_unchanged() {
    let data = DataDir::new();
    let server = behind(&data).run();
    let proxy = Proxy::before(&server);
    let admin = proxy.client(ADMIN);
    admin.put("/v1/items/clog%2038", &json!({"name": "Red clogs 38"}));
    assert_eq!(admin.read("/v1/items/clog%2038")["sku"], "clog 38");

    let absent = admin.get("/v1/items/nothing").unwrap();
    assert_eq!((absent.status, absent.code()), (404, "unknown_item"));
    assert_eq!(absent.header("content-type"), "application/problem+json");
    assert!(!absent.header("request-id").is_empty());
    let anyone = proxy.client("");
    let refused = anyone.get("/v1/tokens").unwrap();
    assert_eq!((refused.status, refused.code()), (401, "unauthorized"));
    assert!(refused.header("www-authenticate").starts_with("Bearer"));

    let docs = anyone.get("/docs").unwrap();
    assert!(
        docs.header("content-security-policy")
            .contains("default-src 'none'")
    );
    let again = [("if-none-match", docs.header("etag"))];
    assert_eq!(
        anyone.send("GET", "/docs", &again, None).unwrap().status,
        304
    );
}

#[test]
fn a_body_that_is_too_large_is_refused_by_the_problem_that_says_so() {
    let data = DataDir::new();
    let server = behind(&data).run();
    let proxy = Proxy::before(&server);
    let admin = proxy.client(ADMIN);
    let body = |bytes: usize| {
        let name = " ".repeat(bytes - 2);
        admin
            .send(
                "POST",
                "/v1/movements",
                &[],
                Some(format!("{{{name}}}").as_bytes()),
            )
            .unwrap()
    };
    let within = body(1 << 20);
    assert_eq!((within.status, within.code()), (422, "invalid_request"));
    let beyond = body((1 << 20) + 1);
    assert_eq!((beyond.status, beyond.code()), (413, "body_too_large"));
    assert_eq!(body(3 << 20).status, 413);
}

#[test]
fn a_page_at_the_proxys_name_may_follow_the_feed() {
    let (_, documented) = DOCUMENTED.split_once("origins = \"").unwrap();
    let (origins, _) = documented.split_once('"').unwrap();
    let data = DataDir::new();
    let server = behind(&data).with("ONHAND_HTTP_ORIGINS", origins).run();
    let proxy = Proxy::before(&server);
    // Who may follow it is asked which keys.
    for (origin, status) in [
        ("https://stock.example.com", 422),
        (&server.url, 422),
        ("https://shop.example", 403),
    ] {
        let headers = [("origin", origin)];
        let answer = proxy
            .client("")
            .send("GET", "/v1/feed/events", &headers, None);
        assert_eq!(answer.unwrap().status, status, "{origin}");
    }
}

#[test]
fn a_long_poll_hears_through_the_proxy_what_happens_while_it_waits() {
    let data = DataDir::new();
    let server = behind(&data).run();
    let proxy = Proxy::before(&server);
    let admin = proxy.client(ADMIN);
    admin.put("/v1/items/clogs", &json!({"name": "Clogs"}));
    admin.put(
        "/v1/locations/malmo",
        &json!({"name": "Malmö", "kind": "store"}),
    );
    let latest = admin.read("/v1/events?after=latest");
    let after = latest["next"].as_str().unwrap().to_owned();
    let quiet = admin.read(&format!("/v1/events?after={after}&wait_seconds=1"));
    assert_eq!(quiet["events"], json!([]));

    let waiting = proxy.client(ADMIN);
    let path = format!("/v1/events?after={after}&wait_seconds=30");
    let waiting = thread::spawn(move || waiting.read(&path));
    let movement = json!({"id": "m1", "type": "receipt", "sku": "clogs", "location": "malmo",
        "quantity": 3});
    admin.post("/v1/movements", &json!({ "movements": [movement] }));
    let heard = waiting.join().unwrap();
    assert_eq!(heard["events"][0]["data"]["sku"], "clogs", "{heard}");
}

#[test]
fn what_pages_load_is_compressed_on_its_way_and_answers_are_not() {
    let data = DataDir::new();
    let server = behind(&data).run();
    let proxy = Proxy::before(&server);
    let browser = proxy.client("");
    let get = |path: &str, tag: &str| {
        let headers = [("accept-encoding", "gzip"), ("if-none-match", tag)];
        browser.send("GET", path, &headers, None).unwrap()
    };
    for path in ["/web/onhand-stock.js", "/web/onhand.css"] {
        let loaded = get(path, "");
        assert_eq!(loaded.header("content-encoding"), "gzip", "{path}");
        assert!(loaded.header("vary").contains("Accept-Encoding"), "{path}");
        assert_eq!(get(path, loaded.header("etag")).status, 304, "{path}");
    }
    let answered = get("/v1/items", "");
    assert_eq!(
        (answered.status, answered.header("content-encoding")),
        (200, "")
    );
}

#[test]
fn clients_are_counted_by_the_address_the_proxy_saw_whatever_they_claim() {
    let data = DataDir::new();
    let server = behind(&data)
        .with("ONHAND_HTTP_REQUESTS_PER_SECOND_MAX", "1")
        .with("ONHAND_HTTP_REQUESTS_BURST_MAX", "3")
        .run();
    let proxy = Proxy::before(&server);
    let shopper = |claimed: &str| proxy.status_from("127.0.0.2", claimed);
    let mut refused = 0;
    for claimed in 1..=30 {
        refused += usize::from(shopper(&format!("198.51.100.{claimed}")) == "429");
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(proxy.status_from("127.0.0.3", "198.51.100.1"), "200");
}
