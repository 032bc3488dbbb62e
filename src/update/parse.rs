//! Parsing updates.

use std::sync::Arc;

use super::Update;
use super::array::{Push, Sort, SortField};
use super::array_filter::{ArrayFilter, Matcher};
use super::expressions;
use super::in_place::SingleField;
use super::leaf::Leaf;
use super::matched;
use super::operand::{count, number};
use super::operator::{BitOperation, Operator, has_bits};
use super::path::{self, Name, Segment};
use super::place::{Target, UPDATE};
use super::rename::Rename;
use super::tree::Node;
use crate::error::{ErrorCode, Result};
use crate::query::{Expression, Place, order};
use crate::value::{Fields, Value};
use crate::wtf8::Wtf8String;

/// Every operator's name.
const OPERATORS: [&str; 15] = [
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$setOnInsert",
    "$currentDate",
    "$push",
    "$addToSet",
    "$pop",
    "$pull",
    "$pullAll",
    "$bit",
];

impl Update {
    /// Parses an update and its `arrayFilters`. Neither may hold references.
    ///
    /// # Errors
    /// `INVALID_UPDATE` with the path and the reason; `INVALID_QUERY` for conditions on elements.
    pub fn parse(update: &Value, array_filters: Option<&Value>) -> Result<Self> {
        Self::parse_found(update, array_filters, None)
    }

    /// Parses an update of what a filter finds, which tells what `$` is.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_found(
        update: &Value,
        array_filters: Option<&Value>,
        filter: Option<&Value>,
    ) -> Result<Self> {
        let array_filters = parse_array_filters(array_filters)?;
        let mut parser = Parser {
            filter,
            used: vec![false; array_filters.len()],
            array_filters,
            leaves: Vec::new(),
            renames: Vec::new(),
            expressions: Vec::new(),
            on_insert: false,
        };
        parser.operators(update)?;
        parser.finish()
    }
}

impl Update {
    /// The update that sets fields of a document, by their names: dots in them mean nothing.
    pub fn setting(fields: Fields) -> Self {
        let (names, values) = fields.into_parts();
        let leaf = |(name, value): (&Wtf8String, Value)| {
            let target = Target { operator: "$set", path: name.clone() };
            let leaf = Arc::new(Leaf { target, operator: Operator::Set(value) });
            (Name::new(name.clone()), Node::Leaf(leaf))
        };
        let tree = Arc::new(Node::Fields(names.iter().zip(values).map(leaf).collect()));
        Self {
            renames: Vec::new(),
            changes: Some(Arc::clone(&tree)),
            insertions: Some(tree),
            array_filters: Vec::new(),
            expressions: Vec::new(),
            single: None,
        }
    }
}

struct Parser<'f> {
    /// What finds the documents that are updated.
    filter: Option<&'f Value>,
    array_filters: Vec<ArrayFilter>,
    /// Which of them a path names.
    used: Vec<bool>,
    leaves: Vec<(Vec<Segment>, Arc<Leaf>)>,
    renames: Vec<Rename>,
    expressions: Vec<Expression>,
    /// Whether there is a `$setOnInsert`.
    on_insert: bool,
}

/// `$setOnInsert`, which is `$set` for documents that are inserted.
const SET_ON_INSERT: &str = "$setOnInsert";

impl Parser<'_> {
    fn operators(&mut self, update: &Value) -> Result<()> {
        let root = Place::root(UPDATE);
        let invalid = |why: &str| root.error(ErrorCode::InvalidUpdate, why);
        let Value::Object(operators) = update else {
            return Err(invalid("it must be an object of operators such as { $set: { a: 1 } }"));
        };
        if operators.names().is_empty() {
            return Err(invalid("it has no operators such as $set"));
        }
        for (name, operand) in operators.iter() {
            let place = root.field(name);
            if !name.as_bytes().starts_with(b"$") {
                return Err(place.error(
                    ErrorCode::InvalidUpdate,
                    "an update has operators such as $set; to replace the whole document, use put",
                ));
            }
            let known = OPERATORS.into_iter().find(|known| known.as_bytes() == name.as_bytes());
            let Some(operator) = known else {
                return Err(place.error(ErrorCode::InvalidUpdate, "there is no such operator"));
            };
            let Value::Object(paths) = operand else {
                return Err(place.error(
                    ErrorCode::InvalidUpdate,
                    "it needs an object of paths such as { 'a.b': value }",
                ));
            };
            self.paths(operator, paths)?;
        }
        Ok(())
    }

    fn paths(&mut self, operator: &'static str, paths: &Fields) -> Result<()> {
        self.on_insert |= operator == SET_ON_INSERT;
        for (path, operand) in paths.iter() {
            let target = Target { operator, path: path.clone() };
            let segments = self.path(path, &target)?;
            if operator == "$rename" {
                self.rename(segments, operand, target)?;
                continue;
            }
            let operator = match self.expression(operand, &target)? {
                Some(operator) => operator,
                None => parse_operator(operand, &target)?,
            };
            self.leaves.push((segments, Arc::new(Leaf { target, operator })));
        }
        Ok(())
    }

    /// What `$set` is to calculate, if its operand is an expression.
    fn expression(&mut self, operand: &Value, target: &Target) -> Result<Option<Operator>> {
        if !matches!(target.operator, "$set" | SET_ON_INSERT) {
            return Ok(None);
        }
        let root = Place::root(UPDATE);
        let operator = root.word(target.operator);
        let Some(expression) = expressions::parse(operand, &operator.field(&target.path))? else {
            return Ok(None);
        };
        self.expressions.push(expression);
        Ok(Some(Operator::Calculate(self.expressions.len() - 1)))
    }

    fn path(&mut self, path: &Wtf8String, target: &Target) -> Result<Vec<Segment>> {
        let root = Place::root(UPDATE);
        let operator = root.word(target.operator);
        let mut segments = path::parse(path, &operator.field(path))?;
        self.name_matched(&mut segments, target)?;
        for segment in &segments {
            let Segment::Filtered(name) = segment else { continue };
            let found = self.array_filters.iter().position(|filter| filter.name == *name);
            let Some(used) = found.and_then(|position| self.used.get_mut(position)) else {
                return Err(target.invalid(format!("arrayFilters has no filter for $[{name}]")));
            };
            *used = true;
        }
        Ok(segments)
    }

    /// Puts an array filter in the place of `$`.
    fn name_matched(&mut self, path: &mut [Segment], target: &Target) -> Result<()> {
        let is_matched = |segment: &Segment| matches!(segment, Segment::Matched);
        let Some(at) = path.iter().position(is_matched) else { return Ok(()) };
        let Some(filter) = self.filter else {
            let why = "$ is the element that the filter of find(…).update(…) matches; use $[] or \
                       $[name] with arrayFilters";
            return Err(target.invalid(why));
        };
        let array = path.get(..at).and_then(matched::array_path);
        let (Some(array), 1) = (array, path.iter().filter(|one| is_matched(one)).count()) else {
            return Err(target.invalid("a path may have one $, with nothing but names before it"));
        };
        let name = ArrayFilter::matched_name(&array);
        if !self.array_filters.iter().any(|known| known.name == name) {
            let Some(found) = ArrayFilter::of_matched(&array, filter)? else {
                let why = format!(
                    "the filter asks nothing of the elements of {array}, so that \
                                   none is matched"
                );
                return Err(target.invalid(why));
            };
            self.array_filters.push(found);
            self.used.push(true);
        }
        if let Some(segment) = path.get_mut(at) {
            *segment = Segment::Filtered(name);
        }
        Ok(())
    }

    fn rename(&mut self, from: Vec<Segment>, to: &Value, target: Target) -> Result<()> {
        let Value::String(new) = to else {
            return Err(target.invalid("it needs the new name, a string"));
        };
        let to = self.path(new, &target)?;
        let (Some(from_names), Some(to_names)) = (names(&from), names(&to)) else {
            return Err(target.invalid("it cannot move elements of arrays"));
        };
        let placeholder = |path: &Wtf8String| {
            let target = Target { operator: target.operator, path: path.clone() };
            Arc::new(Leaf { target, operator: Operator::Rename })
        };
        self.leaves.push((from, placeholder(&target.path)));
        self.leaves.push((to, placeholder(new)));
        self.renames.push(Rename { target, from: from_names, to: to_names });
        Ok(())
    }

    fn finish(self) -> Result<Update> {
        let root = Place::root("arrayFilters");
        if let Some(unused) = self.used.iter().position(|used| !used) {
            let name = self.array_filters.get(unused).map(|filter| filter.name.to_string());
            let why = format!("no path of the update has $[{}]", name.unwrap_or_default());
            return Err(root.index(unused).error(ErrorCode::InvalidUpdate, why));
        }
        let all = self.tree(|_| true)?;
        let insertions = match self.renames.is_empty() {
            true => all,
            false => self.tree(|leaf| !matches!(leaf.operator, Operator::Rename))?,
        };
        let changes = match self.on_insert {
            false => insertions.clone(),
            true => self.tree(|leaf| {
                leaf.target.operator != SET_ON_INSERT && !matches!(leaf.operator, Operator::Rename)
            })?,
        };
        let Self { renames, array_filters, expressions, .. } = self;
        let single = match (&changes, renames.is_empty()) {
            (Some(tree), true) => SingleField::of(tree),
            _ => None,
        };
        Ok(Update { renames, changes, insertions, array_filters, expressions, single })
    }

    /// The tree of the leaves for which `belongs` holds.
    fn tree(&self, belongs: impl Fn(&Leaf) -> bool) -> Result<Option<Arc<Node>>> {
        let filter = |name: &[u8]| {
            let found = self.array_filters.iter().position(|each| each.name.as_bytes() == name);
            found.unwrap_or(usize::MAX)
        };
        let mut tree: Option<Node> = None;
        for (path, leaf) in self.leaves.iter().filter(|(_, leaf)| belongs(leaf)) {
            let node = Node::of_path(path, leaf, &filter);
            match &mut tree {
                Some(tree) => tree.merge(node)?,
                None => tree = Some(node),
            }
        }
        Ok(tree.map(Arc::new))
    }
}

/// The names of a path that has nothing else.
fn names(path: &[Segment]) -> Option<Vec<Name>> {
    path.iter()
        .map(|segment| match segment {
            Segment::Name(name) => Some(name.clone()),
            Segment::Every | Segment::Filtered(_) | Segment::Matched => None,
        })
        .collect()
}

fn parse_array_filters(filters: Option<&Value>) -> Result<Vec<ArrayFilter>> {
    let root = Place::root("arrayFilters");
    let list = match filters {
        None | Some(Value::Undefined) => return Ok(Vec::new()),
        Some(Value::Array(array)) => &array.items,
        Some(_) => {
            let why = "it must be an array of filters";
            return Err(root.error(ErrorCode::InvalidUpdate, why));
        }
    };
    let mut parsed: Vec<ArrayFilter> = Vec::with_capacity(list.len());
    for (position, filter) in list.iter().enumerate() {
        let place = root.index(position);
        let filter = ArrayFilter::parse(filter, &place)?;
        if parsed.iter().any(|other| other.name == filter.name) {
            let why = format!("there are two filters for $[{}]; join them with $and", filter.name);
            return Err(place.error(ErrorCode::InvalidUpdate, why));
        }
        parsed.push(filter);
    }
    Ok(parsed)
}

fn parse_operator(operand: &Value, target: &Target) -> Result<Operator> {
    Ok(match target.operator {
        "$set" | SET_ON_INSERT => Operator::Set(operand.clone()),
        "$unset" => Operator::Unset,
        "$inc" => Operator::Inc(number(operand, target)?),
        "$mul" => Operator::Mul(number(operand, target)?),
        "$min" => Operator::Min(operand.clone()),
        "$max" => Operator::Max(operand.clone()),
        "$currentDate" => current_date(operand, target)?,
        "$bit" => bit(operand, target)?,
        "$push" => push(operand, target)?,
        "$addToSet" => add_to_set(operand, target)?,
        "$pop" => match count(operand) {
            Some(1) => Operator::Pop { first: false },
            Some(-1) => Operator::Pop { first: true },
            _ => return Err(target.invalid("it needs 1 (the last element) or -1 (the first one)")),
        },
        "$pull" => Operator::Pull(Matcher::parse(operand, target)?),
        _ => {
            let values = list(operand).ok_or_else(|| target.invalid("it needs an array"))?;
            Operator::PullAll(values.iter().map(order::bytes).collect())
        }
    })
}

/// The items of an array without holes.
fn list(value: &Value) -> Option<&[Value]> {
    let Value::Array(array) = value else { return None };
    let has_holes = array.items.iter().any(|item| matches!(item, Value::Holes(_)));
    (!has_holes).then_some(&array.items)
}

fn current_date(operand: &Value, target: &Target) -> Result<Operator> {
    let is_date = match operand {
        Value::Bool(value) => *value,
        Value::Object(fields) => {
            let mut fields = fields.iter();
            let only = fields.next().filter(|_| fields.next().is_none());
            only.is_some_and(|(name, value)| {
                name.as_bytes() == b"$type"
                    && matches!(value, Value::String(text) if text.as_bytes() == b"date")
            })
        }
        _ => false,
    };
    match is_date {
        true => Ok(Operator::CurrentDate),
        false => Err(target.invalid("it needs true or { $type: 'date' }")),
    }
}

fn bit(operand: &Value, target: &Target) -> Result<Operator> {
    let invalid = || {
        target
            .invalid("it needs an object such as { and: 5 }, with and, or, xor, and whole numbers")
    };
    let Value::Object(fields) = operand else { return Err(invalid()) };
    let mut operations = Vec::new();
    for (name, value) in fields.iter() {
        let operation = match name.as_bytes() {
            b"and" => BitOperation::And,
            b"or" => BitOperation::Or,
            b"xor" => BitOperation::Xor,
            _ => return Err(invalid()),
        };
        if !has_bits(value) {
            return Err(invalid());
        }
        operations.push((operation, value.clone()));
    }
    if operations.is_empty() { Err(invalid()) } else { Ok(Operator::Bit(operations)) }
}

/// The modifiers of an operand that is an object with `$each`; an error for one that has other
/// names with `$`, `None` for a plain value.
fn modifiers<'v>(operand: &'v Value, target: &Target) -> Result<Option<&'v Fields>> {
    let Value::Object(fields) = operand else { return Ok(None) };
    let is_modifier = |name: &Wtf8String| name.as_bytes().starts_with(b"$");
    if fields.names().iter().any(|name| name.as_bytes() == b"$each") {
        return Ok(Some(fields));
    }
    match fields.names().iter().any(is_modifier) {
        true => Err(target.invalid("modifiers such as $slice need $each beside them")),
        false => Ok(None),
    }
}

fn push(operand: &Value, target: &Target) -> Result<Operator> {
    let Some(fields) = modifiers(operand, target)? else {
        return Ok(Operator::Push(Push { each: vec![operand.clone()], ..Push::default() }));
    };
    let mut push = Push::default();
    for (name, value) in fields.iter() {
        let whole =
            || count(value).ok_or_else(|| target.invalid(format!("{name} needs a whole number")));
        match name.as_bytes() {
            b"$each" => push.each = each(value, target)?,
            b"$position" => push.position = Some(whole()?),
            b"$slice" => push.slice = Some(whole()?),
            b"$sort" => push.sort = Some(sort(value, target)?),
            _ => return Err(target.invalid(format!("there is no modifier {name}"))),
        }
    }
    Ok(Operator::Push(push))
}

fn add_to_set(operand: &Value, target: &Target) -> Result<Operator> {
    let Some(fields) = modifiers(operand, target)? else {
        return Ok(Operator::AddToSet(vec![operand.clone()]));
    };
    let mut values = Vec::new();
    for (name, value) in fields.iter() {
        match name.as_bytes() {
            b"$each" => values = each(value, target)?,
            _ => return Err(target.invalid(format!("there is no modifier {name}"))),
        }
    }
    Ok(Operator::AddToSet(values))
}

fn each(value: &Value, target: &Target) -> Result<Vec<Value>> {
    let items = list(value).ok_or_else(|| target.invalid("$each needs an array without holes"))?;
    Ok(items.to_vec())
}

fn sort(value: &Value, target: &Target) -> Result<Sort> {
    let invalid =
        || target.invalid("$sort needs 1, -1, or an object of fields such as { score: -1 }");
    let descending = |value: &Value| match count(value) {
        Some(1) => Ok(false),
        Some(-1) => Ok(true),
        _ => Err(invalid()),
    };
    let Value::Object(fields) = value else {
        return Ok(Sort::Elements { descending: descending(value)? });
    };
    let mut parsed = Vec::new();
    for (name, direction) in fields.iter() {
        let root = Place::root(UPDATE);
        let operator = root.word(target.operator);
        let segments = path::parse(name, &operator.field(&target.path))?;
        let path = names(&segments).ok_or_else(invalid)?;
        parsed.push(SortField { path, descending: descending(direction)? });
    }
    if parsed.is_empty() { Err(invalid()) } else { Ok(Sort::Fields(parsed)) }
}
