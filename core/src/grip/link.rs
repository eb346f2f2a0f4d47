//! `Grip-Link`: where a stream continues, and whom to tell that it is over (LINK-1 to LINK-3).

use super::HeaderError;
use super::params::{Params, unquoted, utf8};
use crate::ground::Span;

/// `Grip-Link`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Links {
    /// Where to continue or repair a stream.
    pub next: Option<NextLink>,
    /// Whom to tell when the session ends.
    pub gone: Option<GoneLink>,
}

/// A `rel=next` link.
#[derive(Clone, PartialEq, Debug)]
pub struct NextLink {
    /// The URL as written, absolute or relative.
    pub url: String,
    /// With no item for this long the link is fetched.
    pub timeout: Span,
}

/// A `rel=gone` link.
#[derive(Clone, PartialEq, Debug)]
pub struct GoneLink {
    /// The URL as written, absolute or relative.
    pub url: String,
}

const NEXT_TIMEOUT: Span = Span::from_secs(120);

impl Links {
    /// Reads one line of the header; a later link replaces an earlier one of its kind (LINK-2).
    pub(super) fn read(&mut self, value: &[u8]) -> Result<(), HeaderError> {
        let mut rest = utf8(value)?;
        loop {
            rest = rest.trim_start_matches([',', ' ', '\t']);
            if rest.is_empty() {
                return Ok(());
            }
            let (url, after) = bracketed(rest)?;
            // The URL is cut off before the list is split, so that it may have any `,` and `;` (LINK-1).
            let end = unquoted(after, b',').ok_or(HeaderError::OpenQuote)?;
            let (params, after) = after.split_at(end);
            self.add(url, params)?;
            rest = after;
        }
    }

    fn add(&mut self, url: &str, params: &str) -> Result<(), HeaderError> {
        let params = params.trim_ascii();
        if !params.is_empty() && !params.starts_with(';') {
            return Err(HeaderError::NotALink);
        }
        let params = Params::parse(params)?;
        match params.value("rel") {
            Some("next") => {
                let timeout = params.timeout()?.unwrap_or(NEXT_TIMEOUT);
                self.next = Some(NextLink { url: url.to_owned(), timeout });
            }
            Some("gone") => self.gone = Some(GoneLink { url: url.to_owned() }),
            _ => {}
        }
        Ok(())
    }
}

/// The URL between `<` and `>`, and what follows.
fn bracketed(text: &str) -> Result<(&str, &str), HeaderError> {
    let inner = text.strip_prefix('<').ok_or(HeaderError::NotALink)?;
    let (url, rest) = inner.split_once('>').ok_or(HeaderError::NotALink)?;
    if url.is_empty() {
        return Err(HeaderError::NotALink);
    }
    if url.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(HeaderError::NotAUrl);
    }
    Ok((url, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Links, HeaderError> {
        let mut links = Links::default();
        links.read(value.as_bytes()).map(|()| links)
    }

    #[test]
    fn link_1_to_3() {
        let cases = [
            ("", None, None),
            ("</n>; rel=next", Some(("/n", 120)), None),
            ("</n>;rel=\"next\"; Timeout=0", Some(("/n", 0)), None),
            (
                "<http://h/n?a=1;b=2,3>; rel=next; timeout=5",
                Some(("http://h/n?a=1;b=2,3", 5)),
                None,
            ),
            ("</n>; rel=next, </g>; rel=gone", Some(("/n", 120)), Some("/g")),
            ("</g>; rel=gone; timeout=x", None, Some("/g")),
            ("</a>; rel=next, </b>; rel=next; timeout=1", Some(("/b", 1)), None),
            ("</n>", None, None),
            ("</n>, </m>; rel=next", Some(("/m", 120)), None),
            ("</n>; rel=Next", None, None),
            ("</n>; rel=prev; timeout=x", None, None),
            ("</n>; x=\"a,b\"; REL=next", Some(("/n", 120)), None),
            (", </n> ; rel=next ,", Some(("/n", 120)), None),
            ("<?after=é>; rel=next", Some(("?after=é", 120)), None),
        ];
        for (value, next, gone) in cases {
            let next = next.map(|(url, secs)| NextLink {
                url: url.to_owned(),
                timeout: Span::from_secs(secs),
            });
            let gone = gone.map(|url| GoneLink { url: url.to_owned() });
            assert_eq!(read(value), Ok(Links { next, gone }), "{value}");
        }
    }

    #[test]
    fn link_1_refused() {
        let cases = [
            ("/n; rel=next", HeaderError::NotALink),
            ("<>; rel=next", HeaderError::NotALink),
            ("</n; rel=next", HeaderError::NotALink),
            ("\"</n>\"; rel=next", HeaderError::NotALink),
            ("</n> rel=next", HeaderError::NotALink),
            ("</a b>; rel=next", HeaderError::NotAUrl),
            ("</a\u{0}b>; rel=next", HeaderError::NotAUrl),
            ("</n>; rel=next; timeout=", HeaderError::NotDecimal),
            ("</n>; rel=next; timeout=-1", HeaderError::NotDecimal),
            ("</n>; rel=\"next", HeaderError::OpenQuote),
        ];
        for (value, why) in cases {
            assert_eq!(read(value), Err(why), "{value}");
        }
        assert_eq!(Links::default().read(b"</\xff>; rel=next"), Err(HeaderError::NotUtf8));
    }
}
