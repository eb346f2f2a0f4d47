//! The little language of `build-id` and `var-subst`: text with `%%`, `%X` and `%(argument)X`.

use bytes::Bytes;

use super::FilterError;
use crate::ground::Limits;

/// Reads text in pieces, cut anywhere, and writes what it stands for.
#[derive(Debug)]
pub(super) struct Template {
    state: State,
    argument: Vec<u8>,
    argument_max: usize,
    growth: usize,
    growth_max: usize,
}

/// A directive that is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'a> {
    /// What stands in parentheses, if there are any.
    pub(super) argument: Option<&'a [u8]>,
    /// The character at the end.
    pub(super) kind: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Plain text.
    Text,
    /// After a percent sign.
    Percent,
    /// In parentheses.
    Argument,
    /// In parentheses, after a backslash: the next byte is meant literally.
    Escape,
    /// After the closing parenthesis.
    Kind,
}

impl Template {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            state: State::Text,
            argument: Vec::new(),
            argument_max: limits.filter_argument_bytes,
            growth: 0,
            growth_max: limits.filter_growth_bytes,
        }
    }

    /// What a whole text stands for.
    pub(super) fn render(
        text: Bytes,
        limits: &Limits,
        expand: impl FnMut(Directive<'_>, &mut Vec<u8>) -> Result<(), FilterError>,
    ) -> Result<Bytes, FilterError> {
        let mut template = Self::new(limits);
        let rendered = template.feed(text, expand)?;
        template.finish()?;
        Ok(rendered)
    }

    /// What the next piece stands for; a piece without directives is given back as it is. `expand` appends
    /// what a directive means.
    pub(super) fn feed(
        &mut self,
        piece: Bytes,
        mut expand: impl FnMut(Directive<'_>, &mut Vec<u8>) -> Result<(), FilterError>,
    ) -> Result<Bytes, FilterError> {
        if self.state == State::Text && !piece.contains(&b'%') {
            return Ok(piece);
        }
        let mut out = Vec::with_capacity(piece.len());
        let mut rest = &piece[..];
        while let Some((&byte, after)) = rest.split_first() {
            if self.state == State::Text {
                let plain = rest.iter().position(|&byte| byte == b'%').unwrap_or(rest.len());
                let (plain, after) = rest.split_at(plain);
                out.extend_from_slice(plain);
                rest = after.get(1..).unwrap_or_default();
                self.state = if after.is_empty() { State::Text } else { State::Percent };
            } else {
                rest = after;
                self.step(byte, &mut out, &mut expand)?;
            }
        }
        Ok(out.into())
    }

    /// The text is over.
    pub(super) fn finish(&self) -> Result<(), FilterError> {
        if self.state == State::Text { Ok(()) } else { Err(FilterError::OpenDirective) }
    }

    /// A byte within a directive.
    fn step(
        &mut self,
        byte: u8,
        out: &mut Vec<u8>,
        expand: impl FnMut(Directive<'_>, &mut Vec<u8>) -> Result<(), FilterError>,
    ) -> Result<(), FilterError> {
        match (self.state, byte) {
            (State::Percent, b'%') => {
                out.push(b'%');
                self.state = State::Text;
            }
            (State::Percent, b'(') => self.state = State::Argument,
            (State::Argument, b')') => self.state = State::Kind,
            (State::Argument, b'\\') => self.state = State::Escape,
            (State::Argument | State::Escape, _) if self.argument.len() >= self.argument_max => {
                return Err(FilterError::LongDirective(self.argument_max));
            }
            (State::Argument | State::Escape, _) => {
                self.argument.push(byte);
                self.state = State::Argument;
            }
            (State::Text | State::Percent | State::Kind, _) => self.expand(byte, out, expand)?,
        }
        Ok(())
    }

    /// The last byte of a directive.
    fn expand(
        &mut self,
        kind: u8,
        out: &mut Vec<u8>,
        mut expand: impl FnMut(Directive<'_>, &mut Vec<u8>) -> Result<(), FilterError>,
    ) -> Result<(), FilterError> {
        let argument = (self.state == State::Kind).then_some(&self.argument[..]);
        let before = out.len();
        expand(Directive { argument, kind }, out)?;
        self.growth = self.growth.saturating_add(out.len().saturating_sub(before));
        if self.growth > self.growth_max {
            return Err(FilterError::Growth(self.growth_max));
        }
        self.argument.clear();
        self.state = State::Text;
        Ok(())
    }
}

impl Directive<'_> {
    /// The directive means nothing here.
    pub(super) fn unknown(self) -> FilterError {
        FilterError::UnknownDirective(char::from(self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(directive: Directive<'_>, out: &mut Vec<u8>) -> Result<(), FilterError> {
        if directive.kind == b'?' {
            return Err(directive.unknown());
        }
        out.push(b'<');
        out.extend_from_slice(directive.argument.unwrap_or(b"-"));
        out.extend_from_slice(&[directive.kind, b'>']);
        Ok(())
    }

    fn render(text: &'static str, limits: &Limits) -> Result<Bytes, FilterError> {
        Template::render(Bytes::from(text), limits, show)
    }

    #[test]
    fn filt_4_directives() {
        let cases: [(&str, Result<&'static str, FilterError>); 12] = [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("100%% é", Ok("100% é")),
            ("%I%I", Ok("<-I><-I>")),
            ("a%(b c)Id", Ok("a<b cI>d")),
            ("%()s", Ok("<s>")),
            (r"%(a\)b\\c\d(%)s", Ok(r"<a)b\cd(%s>")),
            ("%", Err(FilterError::OpenDirective)),
            ("a%(b", Err(FilterError::OpenDirective)),
            ("a%(b\\)", Err(FilterError::OpenDirective)),
            ("a%(b)", Err(FilterError::OpenDirective)),
            ("%?", Err(FilterError::UnknownDirective('?'))),
        ];
        for (text, expected) in cases {
            assert_eq!(render(text, &Limits::default()), expected.map(Bytes::from), "{text}");
        }
    }

    #[test]
    fn a_text_without_directives_is_not_copied() {
        let text = Bytes::from("plain".to_owned());
        let rendered = Template::render(text.clone(), &Limits::default(), show);
        assert_eq!(rendered.map(|out| out.as_ptr()), Ok(text.as_ptr()));
    }

    #[test]
    fn what_directives_hold_and_add_has_limits() {
        let limits =
            Limits { filter_argument_bytes: 3, filter_growth_bytes: 8, ..Limits::default() };
        assert_eq!(render("%(abc)s", &limits), Ok(Bytes::from("<abcs>")));
        assert_eq!(render("%(abcd)s", &limits), Err(FilterError::LongDirective(3)));
        assert_eq!(render("%(ab\\)d)s", &limits), Err(FilterError::LongDirective(3)));
        assert_eq!(render("%s%s", &limits), Ok(Bytes::from("<-s><-s>")));
        assert_eq!(render("%s%s%s", &limits), Err(FilterError::Growth(8)));
    }
}
