//! The operators whose arguments are all evaluated first.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::call::{Arguments, Call};
use super::{arrays, convert, dates, fold, number, objects, pattern, rounding, text};
use crate::error::Result;
use crate::value::Value;

/// What an operator does.
pub(super) type Function = fn(&Call<'_>, Arguments<'_, '_>) -> Result<Value>;

/// An operator.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) function: Function,
}

/// How arguments are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// A list of so many; a single one may stand without brackets.
    List(usize, usize),
    /// An object with these names, of which so many, from the first on, are needed.
    Named(&'static [&'static str], usize),
    /// As a name that stands for the first of the names, or an object of all.
    Short(&'static [&'static str], usize),
}

use Form::{List, Named, Short};

const MANY: usize = usize::MAX;
const ONE: Form = List(1, 1);
const TWO: Form = List(2, 2);
const ANY: Form = List(0, MANY);

const TRIM: Form = Named(&["input", "chars"], 1);
const REPLACE: Form = Named(&["input", "find", "replacement"], 3);
const REGEX: Form = Named(&["input", "regex", "options"], 2);
const DATE_PART: Form = Short(&["date", "timezone"], 1);
const DATE_ADD: Form = Named(&["startDate", "unit", "amount", "timezone"], 3);
const COUNTED: Form = Named(&["n", "input"], 2);

macro_rules! operators {
    ($($name:literal $form:expr, $function:path;)+) => {
        static OPERATORS: &[Operator] = &[$(
            Operator { name: $name, form: $form, function: $function },
        )+];
    };
}

operators! {
    "$add" ANY, number::add;
    "$subtract" TWO, number::subtract;
    "$multiply" ANY, number::multiply;
    "$divide" TWO, number::divide;
    "$mod" TWO, number::modulo;
    "$abs" ONE, number::abs;
    "$ceil" ONE, number::ceil;
    "$floor" ONE, number::floor;
    "$round" List(1, 2), rounding::round;
    "$trunc" List(1, 2), rounding::trunc;
    "$pow" TWO, number::power;
    "$sqrt" ONE, number::sqrt;
    "$ln" ONE, number::ln;
    "$log" TWO, number::log;
    "$log10" ONE, number::log10;
    "$exp" ONE, number::exp;

    "$eq" TWO, number::compare;
    "$ne" TWO, number::compare;
    "$gt" TWO, number::compare;
    "$gte" TWO, number::compare;
    "$lt" TWO, number::compare;
    "$lte" TWO, number::compare;
    "$cmp" TWO, number::compare;
    "$not" ONE, number::not;

    "$concat" ANY, text::concat;
    "$toUpper" ONE, text::to_upper;
    "$toLower" ONE, text::to_lower;
    "$strcasecmp" TWO, text::compare_caseless;
    "$trim" TRIM, text::trim;
    "$ltrim" TRIM, text::trim;
    "$rtrim" TRIM, text::trim;
    "$split" TWO, text::split;
    "$substr" List(3, 3), text::substring_in_bytes;
    "$substrBytes" List(3, 3), text::substring_in_bytes;
    "$substrCP" List(3, 3), text::substring;
    "$replaceOne" REPLACE, text::replace;
    "$replaceAll" REPLACE, text::replace;
    "$length" ONE, text::length;
    "$strLenCP" ONE, text::length;
    "$strLenBytes" ONE, text::length_in_bytes;
    "$indexOfCP" List(2, 4), text::index_of;
    "$indexOfBytes" List(2, 4), text::index_of;
    "$regexMatch" REGEX, pattern::matches;
    "$regexFind" REGEX, pattern::matches;
    "$regexFindAll" REGEX, pattern::matches;

    "$size" ONE, arrays::size;
    "$isArray" ONE, arrays::is_array;
    "$arrayElemAt" TWO, arrays::element_at;
    "$first" ONE, arrays::end_element;
    "$last" ONE, arrays::end_element;
    "$slice" List(2, 3), arrays::slice;
    "$in" TWO, arrays::contains;
    "$indexOfArray" List(2, 4), arrays::index_of;
    "$concatArrays" ANY, arrays::concat;
    "$reverseArray" ONE, arrays::reverse;
    "$range" List(2, 3), arrays::range;
    "$zip" Named(&["inputs", "useLongestLength", "defaults"], 1), arrays::zip;
    "$arrayToObject" ONE, arrays::to_object;
    "$objectToArray" ONE, arrays::of_object;
    "$setUnion" ANY, arrays::set_operation;
    "$setIntersection" ANY, arrays::set_operation;
    "$setDifference" TWO, arrays::set_operation;
    "$setEquals" List(2, MANY), arrays::compare_sets;
    "$setIsSubset" TWO, arrays::compare_sets;
    "$allElementsTrue" ONE, arrays::elements_true;
    "$anyElementTrue" ONE, arrays::elements_true;
    "$minN" COUNTED, arrays::some_elements;
    "$maxN" COUNTED, arrays::some_elements;
    "$firstN" COUNTED, arrays::some_elements;
    "$lastN" COUNTED, arrays::some_elements;
    "$sum" ANY, fold::sum;
    "$avg" ANY, fold::sum;
    "$min" ANY, fold::extreme;
    "$max" ANY, fold::extreme;
    "$stdDevPop" ANY, fold::deviation;
    "$stdDevSamp" ANY, fold::deviation;
    "$median" Named(&["input", "method"], 1), fold::percentile;
    "$percentile" Named(&["input", "method", "p"], 1), fold::percentile;

    "$year" DATE_PART, dates::part;
    "$month" DATE_PART, dates::part;
    "$week" DATE_PART, dates::part;
    "$dayOfMonth" DATE_PART, dates::part;
    "$dayOfWeek" DATE_PART, dates::part;
    "$dayOfYear" DATE_PART, dates::part;
    "$hour" DATE_PART, dates::part;
    "$minute" DATE_PART, dates::part;
    "$second" DATE_PART, dates::part;
    "$millisecond" DATE_PART, dates::part;
    "$isoWeek" DATE_PART, dates::part;
    "$isoWeekYear" DATE_PART, dates::part;
    "$isoDayOfWeek" DATE_PART, dates::part;
    "$dateAdd" DATE_ADD, dates::add;
    "$dateSubtract" DATE_ADD, dates::add;
    "$dateDiff" Named(&["startDate", "endDate", "unit", "timezone", "startOfWeek"], 3),
        dates::difference;
    "$dateTrunc" Named(&["date", "unit", "binSize", "timezone", "startOfWeek"], 2), dates::truncate;
    "$dateFromParts" Named(&[
        "year", "month", "day", "hour", "minute", "second", "millisecond", "isoWeekYear",
        "isoWeek", "isoDayOfWeek", "timezone",
    ], 0), dates::from_parts;
    "$dateToParts" Named(&["date", "timezone", "iso8601"], 1), dates::to_parts;
    "$dateToString" Named(&["date", "format", "timezone", "onNull"], 1), dates::to_string;

    "$type" ONE, convert::type_of;
    "$isNumber" ONE, convert::is_number;
    "$toString" ONE, convert::convert;
    "$toNumber" ONE, convert::convert;
    "$toDouble" ONE, convert::convert;
    "$toInt" ONE, convert::convert;
    "$toLong" ONE, convert::convert;
    "$toBool" ONE, convert::convert;
    "$toDate" ONE, convert::convert;

    "$mergeObjects" ANY, objects::merge;
    "$getField" Short(&["field", "input"], 1), objects::get_field;
    "$setField" Named(&["field", "input", "value"], 3), objects::set_field;
    "$unsetField" Named(&["field", "input"], 2), objects::set_field;
}

static BY_NAME: LazyLock<HashMap<&str, &Operator>> =
    LazyLock::new(|| OPERATORS.iter().map(|operator| (operator.name, operator)).collect());

/// The operator of a name.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    BY_NAME.get(name).copied()
}

/// The names of all operators that this module has.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|operator| operator.name)
}
