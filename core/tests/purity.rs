//! The core is pure: no clock, socket, thread, file, environment or global randomness, no map that is
//! iterated in an order of its own, and none of the crates that bring these.

mod source;

use std::process::Command;

use source::{code, paths, sources, without_tests, words, workspace};

/// Modules of the standard library that touch the world.
const STD: [&str; 8] = ["time", "net", "thread", "env", "fs", "io", "process", "os"];

/// Words that no pure code needs.
const WORDS: [&str; 18] = [
    "Instant",
    "SystemTime",
    "RandomState",
    "DefaultHasher",
    "thread_rng",
    "getrandom",
    "rand",
    "tokio",
    "mio",
    "async",
    "await",
    "println",
    "eprintln",
    "print",
    "eprint",
    "thread_local",
    "unsafe",
    "static mut",
];

/// Crates that must not come in by any way.
const CRATES: [&str; 6] = ["tokio", "mio", "hyper", "socket2", "getrandom", "rand"];

#[test]
fn the_core_touches_nothing() {
    let sources = sources("core/src");
    let bad: Vec<_> = sources
        .iter()
        .flat_map(|source| impure(&source.code).into_iter().map(|what| (&source.name, what)))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn the_core_depends_on_nothing_that_does() {
    let tree = ["tree", "-p", "holdfast-core", "-e", "normal", "--prefix", "none", "--offline"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(has(&tree, "bytes"), "the tree is one: {tree}");
    for banned in CRATES {
        assert!(!has(&tree, banned), "{banned} is in the tree of the core");
    }
}

fn has(tree: &str, name: &str) -> bool {
    tree.lines().any(|line| line.split(' ').next() == Some(name))
}

#[test]
fn impurity_is_seen() {
    let bad = [
        "use std::time::Duration;",
        "use std::{sync::Arc, time::Instant};",
        "fn f() { std::thread::sleep(x) }",
        "use std::net::TcpStream;",
        "use std::io::Write as _;",
        "async fn f() {}",
        "fn f() { println!() }",
        "fn f() -> HashMap<u8, u8> { x }",
        "fn f() -> HashMap<u8, Vec<(u8, u8)>> { x }",
        "fn f() { let a = HashMap::new(); }",
        "fn f() { let a = HashSet::with_capacity(1); }",
        "type A = HashSet<u8>;",
        "type A = std::collections::HashMap<u8, u8, RandomState>;",
    ];
    for text in bad {
        assert!(!impure(&code(text)).is_empty(), "{text}");
    }
    let good = [
        "use core::net::IpAddr;\nuse std::sync::Arc;",
        "/// Not std::time.\nfn instant() { let a = \"std::env\"; }",
        "fn f() -> HashMap<u8, (u8, u8), S> { HashMap::with_hasher(s) }",
        "type A = HashSet<u8, S>;\nuse std::collections::HashMap;",
        "#[cfg(test)]\nmod tests { use std::time::Instant; fn f() { println!() } }\nfn g() {}",
    ];
    for text in good {
        assert_eq!(impure(&code(text)), Vec::<String>::new(), "{text}");
    }
}

/// What is impure in a file, its tests aside.
fn impure(code: &str) -> Vec<String> {
    let code = without_tests(code);
    let modules = paths(&code, "std").into_iter().filter(|path| STD.contains(&path[0].as_str()));
    let modules = modules.map(|path| format!("std::{}", path.join("::")));
    let used = WORDS.iter().filter(|word| words(&code, word).next().is_some());
    let used = used.map(|word| word.to_string());
    modules
        .chain(used)
        .chain(unseeded(&code, "HashMap", 3))
        .chain(unseeded(&code, "HashSet", 2))
        .collect()
}

/// Uses of a hash table with the hasher that is seeded by the system: it is the one that is meant where no
/// other is named, as the last of `parameters`.
fn unseeded(code: &str, table: &str, parameters: usize) -> Vec<String> {
    let is_bad = |at: &usize| {
        let rest = &code[at + table.len()..];
        let rest = rest.strip_prefix("::").unwrap_or(rest);
        rest.starts_with("new(")
            || rest.starts_with("with_capacity(")
            || (rest.starts_with('<') && arguments(rest) < parameters)
    };
    words(code, table)
        .filter(is_bad)
        .map(|_| format!("{table} without a hasher of its own"))
        .collect()
}

/// How many arguments a list in angle brackets has.
fn arguments(list: &str) -> usize {
    let mut depth = 0;
    let mut count = 1;
    for char in list.chars() {
        match char {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 1 => count += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    count
}
