//! From values to syntax trees.

use std::cell::Cell;
use std::sync::Arc;

use super::operators::{self, Form, Operator};
use super::pattern;
use super::tree::{Node, Special, Variable};
use crate::error::Result;
use crate::query::nearest::Measure;
use crate::query::place::Place;
use crate::value::{FieldPath, Fields, Value};
use crate::wtf8::Wtf8String;

/// How deep expressions may nest.
const MAX_NESTING: usize = 100;
/// Names in a path.
const MAX_SEGMENTS: usize = 200;

/// The variable that holds what a search found of a document; no expression can name it.
pub(in crate::query) fn measure_variable(measure: Measure) -> Wtf8String {
    Wtf8String::from(format!("$meta.{}", measure.name()).as_str())
}

/// What is known where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Parser<'a> {
    /// Names of variables that are given from outside.
    outer: &'a [Wtf8String],
    /// Whether one of them is used.
    uses_outer: &'a Cell<bool>,
    /// The variables that the expressions around bind, the innermost last.
    bound: &'a Bound<'a>,
    depth: usize,
}

/// A list of bound names, from the innermost outwards.
pub(super) enum Bound<'a> {
    None,
    Names(&'a [Wtf8String], &'a Bound<'a>),
}

impl<'a> Parser<'a> {
    /// A parser that knows variables from outside.
    pub(super) fn new(outer: &'a [Wtf8String], uses_outer: &'a Cell<bool>) -> Self {
        Self { outer, uses_outer, bound: &Bound::None, depth: 0 }
    }

    /// The parser for expressions in which these variables are bound as well.
    fn binding<'b>(self, bound: &'b Bound<'b>) -> Parser<'b>
    where
        'a: 'b,
    {
        Parser { bound, ..self }
    }

    /// Parses any expression.
    pub(super) fn parse(mut self, value: &Value, place: &Place<'_>) -> Result<Node> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(place.invalid("nested deeper than 100"));
        }
        match value {
            Value::String(text) => self.text(text, place),
            Value::Array(array) => {
                let items = array.items.iter().enumerate();
                let items = items.map(|(at, item)| self.parse(item, &place.index(at)));
                Ok(Node::Array(items.collect::<Result<_>>()?))
            }
            Value::Object(fields) => self.object(fields, place),
            Value::Holes(_) | Value::Undefined => Ok(Node::Literal(Value::Null)),
            Value::Shared { value, .. } => self.parse(value, place),
            Value::Reference(_) => Err(place.invalid("the object contains itself")),
            other => Ok(Node::Literal(other.clone())),
        }
    }

    fn text(self, text: &Wtf8String, place: &Place<'_>) -> Result<Node> {
        if let Some(name) = text.as_bytes().strip_prefix(b"$$") {
            let (name, path) = match name.iter().position(|byte| *byte == b'.') {
                Some(dot) => (name.get(..dot), name.get(dot + 1..)),
                None => (Some(name), None),
            };
            let path = match path {
                Some(path) => field_path(path, place)?,
                None => FieldPath::from_names([]),
            };
            return self.variable(&Wtf8String::joined(name.unwrap_or_default()), path, place);
        }
        match text.as_bytes().strip_prefix(b"$") {
            Some(path) => Ok(Node::Field(field_path(path, place)?)),
            None => Ok(Node::Literal(Value::String(text.clone()))),
        }
    }

    fn variable(self, name: &Wtf8String, path: FieldPath, place: &Place<'_>) -> Result<Node> {
        let mut outwards = 0;
        let mut bound = self.bound;
        while let Bound::Names(names, around) = bound {
            if let Some(index) = names.iter().position(|known| known == name) {
                return Ok(Node::Variable(Variable::Bound { outwards, index }, path));
            }
            outwards += 1;
            bound = around;
        }
        if let Some(at) = self.outer.iter().rposition(|known| known == name) {
            self.uses_outer.set(true);
            return Ok(Node::Variable(Variable::Outer(at), path));
        }
        let is_whole = path.segments().is_empty();
        Ok(match name.as_str() {
            Some("ROOT" | "CURRENT") => Node::Field(path),
            Some("NOW") if is_whole => Node::Now,
            Some("REMOVE") if is_whole => Node::Literal(Value::Undefined),
            Some("isInsert") if is_whole => Node::Inserts(true),
            Some("isUpdate") if is_whole => Node::Inserts(false),
            _ => return Err(place.invalid(format!("there is no variable $${name} here"))),
        })
    }

    fn object(self, fields: &Fields, place: &Place<'_>) -> Result<Node> {
        let names = fields.names();
        let Some(operator) = names.iter().find(|name| name.as_bytes().starts_with(b"$")) else {
            if let Some(name) = names.iter().find(|name| name.as_bytes().contains(&b'.')) {
                let why = "a field of an object may have no dot in its name; use nested objects";
                return Err(place.field(name).invalid(why));
            }
            let values = fields.iter().map(|(name, value)| self.parse(value, &place.field(name)));
            return Ok(Node::Object(Arc::clone(names), values.collect::<Result<_>>()?));
        };
        let here = place.field(operator);
        match fields.values() {
            [operand] => self.operator(operator, operand, &here),
            _ => Err(here.invalid("an operator stands alone in its object")),
        }
    }

    fn operator(self, name: &Wtf8String, operand: &Value, place: &Place<'_>) -> Result<Node> {
        let name = name.as_str().unwrap_or_default();
        if let Some(operator) = operators::find(name) {
            return self.call(operator, operand, place);
        }
        match self.special(name, operand, place)? {
            Some(node) => Ok(node),
            None => Err(place.invalid("there is no such operator in expressions")),
        }
    }

    fn call(self, operator: &'static Operator, operand: &Value, place: &Place<'_>) -> Result<Node> {
        let named = |names: &[&str], needed| -> Result<(Vec<Node>, u32)> {
            let parts = self.named(operand, names, needed, place)?;
            let given = (0..).zip(&parts).filter(|(_, part)| part.is_some());
            let given = given.fold(0, |bits, (at, _)| bits | 1u32 << at);
            Ok((parts.into_iter().map(|part| part.unwrap_or(MISSING)).collect(), given))
        };
        let (arguments, given) = match operator.form {
            Form::List(least, most) => (self.list(operand, least, most, place)?, 0),
            Form::Named(names, needed) => named(names, needed)?,
            Form::Short(names, needed) if has_names(operand) => named(names, needed)?,
            Form::Short(names, _) => {
                let [first] = <[Node; 1]>::try_from(self.list(operand, 1, 1, place)?)
                    .map_err(|_| place.invalid("it needs one operand"))?;
                let mut arguments = vec![MISSING; names.len()];
                if let Some(place) = arguments.first_mut() {
                    *place = first;
                }
                (arguments, 1)
            }
        };
        let mut node = Node::Call { operator, arguments, given };
        match operator.name {
            "$regexMatch" | "$regexFind" | "$regexFindAll" => return regex(node, place),
            "$getField" => default_argument(&mut node, 1, Node::Field(FieldPath::from_names([]))),
            "$unsetField" => {
                if let Node::Call { arguments, .. } = &mut node {
                    arguments.push(MISSING);
                }
            }
            "$percentile" if given & 4 == 0 => return Err(place.invalid("it needs p")),
            _ => {}
        }
        Ok(node)
    }

    /// Operands in a list, or a single one.
    fn list(
        self,
        operand: &Value,
        least: usize,
        most: usize,
        place: &Place<'_>,
    ) -> Result<Vec<Node>> {
        let nodes = match operand {
            Value::Array(array) => {
                let items = array.items.iter().enumerate();
                let items = items.map(|(at, item)| self.parse(item, &place.index(at)));
                items.collect::<Result<Vec<_>>>()?
            }
            operand => vec![self.parse(operand, place)?],
        };
        if nodes.len() < least || nodes.len() > most {
            return Err(place.invalid(match (least, most) {
                (1, 1) => "it needs one operand".to_owned(),
                (least, usize::MAX) => format!("it needs {least} operands or more"),
                (least, most) if least == most => format!("it needs {least} operands"),
                (least, most) => format!("it needs {least} to {most} operands"),
            }));
        }
        Ok(nodes)
    }

    /// The values of an object with known names.
    fn named(
        self,
        operand: &Value,
        names: &[&str],
        needed: usize,
        place: &Place<'_>,
    ) -> Result<Vec<Option<Node>>> {
        let mut parts = vec![None; names.len()];
        for (name, value) in named_fields(operand, names, needed, place)?.into_iter() {
            if let Some(part) = parts.get_mut(name) {
                let name = names.get(name).copied().unwrap_or_default();
                *part = Some(self.parse(value, &place.word(name))?);
            }
        }
        Ok(parts)
    }

    /// Operators that evaluate their parts as they need them.
    fn special(self, name: &str, operand: &Value, place: &Place<'_>) -> Result<Option<Node>> {
        let special = match name {
            "$literal" => return Ok(Some(Node::Literal(literal(operand, place)?))),
            "$meta" => return self.measure(operand, place).map(Some),
            "$isInsert" => return Ok(Some(Node::Inserts(true))),
            "$isUpdate" => return Ok(Some(Node::Inserts(false))),
            "$and" => Special::And(self.list(operand, 0, usize::MAX, place)?),
            "$or" => Special::Or(self.list(operand, 0, usize::MAX, place)?),
            "$ifNull" => Special::IfNull(self.list(operand, 2, usize::MAX, place)?),
            "$cond" => {
                let [condition, then, otherwise] = match operand {
                    Value::Array(_) => exactly(self.list(operand, 3, 3, place)?, place)?,
                    _ => needed(self.named(operand, &["if", "then", "else"], 3, place)?, place)?,
                };
                Special::If { condition, then, otherwise }
            }
            "$switch" => self.switch(operand, place)?,
            "$let" => self.bind(operand, place)?,
            "$map" => self.map(operand, place)?,
            "$filter" => self.filter(operand, place)?,
            "$reduce" => self.reduce(operand, place)?,
            "$convert" => {
                let names = ["input", "to", "onError", "onNull"];
                let [input, to, on_error, on_null] =
                    exactly(self.named(operand, &names, 2, place)?, place)?;
                let [input, to] = needed(vec![input, to], place)?;
                Special::Convert { input, to, on_error, on_null }
            }
            "$dateFromString" => {
                let names = ["dateString", "format", "timezone", "onError", "onNull"];
                let [text, format, zone, on_error, on_null] =
                    exactly(self.named(operand, &names, 1, place)?, place)?;
                let [text] = needed(vec![text], place)?;
                Special::DateFromString { text, format, zone, on_error, on_null }
            }
            _ => return Ok(None),
        };
        Ok(Some(Node::Special(Box::new(special))))
    }

    /// What a search found of the document.
    fn measure(self, operand: &Value, place: &Place<'_>) -> Result<Node> {
        let name = measure_variable(Measure::of(operand, place)?);
        let known = self.outer.iter().position(|known| *known == name);
        let at = known.ok_or_else(|| {
            place.invalid(
                "it is known behind $vectorSearch only, and up to the first stage that lets \
                 documents wait, such as $sort or $group; $set it in a field before that",
            )
        })?;
        self.uses_outer.set(true);
        Ok(Node::Variable(Variable::Outer(at), FieldPath::from_names([])))
    }

    fn switch(self, operand: &Value, place: &Place<'_>) -> Result<Special> {
        let fields = named_fields(operand, &["branches", "default"], 1, place)?;
        let mut default = None;
        let mut branches = Vec::new();
        for (at, value) in fields {
            if at == 1 {
                default = Some(self.parse(value, &place.word("default"))?);
                continue;
            }
            let place = place.word("branches");
            let Value::Array(list) = value else {
                return Err(place.invalid("it needs a list of { case, then }"));
            };
            for (at, branch) in list.items.iter().enumerate() {
                let place = place.index(at);
                let parts = self.named(branch, &["case", "then"], 2, &place)?;
                let [case, then] = needed(parts, &place)?;
                branches.push((case, then));
            }
        }
        if branches.is_empty() {
            return Err(place.word("branches").invalid("it needs at least one branch"));
        }
        Ok(Special::Switch { branches, default })
    }

    fn bind(self, operand: &Value, place: &Place<'_>) -> Result<Special> {
        let mut values = Vec::new();
        let mut names: &[Wtf8String] = &[];
        let fields = named_fields(operand, &["vars", "in"], 2, place)?;
        for value in fields.iter().filter(|(at, _)| *at == 0).map(|(_, value)| value) {
            let place = place.word("vars");
            let Value::Object(variables) = value else {
                return Err(place.invalid("it needs an object of variables"));
            };
            for (name, value) in variables.iter() {
                check_variable(name, &place.field(name))?;
                values.push(self.parse(value, &place.field(name))?);
            }
            names = variables.names();
        }
        let bound = Bound::Names(names, self.bound);
        let body = fields.iter().find(|(at, _)| *at == 1).map_or(&Value::Null, |(_, body)| body);
        let body = self.binding(&bound).parse(body, &place.word("in"))?;
        Ok(Special::Let { values, body })
    }

    /// The input of `$map` or `$filter`, and the name of the elements.
    fn elements(self, fields: &[(usize, &Value)], place: &Place<'_>) -> Result<(Node, Wtf8String)> {
        let mut input = MISSING;
        let mut name = Wtf8String::from("this");
        for (at, value) in fields {
            match (at, value) {
                (0, value) => input = self.parse(value, &place.word("input"))?,
                (2, Value::String(text)) => {
                    check_variable(text, &place.word("as"))?;
                    name = text.clone();
                }
                (2, _) => return Err(place.word("as").invalid("it needs a name")),
                _ => {}
            }
        }
        Ok((input, name))
    }

    fn map(self, operand: &Value, place: &Place<'_>) -> Result<Special> {
        let fields = named_fields(operand, &["input", "in", "as"], 2, place)?;
        let (input, name) = self.elements(&fields, place)?;
        let names = [name];
        let bound = Bound::Names(&names, self.bound);
        let body = fields.iter().find(|(at, _)| *at == 1).map_or(&Value::Null, |(_, body)| body);
        let body = self.binding(&bound).parse(body, &place.word("in"))?;
        Ok(Special::Map { input, body })
    }

    fn filter(self, operand: &Value, place: &Place<'_>) -> Result<Special> {
        let fields = named_fields(operand, &["input", "cond", "as", "limit"], 2, place)?;
        let (input, name) = self.elements(&fields, place)?;
        let names = [name];
        let bound = Bound::Names(&names, self.bound);
        let part = |wanted| fields.iter().find(|(at, _)| *at == wanted).map(|(_, value)| *value);
        let condition = part(1).unwrap_or(&Value::Null);
        let condition = self.binding(&bound).parse(condition, &place.word("cond"))?;
        let limit = part(3).map(|limit| self.parse(limit, &place.word("limit"))).transpose()?;
        Ok(Special::Filter { input, condition, limit })
    }

    fn reduce(self, operand: &Value, place: &Place<'_>) -> Result<Special> {
        let names = ["input", "initialValue", "in"];
        let fields = named_fields(operand, &names, 3, place)?;
        let variables = ["this".into(), "value".into()];
        let bound = Bound::Names(&variables, self.bound);
        let (mut input, mut initial, mut body) = (MISSING, MISSING, MISSING);
        for (at, value) in fields {
            match at {
                0 => input = self.parse(value, &place.word("input"))?,
                1 => initial = self.parse(value, &place.word("initialValue"))?,
                _ => body = self.binding(&bound).parse(value, &place.word("in"))?,
            }
        }
        Ok(Special::Reduce { input, initial, body })
    }
}

const MISSING: Node = Node::Literal(Value::Undefined);

fn exactly<T, const N: usize>(parts: Vec<T>, place: &Place<'_>) -> Result<[T; N]> {
    parts.try_into().map_err(|_| place.invalid(format!("it needs {N} operands")))
}

fn needed<const N: usize>(parts: Vec<Option<Node>>, place: &Place<'_>) -> Result<[Node; N]> {
    exactly(parts.into_iter().flatten().collect(), place)
}

/// Whether an operand is an object of named arguments rather than an expression.
fn has_names(operand: &Value) -> bool {
    let Value::Object(fields) = operand else { return false };
    !fields.names().iter().any(|name| name.as_bytes().starts_with(b"$"))
}

/// The fields of an object by their place among the known names, of which the first are needed.
fn named_fields<'v>(
    operand: &'v Value,
    names: &[&str],
    needed: usize,
    place: &Place<'_>,
) -> Result<Vec<(usize, &'v Value)>> {
    let Value::Object(fields) = operand else {
        return Err(place.invalid(format!("it needs an object with {}", names.join(", "))));
    };
    let mut found = Vec::with_capacity(fields.names().len());
    for (name, value) in fields.iter() {
        match names.iter().position(|known| name.as_str() == Some(known)) {
            Some(at) => found.push((at, value)),
            None => {
                let why = format!("there is no such argument; there are {}", names.join(", "));
                return Err(place.field(name).invalid(why));
            }
        }
    }
    for (at, name) in names.iter().enumerate().take(needed) {
        if !found.iter().any(|(given, _)| *given == at) {
            return Err(place.invalid(format!("it needs {name}")));
        }
    }
    Ok(found)
}

/// Checks the name of a variable that a query binds.
pub(in crate::query) fn check_variable(name: &Wtf8String, place: &Place<'_>) -> Result<()> {
    let is_name = match name.as_bytes() {
        [first, rest @ ..] => {
            (first.is_ascii_lowercase() || *first >= 0x80)
                && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)
        }
        [] => false,
    };
    if is_name {
        return Ok(());
    }
    Err(place.invalid("a variable's name begins with a small letter and has letters, digits and _"))
}

/// The names of a dotted path.
pub(in crate::query) fn field_path(path: &[u8], place: &Place<'_>) -> Result<FieldPath> {
    let names = path.split(|byte| *byte == b'.').map(Wtf8String::joined);
    let names: Vec<_> = names.take(MAX_SEGMENTS + 1).collect();
    if names.len() > MAX_SEGMENTS {
        return Err(place.invalid("a path may have 200 names at most"));
    }
    if names.iter().any(Wtf8String::is_empty) {
        return Err(place.invalid("a path needs a name before and after each dot"));
    }
    if names.iter().any(|name| name.as_bytes().starts_with(b"$")) {
        return Err(place.invalid("a name in a path may not begin with $; use $getField"));
    }
    Ok(FieldPath::from_names(names))
}

/// A literal, which must not refer to itself.
fn literal(value: &Value, place: &Place<'_>) -> Result<Value> {
    match value {
        Value::Shared { .. } | Value::Reference(_) => {
            Err(place.invalid("the object contains itself"))
        }
        Value::Undefined | Value::Holes(_) => Ok(Value::Null),
        other => Ok(other.clone()),
    }
}

/// Compiles the pattern of `$regexMatch` and so on where it is a literal.
fn regex(node: Node, place: &Place<'_>) -> Result<Node> {
    let Node::Call { operator, arguments, given } = node else { return Ok(node) };
    let [input, pattern, options] = exactly(arguments, place)?;
    Ok(match (&pattern, &options) {
        (Node::Literal(Value::Null | Value::Undefined), _) => {
            Node::Call { operator, arguments: vec![input, pattern, options], given }
        }
        (Node::Literal(pattern), Node::Literal(options)) => {
            let regex = pattern::compile(pattern, options, place)?;
            Node::Special(Box::new(Special::Search { operator, input, regex }))
        }
        _ => Node::Call { operator, arguments: vec![input, pattern, options], given },
    })
}

fn default_argument(node: &mut Node, index: u32, default: Node) {
    if let Node::Call { arguments, given, .. } = node
        && *given >> index & 1 == 0
        && let Some(argument) = arguments.get_mut(index as usize)
    {
        *argument = default;
    }
}
