//! The calendar: times in milliseconds since 1970 to fields and back, by the proleptic Gregorian
//! calendar.
//!
//! Source of the day arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

pub(super) const MS_PER_SECOND: i64 = 1_000;
pub(super) const MS_PER_MINUTE: i64 = 60 * MS_PER_SECOND;
pub(super) const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;
pub(super) const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;

/// A date and time of day. Fields may be out of range when a time is made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Civil {
    /// The fields of a time.
    pub(super) fn of(time: i64) -> Self {
        let (days, rest) = (time.div_euclid(MS_PER_DAY), time.rem_euclid(MS_PER_DAY));
        let (year, month, day) = date_of(days);
        Self {
            year,
            month,
            day,
            hour: rest / MS_PER_HOUR,
            minute: rest / MS_PER_MINUTE % 60,
            second: rest / MS_PER_SECOND % 60,
            millisecond: rest % MS_PER_SECOND,
        }
    }

    /// The time that the fields mean; those out of range carry over.
    pub(super) fn time(self) -> i64 {
        let (year, month) = carried(self.year, self.month);
        (days_to(year, month, 1) + self.day - 1) * MS_PER_DAY
            + self.hour * MS_PER_HOUR
            + self.minute * MS_PER_MINUTE
            + self.second * MS_PER_SECOND
            + self.millisecond
    }

    /// So many months later, on the same day or the last one of a shorter month.
    pub(super) fn plus_months(self, months: i64) -> Self {
        let (year, month) = carried(self.year, self.month.saturating_add(months));
        let next = days_to(if month == 12 { year + 1 } else { year }, month % 12 + 1, 1);
        let length = next - days_to(year, month, 1);
        Self { year, month, day: self.day.min(length), ..self }
    }
}

/// Brings a month into the range of 1 to 12. Years are kept within what can be calculated with.
fn carried(year: i64, month: i64) -> (i64, i64) {
    let months = month.saturating_sub(1);
    let year = year.saturating_add(months.div_euclid(12));
    (year.clamp(-1_000_000, 1_000_000), months.rem_euclid(12) + 1)
}

/// Days from 1970-01-01 to a date.
pub(super) fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of the day that is so many after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day of the week, 0 being Sunday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// The day of the year, from 1.
pub(super) fn day_of_year(days: i64) -> i64 {
    days - days_to(date_of(days).0, 1, 1) + 1
}

/// The week of the year, from 0: weeks begin on Sundays, days before the first are in week 0.
pub(super) fn week(days: i64) -> i64 {
    (day_of_year(days) + 6 - weekday(days)) / 7
}

/// Year and week by ISO 8601: weeks begin on Mondays, week 1 has the year's first Thursday.
pub(super) fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (weekday(days) + 6) % 7 + 3;
    (date_of(thursday).0, (day_of_year(thursday) - 1) / 7 + 1)
}

/// Days from 1970-01-01 to the Monday of week 1 of a year, by ISO 8601.
pub(super) fn iso_year_start(year: i64) -> i64 {
    let fourth = days_to(year, 1, 4);
    fourth - (weekday(fourth) + 6) % 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_dates_of_note() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (-719_528, (0, 1, 1)),
            (100_000_000, (275_760, 9, 13)),
            (-100_000_000, (-271_821, 4, 20)),
        ] {
            assert_eq!(date_of(days), date);
            assert_eq!(days_to(date.0, date.1, date.2), days);
        }
    }

    #[test]
    fn every_day_has_the_one_before_it() {
        let mut before = date_of(-800_000);
        for days in -799_999..800_000 {
            let date = date_of(days);
            let next_day = (date.0, date.1, date.2) == (before.0, before.1, before.2 + 1);
            let next_month = date.2 == 1 && (date.1 == before.1 + 1 || date.1 == 1);
            assert!(next_day || next_month, "{before:?} {date:?}");
            assert_eq!(days_to(date.0, date.1, date.2), days);
            before = date;
        }
    }

    #[test]
    fn counts_weeks() {
        let days = |year, month, day| days_to(year, month, day);
        assert_eq!(weekday(days(2024, 2, 29)), 4);
        assert_eq!(iso_week(days(2021, 1, 3)), (2020, 53));
        assert_eq!(iso_week(days(2021, 1, 4)), (2021, 1));
        assert_eq!(iso_week(days(2018, 12, 31)), (2019, 1));
        assert_eq!(iso_year_start(2021), days(2021, 1, 4));
        assert_eq!(week(days(2017, 1, 1)), 1);
        assert_eq!(week(days(2018, 1, 1)), 0);
        assert_eq!(week(days(2018, 1, 7)), 1);
        assert_eq!(day_of_year(days(2024, 12, 31)), 366);
    }

    #[test]
    fn adds_months_within_the_month() {
        let end = Civil::of(days_to(2024, 1, 31) * MS_PER_DAY);
        assert_eq!(end.plus_months(1).time(), days_to(2024, 2, 29) * MS_PER_DAY);
        assert_eq!(end.plus_months(-2).time(), days_to(2023, 11, 30) * MS_PER_DAY);
        assert_eq!(end.plus_months(11).time(), days_to(2024, 12, 31) * MS_PER_DAY);
    }
}
