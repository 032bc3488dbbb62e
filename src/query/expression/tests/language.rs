//! Comparisons, conditions, objects, types, variables.

use super::*;

#[test]
fn compares_and_decides() {
    check_in(
        "{ qty: 250, a: null }",
        &[
            ("{ $gt: ['$qty', 249] }", "true"),
            ("{ $cmp: ['$qty', 250] }", "0"),
            ("{ $cmp: ['$qty', 'x'] }", "-1"),
            ("{ $eq: [1, 1n] }", "true"),
            ("{ $ne: ['$a', '$missing'] }", "false"),
            ("{ $lt: [null, 0] }", "true"),
            ("{ $lte: [[1, 2], [1, 3]] }", "true"),
            ("{ $gte: ['b', 'a'] }", "true"),
            ("{ $and: [1, 'green', { $gt: ['$qty', 1] }] }", "true"),
            ("{ $and: [] }", "true"),
            ("{ $and: [0, { $divide: [1, 0] }] }", "false"),
            ("{ $or: [] }", "false"),
            ("{ $or: [null, [false]] }", "true"),
            ("{ $not: [true] }", "false"),
            ("{ $not: [[false]] }", "false"),
            ("{ $cond: { if: { $gte: ['$qty', 250] }, then: 30, else: 20 } }", "30"),
            ("{ $cond: [false, { $divide: [1, 0] }, 20] }", "20"),
            ("{ $ifNull: ['$a', '$missing', 'none'] }", "'none'"),
            ("{ $ifNull: ['$qty', 1] }", "250"),
            (
                "{ $switch: { branches: [{ case: { $eq: ['$qty', 1] }, then: 'a' },
                { case: { $gt: ['$qty', 1] }, then: 'b' }], default: 'c' } }",
                "'b'",
            ),
            ("{ $switch: { branches: [{ case: false, then: 1 }], default: 'c' } }", "'c'"),
        ],
    );
    fails(ErrorCode::Expression, &["{ $switch: { branches: [{ case: false, then: 1 }] } }"]);
}

#[test]
fn works_on_objects() {
    check_in(
        "{ a: { x: 1, y: 2 }, 'b.c': 3, l: [{ p: 1 }, null, { q: 2, p: 3 }] }",
        &[
            ("{ $mergeObjects: ['$a', { y: 3, z: 4 }, null] }", "{ x: 1, y: 3, z: 4 }"),
            ("{ $mergeObjects: '$l' }", "{ p: 3, q: 2 }"),
            ("{ $mergeObjects: null }", "{}"),
            ("{ $objectToArray: '$a' }", "[{ k: 'x', v: 1 }, { k: 'y', v: 2 }]"),
            (
                "{ $arrayToObject: { $literal: [['item', 'abc'], ['qty', 25]] } }",
                "{ item: 'abc', qty: 25 }",
            ),
            ("{ $arrayToObject: { $objectToArray: '$a' } }", "{ x: 1, y: 2 }"),
            ("{ $arrayToObject: [[{ k: 'p', v: 1 }, { k: 'p', v: 2 }]] }", "{ p: 2 }"),
            ("{ $getField: 'b.c' }", "3"),
            ("{ $getField: { field: 'y', input: '$a' } }", "2"),
            ("{ $getField: { field: 'y', input: null } }", "null"),
            ("{ $setField: { field: 'a.b', input: '$a', value: 5 } }", "{ x: 1, y: 2, 'a.b': 5 }"),
            ("{ $setField: { field: 'x', input: '$a', value: '$$REMOVE' } }", "{ y: 2 }"),
            ("{ $unsetField: { field: 'x', input: '$a' } }", "{ y: 2 }"),
            ("{ n: { m: '$a.x' }, gone: '$missing', l: [1] }", "{ n: { m: 1 }, l: [1] }"),
            ("{ __proto__: 1, constructor: '$a.x' }", "{ __proto__: 1, constructor: 1 }"),
            ("'$a.__proto__'", "undefined"),
            ("'$$ROOT.a.y'", "2"),
            ("'$$CURRENT.a'", "{ x: 1, y: 2 }"),
            ("{}", "{}"),
        ],
    );
    fails(ErrorCode::Expression, &["{ $mergeObjects: [1] }", "{ $arrayToObject: [[1]] }"]);
}

#[test]
fn knows_types() {
    check_in(
        "{ d: @2024-01-31, u: undefined }",
        &[
            ("{ $type: '$missing' }", "'missing'"),
            ("{ $type: '$u' }", "'missing'"),
            ("{ $type: 1 }", "'int'"),
            ("{ $type: 1.5 }", "'double'"),
            ("{ $type: 1n }", "'long'"),
            ("{ $type: '$d' }", "'date'"),
            ("{ $type: /a/ }", "'regex'"),
            ("{ $type: [[]] }", "'array'"),
            ("{ $isNumber: 1n }", "true"),
            ("{ $isNumber: 'x' }", "false"),
            ("{ $toString: 2.5 }", "'2.5'"),
            ("{ $toString: true }", "'true'"),
            ("{ $toString: 12345678901234567890n }", "'12345678901234567890'"),
            ("{ $toString: '$d' }", "'2024-01-31T00:00:00.000Z'"),
            ("{ $toString: null }", "null"),
            ("{ $toNumber: '-5.5' }", "-5.5"),
            ("{ $toDouble: true }", "1"),
            ("{ $toDouble: '$d' }", "1706659200000"),
            ("{ $toInt: 1.99 }", "1"),
            ("{ $toInt: '-2' }", "-2"),
            ("{ $toLong: 5.7 }", "5"),
            ("{ $toLong: '9223372036854775807' }", "9223372036854775807n"),
            ("{ $toBool: 'false' }", "true"),
            ("{ $toBool: 0 }", "false"),
            ("{ $toDate: 1706659200000 }", "@2024-01-31"),
            ("{ $toDate: '2024-01-31T01:30:00+01:30' }", "@2024-01-31"),
            ("{ $convert: { input: '1.5', to: 'double' } }", "1.5"),
            ("{ $convert: { input: 'x', to: 'int', onError: 'bad' } }", "'bad'"),
            ("{ $convert: { input: '$missing', to: 'int', onNull: 7 } }", "7"),
            ("{ $convert: { input: true, to: 16 } }", "1"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $toInt: '$s' }",
            "{ $toInt: '1.5' }",
            "{ $toInt: 2147483648 }",
            "{ $toDouble: '0x6400' }",
            "{ $toDouble: ' 1' }",
            "{ $toDate: '$s' }",
            "{ $toDate: 1e17 }",
            "{ $toString: {} }",
            "{ $convert: { input: 1, to: 'decimal' } }",
        ],
    );
}

#[test]
fn tells_inserts_from_updates() {
    let expression = parse("{ $cond: [{ $isInsert: {} }, 'new', '$$isUpdate'] }").unwrap();
    let document = value("{}");
    let evaluate =
        |insert| expression.evaluate(&Scope::decoded(&document, NOW).with_insert(insert)).unwrap();
    assert_eq!(evaluate(true), value("'new'"));
    assert_eq!(evaluate(false), value("true"));
    fails(ErrorCode::Expression, &["{ $isInsert: {} }"]);
}

#[test]
fn knows_variables_from_outside() {
    let names = ["user".into()];
    let place = Place::root("the expression");
    let expression =
        Expression::parse_with(&value("{ $add: ['$$user.age', '$n'] }"), &names, &place).unwrap();
    let (document, outer) = (value("{ n: 1 }"), [value("{ age: 30 }")]);
    let scope = Scope::decoded(&document, NOW).with_variables(&outer);
    assert_eq!(expression.evaluate(&scope).unwrap(), value("31"));
}
