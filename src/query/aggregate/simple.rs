//! `$match`, `$skip`, `$limit`, `$count`, `$unwind`, `$sample`, `$distinct`.

use std::collections::HashSet;
use std::sync::Arc;

use super::accumulator::{Names, Parts};
use super::document::{Document, Input, Joined, Kept, object_of};
use super::execution::{Context, Drained, Flow, Operator};
use super::lookup::put;
use crate::error::Result;
use crate::query::expression::{field_path, weigh};
use crate::query::filter::{Filter, Matcher};
use crate::query::order;
use crate::query::path::{Budget, Found, Path};
use crate::query::place::Place;
use crate::value::{Array, FieldName, Fields, ShapeTable, Value, root};
use crate::wtf8::Wtf8String;

/// `$match`.
#[derive(Debug, Clone)]
pub(super) struct Match {
    filter: Filter,
    tests: usize,
}

impl Match {
    pub(super) fn new(filter: Filter) -> Self {
        Self { tests: filter.tests(), filter }
    }

    pub(super) const fn filter(&self) -> &Filter {
        &self.filter
    }
}

impl Operator for Match {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let document = document.settled()?;
        let (shapes, bytes) = document.encoded(context.view)?;
        let matcher = Matcher::at(&**shapes, context.view.now);
        let matcher = matcher.with_variables(context.view.variables).with_tests(self.tests);
        let matcher = matcher.with_meter(context.view.meter);
        if !matcher.matches(&self.filter, root(&bytes)?)? {
            return Ok(Flow::Absorbed);
        }
        drop(bytes);
        Ok(Flow::Pass(document))
    }
}

/// `$skip`: so many are left.
pub(super) struct Skip(pub(super) u64);

impl Operator for Skip {
    fn push<'a>(&mut self, document: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        if self.0 > 0 {
            self.0 -= 1;
            return Ok(Flow::Absorbed);
        }
        Ok(Flow::Pass(document))
    }
}

/// `$limit`: so many may pass.
pub(super) struct Limit(pub(super) u64);

impl Operator for Limit {
    fn push<'a>(&mut self, document: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        Ok(match self.0 {
            0 => Flow::Ended,
            1 => {
                self.0 = 0;
                Flow::Last(document)
            }
            _ => {
                self.0 -= 1;
                Flow::Pass(document)
            }
        })
    }
}

/// `$count`: into a field of this name.
pub(super) struct Count {
    pub(super) name: Wtf8String,
    pub(super) count: u64,
}

impl Operator for Count {
    fn push<'a>(&mut self, _: Document<'a>, _: &mut Context<'_>) -> Result<Flow<'a>> {
        self.count += 1;
        Ok(Flow::Absorbed)
    }

    fn drain(&mut self, _: &mut Context<'_>) -> Result<Drained> {
        if self.count == 0 {
            return Ok(Drained::Empty);
        }
        let count = std::mem::take(&mut self.count) as f64;
        let mut fields = Fields::new();
        fields.insert(self.name.clone(), Value::Number(count));
        Ok(Drained::Document(Kept::Made(Value::Object(fields))))
    }
}

/// `$sample`: so many documents, each set of them being as likely.
///
/// Source: Vitter, "Random sampling with a reservoir", 1985, algorithm R.
pub(super) struct Sample {
    size: usize,
    seen: u64,
    kept: Vec<Kept>,
    random: u64,
}

impl Sample {
    pub(super) fn new(size: usize) -> Self {
        let random = uuid::Uuid::new_v4().as_u64_pair().0;
        Self { size, seen: 0, kept: Vec::new(), random }
    }

    /// A number below `end`. Source: splitmix64.
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(end)) >> 64) as u64
    }
}

impl Operator for Sample {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        self.seen += 1;
        let kept = if self.kept.len() < self.size {
            let kept = document.into_encoded(context.view)?;
            let place = self.below(self.kept.len() as u64 + 1) as usize;
            let bytes = kept.bytes();
            self.kept.push(kept);
            let last = self.kept.len() - 1;
            self.kept.swap(place, last);
            bytes
        } else {
            let place = self.below(self.seen) as usize;
            let Some(old) = self.kept.get_mut(place) else { return Ok(Flow::Absorbed) };
            context.memory.give(old.bytes());
            *old = document.into_encoded(context.view)?;
            old.bytes()
        };
        context.memory.take(kept, "$sample")?;
        Ok(Flow::Absorbed)
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let Some(kept) = self.kept.pop() else { return Ok(Drained::Empty) };
        context.memory.give(kept.bytes());
        Ok(Drained::Document(kept))
    }
}

/// `$unwind`.
#[derive(Debug, Clone)]
pub(super) struct Unwind {
    path: Vec<FieldName>,
    /// Where the element's place goes.
    index: Option<Vec<FieldName>>,
    keep_empty: bool,
}

impl Unwind {
    /// Parses a path, or an object with one.
    pub(super) fn parse(value: &Value, place: &Place<'_>) -> Result<Self> {
        let optional = ["includeArrayIndex", "preserveNullAndEmptyArrays"];
        let parts = match value {
            Value::String(_) => None,
            other => Some(Parts::of(other, &["path"], &optional, place)?),
        };
        let get = |name: &str| parts.as_ref().and_then(|parts| parts.find(name));
        let path = match get("path").unwrap_or(value) {
            Value::String(path) => path.as_bytes().strip_prefix(b"$"),
            _ => None,
        };
        let path = path.ok_or_else(|| place.invalid("it needs a path that begins with $"))?;
        let path = field_path(path, place)?.segments().to_vec();
        let index = match get("includeArrayIndex") {
            None => None,
            Some(Value::String(name)) => {
                let place = place.word("includeArrayIndex");
                Some(field_path(name.as_bytes(), &place)?.segments().to_vec())
            }
            Some(_) => {
                return Err(place.word("includeArrayIndex").invalid("it needs a field name"));
            }
        };
        let keep_empty = match get("preserveNullAndEmptyArrays") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                let place = place.word("preserveNullAndEmptyArrays");
                return Err(place.invalid("it needs true or false"));
            }
        };
        Ok(Self { path, index, keep_empty })
    }

    pub(super) fn operator(&self) -> Box<dyn Operator> {
        Box::new(Unwinding {
            unwind: self.clone(),
            document: Value::Null,
            items: vec![].into_iter(),
            at: 0,
            held: 0,
            joined: None,
        })
    }

    /// Whether it gives the documents of a join one by one, and no more.
    fn is_of(&self, joined: &Joined) -> bool {
        let is_whole = matches!(&self.path[..], [field] if *field == *joined.field);
        is_whole && self.index.is_none() && joined.only.is_none()
    }

    /// A document with a value in the array's place.
    fn with(&self, document: &Value, value: Option<Value>, index: Value) -> Value {
        let mut document = document.clone();
        replace(&mut document, &self.path, value);
        if let Some(path) = &self.index {
            put(&mut document, path, index);
        }
        document
    }
}

/// Whether there is anything in an array but holes.
fn has_elements(array: &Array) -> bool {
    array.items.iter().any(|item| !matches!(item, Value::Holes(_)))
}

/// Puts a value in the place of what stands at a path, or takes it away.
fn replace(document: &mut Value, path: &[FieldName], value: Option<Value>) -> Option<Value> {
    let (last, before) = path.split_last()?;
    let mut around = document;
    for name in before {
        let Value::Object(fields) = around else { return None };
        around = fields.get_mut(name.name())?;
    }
    let Value::Object(fields) = around else { return None };
    match value {
        Some(value) => std::mem::replace(fields.get_mut(last.name())?, value).into(),
        None => fields.remove(last.name()),
    }
}

/// `$unwind` at work: an array whose elements are given one by one.
struct Unwinding {
    unwind: Unwind,
    /// The document without the array's content.
    document: Value,
    items: std::vec::IntoIter<Value>,
    at: usize,
    held: usize,
    /// A document whose joined ones are given one by one.
    joined: Option<(Arc<[u8]>, Arc<ShapeTable>, Joined)>,
}

impl Unwinding {
    /// Unwinds what a join put into a document, without decoding the document.
    fn unwind_joined<'a>(
        &mut self,
        (bytes, shapes): (&'a [u8], &'a Arc<ShapeTable>),
        joined: Joined,
        context: &mut Context<'_>,
    ) -> Result<Flow<'a>> {
        if joined.items().len() == 1 {
            let only = Joined { only: Some(0), ..joined };
            return Ok(Flow::Pass(Document::Joined(bytes, shapes, only)));
        }
        self.held = bytes.len() + weigh(joined.value());
        context.memory.take(self.held, "$unwind")?;
        self.joined = Some((bytes.into(), Arc::clone(shapes), joined));
        self.at = 0;
        Ok(Flow::Pending)
    }
}

impl Operator for Unwinding {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let document = match document {
            Document::Joined(bytes, shapes, joined)
                if self.unwind.is_of(&joined) && !joined.items().is_empty() =>
            {
                return self.unwind_joined((bytes, shapes), joined, context);
            }
            other => other,
        };
        let mut document = document.into_value()?;
        let mut found = Some(&document);
        for name in &self.unwind.path {
            found = match found {
                Some(Value::Object(fields)) => fields.get(name.name()),
                _ => None,
            };
        }
        match found {
            Some(Value::Array(array)) if has_elements(array) => {
                let array = replace(&mut document, &self.unwind.path, Some(Value::Null));
                if let Some(Value::Array(array)) = array {
                    self.held = weigh(&document) + array.items.iter().map(weigh).sum::<usize>();
                    context.memory.take(self.held, "$unwind")?;
                    self.items = array.items.into_iter();
                }
                self.document = document;
                self.at = 0;
                Ok(Flow::Pending)
            }
            Some(Value::Array(_)) if self.unwind.keep_empty => {
                let made = self.unwind.with(&document, None, Value::Null);
                Ok(Flow::Pass(Document::Made(made)))
            }
            None | Some(Value::Null | Value::Undefined) if self.unwind.keep_empty => {
                if let Some(path) = &self.unwind.index {
                    put(&mut document, path, Value::Null);
                }
                Ok(Flow::Pass(Document::Made(document)))
            }
            None | Some(Value::Array(_) | Value::Null | Value::Undefined) => Ok(Flow::Absorbed),
            Some(_) => {
                if let Some(path) = &self.unwind.index {
                    put(&mut document, path, Value::Null);
                }
                Ok(Flow::Pass(Document::Made(document)))
            }
        }
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        if let Some((bytes, shapes, joined)) = &self.joined {
            if self.at < joined.items().len() {
                let only = Joined { only: Some(self.at), ..joined.clone() };
                self.at += 1;
                let kept = Kept::Joined(Arc::clone(bytes), Arc::clone(shapes), only);
                return Ok(Drained::Document(kept));
            }
            self.joined = None;
        }
        for item in self.items.by_ref() {
            if let Value::Holes(count) = item {
                // Holes are no elements, but have places.
                self.at += count as usize;
                continue;
            }
            let index = Value::Number(self.at as f64);
            self.at += 1;
            let made = self.unwind.with(&self.document, Some(item), index);
            return Ok(Drained::Document(Kept::Made(made)));
        }
        context.memory.give(std::mem::take(&mut self.held));
        self.document = Value::Null;
        Ok(Drained::Empty)
    }
}

/// What `$distinct` looks at.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// What stands at a path, as filters see it.
    At(Path),
    Of(Input),
}

impl Values {
    /// Parses a path with a dollar, or another expression.
    pub(super) fn parse(value: &Value, names: Names<'_>, place: &Place<'_>) -> Result<Self> {
        let input = names.input(value, place)?;
        let path = match value {
            Value::String(path) => path.as_bytes().strip_prefix(b"$"),
            _ => None,
        };
        match path {
            Some(path) if !path.starts_with(b"$") => {
                Path::parse(&Wtf8String::joined(path), place).map(Self::At)
            }
            _ => Ok(Self::Of(input)),
        }
    }
}

/// `$distinct`: a document `{ _id: value }` for each value, of arrays for each element.
pub(super) struct Distinct {
    pub(super) values: Values,
    pub(super) seen: HashSet<Box<[u8]>>,
    pub(super) found: Vec<Value>,
}

impl Distinct {
    /// Takes a value, or the elements of one that is an array.
    fn take(&mut self, value: Value, context: &mut Context<'_>) -> Result<()> {
        match value {
            Value::Undefined => Ok(()),
            Value::Array(array) => {
                for item in array.items {
                    if !matches!(item, Value::Holes(_) | Value::Undefined) {
                        self.offer(order::bytes(&item), item, context)?;
                    }
                }
                Ok(())
            }
            value => self.offer(order::bytes(&value), value, context),
        }
    }

    fn offer(&mut self, order: Vec<u8>, value: Value, context: &mut Context<'_>) -> Result<()> {
        let held = order.len() + 64 + weigh(&value);
        if self.seen.insert(order.into()) {
            context.memory.take(held, "$distinct")?;
            self.found.push(value);
        }
        Ok(())
    }
}

impl Operator for Distinct {
    fn push<'a>(&mut self, document: Document<'a>, context: &mut Context<'_>) -> Result<Flow<'a>> {
        let mut found = Vec::new();
        match &self.values {
            Values::Of(input) => found.push(input.of(&document, context.view)?.into_value()?),
            Values::At(path) => {
                let (shapes, bytes) = document.encoded(context.view)?;
                let mut budget = Budget::for_document(bytes.len());
                path.each(root(&bytes)?, &**shapes, &mut budget, &mut |value, _| {
                    if let Found::Value(value) | Found::Element(value) = value {
                        found.push(value.to_value(&**shapes)?);
                    }
                    Ok(())
                })?;
            }
        }
        for value in found {
            self.take(value, context)?;
        }
        Ok(Flow::Pending)
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Result<Drained> {
        let Some(value) = self.found.pop() else { return Ok(Drained::Empty) };
        context.memory.give(weigh(&value));
        Ok(Drained::Document(Kept::Made(object_of("_id", value))))
    }
}
