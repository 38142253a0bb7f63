//! Form is a test too: the directions between modules, the sizes of files, what each file opens
//! with, and what no file may contain. Every rule is shown to fail on a bad sample.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A file of the project.
struct Source {
    /// From the root of the repository, as in `src/stock/key.rs`.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// The top-level module the file belongs to, as in `stock`; `main` and `lib` are their own.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// How deep the file's module lies: 1 for `src/config.rs`, 2 for `src/config/error.rs`.
    fn depth(&self) -> usize {
        let parts: Vec<&str> = self
            .path
            .trim_end_matches(".rs")
            .split('/')
            .skip(1)
            .collect();
        parts.len() - usize::from(parts.last() == Some(&"mod"))
    }

    /// A file that holds nothing but tests.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let in_tests = self.path.starts_with("tests/") || self.path.contains("/tests/");
        in_tests || name == "tests.rs"
    }

    /// The lines before the unit tests at the end of the file.
    fn own_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        });
        let end = if self.is_test() {
            0
        } else {
            tests.unwrap_or(lines.len())
        };
        self.numbered().take(end)
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// Lines that are not comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn fault(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Which top-level module may use which others: the table of ARCHITECTURE.md, which is the only
/// place that says so. Each but the pure ones may count with `telemetry` as well.
static DIRECTIONS: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    let map = fs::read_to_string(map).unwrap();
    let (_, rest) = map.split_once("\n| part | may use |\n|---|---|\n").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    let names = |cell: &str| -> Vec<String> {
        let between_ticks = cell.split('`').skip(1).step_by(2);
        between_ticks.map(str::to_owned).collect()
    };
    let row = |line: &str| {
        let (part, used) = line.trim_matches('|').split_once('|').unwrap();
        (names(part).remove(0), names(used))
    };
    table.lines().map(row).collect()
});

const PURE: [&str; 3] = ["stock", "telemetry", "web"];

fn directions(source: &Source) -> Vec<String> {
    // Tests put together what they need.
    if source.is_test() {
        return Vec::new();
    }
    let Some(module) = source.module().filter(|module| *module != "lib") else {
        return Vec::new();
    };
    let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| name == module) else {
        return vec![source.fault(1, format!("`{module}` has no place among the directions"))];
    };
    let mut used = uses(source, module);
    used.retain(|name| {
        let may_count = name == "telemetry" && !PURE.contains(&module);
        !may_count && !allowed.contains(name)
    });
    used.iter()
        .map(|name| source.fault(1, format!("`{module}` must not use `{name}`")))
        .collect()
}

/// The other modules that a file of `module` names, each once.
fn uses(source: &Source, module: &str) -> BTreeSet<String> {
    let code: String = source.code().map(|(_, line)| format!("{line}\n")).collect();
    let mut used = named_after(&code, "crate::");
    if module == "main" {
        used.extend(named_after(&code, "onhand::"));
    }
    let own: String = source
        .own_lines()
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    used.extend(above_root(&own, source.depth()));
    let is_other = |name: &String| {
        let is_module = DIRECTIONS.iter().any(|(known, _)| known == name);
        is_module && name != module
    };
    used.into_iter().filter(is_other).collect()
}

/// The first names behind a prefix such as `crate::`, groups in braces included.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let starts = code
        .match_indices(prefix)
        .map(|(at, _)| &code[at + prefix.len()..]);
    starts.flat_map(first_names).collect()
}

/// The names that `super::` reaches when it climbs to the root of the crate.
fn above_root(code: &str, depth: usize) -> Vec<String> {
    let climb = "super::".repeat(depth);
    named_after(code, &climb)
}

/// `a::b` → a; `{a, b::{c}}` → a and b.
fn first_names(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    if !path.starts_with('{') {
        return vec![word(path)];
    }
    let (mut depth, mut names, mut start) = (0, Vec::new(), 1);
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                names.push(word(&path[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            names.push(word(&path[start..at]));
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn opening(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![source.fault(
        1,
        "does not open with `//!`: what it is and what it must not know",
    )]
}

fn size(source: &Source) -> Vec<String> {
    let lines = source.own_lines().count();
    if lines <= 400 {
        return Vec::new();
    }
    vec![source.fault(
        400,
        format!("{lines} lines without its tests; 400 are the limit"),
    )]
}

fn width(source: &Source) -> Vec<String> {
    let wide = source
        .numbered()
        .filter(|(_, line)| line.chars().count() > 100);
    wide.map(|(number, _)| source.fault(number, "wider than 100 columns"))
        .collect()
}

fn names(source: &Source) -> Vec<String> {
    let vague = [
        "utils", "util", "manager", "helpers", "helper", "common", "misc",
    ];
    let parts = source.path.trim_end_matches(".rs").split('/');
    let found = parts.filter(|part| vague.contains(part));
    found
        .map(|part| source.fault(1, format!("`{part}` is not the name of anything")))
        .collect()
}

/// Words that stand for work left undone, spelt so that this file does not contain them.
fn undone(source: &Source) -> Vec<String> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
    ];
    let words = words.iter().chain([&concat!("unimpl", "emented!(")]);
    containing(
        source,
        source.numbered(),
        &words.copied().collect::<Vec<_>>(),
        "left undone",
    )
}

/// The time is an argument; one file asks for it.
fn time(source: &Source) -> Vec<String> {
    let clocks = ["src/clock.rs", "loadtest/src/clock.rs"];
    if clocks.contains(&source.path.as_str()) || source.path.starts_with("src/clock/") {
        return Vec::new();
    }
    let clocks = ["SystemTime", "Instant", "Timestamp", "Zoned", "Utc"];
    let words: Vec<String> = clocks.iter().map(|clock| format!("{clock}::now")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    containing(source, source.code(), &words, "ask the clock")
}

fn output(source: &Source) -> Vec<String> {
    let module = source.module();
    if source.is_test() || module == Some("main") || module == Some("cli") {
        return Vec::new();
    }
    let own = source
        .own_lines()
        .filter(|(_, line)| !line.trim_start().starts_with("//"));
    containing(
        source,
        own,
        &["println!(", "print!("],
        "only the command line writes there",
    )
}

/// Tests neither sleep nor are skipped.
fn patience(source: &Source) -> Vec<String> {
    let own = source.own_lines().count();
    let tests = source.code().filter(|(number, _)| *number > own);
    let words = [
        concat!("thread::", "sleep"),
        concat!("park_", "timeout"),
        concat!("time::", "sleep("),
        concat!("#[", "ignore"),
    ];
    containing(
        source,
        tests,
        &words,
        "a test waits for what happens, and always runs",
    )
}

/// What is shown in a comment is text: as an example it would have to be run.
fn shown(source: &Source) -> Vec<String> {
    let comment = |line: &str| {
        let line = line.trim_start();
        let text = line.strip_prefix("//!").or(line.strip_prefix("///"))?;
        text.trim_start().strip_prefix("```").map(str::to_owned)
    };
    let fences = source
        .numbered()
        .filter_map(|(number, line)| Some((number, comment(line)?)));
    let openings = fences.step_by(2).filter(|(_, language)| language != "text");
    openings
        .map(|(number, _)| source.fault(number, "an example belongs where tests run it"))
        .collect()
}

fn containing<'a>(
    source: &'a Source,
    lines: impl Iterator<Item = (usize, &'a str)>,
    words: &[&str],
    advice: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in lines {
        let found = words.iter().find(|word| line.contains(*word));
        faults.extend(found.map(|word| source.fault(number, format!("`{word}`: {advice}"))));
    }
    faults
}

/// Every Rust file of the project that is ours to keep in form.
fn project() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "loadtest"] {
        collect(&root.join(folder), &mut paths);
    }
    let read = |path: &PathBuf| {
        let from_root = path.strip_prefix(root).unwrap().to_str().unwrap();
        Source::new(from_root, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The rule holds for the project, and it does find what it is for.
fn check(rule: fn(&Source) -> Vec<String>, bad: &Source) {
    assert_eq!(rule(bad).len(), 1, "the rule overlooks a bad sample");
    let project = project();
    assert!(project.len() > 10, "the project's files were not found");
    let faults: Vec<String> = project.iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn modules_use_each_other_in_the_allowed_directions_only() {
    check(
        directions,
        &Source::new("src/stock/key.rs", "use crate::journal::Position;\n"),
    );
    let finds = |path: &str, text: &str| directions(&Source::new(path, text)).len();
    assert_eq!(
        finds(
            "src/journal/writer.rs",
            "use crate::{clock::Clock, http::Problem};\n"
        ),
        1
    );
    assert_eq!(
        finds(
            "src/journal/writer.rs",
            "use super::super::actors::Actor;\n"
        ),
        1
    );
    assert_eq!(
        finds("src/journal/mod.rs", "use super::actors::Actor;\n"),
        1
    );
    assert_eq!(
        finds("src/stock/key.rs", "fn f() { crate::telemetry::count() }\n"),
        1
    );
    assert_eq!(finds("src/main.rs", "use onhand::journal::Journal;\n"), 1);
    assert_eq!(
        finds("src/novelty.rs", "//! New.\n"),
        1,
        "a new module needs its directions"
    );
    assert_eq!(
        finds(
            "src/journal/writer.rs",
            "use crate::{stock::{Key}, telemetry};\n"
        ),
        0
    );
    assert_eq!(
        finds(
            "src/journal/store/mod.rs",
            "use super::super::writer::Writer;\n"
        ),
        0
    );
    assert_eq!(
        finds("src/stock/key.rs", "// crate::journal is not ours\n"),
        0
    );
}

#[test]
fn no_direction_is_allowed_that_nobody_goes() {
    let project = project();
    for (module, allowed) in DIRECTIONS.iter() {
        let files = project
            .iter()
            .filter(|source| source.module() == Some(module) && !source.is_test());
        let used: BTreeSet<String> = files.flat_map(|source| uses(source, module)).collect();
        let idle: Vec<&String> = allowed
            .iter()
            .filter(|name| !used.contains(*name))
            .collect();
        assert!(idle.is_empty(), "`{module}` may use {idle:?} and does not");
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    check(opening, &Source::new("src/stock/key.rs", "use std::fmt;\n"));
}

#[test]
fn no_file_is_longer_than_four_hundred_lines_without_its_tests() {
    check(size, &Source::new("src/stock/key.rs", &"//!\n".repeat(401)));
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        "//!\n".repeat(9),
        "\n".repeat(900)
    );
    assert!(size(&Source::new("src/stock/key.rs", &tested)).is_empty());
    let sample = Source::new("src/stock/key.rs", &tested);
    assert_eq!(sample.own_lines().count(), 9);
}

#[test]
fn no_line_is_wider_than_a_hundred_columns() {
    check(width, &Source::new("src/stock/key.rs", &"é".repeat(101)));
    assert!(width(&Source::new("src/stock/key.rs", &"é".repeat(100))).is_empty());
}

#[test]
fn every_file_is_named_after_something() {
    check(names, &Source::new("src/stock/helpers.rs", ""));
}

#[test]
fn nothing_is_left_undone() {
    check(
        undone,
        &Source::new("src/stock/key.rs", concat!("// TO", "DO: later\n")),
    );
}

#[test]
fn only_the_clock_asks_what_time_it_is() {
    check(
        time,
        &Source::new("src/stock/key.rs", concat!("let t = Instant:", ":now();\n")),
    );
    assert!(time(&Source::new("src/clock.rs", concat!("Instant:", ":now()"))).is_empty());
}

#[test]
fn only_the_command_line_writes_to_standard_output() {
    check(
        output,
        &Source::new("src/stock/key.rs", "    println!(\"{key}\");\n"),
    );
    assert!(output(&Source::new("src/cli/token.rs", "println!(\"x\");\n")).is_empty());
}

#[test]
fn no_comment_has_an_example_that_nobody_runs() {
    let example = "//! ```text\n//! `a`\n//! ```\n/// ```\n/// f()\n/// ```\nfn f() {}\n";
    check(shown, &Source::new("src/stock/key.rs", example));
}

#[test]
fn no_test_sleeps_or_is_skipped() {
    let sleeps = concat!("//! A test.\nstd::thread:", ":sleep(second);\n");
    check(patience, &Source::new("tests/integration/crash.rs", sleeps));
    assert!(patience(&Source::new("src/cli/client.rs", sleeps)).is_empty());
}
