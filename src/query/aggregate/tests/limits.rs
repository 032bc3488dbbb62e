//! What is refused.

use super::*;

#[test]
fn names_what_it_does_not_understand() {
    for (pipeline, message) in [
        ("{}", "the pipeline: a pipeline is a list of stages"),
        ("[{ $foo: 1 }]", "0.$foo: there is no such stage"),
        ("[{ $match: {} , $sort: { a: 1 } }]", "0: a stage is an object with one operator"),
        ("[{ $match: { a: { $gtt: 1 } } }]", "0.$match.a.$gtt: "),
        ("[{ $limit: 0 }]", "0.$limit: it needs a positive whole number"),
        ("[{ $skip: -1 }]", "0.$skip: it needs a whole number that is not negative"),
        ("[{ $sort: {} }]", "0.$sort: it needs at least one field"),
        ("[{ $project: {} }]", "0.$project: it needs at least one field"),
        ("[{ $project: { a: 1, b: 0 } }]", "0.$project: fields are either included or excluded"),
        ("[{ $project: { a: 1, 'a.b': 1 } }]", "0.$project.a.b: another path is the same"),
        ("[{ $project: { 'a.b': 1, a: { b: 1 } } }]", "0.$project.a.b: another path is the same"),
        ("[{ $project: { a: { $foo: 1 } } }]", "0.$project.a.$foo: there is no such operator"),
        ("[{ $set: { 'a..b': 1 } }]", "0.$set.a..b: a path needs a name"),
        ("[{ $unwind: 'a' }]", "0.$unwind: it needs a path that begins with $"),
        ("[{ $group: { n: { $sum: 1 } } }]", "0.$group: it needs _id"),
        ("[{ $group: { _id: null, n: 1 } }]", "0.$group.n: it needs an object with one accumul"),
        ("[{ $group: { _id: null, n: { $sun: 1 } } }]", "0.$group.n.$sun: there is no such accum"),
        ("[{ $group: { _id: null, 'a.b': { $sum: 1 } } }]", "0.$group.a.b: a field that is made"),
        (
            "[{ $group: { _id: 1, n: { $topN: { n: 0, sortBy: { a: 1 }, output: 1 } } } }]",
            "0.$group.n.$topN.n: it needs a positive number",
        ),
        ("[{ $count: 'a.b' }]", "0.$count: it needs the name of a field"),
        ("[{ $bucket: { groupBy: '$a', boundaries: [2, 1] } }]", "0.$bucket.boundaries.1: "),
        ("[{ $bucket: { groupBy: '$a', boundaries: [2, 'a'] } }]", "0.$bucket.boundaries.1: "),
        (
            "[{ $bucket: { groupBy: '$a', boundaries: [1, 5], default: 3 } }]",
            "0.$bucket.default: it has to be outside",
        ),
        ("[{ $lookup: { from: 'a', as: 'b' } }]", "0.$lookup: it needs localField and foreignF"),
        ("[{ $lookup: { from: 'a', as: 'b', localField: 'x' } }]", "0.$lookup: localField and"),
        (
            "[{ $lookup: { from: 'a', as: 'b', pipeline: [{ $out: 'x' }] } }]",
            "0.$lookup.pipeline.0.$out: it has to be the last stage of all",
        ),
        ("[{ $out: 'x' }, { $limit: 1 }]", "0.$out: it has to be the last stage of all"),
        ("[{ $merge: { into: 'x', whenMatched: 'no' } }]", "0.$merge.whenMatched: it is replace"),
        (
            "[{ $merge: { into: 'x', whenMatched: [{ $limit: 1 }] } }]",
            "0.$merge.whenMatched.0: only $set, $unset",
        ),
        (
            "[{ $setWindowFields: { output: { r: { $rank: {} } } } }]",
            "0.$setWindowFields.output.r.$rank: it needs sortBy",
        ),
        (
            "[{ $setWindowFields: { sortBy: { a: 1 }, output: { r: { $sum: 1,
                window: { documents: [1, 0] } } } } }]",
            "0.$setWindowFields.output.r.window.documents: the lower bound is above the upper one",
        ),
        (
            "[{ $setWindowFields: { output: { x: { $maxN: { n: '$k', input: '$a' } } } } }]",
            "0.$setWindowFields.output.x.$maxN: n has to be a constant here",
        ),
        (
            "[{ $bucketAuto: { groupBy: '$a', buckets: 2,
                output: { x: { $firstN: { n: '$k', input: '$a' } } } } }]",
            "0.$bucketAuto.output.x: n has to be a constant here",
        ),
        ("[{ $facet: {} }]", "0.$facet: it needs at least one pipeline"),
    ] {
        let error = parse(pipeline).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidQuery, "{pipeline}");
        let found = error.message();
        assert!(found.contains(message), "{found:?} for {pipeline}");
    }
}

#[test]
fn bounds_nesting() {
    let mut pipeline = "[]".to_owned();
    for _ in 0..25 {
        pipeline = format!("[{{ $facet: {{ a: {pipeline} }} }}]");
    }
    assert_eq!(parse(&pipeline).map(|_| ()).unwrap_err().code(), ErrorCode::InvalidQuery);
    // Each stage puts the document into ten objects more.
    let stage = "{ $replaceWith: { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: '$$ROOT' } \
                 } } } } } } } } } }";
    let stages = vec![stage; 200].join(", ");
    let error = run_in(&[], "[{ a: 1 }]", &format!("[{stages}]")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResourceLimit);
}

#[test]
fn bounds_memory() {
    let documents: Vec<Value> =
        (0..1_000).map(|i| value(&format!("{{ _id: {i}, t: '{}' }}", "x".repeat(100)))).collect();
    let mut stores = Stores::default();
    stores.stores.insert("other".to_owned(), documents.clone());
    let shapes = Arc::default();
    for (pipeline, stage) in [
        ("[{ $group: { _id: '$_id' } }]", "$group"),
        ("[{ $group: { _id: null, all: { $push: '$t' } } }]", "$group"),
        ("[{ $group: { _id: null, all: { $addToSet: '$_id' } } }]", "$group"),
        (
            "[{ $group: { _id: 1, n: { $topN: { n: 900, sortBy: { t: 1 }, output: '$t' } } } }]",
            "$group",
        ),
        ("[{ $bucketAuto: { groupBy: '$_id', buckets: 5 } }]", "$bucketAuto"),
        ("[{ $sample: { size: 900 } }]", "$sample"),
        ("[{ $distinct: '$_id' }]", "$distinct"),
        ("[{ $facet: { a: [{ $set: { x: 1 } }] } }]", "$facet"),
        ("[{ $setWindowFields: { output: { n: { $sum: 1 } } } }]", "$setWindowFields"),
        (
            "[{ $lookup: { from: 'other', localField: 'a', foreignField: 'b', as: 'r' } }]",
            "$lookup",
        ),
        ("[{ $lookup: { from: 'other', pipeline: [], as: 'r' } }]", "$lookup"),
    ] {
        let pipeline = parse(pipeline).unwrap();
        let limits = Limits { memory: 50_000 };
        let result = run_with(&documents, &pipeline, &mut stores, &shapes, limits);
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResourceLimit, "{error}");
        assert!(error.message().starts_with(stage), "{error}");
        let limits = Limits::default();
        let few = documents.get(..20).unwrap();
        run_with(few, &pipeline, &mut stores, &shapes, limits).unwrap();
    }
}

#[test]
fn sorts_more_than_it_may_hold() {
    let document = |i: u64| {
        let text = "x".repeat((i % 50 * 20) as usize);
        value(&format!("{{ _id: {i}, k: {}, s: {{ k: {} }}, t: '{text}' }}", i % 17, i % 5))
    };
    let documents: Vec<Value> = (0..600).map(document).collect();
    let shapes = shapes_of(&documents);
    let mut stores = Stores::default();
    let others: Vec<Value> =
        (0..300).map(|i| value(&format!("{{ k: {}, o: {i} }}", i % 23))).collect();
    stores.shapes = shapes_of(&others);
    stores.stores.insert("other".to_owned(), others);
    for (pipeline, fits) in [
        ("[{ $unionWith: 'other' }, { $sort: { k: -1 } }]", 600_000),
        ("[{ $set: { u: '$t' } }, { $sort: { 's.k': 1, k: 1 } }]", 900_000),
        ("[{ $set: { u: 1 } }, { $sort: { t: -1 } }, { $skip: 20 }, { $limit: 300 }]", 600_000),
        // So few that a file would not pay.
        ("[{ $set: { u: 1 } }, { $sort: { t: -1 } }, { $limit: 3 }]", 0),
    ] {
        let parsed = parse(pipeline).unwrap();
        let limits = Limits::default();
        let expected = run_with(&documents, &parsed, &mut stores, &shapes, limits).unwrap();
        for memory in [1, 1_000, 20_000, fits] {
            let mut execution =
                Execution::new(&parsed, Arc::clone(&shapes), Limits { memory }, NOW).counted();
            let encoded = documents.iter().map(|document| encode(document, &*shapes).unwrap());
            let mut source = Documents::new(encoded.collect());
            let (mut found, mut out) = (Vec::new(), Vec::new());
            loop {
                out.clear();
                match execution.next(&mut source, &mut stores, &mut out).unwrap() {
                    Pulled::Document => found.push(decode(&out, &*shapes).unwrap()),
                    Pulled::Pause => {}
                    Pulled::End => break,
                }
            }
            let is_same = found.iter().zip(&expected).all(|(left, right)| same(left, right));
            assert!(found.len() == expected.len() && is_same, "{pipeline} with {memory} bytes");
            let (stages, most) = execution.report();
            assert!(most <= memory, "{most} of {memory} bytes");
            let sort = stages.iter().find(|stage| stage.name == "$sort").unwrap();
            assert!(sort.memory <= memory);
            let spilled = sort.work.method == Some("spilled");
            assert_eq!(spilled, memory < fits, "{pipeline} with {memory} bytes: {sort:?}");
        }
    }
}

#[test]
fn gives_memory_back() {
    // A hundred documents at a time fit, all of them would not.
    let documents: Vec<Value> = (0..100).map(|i| value(&format!("{{ _id: {i} }}"))).collect();
    let pipeline = parse(
        "[{ $set: { l: { $range: [0, 100] } } }, { $unwind: '$l' },
          { $group: { _id: '$l', n: { $sum: 1 } } },
          { $sort: { n: 1 } }, { $limit: 3 }, { $lookup: { from: 'other', let: { i: '$_id' },
            pipeline: [{ $match: { $expr: { $gt: ['$_id', '$$i'] } } }], as: 'r' } },
          { $count: 'n' }]",
    );
    let mut stores = Stores::default();
    stores.stores.insert("other".to_owned(), documents.clone());
    let limits = Limits { memory: 60_000 };
    let found = run_with(&documents, &pipeline.unwrap(), &mut stores, &Arc::default(), limits);
    assert_eq!(found.unwrap(), [value("{ n: 3 }")]);
}

#[test]
fn groups_give_their_memory_to_those_that_take_their_rows() {
    // What the first groups hold fits once, not twice.
    let text = "x".repeat(100);
    let document = |i: u64| value(&format!("{{ k: {}, t: '{text}' }}", i % 20));
    let documents: Vec<Value> = (0..400).map(document).collect();
    let pipeline = parse(
        "[{ $group: { _id: '$k', all: { $push: '$t' } } },
          { $group: { _id: null, n: { $push: '$all' } } }, { $project: { n: { $size: '$n' } } }]",
    );
    let (pipeline, mut stores) = (pipeline.unwrap(), Stores::default());
    let mut run =
        |memory| run_with(&documents, &pipeline, &mut stores, &Arc::default(), Limits { memory });
    assert_eq!(run(90_000).unwrap(), [value("{ _id: null, n: 20 }")]);
    assert_eq!(run(50_000).unwrap_err().code(), ErrorCode::ResourceLimit);
}

/// The same document again and again, without pauses.
struct Repeated {
    document: Vec<u8>,
    left: usize,
}

impl Source for Repeated {
    fn next(&mut self) -> Result<Next<'_>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(Next::End) };
        self.left = left;
        Ok(Next::Document(&self.document))
    }
}

#[test]
fn pauses_by_what_is_done_with_documents() {
    let dear = "{ $size: { $map: { input: { $range: [0, 5000] }, in: { $add: ['$$this', '$i'] } } \
                } }";
    let grouped = format!("[{{ $group: {{ _id: {dear} }} }}]");
    let matched = format!("[{{ $match: {{ $expr: {{ $lt: [{dear}, 0] }} }} }}]");
    let unwound = format!(
        "[{{ $set: {{ l: {{ $range: [0, 100] }} }} }}, {{ $unwind: '$l' }},
          {{ $match: {{ $expr: {{ $lt: [{dear}, 0] }} }} }}]"
    );
    let joined = format!(
        "[{{ $match: {{ i: 1 }} }}, {{ $unionWith: {{ coll: 'other',
        pipeline: [{{ $set: {{ x: {dear} }} }}, {{ $match: {{ x: 0 }} }}] }} }}]"
    );
    for (pipeline, documents, pauses) in [
        ("[{ $group: { _id: '$i' } }]", 2_000, 0..=0),
        ("[{ $match: { i: 1 } }]", 2_000, 0..=0),
        (&grouped, 100, 90..=110),
        (&matched, 100, 90..=110),
        (&unwound, 1, 90..=110),
        (&joined, 1, 90..=110),
    ] {
        let document = encode(&value("{ i: 2 }"), &ShapeTable::new()).unwrap();
        let mut source = Repeated { document, left: documents };
        let mut stores = Stores::default();
        stores.stores.insert("other".to_owned(), vec![value("{ i: 3 }"); 100]);
        let parsed = parse(pipeline).unwrap();
        let mut execution = Execution::new(&parsed, Arc::default(), Limits::default(), NOW);
        let (mut paused, mut out) = (0, Vec::new());
        loop {
            match execution.next(&mut source, &mut stores, &mut out).unwrap() {
                Pulled::Pause => paused += 1,
                Pulled::Document => {}
                Pulled::End => break,
            }
        }
        let of_source = if pipeline == joined { 34 } else { 0 };
        let paused = paused - of_source;
        assert!(pauses.contains(&paused), "{paused} pauses in {pipeline}");
    }
}

#[test]
fn stops_reading_when_it_has_enough() {
    let documents: Vec<Vec<u8>> = (0..100)
        .map(|i| encode(&value(&format!("{{ i: {i} }}")), &ShapeTable::new()).unwrap())
        .collect();
    for pipeline in [
        "[{ $match: { i: { $gte: 5 } } }, { $limit: 2 }]",
        "[{ $set: { l: [1, 2, 3] } }, { $unwind: '$l' }, { $limit: 8 }, { $sort: { i: 1 } }]",
        "[{ $facet: { a: [{ $limit: 3 }], b: [{ $skip: 2 }, { $limit: 3 }] } }]",
    ] {
        let mut source = Documents::new(documents.clone());
        let pipeline = parse(pipeline).unwrap();
        let mut execution = Execution::new(&pipeline, Arc::default(), Limits::default(), NOW);
        let mut out = Vec::new();
        while execution.next(&mut source, &mut NoSources, &mut out).unwrap() != Pulled::End {}
        assert!(source.next < 10, "{} documents were read", source.next);
    }
}

#[test]
fn parses_where_documents_are_written() {
    let output = |text: &str| parse(text).unwrap().output().cloned();
    assert!(output("[]").is_none());
    assert!(matches!(output("[{ $out: 'x' }]"), Some(Output::Replace { .. })));
    let Some(Output::Merge(merge)) = output(
        "[{ $limit: 1 }, { $merge: { into: { coll: 'x' }, on: ['a', 'b.c'], let: { n: '$n' },
            whenMatched: [{ $set: { t: { $add: ['$t', '$$new.t', '$$n'] } } }],
            whenNotMatched: 'discard' } }]",
    ) else {
        panic!("no $merge")
    };
    assert_eq!(merge.on.len(), 2);
    assert_eq!(merge.when_not_matched, WhenNotMatched::Discard);
    let WhenMatched::Pipeline(variables, pipeline) = merge.when_matched else {
        panic!("no pipeline")
    };
    assert_eq!(variables.len(), 1);
    let old = encode(&value("{ t: 1 }"), &ShapeTable::new()).unwrap();
    let mut execution = Execution::new(&pipeline, Arc::default(), Limits::default(), NOW)
        .with_variables(vec![value("10"), value("{ t: 100 }")]);
    let mut out = Vec::new();
    let mut source = Documents::new(vec![old]);
    while execution.next(&mut source, &mut NoSources, &mut out).unwrap() == Pulled::Pause {}
    assert_eq!(decode(&out, &ShapeTable::new()).unwrap(), value("{ t: 111 }"));
}

#[test]
fn splits_the_front_off() {
    let mut pipeline = parse(
        "[{ $match: { a: 1 } }, { $sort: { b: 1 } }, { $match: { c: 2 } }, { $skip: 5 },
          { $limit: 10 }, { $skip: 3 }, { $limit: 20 }, { $group: { _id: '$x' } }]",
    )
    .unwrap();
    let front = pipeline.split_front();
    assert_eq!((front.skip, front.limit, front.sort.len()), (8, Some(7), 1));
    assert_eq!(pipeline.stages().collect::<Vec<_>>(), ["$group"]);
    let mut pipeline = parse("[{ $limit: 2 }, { $match: { a: 1 } }]").unwrap();
    assert_eq!(pipeline.split_front().limit, Some(2));
    assert_eq!(pipeline.stages().collect::<Vec<_>>(), ["$match"]);
}
