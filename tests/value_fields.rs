//! Fields, paths, keys and generated keys of documents read in place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lodestore::error::ErrorCode;
use lodestore::key;
use lodestore::value::{
    self, Array, BigInt, BinaryKind, Blob, FieldName, FieldPath, Fields, IdbLookup, KeyForm, Kind,
    Lookup, Shape, ShapeTable, Text, Value, ValueRef,
};
use lodestore::wtf8::Wtf8String;

fn object(fields: &[(&str, Value)]) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        object.insert((*name).into(), value.clone());
    }
    Value::Object(object)
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn array(items: &[Value]) -> Value {
    Value::Array(Array { items: items.to_vec(), fields: None })
}

fn names(names: &[&str]) -> Vec<Wtf8String> {
    names.iter().map(|name| (*name).into()).collect()
}

fn person() -> Value {
    object(&[
        ("id", Value::Number(7.0)),
        ("name", text("Ada")),
        (
            "nested",
            object(&[("a", object(&[("b", Value::Number(-3.5))])), ("u", Value::Undefined)]),
        ),
        ("tags", array(&[text("x"), object(&[("k", Value::Null)])])),
        ("日本", text("😀")),
        ("last", Value::Bool(true)),
    ])
}

/// The same value as documents with and without shapes, inline names shared or wide.
fn spellings(value: &Value) -> Vec<(Vec<u8>, ShapeTable)> {
    let mut shapes = ShapeTable::new();
    shapes.add(3, names(&["a", "u"])).unwrap();
    shapes.add(300, names(&["id", "name", "nested", "tags", "日本", "last"])).unwrap();
    [ShapeTable::new(), shapes]
        .into_iter()
        .map(|shapes| (value::encode(value, &shapes).unwrap(), shapes))
        .collect()
}

fn find<'a>(doc: &'a [u8], path: &str, shapes: &ShapeTable) -> Lookup<'a> {
    value::lookup(value::root(doc).unwrap(), &FieldPath::parse(path), shapes).unwrap()
}

#[test]
fn fields_are_found_with_and_without_shapes() {
    for (doc, shapes) in spellings(&person()) {
        let root = value::root(&doc).unwrap();
        let field = |name: &str| root.field(&FieldName::new(name), &shapes).unwrap();
        assert_eq!(field("id").unwrap().as_number().unwrap(), Some(7.0));
        assert_eq!(field("name").unwrap().as_text().unwrap(), Some(Text::Latin1(b"Ada")));
        assert_eq!(field("日本").unwrap().as_text().unwrap(), Some(Text::Utf8("😀")));
        assert_eq!(field("last").unwrap().as_bool().unwrap(), Some(true));
        assert!(field("missing").is_none());
        assert!(field("nam").is_none());
        assert!(field("id").unwrap().field(&FieldName::new("x"), &shapes).unwrap().is_none());
        let tags = field("tags").unwrap();
        assert_eq!((tags.kind().unwrap(), tags.array_len().unwrap()), (Kind::Array, Some(2)));
    }
}

#[test]
fn every_field_of_objects_of_any_width_is_found() {
    for width in [1, 2, 127, 128, 129, 255, 256, 1000] {
        let list: Vec<String> = (0..width).map(|i| format!("field {i}")).collect();
        let fields: Vec<_> =
            list.iter().zip(0..).map(|(name, i)| (&**name, Value::Number(f64::from(i)))).collect();
        let value = object(&fields);
        let mut shapes = ShapeTable::new();
        if width <= 128 {
            shapes.add(0, list.iter().map(|name| (&**name).into()).collect()).unwrap();
        }
        for table in [ShapeTable::new(), shapes] {
            let doc = value::encode(&array(&[value.clone(), value.clone()]), &table).unwrap();
            for element in value::root(&doc).unwrap().elements(&table).unwrap().unwrap() {
                let (_, object) = element.unwrap();
                for (name, i) in list.iter().zip(0..) {
                    let field = object.field(&FieldName::new(&**name), &table).unwrap().unwrap();
                    assert_eq!(field.as_number().unwrap(), Some(f64::from(i)));
                }
                assert!(object.field(&FieldName::new("field"), &table).unwrap().is_none());
            }
        }
    }
}

#[test]
fn paths_lead_through_objects_and_stop_at_arrays() {
    for (doc, shapes) in spellings(&person()) {
        let Lookup::Found(value) = find(&doc, "nested.a.b", &shapes) else { panic!() };
        assert_eq!(value.as_number().unwrap(), Some(-3.5));
        assert!(matches!(find(&doc, "", &shapes), Lookup::Found(_)));
        assert!(matches!(find(&doc, "tags", &shapes), Lookup::Found(_)));
        assert!(matches!(find(&doc, "tags.k", &shapes), Lookup::ThroughArray));
        assert!(matches!(find(&doc, "tags.0", &shapes), Lookup::ThroughArray));
        let Lookup::Found(value) = find(&doc, "nested.u", &shapes) else { panic!() };
        assert_eq!(value.kind().unwrap(), Kind::Undefined);
        for path in ["x", "name.x", "nested.x", "nested.a.b.c", "nested.u.x"] {
            assert!(matches!(find(&doc, path, &shapes), Lookup::Missing), "{path}");
        }
    }
}

#[test]
fn references_are_followed() {
    let shared = object(&[("x", Value::Number(1.0))]);
    let value = object(&[
        ("a", Value::Shared { id: 0, value: Box::new(shared) }),
        ("b", array(&[Value::Reference(0)])),
        ("c", Value::Reference(0)),
    ]);
    for shapes in [ShapeTable::new(), {
        let mut shapes = ShapeTable::new();
        shapes.add(0, names(&["x"])).unwrap();
        shapes
    }] {
        let doc = value::encode(&value, &shapes).unwrap();
        for path in ["a.x", "c.x"] {
            let Lookup::Found(x) = find(&doc, path, &shapes) else { panic!("{path}") };
            assert_eq!(x.as_number().unwrap(), Some(1.0));
        }
        assert_eq!(value::decode(&doc, &shapes).unwrap(), value);
    }
}

fn idb(value: &Value, path: &str) -> Option<String> {
    let shapes = ShapeTable::new();
    let doc = value::encode(value, &shapes).unwrap();
    let found = value::lookup_idb(value::root(&doc).unwrap(), &FieldPath::parse(path), &shapes);
    match found.unwrap() {
        IdbLookup::Missing => None,
        IdbLookup::Number(number) => Some(number.to_string()),
        IdbLookup::Found(found) => {
            let text = found.as_text().unwrap().map(|text| text.to_wtf8().to_string());
            Some(text.unwrap_or_else(|| format!("{:?}", found.kind().unwrap())))
        }
    }
}

#[test]
fn key_paths_are_evaluated_as_indexeddb_does() {
    let mut fields = Fields::new();
    fields.insert("own".into(), text("field"));
    let list = Value::Array(Array { items: vec![Value::Holes(2)], fields: Some(fields) });
    let file = Value::Blob(Blob {
        bytes: vec![1, 2, 3],
        media_type: "text/plain".into(),
        file: Some(("name.txt".into(), 5.0)),
    });
    let value = object(&[
        ("s", text("a😀")),
        ("list", list),
        ("file", file),
        ("undefined", Value::Undefined),
        ("null", Value::Null),
        ("boxed", Value::Boxed(Box::new(text("abc")))),
        ("re", Value::RegExp { source: "a".into(), flags: "".into() }),
        ("date", Value::Date(0.0)),
        ("o", object(&[("length", text("own"))])),
    ]);
    for (path, expected) in [
        ("", Some("Object")),
        ("s", Some("a😀")),
        ("s.length", Some("3")),
        ("s.length.x", None),
        ("s.x", None),
        ("list.length", Some("2")),
        ("list.own", Some("field")),
        ("list.own.length", Some("5")),
        ("file.size", Some("3")),
        ("file.type", Some("text/plain")),
        ("file.name", Some("name.txt")),
        ("file.name.length", Some("8")),
        ("file.lastModified", Some("Number")),
        ("file.x", None),
        ("undefined", None),
        ("null", Some("Null")),
        ("null.x", None),
        ("boxed.length", Some("3")),
        ("re.lastIndex", Some("0")),
        ("date.x", None),
        ("o.length", Some("own")),
        ("missing", None),
    ] {
        assert_eq!(idb(&value, path).as_deref(), expected, "{path}");
    }
}

fn push(value: &Value) -> (KeyForm, Vec<u8>) {
    let shapes = ShapeTable::new();
    let doc = value::encode(value, &shapes).unwrap();
    let mut out = vec![9];
    let form = value::push_key(value::root(&doc).unwrap(), &shapes, &mut out).unwrap();
    assert_eq!(out.remove(0), 9);
    assert_eq!(form == KeyForm::NotAKey, out.is_empty());
    (form, out)
}

fn key_of(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

#[test]
fn values_become_the_keys_that_they_equal() {
    let bigint = |byte| Value::BigInt(BigInt { negative: true, magnitude: vec![byte] });
    let number = |n: f64| key_of(|out| assert!(key::push_number(out, n)));
    for n in [0.0, -0.0, 63.0, 64.0, 300.0, 70_000.0, -1.0, -257.0, 0.5, f64::INFINITY] {
        assert_eq!(push(&Value::Number(n)), (KeyForm::Key, number(n)));
    }
    assert_eq!(push(&bigint(5)), (KeyForm::BigIntKey, number(-5.0)));
    let date = key_of(|out| assert!(key::push_date(out, 5.0)));
    assert_eq!(push(&Value::Date(5.0)), (KeyForm::Key, date));
    for string in ["", "abc", "é", "日本😀"] {
        let expected = key_of(|out| key::push_utf8(out, string));
        assert_eq!(push(&text(string)), (KeyForm::Key, expected));
    }
    let lone = [0x61, 0xD800];
    let expected = key_of(|out| key::push_utf16(out, lone.into_iter()));
    assert_eq!(push(&Value::String(Wtf8String::from_utf16(&lone))), (KeyForm::Key, expected));
    let binary = |kind| Value::Binary { kind, bytes: vec![1, 0] };
    let expected = key_of(|out| key::push_binary(out, &[1, 0]));
    assert_eq!(push(&binary(BinaryKind::ArrayBuffer)), (KeyForm::Key, expected.clone()));
    assert_eq!(push(&binary(BinaryKind::Int16Array)), (KeyForm::Key, expected));
    for scalar in [Value::Null, Value::Undefined] {
        assert_eq!(push(&scalar), (KeyForm::Scalar, key_of(key::push_null)));
    }
    let yes = key_of(|out| key::push_bool(out, true));
    assert_eq!(push(&Value::Bool(true)), (KeyForm::Scalar, yes));
}

#[test]
fn arrays_become_keys_unless_something_in_them_cannot() {
    let nested = array(&[Value::Number(1.0), array(&[text("a"), array(&[])]), text("b")]);
    let expected = key_of(|out| {
        key::begin_array(out);
        key::push_number(out, 1.0);
        key::begin_array(out);
        key::push_utf8(out, "a");
        key::begin_array(out);
        key::end_array(out);
        key::end_array(out);
        key::push_utf8(out, "b");
        key::end_array(out);
    });
    assert_eq!(push(&nested), (KeyForm::Key, expected));
    let bigint = Value::BigInt(BigInt { negative: false, magnitude: vec![5] });
    assert_eq!(push(&array(&[array(&[bigint])])).0, KeyForm::BigIntKey);
    let long: Vec<Value> = (0..100).map(|i| array(&[Value::Number(f64::from(i))])).collect();
    assert_eq!(push(&array(&long)).0, KeyForm::Key);
    let shared = Value::Shared { id: 0, value: Box::new(array(&[Value::Number(1.0)])) };
    let twice = array(&[shared, Value::Reference(0), text("z")]);
    let written_twice =
        array(&[array(&[Value::Number(1.0)]), array(&[Value::Number(1.0)]), text("z")]);
    assert_eq!(push(&twice), push(&written_twice));
    let cyclic = Value::Shared { id: 0, value: Box::new(array(&[array(&[Value::Reference(0)])])) };
    for value in [
        cyclic,
        array(&[Value::Null]),
        array(&[Value::Bool(true)]),
        array(&[Value::Holes(1)]),
        array(&[Value::Number(1.0), Value::Number(f64::NAN)]),
        array(&[object(&[])]),
        Value::Number(f64::NAN),
        Value::Date(f64::NAN),
        object(&[]),
        Value::Map(vec![]),
        Value::Boxed(Box::new(Value::Number(1.0))),
        Value::BigInt(BigInt { negative: false, magnitude: vec![1; 9] }),
    ] {
        assert_eq!(push(&value).0, KeyForm::NotAKey, "{value}");
    }
}

#[test]
fn generated_keys_are_filled_in_where_the_placeholder_is() {
    let shapes = ShapeTable::new();
    let value = object(&[("a", text("x")), ("id", Value::Number(0.5))]);
    let mut doc = value::encode(&value, &shapes).unwrap();
    let at = doc.len() - 8;
    value::patch_number(&mut doc, at, 42.0).unwrap();
    let Lookup::Found(id) = find(&doc, "id", &shapes) else { panic!() };
    assert_eq!(id.as_number().unwrap(), Some(42.0));
    for wrong in [0, at - 1, at + 1, doc.len(), usize::MAX] {
        let error = value::patch_number(&mut doc, wrong, 1.0).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
    }
}

#[test]
fn shape_tables_hold_one_meaning_for_each_id() {
    let mut shapes = ShapeTable::new();
    shapes.add(0, names(&["a", "b"])).unwrap();
    shapes.add(0, names(&["a", "b"])).unwrap();
    shapes.add(2, names(&["b", "a"])).unwrap();
    assert_eq!((shapes.len(), shapes.next_id()), (2, Some(3)));
    for (id, list) in [(0, vec!["a"]), (8000, vec!["a"]), (1, vec![]), (1, vec!["a", "a"])] {
        assert!(shapes.add(id, names(&list)).is_err(), "{id} {list:?}");
    }
    let too_many: Vec<String> = (0..129).map(|i| i.to_string()).collect();
    let too_many: Vec<Wtf8String> = too_many.iter().map(|name| (&**name).into()).collect();
    assert!(Shape::new(too_many).is_err());
    shapes.add(7999, names(&["z"])).unwrap();
    assert_eq!(shapes.next_id(), None);
    let ids: Vec<u16> = shapes.iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [0, 2, 7999]);
}

#[test]
fn values_deeper_than_the_limit_are_refused() {
    let nest = |depth| (0..depth).fold(Value::Null, |inner, _| array(&[inner]));
    let shapes = ShapeTable::new();
    let doc = value::encode(&nest(1000), &shapes).unwrap();
    value::validate(&doc, &shapes).unwrap();
    assert_eq!(value::transcode(&doc, &shapes).unwrap(), doc);
    let error = value::encode(&nest(1001), &shapes).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DataClone);
    let mut deeper = vec![0xc1];
    deeper.extend_from_slice(&doc);
    assert_eq!(value::validate(&deeper, &shapes).unwrap_err().code(), ErrorCode::Corrupt);
}

#[test]
fn elements_skip_holes_and_keep_their_index() {
    let shapes = ShapeTable::new();
    let items = [Value::Holes(2), text("a"), Value::Holes(4_000_000_000), text("b")];
    let doc = value::encode(&array(&items), &shapes).unwrap();
    let root: ValueRef<'_> = value::root(&doc).unwrap();
    let found: Vec<u32> =
        root.elements(&shapes).unwrap().unwrap().map(|element| element.unwrap().0).collect();
    assert_eq!(found, [2, 4_000_000_003]);
    assert_eq!(root.array_len().unwrap(), Some(4_000_000_004));
}
