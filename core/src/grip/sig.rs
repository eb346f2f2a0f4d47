//! `Grip-Sig`: the token that tells a backend it is asked by its GRIP proxy (SIG-1 to SIG-22).
//!
//! The token is a JWT of one fixed shape, signed with HMAC-SHA-256, so it is written by hand. One is made
//! for every forwarded request: the key keeps its hash state ready, and a token costs two allocations.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use sha2::Sha256;
use thiserror::Error;

use crate::ground::UnixTime;

/// A shared secret for HS256.
#[derive(Clone)]
pub struct Key {
    secret: Vec<u8>,
    mac: Hmac<Sha256>,
}

/// Why a key spec is unusable (SIG-5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    /// `base64:` is followed by something else.
    #[error("what follows base64: is not base64")]
    Base64,
    /// The content of a key file is neither hexadecimal nor PEM (SIG-4).
    #[error("the key file is not hexadecimal")]
    Hex,
    /// There is no byte in it: anyone could guess that secret.
    #[error("the key is empty")]
    Empty,
    /// The key is for a public-key algorithm.
    #[error("PEM keys (ES256, RS256) are not supported; only shared secrets (HS256)")]
    Unsupported,
    /// A `file:` spec came in itself, instead of the file's content.
    #[error("a file: key must be read first")]
    Unread,
}

impl Key {
    /// Reads a key spec: `base64:<b64>` or the bytes themselves; empty is no key (SIG-3). `file:` specs
    /// are read by the caller, who owns the file system, and come in by [`Key::from_file`].
    pub fn parse(spec: &str) -> Result<Option<Self>, KeyError> {
        if spec.is_empty() {
            return Ok(None);
        }
        if spec.starts_with("file:") {
            return Err(KeyError::Unread);
        }
        match spec.strip_prefix("base64:") {
            Some(text) => STANDARD.decode(text).map_err(|_| KeyError::Base64).and_then(Self::new),
            None => Self::new(spec.as_bytes().to_vec()),
        }
        .map(Some)
    }

    /// Reads the content of a key file: hexadecimal digits (SIG-4).
    pub fn from_file(content: &[u8]) -> Result<Self, KeyError> {
        let content = content.trim_ascii();
        if content.starts_with(b"-----BEGIN") {
            return Err(KeyError::Unsupported);
        }
        unhex(content).ok_or(KeyError::Hex).and_then(Self::new)
    }

    /// Whether this is the secret of the sample configuration, which everybody knows (SIG-8).
    pub fn is_sample(&self) -> bool {
        self.secret == b"changeme"
    }

    fn new(secret: Vec<u8>) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let mac = Hmac::new_from_slice(&secret).expect("HMAC takes a key of any length");
        Ok(Self { secret, mac })
    }

    fn mac_of(&self, text: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(text)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl Eq for Key {}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// `{"typ":"JWT","alg":"HS256"}` and the dot after it.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.";

/// A token with the claims `iss` and `exp` (SIG-1).
pub fn sign(key: &Key, iss: &str, exp: UnixTime) -> String {
    let claims = serde_json::to_vec(&Made { iss, exp: exp.0 });
    let claims = claims.expect("a string and a number can always be JSON");
    let mut token = String::with_capacity(HEADER.len() + claims.len() * 4 / 3 + 48);
    token.push_str(HEADER);
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.mac_of(token.as_bytes()).finalize().into_bytes();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// Whether `token` was signed with `key` and has not expired at `now` (SIG-20, SIG-21).
pub fn verify(token: &[u8], key: &Key, now: UnixTime) -> bool {
    claims(token, key).is_some_and(|claims| is_after(&claims.exp, now))
}

/// The claims of a token that is made.
#[derive(Serialize)]
struct Made<'a> {
    iss: &'a str,
    exp: u64,
}

/// What verification looks at in a token's header.
#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// What verification looks at in a token's claims: `iss`, `aud` and `nbf` are not asked for.
#[derive(Deserialize)]
struct Claims {
    exp: Number,
}

/// The claims of a token whose signature and algorithm are right. The signature is checked first: until
/// then nothing in the token is worth reading.
fn claims(token: &[u8], key: &Key) -> Option<Claims> {
    let dot = token.iter().rposition(|&byte| byte == b'.')?;
    let (signed, signature) = (token.get(..dot)?, token.get(dot + 1..)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.mac_of(signed).verify_slice(&signature).ok()?;

    let dot = signed.iter().position(|&byte| byte == b'.')?;
    let header = URL_SAFE_NO_PAD.decode(signed.get(..dot)?).ok()?;
    let header: Header = serde_json::from_slice(&header).ok()?;
    if header.alg != "HS256" {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(signed.get(dot + 1..)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// Whether a time in seconds, whole or not, is in the future.
fn is_after(exp: &Number, now: UnixTime) -> bool {
    match exp.as_u64() {
        Some(exp) => exp > now.0,
        None => exp.as_f64().is_some_and(|exp| exp > now.0 as f64),
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |&byte: &u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn key(spec: &str) -> Key {
        Key::parse(spec).ok().flatten().expect("the test's key is good")
    }

    /// A token with any header and claims, rightly signed.
    fn token(header: &str, claims: &str) -> Vec<u8> {
        let (header, claims) = (URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signed = format!("{header}.{claims}");
        let signature = key("changeme").mac_of(signed.as_bytes()).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into_bytes()
    }

    fn is_valid(header: &str, claims: &str) -> bool {
        verify(&token(header, claims), &key("changeme"), NOW)
    }

    #[test]
    fn sig_1_a_known_token() {
        // Computed by an independent implementation of HMAC and base64.
        let expected = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJwdXNocGluIiwiZXhwIjoxNzAwMDAzNjAwfQ.\
            peoNzXovaO7IPyWazCP8fxwN-UW2nMVvWdjJusj1PiU";
        let exp = UnixTime(1_700_003_600);
        assert_eq!(sign(&key("changeme"), "pushpin", exp), expected);
        let (header, rest) = expected.split_once('.').expect("a token has dots");
        let header = URL_SAFE_NO_PAD.decode(header).expect("the header is base64");
        assert_eq!(header, br#"{"typ":"JWT","alg":"HS256"}"#);
        let claims = rest.split('.').next().map(|claims| URL_SAFE_NO_PAD.decode(claims));
        let expected = br#"{"iss":"pushpin","exp":1700003600}"#.to_vec();
        assert_eq!(claims, Some(Ok(expected)));
    }

    #[test]
    fn sig_1_and_20_what_is_signed_verifies() {
        for iss in ["pushpin", "", "a\"b\\c\n", "é"] {
            let token = sign(&key("k"), iss, UnixTime(NOW.0 + 1));
            assert!(verify(token.as_bytes(), &key("k"), NOW), "{iss}");
            assert!(!verify(token.as_bytes(), &key("k"), UnixTime(NOW.0 + 1)), "no leeway: {iss}");
            assert!(!verify(token.as_bytes(), &key("other"), NOW), "{iss}");
        }
    }

    #[test]
    fn sig_21_expiry() {
        let header = r#"{"typ":"JWT","alg":"HS256"}"#;
        let cases = [
            (r#"{"exp":1700000001}"#, true),
            (r#"{"exp":1700000000}"#, false),
            (r#"{"exp":1700000000.5}"#, true),
            (r#"{"exp":1699999999.5}"#, false),
            (r#"{"exp":2147483648}"#, true),
            (r#"{"exp":18446744073709551615}"#, true),
            (r#"{"exp":1e30}"#, true),
            (r#"{"exp":-1}"#, false),
            (r#"{"exp":"1700000001"}"#, false),
            (r#"{"exp":null}"#, false),
            (r#"{"iss":"a"}"#, false),
            (r#"[]"#, false),
            (r#"{"exp":1700000001,"aud":"x","nbf":9999999999,"iss":1}"#, true),
            (r#"{"exp":1700000001"#, false),
        ];
        for (claims, expected) in cases {
            assert_eq!(is_valid(header, claims), expected, "{claims}");
        }
    }

    #[test]
    fn sig_21_algorithm() {
        let claims = r#"{"exp":1700000001}"#;
        for (header, expected) in [
            (r#"{"alg":"HS256"}"#, true),
            (r#"{"alg":"HS256","kid":"1"}"#, true),
            (r#"{"alg":"none"}"#, false),
            (r#"{"alg":"HS384"}"#, false),
            (r#"{"alg":"RS256"}"#, false),
            (r#"{"typ":"JWT"}"#, false),
            ("", false),
        ] {
            assert_eq!(is_valid(header, claims), expected, "{header}");
        }
    }

    #[test]
    fn sig_22_anything_else_is_untrusted() {
        let good = token(r#"{"alg":"HS256"}"#, r#"{"exp":1700000001}"#);
        assert!(verify(&good, &key("changeme"), NOW));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert!(!verify(&bad, &key("changeme"), NOW), "byte {at}");
            assert!(!verify(&good[..at], &key("changeme"), NOW), "first {at}");
        }
        let dot = good.iter().rposition(|&byte| byte == b'.').expect("a token has dots");
        assert!(!verify(&good[..=dot], &key("changeme"), NOW), "no signature");
        for bad in ["", ".", "..", "a.b", "a.b.c.d"] {
            assert!(!verify(bad.as_bytes(), &key("changeme"), NOW), "{bad}");
        }
    }

    #[test]
    fn sig_3_to_5_key_specs() {
        assert_eq!(Key::parse(""), Ok(None));
        assert_eq!(key("base64:Y2hhbmdlbWU="), key("changeme"));
        assert_ne!(key("changeme "), key("changeme"));
        assert_eq!(Key::parse("base64:*"), Err(KeyError::Base64));
        assert_eq!(Key::parse("base64:"), Err(KeyError::Empty));
        assert_eq!(Key::parse("file:key"), Err(KeyError::Unread));
        assert!(key("changeme").is_sample() && !key("other").is_sample());
        assert_eq!(format!("{:?}", key("changeme")), "Key(..)");
    }

    #[test]
    fn sig_4_and_5_key_files() {
        assert_eq!(Key::from_file(b" 6368616E67656d65\n"), Ok(key("changeme")));
        let cases: [(&[u8], KeyError); 6] = [
            (b"", KeyError::Empty),
            (b"\n", KeyError::Empty),
            (b"abc", KeyError::Hex),
            (b"zz", KeyError::Hex),
            (b"61 62", KeyError::Hex),
            (b"-----BEGIN PRIVATE KEY-----\nMIG", KeyError::Unsupported),
        ];
        for (content, why) in cases {
            assert_eq!(Key::from_file(content), Err(why), "{}", content.escape_ascii());
        }
    }
}
