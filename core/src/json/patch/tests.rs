//! Cases for [`apply`]; the model test is in the crate's `tests` folder.

use serde_json::json;

use super::*;

fn patched(document: &str, patch: Value) -> Result<String, PatchError> {
    let document = Bytes::copy_from_slice(document.as_bytes());
    let patched = apply(&document, &patch, &Limits::default())?;
    Ok(String::from_utf8(patched.to_vec()).expect("text stays text"))
}

/// The one operation of a patch fails.
fn failure(document: &str, operation: Value) -> OperationError {
    match patched(document, json!([operation])) {
        Err(PatchError::Operation { index: 0, why }) => why,
        other => panic!("{operation} on {document}: {other:?}"),
    }
}

#[test]
fn patch_1_operations() {
    let cases = [
        (r#"{"a":1}"#, json!([]), r#"{"a":1}"#),
        (
            r#"{"a":1}"#,
            json!([{"op": "add", "path": "/b", "value": [null]}]),
            r#"{"a":1,"b":[null]}"#,
        ),
        (r#"{"a":1,"b":2}"#, json!([{"op": "add", "path": "/a", "value": 3}]), r#"{"a":3,"b":2}"#),
        ("[1,2]", json!([{"op": "add", "path": "/-", "value": 3}]), "[1,2,3]"),
        (r#"{"a":1,"b":2}"#, json!([{"op": "remove", "path": "/a"}]), r#"{"b":2}"#),
        ("[1,2,3]", json!([{"op": "remove", "path": "/1"}]), "[1,3]"),
        (
            r#"{"a":1,"b":2}"#,
            json!([{"op": "replace", "path": "/a", "value": {}}]),
            r#"{"a":{},"b":2}"#,
        ),
        ("[1,2]", json!([{"op": "replace", "path": "/1", "value": "x"}]), r#"[1,"x"]"#),
        (
            r#"{"a":{"x":[1]},"b":{}}"#,
            json!([{"op": "move", "from": "/a/x", "path": "/b/y"}]),
            r#"{"a":{},"b":{"y":[1]}}"#,
        ),
        ("[1,2,3]", json!([{"op": "move", "from": "/0", "path": "/2"}]), "[2,3,1]"),
        (r#"{"a":1}"#, json!([{"op": "move", "from": "/a", "path": "/a"}]), r#"{"a":1}"#),
        (r#"{"a":[1]}"#, json!([{"op": "move", "from": "/a", "path": ""}]), "[1]"),
        (
            r#"{"a":[1]}"#,
            json!([{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/a/0", "value": 0}]),
            r#"{"a":[0,1],"b":[1]}"#,
        ),
        (r#"{"a":1}"#, json!([{"op": "copy", "from": "", "path": "/b"}]), r#"{"a":1,"b":{"a":1}}"#),
        (
            r#"{"a":[1,{"b":"x"}]}"#,
            json!([{"op": "test", "path": "/a", "value": [1.0, {"b": "x"}]}, {"op": "remove", "path": "/a/1/b", "note": 1}]),
            r#"{"a":[1,{}]}"#,
        ),
        (
            r#"{"a/b":1,"m~n":2,"":{"":3}}"#,
            json!([
                {"op": "replace", "path": "/a~1b", "value": 4},
                {"op": "replace", "path": "/m~0n", "value": 5},
                {"op": "replace", "path": "//", "value": 6},
            ]),
            r#"{"a/b":4,"m~n":5,"":{"":6}}"#,
        ),
    ];
    for (document, patch, expected) in cases {
        assert_eq!(patched(document, patch.clone()).as_deref(), Ok(expected), "{patch}");
    }
}

#[test]
fn patch_1_the_final_line_end_is_kept() {
    for end in ["", "\n", "\r\n"] {
        let document = format!(" [ 1 ]{end}");
        let patch = json!([{"op": "add", "path": "/0", "value": 0}]);
        assert_eq!(patched(&document, patch), Ok(format!("[0,1]{end}")));
    }
}

#[test]
fn patch_2_order_and_numbers_stay_as_they_are() {
    let document =
        r#"{ "z": 12345678901234567890123, "b" : 1.10, "a": "\u00e9 \" x", "c": [1e2, -0] }"#;
    let patch = json!([{"op": "add", "path": "/n", "value": 9_007_199_254_740_993_u64}]);
    let expected = r#"{"z":12345678901234567890123,"b":1.10,"a":"\u00e9 \" x","c":[1e2,-0],"n":9007199254740993}"#;
    assert_eq!(patched(document, patch).as_deref(), Ok(expected));
}

#[test]
fn patch_3_adding_to_an_array_inserts() {
    let cases =
        [("/b/0", "[9,1,2]"), ("/b/1", "[1,9,2]"), ("/b/2", "[1,2,9]"), ("/b/-", "[1,2,9]")];
    for (path, expected) in cases {
        let patch = json!([{"op": "add", "path": path, "value": 9}]);
        assert_eq!(patched(r#"{"b":[1,2]}"#, patch), Ok(format!("{{\"b\":{expected}}}")));
    }
}

#[test]
fn patch_3_the_root_is_empty_or_a_slash() {
    let replace = |path: &str| json!([{"op": "replace", "path": path, "value": {"x": 1}}]);
    assert_eq!(patched(r#"{"a":1}"#, replace("")).as_deref(), Ok(r#"{"x":1}"#));
    assert_eq!(patched(r#"{"a":1}"#, replace("/")).as_deref(), Ok(r#"{"x":1}"#));
    let with_empty_key = patched(r#"{"":0,"a":1}"#, replace("/"));
    assert_eq!(with_empty_key.as_deref(), Ok(r#"{"":{"x":1},"a":1}"#));
    assert_eq!(failure("[1]", replace("/")[0].clone()), OperationError::NoPlace);
}

#[test]
fn patch_3_numbers_are_tested_by_value() {
    let test = |value: Value| json!({"op": "test", "path": "/a", "value": value});
    for value in [json!(1), json!(1.0), json!(1e0)] {
        assert_eq!(patched(r#"{"a":1.0}"#, json!([test(value)])).as_deref(), Ok(r#"{"a":1.0}"#));
    }
    assert_eq!(failure(r#"{"a":1.5}"#, test(json!(1))), OperationError::Test);
    let (one, other) = (9_007_199_254_740_993_u64, json!(9_007_199_254_740_992_u64));
    assert_eq!(failure(&format!("{{\"a\":{one}}}"), test(other)), OperationError::Test);
}

#[test]
fn patch_4_operations_that_fail() {
    let document = r#"{"a":[1,2],"b":"x","c":{"d":1}}"#;
    let cases = [
        (json!(1), OperationError::Unknown),
        (json!({"path": "/a"}), OperationError::Unknown),
        (json!({"op": "swap", "path": "/a"}), OperationError::Unknown),
        (json!({"op": "Add", "path": "/a", "value": 1}), OperationError::Unknown),
        (json!({"op": "remove"}), OperationError::Missing("path")),
        (json!({"op": "add", "path": "/x"}), OperationError::Missing("value")),
        (json!({"op": "test", "path": "/b"}), OperationError::Missing("value")),
        (json!({"op": "move", "path": "/x"}), OperationError::Missing("from")),
        (json!({"op": "remove", "path": 1}), OperationError::NotAPointer),
        (json!({"op": "remove", "path": "a"}), OperationError::NotAPointer),
        (json!({"op": "remove", "path": "/~2"}), OperationError::NotAPointer),
        (json!({"op": "remove", "path": "/~"}), OperationError::NotAPointer),
        (json!({"op": "remove", "path": "/a".repeat(129)}), OperationError::NotAPointer),
        (json!({"op": "remove", "path": ""}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/x"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/a/2"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/a/-"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/a/01"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/a/+1"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/a/"}), OperationError::NoPlace),
        (json!({"op": "remove", "path": "/b/0"}), OperationError::NoPlace),
        (json!({"op": "replace", "path": "/x", "value": 1}), OperationError::NoPlace),
        (json!({"op": "add", "path": "/x/y", "value": 1}), OperationError::NoPlace),
        (json!({"op": "add", "path": "/a/3", "value": 1}), OperationError::NoPlace),
        (json!({"op": "add", "path": "/b/x", "value": 1}), OperationError::NoPlace),
        (json!({"op": "copy", "from": "/x", "path": "/y"}), OperationError::NoPlace),
        (json!({"op": "move", "from": "/x", "path": "/x"}), OperationError::NoPlace),
        (json!({"op": "move", "from": "/c", "path": "/c/d"}), OperationError::IntoItself),
        (json!({"op": "move", "from": "", "path": "/c"}), OperationError::IntoItself),
        (json!({"op": "test", "path": "/b", "value": "y"}), OperationError::Test),
        (json!({"op": "test", "path": "/c", "value": {}}), OperationError::Test),
        (json!({"op": "test", "path": "/a", "value": [2, 1]}), OperationError::Test),
    ];
    for (operation, why) in cases {
        assert_eq!(failure(document, operation.clone()), why, "{operation}");
    }
}

#[test]
fn patch_4_documents_that_fail() {
    for document in ["", "1", "null", "\"x\"", "{", "[1,]", "{} {}", "text"] {
        assert_eq!(patched(document, json!([])), Err(PatchError::Document), "{document}");
    }
    assert_eq!(patched("{}", json!({})), Err(PatchError::Patch));
}

#[test]
fn patch_1_a_patch_has_limits() {
    let limit = Limits::default().patch_bytes;
    let double = json!({"op": "copy", "from": "", "path": "/0"});
    let doubled = patched("[\"0123456789\"]", json!(vec![double; 40]));
    let index = match doubled {
        Err(PatchError::Operation { index, why: OperationError::TooLarge(bytes) })
            if bytes == limit =>
        {
            index
        }
        other => panic!("{other:?}"),
    };
    assert!((10..20).contains(&index), "{index}");
    let many = Limits::default().patch_operations + 1;
    let add = json!({"op": "add", "path": "/0", "value": 1});
    assert_eq!(patched("[]", json!(vec![add; many])), Err(PatchError::TooMany(many - 1)));
}

#[test]
fn patch_1_depth_costs_no_stack() {
    let deep = 40_000;
    let document = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let deeper = json!({"op": "move", "from": "/0", "path": "/-"});
    assert_eq!(patched(&document, json!([deeper])).as_ref(), Ok(&document));
    let wrap = json!([
        {"op": "add", "path": "/x", "value": 1},
        {"op": "test", "path": "/a", "value": 1},
    ]);
    let inside = format!("{{\"a\":{document}}}");
    assert!(matches!(patched(&inside, wrap), Err(PatchError::Operation { index: 1, .. })));
}

#[test]
fn patch_1_of_two_members_with_one_key_the_last_counts() {
    let document = r#"{"a":1,"a":{"b":2}}"#;
    let test = json!({"op": "test", "path": "/a/b", "value": 2});
    let patch = json!([test, {"op": "remove", "path": "/a"}]);
    assert_eq!(patched(document, patch).as_deref(), Ok("{}"));
}
