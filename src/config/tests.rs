//! Behaviour of the configuration, source by source.

use std::ffi::OsString;
use std::path::Path;

use super::*;

fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("onhand.toml");
    std::fs::write(&path, file).unwrap();
    Config::read(Some(&path), variables(environment))
}

fn variables(environment: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    environment
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn complaint(file: &str, environment: &[(&str, &str)]) -> String {
    read(file, environment).unwrap_err().to_string()
}

#[test]
fn nothing_given_is_the_documented_default() {
    let config = Config::read(None, []).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.body_bytes_max, 1_048_576);
    assert_eq!(config.journal.data_dir, Path::new("./onhand-data"));
    config.check().unwrap();
}

#[test]
fn the_environment_wins_over_the_file_and_a_flags_variable_over_both() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[stock]\nlimited_max = 5\n";
    let environment = [
        ("ONHAND_LISTEN", "127.0.0.1:3"),
        ("ONHAND_HTTP_LISTEN", "127.0.0.1:2"),
        ("ONHAND_HTTP_WORKERS", "4"),
    ];
    let config = read(file, &environment).unwrap();
    assert_eq!(config.http.listen.port(), 3);
    assert_eq!(config.http.workers, 4);
    assert_eq!(config.stock.limited_max, 5);
}

#[test]
fn every_option_has_a_variable_of_the_environment() {
    for (section, option) in Config::options() {
        let name = format!("ONHAND_{section}_{option}").to_ascii_uppercase();
        let error = read("", &[(name.as_str(), "\u{1}")]);
        let taken = matches!(option, "data_dir" | "tls_cert" | "tls_key");
        assert_eq!(error.is_ok(), taken, "{name} was not read");
    }
}

#[test]
fn an_unknown_option_is_named_with_its_line_and_what_was_meant() {
    let text = complaint("[http]\n\nlisen = \"127.0.0.1:1\"\n", &[]);
    assert!(text.contains("line 3"), "{text}");
    assert!(
        text.ends_with("unknown option `http.lisen`; did you mean `http.listen`?"),
        "{text}"
    );
    let text = complaint("[stock]\ndata_dir = \"x\"\n", &[]);
    assert!(text.ends_with("did you mean `journal.data_dir`?"), "{text}");
}

#[test]
fn an_unknown_section_and_a_missing_one_are_told() {
    let text = complaint("[htp]\n", &[]);
    assert!(
        text.ends_with("unknown section `htp`; did you mean `http`?"),
        "{text}"
    );
    let text = complaint("ttl_seconds_max = 5\n", &[]);
    assert!(
        text.ends_with("did you mean `stock.ttl_seconds_max`?"),
        "{text}"
    );
}

#[test]
fn a_wrong_value_is_named_with_what_it_should_be() {
    let text = complaint("[journal]\nqueue_places_max = \"many\"\n", &[]);
    assert!(
        text.contains("line 2, column 1: `journal.queue_places_max` cannot be `many`"),
        "{text}"
    );
    let text = complaint("[stock]\nlines_max = 5000\n", &[]);
    assert!(text.ends_with("expected 1 to 1000"), "{text}");
    let text = complaint("[stock]\nlines_max = -1\n", &[]);
    assert!(text.ends_with("expected a whole number"), "{text}");
    let text = complaint("[stock]\nlines_max = [1]\n", &[]);
    assert!(
        text.contains("`stock.lines_max` cannot be a TOML array"),
        "{text}"
    );
    let text = complaint("", &[("ONHAND_YARDSTICK", "maybe")]);
    assert!(
        text.contains("environment variable ONHAND_YARDSTICK"),
        "{text}"
    );
}

#[test]
fn broken_toml_names_its_line() {
    let text = complaint("[http]\nlisten = \n", &[]);
    assert!(text.contains("onhand.toml, line 2"), "{text}");
    let text = complaint("[http]\nworkers = 1\nworkers = 2\n", &[]);
    assert!(
        text.contains("line 3") && text.contains("duplicate"),
        "{text}"
    );
}

#[test]
fn a_misspelt_variable_is_refused_and_a_strangers_left_alone() {
    let text = complaint("", &[("ONHAND_LISEN", "127.0.0.1:1")]);
    assert!(text.ends_with("did you mean `ONHAND_LISTEN`?"), "{text}");
    let text = complaint("", &[("ONHAND_STOCK_COLOUR", "red")]);
    assert!(
        text.contains("unknown option `ONHAND_STOCK_COLOUR`"),
        "{text}"
    );
    let strangers = [
        ("ONHAND_SERVICE_HOST", "10.0.0.1"),
        ("ONHAND_PORT", "tcp://10.0.0.1:80"),
        ("ONHAND_PORT_8080_TCP", "tcp://10.0.0.1:80"),
        ("ONHAND_LOG", "debug"),
    ];
    assert_eq!(read("", &strangers).unwrap(), Config::default());
}

#[test]
fn an_open_listener_needs_tls_or_a_proxy() {
    let open = |extra: &str| read(&format!("[http]\nlisten = \"0.0.0.0:80\"\n{extra}"), &[]);
    let error = open("").unwrap().check().unwrap_err().to_string();
    assert!(
        error.contains("http.listen") && error.contains("--behind-proxy"),
        "{error}"
    );
    open("behind_proxy = true").unwrap().check().unwrap();
    open("tls_cert = \"c.pem\"\ntls_key = \"k.pem\"")
        .unwrap()
        .check()
        .unwrap();
}

#[test]
fn the_ops_listener_is_private_because_it_never_is_tls() {
    let check = |address: &str, extra: &str| {
        let file = format!("[http]\nops_listen = \"{address}:81\"\n{extra}");
        read(&file, &[]).unwrap().check()
    };
    let tls = "tls_cert = \"c.pem\"\ntls_key = \"k.pem\"";
    for open in [
        "0.0.0.0",
        "[::]",
        "203.0.113.5",
        "172.32.0.1",
        "[2001:db8::5]",
    ] {
        for extra in ["", tls] {
            let error = check(open, extra).unwrap_err().to_string();
            assert!(error.starts_with("http.ops_listen"), "{error}");
            assert!(error.contains("in a private network"), "{error}");
            // TLS is not for it, and a proxy that is not there would be believed.
            assert!(!error.contains("--"), "{error}");
        }
        check(open, "behind_proxy = true").unwrap();
    }
    for private in [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.2",
        "169.254.0.9",
        "[::1]",
        "[fd12::5]",
        "[fe80::5]",
        "[::ffff:10.0.0.5]",
    ] {
        check(private, tls).unwrap();
        check(private, "").unwrap();
    }
}

#[test]
fn options_that_contradict_each_other_are_named() {
    let check = |file: &str| read(file, &[]).unwrap().check().unwrap_err().to_string();
    assert!(check("[http]\ntls_cert = \"c.pem\"").contains("both"));
    assert!(check("[http]\nops_listen = \"127.0.0.1:8080\"").contains("different addresses"));
    let ttl = "[stock]\nttl_seconds_default = 900\nttl_seconds_max = 600";
    assert!(check(ttl).contains("longer than the longest"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::read(Some(Path::new("/nowhere/onhand.toml")), []).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/onhand.toml"),
        "{error}"
    );
}

#[test]
fn a_secret_shows_in_no_debug_output_and_no_error() {
    let config = read("", &[("ONHAND_ADMIN_TOKEN", "s3cret")]).unwrap();
    assert_eq!(config.http.admin_token.as_ref().unwrap().reveal(), "s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_token_that_no_client_can_send_is_refused_and_not_shown() {
    for secret in [
        "s3 cret",
        " s3cret",
        "s3cret ",
        "s3crét",
        "s3cret\n",
        &"s3".repeat(300),
    ] {
        let told = complaint("", &[("ONHAND_ADMIN_TOKEN", secret)]);
        assert!(
            told.contains("`http.admin_token` cannot be what it is"),
            "{told}"
        );
        assert!(told.contains("1 to 512") && !told.contains("s3"), "{told}");
    }
    read("", &[("ONHAND_ADMIN_TOKEN", "oh_4Zk-._~+/=!")]).unwrap();
}

#[test]
fn an_empty_variable_takes_an_optional_value_back() {
    let config = read(
        "[http]\nadmin_token = \"x\"\n",
        &[("ONHAND_ADMIN_TOKEN", "")],
    )
    .unwrap();
    assert_eq!(config.http.admin_token, None);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let file = "[http]\nlisten = here\nworkers = \"four\"\n  body_bytes = 5\n[stok]\n\
                lines_max = 1\n\
                [stock]\nlines_max = 0\n";
    let environment = [("ONHAND_LISEN", "x"), ("ONHAND_HTTP_LISTEN", "nowhere")];
    let told = complaint(file, &environment);
    let lines: Vec<&str> = told.lines().collect();
    let expected = [
        "onhand.toml, line 2, column 10: ",
        "onhand.toml, line 3, column 1: `http.workers` cannot be `four`: expected a whole number",
        "onhand.toml, line 4, column 3: unknown option `http.body_bytes`; did you mean \
         `http.body_bytes_max`?",
        "onhand.toml, line 5, column 2: unknown section `stok`; did you mean `stock`?",
        "onhand.toml, line 8, column 1: `stock.lines_max` cannot be `0`: expected 1 to 1000",
        "environment variable ONHAND_HTTP_LISTEN: `http.listen` cannot be `nowhere`",
        "environment variable ONHAND_LISEN: unknown option `ONHAND_LISEN`; did you mean \
         `ONHAND_LISTEN`?",
    ];
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{line}\nnot {expected}");
    }
}

#[test]
fn every_value_is_listed_with_where_it_came_from_and_secrets_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("onhand.toml");
    std::fs::write(&path, "[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n").unwrap();
    let environment = [
        ("ONHAND_HTTP_WORKERS", "4"),
        ("ONHAND_ADMIN_TOKEN", "s3cret"),
    ];
    let flags = [("--data-dir", "/data".to_owned())];
    let reading = Reading::of(Some(&path), variables(&environment), &flags);
    let listed = reading.effective().to_string();
    let line = |name: &str| {
        let line = listed.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(line("http.listen ").ends_with("onhand.toml, line 2, column 1"));
    assert_eq!(
        line("http.workers"),
        "http.workers 4 environment variable ONHAND_HTTP_WORKERS"
    );
    assert_eq!(
        line("journal.data_dir"),
        "journal.data_dir \"/data\" flag --data-dir"
    );
    assert_eq!(line("stock.lines_max"), "stock.lines_max 100 default");
    assert!(line("http.admin_token").contains("(hidden)") && !listed.contains("s3cret"));
    assert_eq!(listed.lines().count(), Config::options().len());
}

#[test]
fn the_committed_example_is_what_the_options_say() {
    let committed = include_str!("../../onhand.toml.example");
    assert!(
        committed == example(),
        "onhand.toml.example is old; write it anew: onhand config default > onhand.toml.example"
    );
}

#[test]
fn the_example_names_every_option_and_changes_nothing() {
    let text = example();
    let every: Vec<String> = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if !option.starts_with(' ') => option.to_owned(),
            Some(_) | None => line.to_owned(),
        })
        .collect();
    assert_eq!(read(&every.join("\n"), &[]).unwrap(), Config::default());
    assert_eq!(read(&text, &[]).unwrap(), Config::default());
    for (_, option) in Config::options() {
        let set = every
            .iter()
            .filter(|line| line.starts_with(&format!("{option} = ")));
        assert!(set.count() >= 1, "{option}");
    }
}

#[test]
fn every_number_of_the_example_has_a_unit_and_every_option_a_reason() {
    for section in Config::default().sections() {
        for option in section.describe() {
            assert!(
                option.why.iter().any(|line| line.len() > 3),
                "{}",
                option.name
            );
        }
    }
    let text = example();
    for line in [
        "# Takes bytes, 1_024 to 67_108_864; ONHAND_HTTP_BODY_BYTES_MAX",
        "# Takes milliseconds, 100 to 600_000; ONHAND_HTTP_REQUEST_HEAD_MS_MAX",
        "# Takes a number of connections, 1 to 1_000_000; ONHAND_HTTP_CONNECTIONS_MAX",
        "# Takes requests a second; ONHAND_HTTP_REQUESTS_PER_SECOND_MAX",
        "# Takes a number of units of sale; ONHAND_STOCK_LIMITED_MAX",
        "# Takes an address and a port; --listen, ONHAND_LISTEN, ONHAND_HTTP_LISTEN",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("--admin-token"));
}
