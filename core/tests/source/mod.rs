//! Rust source as text, read just well enough to judge it: files, code without comments and literals, and
//! the paths that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(crate) struct Source {
    /// Where it is, relative to the workspace.
    pub(crate) name: String,
    /// The code, with blanks in place of comments and of what literals contain.
    pub(crate) code: String,
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file in a folder of the workspace.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&workspace().join(folder), folder, &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect(name) {
        let path = entry.expect(name).path();
        let name = format!("{name}/{}", path.file_name().expect(name).to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, found);
        } else if name.ends_with(".rs") {
            let code = code(&fs::read_to_string(&path).expect(&name));
            found.push(Source { name, code });
        }
    }
}

/// `text` with blanks in place of comments and of what is between quotes; lines stay lines.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let length = opaque(rest, &code);
        let (taken, after) = rest.split_at(length.max(char.len_utf8()));
        match length {
            0 => code.push(char),
            _ => code.extend(taken.chars().map(|char| if char == '\n' { '\n' } else { ' ' })),
        }
        rest = after;
    }
    code
}

/// How many bytes at the beginning of `rest` are a comment or a literal.
fn opaque(rest: &str, before: &str) -> usize {
    let to = |end: Option<usize>| end.unwrap_or(rest.len());
    let in_word = before.ends_with(|char: char| char.is_alphanumeric() || char == '_');
    let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
    match rest.as_bytes() {
        [b'/', b'/', ..] => to(rest.find('\n')),
        [b'/', b'*', ..] => to(rest.find("*/").map(|at| at + 2)),
        [b'r', ..]
            if rest[1 + hashes..].starts_with('"') && (!in_word || before.ends_with('b')) =>
        {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            to(rest[body..].find(&end).map(|at| body + at + end.len()))
        }
        [b'"', ..] => to(quote_end(rest, '"')),
        // A lifetime has no second quote after one character.
        [b'\'', b'\\', ..] => to(quote_end(rest, '\'')),
        [b'\'', ..] => {
            let mut chars = rest.char_indices().skip(2);
            chars.next().filter(|&(_, char)| char == '\'').map_or(0, |(at, _)| at + 1)
        }
        _ => 0,
    }
}

fn quote_end(rest: &str, quote: char) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            char if char == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `code` without the items that only tests have.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let item = &rest[at..];
        let end = item.find(['{', ';']).unwrap_or(item.len());
        rest = match item[end..].starts_with('{') {
            true => &item[end + block(&item[end..])..],
            false => item.get(end + 1..).unwrap_or(""),
        };
    }
    kept + rest
}

/// The length of the block that begins with the first character.
pub(crate) fn block(code: &str) -> usize {
    let mut depth = 0;
    for (at, char) in code.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Where `word` stands alone.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}

/// Every path that begins with `root`, without it; the braces of `use` are taken apart.
pub(crate) fn paths(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for at in words(code, root) {
        if let Some(rest) = code[at + root.len()..].strip_prefix("::")
            && !code[..at].ends_with("::")
        {
            tree(rest, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads a use tree; gives back what stands behind it.
fn tree<'a>(code: &'a str, stem: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') && !rest.trim_start().is_empty() {
            rest = tree(rest, &mut stem.clone(), found).trim_start();
            // What follows a name in a list, such as `as other`, is of no interest.
            let next = rest.find([',', '}']).unwrap_or(rest.len());
            rest = rest[next..].strip_prefix(',').unwrap_or(&rest[next..]);
        }
        return rest.trim_start().strip_prefix('}').unwrap_or("");
    }
    let end = code.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    stem.push(name.to_owned());
    match rest.strip_prefix("::") {
        Some(rest) if !name.is_empty() => tree(rest, stem, found),
        _ => {
            found.push(stem.clone());
            rest
        }
    }
}
