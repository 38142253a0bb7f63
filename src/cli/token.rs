//! `token create|list|revoke`. It must not know how tokens are kept; a secret is shown once, on
//! standard output and alone, so that a script can take it.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::client::{Answer, HttpServer, Method, Server, ServerArgs, segment};

/// Scopes of the contract.
const SCOPES: [&str; 9] = [
    "availability",
    "screen",
    "stock:read",
    "stock:write",
    "reserve",
    "fulfil",
    "catalogue:write",
    "events:read",
    "admin",
];

/// Arguments of `token`.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// What to do with tokens.
    #[command(subcommand)]
    pub action: TokenAction,
}

/// What can be done with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenAction {
    /// Creates a token and prints it, once
    Create {
        /// Which server, and who asks.
        #[command(flatten)]
        server: ServerArgs,
        /// What the token will be and may do.
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Lists the tokens; never their secrets
    List {
        /// Which server, and who asks.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revokes a token: from now on nobody is let in with it
    Revoke {
        /// Which server, and who asks.
        #[command(flatten)]
        server: ServerArgs,
        /// The token's id, as `list` shows it
        id: String,
    },
}

/// A token to be made; its JSON is the body of `POST /v1/tokens`.
#[derive(Debug, Clone, Args, Serialize)]
pub struct Wanted {
    /// What the token is for, as in till-3
    #[arg(long)]
    pub name: String,
    /// What it may do; repeated or separated by commas
    #[arg(
        long = "scope", value_name = "SCOPE", required = true,
        value_delimiter = ',', value_parser = SCOPES,
    )]
    pub scopes: Vec<String>,
    /// Locations that stock:write and fulfil are limited to; repeated or separated by commas
    #[arg(long = "location", value_name = "LOCATION", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// The channel it always acts for
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// It may name the price of a line itself
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unit_price: bool,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    token: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Listed>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    locations: Option<Vec<String>>,
    #[serde(default)]
    channel: Option<String>,
}

pub(super) fn run(arguments: &TokenArgs) -> ExitCode {
    let (mut out, mut notes) = (std::io::stdout().lock(), std::io::stderr().lock());
    let done = match &arguments.action {
        TokenAction::Create { server, wanted } => {
            create(&mut HttpServer::new(server), wanted, &mut out, &mut notes)
        }
        TokenAction::List { server } => list(&mut HttpServer::new(server), &mut out),
        TokenAction::Revoke { server, id } => revoke(&mut HttpServer::new(server), id, &mut notes),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            writeln!(notes, "error: {reason}").ok();
            ExitCode::FAILURE
        }
    }
}

fn create(
    server: &mut impl Server,
    wanted: &Wanted,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), String> {
    let body = serde_json::to_string(wanted).expect("strings and flags are JSON");
    // Not repeated when the answer is lost: each repetition would make another token.
    let answer = server
        .call(Method::Post, "/v1/tokens", Some(&body))
        .map_err(|lost| {
            format!("{lost}; whether a token was made is unknown, `token list` tells")
        })?;
    let created: Created = read(&answer)?;
    let made = writeln!(
        notes,
        "token {} for {}; it is shown only now:",
        created.id, wanted.name
    )
    .and_then(|()| writeln!(out, "{}", created.token));
    made.map_err(|error| error.to_string())
}

fn list(server: &mut impl Server, out: &mut impl Write) -> Result<(), String> {
    let mut path = "/v1/tokens".to_owned();
    loop {
        let page: Page = read(&server.call(Method::Get, &path, None)?)?;
        for token in &page.items {
            let line = writeln!(
                out,
                "{}\t{}\t{}\tlocations={}\tchannel={}",
                token.id,
                token.name,
                token.scopes.join(","),
                token
                    .locations
                    .as_ref()
                    .map_or("any".to_owned(), |names| names.join(",")),
                token.channel.as_deref().unwrap_or("any"),
            );
            line.map_err(|error| error.to_string())?;
        }
        let Some(next) = page.next else { return Ok(()) };
        path = format!("/v1/tokens?after={}", segment(&next));
    }
}

fn revoke(server: &mut impl Server, id: &str, notes: &mut impl Write) -> Result<(), String> {
    let path = format!("/v1/tokens/{}", segment(id));
    let answer = server.call(Method::Delete, &path, None)?;
    if !answer.is_success() {
        return Err(answer.words());
    }
    writeln!(notes, "token {id} is revoked").map_err(|error| error.to_string())
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    if !answer.is_success() {
        return Err(answer.words());
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the answer is not what the contract says: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::client::script::{Script, answer};
    use crate::cli::{Command, CommandLine};

    fn parse(flags: &[&str]) -> Result<TokenAction, String> {
        let line = ["onhand", "token"]
            .iter()
            .chain(flags)
            .chain(&["--token", "t"]);
        let parsed = CommandLine::try_parse_from(line).map_err(|error| error.to_string())?;
        let Command::Token(arguments) = parsed.command else {
            panic!("not token")
        };
        Ok(arguments.action)
    }

    fn wanted(flags: &[&str]) -> Wanted {
        let line = [&["create", "--name", "till-3"], flags].concat();
        let TokenAction::Create { wanted, .. } = parse(&line).unwrap() else {
            panic!()
        };
        wanted
    }

    #[test]
    fn only_what_was_asked_for_is_in_the_body() {
        let mut server = Script::new(|_| Ok(answer(201, json!({"id": "7", "token": "s3cret"}))));
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        create(
            &mut server,
            &wanted(&["--scope", "reserve"]),
            &mut out,
            &mut notes,
        )
        .unwrap();
        assert_eq!(
            server.asked[0].body,
            json!({"name": "till-3", "scopes": ["reserve"]})
        );
        assert_eq!(server.asked[0].path, "/v1/tokens");
        assert_eq!(out, b"s3cret\n", "the secret alone goes to standard output");
    }

    #[test]
    fn scopes_and_locations_may_be_repeated_or_listed() {
        let flags = "--scope stock:write,fulfil --scope stock:read --location a,b --location c \
                     --channel store --unit-price";
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let body = serde_json::to_value(wanted(&flags)).unwrap();
        let expected = json!({
            "name": "till-3", "scopes": ["stock:write", "fulfil", "stock:read"],
            "locations": ["a", "b", "c"], "channel": "store", "unit_price": true,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_unknown_scope_is_refused_before_anything_is_sent() {
        let refused = parse(&["create", "--name", "x", "--scope", "stock:wirte"]).unwrap_err();
        assert!(refused.contains("stock:write"), "{refused}");
        parse(&["create", "--name", "x"]).unwrap_err();
    }

    #[test]
    fn a_list_goes_on_to_its_last_page() {
        let mut server = Script::new(|_| {
            Ok(answer(
                200,
                json!({"items": [{"id": "2", "name": "b", "scopes": ["admin"]}]}),
            ))
        });
        let first = json!({"items": [{"id": "1", "name": "a", "scopes": ["reserve", "fulfil"],
            "locations": ["malmo"], "channel": "store", "created_at": "…"}], "next": "p/1"});
        server.queue.push_back(Ok(answer(200, first)));
        let mut out = Vec::new();
        list(&mut server, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "1\ta\treserve,fulfil\tlocations=malmo\tchannel=store\n\
             2\tb\tadmin\tlocations=any\tchannel=any\n"
        );
        assert_eq!(server.asked[1].path, "/v1/tokens?after=p%2F1");
    }

    #[test]
    fn a_refusal_is_told_and_fails() {
        let mut server = Script::new(|_| Ok(answer(404, json!({"code": "token_not_found"}))));
        let refused = revoke(&mut server, "a/b", &mut Vec::new()).unwrap_err();
        assert_eq!(refused, "404 token_not_found");
        assert_eq!(server.asked[0].path, "/v1/tokens/a%2Fb");
        assert_eq!(server.asked[0].method, Method::Delete);
    }

    #[test]
    fn a_lost_answer_to_create_is_not_repeated() {
        let mut server = Script::new(|_| Err("connection reset".to_owned()));
        let wanted = wanted(&["--scope", "reserve"]);
        let error = create(&mut server, &wanted, &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert!(
            error.contains("unknown") && server.asked.len() == 1,
            "{error}"
        );
    }
}
