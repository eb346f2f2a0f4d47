//! Requests on their way to an origin.

use bytes::Bytes;
use holdfast_core::forward::{Policy, RequestUrl, Rewrite, rewrite_request};
use holdfast_core::ground::UnixTime;
use holdfast_core::message::{RequestHead, Version};
use holdfast_core::route::{Authority, Connect, Route, Target};
use http::Method;

/// `METHOD target` and fields (`name: value`), a line each. Whatever a client says, what the origin gets has
/// one `Host` that is a host, a path, and nothing that is not for it (FWD-11, FWD-35, FWD-39).
pub fn request_url(data: &[u8]) {
    let Some(head) = head(data) else { return };
    for secure in [false, true] {
        let Ok(url) = RequestUrl::of(&head, secure) else { continue };
        check_url(&url, &head);
        check_rewritten(&rewritten(&head, &url, "", 0));
        check_rewritten(&rewritten(&head, &url, "/new", 2));
        check_rewritten(&rewritten(&head, &url, "", 3));
    }
}

fn head(data: &[u8]) -> Option<RequestHead> {
    let mut lines = data.split(|&byte| byte == b'\n');
    let line = lines.next()?;
    let (method, target) = cut(line, b' ')?;
    let fields = lines.filter_map(|line| cut(line, b':'));
    let own = |bytes: &[u8]| Bytes::copy_from_slice(bytes.trim_ascii());
    Some(RequestHead {
        method: Method::from_bytes(method).ok()?,
        target: Bytes::copy_from_slice(target),
        version: if line.len() % 2 == 0 { Version::Http11 } else { Version::Http10 },
        fields: fields.map(|(name, value)| (own(name), own(value))).collect(),
    })
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let middle = text.iter().position(|&byte| byte == at)?;
    Some((&text[..middle], &text[middle + 1..]))
}

fn check_url(url: &RequestUrl, head: &RequestHead) {
    let authority = Authority::parse(&url.authority).expect("the authority is one");
    assert_eq!(authority.host, url.host());
    assert_eq!(*url.authority, *url.authority.to_ascii_lowercase());
    assert!(is_target(&url.path_and_query), "{url:?}");
    if head.target.starts_with(b"/") {
        assert_eq!(url.path_and_query, head.target, "a path is not touched (FWD-13)");
    }
}

fn is_target(target: &[u8]) -> bool {
    let good = |&byte: &u8| byte.is_ascii_graphic() && byte != b'#';
    target == b"*" || (target.starts_with(b"/") && target.iter().all(good))
}

/// The request as a route gets it that replaces `path_rem` bytes of the path by `front`.
fn rewritten(head: &RequestHead, url: &RequestUrl, front: &str, path_rem: usize) -> RequestHead {
    let path_beg = String::from_utf8_lossy(url.path()).chars().take(path_rem).collect();
    let replace_beg = (!front.is_empty()).then(|| front.to_owned());
    let route = Route { path_beg, path_rem, replace_beg, ..Route::default() };
    let policy = Policy { cdn_loop: "us".to_owned(), ..Policy::default() };
    let target = Target::from(Connect::Test);
    let (wall, peer, trusted) = (UnixTime(0), None, false);
    let by = Rewrite {
        policy: &policy,
        route: &route,
        target: &target,
        url,
        peer,
        trusted,
        signed: true,
        wall,
    };
    rewrite_request(head, by)
}

fn check_rewritten(request: &RequestHead) {
    assert!(is_target(&request.target), "{request:?}");
    assert_eq!(request.fields.all("Host").count(), 1);
    assert_eq!(request.fields.all("CDN-Loop").count(), 1);
    assert!(request.fields.all("X-Forwarded-For").count() <= 1);
    for name in ["Connection", "TE", "Upgrade", "Transfer-Encoding", "Content-Length", "Expect"] {
        assert!(!request.fields.has(name), "{name} in {request:?}");
    }
    let mut grip = request.fields.iter().filter(|field| field.begins("Grip-"));
    assert!(grip.all(|field| field.is("Grip-Feature")));
}
