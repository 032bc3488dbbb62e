//! `$type`.

use crate::error::Result;
use crate::query::order::Class;
use crate::query::place::Place;
use crate::value::{Kind, Value, ValueRef};

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u32);

macro_rules! types {
    ($($bit:ident = $place:literal;)+) => {
        $(const $bit: u32 = 1 << $place;)+
    };
}

types! {
    INT = 0; LONG = 1; DOUBLE = 2; STRING = 3; OBJECT = 4; ARRAY = 5; BINARY = 6; BOOL = 7;
    DATE = 8; NULL = 9; REGEX = 10; MAP = 11; SET = 12; ERROR = 13; BOXED = 14; BLOB = 15;
}

/// Names and, where MongoDB has one, numbers.
const NAMES: &[(&str, Option<i32>, u32)] = &[
    ("double", Some(1), DOUBLE),
    ("string", Some(2), STRING),
    ("object", Some(3), OBJECT),
    ("array", Some(4), ARRAY),
    ("binData", Some(5), BINARY),
    ("bool", Some(8), BOOL),
    ("date", Some(9), DATE),
    ("null", Some(10), NULL),
    ("regex", Some(11), REGEX),
    ("int", Some(16), INT),
    ("long", Some(18), LONG),
    ("number", None, INT | LONG | DOUBLE),
    ("boolean", None, BOOL),
    ("bigint", None, LONG),
    ("binary", None, BINARY),
    ("map", None, MAP),
    ("set", None, SET),
    ("error", None, ERROR),
    ("boxed", None, BOXED),
    ("blob", None, BLOB),
];

impl Types {
    /// Parses a name, a number, or a list of such.
    pub(super) fn parse(value: &Value, place: &Place<'_>) -> Result<Self> {
        let Value::Array(list) = value else { return one(value, place).map(Self) };
        if list.items.is_empty() {
            return Err(place.invalid("the list of types is empty"));
        }
        let types = list.items.iter().enumerate();
        let mut bits = types.map(|(at, item)| one(item, &place.index(at)));
        bits.try_fold(0, |all, bits| Ok(all | bits?)).map(Self)
    }

    /// The classes of values that are among the types, or have some that are.
    pub fn classes(self) -> impl Iterator<Item = Class> {
        const CLASSES: &[(u32, Class)] = &[
            (INT | LONG | DOUBLE, Class::Number),
            (STRING, Class::String),
            (OBJECT, Class::Object),
            (ARRAY, Class::Array),
            (BINARY, Class::Binary),
            (BOOL, Class::Bool),
            (DATE, Class::Date),
            (NULL, Class::Null),
            (REGEX, Class::RegExp),
            (MAP, Class::Map),
            (SET, Class::Set),
            (ERROR, Class::Error),
            (BOXED, Class::Boxed),
            (BLOB, Class::Blob),
        ];
        CLASSES.iter().filter(move |(bits, _)| self.0 & bits != 0).map(|(_, class)| *class)
    }

    pub(super) fn matches(self, value: ValueRef<'_>) -> Result<bool> {
        let bit = match value.kind()? {
            Kind::Null => NULL,
            Kind::Undefined => 0,
            Kind::Bool => BOOL,
            Kind::Number => match value.as_number()? {
                Some(number) if number.trunc() == number && number.abs() <= f64::from(i32::MAX) => {
                    INT
                }
                Some(number) if number == f64::from(i32::MIN) => INT,
                _ => DOUBLE,
            },
            Kind::BigInt => LONG,
            Kind::String => STRING,
            Kind::Date => DATE,
            Kind::RegExp => REGEX,
            Kind::Object => OBJECT,
            Kind::Array => ARRAY,
            Kind::Map => MAP,
            Kind::Set => SET,
            Kind::Error => ERROR,
            Kind::Binary => BINARY,
            Kind::Boxed => BOXED,
            Kind::Blob => BLOB,
        };
        Ok(self.0 & bit != 0)
    }
}

fn one(value: &Value, place: &Place<'_>) -> Result<u32> {
    let found = match value {
        Value::String(name) => {
            let name = name.as_str();
            NAMES.iter().find(|(known, ..)| Some(*known) == name)
        }
        Value::Number(number) => {
            NAMES.iter().find(|(_, known, _)| known.map(f64::from) == Some(*number))
        }
        _ => return Err(place.invalid("a type is a name such as 'string', or a number")),
    };
    match found {
        Some((.., bits)) => Ok(*bits),
        None => Err(place.invalid(format!("there is no such type; there are {}", names()))),
    }
}

fn names() -> String {
    NAMES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}
