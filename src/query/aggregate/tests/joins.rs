//! `$lookup`.

use super::*;

const ORDERS: &str = "[{ _id: 1, item: 'almonds', q: 2 }, { _id: 2, item: 'pecans', q: 1 },
    { _id: 3 }, { _id: 4, item: ['almonds', 'pecans'] }]";
const INVENTORY: (&str, &str) = (
    "inventory",
    "[{ _id: 1, sku: 'almonds', n: 120 },
    { _id: 2, sku: 'bread', n: 80 }, { _id: 4, sku: 'pecans', n: 70 }, { _id: 5, sku: null },
    { _id: 6 }, { _id: 7, sku: ['pecans', 'nuts'], n: 1 }]",
);

#[test]
fn joins_by_equal_fields() {
    check_in(
        &[INVENTORY],
        ORDERS,
        "[{ $lookup: { from: 'inventory', localField: 'item',
        foreignField: 'sku', as: 'docs' } }, { $project: { ids: '$docs._id' } }]",
        "[{ _id: 1, ids: [1] }, { _id: 2, ids: [4, 7] }, { _id: 3, ids: [5, 6] },
          { _id: 4, ids: [1, 4, 7] }]",
    );
    check_in(
        &[INVENTORY],
        ORDERS,
        "[{ $match: { _id: 2 } }, { $lookup: { from: 'inventory',
        localField: 'item', foreignField: 'sku', as: 'a.docs',
        pipeline: [{ $sort: { n: 1 } }, { $limit: 1 }, { $project: { n: 1 } }] } }]",
        "[{ _id: 2, item: 'pecans', q: 1, a: { docs: [{ _id: 7, n: 1 }] } }]",
    );
    check_in(
        &[("empty", "[]")],
        ORDERS,
        "[{ $limit: 1 }, { $lookup: { from: 'empty',
        localField: 'item', foreignField: 'x', as: 'docs' } }]",
        "[{ _id: 1, item: 'almonds', q: 2, docs: [] }]",
    );
}

#[test]
fn joins_by_pipelines() {
    check_in(
        &[INVENTORY],
        ORDERS,
        "[{ $match: { q: { $gt: 0 } } }, { $lookup: {
        from: 'inventory', let: { item: '$item', least: { $multiply: ['$q', 60] } },
        pipeline: [{ $match: { $expr: { $and: [{ $eq: ['$sku', '$$item'] },
            { $gte: ['$n', '$$least'] }] } } }, { $project: { _id: 0, n: 1 } }], as: 'stock' } },
        { $project: { stock: 1 } }]",
        "[{ _id: 1, stock: [{ n: 120 }] }, { _id: 2, stock: [{ n: 70 }] }]",
    );
    check_in(
        &[INVENTORY],
        "[{ _id: 1 }, { _id: 2 }]",
        "[{ $lookup: { from: 'inventory',
        pipeline: [{ $match: { n: { $gt: 75 } } }, { $count: 'c' }], as: 'r' } }]",
        "[{ _id: 1, r: [{ c: 2 }] }, { _id: 2, r: [{ c: 2 }] }]",
    );
    check_in(
        &[INVENTORY, ("c", "[{ k: 'almonds', v: 1 }]")],
        "[{ _id: 1, x: 5 }]",
        "[{ $lookup: { from: 'inventory', let: { x: '$x' }, as: 'r', pipeline: [
            { $match: { _id: 1 } },
            { $lookup: { from: 'c', localField: 'sku', foreignField: 'k', let: { n: '$n' },
                pipeline: [{ $project: { _id: 0, s: { $add: ['$v', '$$x', '$$n'] } } }],
                as: 'inner' } },
            { $project: { _id: 0, inner: 1 } }] } }]",
        "[{ _id: 1, x: 5, r: [{ inner: [{ s: 126 }] }] }]",
    );
    check_in(
        &[INVENTORY],
        "[{ _id: 1, x: 80 }]",
        "[{ $lookup: { from: 'inventory', let: { x: '$x' }, as: 'r', pipeline: [{ $match: {
            $or: [{ sku: 'pecans' }, { $expr: { $eq: ['$n', '$$x'] } }] } },
            { $project: { _id: 1 } }] } }]",
        "[{ _id: 1, x: 80, r: [{ _id: 2 }, { _id: 4 }, { _id: 7 }] }]",
    );
}

#[test]
fn finds_what_expressions_compare() {
    let there = "[{ _id: 1, f: 1 }, { _id: 2, f: [1, 2] }, { _id: 3, f: null }, { _id: 4 },
        { _id: 5, l: [{ f: 1 }, { f: 2 }] }, { _id: 6, f: 1n }]";
    let here = "[{ _id: 1, v: 1 }, { _id: 2, v: [1, 2] }, { _id: 3 }, { _id: 4, v: 'x' }]";
    let join = |condition: &str| {
        format!(
            "[{{ $lookup: {{ from: 't', let: {{ v: '$v' }}, as: 'r', pipeline: [
                {{ $match: {{ $expr: {condition} }} }}, {{ $project: {{ _id: 1 }} }}] }} }},
              {{ $project: {{ r: '$r._id' }} }}]"
        )
    };
    let equal = "[{ _id: 1, r: [1, 6] }, { _id: 2, r: [2] }, { _id: 3, r: [3, 4, 5] },
        { _id: 4, r: [] }]";
    check_in(&[("t", there)], here, &join("{ $eq: ['$f', '$$v'] }"), equal);
    check_in(&[("t", there)], here, &join("{ $eq: ['$$v', '$f'] }"), equal);
    // The same without a shape that is known.
    check_in(&[("t", there)], here, &join("{ $not: { $ne: ['$f', '$$v'] } }"), equal);
    check_in(
        &[("t", there)],
        here,
        &join("{ $and: [{ $gt: ['$_id', 1] }, { $eq: ['$f', '$$v'] }] }"),
        "[{ _id: 1, r: [6] }, { _id: 2, r: [2] }, { _id: 3, r: [3, 4, 5] }, { _id: 4, r: [] }]",
    );
    check_in(
        &[("t", there)],
        here,
        &join("{ $eq: ['$l.f', '$$v'] }"),
        "[{ _id: 1, r: [] }, { _id: 2, r: [5] }, { _id: 3, r: [1, 2, 3, 4, 6] },
          { _id: 4, r: [] }]",
    );
}

#[test]
fn reads_the_other_store_once_without_an_index() {
    let documents: Vec<Value> = (0..50).map(|i| value(&format!("{{ v: {i} }}"))).collect();
    for (joined, opened) in [
        ("localField: 'v', foreignField: 'v'", 1),
        ("let: { v: '$v' }, pipeline: [{ $match: { $expr: { $eq: ['$v', '$$v'] } } }]", 1),
        ("pipeline: [{ $match: { v: 7 } }]", 1),
        ("let: { v: '$v' }, pipeline: [{ $match: { $expr: { $gt: ['$v', '$$v'] } } }]", 50),
    ] {
        let pipeline = parse(&format!("[{{ $lookup: {{ from: 't', as: 'r', {joined} }} }}]"));
        let mut stores = Stores::default();
        stores.stores.insert("t".to_owned(), documents.clone());
        let (shapes, limits) = (Arc::default(), Limits::default());
        run_with(&documents, &pipeline.unwrap(), &mut stores, &shapes, limits).unwrap();
        assert_eq!(stores.opened, opened, "{joined}");
    }
}

#[test]
fn passes_on_what_stores_say() {
    let pipeline = "[{ $lookup: { from: 'nowhere', pipeline: [], as: 'r' } }]";
    let error = run_in(&[], "[{ a: 1 }]", pipeline).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreNotFound);
}

#[test]
fn names_the_stores_it_reads() {
    let pipeline = parse(
        "[{ $lookup: { from: 'a', pipeline: [{ $unionWith: 'b' }], as: 'r' } },
          { $facet: { f: [{ $unionWith: { coll: 'c' } }] } }]",
    );
    let pipeline = pipeline.unwrap();
    let stores: Vec<_> = pipeline.stores().iter().map(ToString::to_string).collect();
    assert_eq!(stores, ["a", "b", "c"]);
}
