//! Answers in the form in which they are wanted (CTRL-1, CTRL-5, CTRL-7, CTRL-16).

use std::borrow::Cow;

use holdfast_core::message::ResponseHead;
use holdfast_core::publish::PublishError;
use http::StatusCode;
use serde_json::{Value, json};

use super::accept::Form;
use crate::hub::Fate;

/// An answer, before it is known in which form it is wanted.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    what: What,
    /// One more header field.
    field: Option<(&'static str, &'static str)>,
    /// Whether the connection ends with it, because the rest of the request is still to come and nobody wants it.
    pub(super) is_last: bool,
}

#[derive(Debug)]
enum What {
    Line(Cow<'static, str>),
    /// What is wrong, with the item that it is about.
    Item(String, usize),
    /// What became of each item.
    Receipt(Vec<Fate>),
}

impl Said {
    pub(super) fn new(status: StatusCode, line: impl Into<Cow<'static, str>>) -> Self {
        Self { status, what: What::Line(line.into()), field: None, is_last: false }
    }

    pub(super) fn last(status: StatusCode, line: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, line).ending()
    }

    /// The same as the last of its connection.
    pub(super) fn ending(self) -> Self {
        Self { is_last: true, ..self }
    }

    pub(super) fn refused(error: &PublishError) -> Self {
        let what = match error {
            PublishError::Item { index, .. } => What::Item(error.to_string(), *index),
            PublishError::Envelope(_) => What::Line(error.to_string().into()),
        };
        Self { what, ..Self::new(StatusCode::BAD_REQUEST, "") }
    }

    pub(super) fn receipt(fates: Vec<Fate>) -> Self {
        Self { what: What::Receipt(fates), ..Self::new(StatusCode::OK, "") }
    }

    pub(super) fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { field: Some((name, value)), ..self }
    }

    /// Head and body.
    pub(super) fn in_form(self, form: Form) -> (ResponseHead, Vec<u8>) {
        let (kind, body) = match (form, self.what) {
            (_, What::Receipt(fates)) => {
                let items: Vec<Value> = fates.into_iter().map(of_fate).collect();
                (JSON, json!({ "message": "Published", "items": items }).to_string())
            }
            (Form::Text, What::Line(line)) => ("text/plain", line.into_owned()),
            (Form::Text, What::Item(line, _)) => ("text/plain", line),
            (Form::Json, What::Item(line, index)) => {
                (JSON, json!({ "error": line, "item": index }).to_string())
            }
            (Form::Json, What::Line(line)) => {
                let key = if self.status.is_success() { "message" } else { "error" };
                (JSON, json!({ key: line }).to_string())
            }
        };
        let mut head = ResponseHead::new(self.status);
        head.fields.push("Content-Type", kind);
        if let Some((name, value)) = self.field {
            head.fields.push(name, value);
        }
        let mut body = body.into_bytes();
        body.push(b'\n');
        (head, body)
    }
}

const JSON: &str = "application/json";

fn of_fate(fate: Fate) -> Value {
    match fate {
        Fate::Reached(holds) => json!({ "reached": holds }),
        Fate::Dropped(why) => json!({ "dropped": why.name() }),
        Fate::Waiting => json!({ "waiting": true }),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_core::ground::Count;

    use super::*;

    fn body(said: Said, form: Form) -> String {
        String::from_utf8(said.in_form(form).1).expect("text")
    }

    #[test]
    fn ctrl_5_errors_name_the_item() {
        let refused = |form| {
            let error = holdfast_core::publish::parse_items(br#"{"items": [{}]}"#);
            body(Said::refused(&error.expect_err("no channel")), form)
        };
        assert_eq!(refused(Form::Text), "items[0]: channel: missing\n");
        let json = "{\"error\":\"items[0]: channel: missing\",\"item\":0}\n";
        assert_eq!(refused(Form::Json), json);
    }

    #[test]
    fn ctrl_16_a_receipt_says_what_became_of_each_item() {
        let fates = vec![Fate::Reached(3), Fate::Dropped(Count::DuplicateItem), Fate::Waiting];
        let expected = "{\"message\":\"Published\",\"items\":[{\"reached\":3},\
            {\"dropped\":\"item_duplicate\"},{\"waiting\":true}]}\n";
        assert_eq!(body(Said::receipt(fates.clone()), Form::Json), expected);
        assert_eq!(body(Said::receipt(fates), Form::Text), expected, "there is no other form");
    }
}
