//! A JSON document, taken apart only where somebody has been.

use core::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::OperationError;
use super::pointer::{Pointer, index};

/// A value in a document.
#[derive(Debug)]
pub(super) enum Node {
    /// JSON text as it was written.
    Text(Bytes),
    /// An array that has been looked into.
    Array(Vec<Node>),
    /// An object that has been looked into. Of several members with one key the last counts.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// A whole document; `None` if it is no JSON object or array.
    pub(super) fn document(text: &Bytes) -> Option<Self> {
        let raw: &RawValue = serde_json::from_slice(text).ok()?;
        raw.get().starts_with(['{', '[']).then(|| Self::of(raw, text))
    }

    fn of(raw: &RawValue, text: &Bytes) -> Self {
        Self::Text(text.slice_ref(raw.get().as_bytes()))
    }

    /// The node at a place.
    pub(super) fn find(&mut self, place: &Pointer) -> Result<&mut Self, OperationError> {
        self.descend(place.parts())
    }

    /// Puts `node` at a place: before what is there in an array, instead of what is there in an object.
    pub(super) fn add(&mut self, place: &Pointer, node: Self) -> Result<(), OperationError> {
        let Some((last, parents)) = place.parts().split_last() else {
            *self = node;
            return Ok(());
        };
        match self.descend(parents)?.opened() {
            Self::Array(elements) => {
                let at = if last == "-" { elements.len() } else { index(last)? };
                if at > elements.len() {
                    return Err(OperationError::NoPlace);
                }
                elements.insert(at, node);
            }
            Self::Object(members) => match members.iter_mut().rfind(|(key, _)| key == last) {
                Some((_, old)) => *old = node,
                None => members.push((last.clone(), node)),
            },
            Self::Text(_) => return Err(OperationError::NoPlace),
        }
        Ok(())
    }

    /// Takes away what is at a place, which must not be the whole.
    pub(super) fn remove(&mut self, place: &Pointer) -> Result<(), OperationError> {
        let (last, parents) = place.parts().split_last().ok_or(OperationError::NoPlace)?;
        match self.descend(parents)?.opened() {
            Self::Array(elements) => {
                let at = index(last)?;
                if at >= elements.len() {
                    return Err(OperationError::NoPlace);
                }
                elements.remove(at);
            }
            Self::Object(members) => {
                let before = members.len();
                members.retain(|(key, _)| key != last);
                if members.len() == before {
                    return Err(OperationError::NoPlace);
                }
            }
            Self::Text(_) => return Err(OperationError::NoPlace),
        }
        Ok(())
    }

    /// Whether it is an object and has no such key.
    pub(super) fn is_object_without(&mut self, name: &str) -> bool {
        match self.opened() {
            Self::Object(members) => members.iter().all(|(key, _)| key != name),
            Self::Array(_) | Self::Text(_) => false,
        }
    }

    /// About how long the text is.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Array(elements) => elements.iter().map(|node| node.len() + 1).sum::<usize>() + 2,
            Self::Object(members) => {
                members.iter().map(|(key, node)| key.len() + node.len() + 4).sum::<usize>() + 2
            }
        }
    }

    /// The text, as it was written if it has not been looked into.
    pub(super) fn text(&self) -> Bytes {
        match self {
            Self::Text(text) => text.clone(),
            Self::Array(_) | Self::Object(_) => {
                let mut out = Vec::with_capacity(self.len());
                self.write(&mut out);
                out.into()
            }
        }
    }

    /// Appends the text, without blanks between the parts.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_compact(text, out),
            Self::Array(elements) => {
                out.push(b'[');
                for (at, element) in elements.iter().enumerate() {
                    separate(at, out);
                    element.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (at, (key, member)) in members.iter().enumerate() {
                    separate(at, out);
                    out.extend_from_slice(
                        serde_json::Value::from(key.as_str()).to_string().as_bytes(),
                    );
                    out.push(b':');
                    member.write(out);
                }
                out.push(b'}');
            }
        }
    }

    fn descend(&mut self, parts: &[String]) -> Result<&mut Self, OperationError> {
        let mut node = self;
        for part in parts {
            let inner = match node.opened() {
                Self::Array(elements) => elements.get_mut(index(part)?),
                Self::Object(members) => {
                    members.iter_mut().rfind(|(key, _)| key == part).map(|(_, node)| node)
                }
                Self::Text(_) => None,
            };
            node = inner.ok_or(OperationError::NoPlace)?;
        }
        Ok(node)
    }

    /// The node, looked into: text only if there is nothing inside.
    fn opened(&mut self) -> &mut Self {
        if let Self::Text(text) = self
            && let Some(opened) = open(text)
        {
            *self = opened;
        }
        self
    }
}

/// Takes one level of JSON text apart; `None` if it is neither an array nor an object.
fn open(text: &Bytes) -> Option<Node> {
    if text.starts_with(b"[") {
        let elements: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
        return Some(Node::Array(elements.into_iter().map(|raw| Node::of(raw, text)).collect()));
    }
    let Members(members) = serde_json::from_slice(text).ok()?;
    let member = |(key, raw)| (key, Node::of(raw, text));
    Some(Node::Object(members.into_iter().map(member).collect()))
}

/// The members of an object in the order in which they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

/// Appends JSON text without the blanks outside its strings.
fn write_compact(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text.iter().copied();
    let mut quoted = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' if !quoted => continue,
            b'"' => quoted = !quoted,
            _ => {}
        }
        out.push(byte);
        if byte == b'\\' {
            out.extend(bytes.next());
        }
    }
}
