//! The syntax of a configuration file (CONF-1, CONF-2): `[section]`, `key=value`, comments.

use thiserror::Error;

/// One `key=value` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Why a file cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {why}")]
pub struct IniError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Reads a whole file. Of a key that is there twice the last line counts, so all are returned in order.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, IniError> {
    let mut section = String::new();
    let mut entries = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        let fail = |why| IniError { line, why };
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text.strip_prefix('[') {
            name.strip_suffix(']')
                .ok_or(fail("a section has no `]`"))?
                .trim()
                .clone_into(&mut section);
            continue;
        }
        let (key, text) = text.split_once('=').ok_or(fail("neither a section nor `key=value`"))?;
        let value = unescape(text).map_err(fail)?;
        let key = key.trim().to_owned();
        entries.push(Entry { section: section.clone(), key, value, line });
    }
    Ok(entries)
}

/// A value without quotes, escapes and comment. Blanks around it go, unless they are in quotes.
fn unescape(text: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let (mut quoted, mut solid) = (false, 0);
    let mut chars = text.trim_start().chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => quoted = !quoted,
            ';' if !quoted => break,
            '\\' => value.push(match chars.next().ok_or("a `\\` at the end")? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            char => value.push(char),
        }
        if quoted || !char.is_whitespace() {
            solid = value.len();
        }
    }
    if quoted {
        return Err("an open quote");
    }
    value.truncate(solid);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conf_1_sections_and_keys() {
        let entries = parse("a=0\n[one]\n a = 1 \n\n[two]\nb=x=y\n").expect("well-formed");
        let seen: Vec<_> =
            entries.iter().map(|e| (&e.section[..], &e.key[..], &e.value[..], e.line)).collect();
        assert_eq!(seen, [("", "a", "0", 1), ("one", "a", "1", 3), ("two", "b", "x=y", 6)]);
    }

    #[test]
    fn conf_2_comments_quotes_and_escapes() {
        let cases = [
            ("v", "v"),
            (" v ; a comment", "v"),
            ("v # no comment", "v # no comment"),
            ("\"a; b \"", "a; b "),
            ("a\\;b", "a;b"),
            (r"a\\b\n", "a\\b\n"),
            ("", ""),
        ];
        for (text, value) in cases {
            let entries = parse(&format!("# one\n; two\nk={text}")).expect("well-formed");
            assert_eq!(entries[0].value, value, "{text}");
        }
    }

    #[test]
    fn broken_lines_are_named() {
        for (text, line) in [("[a", 1), ("a=1\nb", 2), ("\nx=\"a", 2), ("x=a\\", 1)] {
            assert_eq!(parse(text).map_err(|error| error.line), Err(line), "{text}");
        }
    }
}
