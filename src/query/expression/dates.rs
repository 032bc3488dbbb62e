//! Operators on dates.

use super::calendar::{
    Civil, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, day_of_year, days_to, iso_week,
    iso_year_start, week, weekday,
};
use super::call::{Arguments, Call, is_nullish, is_true};
use super::number::MAX_TIME;
use crate::error::Result;
use crate::value::{Fields, Value};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many months.
    Months(i64),
    Week,
    /// So many milliseconds.
    Span(i64),
}

const NO_ZONE_NAMES: &str = "time zones are given as offsets, such as \"+02:00\", or \"UTC\"";

impl Call<'_> {
    /// The time of a Date.
    fn time(&self, value: &Value) -> Result<i64> {
        match value {
            Value::Date(time) if time.abs() <= MAX_TIME => Ok(time.floor() as i64),
            Value::Date(_) => Err(self.error("the Date is invalid")),
            other => Err(self.wrong("a Date", other)),
        }
    }

    /// The offset of a time zone from UTC in milliseconds.
    pub(super) fn offset(&self, zone: &Value) -> Result<i64> {
        let text = self.text(zone)?.as_str().unwrap_or_default();
        parse_offset(text).ok_or_else(|| self.error(NO_ZONE_NAMES))
    }

    fn unit(&self, value: &Value) -> Result<Unit> {
        Ok(match self.text(value)?.as_str().unwrap_or_default() {
            "year" => Unit::Months(12),
            "quarter" => Unit::Months(3),
            "month" => Unit::Months(1),
            "week" => Unit::Week,
            "day" => Unit::Span(MS_PER_DAY),
            "hour" => Unit::Span(MS_PER_HOUR),
            "minute" => Unit::Span(MS_PER_MINUTE),
            "second" => Unit::Span(MS_PER_SECOND),
            "millisecond" => Unit::Span(1),
            _ => {
                let why = "the unit has to be year, quarter, month, week, day, hour, minute, \
                           second or millisecond";
                return Err(self.error(why));
            }
        })
    }

    /// The day of the week on which weeks begin, 0 being Sunday.
    fn start_of_week(&self, value: &Value) -> Result<i64> {
        let name = self.text(value)?.as_str().unwrap_or_default().to_ascii_lowercase();
        let names = [
            ["sunday", "sun"],
            ["monday", "mon"],
            ["tuesday", "tue"],
            ["wednesday", "wed"],
            ["thursday", "thu"],
            ["friday", "fri"],
            ["saturday", "sat"],
        ];
        let day = names.iter().position(|names| names.contains(&name.as_str()));
        day.map(|day| day as i64).ok_or_else(|| self.error("startOfWeek has to name a day"))
    }

    /// Whether one of the arguments that were given is null or missing.
    pub(super) fn lacks(&self, arguments: &[std::borrow::Cow<'_, Value>]) -> bool {
        (0..).zip(arguments).any(|(at, value)| self.is_given(at) && is_nullish(value))
    }
}

/// An offset such as `+02:00`, `-0530`, `+02`, or a name of UTC, in milliseconds.
pub(super) fn parse_offset(text: &str) -> Option<i64> {
    if matches!(text, "UTC" | "GMT" | "Z" | "Etc/UTC") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "0"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':').filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60).then_some(sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE))
}

/// `$year` and so on: the date and the time zone.
pub(super) fn part(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let [date, zone] = arguments else { return Err(call.wrong_count()) };
    let offset = if call.is_given(1) { call.offset(zone)? } else { 0 };
    let time = call.time(date)? + offset;
    let (days, civil) = (time.div_euclid(MS_PER_DAY), Civil::of(time));
    Ok(Value::Number(match call.operator {
        "$year" => civil.year,
        "$month" => civil.month,
        "$dayOfMonth" => civil.day,
        "$hour" => civil.hour,
        "$minute" => civil.minute,
        "$second" => civil.second,
        "$millisecond" => civil.millisecond,
        "$dayOfWeek" => weekday(days) + 1,
        "$dayOfYear" => day_of_year(days),
        "$week" => week(days),
        "$isoDayOfWeek" => (weekday(days) + 6) % 7 + 1,
        "$isoWeek" => iso_week(days).1,
        _ => iso_week(days).0,
    } as f64))
}

/// `$dateAdd` and `$dateSubtract`: the date, the unit, the amount, and the time zone.
pub(super) fn add(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let [date, unit, amount, zone] = arguments else { return Err(call.wrong_count()) };
    let offset = if call.is_given(3) { call.offset(zone)? } else { 0 };
    let (time, unit) = (call.time(date)?, call.unit(unit)?);
    let amount = call.integer(amount)?;
    let amount = if call.operator == "$dateSubtract" { amount.saturating_neg() } else { amount };
    let result = match unit {
        Unit::Months(months) => {
            Civil::of(time + offset).plus_months(amount.saturating_mul(months)).time() - offset
        }
        Unit::Week => time.saturating_add(amount.saturating_mul(7 * MS_PER_DAY)),
        Unit::Span(span) => time.saturating_add(amount.saturating_mul(span)),
    };
    call.date(result as f64)
}

/// `$dateDiff`: start, end, unit, time zone, and the day on which weeks begin. Counts how often a
/// unit begins between the two.
pub(super) fn difference(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let [start, end, unit, zone, week_start] = arguments else { return Err(call.wrong_count()) };
    let offset = if call.is_given(3) { call.offset(zone)? } else { 0 };
    let first = if call.is_given(4) { call.start_of_week(week_start)? } else { 0 };
    let (start, end) = (call.time(start)? + offset, call.time(end)? + offset);
    let unit = call.unit(unit)?;
    let number = |time: i64| match unit {
        Unit::Months(months) => {
            let civil = Civil::of(time);
            (civil.year * 12 + civil.month - 1).div_euclid(months)
        }
        Unit::Week => (time.div_euclid(MS_PER_DAY) + 4 - first).div_euclid(7),
        Unit::Span(span) => time.div_euclid(span),
    };
    Ok(Value::Number((number(end) - number(start)) as f64))
}

/// `$dateTrunc`: the date, the unit, how many of them are a bin, the time zone, and the day on
/// which weeks begin. Bins are counted from 2000-01-01.
pub(super) fn truncate(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let [date, unit, size, zone, week_start] = arguments else { return Err(call.wrong_count()) };
    let size = if call.is_given(2) { call.integer(size)? } else { 1 };
    if !(1..=100_000_000_000).contains(&size) {
        return Err(call.error("binSize has to be a positive number"));
    }
    let offset = if call.is_given(3) { call.offset(zone)? } else { 0 };
    let first = if call.is_given(4) { call.start_of_week(week_start)? } else { 0 };
    let (time, unit) = (call.time(date)? + offset, call.unit(unit)?);
    let origin = days_to(2000, 1, 1);
    let floor = |value: i64, bin: i64| value.div_euclid(bin).saturating_mul(bin);
    let start = match unit {
        Unit::Months(months) => {
            let civil = Civil::of(time);
            let since = (civil.year - 2000) * 12 + civil.month - 1;
            let month = 1 + floor(since, size.saturating_mul(months));
            Civil { year: 2000, month, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 }
                .time()
        }
        Unit::Week => {
            // The first such day of 2000.
            let origin = (origin + (first - weekday(origin)).rem_euclid(7)) * MS_PER_DAY;
            origin + floor(time - origin, size.saturating_mul(7 * MS_PER_DAY))
        }
        Unit::Span(span) => {
            let origin = origin * MS_PER_DAY;
            origin + floor(time - origin, size.saturating_mul(span))
        }
    };
    call.date((start - offset) as f64)
}

/// `$dateFromParts`: year, month, day, hour, minute, second, millisecond, the ISO year, week and
/// day of the week, and the time zone.
pub(super) fn from_parts(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let field = |at: u32, default: i64| match arguments.get(at as usize) {
        Some(value) if call.is_given(at) => call.integer(value),
        _ => Ok(default),
    };
    let offset = match arguments.get(10) {
        Some(zone) if call.is_given(10) => call.offset(zone)?,
        _ => 0,
    };
    if call.is_given(0) == call.is_given(7) {
        return Err(call.error("it needs either year or isoWeekYear"));
    }
    let bounded = |at, default, most: i64| {
        let number = field(at, default)?;
        if number.abs() > most {
            return Err(call.error("a part is out of range"));
        }
        Ok(number)
    };
    let civil = Civil {
        year: bounded(0, 1970, 9_999)?,
        month: bounded(1, 1, 32_767)?,
        day: bounded(2, 1, 32_767)?,
        hour: bounded(3, 0, 32_767)?,
        minute: bounded(4, 0, 32_767)?,
        second: bounded(5, 0, 1 << 40)?,
        millisecond: bounded(6, 0, 1 << 50)?,
    };
    let mut time = civil.time();
    if call.is_given(7) {
        let (iso_week, iso_day) = (bounded(8, 1, 32_767)?, bounded(9, 1, 32_767)?);
        let days = iso_year_start(bounded(7, 1970, 9_999)?) + (iso_week - 1) * 7 + iso_day - 1;
        time += (days - days_to(1970, civil.month, civil.day)) * MS_PER_DAY;
    }
    call.date((time - offset) as f64)
}

/// `$dateToParts`: the date, the time zone, and whether the parts are those of ISO 8601.
pub(super) fn to_parts(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let [date, zone, iso] = arguments else { return Err(call.wrong_count()) };
    let offset = if call.is_given(1) { call.offset(zone)? } else { 0 };
    let time = call.time(date)? + offset;
    let (days, civil) = (time.div_euclid(MS_PER_DAY), Civil::of(time));
    let (iso_year, iso_week) = iso_week(days);
    let date = if is_true(iso) {
        let day = (weekday(days) + 6) % 7 + 1;
        [("isoWeekYear", iso_year), ("isoWeek", iso_week), ("isoDayOfWeek", day)]
    } else {
        [("year", civil.year), ("month", civil.month), ("day", civil.day)]
    };
    let clock = [
        ("hour", civil.hour),
        ("minute", civil.minute),
        ("second", civil.second),
        ("millisecond", civil.millisecond),
    ];
    let mut parts = Fields::new();
    for (name, number) in date.into_iter().chain(clock) {
        parts.insert(name.into(), Value::Number(number as f64));
    }
    Ok(Value::Object(parts))
}

/// `$dateToString`: the date, the format, the time zone, and what null becomes.
pub(super) fn to_string(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [date, format, zone, on_null] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(date) {
        return Ok(if call.is_given(3) { on_null.clone().into_owned() } else { Value::Null });
    }
    if (call.is_given(1) && is_nullish(format)) || (call.is_given(2) && is_nullish(zone)) {
        return Ok(Value::Null);
    }
    let offset = if call.is_given(2) { call.offset(zone)? } else { 0 };
    let format = if call.is_given(1) {
        call.text(format)?.to_string()
    } else if offset == 0 {
        "%Y-%m-%dT%H:%M:%S.%LZ".to_owned()
    } else {
        "%Y-%m-%dT%H:%M:%S.%L".to_owned()
    };
    let text = super::date_text::format(call, call.time(date)?, offset, &format)?;
    Ok(Value::String((&*text).into()))
}
