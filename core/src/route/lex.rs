//! The shape of a line: sections of a value with properties (ROUTE-2 to ROUTE-6).

use core::mem;
use core::str::Chars;

use super::{LineError, Warning};

/// `value[,prop[=val]]...`: a condition or a target.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Section {
    pub(super) value: String,
    pub(super) properties: Vec<Property>,
}

/// `prop` or `prop=val`.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// The sections of a line; none if it is blank or a comment.
pub(super) fn sections(line: &str, warnings: &mut Vec<Warning>) -> Result<Vec<Section>, LineError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '#' => break,
            ' ' => words.extend(word.take()),
            '\t' => {
                words.extend(word.take());
                if !warnings.contains(&Warning::Tab) {
                    warnings.push(Warning::Tab);
                }
            }
            ',' => word.get_or_insert_default().next_element(),
            '"' => unquote(&mut chars, &mut word.get_or_insert_default().element)?,
            char => word.get_or_insert_default().element.push(char),
        }
    }
    words.extend(word);
    words.into_iter().map(Section::new).collect()
}

/// A section on its way: the elements before, and the one that grows.
#[derive(Default)]
struct Word {
    before: Vec<String>,
    element: String,
}

impl Word {
    fn next_element(&mut self) {
        self.before.push(mem::take(&mut self.element));
    }
}

/// Reads up to the closing quote.
fn unquote(chars: &mut Chars<'_>, into: &mut String) -> Result<(), LineError> {
    loop {
        match chars.next().ok_or(LineError::Quote)? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or(LineError::Quote)? {
                escaped @ ('"' | '\\') => into.push(escaped),
                other => return Err(LineError::Escape(other)),
            },
            char => into.push(char),
        }
    }
}

impl Section {
    /// The first element is the value unless it looks like a property (ROUTE-4).
    fn new(mut word: Word) -> Result<Self, LineError> {
        word.next_element();
        let mut elements = word.before.into_iter().peekable();
        let value = elements.next_if(|first| !first.contains('=')).unwrap_or_default();
        let properties = elements.map(Property::new).collect::<Result<_, _>>()?;
        Ok(Self { value, properties })
    }
}

impl Property {
    fn new(element: String) -> Result<Self, LineError> {
        match element.split_once('=') {
            Some(("", value)) => Err(LineError::NamelessProperty(value.to_owned())),
            Some((name, value)) => {
                Ok(Self { name: name.to_owned(), value: Some(value.to_owned()) })
            }
            None if element.is_empty() => Err(LineError::EmptyProperty),
            None => Ok(Self { name: element, value: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexed(line: &str) -> Result<Vec<Section>, LineError> {
        sections(line, &mut Vec::new())
    }

    fn section(value: &str, properties: &[(&str, Option<&str>)]) -> Section {
        let property = |&(name, value): &(&str, Option<&str>)| Property {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        Section { value: value.to_owned(), properties: properties.iter().map(property).collect() }
    }

    #[test]
    fn route_2_spaces_separate_and_may_lead() {
        let expected = vec![section("a", &[]), section("b:1", &[]), section("c:2", &[])];
        assert_eq!(lexed("  a   b:1 c:2 "), Ok(expected));
    }

    #[test]
    fn route_2_a_tab_is_a_space_with_one_warning() {
        let mut warnings = Vec::new();
        let lexed = sections("a\tb:1\t", &mut warnings);
        assert_eq!(lexed, Ok(vec![section("a", &[]), section("b:1", &[])]));
        assert_eq!(warnings, [Warning::Tab]);
        sections("a \"b\tc\" # d\te", &mut warnings).expect("lexes");
        assert_eq!(warnings.len(), 1, "tabs in quotes and comments are ordinary");
    }

    #[test]
    fn route_3_a_hash_ends_the_line_unless_quoted() {
        assert_eq!(lexed("# a b"), Ok(vec![]));
        assert_eq!(lexed("a#b c"), Ok(vec![section("a", &[])]));
        assert_eq!(lexed("\"a#b\" c"), Ok(vec![section("a#b", &[]), section("c", &[])]));
    }

    #[test]
    fn route_4_values_and_properties() {
        let path = [("path_beg", Some("/x"))];
        assert_eq!(lexed("path_beg=/x"), Ok(vec![section("", &path)]));
        assert_eq!(lexed(",path_beg=/x"), Ok(vec![section("", &path)]));
        let both = [("ssl", None), ("host", Some("a=b"))];
        assert_eq!(lexed("a:1,ssl,host=a=b"), Ok(vec![section("a:1", &both)]));
    }

    #[test]
    fn route_5_quotes_glue_and_escape() {
        let header = [("header", Some("X-A: b, \"c\" \\ #d"))];
        let line = r#"*,header="X-A: b, \"c\" \\ #d""#;
        assert_eq!(lexed(line), Ok(vec![section("*", &header)]));
        assert_eq!(lexed(r#"*,"he"ader=x"#), Ok(vec![section("*", &[("header", Some("x"))])]));
        assert_eq!(lexed(r#"*,"a=b""#), Ok(vec![section("*", &[("a", Some("b"))])]));
        assert_eq!(lexed(r"a\b"), Ok(vec![section(r"a\b", &[])]));
    }

    #[test]
    fn route_6_syntax_errors() {
        assert_eq!(lexed("a,b=\"c d"), Err(LineError::Quote));
        assert_eq!(lexed("a \"b\\"), Err(LineError::Quote));
        assert_eq!(lexed(r#"a "b\n""#), Err(LineError::Escape('n')));
        for line in ["a,,b c:1", "a, c:1", "a,\"\" c:1"] {
            assert_eq!(lexed(line), Err(LineError::EmptyProperty), "{line}");
        }
        assert_eq!(lexed("a,=v c:1"), Err(LineError::NamelessProperty("v".to_owned())));
    }
}
