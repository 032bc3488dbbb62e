//! The documents that Rust and JavaScript share: `tests/vectors/documents.json`.
//!
//! `LODESTORE_DOCUMENTS` may name another file with shapes and documents written by JavaScript, of
//! the form of the vectors' `random`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lodestore::error::ErrorCode;
use lodestore::value::{self, ShapeTable};
use serde_json::Value;

fn from_hex(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn shape_table(shapes: &Value) -> ShapeTable {
    let mut table = ShapeTable::new();
    for (id, names) in (0..).zip(shapes.as_array().into_iter().flatten()) {
        let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().into());
        table.add(id, names.collect()).unwrap();
    }
    table
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/documents.json")).unwrap()
}

#[test]
fn documents_mean_what_they_should_and_encode_to_the_same_bytes() {
    let vectors = vectors();
    let documents = vectors["documents"].as_array().unwrap();
    assert!(documents.len() > 50);
    for vector in documents {
        let (doc, shapes) = (from_hex(&vector["hex"]), shape_table(&vector["shapes"]));
        value::validate(&doc, &shapes).unwrap();
        let value = value::decode(&doc, &shapes).unwrap();
        assert_eq!(value.to_string(), vector["text"].as_str().unwrap(), "{}", vector["name"]);
        assert_eq!(value::encode(&value, &shapes).unwrap(), doc, "{}", vector["name"]);
        let root = value::root(&doc).unwrap();
        let marked = usize::from(doc[0] == 0xe2);
        assert_eq!(root.end(&shapes).unwrap(), doc.len() - marked, "{}", vector["name"]);
    }
}

#[test]
fn malformed_documents_are_corrupt() {
    for vector in vectors()["malformed"].as_array().unwrap() {
        let (doc, shapes) = (from_hex(&vector["hex"]), shape_table(&vector["shapes"]));
        let why = &vector["why"];
        let error = value::validate(&doc, &shapes).expect_err(&why.to_string());
        assert_eq!(error.code(), ErrorCode::Corrupt, "{why}");
        let error = value::decode(&doc, &shapes).expect_err(&why.to_string());
        assert_eq!(error.code(), ErrorCode::Corrupt, "{why}");
    }
}

fn check_transcoding(documents: &Value) {
    let shapes = shape_table(&documents["shapes"]);
    let list = documents["hex"].as_array().unwrap();
    assert!(list.len() >= 300);
    for hex in list {
        let doc = from_hex(hex);
        value::validate(&doc, &shapes).unwrap();
        assert_eq!(value::transcode(&doc, &shapes).unwrap(), doc, "{hex}");
    }
}

#[test]
fn random_documents_of_every_type_survive_transcoding() {
    check_transcoding(&vectors()["random"]);
    if let Ok(path) = std::env::var("LODESTORE_DOCUMENTS") {
        check_transcoding(&serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
    }
}
