//! The browser's part: scripts, styles and pages, embedded in the binary as they are written. It
//! must not know HTTP, and does nothing but hand them out.
//!
//! There is no build step. Only what no browser reads is left out of scripts and styles: lines
//! that are nothing but a comment, and the spaces in front of lines. So a text over several lines
//! in a script must not depend on them.

/// A file that browsers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// What it is asked for as, as in `onhand-stock.js`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    source: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";
const TYPES: &str = "application/typescript; charset=utf-8";

macro_rules! assets {
    ($($name:literal $media_type:ident,)*) => {
        &[$(Asset { name: $name, media_type: $media_type, source: include_bytes!($name) },)*]
    };
}

/// Every file there is.
pub const ASSETS: &[Asset] = assets![
    "onhand-stock.js" SCRIPT,
    "feed.js" SCRIPT,
    "texts.js" SCRIPT,
    "onhand-stock.d.ts" TYPES,
    "onhand.css" STYLE,
    "board.html" PAGE,
    "board.css" STYLE,
    "board.js" SCRIPT,
    "device.js" SCRIPT,
    "screen.js" SCRIPT,
    "store.css" STYLE,
    "decimal.js" SCRIPT,
    "till.js" SCRIPT,
    "till-catalogue.js" SCRIPT,
    "till-finder.js" SCRIPT,
    "till-item.js" SCRIPT,
    "till-kept.js" SCRIPT,
    "till-order.js" SCRIPT,
    "till-queue.js" SCRIPT,
    "till-server.js" SCRIPT,
    "till-words.js" SCRIPT,
    "till-worker.js" SCRIPT,
];

/// The scripts of the component: the first is what a page loads, the others what that one loads.
pub const COMPONENT: [&str; 3] = ["onhand-stock.js", "feed.js", "texts.js"];

/// The file of this name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Its content, as browsers are given it.
    pub fn content(&self) -> Vec<u8> {
        match self.media_type {
            SCRIPT => lean(self.source, "//"),
            STYLE => lean(self.source, "/*"),
            _ => self.source.to_vec(),
        }
    }
}

/// Without indentation, empty lines and lines that are a comment.
fn lean(source: &[u8], comment: &str) -> Vec<u8> {
    let source = std::str::from_utf8(source).expect("the project's files are UTF-8, and tested");
    let mut lean = String::with_capacity(source.len());
    for line in source.lines().map(str::trim) {
        let is_comment = line.starts_with(comment) && (comment == "//" || line.ends_with("*/"));
        let is_documentation = line.starts_with("/**") && line.ends_with("*/");
        if !(line.is_empty() || is_comment || is_documentation) {
            lean.push_str(line);
            lean.push('\n');
        }
    }
    lean.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// What the component may weigh, compressed as most servers and proxies do.
    const COMPONENT_BYTES_MAX: usize = 6_000;

    fn compressed(bytes: &[u8]) -> usize {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    }

    #[test]
    fn the_component_and_all_it_loads_stay_small() {
        let sizes = COMPONENT.map(|name| compressed(&asset(name).unwrap().content()));
        let sum: usize = sizes.iter().sum();
        assert!(sum <= COMPONENT_BYTES_MAX, "{sizes:?} make {sum} bytes");
        assert!(
            sum > COMPONENT_BYTES_MAX / 2,
            "{sizes:?}: something is missing"
        );
    }

    #[test]
    fn the_component_loads_nothing_but_what_is_counted() {
        for name in COMPONENT {
            let script = String::from_utf8(asset(name).unwrap().content()).unwrap();
            let lines = script.lines().filter(|line| line.starts_with("import "));
            for line in lines {
                let is_counted = COMPONENT
                    .iter()
                    .any(|other| line.ends_with(&format!("'./{other}';")));
                assert!(is_counted, "{name}: {line}");
            }
            assert!(!script.contains("import("), "{name} loads more later");
        }
    }

    #[test]
    fn nothing_but_comments_and_spaces_is_left_out() {
        let script = b"// Why.\nconst a = 'https://a'; // stays\n\n  /** Says. */\n  f(a);\n";
        assert_eq!(
            lean(script, "//"),
            b"const a = 'https://a'; // stays\nf(a);\n"
        );
        let style = b"/* Why. */\na {\n  color: red;\n}\n";
        assert_eq!(lean(style, "/*"), b"a {\ncolor: red;\n}\n");
    }

    #[test]
    fn every_file_in_the_folder_is_handed_out_under_a_name_of_its_own() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web");
        let names = std::fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for name in names.filter(|name| !name.ends_with(".rs")) {
            let found = ASSETS.iter().filter(|asset| asset.name == name).count();
            assert_eq!(found, 1, "{name}");
            std::str::from_utf8(asset(&name).unwrap().source).unwrap();
        }
        assert_eq!(asset("mod.rs"), None);
    }
}
