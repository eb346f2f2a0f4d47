//! Patterns for case ids: `*` stands for any text, `?` for any one character.

/// Whether the whole text fits the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=text.len())
                .filter(|&at| text.is_char_boundary(at))
                .any(|at| matches(rest, &text[at..]))
        }
        Some(wanted) => match text.chars().next() {
            Some(found) if wanted == '?' || wanted == found => {
                matches(&pattern[wanted.len_utf8()..], &text[found.len_utf8()..])
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_marks() {
        assert!(matches("RESP-*", "RESP-4/first"));
        assert!(matches("*/first", "RESP-4/first"));
        assert!(matches("RESP-?/*", "RESP-4/first"));
        assert!(!matches("RESP-?/*", "RESP-10/first"));
        assert!(!matches("RESP", "RESP-4"));
    }
}
