//! Pipelines and expressions that the input chooses from their words: refused, or run.

use std::sync::Arc;

use lodestore::error::{ErrorCode, Result};
use lodestore::query::aggregate::{Execution, Limits, Next, NoSources, Pipeline, Pulled, Source};
use lodestore::query::{Expression, Place, Scope};
use lodestore::value::{self, Array, BigInt, BinaryKind, Fields, NoShapes, ShapeTable, Value};

use super::allow;

const REFUSED: [ErrorCode; 1] = [ErrorCode::InvalidQuery];
const FAILED: [ErrorCode; 4] = [
    ErrorCode::Expression,
    ErrorCode::ResourceLimit,
    ErrorCode::DataClone,
    // Other stores.
    ErrorCode::Unsupported,
];

const FIELDS: [&str; 8] = ["a", "b", "c", "_id", "a.b", "a.b.c", "__proto__", "d"];

const OPERANDS: &str = "$abs $ceil $floor $round $trunc $sqrt $ln $log10 $exp $not $toUpper \
    $toLower $length $strLenBytes $size $isArray $first $last $reverseArray $arrayToObject \
    $objectToArray $allElementsTrue $anyElementTrue $year $month $week $dayOfMonth $dayOfWeek \
    $dayOfYear $hour $minute $second $millisecond $isoWeek $isoWeekYear $isoDayOfWeek $type \
    $isNumber $toString $toNumber $toInt $toLong $toBool $toDate $getField $literal $sum $avg \
    $min $max $stdDevPop $stdDevSamp $mergeObjects $isInsert";
const LISTS: &str = "$add $subtract $multiply $divide $mod $pow $log $round $trunc $eq $ne $gt \
    $gte $lt $lte $cmp $and $or $concat $strcasecmp $split $substr $substrCP $indexOfCP \
    $indexOfBytes $arrayElemAt $slice $in $indexOfArray $concatArrays $range $setUnion \
    $setIntersection $setDifference $setEquals $setIsSubset $cond $ifNull $sum $min $max";
const NAMED: [(&str, &str); 26] = [
    ("$trim", "input chars"),
    ("$rtrim", "input chars"),
    ("$replaceOne", "input find replacement"),
    ("$replaceAll", "input find replacement"),
    ("$regexMatch", "input regex options"),
    ("$regexFindAll", "input regex"),
    ("$zip", "inputs useLongestLength defaults"),
    ("$maxN", "n input"),
    ("$median", "input"),
    ("$percentile", "input p"),
    ("$dateAdd", "startDate unit amount timezone"),
    ("$dateSubtract", "startDate unit amount"),
    ("$dateDiff", "startDate endDate unit timezone startOfWeek"),
    ("$dateTrunc", "date unit binSize timezone startOfWeek"),
    ("$dateFromParts", "year month day hour minute second millisecond timezone"),
    ("$dateFromParts", "isoWeekYear isoWeek isoDayOfWeek"),
    ("$dateToParts", "date timezone iso8601"),
    ("$dateToString", "date format timezone onNull"),
    ("$dateFromString", "dateString format timezone onError onNull"),
    ("$setField", "field input value"),
    ("$unsetField", "field input"),
    ("$convert", "input to onError onNull"),
    ("$cond", "if then else"),
    ("$map", "input in"),
    ("$filter", "input cond limit"),
    ("$reduce", "input initialValue in"),
];
const WORDS: [&str; 24] = [
    "$a",
    "$b",
    "$c",
    "$a.b",
    "$$ROOT",
    "$$this",
    "$$value",
    "$$NOW",
    "$$REMOVE",
    "$_id",
    "text",
    "day",
    "month",
    "week",
    "+02:00",
    "%Y-%m-%d %H:%M:%S.%L %z",
    "2024-02-29T12:30:00Z",
    "ä😀x",
    "x",
    "",
    "monday",
    "int",
    "double",
    "$a.b.c",
];
const ACCUMULATORS: &str = "$sum $avg $min $max $first $last $push $addToSet $mergeObjects \
    $stdDevPop $stdDevSamp";

/// The input as a series of choices.
struct Choices<'d> {
    data: &'d [u8],
    /// What may still be made.
    left: usize,
}

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        let [first, rest @ ..] = self.data else { return 0 };
        self.data = rest;
        usize::from(*first) % end
    }

    fn word<'w>(&mut self, words: &'w str) -> &'w str {
        let words: Vec<&str> = words.split_whitespace().collect();
        words[self.below(words.len())]
    }

    fn text(&mut self) -> Value {
        Value::String(WORDS[self.below(WORDS.len())].into())
    }

    fn number(&mut self) -> Value {
        let numbers = [
            0.0,
            1.0,
            2.0,
            3.0,
            -1.0,
            0.5,
            10.0,
            100.0,
            1e6,
            1e15,
            -0.0,
            1e300,
            -1e300,
            f64::NAN,
            f64::INFINITY,
            1_700_000_000_000.0,
            9_007_199_254_740_993.0,
            2_147_483_648.0,
        ];
        Value::Number(numbers[self.below(numbers.len())])
    }

    fn literal(&mut self) -> Value {
        match self.below(9) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 1),
            2 => Value::Date([0.0, 1e12, 8.64e15, -8.64e15, f64::NAN][self.below(5)]),
            3 => {
                let length = self.below(12);
                let mut magnitude: Vec<u8> = (0..length).map(|_| self.below(256) as u8).collect();
                magnitude.push(1);
                Value::BigInt(BigInt { negative: self.below(2) == 1, magnitude })
            }
            4 => Value::RegExp { source: "(a)|x*".into(), flags: "i".into() },
            5 => Value::Binary { kind: BinaryKind::Uint8Array, bytes: vec![1, 2] },
            6 => Value::Undefined,
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Value {
        let length = self.below(4);
        let items = (0..length).map(|_| self.expression(depth)).collect();
        Value::Array(Array { items, fields: None })
    }

    fn named(&mut self, names: &str, depth: usize) -> Value {
        let mut fields = Fields::new();
        for (at, name) in names.split_whitespace().enumerate() {
            if at < 2 || self.below(3) > 0 {
                fields.insert(name.into(), self.expression(depth));
            }
        }
        Value::Object(fields)
    }

    fn expression(&mut self, depth: usize) -> Value {
        if depth == 0 || self.left == 0 {
            return self.text();
        }
        self.left -= 1;
        let depth = depth - 1;
        match self.below(10) {
            0 | 1 => self.text(),
            2 => self.literal(),
            3 => self.number(),
            4 => object(&[(self.word(OPERANDS), self.expression(depth))]),
            5 | 6 => object(&[(self.word(LISTS), self.list(depth))]),
            7 => {
                let (name, names) = NAMED[self.below(NAMED.len())];
                object(&[(name, self.named(names, depth))])
            }
            8 => self.list(depth),
            _ => object(&[(FIELDS[self.below(FIELDS.len())], self.expression(depth))]),
        }
    }

    fn accumulator(&mut self) -> Value {
        let input = self.expression(3);
        let n = Value::Number(2.0);
        let by = object(&[("a", Value::Number(1.0))]);
        match self.below(8) {
            0 => object(&[("$count", object(&[]))]),
            1 => {
                let name = self.word("$firstN $lastN $minN $maxN");
                object(&[(name, object(&[("n", n), ("input", input)]))])
            }
            2 => {
                let name = self.word("$topN $bottomN");
                let operand = object(&[("n", n), ("sortBy", by), ("output", input)]);
                object(&[(name, operand)])
            }
            3 => object(&[("$median", object(&[("input", input)]))]),
            _ => object(&[(self.word(ACCUMULATORS), input)]),
        }
    }

    fn window(&mut self) -> Value {
        let bound = |choice: usize| match choice {
            0 => Value::String("unbounded".into()),
            1 => Value::String("current".into()),
            other => Value::Number(other as f64 - 4.0),
        };
        let bounds = vec![bound(self.below(8)), bound(self.below(8))];
        let documents =
            object(&[("documents", Value::Array(Array { items: bounds, fields: None }))]);
        let mut function = match self.accumulator() {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        };
        function.insert("window".into(), documents);
        let rank = object(&[(self.word("$rank $denseRank $documentNumber"), object(&[]))]);
        object(&[
            ("partitionBy", self.expression(2)),
            ("sortBy", object(&[("a", Value::Number(1.0)), ("b", Value::Number(-1.0))])),
            ("output", object(&[("w", Value::Object(function)), ("r", rank)])),
        ])
    }

    fn stage(&mut self, depth: usize) -> Value {
        let field = FIELDS[self.below(FIELDS.len())];
        let one = Value::Number(1.0);
        match self.below(18) {
            0 => object(&[("$match", object(&[("$expr", self.expression(3))]))]),
            1 => object(&[("$match", object(&[(field, self.literal())]))]),
            2 => object(&[("$sort", object(&[(field, one)]))]),
            3 => object(&[(self.word("$skip $limit"), Value::Number(self.below(4) as f64))]),
            4 => object(&[("$project", object(&[(field, one), ("x", self.expression(4))]))]),
            5 => object(&[("$project", object(&[(field, Value::Number(0.0))]))]),
            6 => object(&[("$set", object(&[(field, self.expression(5)), ("b", self.text())]))]),
            7 => object(&[("$unset", Value::String(field.into()))]),
            8 => object(&[("$replaceWith", self.expression(5))]),
            9 => {
                let keep = Value::Bool(self.below(2) == 1);
                let path = Value::String(format!("${field}").as_str().into());
                let operand = [("path", path), ("preserveNullAndEmptyArrays", keep)];
                object(&[("$unwind", object(&operand))])
            }
            10 => {
                let fields = [("_id", self.expression(3)), ("n", self.accumulator())];
                object(&[("$group", object(&fields))])
            }
            11 => object(&[(self.word("$sortByCount $distinct"), self.expression(3))]),
            12 => {
                let buckets = Value::Number(self.below(4) as f64);
                let operand = [("groupBy", self.expression(3)), ("buckets", buckets)];
                object(&[("$bucketAuto", object(&operand))])
            }
            13 => object(&[("$setWindowFields", self.window())]),
            14 if depth > 0 => {
                let pipelines = [("p", self.stages(depth - 1)), ("q", self.stages(depth - 1))];
                object(&[("$facet", object(&pipelines))])
            }
            15 => object(&[("$sample", object(&[("size", Value::Number(2.0))]))]),
            16 => object(&[("$count", Value::String(field.into()))]),
            _ => object(&[(self.word("$match $group $lookup $merge $set"), self.expression(3))]),
        }
    }

    fn stages(&mut self, depth: usize) -> Value {
        let length = self.below(5);
        let items = (0..length).map(|_| self.stage(depth)).collect();
        Value::Array(Array { items, fields: None })
    }
}

fn object(fields: &[(&str, Value)]) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        object.insert((*name).into(), value.clone());
    }
    Value::Object(object)
}

struct Documents(Vec<Vec<u8>>, usize);

impl Source for Documents {
    fn next(&mut self) -> Result<Next<'_>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map_or(Next::End, |bytes| Next::Document(bytes)))
    }
}

/// Documents that the pipeline may give; `$unwind` may make many.
const MAX_RESULTS: usize = 2_000;

pub fn run(data: &[u8]) {
    let mut choices = Choices { data, left: 200 };
    let expression = choices.expression(6);
    let documents: Vec<Value> = (0..3)
        .map(|_| {
            let list = Value::Array(Array {
                items: vec![choices.literal(), choices.text()],
                fields: None,
            });
            object(&[
                ("_id", choices.number()),
                ("a", object(&[("b", choices.literal()), ("c", list)])),
                ("b", choices.literal()),
                ("c", choices.list(1)),
            ])
        })
        .collect();
    let pipeline = choices.stages(2);
    let place = Place::root("the expression");
    if let Some(expression) = allow(Expression::parse(&expression, &place), &REFUSED) {
        for document in &documents {
            let decoded = expression.evaluate(&Scope::decoded(document, 1e12));
            let bytes = value::encode(document, &NoShapes).unwrap();
            let scope = Scope::encoded(value::root(&bytes).unwrap(), &NoShapes, 1e12);
            let encoded = expression.evaluate(&scope);
            // NaN is not equal to itself, but its text is.
            assert_eq!(format!("{decoded:?}"), format!("{encoded:?}"));
            allow(decoded, &FAILED);
        }
    }
    let place = Place::root("the pipeline");
    let Some(pipeline) = allow(Pipeline::parse(&pipeline, &place), &REFUSED) else { return };
    let bytes = documents.iter().map(|document| value::encode(document, &NoShapes).unwrap());
    let mut source = Documents(bytes.collect(), 0);
    let shapes = Arc::new(ShapeTable::new());
    let mut execution =
        Execution::new(&pipeline, Arc::clone(&shapes), Limits { memory: 1 << 20 }, 1e12);
    let mut out = Vec::new();
    for _ in 0..MAX_RESULTS {
        out.clear();
        match allow(execution.next(&mut source, &mut NoSources, &mut out), &FAILED) {
            Some(Pulled::Document) => value::validate(&out, &*shapes).unwrap(),
            Some(Pulled::Pause) => {}
            Some(Pulled::End) | None => return,
        }
    }
}
