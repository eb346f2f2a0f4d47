//! JSON from backends and publishers, taken apart by hand, so that a refusal names the place and the rule.
//!
//! A reader is a function from a value to what it stands for, or to a [`Misfit`]. Readers are nested as
//! the document is, and each level puts its key before the place that the level below reports: the way
//! to a flaw is only written when there is one. Values are moved out, never copied.

mod http;
pub mod patch;
mod value;

use core::fmt;
use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use thiserror::Error;

pub(crate) use self::http::{fields, reason, status};
pub(crate) use self::value::Json;
use crate::ground::Span;
use crate::message::decimal;

/// Something in a JSON document that may not be there, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    /// The way to it, such as `hold.channels[2].name`; empty for the whole document.
    pub place: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong in a JSON document.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Flaw {
    /// It is not JSON at all.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It must be there.
    #[error("missing")]
    Missing,
    /// At least one of these must be there.
    #[error("needs one of {0}")]
    NeedsOneOf(&'static str),
    /// It has another type.
    #[error("not {0}")]
    NotA(&'static str),
    /// It is none of the words that are known here.
    #[error("not one of {0}")]
    NotOneOf(String),
    /// It is not a whole number, zero or more.
    #[error("not a whole number of 0 or more")]
    NotWhole,
    /// It is not a status code that can answer a request (HRES-4).
    #[error("not a status code from 200 to 599")]
    NotAStatus,
    /// It is not a code that a close frame may carry (WS-31).
    #[error("not a code that a close frame may carry")]
    NotACloseCode,
    /// It is not base64 (PUB-5).
    #[error("not base64")]
    NotBase64,
    /// It is not a token and so cannot name a header.
    #[error("not a header name")]
    NotAFieldName,
    /// It has a line end, a NUL or another byte that no header value or reason may have (INS-9, HRES-6).
    #[error("has a control character")]
    NotFieldText,
    /// There are more of them than the limit.
    #[error("more than {0}")]
    TooMany(usize),
    /// It is longer than the limit, in bytes.
    #[error("longer than {0} bytes")]
    TooManyBytes(usize),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.is_empty() {
            true => write!(f, "{}", self.flaw),
            false => write!(f, "{}: {}", self.place, self.flaw),
        }
    }
}

impl core::error::Error for Misfit {}

impl From<Flaw> for Misfit {
    fn from(flaw: Flaw) -> Self {
        Self { place: String::new(), flaw }
    }
}

impl Misfit {
    /// The same misfit, seen from one level up.
    fn within(mut self, outer: &str) -> Self {
        let joint = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{outer}{joint}{}", self.place);
        self
    }
}

/// A JSON object whose members are taken out one by one; what nobody takes is ignored.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Misfit> {
        Self::of(serde_json::from_slice(text).map_err(|why| Flaw::NotJson(why.to_string()))?)
    }

    pub(crate) fn of(value: Json<'a>) -> Result<Self, Misfit> {
        match value {
            Json::Object(members) => Ok(Self(members)),
            _ => Err(Flaw::NotA("an object").into()),
        }
    }

    /// The member called `key`, read, if there is one. `null` is a value like any other.
    pub(crate) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Json<'a>) -> Result<T, Misfit>,
    ) -> Result<Option<T>, Misfit> {
        let Some(at) = self.0.iter().position(|(name, _)| name == key) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        read(value).map(Some).map_err(|misfit| misfit.within(key))
    }

    /// The member called `key`, which must be there.
    pub(crate) fn need<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Json<'a>) -> Result<T, Misfit>,
    ) -> Result<T, Misfit> {
        self.take(key, read)?.ok_or_else(|| Misfit::from(Flaw::Missing).within(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(crate) fn string(value: Json<'_>) -> Result<String, Misfit> {
    string_of(value).map(Cow::into_owned)
}

fn string_of(value: Json<'_>) -> Result<Cow<'_, str>, Misfit> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(Flaw::NotA("a string").into()),
    }
}

/// The bytes of a string.
pub(crate) fn text(value: Json<'_>) -> Result<Bytes, Misfit> {
    Ok(match string_of(value)? {
        Cow::Borrowed(text) => Bytes::copy_from_slice(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    })
}

/// Base64 as backends and publishers write it: strict, but the padding may be left out (PUB-5).
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that a base64 string stands for.
pub(crate) fn base64(value: Json<'_>) -> Result<Bytes, Misfit> {
    BASE64.decode(&*string_of(value)?).map(Bytes::from).map_err(|_| Flaw::NotBase64.into())
}

pub(crate) fn boolean(value: Json<'_>) -> Result<bool, Misfit> {
    match value {
        Json::Bool(value) => Ok(value),
        _ => Err(Flaw::NotA("true or false").into()),
    }
}

/// A whole number, or a string that holds one in decimal: libraries send status codes so (INS-2).
pub(crate) fn whole(value: Json<'_>) -> Result<u64, Misfit> {
    let number = match &value {
        Json::Number(number) => number.as_u64().or_else(|| whole_float(number.as_f64()?)),
        Json::Text(text) => decimal(text.as_bytes()),
        _ => return Err(Flaw::NotA("a number").into()),
    };
    number.ok_or_else(|| Flaw::NotWhole.into())
}

/// `5.0` is whole too: there are languages that print every number so.
fn whole_float(number: f64) -> Option<u64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let is_whole = number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
    is_whole.then_some(number as u64)
}

/// A number of seconds.
pub(crate) fn seconds(value: Json<'_>) -> Result<Span, Misfit> {
    whole(value).map(Span::from_secs)
}

/// The meaning of a word out of `words`.
pub(crate) fn choice<T: Copy>(value: Json<'_>, words: &[(&str, T)]) -> Result<T, Misfit> {
    let word = string_of(value)?;
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        Flaw::NotOneOf(known.join(", ")).into()
    })
}

/// Every element of an array, read.
pub(crate) fn list<'a, T>(
    value: Json<'a>,
    read: impl Fn(Json<'a>) -> Result<T, Misfit>,
) -> Result<Vec<T>, Misfit> {
    let Json::List(elements) = value else {
        return Err(Flaw::NotA("an array").into());
    };
    let read_at =
        |(index, element)| read(element).map_err(|misfit| misfit.within(&format!("[{index}]")));
    elements.into_iter().enumerate().map(read_at).collect()
}

pub(crate) fn strings(value: Json<'_>) -> Result<Vec<String>, Misfit> {
    list(value, string)
}

/// The members of an object of strings, in order.
pub(crate) fn string_map(value: Json<'_>) -> Result<Vec<(String, String)>, Misfit> {
    let flaw = || Misfit::from(Flaw::NotA("an object of strings"));
    let Json::Object(members) = value else {
        return Err(flaw());
    };
    let pair = |(key, value): (Cow<'_, str>, _)| match value {
        Json::Text(text) => Ok((key.into_owned(), text.into_owned())),
        _ => Err(flaw()),
    };
    members.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ins_2_whole_numbers() {
        let cases = [
            (json!(0), Ok(0)),
            (json!(5.0), Ok(5)),
            (json!("404"), Ok(404)),
            (json!(" +4 "), Ok(4)),
            (json!(u64::MAX), Ok(u64::MAX)),
            (json!(10.5), Err(Flaw::NotWhole)),
            (json!(-1), Err(Flaw::NotWhole)),
            (json!(1e300), Err(Flaw::NotWhole)),
            (json!("abc"), Err(Flaw::NotWhole)),
            (json!("10.5"), Err(Flaw::NotWhole)),
            (json!(""), Err(Flaw::NotWhole)),
            (json!(null), Err(Flaw::NotA("a number"))),
            (json!({}), Err(Flaw::NotA("a number"))),
            (json!(true), Err(Flaw::NotA("a number"))),
        ];
        for (value, expected) in cases {
            assert_eq!(whole(value.clone().into()), expected.map_err(Misfit::from), "{value}");
        }
    }

    #[test]
    fn ctrl_5_a_misfit_names_its_place() {
        let read = |value: serde_json::Value| {
            Object::of(value.into())?.need("a", |a| {
                list(a, |element| Object::of(element)?.need("b", string)).map(|_| ())
            })
        };
        let cases = [
            (json!({"a": [{"b": "x"}, {"b": 1}]}), "a[1].b: not a string"),
            (json!({"a": [{}]}), "a[0].b: missing"),
            (json!({"a": ["x"]}), "a[0]: not an object"),
            (json!({"a": 1}), "a: not an array"),
            (json!([]), "not an object"),
        ];
        for (value, expected) in cases {
            let misfit = read(value).expect_err("every case is one");
            assert_eq!(misfit.to_string(), expected);
        }
    }

    #[test]
    fn pub_5_base64_is_strict_but_for_its_padding() {
        for (text, expected) in
            [("", Some(&b""[..])), ("aGk=", Some(b"hi")), ("aGk", Some(b"hi")), ("aG k=", None)]
        {
            assert_eq!(base64(json!(text).into()).ok().as_deref(), expected, "{text:?}");
        }
        for bad in ["a", "*", "aGk==", "aGk=aGk=", "aGk\n", "aGl="] {
            assert_eq!(base64(json!(bad).into()), Err(Flaw::NotBase64.into()), "{bad:?}");
        }
    }
}
