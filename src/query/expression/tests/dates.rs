//! Dates.

use super::*;

#[test]
fn takes_dates_apart() {
    check_in(
        "{ d: @2014-01-01T08:15:39.736Z }",
        &[
            ("{ $year: '$d' }", "2014"),
            ("{ $month: ['$d'] }", "1"),
            ("{ $dayOfMonth: { date: '$d' } }", "1"),
            ("{ $hour: '$d' }", "8"),
            ("{ $minute: '$d' }", "15"),
            ("{ $second: '$d' }", "39"),
            ("{ $millisecond: '$d' }", "736"),
            ("{ $dayOfYear: '$d' }", "1"),
            ("{ $dayOfWeek: '$d' }", "4"),
            ("{ $week: '$d' }", "0"),
            ("{ $isoWeek: '$d' }", "1"),
            ("{ $isoWeekYear: '$d' }", "2014"),
            ("{ $isoDayOfWeek: '$d' }", "3"),
            ("{ $hour: { date: '$d', timezone: '-0930' } }", "22"),
            ("{ $year: { date: '$d', timezone: '-09:00' } }", "2013"),
            ("{ $year: { date: '$d', timezone: null } }", "null"),
            ("{ $year: null }", "null"),
            (
                "{ $dateToParts: { date: '$d' } }",
                "{ year: 2014, month: 1, day: 1, hour: 8, minute: 15,
                    second: 39, millisecond: 736 }",
            ),
            (
                "{ $dateToParts: { date: '$d', iso8601: true } }",
                "{ isoWeekYear: 2014, isoWeek: 1, isoDayOfWeek: 3,
               hour: 8, minute: 15, second: 39, millisecond: 736 }",
            ),
            (
                "{ $dateFromParts: { year: 2017, month: 14, day: 0, hour: 12 } }",
                "@2018-01-31T12:00:00Z",
            ),
            (
                "{ $dateFromParts: { isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 4 } }",
                "@2017-02-09",
            ),
            ("{ $dateFromParts: { year: 2016, timezone: '+05:00' } }", "@2015-12-31T19:00:00Z"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $year: { $literal: 5 } }",
            "{ $hour: { date: '$$NOW', timezone: 'Mars/Phobos' } }",
            "{ $dateFromParts: { day: 1 } }",
        ],
    );
}

#[test]
fn calculates_with_dates() {
    check_in(
        "{ d: @2021-01-31T12:10:05Z }",
        &[
            (
                "{ $dateAdd: { startDate: '$d', unit: 'month', amount: 1 } }",
                "@2021-02-28T12:10:05Z",
            ),
            ("{ $dateAdd: { startDate: '$d', unit: 'day', amount: -3 } }", "@2021-01-28T12:10:05Z"),
            (
                "{ $dateSubtract: { startDate: '$d', unit: 'quarter', amount: 1 } }",
                "@2020-10-31T12:10:05Z",
            ),
            ("{ $dateAdd: { startDate: null, unit: 'day', amount: 1 } }", "null"),
            ("{ $dateDiff: { startDate: '$d', endDate: @2021-02-01, unit: 'month' } }", "1"),
            ("{ $dateDiff: { startDate: '$d', endDate: @2020-12-31, unit: 'year' } }", "-1"),
            ("{ $dateDiff: { startDate: '$d', endDate: @2021-02-01, unit: 'day' } }", "1"),
            ("{ $dateDiff: { startDate: '$d', endDate: @2021-02-01, unit: 'hour' } }", "12"),
            ("{ $dateDiff: { startDate: '$d', endDate: @2021-02-01, unit: 'week' } }", "0"),
            (
                "{ $dateDiff: { startDate: '$d', endDate: @2021-02-01, unit: 'week',
                startOfWeek: 'monday' } }",
                "1",
            ),
            ("{ $dateTrunc: { date: '$d', unit: 'month' } }", "@2021-01-01"),
            ("{ $dateTrunc: { date: '$d', unit: 'week' } }", "@2021-01-31"),
            ("{ $dateTrunc: { date: '$d', unit: 'week', startOfWeek: 'mon' } }", "@2021-01-25"),
            ("{ $dateTrunc: { date: '$d', unit: 'hour', binSize: 5 } }", "@2021-01-31T11:00:00Z"),
            ("{ $dateTrunc: { date: '$d', unit: 'year', binSize: 2 } }", "@2020-01-01"),
            (
                "{ $dateTrunc: { date: '$d', unit: 'day', timezone: '+13:00' } }",
                "@2021-01-31T11:00:00Z",
            ),
            ("{ $add: ['$d', 1000] }", "@2021-01-31T12:10:06Z"),
            ("{ $subtract: ['$d', @2021-01-31] }", "43805000"),
            ("{ $subtract: ['$d', 5000] }", "@2021-01-31T12:10:00Z"),
            ("'$$NOW'", "@2023-11-14T22:13:20Z"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $dateAdd: { startDate: '$$NOW', unit: 'century', amount: 1 } }",
            "{ $dateAdd: { startDate: '$$NOW', unit: 'year', amount: 1e15 } }",
            "{ $dateAdd: { startDate: '$$NOW', unit: 'day', amount: 0.5 } }",
            "{ $add: ['$$NOW', '$$NOW'] }",
            "{ $add: ['$$NOW', 1e18] }",
            "{ $subtract: [1, '$$NOW'] }",
        ],
    );
}

#[test]
fn writes_and_reads_dates() {
    check_in(
        "{ d: @2014-01-01T08:15:39.736Z }",
        &[
            ("{ $dateToString: { date: '$d' } }", "'2014-01-01T08:15:39.736Z'"),
            (
                "{ $dateToString: { date: '$d', format: '%Y-%m-%d %j %u %V' } }",
                "'2014-01-01 001 3 01'",
            ),
            (
                "{ $dateToString: { date: '$d', format: '%H:%M:%S:%L%z', timezone: '-05:30' } }",
                "'02:45:39:736-0530'",
            ),
            (
                "{ $dateToString: { date: '$d', format: '%d %b %B 100%%' } }",
                "'01 Jan January 100%'",
            ),
            ("{ $dateToString: { date: null, onNull: 'none' } }", "'none'"),
            (
                "{ $dateFromString: { dateString: '2017-02-08T12:10:40.787' } }",
                "@2017-02-08T12:10:40.787Z",
            ),
            (
                "{ $dateFromString: { dateString: '2017-02-08T12:10:40.787',
                    timezone: '+02:00' } }",
                "@2017-02-08T10:10:40.787Z",
            ),
            (
                "{ $dateFromString: { dateString: '06-15-2018', format: '%m-%d-%Y' } }",
                "@2018-06-15",
            ),
            (
                "{ $dateFromString: { dateString: '08 Jan 2020', format: '%d %b %Y' } }",
                "@2020-01-08",
            ),
            ("{ $dateFromString: { dateString: 'nonsense', onError: 'x' } }", "'x'"),
            ("{ $dateFromString: { dateString: null, onNull: 'y' } }", "'y'"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $dateToString: { date: '$$NOW', format: '%q' } }",
            "{ $dateFromString: { dateString: '2017-02-30' } }",
            "{ $dateFromString: { dateString: '2017-13-01' } }",
        ],
    );
}

#[test]
fn knows_time_zones_by_name() {
    check_in(
        "{ winter: @2021-01-15T12:00:00Z, summer: @2021-07-15T12:00:00Z }",
        &[
            ("{ $hour: { date: '$winter', timezone: 'Europe/Paris' } }", "13"),
            ("{ $hour: { date: '$summer', timezone: 'Europe/Paris' } }", "14"),
            ("{ $minute: { date: '$summer', timezone: 'Asia/Kolkata' } }", "30"),
            ("{ $dayOfMonth: { date: '$summer', timezone: 'Pacific/Auckland' } }", "16"),
            (
                "{ $dateToString: { date: '$summer', format: '%H:%M %z %Z', timezone:
                    'America/New_York' } }",
                "'08:00 -0400 -240'",
            ),
            (
                "{ $dateToString: { date: '$winter', timezone: 'Europe/London' } }",
                "'2021-01-15T12:00:00.000'",
            ),
            (
                "{ $dateToString: { date: '$winter', timezone: 'UTC' } }",
                "'2021-01-15T12:00:00.000Z'",
            ),
            (
                "{ $let: { vars: { p: { $dateToParts: { date: '$summer', timezone: 'Asia/Tokyo' } }
                    }, in: '$$p.hour' } }",
                "21",
            ),
            (
                "{ $dateFromParts: { year: 2021, month: 7, hour: 9, timezone: 'Europe/Paris' } }",
                "@2021-07-01T07:00:00Z",
            ),
            (
                "{ $dateFromString: { dateString: '2021-07-01T09:00:00',
                    timezone: 'Europe/Paris' } }",
                "@2021-07-01T07:00:00Z",
            ),
            (
                "{ $dateFromString: { dateString: '01.01.2021', format: '%d.%m.%Y', timezone:
                    'America/New_York' } }",
                "@2021-01-01T05:00:00Z",
            ),
            // Long before there were time zones, clocks went by the sun.
            ("{ $minute: { date: @1800-01-01, timezone: 'Europe/Paris' } }", "9"),
        ],
    );
    fails(
        ErrorCode::Expression,
        &[
            "{ $hour: { date: '$$NOW', timezone: 'Europe/Atlantis' } }",
            "{ $hour: { date: '$$NOW', timezone: '' } }",
            "{ $hour: { date: '$$NOW', timezone: '$s' } }",
            "{ $hour: { date: '$$NOW', timezone: 5 } }",
            "{ $dateTrunc: { date: '$$NOW', unit: 'day', timezone: '../etc' } }",
        ],
    );
}

/// In Paris 02:00 to 03:00 is left out on 2021-03-28 (at 01:00 UTC), and 02:00 to 03:00 is shown
/// twice on 2021-10-31 (from 00:00 UTC to 02:00 UTC).
#[test]
fn days_and_hours_where_clocks_are_changed() {
    let paris = |text: &str| text.replace("PARIS", "timezone: 'Europe/Paris'");
    for (expression, expected) in [
        // The gap and the hour that is there twice.
        (
            "{ $dateFromParts: { year: 2021, month: 3, day: 28, hour: 2, minute: 30, PARIS } }",
            "@2021-03-28T01:30:00Z",
        ),
        (
            "{ $dateFromParts: { year: 2021, month: 10, day: 31, hour: 2, minute: 30, PARIS } }",
            "@2021-10-31T00:30:00Z",
        ),
        ("{ $hour: { date: @2021-10-31T00:30:00Z, PARIS } }", "2"),
        ("{ $hour: { date: @2021-10-31T01:30:00Z, PARIS } }", "2"),
        ("{ $hour: { date: @2021-03-28T01:00:00Z, PARIS } }", "3"),
        // A day later at the same time of day, which is 23 or 25 hours; hours are hours.
        (
            "{ $dateAdd: { startDate: @2021-03-27T11:00:00Z, unit: 'day', amount: 1, PARIS } }",
            "@2021-03-28T10:00:00Z",
        ),
        (
            "{ $dateAdd: { startDate: @2021-03-27T11:00:00Z, unit: 'hour', amount: 24, PARIS } }",
            "@2021-03-28T11:00:00Z",
        ),
        (
            "{ $dateAdd: { startDate: @2021-03-27T11:00:00Z, unit: 'day', amount: 1 } }",
            "@2021-03-28T11:00:00Z",
        ),
        (
            "{ $dateSubtract: { startDate: @2021-11-03T11:00:00Z, unit: 'week', amount: 1,
                PARIS } }",
            "@2021-10-27T10:00:00Z",
        ),
        (
            "{ $dateAdd: { startDate: @2021-02-28T01:30:00Z, unit: 'month', amount: 1, PARIS } }",
            "@2021-03-28T01:30:00Z",
        ),
        // Nothing added changes nothing, also while clocks show an hour again.
        (
            "{ $dateAdd: { startDate: @2021-10-31T01:30:00Z, unit: 'day', amount: 0, PARIS } }",
            "@2021-10-31T01:30:00Z",
        ),
        (
            "{ $dateSubtract: { startDate: @2021-10-31T01:30:00Z, unit: 'month', amount: 0,
                PARIS } }",
            "@2021-10-31T01:30:00Z",
        ),
        (
            "{ $dateAdd: { startDate: @2021-10-31T00:30:00Z, unit: 'week', amount: 0, PARIS } }",
            "@2021-10-31T00:30:00Z",
        ),
        // Days begin at midnight there.
        (
            "{ $dateTrunc: { date: @2021-03-28T12:00:00Z, unit: 'day', PARIS } }",
            "@2021-03-27T23:00:00Z",
        ),
        (
            "{ $dateTrunc: { date: @2021-03-28T22:30:00Z, unit: 'day', PARIS } }",
            "@2021-03-28T22:00:00Z",
        ),
        (
            "{ $dateTrunc: { date: @2021-10-31T01:59:00Z, unit: 'hour', PARIS } }",
            "@2021-10-31T01:00:00Z",
        ),
        ("{ $dateTrunc: { date: @2021-07-15, unit: 'month', PARIS } }", "@2021-06-30T22:00:00Z"),
        (
            "{ $dateDiff: { startDate: @2021-03-27T22:30:00Z, endDate: @2021-03-27T23:30:00Z,
                unit: 'day', PARIS } }",
            "1",
        ),
        (
            "{ $dateDiff: { startDate: @2021-03-27T23:00:00Z, endDate: @2021-03-28T22:00:00Z,
                unit: 'hour', PARIS } }",
            "23",
        ),
        (
            "{ $dateDiff: { startDate: @2021-03-27T23:00:00Z, endDate: @2021-03-28T22:00:00Z,
                unit: 'day', PARIS } }",
            "1",
        ),
        // From 01:00 to 04:30, though four hours pass: at 02:00 it was 01:30 again.
        (
            "{ $dateDiff: { startDate: @2021-04-03T14:00:00Z, endDate: @2021-04-03T18:00:00Z,
                unit: 'hour', timezone: 'Australia/Lord_Howe' } }",
            "3",
        ),
    ] {
        check_in("{}", &[(&paris(expression), expected)]);
    }
}
