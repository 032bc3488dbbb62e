//! What is refused.

use super::*;

#[test]
fn names_what_it_does_not_understand() {
    for (expression, message) in [
        ("{ a: { $foo: 1 } }", "a.$foo: there is no such operator in expressions"),
        ("{ $add: [1, '$$nobody'] }", "$add.1: there is no variable $$nobody here"),
        ("{ $add: [1], x: 2 }", "$add: an operator stands alone in its object"),
        ("{ $divide: [1] }", "$divide: it needs 2 operands"),
        ("{ $slice: [1] }", "$slice: it needs 2 to 3 operands"),
        (
            "{ $trim: { input: 'a', char: 'b' } }",
            "$trim.char: there is no such argument; there are input, chars",
        ),
        ("{ $trim: { chars: 'b' } }", "$trim: it needs input"),
        ("'$a..b'", "a path needs a name before and after each dot"),
        ("'$'", "a path needs a name before and after each dot"),
        (
            "{ 'a.b': 1 }",
            "a.b: a field of an object may have no dot in its name; use nested objects",
        ),
        ("{ $cond: [1, 2] }", "$cond: it needs 3 operands"),
        ("{ $switch: { branches: [] } }", "$switch.branches: it needs at least one branch"),
    ] {
        let error = parse(expression).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidQuery);
        let message = message.strip_prefix(": ").unwrap_or(message);
        assert!(error.message().ends_with(message), "{} for {expression}", error.message());
    }
}

#[test]
fn every_operator_bears_wrong_operands() {
    let operands = [
        "1",
        "'x'",
        "null",
        "[]",
        "{}",
        "[1, 2]",
        "['a', 'b', 'c']",
        "[[1], 'x']",
        "@2020-01-01",
        "{ input: 1 }",
        "{ date: 1 }",
        "[null, null, null]",
        "[1e300, -1e300, 1e300]",
        "5n",
    ];
    for name in operators::names() {
        for operand in operands {
            let source = format!("{{ {name}: {operand} }}");
            if let Ok(expression) = parse(&source) {
                let document = value("{}");
                if let Err(error) = expression.evaluate(&Scope::decoded(&document, NOW)) {
                    let code = error.code();
                    assert!(!error.message().contains("another number"), "{source}: {error}");
                    assert!(
                        matches!(code, ErrorCode::Expression | ErrorCode::ResourceLimit),
                        "{source}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn bounds_what_expressions_take() {
    let nested = format!("{}1{}", "[".repeat(101), "]".repeat(101));
    fails(ErrorCode::InvalidQuery, &[&nested]);
    let doubled = "{ $concat: ['$$value', '$$value'] }";
    let nested_steps = "{ $map: { input: { $range: [0, 100000] }, in: { $range: [0, 100000] } } }";
    let document = value("{}");
    for expression in [
        &*format!(
            "{{ $reduce: {{ input: {{ $range: [0, 99] }}, initialValue: 'x', in: {doubled} }} }}"
        ),
        "{ $reduce: { input: { $range: [0, 99] }, initialValue: [1],
            in: { $concatArrays: ['$$value', '$$value'] } } }",
        "{ $reduce: { input: { $range: [0, 99] }, initialValue: 1, in: ['$$value', '$$value'] } }",
        "{ $reduce: { input: { $range: [0, 5000] }, initialValue: 1, in: ['$$value'] } }",
        &*format!(
            "{{ $size: {{ $map: {{ input: {{ $range: [0, 100000] }},
                in: {{ $size: {nested_steps} }} }} }} }}"
        ),
        "{ $split: [{ $reduce: { input: { $range: [0, 24] }, initialValue: 'x',
            in: { $concat: ['$$value', '$$value'] } } }, 'x'] }",
    ] {
        let result = parse(expression).unwrap().evaluate(&Scope::decoded(&document, NOW));
        assert_eq!(result.unwrap_err().code(), ErrorCode::ResourceLimit, "{expression}");
    }
}
