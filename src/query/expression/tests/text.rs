//! Strings.

use super::*;

#[test]
fn works_on_strings() {
    check_in(
        "{ item: 'ABC1', quarter: '13Q1', description: 'product 1', x: 'Äe' }",
        &[
            ("{ $concat: ['$item', ' - ', '$description'] }", "'ABC1 - product 1'"),
            ("{ $concat: ['$item', null] }", "null"),
            ("{ $toUpper: '$description' }", "'PRODUCT 1'"),
            ("{ $toLower: '$x' }", "'äe'"),
            ("{ $toUpper: '$missing' }", "''"),
            ("{ $strcasecmp: ['$quarter', '13q4'] }", "-1"),
            ("{ $trim: { input: '  \\n good  bye \\t ' } }", "'good  bye'"),
            ("{ $trim: { input: ' ggggoodbyeeeee', chars: ' gd' } }", "'oodbyeeeee'"),
            ("{ $ltrim: { input: 'xxabxx', chars: 'x' } }", "'abxx'"),
            ("{ $rtrim: { input: 'xxabxx', chars: 'x' } }", "'xxab'"),
            ("{ $trim: { input: '' } }", "''"),
            ("{ $trim: { input: '$missing' } }", "null"),
            ("{ $split: ['June-15-2013', '-'] }", "['June', '15', '2013']"),
            ("{ $split: ['banana split', 'a'] }", "['b', 'n', 'n', ' split']"),
        ],
    );
    check_in(
        "{ x: 'Äe' }",
        &[
            ("{ $substr: ['13Q1', 0, 2] }", "'13'"),
            ("{ $substrBytes: ['13Q1', 2, -1] }", "'Q1'"),
            ("{ $substrCP: ['$x', 1, 5] }", "'e'"),
            ("{ $substrCP: ['$x', 0, 1] }", "'Ä'"),
            ("{ $substrCP: ['$x', 7, 1] }", "''"),
            (
                "{ $replaceOne: { input: 'blue paint blue', find: 'blue', replacement: 'red' } }",
                "'red paint blue'",
            ),
            (
                "{ $replaceAll: { input: 'blue paint blue', find: 'blue', replacement: 'red' } }",
                "'red paint red'",
            ),
            ("{ $replaceAll: { input: 'äb', find: '', replacement: '-' } }", "'-ä-b-'"),
            ("{ $replaceAll: { input: null, find: 'a', replacement: 'b' } }", "null"),
            ("{ $strLenCP: '$x' }", "2"),
            ("{ $length: '$x' }", "2"),
            ("{ $strLenBytes: '$x' }", "3"),
            ("{ $indexOfCP: ['cafeteria', 'e'] }", "3"),
            ("{ $indexOfCP: ['$x', 'e'] }", "1"),
            ("{ $indexOfCP: ['foo.bar.fi', '.', 5] }", "7"),
            ("{ $indexOfCP: ['foo.bar.fi', '.', 5, 7] }", "-1"),
            ("{ $indexOfCP: ['vanilla', 'll', 0, 12] }", "4"),
            ("{ $indexOfCP: ['vanilla', 'll', 12] }", "-1"),
            ("{ $indexOfCP: ['', '', 0] }", "0"),
            ("{ $indexOfCP: [null, 'foo'] }", "null"),
            ("{ $indexOfBytes: ['$x', 'e'] }", "2"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $concat: ['a', 1] }",
            "{ $split: ['headphone jack', 7] }",
            "{ $split: ['a', ''] }",
            "{ $substrBytes: ['éclair', 1, 3] }",
            "{ $substrCP: ['a', -1, 3] }",
            "{ $strLenCP: null }",
            "{ $toUpper: [['a']] }",
        ],
    );
}

#[test]
fn keeps_lone_surrogates() {
    let half = |unit| Value::String(Wtf8String::from_utf16(&[unit]));
    let mut document = crate::value::Fields::new();
    document.insert("high".into(), half(0xD83D));
    document.insert("low".into(), half(0xDE00));
    let document = Value::Object(document);
    let evaluate = |expression: &str| {
        parse(expression).unwrap().evaluate(&Scope::decoded(&document, NOW)).unwrap()
    };
    let string = |text: &str| Value::String(Wtf8String::from(text));
    assert_eq!(evaluate("{ $concat: ['$high', '$low'] }"), string("\u{1F600}"));
    assert_eq!(evaluate("{ $toUpper: '$high' }"), half(0xD83D));
    let mixed = Value::String(Wtf8String::from_utf16(&[0x41, 0xDE00]));
    assert_eq!(evaluate("{ $toUpper: { $concat: ['a', '$low'] } }"), mixed);
    assert_eq!(evaluate("{ $strLenCP: { $concat: ['$low', '$high'] } }"), Value::Number(2.0));
}

#[test]
fn searches_by_regular_expressions() {
    check_in(
        "{ a: 'Single LINE description.', p: 'line' }",
        &[
            ("{ $regexMatch: { input: '$a', regex: /line/ } }", "false"),
            ("{ $regexMatch: { input: '$a', regex: /line/i } }", "true"),
            ("{ $regexMatch: { input: '$a', regex: 'line', options: 'i' } }", "true"),
            ("{ $regexMatch: { input: '$a', regex: '$p', options: 'i' } }", "true"),
            ("{ $regexMatch: { input: '$missing', regex: /line/ } }", "false"),
            (
                "{ $regexFind: { input: 'Café au lait', regex: /(l)(x)?a/ } }",
                "{ match: 'la', idx: 8, captures: ['l', null] }",
            ),
            ("{ $regexFind: { input: 'abc', regex: /z/ } }", "null"),
            (
                "{ $regexFindAll: { input: 'öa öb', regex: /ö(.)/ } }",
                "[{ match: 'öa', idx: 0, captures: ['a'] },
                  { match: 'öb', idx: 3, captures: ['b'] }]",
            ),
        ],
    );
    fails(
        ErrorCode::InvalidQuery,
        &[
            "{ $regexMatch: { input: '$a', regex: '(' } }",
            "{ $regexMatch: { input: '$a', regex: 'a(?=b)' } }",
            "{ $regexMatch: { input: '$a', regex: /a/i, options: 'i' } }",
            "{ $regexMatch: { input: '$a', regex: 'a', options: 'q' } }",
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $regexMatch: { input: 5, regex: 'a' } }",
            "{ $regexMatch: { input: 'a', regex: { $concat: ['(', ''] } } }",
        ],
    );
}
