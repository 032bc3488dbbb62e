//! Operators on dates.

use super::calendar::{
    Civil, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, day_of_year, days_to, iso_week,
    iso_year_start, week, weekday,
};
use super::call::{Arguments, Call, is_nullish, is_true};
use super::number::MAX_TIME;
use super::zone::Zone;
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

impl Call<'_> {
    /// The time of a Date.
    fn time(&self, value: &Value) -> Result<i64> {
        match value {
            Value::Date(time) if time.abs() <= MAX_TIME => Ok(time.floor() as i64),
            Value::Date(_) => Err(self.error("the Date is invalid")),
            other => Err(self.wrong("a Date", other)),
        }
    }

    /// The time zone that an argument names.
    pub(super) fn zone(&self, zone: &Value) -> Result<Zone> {
        let text = self.text(zone)?.as_str().unwrap_or_default();
        Zone::parse(text).ok_or_else(|| {
            self.error(
                "there is no such time zone; they are offsets, such as \"+02:00\", or names, such \
                 as \"Europe/Paris\"",
            )
        })
    }

    /// The time zone that may stand at a place; otherwise UTC.
    fn zone_at(&self, arguments: &[std::borrow::Cow<'_, Value>], at: u32) -> Result<Zone> {
        match arguments.get(at as usize) {
            Some(zone) if self.is_given(at) => self.zone(zone),
            _ => Ok(Zone::UTC),
        }
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

/// `$year` and so on: the date and the time zone.
pub(super) fn part(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let zone = call.zone_at(arguments, 1)?;
    let [date, _] = arguments else { return Err(call.wrong_count()) };
    let time = zone.local(call.time(date)?);
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
    let zone = call.zone_at(arguments, 3)?;
    let [date, unit, amount, _] = arguments else { return Err(call.wrong_count()) };
    let (time, unit) = (call.time(date)?, call.unit(unit)?);
    let amount = call.integer(amount)?;
    let amount = if call.operator == "$dateSubtract" { amount.saturating_neg() } else { amount };
    let offset = zone.offset_at(time);
    // Of two times that clocks show alike it is the one with the offset of before.
    let time_of = |local: i64| {
        let same = local.saturating_sub(offset);
        if zone.offset_at(same) == offset { same } else { zone.time_of(local) }
    };
    let local = time.saturating_add(offset);
    let days = |days: i64| time_of(local.saturating_add(amount.saturating_mul(days * MS_PER_DAY)));
    // Days keep the time of day, which hours do not where clocks are changed.
    let result = match unit {
        Unit::Months(months) => {
            time_of(Civil::of(local).plus_months(amount.saturating_mul(months)).time())
        }
        Unit::Week => days(7),
        Unit::Span(MS_PER_DAY) => days(1),
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
    let zone = call.zone_at(arguments, 3)?;
    let [start, end, unit, _, week_start] = arguments else { return Err(call.wrong_count()) };
    let first = if call.is_given(4) { call.start_of_week(week_start)? } else { 0 };
    let (start, end) = (call.time(start)?, call.time(end)?);
    let (before, after) = (zone.offset_at(start), zone.offset_at(end));
    let unit = call.unit(unit)?;
    let number = |time: i64| match unit {
        Unit::Months(months) => {
            let civil = Civil::of(time);
            (civil.year * 12 + civil.month - 1).div_euclid(months)
        }
        Unit::Week => (time.div_euclid(MS_PER_DAY) + 4 - first).div_euclid(7),
        Unit::Span(span) => time.div_euclid(span),
    };
    // Hours that clocks leave out or show twice are none, or two.
    let changed = match unit {
        Unit::Span(span) if span < MS_PER_DAY => (after - before) / span,
        _ => 0,
    };
    Ok(Value::Number((number(end + after) - number(start + before) - changed) as f64))
}

/// `$dateTrunc`: the date, the unit, how many of them are a bin, the time zone, and the day on
/// which weeks begin. Bins are counted from 2000-01-01.
pub(super) fn truncate(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let zone = call.zone_at(arguments, 3)?;
    let [date, unit, size, _, week_start] = arguments else { return Err(call.wrong_count()) };
    let size = if call.is_given(2) { call.integer(size)? } else { 1 };
    if !(1..=100_000_000_000).contains(&size) {
        return Err(call.error("binSize has to be a positive number"));
    }
    let first = if call.is_given(4) { call.start_of_week(week_start)? } else { 0 };
    let (time, unit) = (call.time(date)?, call.unit(unit)?);
    let local = zone.local(time);
    let origin = days_to(2000, 1, 1);
    let floor = |value: i64, bin: i64| value.div_euclid(bin).saturating_mul(bin);
    let start = match unit {
        Unit::Months(months) => {
            let civil = Civil::of(local);
            let since = (civil.year - 2000) * 12 + civil.month - 1;
            let month = 1 + floor(since, size.saturating_mul(months));
            let start =
                Civil { year: 2000, month, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };
            zone.time_of(start.time())
        }
        Unit::Week => {
            // The first such day of 2000.
            let origin = (origin + (first - weekday(origin)).rem_euclid(7)) * MS_PER_DAY;
            zone.time_of(origin + floor(local - origin, size.saturating_mul(7 * MS_PER_DAY)))
        }
        Unit::Span(MS_PER_DAY) => {
            let origin = origin * MS_PER_DAY;
            zone.time_of(origin + floor(local - origin, size.saturating_mul(MS_PER_DAY)))
        }
        // Spans of time pass whatever clocks show.
        Unit::Span(span) => {
            let origin = zone.time_of(origin * MS_PER_DAY);
            origin + floor(time - origin, size.saturating_mul(span))
        }
    };
    call.date(start as f64)
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
    let zone = call.zone_at(arguments, 10)?;
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
    call.date(zone.time_of(time) as f64)
}

/// `$dateToParts`: the date, the time zone, and whether the parts are those of ISO 8601.
pub(super) fn to_parts(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    if call.lacks(arguments) {
        return Ok(Value::Null);
    }
    let zone = call.zone_at(arguments, 1)?;
    let [date, _, iso] = arguments else { return Err(call.wrong_count()) };
    let time = zone.local(call.time(date)?);
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
    let time = call.time(date)?;
    let zone = if call.is_given(2) { call.zone(zone)? } else { Zone::UTC };
    let format = if call.is_given(1) {
        call.text(format)?.to_string()
    } else if matches!(zone, Zone::Fixed(0)) {
        "%Y-%m-%dT%H:%M:%S.%LZ".to_owned()
    } else {
        "%Y-%m-%dT%H:%M:%S.%L".to_owned()
    };
    let text = super::date_text::format(call, time, zone.offset_at(time), &format)?;
    Ok(Value::String((&*text).into()))
}
