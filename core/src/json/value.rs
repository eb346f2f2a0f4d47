//! JSON values that borrow their text from the document: a publish is read with few allocations.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    /// Each name once: where it first stood, as it was said last.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// Objects up to this many members are searched rather than indexed.
const FEW: usize = 16;

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfAny)
    }
}

struct OfAny;

impl<'de> Visitor<'de> for OfAny {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = from.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = from.next_entry()? {
            members.push((name, value));
        }
        Ok(Json::Object(last_wins(members)))
    }
}

/// The name of a member.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.deserialize_str(OfAny)? {
            Json::Text(name) => Ok(Self(name)),
            _ => Err(serde::de::Error::custom("a name is a string")),
        }
    }
}

/// Members with each name once.
fn last_wins<'a>(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    if are_unique(&members) {
        return members;
    }
    let mut places = BTreeMap::new();
    let mut unique: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
    for (name, value) in members {
        match places.get(&name).and_then(|&place: &usize| unique.get_mut(place)) {
            Some(member) => member.1 = value,
            None => {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
    }
    unique
}

/// Whether no name is there twice, where that is quickly seen.
fn are_unique(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    members.len() <= FEW
        && (1..)
            .zip(members)
            .all(|(next, (name, _))| members.iter().skip(next).all(|(other, _)| other != name))
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::Text(text) => Self::String(text.into_owned()),
            Json::List(list) => Self::Array(list.into_iter().map(Self::from).collect()),
            Json::Object(members) => {
                let member = |(name, value): (Cow<'_, str>, _)| (name.into_owned(), value);
                Self::Object(
                    members.into_iter().map(member).map(|(n, v)| (n, Self::from(v))).collect(),
                )
            }
        }
    }
}

#[cfg(test)]
impl From<Value> for Json<'static> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let members = members.into_iter();
                Self::Object(members.map(|(name, value)| (name.into(), value.into())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Json<'_>, String> {
        serde_json::from_slice(text.as_bytes()).map_err(|error| error.to_string())
    }

    /// The reader means what the owning one means, errors included.
    fn check(text: &str) {
        let owned = serde_json::from_slice::<Value>(text.as_bytes());
        let read = read(text).map(Value::from);
        assert_eq!(read, owned.map_err(|error| error.to_string()), "{text}");
    }

    #[test]
    fn text_is_borrowed_unless_it_has_escapes() {
        let Ok(Json::Object(members)) = read(r#"{"a": "b", "c\n": "d\n"}"#) else {
            panic!("an object")
        };
        let [(a, Json::Text(b)), (c, Json::Text(d))] = &members[..] else { panic!("two texts") };
        assert!(matches!((a, b), (Cow::Borrowed("a"), Cow::Borrowed("b"))));
        assert_eq!((&c[..], &d[..]), ("c\n", "d\n"));
    }

    #[test]
    fn of_a_name_that_is_there_twice_the_last_value_counts_where_the_first_stood() {
        let text = r#"{"a": 1, "b": 2, "a": 3}"#;
        let expected = [("a".into(), Json::Number(3.into())), ("b".into(), Json::Number(2.into()))];
        assert_eq!(read(text), Ok(Json::Object(expected.to_vec())));
        let many: Vec<String> = (0..100).map(|n| format!("\"{}\": {n}", n % 40)).collect();
        check(&format!("{{{}}}", many.join(",")));
    }

    #[test]
    fn documents_that_are_none_are_refused_alike() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let texts = ["", "{", "[1,]", "{1: 2}", "\"\\ud800\"", "1e999", "nul", "[] x", "01", "-0"];
        for text in texts.into_iter().chain([&deep[..]]) {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_document_means_the_same(text in r#"([\[\]{}:,]|"[a-c\\n]{0,2}"|[0-9]{1,3}|-|\.|e|null|true| ){0,40}"#) {
            check(&text);
        }
    }
}
