//! What is said to the engine: routes, targets, answers and items to choose from.

use std::sync::Arc;

use holdfast_core::message::ResponseHead;
use holdfast_core::publish::{Item, Release, Scope, parse_items};
use http::StatusCode;

pub(super) const CHANNELS: [&str; 3] = ["p-a", "p-b", "extra"];

pub(super) const ROUTES: &str = "*,prefix=p- one:80 two:80,sub=extra\n*,path_beg=/test/ test\n\
    *,path_beg=/plain,no_grip one:80\n*,path_beg=/debug,prefix=p-,debug one:80\n";

pub(super) const TARGETS: [&str; 8] = [
    "/",
    "/debug",
    "/test/response?channel=p-a",
    "/test/stream?channel=p-b",
    "/",
    "/plain",
    "http://[",
    "*",
];

type Line = (&'static str, &'static str);

const POLL: Line = ("Grip-Hold", "response");
const STREAM: Line = ("Grip-Hold", "stream");
const META: Line = ("Grip-Set-Meta", "url=/check, id_format=n:%(a)s, user=bob, x=y");
const LINKS: Line = ("Grip-Link", "</more>; rel=next; timeout=3, </bye>; rel=gone");

/// The fields of answers: to clients' requests, retries, pages and questions alike.
pub(super) const ANSWERS: [&[Line]; 24] = [
    &[],
    &[POLL, ("Grip-Channel", "a")],
    &[POLL, ("Grip-Channel", "b, a"), ("Grip-Timeout", "7")],
    &[POLL, ("Grip-Channel", "a; prev-id=1"), LINKS],
    &[POLL, ("Grip-Channel", "a; prev-id=2; filter=http-check, b; prev-id=0"), META, LINKS],
    &[POLL, ("Grip-Channel", "a; filter=var-subst; filter=http-modify"), META],
    &[STREAM, ("Grip-Channel", "a")],
    &[STREAM, ("Grip-Channel", "b, a, c, d")],
    &[STREAM, ("Grip-Channel", "a"), ("Grip-Keep-Alive", "k; timeout=2; mode=interval")],
    &[STREAM, ("Grip-Channel", "b"), ("Grip-Keep-Alive", "k; timeout=3"), LINKS],
    &[STREAM, ("Grip-Channel", "a; prev-id=1"), LINKS, ("Cache-Control", "public")],
    &[STREAM, ("Grip-Channel", "a; prev-id=2"), LINKS, ("Cache-Control", "public")],
    &[STREAM, ("Grip-Channel", "a; prev-id=3, b; prev-id=0"), LINKS],
    &[STREAM, ("Grip-Channel", "a; prev-id=0; filter=http-modify"), META, LINKS],
    &[STREAM, ("Grip-Channel", "a; prev-id=0; filter=build-id; filter=http-check"), META, LINKS],
    &[STREAM, ("Grip-Channel", "b; filter=skip-self; filter=var-subst"), META],
    &[STREAM, ("Grip-Channel", "a; prev-id=0")],
    &[LINKS],
    &[LINKS, ("Grip-Channel", "a; filter=build-id"), META],
    &[("Grip-Link", "<http://away/n>; rel=next; timeout=0")],
    &[("Grip-Hold", "else")],
    &[("Grip-Channel", "a"), ("Grip-Status", "204")],
    &[("Content-Type", "application/grip-instruct"), LINKS],
    &[("Action", "drop")],
];

/// Bodies of answers.
pub(super) const BODIES: [&str; 7] = [
    "",
    "first",
    "%",
    "%I %(x)s",
    r#"{"hold": {"mode": "stream", "channels": [{"name": "a"}], "keep-alive": {"content": "k"}}}"#,
    r#"{"hold": {"channels": [{"name": "a"}, {"name": "b"}]}, "response": {"body": "none"}}"#,
    LONG,
];

/// Longer than anything that is read whole.
pub(super) const LONG: &str = "{\"longer\": \"than what is read of an instruct, so that it is refused for its size alone. \
    However much it says, nobody will listen to it, for there is a limit to everything.\"}";

/// What is published.
const FORMATS: [&str; 9] = [
    r#""http-stream": {"content": "item"}"#,
    r#""http-response": {"body": "item"}"#,
    r#""http-stream": {"content": "item"}, "http-response": {"body": "item"}"#,
    r#""http-stream": {"action": "close"}"#,
    r#""http-stream": {"action": "hint"}, "http-response": {"action": "close"}"#,
    r#""http-stream": {"content": ""}, "http-response": {"action": "hint"}"#,
    r#""http-stream": {"content": "%(x)s", "content-filters": ["var-subst"]}, "http-response":
        {"body-patch": [{"op": "test", "path": "", "value": 1}]}"#,
    r#""http-stream": {"content": "%I a longer item, of which few can wait"}, "http-response":
        {"body": "%(nobody)s"}"#,
    r#""ws-message": {"content": "item"}"#,
];

pub(super) fn head(what: u8) -> ResponseHead {
    let status = match what {
        0xe0.. => StatusCode::NOT_FOUND,
        0xd8.. => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    };
    let mut head = ResponseHead::new(status);
    head.fields = pick(&ANSWERS, what).iter().copied().collect();
    head
}

/// What comes from the Hub. Ids go round in a circle of four, so that those which instructs name come again;
/// `step` is how far this one is from the last: one in order, more with a gap.
pub(super) fn release(channel: u8, what: u8, ids: &mut [u8; 3]) -> Release {
    let name = *pick(&CHANNELS, channel);
    match what {
        0xf0.. => Release::Recover(Scope::All),
        0xe8.. => Release::Recover(Scope::Channels(Arc::new([name.into()].into()))),
        0xe0.. => Release::Forget { channel: name.into() },
        _ => {
            let last = &mut ids[usize::from(channel) % CHANNELS.len()];
            let step = (what >> 4) & 3;
            *last = (*last + step) & 3;
            let ids = match step {
                0 => String::new(),
                _ => format!(r#""id": "{last}", "prev-id": "{}","#, (*last + 3) & 3),
            };
            let format = *pick(&FORMATS, what & 15);
            let item = Arc::new(item(name, &ids, format));
            Release::Item { item, sequenced: what & 64 == 0 }
        }
    }
}

fn item(channel: &str, ids: &str, format: &str) -> Item {
    let text = format!(
        r#"{{"items": [{{"channel": "{channel}", {ids} "meta": {{"sender": "bob"}}, {format}}}]}}"#
    );
    parse_items(text.as_bytes()).expect("every format is good").remove(0)
}

pub(super) fn pick<T>(choices: &[T], at: u8) -> &T {
    &choices[usize::from(at) % choices.len()]
}
