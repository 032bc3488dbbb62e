//! `$group`, accumulators, buckets.

use super::*;

const SALES: &str = "[
    { item: 'abc', price: 10, quantity: 2, d: @2014-03-01 },
    { item: 'jkl', price: 20, quantity: 1, d: @2014-03-01 },
    { item: 'xyz', price: 5, quantity: 10, d: @2014-03-15 },
    { item: 'xyz', price: 5, quantity: 20, d: @2014-04-04 },
    { item: 'abc', price: 10, quantity: 10, d: @2014-04-04 }]";

#[test]
fn groups() {
    check(
        SALES,
        "[{ $group: { _id: '$item', total: { $sum: { $multiply: ['$price', '$quantity'] } },
        n: { $sum: 1 }, c: { $count: {} } } }]",
        "[{ _id: 'abc', total: 120, n: 2, c: 2 }, { _id: 'jkl', total: 20, n: 1, c: 1 },
          { _id: 'xyz', total: 150, n: 2, c: 2 }]",
    );
    check(
        SALES,
        "[{ $group: { _id: null, count: { $sum: 1 }, avg: { $avg: '$quantity' } } }]",
        "[{ _id: null, count: 5, avg: 8.6 }]",
    );
    check(
        SALES,
        "[{ $group: { _id: { m: { $month: '$d' }, item: '$item' }, q: { $max: '$quantity' } } },
        { $match: { q: { $gte: 10 } } }]",
        "[{ _id: { m: 3, item: 'xyz' }, q: 10 }, { _id: { m: 4, item: 'xyz' }, q: 20 },
          { _id: { m: 4, item: 'abc' }, q: 10 }]",
    );
    check(
        SALES,
        "[{ $group: { _id: '$item' } }]",
        "[{ _id: 'abc' }, { _id: 'jkl' }, { _id: 'xyz' }]",
    );
    check("[]", "[{ $group: { _id: null, n: { $sum: 1 } } }]", "[]");
}

#[test]
fn tells_keys_apart() {
    check(
        "[{ a: 1 }, { a: 1n }, { a: '1' }, { a: null }, {}, { a: undefined }, { a: [1] }]",
        "[{ $group: { _id: '$a', n: { $sum: 1 } } }]",
        "[{ _id: 1, n: 2 }, { _id: '1', n: 1 }, { _id: null, n: 3 }, { _id: [1], n: 1 }]",
    );
    check(
        "[{ a: null }, {}, { a: 1 }, { b: 1 }]",
        "[{ $group: { _id: { a: '$a', b: '$b' }, n: { $sum: 1 } } }]",
        "[{ _id: { a: null }, n: 1 }, { _id: {}, n: 1 }, { _id: { a: 1 }, n: 1 },
          { _id: { b: 1 }, n: 1 }]",
    );
    check(
        "[{ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 1 }, { b: 2 }] }]",
        "[{ $group: { _id: '$a.b', n: { $sum: 1 } } }]",
        "[{ _id: [1, 2], n: 2 }]",
    );
}

#[test]
fn accumulates() {
    let group = |accumulator: &str| format!("[{{ $group: {{ _id: null, r: {accumulator} }} }}]");
    for (accumulator, expected) in [
        ("{ $min: '$a' }", "1"),
        ("{ $max: '$a' }", "'x'"),
        ("{ $sum: '$a' }", "8"),
        ("{ $avg: '$a' }", "2.6666666666666665"),
        ("{ $sum: 'text' }", "0"),
        ("{ $avg: '$none' }", "null"),
        ("{ $first: '$a' }", "4"),
        ("{ $last: '$a' }", "null"),
        ("{ $push: '$a' }", "[4, 1, 'x', 3, null]"),
        ("{ $addToSet: '$b' }", "[2, 1]"),
        ("{ $mergeObjects: '$o' }", "{ p: 2, q: 1 }"),
        ("{ $stdDevPop: '$b' }", "0.4330127018922193"),
        ("{ $stdDevSamp: '$b' }", "0.5"),
        ("{ $firstN: { n: 2, input: '$a' } }", "[4, 1]"),
        ("{ $lastN: { n: 2, input: '$a' } }", "[null, null]"),
        ("{ $minN: { n: 2, input: '$a' } }", "[1, 3]"),
        ("{ $maxN: { n: 2, input: '$a' } }", "['x', 4]"),
        ("{ $top: { sortBy: { s: 1 }, output: '$s' } }", "1"),
        ("{ $bottom: { sortBy: { s: 1 }, output: ['$s'] } }", "[6]"),
        ("{ $topN: { n: 2, sortBy: { s: -1 }, output: '$s' } }", "[6, 5]"),
        ("{ $bottomN: { n: { $add: [1, 1] }, sortBy: { s: -1 }, output: '$s' } }", "[2, 1]"),
        ("{ $topN: { n: 9, sortBy: { b: 1 }, output: '$s' } }", "[6, 5, 3, 2, 4, 1]"),
        ("{ $median: { input: '$s', method: 'approximate' } }", "3"),
        ("{ $percentile: { input: '$s', p: [0.5, 1], method: 'approximate' } }", "[3, 6]"),
        ("{ $min: { $multiply: ['$s', 2] } }", "2"),
    ] {
        let documents = "[{ a: 4, b: 2, s: 4, o: { p: 1 } }, { a: 1, b: 1, s: 3, o: null },
            { a: 'x', b: 1, s: 2, o: { q: 1, p: 2 } }, { a: 3, b: 2, s: 1 }, { a: null, s: 6 },
            { b: 'z', s: 5 }]";
        let documents = documents.replace("b: 'z', ", "");
        let expected = format!("[{{ _id: null, r: {expected} }}]");
        if accumulator.starts_with("{ $stdDev") {
            let documents = "[{ b: 2 }, { b: 1 }, { b: 2 }, { b: 2 }, { b: 'x' }]";
            check(documents, &group(accumulator), &expected);
        } else {
            check(&documents, &group(accumulator), &expected);
        }
    }
}

#[test]
fn counts_by_group() {
    let documents = "[{ g: 'a', s: 1 }, { g: 'b', s: 2 }, { g: 'a', s: 3 }, { g: 'b', s: 4 }]";
    let n = "{ $cond: [{ $eq: ['$g', 'a'] }, 1, 2] }";
    let pipeline = format!(
        "[{{ $group: {{ _id: {{ g: '$g' }}, f: {{ $firstN: {{ n: {n}, input: '$s' }} }},
            t: {{ $topN: {{ n: {n}, sortBy: {{ s: -1 }}, output: '$s' }} }} }} }},
            {{ $sort: {{ _id: 1 }} }}]"
    );
    let expected =
        "[{ _id: { g: 'a' }, f: [1], t: [3] }, { _id: { g: 'b' }, f: [2, 4], t: [4, 2] }]";
    check(documents, &pipeline, expected);
    let wrong = "[{ $group: { _id: '$g', f: { $firstN: { n: '$none', input: '$s' } } } }]";
    assert_eq!(run_in(&[], documents, wrong).unwrap_err().code(), ErrorCode::Expression);
}

#[test]
fn how_many_are_kept_may_depend_on_variables_and_on_the_time() {
    let documents = "[{ s: 1 }, { s: 2 }, { s: 3 }]";
    let count = "{ $cond: [{ $gt: ['$$NOW', { $toDate: 5 }] }, 2, 1] }";
    let pipeline =
        format!("[{{ $group: {{ _id: null, f: {{ $firstN: {{ n: {count}, input: '$s' }} }} }} }}]");
    check(documents, &pipeline, "[{ _id: null, f: [1, 2] }]");
    check_in(
        &[("other", documents)],
        "[{ k: 1 }, { k: 2 }]",
        "[{ $lookup: { from: 'other', let: { k: '$k' }, as: 'r', pipeline: [{ $group: { _id: null,
            t: { $topN: { n: '$$k', sortBy: { s: -1 }, output: '$s' } } } }] } }]",
        "[{ k: 1, r: [{ _id: null, t: [3] }] }, { k: 2, r: [{ _id: null, t: [3, 2] }] }]",
    );
}

#[test]
fn sums_bigints_and_refuses_fractions() {
    let group = "[{ $group: { _id: null, s: { $sum: '$a' } } }]";
    check("[{ a: 1n }, { a: 2 }, { a: 3n }]", group, "[{ _id: null, s: 6n }]");
    check("[{ a: 0.5 }, { a: 1n }, { a: 0.5 }]", group, "[{ _id: null, s: 2n }]");
    let error = run_in(&[], "[{ a: 0.5 }, { a: 1n }]", group).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Expression);
    assert!(error.message().starts_with("$sum: "), "{error}");
}

#[test]
fn sorts_by_count() {
    check(
        "[{ t: ['a', 'b'] }, { t: ['b'] }, { t: ['c', 'b', 'a'] }]",
        "[{ $unwind: '$t' }, { $sortByCount: '$t' }]",
        "[{ _id: 'b', count: 3 }, { _id: 'a', count: 2 }, { _id: 'c', count: 1 }]",
    );
}

const ARTISTS: &str = "[{ y: 1848, n: 'a' }, { y: 1893, n: 'b' }, { y: 1841, n: 'c' },
    { y: 1850, n: 'd' }, { y: 1910, n: 'e' }, { n: 'f' }]";

#[test]
fn puts_into_buckets() {
    check(
        ARTISTS,
        "[{ $bucket: { groupBy: '$y', boundaries: [1840, 1850, 1900], default: 'other',
        output: { count: { $sum: 1 }, names: { $push: '$n' } } } }]",
        "[{ _id: 1840, count: 2, names: ['a', 'c'] }, { _id: 1850, count: 2, names: ['b', 'd'] },
          { _id: 'other', count: 2, names: ['e', 'f'] }]",
    );
    check(
        ARTISTS,
        "[{ $match: { y: { $lt: 1900 } } },
        { $bucket: { groupBy: '$y', boundaries: [1800, 1850, 1900] } }]",
        "[{ _id: 1800, count: 2 }, { _id: 1850, count: 2 }]",
    );
    let outside = "[{ $bucket: { groupBy: '$y', boundaries: [1800, 1900] } }]";
    assert_eq!(run_in(&[], ARTISTS, outside).unwrap_err().code(), ErrorCode::Expression);
}

#[test]
fn makes_buckets() {
    let pipeline =
        |buckets| format!("[{{ $bucketAuto: {{ groupBy: '$v', buckets: {buckets} }} }}]");
    let documents = "[{ v: 5 }, { v: 1 }, { v: 2 }, { v: 2 }, { v: 9 }, { v: 7 }]";
    check(
        documents,
        &pipeline(3),
        "[{ _id: { min: 1, max: 5 }, count: 3 },
        { _id: { min: 5, max: 9 }, count: 2 }, { _id: { min: 9, max: 9 }, count: 1 }]",
    );
    check(documents, &pipeline(1), "[{ _id: { min: 1, max: 9 }, count: 6 }]");
    check("[{ v: 1 }, { v: 1 }]", &pipeline(2), "[{ _id: { min: 1, max: 1 }, count: 2 }]");
    check("[]", &pipeline(2), "[]");
}
