//! Body patches.

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::json::patch::apply;
use serde_json::Value;

/// A patch on one line and the document behind it. What is patched is JSON within the limits, and patching
/// it with nothing changes nothing.
pub fn apply_patch(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (patch, document) = data.split_at(end);
    let document = Bytes::copy_from_slice(document.get(1..).unwrap_or_default());
    let Ok(patch) = serde_json::from_slice::<Value>(patch) else { return };
    let limits = Limits { patch_bytes: 2000, ..Limits::default() };
    let patched = match apply(&document, &patch, &limits) {
        Ok(patched) => patched,
        Err(why) => return assert!(!why.to_string().contains(['\r', '\n'])),
    };
    // Keys may be written longer than they were: a control character as six bytes.
    assert!(patched.len() <= 6 * limits.patch_bytes);
    assert_eq!(patched.ends_with(b"\n"), document.ends_with(b"\n"));
    let nothing = Value::Array(Vec::new());
    let limits = Limits { patch_bytes: patched.len(), ..limits };
    if patched.starts_with(b"{") || patched.starts_with(b"[") {
        assert_eq!(apply(&patched, &nothing, &limits), Ok(patched));
    }
}
