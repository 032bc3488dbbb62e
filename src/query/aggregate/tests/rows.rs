//! Rows as they are encoded.

use super::*;
use crate::value::RowEncoder;

#[test]
fn are_what_documents_are() {
    let mut shapes = ShapeTable::new();
    shapes.add(3, vec!["a".into(), "b".into()]).unwrap();
    let mut rows = RowEncoder::default();
    let documents = [
        "{ a: 1, b: 'x' }",
        "{ a: true, b: false }",
        "{ b: null, a: -0.5 }",
        "{ a: [1], b: { a: 1, b: 2 } }",
        "{ a: undefined, b: 70000 }",
        "{ a: @2024-01-31, b: 1n }",
        "{ c: 'y' }",
        "{}",
        "7",
    ];
    for text in documents {
        let document = value(text);
        // Twice: the second one finds the names of the first.
        for _ in 0..2 {
            let mut out = vec![9];
            rows.push(&document, &shapes, &mut out).unwrap();
            let expected = [vec![9], encode(&document, &shapes).unwrap()].concat();
            assert_eq!(out, expected, "{text}");
        }
    }
}
