//! README's examples, as a newcomer pastes them, one block after the other.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::{ADMIN, DataDir, Server};

#[test]
fn the_api_by_example_works_when_pasted() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let folder = tempfile::tempdir().unwrap();
    // A refusal fails.
    fs::write(folder.path().join(".curlrc"), "fail-with-body\nsilent\n").unwrap();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once("\n## The API by example\n").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    // What follows the feed has no end.
    let blocks: Vec<&str> = blocks.filter(|block| !block.contains("curl -N")).collect();
    assert!(blocks.len() >= 4, "{blocks:#?}");
    for block in blocks {
        paste(block, &server, folder.path());
    }
}

fn paste(block: &str, server: &Server, folder: &Path) {
    let address = server.url.strip_prefix("http://").unwrap();
    let pasted = Command::new("sh")
        .args(["-ec", &block.replace("localhost:8080", address)])
        .env("H", format!("Authorization: Bearer {ADMIN}"))
        .env("CURL_HOME", folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&pasted.stdout);
    assert!(pasted.status.success(), "{block}\n{said}");
    assert!(!said.contains(r#""status":"refused""#), "{block}\n{said}");
}
