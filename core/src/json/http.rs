//! The parts of HTTP messages that come in JSON: instructs and items write them alike.

use bytes::Bytes;
use http::StatusCode;

use super::{Flaw, Json, Misfit, list, string, text, whole};
use crate::message::{Fields, final_status, is_field_text, is_token};

/// The code of a response (HRES-4).
pub(crate) fn status(value: Json<'_>) -> Result<StatusCode, Misfit> {
    final_status(whole(value)?).ok_or_else(|| Flaw::NotAStatus.into())
}

/// A reason phrase (HRES-6).
pub(crate) fn reason(value: Json<'_>) -> Result<Bytes, Misfit> {
    let reason = text(value)?;
    if !is_field_text(&reason) {
        return Err(Flaw::NotFieldText.into());
    }
    Ok(reason)
}

/// Header fields: an object of strings, or an array of `[name, value]`.
pub(crate) fn fields(value: Json<'_>) -> Result<Fields, Misfit> {
    let pairs = match value {
        Json::Object(members) => members
            .into_iter()
            .map(|(name, value)| field(name.into_owned(), value))
            .collect::<Result<Vec<_>, _>>()?,
        Json::List(_) => list(value, pair)?,
        _ => return Err(Flaw::NotA("an object of strings or an array of pairs").into()),
    };
    Ok(pairs.into_iter().collect())
}

fn pair(value: Json<'_>) -> Result<(String, String), Misfit> {
    let Json::List(parts) = value else {
        return Err(Flaw::NotA("a pair of name and value").into());
    };
    match <[Json<'_>; 2]>::try_from(parts) {
        Ok([name, value]) => field(string(name)?, value),
        Err(_) => Err(Flaw::NotA("a pair of name and value").into()),
    }
}

/// One field. Blanks around the value are no part of it, as on the wire.
fn field(name: String, value: Json<'_>) -> Result<(String, String), Misfit> {
    if !is_token(name.as_bytes()) {
        return Err(Flaw::NotAFieldName.into());
    }
    let value = string(value)?;
    if !is_field_text(value.as_bytes()) {
        return Err(Flaw::NotFieldText.into());
    }
    let trimmed = value.trim_matches([' ', '\t']);
    Ok((name, if trimmed.len() == value.len() { value } else { trimmed.to_owned() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hres_1_both_forms_of_headers() {
        let object = fields(json!({"B": "1", "a": " 2 "}).into()).expect("an object of strings");
        let pairs = fields(json!([["B", "1"], ["a", "2"]]).into()).expect("an array of pairs");
        assert_eq!(object, pairs);
        let twice = fields(json!([["B", "1"], ["B", "2"]]).into()).expect("a name may repeat");
        assert_eq!(twice.len(), 2);
    }

    #[test]
    fn hres_6_refused_headers() {
        let cases = [
            (json!(1), Flaw::NotA("an object of strings or an array of pairs")),
            (json!(null), Flaw::NotA("an object of strings or an array of pairs")),
            (json!({"a": 1}), Flaw::NotA("a string")),
            (json!([["a"]]), Flaw::NotA("a pair of name and value")),
            (json!([["a", "b", "c"]]), Flaw::NotA("a pair of name and value")),
            (json!([["a", 1]]), Flaw::NotA("a string")),
            (json!(["a"]), Flaw::NotA("a pair of name and value")),
            (json!({"": "x"}), Flaw::NotAFieldName),
            (json!({"a b": "x"}), Flaw::NotAFieldName),
            (json!({"a\r\nb": "x"}), Flaw::NotAFieldName),
            (json!({"a": "x\r\nEvil: 1"}), Flaw::NotFieldText),
            (json!({"a": "x\n"}), Flaw::NotFieldText),
            (json!({"a": "x\u{0}"}), Flaw::NotFieldText),
        ];
        for (value, flaw) in cases {
            assert_eq!(
                fields(value.clone().into()).map_err(|misfit| misfit.flaw),
                Err(flaw),
                "{value}"
            );
        }
    }
}
