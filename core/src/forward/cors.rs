//! Answers that scripts of other origins may read (CORS-1 to CORS-3, RESP-13).

use bytes::Bytes;

use crate::message::{Field, Fields, RequestHead, ResponseHead, is_token};

/// What the cross-origin headers of an answer depend on: taken from a request, and kept until it is
/// answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrossOrigin {
    asker: Asker,
    /// `Access-Control-Request-Method`.
    method: Option<Bytes>,
    /// The names in `Access-Control-Request-Headers`.
    names: Option<Bytes>,
}

/// Who wants to read the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Asker {
    /// No origin was named.
    Nobody,
    /// A script of this origin.
    Origin(Bytes),
    /// One that is not on the list.
    Stranger,
}

impl CrossOrigin {
    /// What a request says. With a list of `allowed` origins, nobody else may read; without, everybody may.
    pub fn of(head: &RequestHead, allowed: &[String]) -> Self {
        let is_allowed = |origin: &Bytes| {
            allowed.is_empty() || allowed.iter().any(|it| it.as_bytes() == &origin[..])
        };
        let asker = match head.fields.first("Origin") {
            Some(origin) if is_allowed(origin) => Asker::Origin(origin.clone()),
            None if allowed.is_empty() => Asker::Nobody,
            Some(_) | None => Asker::Stranger,
        };
        let names = head.fields.tokens("Access-Control-Request-Headers");
        Self {
            asker,
            method: head.fields.first("Access-Control-Request-Method").cloned(),
            names: joined(names.filter(|name| is_token(name))),
        }
    }

    /// Adds what the answer does not say itself. Since it depends on who asks, `Vary` says so to caches.
    pub fn add_to(&self, head: &mut ResponseHead) {
        let fields = &mut head.fields;
        if self.asker != Asker::Stranger {
            self.permit(fields);
        }
        if !fields.has_token("Vary", "Origin") && !fields.has_token("Vary", "*") {
            fields.push("Vary", "Origin");
        }
    }

    fn permit(&self, fields: &mut Fields) {
        let methods = || Bytes::from_static(b"OPTIONS, HEAD, GET, POST, PUT, DELETE");
        let exposed = exposed(fields);
        add(
            fields,
            "Access-Control-Allow-Methods",
            Some(self.method.clone().unwrap_or_else(methods)),
        );
        add(fields, "Access-Control-Allow-Headers", self.names.clone());
        add(fields, "Access-Control-Expose-Headers", exposed);
        match &self.asker {
            Asker::Origin(origin) => {
                add(fields, "Access-Control-Allow-Credentials", Some(Bytes::from_static(b"true")));
                add(fields, "Access-Control-Allow-Origin", Some(origin.clone()));
            }
            // Who may read without a name may not do so with somebody's cookies.
            Asker::Nobody | Asker::Stranger => {
                add(fields, "Access-Control-Allow-Origin", Some(Bytes::from_static(b"*")));
            }
        }
        add(fields, "Access-Control-Max-Age", Some(Bytes::from_static(b"3600")));
    }
}

fn add(fields: &mut Fields, name: &'static str, value: Option<Bytes>) {
    if let Some(value) = value.filter(|_| !fields.has(name)) {
        fields.push(name, value);
    }
}

/// The names of the fields that a script would not see unless they were listed.
fn exposed(fields: &Fields) -> Option<Bytes> {
    let mut names: Vec<&[u8]> = Vec::new();
    for field in fields.iter().filter(|field| !is_seen_anyway(field) && !is_private(field)) {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(&field.name)) {
            names.push(&field.name);
        }
    }
    joined(names.into_iter())
}

fn is_seen_anyway(field: &Field) -> bool {
    const SIMPLE: [&str; 7] = [
        "Cache-Control",
        "Content-Language",
        "Content-Length",
        "Content-Type",
        "Expires",
        "Last-Modified",
        "Pragma",
    ];
    SIMPLE.iter().any(|name| field.is(name))
}

fn is_private(field: &Field) -> bool {
    field.begins("Access-Control-") || field.begins("Grip-")
}

/// A list, unless it is empty.
fn joined<'a>(names: impl Iterator<Item = &'a [u8]>) -> Option<Bytes> {
    let names: Vec<&[u8]> = names.collect();
    (!names.is_empty()).then(|| names.join(&b", "[..]).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Version;
    use http::{Method, StatusCode};

    type Pairs = [(&'static str, &'static str)];

    fn answered(request: &Pairs, allowed: &[&str], response: &Pairs) -> Fields {
        let head = RequestHead {
            method: Method::GET,
            target: Bytes::from_static(b"/"),
            version: Version::Http11,
            fields: request.iter().copied().collect(),
        };
        let allowed: Vec<String> = allowed.iter().map(|&origin| origin.to_owned()).collect();
        let mut answer = ResponseHead::new(StatusCode::OK);
        answer.fields = response.iter().copied().collect();
        CrossOrigin::of(&head, &allowed).add_to(&mut answer);
        answer.fields
    }

    fn fields(pairs: &Pairs) -> Fields {
        pairs.iter().copied().collect()
    }

    #[test]
    fn cors_1_and_resp_13_what_is_asked_for_is_allowed() {
        let request: &Pairs = &[
            ("Origin", "http://a"),
            ("Access-Control-Request-Method", "PATCH"),
            ("Access-Control-Request-Headers", "X-A, ,x-b"),
            ("Access-Control-Request-Headers", "X-C"),
        ];
        let answer: &Pairs = &[
            ("Content-Type", "text/plain"),
            ("X-D", "1"),
            ("x-d", "2"),
            ("ETag", "3"),
            ("Grip-E", "4"),
        ];
        let added: &Pairs = &[
            ("Access-Control-Allow-Methods", "PATCH"),
            ("Access-Control-Allow-Headers", "X-A, x-b, X-C"),
            ("Access-Control-Expose-Headers", "X-D, ETag"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Origin", "http://a"),
            ("Access-Control-Max-Age", "3600"),
            ("Vary", "Origin"),
        ];
        assert_eq!(answered(request, &[], answer), fields(&[answer, added].concat()));
    }

    #[test]
    fn cors_1_defaults_and_cors_3_no_credentials_without_an_origin() {
        let expected: &Pairs = &[
            ("Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, POST, PUT, DELETE"),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Max-Age", "3600"),
            ("Vary", "Origin"),
        ];
        assert_eq!(answered(&[], &[], &[]), fields(expected));
    }

    #[test]
    fn cors_1_what_the_answer_says_itself_stays() {
        let answer: &Pairs = &[
            ("access-control-allow-methods", "GET"),
            ("Access-Control-Allow-Headers", ""),
            ("Access-Control-Expose-Headers", "none"),
            ("Access-Control-Allow-Credentials", "false"),
            ("Access-Control-Allow-Origin", "http://b"),
            ("Access-Control-Max-Age", "0"),
            ("Vary", "Accept, origin"),
        ];
        assert_eq!(answered(&[("Origin", "http://a")], &[], answer), fields(answer));
    }

    #[test]
    fn cors_3_strangers_are_told_nothing_when_there_is_a_list() {
        let allowed = ["http://a", "http://b"];
        let stranger = fields(&[("Vary", "Origin")]);
        for request in [&[("Origin", "http://c")][..], &[("Origin", "HTTP://A")], &[]] {
            assert_eq!(answered(request, &allowed, &[]), stranger, "{request:?}");
        }
        let friend = answered(&[("Origin", "http://b")], &allowed, &[]);
        let origin = friend.first("Access-Control-Allow-Origin").map(|value| &value[..]);
        assert_eq!(origin, Some(&b"http://b"[..]));
    }
}
