//! `$lookup`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::accumulator::{Names, Parts};
use super::document::{Document, Input, Joined};
use super::execution::{Context, Flow, Operator, Pumped, View};
use super::nested::{Nested, Reading};
use super::remembered::Remembered;
use super::report::{Examined, Reads, Work};
use super::sources::{Front, Next};
use super::stage::{chain, nested};
use super::state::list;
use crate::error::Result;
use crate::query::expression::{Expression, check_variable, field_path, weigh};
use crate::query::filter::{Filter, PathTest, Test, ValueSet};
use crate::query::order;
use crate::query::path::{Budget, Found, Path};
use crate::query::place::Place;
use crate::value::{FieldName, Fields, Kind, ShapeTable, Value, root};
use crate::wtf8::Wtf8String;

/// What a field of the other store equals.
#[derive(Debug)]
enum Local {
    /// A field, or one of its elements.
    Field(Input),
    /// A variable as a whole, which the pipeline tests as well.
    Variable(usize),
}

/// A join.
#[derive(Debug)]
pub(super) struct Lookup {
    nested: Nested,
    /// The value here and the field there that are equal.
    equal: Option<(Local, Path)>,
    /// What the variables of the pipeline are; those from outside come before them.
    variables: Vec<Expression>,
    /// Whether the pipeline may give different results for different documents.
    correlated: bool,
    /// Where the documents go.
    into: Vec<FieldName>,
    /// The same, if it is a field of the document itself.
    field: Option<Arc<FieldName>>,
}

impl Lookup {
    /// Parses `{ from, localField, foreignField, let, pipeline, as }`.
    pub(super) fn parse(
        value: &Value,
        names: Names<'_>,
        depth: usize,
        place: &Place<'_>,
    ) -> Result<Self> {
        let optional = ["localField", "foreignField", "let", "pipeline"];
        let parts = Parts::of(value, &["from", "as"], &optional, place)?;
        let text = |name: &str| match parts.find(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(place.word(name).invalid("it needs a name")),
        };
        let field = |name: &str| match text(name)? {
            Some(path) => field_path(path.as_bytes(), &place.word(name)).map(Some),
            None => Ok(None),
        };
        let needed = |name: &str| place.word(name).invalid("it needs a name");
        let store = text("from")?.ok_or_else(|| needed("from"))?;
        let into = field("as")?.ok_or_else(|| needed("as"))?.segments().to_vec();
        let equal = match (field("localField")?, text("foreignField")?) {
            (Some(_), Some(foreign)) => {
                let place = place.word("foreignField");
                field_path(foreign.as_bytes(), &place)?;
                let mut local = b"$".to_vec();
                local.extend_from_slice(text("localField")?.map_or(&[], Wtf8String::as_bytes));
                let local = Value::String(Wtf8String::joined(&local));
                let local = Local::Field(names.input(&local, &place)?);
                Some((local, Path::parse(foreign, &place)?))
            }
            (None, None) => None,
            _ => return Err(place.invalid("localField and foreignField are given together")),
        };
        let mut all = names.variables.to_vec();
        let mut variables = Vec::new();
        match parts.find("let") {
            None => {}
            Some(Value::Object(fields)) => {
                for (name, value) in fields.iter() {
                    let place = place.word("let");
                    let place = place.field(name);
                    check_variable(name, &place)?;
                    variables.push(names.expression(value, &place)?);
                    all.push(name.clone());
                }
            }
            Some(_) => return Err(place.word("let").invalid("it needs an object of variables")),
        }
        let empty = list(Vec::new());
        let pipeline = match (parts.find("pipeline"), &equal) {
            (Some(pipeline), _) => pipeline,
            (None, Some(_)) => &empty,
            (None, None) => {
                return Err(place.invalid("it needs localField and foreignField, or a pipeline"));
            }
        };
        let inner = Names { variables: &all };
        let nested = nested(store, pipeline, inner, depth, &place.word("pipeline"))?;
        let correlated = !all.is_empty();
        let equal = equal.or_else(|| equal_variable(pipeline, &all));
        let field = match &into[..] {
            [field] => Some(Arc::new(field.clone())),
            _ => None,
        };
        Ok(Self { nested, equal, variables, correlated, into, field })
    }

    /// The value here, if documents there equal it and that is all that is asked of them.
    fn plain(&self) -> Option<&Input> {
        match &self.equal {
            Some((Local::Field(local), _))
                if self.variables.is_empty() && self.nested.stages.is_empty() =>
            {
                Some(local)
            }
            _ => None,
        }
    }

    pub(super) fn store(&self) -> &Nested {
        &self.nested
    }
}

/// The field of the other store that has to equal a variable, as MongoDB's users write joins:
/// `[{ $match: { $expr: { $eq: ['$field', '$$variable'] } } }, …]`, perhaps within `$and`.
fn equal_variable(pipeline: &Value, names: &[Wtf8String]) -> Option<(Local, Path)> {
    let field = |value: &Value, name: &str| match value {
        Value::Object(fields) if fields.names().len() == 1 => fields.get(&name.into()).cloned(),
        _ => None,
    };
    let list = |value: &Value| match value {
        Value::Array(list) => Some(list.items.clone()),
        _ => None,
    };
    let expression = field(&field(list(pipeline)?.first()?, "$match")?, "$expr")?;
    let parts = match field(&expression, "$and") {
        Some(parts) => list(&parts)?,
        None => vec![expression],
    };
    parts.iter().find_map(|part| {
        let operands = list(&field(part, "$eq")?)?;
        let [Value::String(left), Value::String(right)] = &operands[..] else { return None };
        let is_variable = |text: &Wtf8String| text.as_bytes().starts_with(b"$$");
        let (path, variable) = if is_variable(left) { (right, left) } else { (left, right) };
        let name = variable.as_bytes().strip_prefix(b"$$")?;
        let at = names.iter().rposition(|known| known.as_bytes() == name)?;
        let path = path.as_bytes().strip_prefix(b"$").filter(|path| !path.starts_with(b"$"))?;
        let path = Path::parse(&Wtf8String::joined(path), &Place::root("")).ok()?;
        // To an expression a number is a name, never the place of an element.
        (!path.has_index()).then_some((Local::Variable(at), path))
    })
}

/// `$lookup` at work.
pub(super) struct Joining {
    lookup: Arc<Lookup>,
    /// How the documents of the other store are found; decided at the first document.
    method: Option<Method>,
    reads: Reads,
    remembered: Remembered,
    /// The bytes of the value that is looked for.
    key: Vec<u8>,
}

enum Method {
    /// By an index of the other store for each document.
    Index,
    /// By a query that each document may make another one of.
    Query,
    /// By a table of its documents.
    Table(Table),
    /// They are the same for all documents.
    Same(Arc<Value>),
}

impl Joining {
    pub(super) fn new(lookup: Arc<Lookup>) -> Self {
        Self {
            lookup,
            method: None,
            reads: Reads::default(),
            remembered: Remembered::default(),
            key: Vec::new(),
        }
    }

    /// The documents that equal a plain value, if they are known or stand under it as their key.
    /// Leaves the bytes of the value in `key`, which is empty if it is none.
    fn find_plain(
        &mut self,
        document: &Document<'_>,
        context: &mut Context<'_>,
    ) -> Result<Option<Arc<Value>>> {
        let lookup = &*self.lookup;
        self.key.clear();
        let Some(local) = lookup.plain() else { return Ok(None) };
        let operand = local.of(document, context.view)?;
        if !operand.is_scalar()? {
            return Ok(None);
        }
        operand.push_order(&mut self.key)?;
        if let Some(known) = self.remembered.get(&self.key) {
            return Ok(Some(Arc::clone(known)));
        }
        let (Some(Method::Index), Some((_, foreign))) = (&self.method, &lookup.equal) else {
            return Ok(None);
        };
        if foreign.has_index() {
            // It may mean the place of an element.
            return Ok(None);
        }
        let store = &lookup.nested.store;
        let found = context.sources.by_key(store, foreign.fields(), &self.key)?;
        let Some(found) = found else { return Ok(None) };
        let decoded = found.document.map(|bytes| root(bytes)?.to_value(&*found.shapes));
        let decoded: Vec<Value> = decoded.transpose()?.into_iter().collect();
        self.reads.begin(store, || "primary key".to_owned());
        self.reads.end(Examined { keys: 0, docs: decoded.len() as u64 });
        let list = Arc::new(list(decoded));
        self.remember(&list, context)?;
        Ok(Some(list))
    }

    fn remember(&mut self, list: &Arc<Value>, context: &mut Context<'_>) -> Result<()> {
        if !self.key.is_empty() && context.sources.is_steady() {
            self.remembered.put(&self.key, list, context.memory)?;
        }
        Ok(())
    }

    /// The documents that a document is joined with.
    fn find(&mut self, document: &Document<'_>, context: &mut Context<'_>) -> Result<Arc<Value>> {
        if let Some(list) = self.find_plain(document, context)? {
            return Ok(list);
        }
        let found = match self.search(document, context)? {
            Searched::Same(list) => return Ok(list),
            Searched::Found(found) => Arc::new(list(found)),
        };
        self.remember(&found, context)?;
        Ok(found)
    }
}

/// What a search gave.
enum Searched {
    Found(Vec<Value>),
    /// The same for all documents.
    Same(Arc<Value>),
}

impl Joining {
    /// Searches the other store as its method says.
    fn search(&mut self, document: &Document<'_>, context: &mut Context<'_>) -> Result<Searched> {
        let lookup = &*self.lookup;
        let mut variables = context.view.variables.to_vec();
        for expression in &lookup.variables {
            variables.push(expression.evaluate(&document.scope(context.view)?)?);
        }
        let values = match &lookup.equal {
            Some((Local::Field(local), _)) => {
                Some(values_of(local.of(document, context.view)?.into_value()?))
            }
            // A field that is reached through an array is an array, too, but has no such key.
            Some((Local::Variable(at), _)) => match variables.get(*at) {
                Some(Value::Array(_)) | None => None,
                Some(value) => Some(values_of(value.clone())),
            },
            None => None,
        };
        if self.method.is_none() {
            self.method = Some(decide(lookup, &variables, context, &mut self.reads)?);
        }
        match (&self.method, values) {
            (Some(Method::Same(list)), _) => return Ok(Searched::Same(Arc::clone(list))),
            (Some(Method::Table(table)), Some(values)) => {
                table.find(lookup, &values, &variables, context)
            }
            (_, values) => {
                let front = match (&lookup.equal, values) {
                    (Some((_, foreign)), Some(values)) => {
                        let mut front = lookup.nested.front.clone();
                        let test = Test::In(ValueSet::of(values));
                        let equal = PathTest { path: foreign.clone(), test };
                        let equal = Filter::Path(Box::new(equal));
                        front.filter = Filter::And(vec![equal, front.filter]);
                        front
                    }
                    _ => lookup.nested.front.clone(),
                };
                query(lookup, &front, &variables, context, &mut self.reads)
            }
        }
        .map(Searched::Found)
    }
}

impl Operator for Joining {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let found = self.find(&document, context)?;
        let lookup = &*self.lookup;
        if let (Document::Stored(bytes, shapes), Some(field)) = (&document, &lookup.field)
            && root(bytes)?.kind()? == Kind::Object
        {
            let joined = Joined { field: Arc::clone(field), list: found, only: None };
            return Ok(Flow::Pass(Document::Joined(bytes, shapes, joined)));
        }
        let mut made = document.into_value()?;
        put(&mut made, &lookup.into, Arc::unwrap_or_clone(found));
        Ok(Flow::Pass(Document::Made(made)))
    }

    fn work(&self) -> Work {
        let method = self.method.as_ref().map(|method| match method {
            Method::Index => "index nested loop",
            Method::Query => "nested loop",
            Method::Table(_) => "hash join",
            Method::Same(_) => "one query for all rows",
        });
        Work { method, read: self.reads.all(), ..Work::default() }
    }
}

fn decide(
    lookup: &Lookup,
    variables: &[Value],
    context: &mut Context<'_>,
    reads: &mut Reads,
) -> Result<Method> {
    let Some((_, foreign)) = &lookup.equal else {
        if lookup.correlated {
            return Ok(Method::Query);
        }
        let found = query(lookup, &lookup.nested.front, variables, context, reads)?;
        context.memory.take(found.iter().map(weigh).sum(), "$lookup")?;
        return Ok(Method::Same(Arc::new(list(found))));
    };
    if context.sources.is_indexed(&lookup.nested.store, foreign.fields())? {
        return Ok(Method::Index);
    }
    Table::read(&lookup.nested.store, foreign, context, reads).map(Method::Table)
}

/// The values of a local field that foreign ones may equal.
fn values_of(value: Value) -> Vec<Value> {
    let or_null = |value| match value {
        Value::Undefined | Value::Holes(_) => Value::Null,
        other => other,
    };
    match value {
        Value::Array(array) => array.items.into_iter().map(or_null).collect(),
        value => vec![or_null(value)],
    }
}

/// What the pipeline makes of the documents that the other store gives.
fn query(
    lookup: &Lookup,
    front: &Front,
    variables: &[Value],
    context: &mut Context<'_>,
    reads: &mut Reads,
) -> Result<Vec<Value>> {
    let view = View { variables, ..context.view };
    let mut inner = Context { sources: context.sources, memory: context.memory, view };
    let chain = lookup.nested.chain();
    let mut reading = Reading::open(&lookup.nested.store, front, chain, &mut inner, reads)?;
    let mut results = Results::default();
    let outcome = loop {
        match reading.pump(&mut inner, &mut |document| results.push(document)) {
            Ok(Pumped::End) => break Ok(()),
            Ok(_) => match inner.memory.take(std::mem::take(&mut results.new), "$lookup") {
                Ok(()) => {}
                Err(error) => break Err(error),
            },
            Err(error) => break Err(error),
        }
    };
    reading.close(&mut inner, reads);
    inner.memory.give(results.held - results.new);
    outcome.map(|()| results.values)
}

/// The documents that a document is joined with.
#[derive(Default)]
struct Results {
    values: Vec<Value>,
    held: usize,
    /// What of it is not counted yet.
    new: usize,
}

impl Results {
    fn push(&mut self, document: Document<'_>) -> Result<()> {
        let value = document.into_value()?;
        let bytes = weigh(&value);
        self.held += bytes;
        self.new += bytes;
        self.values.push(value);
        Ok(())
    }
}

/// The documents of the other store, by what stands at the foreign field.
struct Table {
    documents: Vec<Box<[u8]>>,
    places: HashMap<Box<[u8]>, Vec<u32>>,
    shapes: Arc<ShapeTable>,
}

impl Table {
    fn read(
        store: &Wtf8String,
        foreign: &Path,
        context: &mut Context<'_>,
        reads: &mut Reads,
    ) -> Result<Self> {
        let cursor = context.sources.open(store, &Front::default())?;
        reads.begin(store, || context.sources.plan(cursor));
        let shapes = context.sources.shapes(cursor)?;
        let mut table = Self { documents: Vec::new(), places: HashMap::new(), shapes };
        let outcome = table.fill(cursor, foreign, context);
        reads.end(context.sources.close(cursor));
        outcome.map(|()| table)
    }

    fn fill(&mut self, cursor: u32, foreign: &Path, context: &mut Context<'_>) -> Result<()> {
        loop {
            let bytes: Box<[u8]> = match context.sources.next(cursor)? {
                Next::Document(bytes) | Next::Near(bytes, _) => bytes.into(),
                Next::Pause => continue,
                Next::End => return Ok(()),
            };
            let keys = foreign_keys(&bytes, foreign, &self.shapes)?;
            let held = keys.iter().map(|key| key.len() + 64).sum::<usize>();
            context.memory.take(held + bytes.len() + 16, "$lookup")?;
            let place = self.documents.len() as u32;
            for key in keys {
                self.places.entry(key.into()).or_default().push(place);
            }
            self.documents.push(bytes);
        }
    }

    /// What the pipeline makes of the documents with one of the values.
    fn find(
        &self,
        lookup: &Lookup,
        values: &[Value],
        variables: &[Value],
        context: &mut Context<'_>,
    ) -> Result<Vec<Value>> {
        let mut places: BTreeSet<u32> = BTreeSet::new();
        for value in values {
            places.extend(self.places.get(&order::bytes(value)[..]).into_iter().flatten());
        }
        let view = View { variables, ..context.view };
        let mut inner = Context { sources: context.sources, memory: context.memory, view };
        let mut chain = chain(&lookup.nested.stages);
        let mut results = Results::default();
        let mut sink = |document: Document<'_>| results.push(document);
        for place in places {
            while chain.pump(&mut inner, &mut sink)? != Pumped::NeedsInput && chain.wants_input() {}
            if !chain.wants_input() {
                break;
            }
            if let Some(bytes) = self.documents.get(place as usize) {
                chain.feed(Document::Stored(bytes, &self.shapes), &mut inner, &mut sink)?;
            }
        }
        chain.end_input();
        while chain.pump(&mut inner, &mut sink)? != Pumped::End {}
        inner.memory.take(results.held, "$lookup")?;
        inner.memory.give(results.held);
        Ok(results.values)
    }
}

/// The bytes of everything that a foreign field equals.
fn foreign_keys(bytes: &[u8], foreign: &Path, shapes: &ShapeTable) -> Result<BTreeSet<Vec<u8>>> {
    let mut keys = BTreeSet::new();
    let mut budget = Budget::for_document(bytes.len());
    foreign.each(root(bytes)?, shapes, &mut budget, &mut |found, budget| {
        let (Found::Value(value) | Found::Element(value)) = found else {
            keys.insert(order::bytes(&Value::Null));
            return Ok(());
        };
        let mut key = Vec::new();
        order::push_ref(value, shapes, &mut key)?;
        keys.insert(key);
        if matches!(found, Found::Element(_)) {
            return Ok(());
        }
        for element in value.elements(shapes)?.into_iter().flatten() {
            budget.spend()?;
            let mut key = Vec::new();
            order::push_ref(element?.1, shapes, &mut key)?;
            keys.insert(key);
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Puts a value at a path, making objects on the way.
pub(super) fn put(document: &mut Value, path: &[FieldName], value: Value) {
    let mut around = document;
    for (at, name) in path.iter().enumerate() {
        if !matches!(around, Value::Object(_)) {
            *around = Value::Object(Fields::new());
        }
        let Value::Object(fields) = around else { return };
        if at + 1 == path.len() {
            fields.insert(name.name().clone(), value);
            return;
        }
        if fields.get(name.name()).is_none() {
            fields.insert(name.name().clone(), Value::Null);
        }
        let Some(next) = fields.get_mut(name.name()) else { return };
        around = next;
    }
}
