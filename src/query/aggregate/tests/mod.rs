//! Pipelines and what comes out of them, most of them examples of MongoDB's documentation.
#![allow(clippy::unwrap_used, clippy::panic)]

mod groups;
mod joins;
mod limits;
mod rows;
mod stages;
mod windows;

use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::error::{Error, ErrorCode};
use crate::query::filter::Matcher;
use crate::query::notation::{same, value};
use crate::query::sort::push_key;
use crate::value::{FieldPath, ShapeTable, decode, encode, root};

const NOW: f64 = 1_700_000_000_000.0;

/// Documents that are given one by one, with pauses in between.
struct Documents {
    documents: Vec<Vec<u8>>,
    next: usize,
    paused: bool,
}

impl Documents {
    fn new(documents: Vec<Vec<u8>>) -> Self {
        Self { documents, next: 0, paused: false }
    }

    fn next(&mut self) -> Next<'_> {
        if self.next % 3 == 1 && !std::mem::replace(&mut self.paused, true) {
            return Next::Pause;
        }
        self.paused = false;
        self.next += 1;
        self.documents.get(self.next - 1).map_or(Next::End, |bytes| Next::Document(bytes))
    }
}

impl Source for Documents {
    fn next(&mut self) -> Result<Next<'_>> {
        Ok(Documents::next(self))
    }
}

/// Stores in memory.
#[derive(Default)]
struct Stores {
    stores: HashMap<String, Vec<Value>>,
    shapes: Arc<ShapeTable>,
    indexed: bool,
    steady: bool,
    open: HashMap<u32, Documents>,
    opened: u32,
}

impl Sources for Stores {
    fn open(&mut self, store: &Wtf8String, front: &Front) -> Result<u32> {
        let documents = self.stores.get(&store.to_string()).ok_or_else(|| {
            Error::new(ErrorCode::StoreNotFound, format!("There is no store {store}"))
        })?;
        let mut found = Vec::new();
        for document in documents {
            let bytes = encode(document, &*self.shapes)?;
            if Matcher::new(&*self.shapes).matches(&front.filter, root(&bytes)?)? {
                let mut key = Vec::new();
                push_key(&front.sort, root(&bytes)?, &self.shapes, &mut key)?;
                found.push((key, bytes));
            }
        }
        found.sort_by(|left, right| left.0.cmp(&right.0));
        let limit = front.limit.map_or(usize::MAX, |limit| limit as usize);
        let found = found.into_iter().skip(front.skip as usize).take(limit);
        self.opened += 1;
        self.open.insert(self.opened, Documents::new(found.map(|(_, bytes)| bytes).collect()));
        Ok(self.opened)
    }

    fn next(&mut self, cursor: u32) -> Result<Next<'_>> {
        Ok(self.open.get_mut(&cursor).map_or(Next::End, Documents::next))
    }

    fn shapes(&mut self, _cursor: u32) -> Result<Arc<ShapeTable>> {
        Ok(Arc::clone(&self.shapes))
    }

    fn plan(&mut self, _cursor: u32) -> String {
        "a list".to_owned()
    }

    fn close(&mut self, cursor: u32) -> Examined {
        let docs = self.open.remove(&cursor).map_or(0, |documents| documents.next as u64);
        Examined { keys: 0, docs }
    }

    fn by_key(&mut self, _: &Wtf8String, _: &FieldPath, _: &[u8]) -> Result<Option<ByKey<'_>>> {
        Ok(None)
    }

    fn is_steady(&self) -> bool {
        self.steady
    }

    fn is_indexed(&mut self, _store: &Wtf8String, _path: &FieldPath) -> Result<bool> {
        Ok(self.indexed)
    }
}

fn parse(pipeline: &str) -> Result<Pipeline> {
    Pipeline::parse(&value(pipeline), &Place::root("the pipeline"))
}

/// A table with the shape of each document's fields.
fn shapes_of(documents: &[Value]) -> Arc<ShapeTable> {
    let mut shapes = ShapeTable::new();
    for document in documents {
        if let Value::Object(fields) = document
            && crate::value::ShapeSource::id_of(&shapes, fields.names()).is_none()
            && !fields.names().is_empty()
        {
            shapes.add(shapes.next_id().unwrap(), fields.names().to_vec()).unwrap();
        }
    }
    Arc::new(shapes)
}

fn run_with(
    documents: &[Value],
    pipeline: &Pipeline,
    stores: &mut Stores,
    shapes: &Arc<ShapeTable>,
    limits: Limits,
) -> Result<Vec<Value>> {
    let encoded = documents.iter().map(|document| encode(document, &**shapes));
    let mut source = Documents::new(encoded.collect::<Result<_>>()?);
    let mut execution = Execution::new(pipeline, Arc::clone(shapes), limits, NOW);
    let mut found = Vec::new();
    let mut out = Vec::new();
    loop {
        out.clear();
        match execution.next(&mut source, stores, &mut out)? {
            Pulled::Document => found.push(decode(&out, &**shapes)?),
            Pulled::Pause => {}
            Pulled::End => return Ok(found),
        }
    }
}

/// Runs a pipeline over a list of documents, with and without shapes, and with the front apart.
fn run_in(stores: &[(&str, &str)], documents: &str, pipeline: &str) -> Result<Vec<Value>> {
    let list = |text: &str| match value(text) {
        Value::Array(array) => array.items,
        other => panic!("no list: {other:?}"),
    };
    let documents = list(documents);
    let pipeline = parse(pipeline)?;
    let mut results = Vec::new();
    for (with_shapes, indexed, steady) in
        [(false, false, false), (true, false, true), (true, true, false), (true, true, true)]
    {
        let mut sources = Stores { indexed, steady, ..Stores::default() };
        for (name, documents) in stores {
            sources.stores.insert((*name).to_owned(), list(documents));
        }
        let shapes = if with_shapes { shapes_of(&documents) } else { Arc::default() };
        if with_shapes {
            let all: Vec<Value> = sources.stores.values().flatten().cloned().collect();
            sources.shapes = shapes_of(&all);
        }
        let limits = Limits::default();
        results.push(run_with(&documents, &pipeline, &mut sources, &shapes, limits)?);
        assert!(sources.open.is_empty(), "a cursor was left open");
    }
    let mut sources = Stores::default();
    for (name, documents) in stores {
        sources.stores.insert((*name).to_owned(), list(documents));
    }
    sources.stores.insert("main".to_owned(), documents);
    let mut rest = pipeline;
    let front = rest.split_front();
    let cursor = sources.open(&"main".into(), &front)?;
    let chosen = sources.open.remove(&cursor).unwrap().documents;
    let chosen: Vec<Value> =
        chosen.iter().map(|bytes| decode(bytes, &ShapeTable::new()).unwrap()).collect();
    let limits = Limits::default();
    results.push(run_with(&chosen, &rest, &mut sources, &Arc::default(), limits)?);
    let first = results.remove(0);
    for other in results {
        assert_eq!(first.len(), other.len(), "{first:?} and {other:?}");
        let equal = first.iter().zip(&other).all(|(left, right)| same(left, right));
        assert!(equal, "{first:?} and {other:?}");
    }
    Ok(first)
}

#[track_caller]
fn check_in(stores: &[(&str, &str)], documents: &str, pipeline: &str, expected: &str) {
    let found = run_in(stores, documents, pipeline);
    let found = found.unwrap_or_else(|error| panic!("{pipeline}: {error}"));
    let found = super::state::list(found);
    assert!(same(&found, &value(expected)), "{pipeline}: {found:?} instead of {expected}");
}

#[track_caller]
fn check(documents: &str, pipeline: &str, expected: &str) {
    check_in(&[], documents, pipeline, expected);
}
