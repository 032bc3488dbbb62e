//! Time zones: offsets, and names of the IANA time zone database, which is compiled in.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::calendar::{MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND};

/// The database that is compiled in: it is the same on every machine.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone. Times are in milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// Always so many milliseconds before UTC.
    Fixed(i64),
    /// With rules of its own.
    Named(TimeZone),
}

impl Zone {
    pub(super) const UTC: Self = Self::Fixed(0);

    /// The zone of an offset such as `+02:00`, or of a name such as `Europe/Paris`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(offset) = parse_offset(text) {
            return Some(Self::Fixed(offset));
        }
        DATABASE.get(text).ok().map(Self::Named)
    }

    /// How far the zone's clocks are before UTC at a time. Before and after the years that the
    /// rules cover (9999 both ways) they are as at their ends.
    pub(super) fn offset_at(&self, time: i64) -> i64 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => {
                let end = if time < 0 { Timestamp::MIN } else { Timestamp::MAX };
                let time = Timestamp::from_millisecond(time).unwrap_or(end);
                i64::from(zone.to_offset(time).seconds()) * MS_PER_SECOND
            }
        }
    }

    /// What the zone's clocks show at a time, as milliseconds.
    pub(super) fn local(&self, time: i64) -> i64 {
        time + self.offset_at(time)
    }

    /// The time at which the zone's clocks show something. Of two such times it is the earlier one;
    /// what they leave out is as far behind the gap as it is behind its beginning.
    pub(super) fn time_of(&self, local: i64) -> i64 {
        let outside = || local.saturating_sub(self.offset_at(local));
        let Self::Named(zone) = self else { return outside() };
        let shown = Timestamp::from_millisecond(local).ok();
        let shown = shown.map(|shown| Offset::UTC.to_datetime(shown));
        let time = shown.and_then(|shown| zone.to_ambiguous_timestamp(shown).compatible().ok());
        time.map_or_else(outside, |time| time.as_millisecond())
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
