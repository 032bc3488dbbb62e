//! What an index may answer of a pipeline: a first stage that groups by fields.

use std::sync::Arc;

use super::Pipeline;
use super::accumulator::Kind;
use super::document::{Document, Input, Operand, object_of};
use super::execution::View;
use super::group::{Group, Key};
use super::simple::Values;
use super::stage::Stage;
use crate::error::Result;
use crate::query::Meter;
use crate::value::{FieldPath, Fields, Lookup, NoShapes, ShapeTable, Value, encode, lookup, root};

/// Constants up to this are added up exactly, however often.
const MAX_CONSTANT: f64 = 1_024.0;

/// A first stage that groups by fields alone.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// The fields.
    pub paths: Vec<FieldPath>,
    /// What comes behind it: whether the groups are wanted in the order of their `_id`, and then
    /// whether the greatest comes first.
    pub order: Option<bool>,
    /// How many groups are of use.
    pub limit: Option<u64>,
    /// Bytes that a table of groups may take.
    pub memory: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Group(Box<Group>),
    Distinct(FieldPath),
}

impl Grouping {
    /// The stage's name.
    pub fn stage(&self) -> &'static str {
        match &self.what {
            What::Group(group) => group.stage,
            What::Distinct(_) => "$distinct",
        }
    }

    /// Whether nothing of a group is wanted but how many documents it has.
    pub fn only_counts(&self) -> bool {
        let What::Group(group) = &self.what else { return true };
        group.accumulators.iter().all(|accumulator| match (&accumulator.kind, &accumulator.input) {
            (Kind::Count, _) => true,
            (Kind::Sum, Input::Constant(Value::Number(number))) => {
                number.fract() == 0.0 && (1.0..=MAX_CONSTANT).contains(number)
            }
            _ => false,
        })
    }

    /// Whether only the groups themselves are wanted.
    pub fn only_keys(&self) -> bool {
        match &self.what {
            What::Group(group) => group.accumulators.is_empty(),
            What::Distinct(_) => true,
        }
    }

    /// Whether it gives values once, and none of missing fields.
    pub fn is_distinct(&self) -> bool {
        matches!(self.what, What::Distinct(_))
    }

    /// Whether a missing field makes another group than null, or none.
    pub fn tells_missing_apart(&self) -> bool {
        match &self.what {
            What::Group(group) => matches!(group.key, Key::Object(..)),
            What::Distinct(_) => true,
        }
    }

    /// The group of a document, and the bytes by which groups are compared; `None`: it has none.
    ///
    /// # Errors
    /// `CORRUPT`.
    pub fn of_document(
        &self,
        bytes: &[u8],
        shapes: &Arc<ShapeTable>,
        now: f64,
    ) -> Result<Option<(Vec<u8>, Value)>> {
        let view = View { shapes, now, variables: &[], meter: &Meter::default() };
        let document = Document::Stored(bytes, shapes);
        let mut order = Vec::new();
        match &self.what {
            What::Group(group) => {
                group.key.push(&document, view, &mut order)?;
                group.key.value(&document, view).map(|value| Some((order, value)))
            }
            What::Distinct(path) => {
                let Lookup::Found(value) = lookup(root(bytes)?, path, &**shapes)? else {
                    return Ok(None);
                };
                let operand = Operand::Stored(value, shapes);
                if operand.is_missing()? {
                    return Ok(None);
                }
                operand.push_order(&mut order)?;
                operand.into_value().map(|value| Some((order, value)))
            }
        }
    }

    /// The group of documents with these values in its fields.
    pub fn of_values(&self, mut values: Vec<Value>) -> Value {
        if let What::Group(group) = &self.what
            && let Key::Object(names, _) = &group.key
        {
            return Value::Object(
                Fields::from_parts(Arc::clone(names), values).unwrap_or_default(),
            );
        }
        values.pop().unwrap_or(Value::Null)
    }

    /// The encoded row of a group of so many documents.
    ///
    /// # Errors
    /// `DATA_CLONE` if a group is nested too deeply.
    pub fn row(&self, key: Value, count: u64) -> Result<Vec<u8>> {
        let row = match &self.what {
            What::Distinct(_) => object_of("_id", key),
            What::Group(group) => {
                let mut values = vec![key];
                values.extend(group.accumulators.iter().map(
                    |accumulator| match &accumulator.input {
                        Input::Constant(Value::Number(each)) => Value::Number(each * count as f64),
                        _ => Value::Number(count as f64),
                    },
                ));
                let names = group.names.clone();
                Value::Object(Fields::from_parts(names, values).unwrap_or_default())
            }
        };
        encode(&row, &NoShapes)
    }
}

/// The path that an input is, if no name in it may be the place of an element.
fn path_of(input: &Input) -> Option<FieldPath> {
    let Input::Field(path, _) = input else { return None };
    plain(path)
}

fn plain(path: &FieldPath) -> Option<FieldPath> {
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = path
        .segments()
        .iter()
        .all(|segment| segment.name().as_str().is_none_or(|name| !is_number(name)));
    is_plain.then(|| path.clone())
}

impl Pipeline {
    /// How the first stage groups, if an index may tell; `memory` is what the pipeline may take.
    pub fn grouping(&self, memory: usize) -> Option<Grouping> {
        let what = match self.stages.first()? {
            Stage::Group(group) if group.stage != "$bucket" => What::Group(Box::new(group.clone())),
            Stage::Distinct(Values::At(path)) => What::Distinct(path.fields().clone()),
            _ => return None,
        };
        let paths: Option<Vec<_>> = match &what {
            What::Distinct(path) => plain(path).map(|path| vec![path]),
            What::Group(group) => match &group.key {
                Key::One(input) => path_of(input).map(|path| vec![path]),
                Key::Object(_, inputs) => inputs.iter().map(path_of).collect(),
                Key::Bucket(..) => None,
            },
        };
        let paths = paths.filter(|paths| !paths.is_empty())?;
        // Groups of one field come in the order of their `_id`.
        let is_one = match &what {
            What::Group(group) => matches!(group.key, Key::One(_)),
            What::Distinct(_) => true,
        };
        let order = match self.stages.get(1) {
            Some(Stage::Sort(parts)) if is_one => match parts.as_slice() {
                [part] if part.path.to_string() == "_id" => Some(part.descending),
                _ => None,
            },
            _ => None,
        };
        let behind = self.stages.get(1 + usize::from(order.is_some())..).unwrap_or_default();
        let limit = super::stage::useful(behind);
        Some(Grouping { paths, order, limit, memory, what })
    }

    /// Leaves out the first stage, whose rows are given instead of documents, and the sort behind
    /// it if they come in its order.
    pub fn without_group(&mut self, is_ordered: bool) {
        self.stages.drain(..1);
        if is_ordered && let Some(stage) = self.stages.first_mut() {
            *stage = Stage::InOrder("$sort");
        }
    }

    /// Gives the groups of the first stage one by one, since their documents come together, and
    /// leaves out the sort behind it if they come in its order.
    pub fn stream_group(&mut self, is_ordered: bool) {
        if let Some(Stage::Group(group)) = self.stages.first_mut() {
            group.streams = true;
        }
        if is_ordered && let Some(stage) = self.stages.get_mut(1) {
            *stage = Stage::InOrder("$sort");
        }
    }
}
