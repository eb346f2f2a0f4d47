//! JSON Patch (RFC 6902) for a text that stays as it was written wherever the patch does not touch it
//! (PATCH-1 to PATCH-4).

mod node;
mod pointer;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Map, Value};
use thiserror::Error;

use self::node::Node;
use self::pointer::Pointer;
use crate::ground::Limits;

/// Why a patch does not apply.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PatchError {
    /// The text to be patched is no JSON object or array.
    #[error("the document is no JSON object or array")]
    Document,
    /// The patch is no array.
    #[error("the patch is not an array")]
    Patch,
    /// The patch has more operations than the limit.
    #[error("the patch has more than {0} operations")]
    TooMany(usize),
    /// An operation fails.
    #[error("patch[{index}]: {why}")]
    Operation {
        /// Which one, counted from zero.
        index: usize,
        /// What is wrong with it.
        why: OperationError,
    },
}

/// Why an operation of a patch fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OperationError {
    /// It is no object with a known `op`.
    #[error("not an operation")]
    Unknown,
    /// A member that it needs is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A path is no JSON Pointer (RFC 6901), or one with too many parts.
    #[error("not a JSON Pointer")]
    NotAPointer,
    /// A path leads to nothing.
    #[error("no such place")]
    NoPlace,
    /// A value is moved into itself.
    #[error("moved into itself")]
    IntoItself,
    /// A `test` finds something else.
    #[error("the test fails")]
    Test,
    /// The document would become larger than the limit, in bytes.
    #[error("more than {0} bytes")]
    TooLarge(usize),
}

/// Applies a patch. A final line end of the document is kept (PATCH-1).
pub fn apply(document: &Bytes, patch: &Value, limits: &Limits) -> Result<Bytes, PatchError> {
    let Value::Array(operations) = patch else { return Err(PatchError::Patch) };
    if operations.len() > limits.patch_operations {
        return Err(PatchError::TooMany(limits.patch_operations));
    }
    let root = Node::document(document).ok_or(PatchError::Document)?;
    let budget = Budget { left: limits.patch_bytes, all: limits.patch_bytes };
    let mut patching = Patching { root, budget };
    let failed = |index| move |why| PatchError::Operation { index, why };
    patching.budget.spend(document.len()).map_err(failed(0))?;
    for (index, operation) in operations.iter().enumerate() {
        patching.apply(operation).map_err(failed(index))?;
    }
    let mut out = Vec::with_capacity(document.len());
    patching.root.write(&mut out);
    out.extend_from_slice(line_end(document));
    Ok(out.into())
}

fn line_end(document: &[u8]) -> &[u8] {
    let end = [&b"\r\n"[..], b"\n"].into_iter().find(|end| document.ends_with(end));
    end.unwrap_or_default()
}

/// A document that is being patched.
struct Patching {
    root: Node,
    budget: Budget,
}

/// How many bytes may still be written or looked at. A `copy` can double a document, and a patch has many:
/// all that they add counts, even if it is removed again.
struct Budget {
    left: usize,
    all: usize,
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), OperationError> {
        self.left = self.left.checked_sub(bytes).ok_or(OperationError::TooLarge(self.all))?;
        Ok(())
    }
}

impl Patching {
    fn apply(&mut self, operation: &Value) -> Result<(), OperationError> {
        let operation = operation.as_object().ok_or(OperationError::Unknown)?;
        let path = self.pointer(operation, "path")?;
        match operation.get("op").and_then(Value::as_str) {
            Some("add") => {
                let value = self.value(operation)?;
                self.add(&path, value)
            }
            Some("remove") => self.root.remove(&path).map(drop),
            Some("replace") => {
                let value = self.value(operation)?;
                *self.root.find(&path)? = value;
                Ok(())
            }
            Some("move") => {
                let from = self.pointer(operation, "from")?;
                self.relocate(&from, &path)
            }
            Some("copy") => {
                let from = self.pointer(operation, "from")?;
                let copy = self.text(&from)?;
                self.add(&path, Node::Text(copy))
            }
            Some("test") => self.test(operation, &path),
            _ => Err(OperationError::Unknown),
        }
    }

    fn add(&mut self, path: &Pointer, node: Node) -> Result<(), OperationError> {
        self.budget.spend(path.last().map_or(0, str::len))?;
        self.root.add(path, node)
    }

    fn relocate(&mut self, from: &Pointer, path: &Pointer) -> Result<(), OperationError> {
        if from == path {
            return self.root.find(path).map(drop);
        }
        if from.leads_to(path) {
            return Err(OperationError::IntoItself);
        }
        let moved = self.text(from)?;
        self.root.remove(from)?;
        self.add(path, Node::Text(moved))
    }

    fn test(
        &mut self,
        operation: &Map<String, Value>,
        path: &Pointer,
    ) -> Result<(), OperationError> {
        let expected = operation.get("value").ok_or(OperationError::Missing("value"))?;
        let found = self.text(path)?;
        let found: Value = serde_json::from_slice(&found).map_err(|_| OperationError::Test)?;
        if equal(&found, expected) { Ok(()) } else { Err(OperationError::Test) }
    }

    /// What stands at a place, as text. What is moved or copied becomes text again, so that a document is
    /// never taken apart deeper than a path is long.
    fn text(&mut self, place: &Pointer) -> Result<Bytes, OperationError> {
        let node = self.root.find(place)?;
        self.budget.spend(node.len())?;
        Ok(node.text())
    }

    fn value(&mut self, operation: &Map<String, Value>) -> Result<Node, OperationError> {
        let value = operation.get("value").ok_or(OperationError::Missing("value"))?;
        let text = Bytes::from(value.to_string());
        self.budget.spend(text.len())?;
        Ok(Node::Text(text))
    }

    /// The place that a member names. `/` is the whole document where it is an object that has nothing
    /// under an empty key (PATCH-3).
    fn pointer(
        &mut self,
        operation: &Map<String, Value>,
        member: &'static str,
    ) -> Result<Pointer, OperationError> {
        let path = operation.get(member).ok_or(OperationError::Missing(member))?;
        match path.as_str().ok_or(OperationError::NotAPointer)? {
            "/" if self.root.is_object_without("") => Ok(Pointer::root()),
            path => Pointer::parse(path).ok_or(OperationError::NotAPointer),
        }
    }
}

/// Whether two values are the same; numbers are if they are equal, however they are written.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || ((a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}
