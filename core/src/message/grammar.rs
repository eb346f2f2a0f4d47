//! The small grammars of RFC 9110 that text must fit before it becomes part of a message.

use http::StatusCode;

/// Whether `text` can be a field name.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let special = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

/// Whether `text` can be a field value or a reason phrase: a tab is the only control character in it.
pub(crate) fn is_field_text(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}

/// A decimal integer; blanks around it and a leading `+` are let pass (PARM-6).
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// The status code of a final response, 200 to 599 (HOLD-2, HRES-4).
pub(crate) fn final_status(code: u64) -> Option<StatusCode> {
    let code = u16::try_from(code).ok().filter(|code| (200..=599).contains(code))?;
    StatusCode::from_u16(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parm_6_decimal() {
        let cases: [(&str, Option<u64>); 12] = [
            ("0", Some(0)),
            (" 20\t", Some(20)),
            ("+7", Some(7)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("+", None),
            ("++1", None),
            ("-1", None),
            ("10.5", None),
            ("0x10", None),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn hold_2_only_final_codes_are_statuses() {
        let ok = [200, 404, 599, 299].map(|code| final_status(code).map(|status| status.as_u16()));
        assert_eq!(ok, [Some(200), Some(404), Some(599), Some(299)]);
        assert_eq!([0, 99, 101, 199, 600, 65_736].map(final_status), [None; 6]);
    }

    #[test]
    fn ins_9_control_characters_are_no_field_text() {
        assert!(is_field_text("a\tb é".as_bytes()));
        for bad in ["a\rb", "a\nb", "a\0b", "\x7f", "\x1b"] {
            assert!(!is_field_text(bad.as_bytes()), "{bad:?}");
        }
        assert!(is_token(b"X-A"));
        for bad in [&b""[..], b"a b", b"a:", b"\xc3\xa9"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }
}
