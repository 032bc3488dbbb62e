//! Filters: what passes, as MongoDB's manual says, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use lodestore::error::ErrorCode;
use lodestore::query::filter::Matcher;
use lodestore::query::{Filter, Place};
use lodestore::value::{self, Array, Fields, NoShapes, Value};
use lodestore::wtf8::Wtf8String;
use serde_json::{Value as Json, json};

/// A value written as JSON; `{"#date": n}` and `{"#re": [source, flags]}` are what JSON lacks.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::String(Wtf8String::from(text.as_str())),
        Json::Array(items) => {
            Value::Array(Array { items: items.iter().map(value).collect(), fields: None })
        }
        Json::Object(object) => {
            if let Some(time) = object.get("#date") {
                return Value::Date(time.as_f64().unwrap());
            }
            if let Some(Json::Array(parts)) = object.get("#re") {
                let part = |at: usize| Wtf8String::from(parts.get(at).unwrap().as_str().unwrap());
                return Value::RegExp { source: part(0), flags: part(1) };
            }
            let mut fields = Fields::new();
            for (name, inner) in object {
                fields.insert(Wtf8String::from(name.as_str()), value(inner));
            }
            Value::Object(fields)
        }
    }
}

fn passes(filter: &Json, document: &Json) -> bool {
    let filter = Filter::parse(&value(filter), &Place::root("the filter"))
        .unwrap_or_else(|error| panic!("{filter}: {error}"));
    let bytes = value::encode(&value(document), &NoShapes).unwrap();
    Matcher::new(&NoShapes).matches(&filter, value::root(&bytes).unwrap()).unwrap()
}

#[track_caller]
fn check(cases: &[(Json, Json, bool)]) {
    for (filter, document, expected) in cases {
        assert_eq!(passes(filter, document), *expected, "{filter} on {document}");
    }
}

#[test]
fn compares_for_equality() {
    check(&[
        (json!({}), json!({"a": 1}), true),
        (json!({"a": 1}), json!({"a": 1.0}), true),
        (json!({"a": 1}), json!({"a": [0, 1]}), true),
        (json!({"a": [0, 1]}), json!({"a": [0, 1]}), true),
        (json!({"a": [0, 1]}), json!({"a": [[0, 1]]}), true),
        (json!({"a": [1, 0]}), json!({"a": [0, 1]}), false),
        (json!({"a": null}), json!({}), true),
        (json!({"a": null}), json!({"a": null}), true),
        (json!({"a": null}), json!({"a": [null]}), true),
        (json!({"a": null}), json!({"a": []}), false),
        (json!({"a.b": null}), json!({"a": []}), false),
        (json!({"a.b": null}), json!({"a": [1]}), false),
        (json!({"a.b": null}), json!({"a": [{"b": 1}, {}]}), true),
        (json!({"a.b": null}), json!({"a": 1}), true),
        (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 1, "c": 2}}), true),
        (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), false),
        (json!({"a": {}}), json!({"a": {}}), true),
        (json!({"a": {"$ne": 1}}), json!({"a": [1, 2]}), false),
        (json!({"a": {"$ne": 1}}), json!({}), true),
        (json!({"a": {"#date": 5}}), json!({"a": {"#date": 5}}), true),
        (json!({"a": "é"}), json!({"a": "é"}), true),
        (json!({"a": "1"}), json!({"a": 1}), false),
    ]);
}

#[test]
fn compares_within_a_class() {
    check(&[
        (json!({"a": {"$gt": 1}}), json!({"a": 2}), true),
        (json!({"a": {"$gt": 1}}), json!({"a": "2"}), false),
        (json!({"a": {"$gt": 1}}), json!({}), false),
        (json!({"a": {"$gt": 1}}), json!({"a": null}), false),
        (json!({"a": {"$gte": null}}), json!({}), true),
        (json!({"a": {"$gt": null}}), json!({"a": null}), false),
        (json!({"a": {"$gt": 1, "$lt": 3}}), json!({"a": [0, 5]}), true),
        (json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}), json!({"a": [0, 5]}), false),
        (json!({"a": {"$lt": "b"}}), json!({"a": "a"}), true),
        (json!({"a": {"$lt": "é"}}), json!({"a": "z"}), true),
        (json!({"a": {"$gt": [1]}}), json!({"a": [1, 0]}), true),
        (json!({"a": {"$lt": {"#date": 9}}}), json!({"a": {"#date": 5}}), true),
        (json!({"a": {"$between": [1, 3]}}), json!({"a": 3}), true),
        (json!({"a": {"$between": [1, 3]}}), json!({"a": [0, 4]}), false),
        (json!({"a": {"$between": [3, 1]}}), json!({"a": 2}), false),
    ]);
}

#[test]
fn tries_many_tests_on_long_arrays() {
    let numbers: Vec<_> = (0..10_000).collect();
    let all: Vec<_> = (9_000..9_500).collect();
    let some: Vec<_> = (0..500).map(|at| json!({"a": {"$gt": 10_000 + at}})).collect();
    check(&[
        (json!({"a": {"$all": all}}), json!({"a": numbers}), true),
        (json!({"a": {"$elemMatch": {"$all": all}}}), json!({"a": numbers}), false),
        (json!({"$or": some}), json!({"a": numbers}), false),
    ]);
}

#[test]
fn walks_paths_through_arrays() {
    check(&[
        (json!({"a.b": 1}), json!({"a": {"b": 1}}), true),
        (json!({"a.b": 1}), json!({"a": [{"b": 0}, {"b": 1}]}), true),
        (json!({"a.b": 1}), json!({"a": [[{"b": 1}]]}), false),
        (json!({"a.0": 1}), json!({"a": [1, 2]}), true),
        (json!({"a.0": 2}), json!({"a": [1, 2]}), false),
        // What a place names is meant as a whole, and what has no fields does not lack any.
        (json!({"a.0": 1}), json!({"a": [[1, 2]]}), false),
        (json!({"a.0": [1, 2]}), json!({"a": [[1, 2]]}), true),
        (json!({"a.0": {"$gt": 1}}), json!({"a": [[1, 2]]}), false),
        (json!({"a.0": {"$ne": 1}}), json!({"a": [[1, 2]]}), true),
        (json!({"a.0": {"$size": 2}}), json!({"a": [[1, 2]]}), true),
        (json!({"a.0": {"$elemMatch": {"$gt": 1}}}), json!({"a": [[1, 2]]}), true),
        (json!({"a.0.1": 2}), json!({"a": [[1, 2]]}), true),
        (json!({"a.0.b": 2}), json!({"a": [[{"b": 2}]]}), true),
        (json!({"a.0": 1}), json!({"a": [{"0": [1]}]}), true),
        (json!({"a.0.b": null}), json!({"a": [5]}), false),
        (json!({"a.0.b": null}), json!({"a": [{"b": 1}]}), true),
        (json!({"a.1.b": 2}), json!({"a": [{"b": 1}, {"b": 2}]}), true),
        (json!({"a.0": 7}), json!({"a": {"0": 7}}), true),
        (json!({"a.b.c": 1}), json!({"a": [{"b": [{"c": 1}]}]}), true),
        (json!({"a.b": {"$exists": false}}), json!({"a": [{"c": 1}]}), true),
        (json!({"a.b": {"$exists": true}}), json!({"a": [{"c": 1}, {"b": 1}]}), true),
    ]);
}

#[test]
fn combines_conditions() {
    check(&[
        (json!({"a": {"$in": [1, null]}}), json!({}), true),
        (json!({"a": {"$in": []}}), json!({"a": 1}), false),
        (json!({"a": {"$nin": [1, 2]}}), json!({"a": [2]}), false),
        (json!({"a": {"$in": [1, 2, 3, 4, 5, 6, "x"]}}), json!({"a": ["x"]}), true),
        (json!({"a": {"$in": [{"#re": ["^b", "i"]}]}}), json!({"a": "Bob"}), true),
        (json!({"a": {"$not": {"$gt": 1}}}), json!({}), true),
        (json!({"a": {"$not": {"#re": ["x", ""]}}}), json!({"a": "xx"}), false),
        (json!({"$or": [{"a": 1}, {"b": 1}]}), json!({"b": 1}), true),
        (json!({"$nor": [{"a": 1}, {"b": 1}]}), json!({"c": 1}), true),
        (json!({"$and": [{"a": 1}, {"b": 1}]}), json!({"a": 1}), false),
        (json!({"a": {"$all": [1, 2]}}), json!({"a": [2, 1, 3]}), true),
        (json!({"a": {"$all": [1]}}), json!({"a": 1}), true),
        (json!({"a": {"$all": []}}), json!({"a": []}), false),
        (
            json!({"a": {"$all": [{"$elemMatch": {"b": 1, "c": 2}}]}}),
            json!({"a": [{"b": 1, "c": 2}]}),
            true,
        ),
        (json!({"a": {"$elemMatch": {"b": 1, "c": 2}}}), json!({"a": [{"b": 1}, {"c": 2}]}), false),
        // Of an element that is an array fields are the places.
        (json!({"a": {"$elemMatch": {"b": 1}}}), json!({"a": [[{"b": 1}]]}), false),
        (json!({"a": {"$elemMatch": {"0.b": 1}}}), json!({"a": [[{"b": 1}]]}), true),
        (json!({"a": {"$elemMatch": {"1": 2, "0": 1}}}), json!({"a": [[1, 2]]}), true),
        (json!({"a": {"$elemMatch": {"1": 1}}}), json!({"a": [[1, 2]]}), false),
        (json!({"a": {"$elemMatch": {"b": {"$exists": false}}}}), json!({"a": [[{"b": 1}]]}), true),
        (
            json!({"a": {"$elemMatch": {"$or": [{"b": 1}, {"0.b": 2}]}}}),
            json!({"a": [[{"b": 1}]]}),
            false,
        ),
        (json!({"a": {"$size": 2}}), json!({"a": [1, 2]}), true),
        (json!({"a": {"$size": 2}}), json!({"a": [[1, 2]]}), false),
        (json!({"a": {"$size": 0}}), json!({}), false),
        (json!({"$comment": "why", "a": 1}), json!({"a": 1}), true),
        (json!({"$expr": {"$gt": ["$a", "$b"]}}), json!({"a": 2, "b": 1}), true),
        (json!({"$or": [{"b": 5}, {"$expr": {"$eq": ["$$ROOT.a", 1]}}]}), json!({"a": 1}), true),
        (json!({"$nor": [{"$expr": "$a"}]}), json!({"a": 0}), true),
    ]);
}

#[test]
fn tests_values() {
    check(&[
        (json!({"a": {"$type": "number"}}), json!({"a": 1.5}), true),
        (json!({"a": {"$type": ["string", "bool"]}}), json!({"a": [false]}), true),
        (json!({"a": {"$type": "array"}}), json!({"a": []}), true),
        (json!({"a": {"$type": 16}}), json!({"a": 5}), true),
        (json!({"a": {"$type": "null"}}), json!({}), false),
        (json!({"a": {"$mod": [4, 0]}}), json!({"a": 8}), true),
        (json!({"a": {"$mod": [4, -1]}}), json!({"a": -5}), true),
        (json!({"a": {"$mod": [4, 0]}}), json!({"a": "8"}), false),
        (json!({"a": {"$bitsAllSet": 5}}), json!({"a": 7}), true),
        (json!({"a": {"$bitsAllClear": [1]}}), json!({"a": 5}), true),
        (json!({"a": {"$bitsAnySet": [0, 70]}}), json!({"a": -2}), true),
        (json!({"a": {"$bitsAnyClear": 3}}), json!({"a": 3}), false),
        (json!({"a": {"$regex": "^b.b$", "$options": "i"}}), json!({"a": "BOB"}), true),
        (json!({"a": {"#re": ["o", ""]}}), json!({"a": ["x", "bob"]}), true),
        (json!({"a": {"$ilike": "%OB"}}), json!({"a": "bob"}), true),
        (json!({"a": {"$notLike": "b%"}}), json!({}), true),
        (json!({"a": {"$startsWith": "bo", "$endsWith": "b"}}), json!({"a": "bob"}), true),
        (json!({"a": {"$contains": "%"}}), json!({"a": "5 %"}), true),
        (
            json!({"__proto__": 1, "constructor": 2}),
            json!({"__proto__": 1, "constructor": 2}),
            true,
        ),
        (json!({"constructor": {"$exists": true}}), json!({}), false),
    ]);
}

#[test]
fn refuses_what_it_does_not_understand() {
    let cases = [
        (json!([]), ""),
        (json!({"$foo": 1}), "$foo"),
        (json!({"$gt": 1}), "$gt"),
        (json!({"a": {"$foo": 1}}), "a.$foo"),
        (json!({"a": {"$gt": 1, "b": 2}}), "a.b"),
        (
            json!({"$and": [{"b": {"c": 1}}, {"price": {"$gt": {"#re": ["a", ""]}}}]}),
            "$and.1.price.$gt",
        ),
        (json!({"$or": []}), "$or"),
        (json!({"$and": {}}), "$and"),
        (json!({"a": {"$in": 1}}), "a.$in"),
        (json!({"a": {"$in": [{"$gt": 1}]}}), "a.$in.0"),
        (json!({"a": {"$size": 1.5}}), "a.$size"),
        (json!({"a": {"$size": -1}}), "a.$size"),
        (json!({"a": {"$mod": [0, 1]}}), "a.$mod"),
        (json!({"a": {"$mod": [1]}}), "a.$mod"),
        (json!({"a": {"$type": "float"}}), "a.$type"),
        (json!({"a": {"$regex": "(?=a)"}}), "a.$regex"),
        (json!({"a": {"$options": "i"}}), "a.$options"),
        (json!({"a": {"$not": 1}}), "a.$not"),
        (json!({"a": {"$between": [1, "a"]}}), "a.$between"),
        (json!({"a": {"$elemMatch": 1}}), "a.$elemMatch"),
        (json!({"$where": "true"}), "$where"),
        (json!({"$expr": {"$foo": 1}}), "$expr.$foo"),
        (json!({"a": {"$elemMatch": {"b": 1, "$expr": true}}}), "a.$elemMatch.$expr"),
        (json!({"a": {"$near": [1]}}), "a.$near"),
        (json!({"a": {"$bitsAllSet": -1}}), "a.$bitsAllSet"),
    ];
    for (filter, path) in cases {
        let error = Filter::parse(&value(&filter), &Place::root("the filter")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidQuery, "{filter}");
        assert_eq!(error.context().path.as_deref().unwrap_or_default(), path, "{error}");
    }
    let mut deep = json!({"a": 1});
    for _ in 0..120 {
        deep = json!({"$and": [deep]});
    }
    assert!(Filter::parse(&value(&deep), &Place::root("the filter")).is_err());
}
