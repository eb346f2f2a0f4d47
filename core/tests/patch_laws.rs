//! Body patches against a plain model: values instead of text.

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::json::patch::apply;
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

proptest! {
    #[test]
    fn patch_1_a_patch_does_to_text_what_it_does_to_values(
        document in document(),
        pretty in any::<bool>(),
        patch in vec(operation(), 1..5),
    ) {
        let text = if pretty { format!("{document:#}\n") } else { document.to_string() };
        let mut expected = Some(document);
        for operation in &patch {
            expected = expected.and_then(|document| model(document, operation));
        }
        let patched = apply(&text.into(), &json!(patch), &Limits::default());
        let expected = expected.map(|document| {
            Bytes::from(format!("{document}{}", if pretty { "\n" } else { "" }))
        });
        prop_assert_eq!(patched.ok(), expected);
    }
}

/// One operation on a value, by the letter of RFC 6902; `None` if it fails.
fn model(mut document: Value, operation: &Value) -> Option<Value> {
    let text = |member: &str| operation[member].as_str().expect("made so");
    let path = text("path");
    match text("op") {
        "add" => add(&mut document, path, operation["value"].clone())?,
        "remove" => drop(remove(&mut document, path)?),
        "replace" => *document.pointer_mut(path)? = operation["value"].clone(),
        "move" if text("from") == path => drop(document.pointer(path)?),
        "move" if path.starts_with(&format!("{}/", text("from"))) => return None,
        "move" => {
            let moved = match text("from") {
                "" => return None,
                from => remove(&mut document, from)?,
            };
            add(&mut document, path, moved)?;
        }
        "copy" => {
            let copy = document.pointer(text("from"))?.clone();
            add(&mut document, path, copy)?;
        }
        "test" => (*document.pointer(path)? == operation["value"]).then_some(())?,
        other => panic!("{other} is not made"),
    }
    Some(document)
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let Some((parent, last)) = path.rsplit_once('/') else {
        *document = value;
        return Some(());
    };
    match document.pointer_mut(parent)? {
        Value::Object(members) => drop(members.insert(last.to_owned(), value)),
        Value::Array(elements) => {
            let at = if last == "-" { elements.len() } else { last.parse().ok()? };
            (at <= elements.len()).then(|| elements.insert(at, value))?;
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(members) => members.shift_remove(last),
        Value::Array(elements) => {
            let at = last.parse().ok()?;
            (at < elements.len()).then(|| elements.remove(at))
        }
        _ => None,
    }
}

fn document() -> impl Strategy<Value = Value> {
    prop_oneof![array(value()), object(value())]
}

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0_i64..3).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| prop_oneof![array(inner.clone()), object(inner)]).boxed()
}

fn array(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec(inner, 0..4).prop_map(Value::from)
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec(("[ab0]", inner), 0..4).prop_map(|members| Value::Object(Map::from_iter(members)))
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop_oneof![
        Just("add"),
        Just("remove"),
        Just("replace"),
        Just("move"),
        Just("copy"),
        Just("test")
    ];
    let path = || "(/[ab01-]){0,2}";
    (op, path(), path(), value()).prop_map(|(op, path, from, value)| match op {
        "add" | "replace" | "test" => json!({"op": op, "path": path, "value": value}),
        "remove" => json!({"op": op, "path": path}),
        op => json!({"op": op, "from": from, "path": path}),
    })
}
