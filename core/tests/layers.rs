//! The layers of the core, kept: who may import whom, and how long files and functions may be.

mod source;

use source::{Source, block, code, paths, sources, without_tests, words};

/// The parts of the core, lowest first, and what each may import beside itself: groups of parts and single
/// ones. `publish::item` is a published item and what it consists of, no more of `publish`.
const HOUSE: [(&str, &[&[&str]]); 18] = [
    ("ground", &[]),
    ("message", &[]),
    ("json", &[WORDS]),
    ("publish", &[WORDS, &["json"]]),
    ("http1", &[WORDS, ITEM]),
    ("ws", &[WORDS]),
    ("grip", &[WORDS, ITEM, &["json"]]),
    ("route", &[WORDS, ITEM, &["grip"]]),
    ("forward", &[WORDS, ITEM, &["json", "grip", "route"]]),
    ("filter", &[WORDS, &["grip"]]),
    ("wsoh", &[WORDS, ITEM, &["json", "ws"]]),
    ("channel", &[WORDS, ITEM]),
    ("intake", &[WORDS, LANGUAGE, BOOKS]),
    ("hold", &[WORDS, LANGUAGE, BOOKS]),
    ("socket", &[WORDS, LANGUAGE, BOOKS]),
    ("exchange", &[WORDS, LANGUAGE, BOOKS, &["hold"]]),
    ("engine", &[WORDS, LANGUAGE, BOOKS, &["intake", "hold", "socket", "exchange"]]),
    ("hub", &[WORDS, LANGUAGE, BOOKS, &["intake", "exchange"]]),
];

const WORDS: &[&str] = &["ground", "message"];
const ITEM: &[&str] = &["publish::item"];
const LANGUAGE: &[&str] =
    &["json", "publish", "http1", "ws", "grip", "route", "forward", "filter", "wsoh"];
const BOOKS: &[&str] = &["channel"];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn imports_keep_to_the_layers() {
    let sources = sources("core/src");
    let items = items_of_publish(&sources);
    let bad: Vec<_> = sources.iter().flat_map(|source| forbidden(source, &items)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn files_and_functions_are_short() {
    let folders = [
        "core/src",
        "runtime-tokio/src",
        "sim/src",
        "sim/turmoil/src",
        "conformance/src",
        "fuzz/src",
    ];
    let sources = folders.iter().flat_map(|folder| sources(folder));
    let bad: Vec<_> = sources.flat_map(|source| too_long(&source)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn forbidden_imports_are_seen() {
    let bad = |name: &str, text: &str| {
        let source = Source { name: format!("core/src/{name}"), code: code(text) };
        !forbidden(&source, &["Item".to_owned()]).is_empty()
    };
    assert!(bad("ground/time.rs", "use crate::message::Fields;"));
    assert!(bad("grip/sig.rs", "use crate::{ground::Time, route::Route};"));
    assert!(bad("grip/sig.rs", "fn f() { crate::route::parse() }"));
    assert!(bad("grip/sig.rs", "use super::super::route::Route;"));
    assert!(bad("grip/mod.rs", "pub use super::route::Route;"));
    assert!(bad("route/mod.rs", "use crate::publish::parse_items;"));
    assert!(bad("route/mod.rs", "use crate::publish::{Item, parse_items as parse};"));
    assert!(bad("route/mod.rs", "use crate::publish;"));
    assert!(bad("hub/mod.rs", "use crate::hold::Hold;"));
    assert!(bad("hub/mod.rs", "use crate::engine::Engine;"));
    assert!(bad("attic/mod.rs", ""), "every part has its place");
    assert!(bad("grip/mod.rs", "use crate::Key;"), "nothing lies about in the root");
    assert!(!bad("route/mod.rs", "use crate::publish::{Item};\nuse crate::grip::{self, Key};"));
    assert!(!bad(
        "grip/mod.rs",
        "// use crate::route::Route;\nconst A: &str = \"crate::route::B\";"
    ));
    assert!(!bad("grip/json.rs", "use super::route;"), "a child of its own");
    assert!(!bad("engine/mod.rs", "use crate::hold::Hold;\npub(crate) use crate::engine::x;"));
}

#[test]
fn long_files_and_functions_are_seen() {
    let bad =
        |text: &str| !too_long(&Source { name: "x.rs".to_owned(), code: code(text) }).is_empty();
    let function = |lines: usize| format!("fn f(a: [u8; 2]) {{{}}}", "\n".repeat(lines - 1));
    assert!(!bad(&function(70)));
    assert!(bad(&function(71)));
    assert!(bad(&format!("impl A {{ {} }}", function(71))));
    assert!(!bad(&"const A: fn(u8) = f;\n".repeat(600)));
    assert!(bad(&"\n".repeat(601)));
}

/// What `source` imports and may not.
fn forbidden(source: &Source, items: &[String]) -> Vec<String> {
    let Some(module) = module(&source.name) else {
        return Vec::new();
    };
    let Some(allowed) = allowed(module) else {
        return vec![format!("{}: the part {module} is not in the table", source.name)];
    };
    let is_item = |path: &[String]| path.get(1).is_some_and(|name| items.contains(name));
    let may = |path: &[String]| {
        path[0] == module
            || allowed.contains(&path[0].as_str())
            || (path[0] == "publish" && is_item(path) && allowed.contains(&"publish::item"))
    };
    let bad = imports(source).into_iter().filter(|path| !may(path));
    bad.map(|path| format!("{}: {module} may not import {}", source.name, path.join("::")))
        .collect()
}

fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let (_, groups) = HOUSE.iter().find(|(name, _)| *name == module)?;
    Some(groups.concat())
}

/// The part of the core that a file belongs to; the root belongs to none.
fn module(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("core/src/")?;
    let (module, _) = inside.split_once('/').or(inside.split_once('.'))?;
    (module != "lib").then_some(module)
}

/// The paths that a file names outside of its part, from the root of the crate.
fn imports(source: &Source) -> Vec<Vec<String>> {
    let mut imports = paths(&source.code, "crate");
    // How many `super` lead to the root; modules inside a file are left out for simplicity.
    let depth =
        source.name.matches('/').count() - 1 - usize::from(source.name.ends_with("/mod.rs"));
    for path in paths(&without_tests(&source.code), "super") {
        let supers = 1 + path.iter().take_while(|name| *name == "super").count();
        if supers >= depth {
            imports.push(path[supers - 1..].to_vec());
        }
    }
    imports
}

/// The names of what `publish::item` defines.
fn items_of_publish(sources: &[Source]) -> Vec<String> {
    let item = sources.iter().find(|source| source.name == "core/src/publish/item.rs");
    let code = &item.expect("publish has items").code;
    let names = ["struct", "enum"]
        .into_iter()
        .flat_map(|kind| words(code, kind).map(move |at| code[at + kind.len()..].trim_start()));
    let name =
        |rest: &str| rest.split(|char: char| !char.is_alphanumeric()).next().map(str::to_owned);
    names.filter_map(name).collect()
}

fn too_long(source: &Source) -> Vec<String> {
    let mut bad = Vec::new();
    let lines = source.code.lines().count();
    if lines > FILE_LINES_MAX {
        bad.push(format!("{}: {lines} lines", source.name));
    }
    for at in words(&source.code, "fn") {
        let function = &source.code[at..];
        let lines = function[..body_end(function)].lines().count();
        if lines > FUNCTION_LINES_MAX {
            let first = function.lines().next().unwrap_or_default();
            bad.push(format!("{}: {lines} lines in {first}", source.name));
        }
    }
    bad
}

/// Where a function ends, or a mention of one that has no body.
fn body_end(function: &str) -> usize {
    let mut depth = 0;
    for (at, char) in function.char_indices() {
        match char {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return at + block(&function[at..]),
            ';' | ',' | '=' if depth <= 0 => return at,
            _ => {}
        }
    }
    function.len()
}
