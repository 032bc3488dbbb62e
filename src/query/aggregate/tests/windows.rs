//! `$setWindowFields`.

use super::*;

const CAKES: &str = "[
    { _id: 0, state: 'CA', y: 1, q: 120 }, { _id: 1, state: 'WA', y: 2, q: 104 },
    { _id: 2, state: 'CA', y: 3, q: 145 }, { _id: 3, state: 'CA', y: 2, q: 134 },
    { _id: 4, state: 'WA', y: 1, q: 162 }, { _id: 5, state: 'CA', y: 3, q: 1 }]";

fn window(output: &str) -> String {
    format!(
        "[{{ $setWindowFields: {{ partitionBy: '$state', sortBy: {{ y: 1 }},
            output: {{ r: {output} }} }} }}, {{ $project: {{ r: 1 }} }}]"
    )
}

#[test]
fn looks_around() {
    let expected = |values: [&str; 6]| {
        let ids = [0, 3, 2, 5, 4, 1];
        let rows = ids.iter().zip(values).map(|(id, value)| format!("{{ _id: {id}, r: {value} }}"));
        format!("[{}]", rows.collect::<Vec<_>>().join(", "))
    };
    for (output, values) in [
        ("{ $sum: '$q' }", ["400", "400", "400", "400", "266", "266"]),
        (
            "{ $sum: '$q', window: { documents: ['unbounded', 'current'] } }",
            ["120", "254", "399", "400", "162", "266"],
        ),
        (
            "{ $avg: '$q', window: { documents: [-1, 0] } }",
            ["120", "127", "139.5", "73", "162", "133"],
        ),
        (
            "{ $push: '$_id', window: { documents: ['current', 'unbounded'] } }",
            ["[0, 3, 2, 5]", "[3, 2, 5]", "[2, 5]", "[5]", "[4, 1]", "[1]"],
        ),
        (
            "{ $push: '$_id', window: { documents: [1, 2] } }",
            ["[3, 2]", "[2, 5]", "[5]", "[]", "[1]", "[]"],
        ),
        (
            "{ $max: '$q', window: { documents: ['unbounded', -1] } }",
            ["null", "120", "134", "145", "null", "162"],
        ),
        ("{ $documentNumber: {} }", ["1", "2", "3", "4", "1", "2"]),
        ("{ $rank: {} }", ["1", "2", "3", "3", "1", "2"]),
        ("{ $denseRank: {} }", ["1", "2", "3", "3", "1", "2"]),
        (
            "{ $shift: { output: '$q', by: -1, default: 'none' } }",
            ["'none'", "120", "134", "145", "'none'", "162"],
        ),
        ("{ $shift: { output: '$q', by: 1 } }", ["134", "145", "1", "null", "104", "null"]),
    ] {
        check(CAKES, &window(output), &expected(values));
    }
}

#[test]
fn ranks_with_gaps() {
    check(
        "[{ a: 5 }, { a: 7 }, { a: 7 }, { a: 9 }]",
        "[{ $setWindowFields: { sortBy: { a: -1 }, output: { r: { $rank: {} },
            'o.d': { $denseRank: {} } } } }]",
        "[{ a: 9, r: 1, o: { d: 1 } }, { a: 7, r: 2, o: { d: 2 } }, { a: 7, r: 2, o: { d: 2 } },
          { a: 5, r: 4, o: { d: 3 } }]",
    );
    check(
        "[{ a: 5 }, { a: 7 }]",
        "[{ $setWindowFields: { output: { n: { $sum: 1 } } } }]",
        "[{ a: 5, n: 2 }, { a: 7, n: 2 }]",
    );
}
