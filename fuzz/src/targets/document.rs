//! Documents: every function returns a value or CORRUPT, and all agree on which.

use std::sync::OnceLock;

use lodestore::error::{ErrorCode, Result};
use lodestore::value::{self, FieldName, FieldPath, Kind, Lookup, ShapeTable, ValueRef};
use serde_json::Value as Json;

const LEVELS: usize = 4;

struct Fixture {
    shapes: ShapeTable,
    names: Vec<FieldName>,
    paths: Vec<FieldPath>,
}

/// The shapes that the documents of the shared vectors name, and fields that they have.
fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let vectors = include_str!("../../../tests/vectors/documents.json");
        let vectors: Json = serde_json::from_str(vectors).unwrap();
        let mut shapes = ShapeTable::new();
        for (id, names) in (0..).zip(vectors["random"]["shapes"].as_array().unwrap()) {
            let names = names.as_array().unwrap().iter();
            shapes.add(id, names.map(|name| name.as_str().unwrap().into()).collect()).unwrap();
        }
        Fixture {
            shapes,
            names: ["id", "name", "a", "é", "日本", "message"].map(FieldName::new).into(),
            paths: ["a.b", "tags", "name.length", "id.cause.x"].map(FieldPath::parse).into(),
        }
    })
}

pub fn run(data: &[u8]) {
    let Fixture { shapes, names, paths } = fixture();
    let is_valid = check(value::validate(data, shapes));
    assert_eq!(check(value::decode(data, shapes)), is_valid);
    if is_valid {
        let encoded = value::transcode(data, shapes).unwrap();
        assert_eq!(value::transcode(&encoded, shapes).unwrap(), encoded);
        let decoded = value::decode(&encoded, shapes).unwrap();
        // A value that holds others twice, or itself, has no other form than its bytes.
        if let Ok(again) = value::encode(&decoded, shapes) {
            let again = value::decode(&again, shapes).unwrap();
            assert_eq!(format!("{again:?}"), format!("{decoded:?}"));
        }
    }
    if let Ok(root) = value::root(data) {
        let is_readable = check(poke(root, names, shapes, LEVELS));
        assert!(is_readable || !is_valid, "valid, but not readable");
        for path in paths {
            let found = value::lookup(root, path, shapes);
            if let Ok(Lookup::Found(value)) = found {
                check(value.kind());
            }
            check(found);
            check(value::lookup_idb(root, path, shapes));
        }
    }
    if let Some((place, document)) = data.split_first() {
        check(value::patch_number(&mut document.to_vec(), usize::from(*place), 1.0));
    }
}

fn check<T>(result: Result<T>) -> bool {
    if let Err(error) = &result {
        assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    }
    result.is_ok()
}

/// Reads every accessor of a value and of what its paths lead to.
fn poke(value: ValueRef<'_>, names: &[FieldName], shapes: &ShapeTable, depth: usize) -> Result<()> {
    let kind = value.kind()?;
    value.as_number()?;
    value.as_bool()?;
    value.as_text()?.map(|text| (text.utf16_len(), text.to_wtf8(), text.to_str().is_some()));
    value.as_date()?;
    value.as_bigint()?.map(|bigint| bigint.to_i128());
    value.as_binary()?;
    value.as_regexp()?;
    value.unboxed()?;
    value.array_len()?;
    let mut out = vec![1, 2];
    let form = value::push_key(value, shapes, &mut out);
    assert_eq!(out[..2], [1, 2]);
    assert_eq!(out.len() > 2, !matches!(form, Err(_) | Ok(value::KeyForm::NotAKey)));
    form?;
    if depth == 0 {
        return Ok(());
    }
    if kind == Kind::Array {
        for element in value.elements(shapes)?.into_iter().flatten().take(20) {
            poke(element?.1, names, shapes, depth - 1)?;
        }
    }
    for name in names {
        if let Some(field) = value.field(name, shapes)? {
            poke(field, &[], shapes, depth - 1)?;
        }
    }
    value.end(shapes)?;
    Ok(())
}
