//! Why a connection closes (RFC 6455 section 7.4).

use thiserror::Error;

use super::{CONTROL_MAX, Role, Violation};

/// Bytes of a reason that fit into a close frame.
pub const REASON_MAX: usize = CONTROL_MAX - 2;

/// What a close frame says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Close {
    /// The code, if there is one.
    pub code: Option<CloseCode>,
    /// The reason; often empty.
    pub reason: String,
}

/// A code that may be on the wire: those of RFC 6455 and its registry, and 3000 to 4999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseCode(u16);

/// A code that may not be on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("close code {0} is not allowed")]
pub struct ForbiddenCode(pub u64);

impl Close {
    /// A close with a code and no reason.
    pub const fn new(code: CloseCode) -> Self {
        Self { code: Some(code), reason: String::new() }
    }

    /// What a backend asks for: a code that may not be on the wire becomes 1011 (WS-31).
    pub fn of_backend(code: u64, reason: String) -> Self {
        Self { code: CloseCode::said(code).unwrap_or(Some(CloseCode::INTERNAL_ERROR)), reason }
    }

    /// What a publisher asks for.
    ///
    /// # Errors
    /// The code may not be on the wire: the item is refused (WS-31).
    pub fn of_publisher(code: u64, reason: String) -> Result<Self, ForbiddenCode> {
        Ok(Self { code: CloseCode::said(code)?, reason })
    }

    /// Reads what a peer of us, who are `role`, has sent. A client must keep to the codes; a backend's are put
    /// right.
    pub(super) fn read(payload: &[u8], role: Role) -> Result<Self, Violation> {
        let Some((&code, reason)) = payload.split_first_chunk() else {
            return if payload.is_empty() {
                Ok(Self::default())
            } else {
                Err(Violation::CloseLength)
            };
        };
        let code = u16::from_be_bytes(code);
        let reason = core::str::from_utf8(reason).map_err(|_| Violation::CloseReason)?.to_owned();
        match role {
            Role::Client => Ok(Self::of_backend(code.into(), reason)),
            Role::Server => {
                let code = CloseCode::new(code.into()).ok_or(Violation::CloseCode(code))?;
                Ok(Self { code: Some(code), reason })
            }
        }
    }

    /// Appends the payload of a close frame. A reason that is too long is cut between two characters (WS-32);
    /// a reason without a code gets 1000 (WS-33).
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let default = (!self.reason.is_empty()).then_some(CloseCode::NORMAL);
        if let Some(code) = self.code.or(default) {
            out.extend_from_slice(&code.get().to_be_bytes());
            out.extend_from_slice(cut(&self.reason).as_bytes());
        }
    }
}

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: this end goes away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1007: a text was not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: against a rule of ours.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message was too large.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: something unforeseen went wrong.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const RESTART: Self = Self(1012);
    /// 1014: a gateway got no good answer. It is in the registry, but not in the RFC itself: browsers and the
    /// libraries of Python and Node know it, and the few that do not report a protocol error instead.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// `code`, if it may be on the wire.
    pub const fn new(code: u64) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code as u16)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What someone means who speaks of a code outside a frame: 0 and 1005 stand for none (WS-31).
    const fn said(code: u64) -> Result<Option<Self>, ForbiddenCode> {
        match (code, Self::new(code)) {
            (0 | 1005, _) => Ok(None),
            (_, Some(code)) => Ok(Some(code)),
            (_, None) => Err(ForbiddenCode(code)),
        }
    }
}

/// As much of `reason` as fits.
fn cut(reason: &str) -> &str {
    let fits = |len: &usize| reason.is_char_boundary(*len);
    let len = (0..=REASON_MAX.min(reason.len())).rev().find(fits);
    reason.get(..len.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ws_31_codes_on_the_wire() {
        let good = [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 3999, 4000, 4999];
        for code in good {
            assert_eq!(CloseCode::new(code).map(|code| u64::from(code.get())), Some(code));
        }
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535, 70_000, u64::MAX]
        {
            assert_eq!(CloseCode::new(code), None, "{code}");
        }
    }

    #[test]
    fn ws_31_what_backends_and_publishers_say() {
        for code in [0, 1005] {
            assert_eq!(Close::of_backend(code, String::new()), Close::default());
            assert_eq!(Close::of_publisher(code, String::new()), Ok(Close::default()));
        }
        for code in [999, 1004, 1006, 1015, 2000, 5000, 70_000] {
            let close = Close::of_backend(code, "why".to_owned());
            assert_eq!(close.code, Some(CloseCode::INTERNAL_ERROR));
            assert_eq!(close.reason, "why");
            assert_eq!(Close::of_publisher(code, String::new()), Err(ForbiddenCode(code)));
        }
        let close = Close::of_publisher(4001, "why".to_owned()).expect("allowed");
        assert_eq!(close, Close::of_backend(4001, "why".to_owned()));
        assert_eq!(close.code.map(CloseCode::get), Some(4001));
    }

    #[test]
    fn ws_27_ws_30_what_a_client_may_say() {
        let read = |payload: &[u8]| Close::read(payload, Role::Server);
        assert_eq!(read(b""), Ok(Close::default()));
        assert_eq!(read(b"\x03\xe8"), Ok(Close::new(CloseCode::NORMAL)));
        let reason = "é".to_owned();
        let expected = Close { code: CloseCode::new(4000), reason };
        assert_eq!(read(b"\x0f\xa0\xc3\xa9"), Ok(expected));
        assert_eq!(read(b"\x03"), Err(Violation::CloseLength));
        assert_eq!(read(b"\x03\xe8\xc3"), Err(Violation::CloseReason));
        for code in [0u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(read(&code.to_be_bytes()), Err(Violation::CloseCode(code)));
        }
    }

    #[test]
    fn ws_31_a_backends_frame_is_put_right() {
        let read = |payload: &[u8]| Close::read(payload, Role::Client);
        assert_eq!(read(b"\0\0"), Ok(Close::default()));
        assert_eq!(read(b"\x03\xed"), Ok(Close::default()));
        assert_eq!(read(b"\x03\xe7"), Ok(Close::new(CloseCode::INTERNAL_ERROR)));
        assert_eq!(read(b"\x03"), Err(Violation::CloseLength));
        assert_eq!(read(b"\x03\xe8\xff"), Err(Violation::CloseReason));
    }

    #[test]
    fn ws_32_a_long_reason_is_cut_between_characters() {
        let written = |reason: &str| {
            let mut out = Vec::new();
            Close { code: Some(CloseCode::NORMAL), reason: reason.to_owned() }.write(&mut out);
            String::from_utf8(out.split_off(2)).expect("whole characters")
        };
        assert_eq!(written(&"a".repeat(123)), "a".repeat(123));
        assert_eq!(written(&"a".repeat(124)), "a".repeat(123));
        assert_eq!(written(&"é".repeat(70)), "é".repeat(61));
        assert_eq!(written(&"😀".repeat(40)), "😀".repeat(30));
    }

    #[test]
    fn ws_33_a_reason_without_a_code_gets_1000() {
        let mut out = Vec::new();
        Close { code: None, reason: "why".to_owned() }.write(&mut out);
        assert_eq!(out, b"\x03\xe8why");
        out.clear();
        Close::default().write(&mut out);
        assert_eq!(out, b"");
    }
}
