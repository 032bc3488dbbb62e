//! Arrays and sets.

use super::*;

#[test]
fn works_on_arrays() {
    check_in(
        "{ a: [1, 2, 3], o: [{ k: 1 }, { k: 2 }, {}], h: [[1], [2]] }",
        &[
            ("{ $size: '$a' }", "3"),
            ("{ $size: [[1, 2]] }", "2"),
            ("{ $isArray: '$a' }", "true"),
            ("{ $isArray: [[1]] }", "true"),
            ("{ $isArray: 'hello' }", "false"),
            ("{ $arrayElemAt: ['$a', -1] }", "3"),
            ("{ $arrayElemAt: ['$a', 15] }", "undefined"),
            ("{ x: { $arrayElemAt: ['$a', 15] } }", "{}"),
            ("{ $arrayElemAt: [null, 1] }", "null"),
            ("{ $first: '$a' }", "1"),
            ("{ $last: '$a' }", "3"),
            ("{ $first: [[]] }", "undefined"),
            ("{ $slice: ['$a', 2] }", "[1, 2]"),
            ("{ $slice: ['$a', -2] }", "[2, 3]"),
            ("{ $slice: ['$a', 15, 2] }", "[]"),
            ("{ $slice: ['$a', -15, 2] }", "[1, 2]"),
            ("{ $slice: ['$a', 1, 1] }", "[2]"),
            ("{ $slice: ['$a', 0] }", "[]"),
            ("{ $in: [2, '$a'] }", "true"),
            ("{ $in: [[1], '$h'] }", "true"),
            ("{ $indexOfArray: ['$a', 3] }", "2"),
            ("{ $indexOfArray: ['$a', 1, 1] }", "-1"),
            ("{ $indexOfArray: [null, 1] }", "null"),
            ("{ $concatArrays: ['$a', ['x']] }", "[1, 2, 3, 'x']"),
            ("{ $concatArrays: ['$a', null] }", "null"),
            ("{ $reverseArray: '$a' }", "[3, 2, 1]"),
            ("{ $range: [0, 10, 3] }", "[0, 3, 6, 9]"),
            ("{ $range: [10, 0, -3] }", "[10, 7, 4, 1]"),
            ("{ $range: [0, 10, -1] }", "[]"),
            ("{ $zip: { inputs: [['a', 'b'], [1]] } }", "[['a', 1]]"),
            (
                "{ $zip: { inputs: [['a', 'b'], [1]],
                    useLongestLength: true, defaults: ['x', 9] } }",
                "[['a', 1], ['b', 9]]",
            ),
            ("'$o.k'", "[1, 2]"),
            ("'$h.k'", "[]"),
            ("'$a.0'", "[]"),
            ("['$missing', '$a']", "[null, [1, 2, 3]]"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $size: '$n' }",
            "{ $size: null }",
            "{ $zip: { inputs: [] } }",
            "{ $zip: { inputs: [[1]], useLongestLength: 1 } }",
            "{ $arrayToObject: { $literal: [['a', 1], { k: 'b', v: 2 }] } }",
            "{ $in: [1, null] }",
            "{ $slice: [[1], 0, 0] }",
            "{ $range: [0, 5, 0] }",
            "{ $arrayElemAt: [[1], 0.5] }",
            "{ $concatArrays: [[1], 1] }",
        ],
    );
    fails(ErrorCode::ResourceLimit, &["{ $range: [0, 1e15] }"]);
}

#[test]
fn maps_filters_and_reduces() {
    check_in(
        "{ q: [5, 6, 7], rate: 2, o: [{ v: 1 }, { v: 3 }] }",
        &[
            (
                "{ $map: { input: '$q', as: 'grade', in: { $add: ['$$grade', '$rate'] } } }",
                "[7, 8, 9]",
            ),
            ("{ $map: { input: '$o', in: '$$this.v' } }", "[1, 3]"),
            ("{ $map: { input: null, in: 1 } }", "null"),
            ("{ $map: { input: [1], in: '$missing' } }", "[null]"),
            ("{ $filter: { input: '$q', as: 'x', cond: { $gt: ['$$x', 5] } } }", "[6, 7]"),
            ("{ $filter: { input: '$q', cond: true, limit: 1 } }", "[5]"),
            (
                "{ $reduce: { input: ['a', 'b'], initialValue: '',
                in: { $concat: ['$$value', '$$this'] } } }",
                "'ab'",
            ),
            (
                "{ $reduce: { input: [1, 2, 3, 4], initialValue: { sum: 5, product: 2 },
                in: { sum: { $add: ['$$value.sum', '$$this'] },
                      product: { $multiply: ['$$value.product', '$$this'] } } } }",
                "{ sum: 15, product: 48 }",
            ),
            (
                "{ $let: { vars: { low: 1, high: '$rate' },
                    in: { $subtract: ['$$high', '$$low'] } } }",
                "1",
            ),
            (
                "{ $let: { vars: { x: 1 }, in: { $map: { input: [10, 20], as: 'y', in: { $let:
                { vars: { x: { $add: ['$$x', '$$y'] } }, 
                in: ['$$x', '$$y', '$$ROOT.rate'] } } } } } }",
                "[[11, 10, 2], [21, 20, 2]]",
            ),
        ],
    );
    fails(
        ErrorCode::InvalidQuery,
        &[
            "{ $map: { input: [], as: 'X', in: 1 } }",
            "{ $map: { input: [], as: 'x', in: '$$y' } }",
            "{ $let: { vars: { x: 1, y: '$$x' }, in: 1 } }",
        ],
    );
}

#[test]
fn works_on_sets() {
    check(&[
        ("{ $setUnion: [['a', 'b', 'a'], ['b', 'c']] }", "['a', 'b', 'c']"),
        ("{ $setUnion: [[1], [1n, [1]]] }", "[1, [1]]"),
        ("{ $setIntersection: [['a', 'b', 'a'], ['b', 'a']] }", "['a', 'b']"),
        ("{ $setDifference: [['a', 'b', 'a'], ['b']] }", "['a']"),
        ("{ $setDifference: [['a'], null] }", "null"),
        ("{ $setEquals: [['a', 'b', 'a'], ['b', 'a']] }", "true"),
        ("{ $setIsSubset: [['a'], ['b', 'a']] }", "true"),
        ("{ $setIsSubset: [[['a']], ['a']] }", "false"),
        ("{ $allElementsTrue: [[true, 1, 'x']] }", "true"),
        ("{ $allElementsTrue: [[[false], 0]] }", "false"),
        ("{ $anyElementTrue: [[false, null]] }", "false"),
    ]);
}
