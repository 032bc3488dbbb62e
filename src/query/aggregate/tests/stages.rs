//! Stages that take documents one by one, and sorting.

use super::*;

const BOOKS: &str = "[
    { _id: 1, title: 'abc', author: { last: 'zzz', first: 'aaa' }, copies: 5, tags: ['a', 'b'] },
    { _id: 2, title: 'def', author: { last: 'yyy', first: 'bbb' }, copies: 2, tags: [] },
    { _id: 3, title: 'ghi', author: { last: 'xxx', first: 'ccc' }, copies: 9, tags: null },
    { _id: 4, title: 'jkl', copies: 2 }]";

#[test]
fn filters_sorts_and_cuts() {
    check(
        BOOKS,
        "[{ $match: { copies: { $gt: 2 } } }, { $project: { _id: 1 } }]",
        "[{ _id: 1 }, { _id: 3 }]",
    );
    check(
        BOOKS,
        "[{ $match: { $expr: { $eq: ['$copies', { $add: [1, 1] }] } } },
        { $project: { copies: 1 } }]",
        "[{ _id: 2, copies: 2 }, { _id: 4, copies: 2 }]",
    );
    check(
        BOOKS,
        "[{ $sort: { copies: 1, _id: -1 } }, { $project: { _id: 1 } }]",
        "[{ _id: 4 }, { _id: 2 }, { _id: 1 }, { _id: 3 }]",
    );
    check(
        BOOKS,
        "[{ $sort: { copies: -1 } }, { $skip: 1 }, { $limit: 2 },
        { $project: { _id: 1 } }]",
        "[{ _id: 1 }, { _id: 2 }]",
    );
    check(
        BOOKS,
        "[{ $limit: 3 }, { $skip: 2 }, { $limit: 5 }, { $project: { _id: 1 } }]",
        "[{ _id: 3 }]",
    );
    check(BOOKS, "[{ $limit: 1 }, { $skip: 2 }]", "[]");
    check(BOOKS, "[{ $match: { copies: 2 } }, { $count: 'n' }]", "[{ n: 2 }]");
    check(BOOKS, "[{ $match: { copies: 77 } }, { $count: 'n' }]", "[]");
    check("[{ a: 1 }, { a: 2 }]", "[]", "[{ a: 1 }, { a: 2 }]");
}

#[test]
fn keeps_the_first_of_many() {
    let documents: Vec<String> =
        (0..500).map(|i| format!("{{ i: {i}, k: {} }}", i * 7919 % 100)).collect();
    let documents = format!("[{}]", documents.join(","));
    let all = run_in(&[], &documents, "[{ $sort: { k: -1 } }]").unwrap();
    let some = run_in(&[], &documents, "[{ $sort: { k: -1 } }, { $skip: 2 }, { $limit: 5 }]");
    assert_eq!(all.get(2..7).unwrap(), some.unwrap());
    let later = "[{ $match: {} }, { $set: { x: 1 } }, { $sort: { k: 1 } }, { $limit: 9 },
        { $unset: 'x' }]";
    let all = run_in(&[], &documents, "[{ $sort: { k: 1 } }]").unwrap();
    assert_eq!(all.get(..9).unwrap(), run_in(&[], &documents, later).unwrap());
}

#[test]
fn projects() {
    check(
        BOOKS,
        "[{ $limit: 1 }, { $project: { title: 1, 'author.first': 1 } }]",
        "[{ _id: 1, title: 'abc', author: { first: 'aaa' } }]",
    );
    check(
        BOOKS,
        "[{ $limit: 1 }, { $project: { _id: 0, copies: 1, title: true } }]",
        "[{ title: 'abc', copies: 5 }]",
    );
    check(
        BOOKS,
        "[{ $limit: 1 }, { $project: { 'author.first': 0, tags: 0, _id: 0 } }]",
        "[{ title: 'abc', author: { last: 'zzz' }, copies: 5 }]",
    );
    check(
        BOOKS,
        "[{ $limit: 1 }, { $project: { _id: 0 } }]",
        "[{ title: 'abc', author: { last: 'zzz', first: 'aaa' }, copies: 5, tags: ['a', 'b'] }]",
    );
    check(
        BOOKS,
        "[{ $match: { _id: { $in: [1, 4] } } }, { $project: { _id: 0,
        last: '$author.last', n: { x: { $size: { $ifNull: ['$tags', []] } } },
        same: 'text', list: ['$copies', '$none'] } }]",
        "[{ last: 'zzz', n: { x: 2 }, same: 'text', list: [5, null] },
          { n: { x: 0 }, same: 'text', list: [2, null] }]",
    );
    check(
        "[{ a: [{ b: 1, c: 2 }, 5, { b: 3 }, [{ b: 4 }]] }]",
        "[{ $project: { 'a.b': 1 } }]",
        "[{ a: [{ b: 1 }, { b: 3 }, [{ b: 4 }]] }]",
    );
    check("[{ a: [{ b: 1, c: 2 }, 5] }]", "[{ $project: { 'a.b': 0 } }]", "[{ a: [{ c: 2 }, 5] }]");
    check("[{ a: 1, b: 2, c: 3 }]", "[{ $project: { c: 1, a: 1 } }]", "[{ a: 1, c: 3 }]");
    check("[{ a: 1 }]", "[{ $project: { __proto__: '$a' } }]", "[{ __proto__: 1 }]");
    check("[{ a: 1 }]", "[{ $project: { _id: '$a' } }]", "[{ _id: 1 }]");
}

#[test]
fn sets_and_unsets() {
    check(
        "[{ a: 1, o: { x: 1 } }]",
        "[{ $set: { b: { $add: ['$a', 1] }, a: '$o.x' } }]",
        "[{ a: 1, o: { x: 1 }, b: 2 }]",
    );
    check(
        "[{ a: 1, o: { x: 1 } }]",
        "[{ $addFields: { 'o.y': 2, o2: { z: '$a' } } }]",
        "[{ a: 1, o: { x: 1, y: 2 }, o2: { z: 1 } }]",
    );
    check(
        "[{ a: 1, o: { x: 1 } }]",
        "[{ $addFields: { o: { y: 2 } } }]",
        "[{ a: 1, o: { x: 1, y: 2 } }]",
    );
    check(
        "[{ l: [{ x: 1 }, 2] }]",
        "[{ $set: { 'l.y': 3 } }]",
        "[{ l: [{ x: 1, y: 3 }, { y: 3 }] }]",
    );
    check("[{ a: 1 }]", "[{ $set: { 'a.b': 2 } }]", "[{ a: { b: 2 } }]");
    check("[{ a: 1, b: 2 }]", "[{ $set: { a: '$$REMOVE' } }]", "[{ b: 2 }]");
    check("[{ a: 1, b: { c: 2, d: 3 } }]", "[{ $unset: ['a', 'b.c'] }]", "[{ b: { d: 3 } }]");
    check("[{ a: 1, b: 2 }]", "[{ $unset: 'a' }]", "[{ b: 2 }]");
    check("[{ a: { b: 5 } }]", "[{ $replaceRoot: { newRoot: '$a' } }]", "[{ b: 5 }]");
    check(
        "[{ a: { b: 5 } }]",
        "[{ $replaceWith: { $mergeObjects: [{ c: 1 }, '$a'] } }]",
        "[{ c: 1, b: 5 }]",
    );
    let error = run_in(&[], "[{ a: 1 }]", "[{ $replaceWith: '$a' }]").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Expression);
}

#[test]
fn unwinds() {
    check(
        BOOKS,
        "[{ $unwind: '$tags' }, { $project: { tags: 1 } }]",
        "[{ _id: 1, tags: 'a' }, { _id: 1, tags: 'b' }]",
    );
    check(
        BOOKS,
        "[{ $unwind: { path: '$tags', preserveNullAndEmptyArrays: true,
        includeArrayIndex: 'at' } }, { $project: { tags: 1, at: 1 } }]",
        "[{ _id: 1, tags: 'a', at: 0 }, { _id: 1, tags: 'b', at: 1 }, { _id: 2, at: null },
          { _id: 3, tags: null, at: null }, { _id: 4, at: null }]",
    );
    check(
        "[{ a: { b: [1, 2], c: 3 } }, { a: { b: 7 } }]",
        "[{ $unwind: '$a.b' }]",
        "[{ a: { b: 1, c: 3 } }, { a: { b: 2, c: 3 } }, { a: { b: 7 } }]",
    );
    check(
        "[{ a: [1, 2], b: [3, 4] }]",
        "[{ $unwind: '$a' }, { $unwind: '$b' }, { $limit: 3 }]",
        "[{ a: 1, b: 3 }, { a: 1, b: 4 }, { a: 2, b: 3 }]",
    );
    check(
        "[{ a: [5, 6], at: { x: 1 } }, { a: [7] }]",
        "[{ $unwind: { path: '$a', includeArrayIndex: 'at.i' } }]",
        "[{ a: 5, at: { x: 1, i: 0 } }, { a: 6, at: { x: 1, i: 1 } }, { a: 7, at: { i: 0 } }]",
    );
}

#[test]
fn unwinds_arrays_with_holes() {
    let sparse = |items| {
        let mut fields = crate::value::Fields::new();
        fields.insert("a".into(), super::super::state::list(items));
        Value::Object(fields)
    };
    let documents = [
        sparse(vec![value("'x'"), Value::Holes(5), value("'y'"), Value::Holes(1), value("'z'")]),
        sparse(vec![Value::Holes(3)]),
    ];
    let found = |stage: &str| {
        let pipeline = parse(stage).unwrap();
        let limits = Limits::default();
        let mut stores = Stores::default();
        let found = run_with(&documents, &pipeline, &mut stores, &Arc::default(), limits);
        super::super::state::list(found.unwrap())
    };
    let elements = "{ a: 'x', at: 0 }, { a: 'y', at: 6 }, { a: 'z', at: 8 }";
    let plain = found("[{ $unwind: { path: '$a', includeArrayIndex: 'at' } }]");
    assert!(same(&plain, &value(&format!("[{elements}]"))), "{plain:?}");
    // With holes alone it is as good as empty.
    let kept = found(
        "[{ $unwind: { path: '$a', includeArrayIndex: 'at', preserveNullAndEmptyArrays: true } }]",
    );
    assert!(same(&kept, &value(&format!("[{elements}, {{ at: null }}]"))), "{kept:?}");
}

#[test]
fn samples_and_finds_what_differs() {
    let found = run_sample("[{ $sample: { size: 2 } }]");
    assert_eq!(found, 2);
    assert_eq!(run_sample("[{ $sample: { size: 100 } }]"), 4);
    check(
        "[{ a: 1 }, { a: 1n }, { a: [2, 1] }, { b: 1 }, { a: null }]",
        "[{ $distinct: '$a' }]",
        "[{ _id: 1 }, { _id: 2 }, { _id: null }]",
    );
    let nested = "[{ a: [{ b: [1, 2] }, { b: 3 }, 4] }, { a: { b: [[5]] } }, { a: [[{ b: 6 }]] }]";
    check(
        nested,
        "[{ $distinct: '$a.b' }, { $sort: { _id: 1 } }]",
        "[{ _id: 1 }, { _id: 2 }, { _id: 3 }, { _id: [5] }]",
    );
    check(
        nested,
        "[{ $distinct: '$a.0.b' }, { $sort: { _id: 1 } }]",
        "[{ _id: 1 }, { _id: 2 }, { _id: 6 }]",
    );
    check(
        nested,
        "[{ $distinct: { $type: '$a' } }, { $sort: { _id: 1 } }]",
        "[{ _id: 'array' }, { _id: 'object' }]",
    );
}

fn run_sample(pipeline: &str) -> usize {
    let Value::Array(documents) = value(BOOKS) else { panic!("no list") };
    let pipeline = parse(pipeline).unwrap();
    let shapes = Arc::default();
    let mut stores = Stores::default();
    let limits = Limits::default();
    let found = run_with(&documents.items, &pipeline, &mut stores, &shapes, limits).unwrap();
    let mut orders: Vec<_> = found.iter().map(crate::query::order::bytes).collect();
    orders.sort();
    orders.dedup();
    orders.len()
}

#[test]
fn unites_and_splits() {
    let stores = [("other", "[{ _id: 9, copies: 1 }, { _id: 8, copies: 3 }]")];
    check_in(
        &stores,
        BOOKS,
        "[{ $project: { copies: 1 } }, { $limit: 1 },
        { $unionWith: { coll: 'other', pipeline: [{ $sort: { _id: 1 } }, { $set: { o: 1 } }] } }]",
        "[{ _id: 1, copies: 5 }, { _id: 8, copies: 3, o: 1 }, { _id: 9, copies: 1, o: 1 }]",
    );
    check_in(
        &stores,
        BOOKS,
        "[{ $match: { _id: 1 } }, { $unionWith: 'other' },
        { $group: { _id: null, n: { $sum: '$copies' } } }]",
        "[{ _id: null, n: 9 }]",
    );
    check(
        BOOKS,
        "[{ $facet: {
        count: [{ $count: 'n' }],
        first: [{ $sort: { copies: -1 } }, { $limit: 1 }, { $project: { copies: 1 } }],
        none: [{ $match: { copies: 55 } }],
        tags: [{ $unwind: '$tags' }, { $sortByCount: '$tags' }, { $limit: 1 }] } },
        { $project: { count: 1, first: 1, none: 1, tags: { $size: '$tags' } } }]",
        "[{ count: [{ n: 4 }], first: [{ _id: 3, copies: 9 }], none: [], tags: 1 }]",
    );
    check("[]", "[{ $facet: { n: [{ $count: 'n' }] } }]", "[{ n: [] }]");
}
