//! The signature on requests to the origin.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    case::{Case, Outcome, ensure, must, wrong},
    scene::Scene,
    target::{SIG_ISS, SIG_KEY},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("SIG-1/form", "the token has the usual head, an issuer and an hour to live", form),
        must("SIG-1/fresh", "each request gets a token of its own", fresh),
        must("SIG-2/shared-secret", "a shared secret signs by HMAC-SHA256", shared_secret),
    ]
}

/// The three parts of the token that a request carries.
async fn token(s: &Scene) -> Outcome<[String; 3]> {
    let head = s.forwarded(s.get()).await?.head;
    let token = head.first("Grip-Sig").unwrap_or_default();
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().or_else(|_| wrong(format_args!("Grip-Sig is {token:?}")))
}

fn bytes(part: &str) -> Outcome<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).or_else(|error| wrong(format_args!("{part:?}: {error}")))
}

fn object(part: &str) -> Outcome<Value> {
    serde_json::from_slice(&bytes(part)?).or_else(|error| wrong(format_args!("{part:?}: {error}")))
}

async fn form(s: Scene) -> Outcome {
    let [head, claims, _] = token(&s).await?;
    let head = object(&head)?;
    ensure(head == json!({ "typ": "JWT", "alg": "HS256" }), format_args!("the head is {head}"))?;
    let claims = object(&claims)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let left = claims["exp"].as_u64().unwrap_or_default().saturating_sub(now);
    ensure((3540..=3660).contains(&left), format_args!("{claims} is good for {left} s"))?;
    ensure(claims["iss"] == SIG_ISS, format_args!("the issuer in {claims}"))?;
    let count = claims.as_object().map_or(0, serde_json::Map::len);
    ensure(count == 2, format_args!("{claims} says more than it should"))
}

async fn fresh(s: Scene) -> Outcome {
    let first = token(&s).await?;
    s.pause(2.1).await;
    ensure(token(&s).await? != first, "the token of an earlier request was used again")
}

async fn shared_secret(s: Scene) -> Outcome {
    let [head, claims, signature] = token(&s).await?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SIG_KEY.as_bytes())
        .or_else(|_| wrong("the key does not fit"))?;
    mac.update(format!("{head}.{claims}").as_bytes());
    let genuine = mac.verify_slice(&bytes(&signature)?).is_ok();
    ensure(genuine, "the signature does not fit the key")
}
