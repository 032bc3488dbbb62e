//! Arithmetic.

use super::*;

#[test]
fn calculates_with_numbers() {
    check(&[
        ("{ $add: [1, 2, 3.5] }", "6.5"),
        ("{ $add: [] }", "0"),
        ("{ $subtract: [5, 7] }", "-2"),
        ("{ $multiply: [2, 3, 4] }", "24"),
        ("{ $divide: [7, 2] }", "3.5"),
        ("{ $mod: [-7, 3] }", "-1"),
        ("{ $mod: [7.5, 2] }", "1.5"),
        ("{ $abs: -3 }", "3"),
        ("{ $ceil: 7.8 }", "8"),
        ("{ $ceil: -2.8 }", "-2"),
        ("{ $floor: -2.8 }", "-3"),
        ("{ $pow: [2, 0.5] }", "1.4142135623730951"),
        ("{ $sqrt: 25 }", "5"),
        ("{ $ln: 1 }", "0"),
        ("{ $log: [100, 10] }", "2"),
        ("{ $log10: 1000 }", "3"),
        ("{ $exp: 0 }", "1"),
        ("{ $add: [1, null] }", "null"),
        ("{ $multiply: ['$missing', 2] }", "null"),
        ("{ $divide: [null, 0] }", "null"),
        ("{ $sqrt: null }", "null"),
        ("{ $sqrt: NaN }", "NaN"),
    ]);
    fails(
        ErrorCode::Expression,
        &[
            "{ $divide: [1, 0] }",
            "{ $mod: [1, 0] }",
            "{ $divide: [1n, 0n] }",
            "{ $add: [1, '$s'] }",
            "{ $add: [true, 1] }",
            "{ $subtract: ['$s', 1] }",
            "{ $sqrt: -1 }",
            "{ $ln: 0 }",
            "{ $log: [1, 1] }",
            "{ $pow: [0, -1] }",
        ],
    );
}

#[test]
fn rounds() {
    check(&[
        ("{ $round: 10.5 }", "10"),
        ("{ $round: 11.5 }", "12"),
        ("{ $round: [19.25, 1] }", "19.2"),
        ("{ $round: [28.73, 1] }", "28.7"),
        ("{ $round: [34.325, 2] }", "34.33"),
        ("{ $round: [1234.5678, -2] }", "1200"),
        ("{ $round: [250, -2] }", "200"),
        ("{ $round: [250.5, -2] }", "300"),
        ("{ $round: [-350, -2] }", "-400"),
        ("{ $round: [5, -20] }", "0"),
        ("{ $round: [125n, -1] }", "120n"),
        ("{ $round: [135n, -1] }", "140n"),
        ("{ $trunc: 7.9 }", "7"),
        ("{ $trunc: [19.29, 1] }", "19.2"),
        ("{ $trunc: [-45.79, -1] }", "-40"),
        ("{ $trunc: [-45.79, 1] }", "-45.7"),
        ("{ $round: [null, 1] }", "null"),
        ("{ $round: NaN }", "NaN"),
    ]);
    fails(ErrorCode::Expression, &["{ $round: [1, 101] }", "{ $round: [1, 0.5] }"]);
}

#[test]
fn calculates_with_bigints() {
    check(&[
        ("{ $add: [1n, 2n] }", "3n"),
        ("{ $add: [1, 2n] }", "3n"),
        ("{ $add: [9007199254740993n, 1] }", "9007199254740994n"),
        ("{ $subtract: [1n, 2] }", "-1n"),
        ("{ $multiply: [18446744073709551616n, -3] }", "-55340232221128654848n"),
        ("{ $divide: [-7n, 2n] }", "-3n"),
        ("{ $mod: [-7n, 2] }", "-1n"),
        ("{ $pow: [2n, 100n] }", "1267650600228229401496703205376n"),
        ("{ $pow: [-1n, 99999999999n] }", "-1n"),
        ("{ $pow: [0n, 0n] }", "1n"),
        ("{ $abs: -5n }", "5n"),
        ("{ $sqrt: 16n }", "4"),
        ("{ $ceil: 5n }", "5n"),
        ("{ $add: [0n, 0n] }", "0n"),
        ("{ $sum: [1n, 2, 3n] }", "6n"),
        ("{ $avg: [1n, 2] }", "1.5"),
        ("{ $add: [1n, 1e20] }", "100000000000000000001n"),
    ]);
    fails(
        ErrorCode::Expression,
        &[
            "{ $add: [1n, 0.5] }",
            "{ $multiply: [0.5, 1n] }",
            "{ $sum: [1n, 0.5] }",
            "{ $pow: [2n, -1n] }",
            "{ $add: [1n, NaN] }",
        ],
    );
    fails(ErrorCode::ResourceLimit, &["{ $pow: [2n, 99999999999n] }"]);
}

#[test]
fn folds() {
    check_in(
        "{ q: [10, 'x', 20, null], n: 4, o: [{ v: 1 }, { v: 2 }] }",
        &[
            ("{ $sum: '$q' }", "30"),
            ("{ $sum: ['$q', '$n'] }", "4"),
            ("{ $sum: '$missing' }", "0"),
            ("{ $sum: '$o.v' }", "3"),
            ("{ $sum: [0.1, 0.2, 0.3] }", "0.6"),
            ("{ $avg: '$q' }", "15"),
            ("{ $avg: [[]] }", "null"),
            ("{ $min: '$q' }", "10"),
            ("{ $max: '$q' }", "'x'"),
            ("{ $max: [null, '$missing'] }", "null"),
            ("{ $stdDevPop: [1, 3] }", "1"),
            ("{ $stdDevSamp: [1, 2, 3] }", "1"),
            ("{ $stdDevSamp: [1] }", "null"),
            ("{ $median: { input: [3, 1, 2, 'x'], method: 'approximate' } }", "2"),
            (
                "{ $percentile: { input: [1, 2, 3, 4, 5], p: [0, 0.5, 0.95],
                    method: 'approximate' } }",
                "[1, 3, 5]",
            ),
            ("{ $firstN: { n: 2, input: '$q' } }", "[10, 'x']"),
            ("{ $lastN: { n: 2, input: '$q' } }", "[20, null]"),
            ("{ $maxN: { n: 2, input: '$q' } }", "['x', 20]"),
            ("{ $minN: { n: 9, input: '$q' } }", "[10, 20, 'x']"),
        ],
    );
}
