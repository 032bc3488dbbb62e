//! Dates as text.

use std::fmt::Write as _;

use super::calendar::{
    Civil, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, day_of_year, days_to, iso_week, iso_year_start,
    week, weekday,
};
use super::call::Call;
use super::work::check_size;
use super::zone::{Zone, parse_offset};
use crate::error::Result;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A time as `toISOString` of JavaScript gives it.
pub(super) fn iso(time: i64) -> String {
    let Civil { year, month, day, hour, minute, second, millisecond } = Civil::of(time);
    let year = match year {
        0..=9_999 => format!("{year:04}"),
        year => format!("{year:+07}"),
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// A time by a format of `%Y` and so on.
pub(super) fn format(call: &Call<'_>, time: i64, offset: i64, format: &str) -> Result<String> {
    let local = time + offset;
    let (days, civil) = (local.div_euclid(MS_PER_DAY), Civil::of(local));
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        check_size(out.len())?;
        let month = MONTHS.get(civil.month as usize - 1).copied().unwrap_or_default();
        let _ = match chars.next() {
            Some('%') => write!(out, "%"),
            Some('Y') => write!(out, "{:04}", civil.year),
            Some('m') => write!(out, "{:02}", civil.month),
            Some('d') => write!(out, "{:02}", civil.day),
            Some('H') => write!(out, "{:02}", civil.hour),
            Some('M') => write!(out, "{:02}", civil.minute),
            Some('S') => write!(out, "{:02}", civil.second),
            Some('L') => write!(out, "{:03}", civil.millisecond),
            Some('j') => write!(out, "{:03}", day_of_year(days)),
            Some('w') => write!(out, "{}", weekday(days) + 1),
            Some('u') => write!(out, "{}", (weekday(days) + 6) % 7 + 1),
            Some('U') => write!(out, "{:02}", week(days)),
            Some('G') => write!(out, "{:04}", iso_week(days).0),
            Some('V') => write!(out, "{:02}", iso_week(days).1),
            Some('b') => write!(out, "{}", month.get(..3).unwrap_or_default()),
            Some('B') => write!(out, "{month}"),
            Some('Z') => write!(out, "{}", offset / MS_PER_MINUTE),
            Some('z') => {
                let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
                let (hours, rest) = (offset / MS_PER_HOUR, offset % MS_PER_HOUR);
                write!(out, "{sign}{hours:02}{:02}", rest / MS_PER_MINUTE)
            }
            _ => return Err(call.error("the format has a % with an unknown letter behind it")),
        };
    }
    Ok(out)
}

/// Reads text from its beginning.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn skip(&mut self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A number of `least` to `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.parse().ok()
    }

    /// The digits behind a decimal point, as milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count).filter(|_| count > 0)?;
        self.0 = rest;
        format!("{digits:0<3}").get(..3)?.parse().ok()
    }

    fn offset(&mut self) -> Option<i64> {
        let end = self.0.find(|c: char| !matches!(c, '+' | '-' | ':' | 'Z' | '0'..='9'));
        let (text, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
        self.0 = rest;
        parse_offset(text)
    }

    /// The name of a month, or its first three letters.
    fn month(&mut self, letters: Option<usize>) -> Option<i64> {
        let found = MONTHS.iter().position(|name| {
            let name = name.get(..letters.unwrap_or(name.len())).unwrap_or_default();
            self.0.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })?;
        let length = letters.unwrap_or(MONTHS.get(found)?.len());
        self.0 = self.0.get(length..)?;
        Some(found as i64 + 1)
    }
}

const START: Civil =
    Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };

/// The time of a date that is written as ISO 8601 has it, with or without a time of day and an
/// offset; `zone` is the one where there is none.
pub(super) fn parse_iso(text: &str, zone: &Zone) -> Option<i64> {
    let mut text = Reader(text.trim());
    let sign = if text.skip("-") { -1 } else { 1 };
    let extended = sign == -1 || text.skip("+");
    let year = if extended { text.digits(6, 6)? } else { text.digits(4, 4)? } * sign;
    let mut civil = Civil { year, ..START };
    let mut offset = None;
    if text.skip("-") {
        civil.month = text.digits(2, 2)?;
        if text.skip("-") {
            civil.day = text.digits(2, 2)?;
        }
    }
    if text.skip("T") || text.skip("t") || text.skip(" ") {
        civil.hour = text.digits(2, 2)?;
        civil.minute = if text.skip(":") { text.digits(2, 2)? } else { return None };
        if text.skip(":") {
            civil.second = text.digits(2, 2)?;
            if text.skip(".") {
                civil.millisecond = text.fraction()?;
            }
        }
        text.skip(" ");
        if !text.0.is_empty() {
            offset = Some(text.offset()?);
        }
    }
    if !text.0.is_empty() || !is_date(&civil) {
        return None;
    }
    let local = civil.time();
    Some(offset.map_or_else(|| zone.time_of(local), |offset| local - offset))
}

/// Whether the fields are a date and time that there is.
fn is_date(civil: &Civil) -> bool {
    let end_of_day = civil.hour == 24 && civil.minute == 0 && civil.second == 0;
    let clock = (civil.hour < 24 && civil.minute < 60 && civil.second < 60) || end_of_day;
    let day = Civil { hour: 0, minute: 0, second: 0, millisecond: 0, ..*civil };
    clock && (1..=12).contains(&civil.month) && Civil::of(day.time()) == day
}

/// The time of a text that is written by a format; `zone` is the one if it has none.
pub(super) fn parse(text: &str, format: &str, zone: &Zone) -> Option<i64> {
    let mut text = Reader(text);
    let mut civil = START;
    let mut offset = None;
    let (mut iso_year, mut iso_week, mut iso_day, mut year_day) = (None, 1, 1, None);
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        let mut buffer = [0; 4];
        if c != '%' {
            text.skip(c.encode_utf8(&mut buffer)).then_some(())?;
            continue;
        }
        match chars.next()? {
            '%' => text.skip("%").then_some(())?,
            'Y' => civil.year = text.digits(4, 4)?,
            'm' => civil.month = text.digits(1, 2)?,
            'd' => civil.day = text.digits(1, 2)?,
            'H' => civil.hour = text.digits(1, 2)?,
            'M' => civil.minute = text.digits(1, 2)?,
            'S' => civil.second = text.digits(1, 2)?,
            'L' => civil.millisecond = text.digits(1, 3)?,
            'j' => year_day = Some(text.digits(1, 3)?),
            'b' => civil.month = text.month(Some(3))?,
            'B' => civil.month = text.month(None)?,
            'G' => iso_year = Some(text.digits(4, 4)?),
            'V' => iso_week = text.digits(1, 2)?,
            'u' => iso_day = text.digits(1, 1)?,
            'z' => offset = Some(text.offset()?),
            'Z' => {
                let sign = if text.skip("-") { -1 } else { 1 };
                text.skip("+");
                offset = Some(sign * text.digits(1, 4)? * MS_PER_MINUTE);
            }
            _ => return None,
        }
    }
    if !text.0.is_empty() || !is_date(&civil) {
        return None;
    }
    let mut time = civil.time();
    if let Some(day) = year_day {
        time += (day - 1) * MS_PER_DAY;
    }
    if let Some(year) = iso_year {
        let days = iso_year_start(year) + (iso_week - 1) * 7 + iso_day - 1;
        time += (days - days_to(civil.year, civil.month, civil.day)) * MS_PER_DAY;
    }
    Some(offset.map_or_else(|| zone.time_of(time), |offset| time - offset))
}
