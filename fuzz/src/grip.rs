//! What backends say and clients show: instructs, header values, tokens.

use bytes::Bytes;
use holdfast_core::grip::{
    Hold, Instruct, InstructError, KeepAlive, Key, is_instruct, is_json, parse_head, parse_whole,
    sign, verify,
};
use holdfast_core::ground::{Limits, UnixTime};
use holdfast_core::message::{Fields, ResponseHead};
use http::StatusCode;

/// A response of any fields (one `name: value` a line, up to an empty one) and body.
pub fn instruct(data: &[u8]) {
    let (fields, body) = message(data);
    let head = ResponseHead { fields, ..ResponseHead::new(StatusCode::OK) };
    let limits = Limits::default();
    let by_head = parse_head(&head, &limits);
    let whole = parse_whole(&head, Bytes::copy_from_slice(body), &limits);
    if let Err(why) = &by_head {
        assert!(is_instruct(&head), "only Grip- headers can be wrong");
        assert_eq!(whole.as_ref(), Err(why), "a bad header is bad with any body");
    }
    if !is_json(&head) {
        assert_eq!(by_head.is_ok(), whole.is_ok(), "a header instruct is known by its head");
    }
    check(&whole, &limits);
}

/// A value of a list header, cut anywhere: two lines mean what one line with a comma between them does.
pub fn list(data: &[u8]) {
    const LISTS: [&str; 3] = ["Grip-Channel", "Grip-Set-Meta", "Grip-Link"];
    let Some((&first, data)) = data.split_first() else { return };
    let Some(&name) = LISTS.get(usize::from(first) % LISTS.len()) else { return };
    let at = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (one, two) = data.split_at(at);
    let two = two.get(1..).unwrap_or_default();

    let apart = read(name, &[one, two]);
    check(&apart, &Limits::default());
    // A line is UTF-8 or, if it is not, Latin-1 as a whole; two of a kind read the same as one.
    let is_utf8 = |line: &[u8]| line.is_ascii() || core::str::from_utf8(line).is_ok();
    let mixed = is_utf8(one) != is_utf8(two) && !one.is_ascii() && !two.is_ascii();
    if apart.is_ok() && !mixed {
        assert_eq!(apart, read(name, &[&[one, b",", two].concat()]));
    }
}

/// A value of `Grip-Keep-Alive`: what is read can be printed and read again.
pub fn keep_alive(data: &[u8]) {
    let Some(read) = read_keep_alive(data) else { return };
    let hex: String = read.data.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let mode = format!("{:?}", read.mode).to_lowercase();
    let secs = read.timeout.as_secs();
    let printed = format!("{hex}; format=cstring; mode={mode}; timeout={secs}");
    let again = read_keep_alive(printed.as_bytes());
    let seen = |it: &KeepAlive| (it.data.clone(), it.mode, it.timeout.as_secs());
    assert_eq!(again.as_ref().map(seen), Some(seen(&read)));
}

/// A secret, an issuer and a token, a line each. A token that we make is good until it expires; one from
/// outside must never be good for a secret that it does not depend on.
pub fn sig(data: &[u8]) {
    let mut lines = data.splitn(3, |&byte| byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (secret, iss, token) = (line(), line(), line());
    let (secret, iss) = (String::from_utf8_lossy(secret), String::from_utf8_lossy(iss));
    let other = Key::parse("a secret that no input knows").ok().flatten();
    assert!(other.is_some_and(|other| !verify(token, &other, UnixTime(0))));
    let Ok(Some(key)) = Key::parse(&secret) else { return };
    verify(token, &key, UnixTime(1));
    let made = sign(&key, &iss, UnixTime(2));
    assert!(verify(made.as_bytes(), &key, UnixTime(1)));
    assert!(!verify(made.as_bytes(), &key, UnixTime(2)));
}

/// What holds for every instruct, and for every refusal.
fn check(read: &Result<Instruct, InstructError>, limits: &Limits) {
    let instruct = match read {
        Ok(instruct) => instruct,
        Err(why) => return assert!(!why.to_string().contains(['\r', '\n'])),
    };
    let fields = &instruct.response.head.fields;
    assert!(fields.iter().all(|field| !field.begins("Grip-")));
    assert!(!fields.has("Content-Length") && !fields.has("Transfer-Encoding"));
    assert!((200..600).contains(&instruct.response.head.status.as_u16()));
    assert!(instruct.channels.iter().all(|it| it.filters.len() <= limits.filters_per_channel));
    let mut names: Vec<&str> = instruct.channels.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| matches!(pair, [one, two] if one != two)));
    match &instruct.hold {
        Some(Hold::Response { timeout: Some(timeout) }) => {
            assert!(*timeout >= limits.hold_timeout_min);
        }
        Some(Hold::Stream { keep_alive: Some(it) }) => {
            assert!(!it.data.is_empty() && it.timeout.as_secs() >= 1);
        }
        _ => {}
    }
}

fn read(name: &'static str, lines: &[&[u8]]) -> Result<Instruct, InstructError> {
    let mut head = ResponseHead::new(StatusCode::OK);
    for line in lines {
        head.fields.push(name, line.to_vec());
    }
    parse_head(&head, &Limits::default())
}

fn read_keep_alive(value: &[u8]) -> Option<KeepAlive> {
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields.push("Grip-Hold", "stream");
    head.fields.push("Grip-Keep-Alive", value.to_vec());
    match parse_head(&head, &Limits::default()).ok()?.hold {
        Some(Hold::Stream { keep_alive }) => keep_alive,
        _ => None,
    }
}

/// Lines of fields up to an empty line, and what follows.
pub(crate) fn message(data: &[u8]) -> (Fields, &[u8]) {
    let mut fields = Fields::new();
    let mut rest = data;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        fields.push(name.to_vec(), value.to_vec());
    }
    (fields, rest)
}
