//! Freezes in local time, also when the clock is set forward or back.

use crate::names::{answers, with};
use expect_test::expect;
use pipeline::spec::{Environment, Freeze, WeekTime, parse};
use pipeline::time::Time;

/// Returns the moment of a date and time in UTC.
fn utc(text: &str) -> Time {
    let timestamp: jiff::Timestamp = format!("{text}:00Z").parse().unwrap();
    Time::from_millis(timestamp.as_millisecond().try_into().unwrap())
}

fn frozen_by(windows: &str) -> Environment {
    let spec = format!(
        "{{application: a, images: {{a: aa}}, environments: {{b: {{cluster: c, services: [d], \
         freeze: [{windows}]}}}}}}"
    );
    let mut application = parse(&spec).unwrap_or_else(|faults| panic!("{faults}"));
    application.environments.remove(&"b".into()).unwrap()
}

/// Each line: a moment, and until when it is frozen; both in UTC.
fn check(windows: &str, moments: &[(&str, Option<&str>)]) {
    let environment = frozen_by(windows);
    for (now, until) in moments {
        let frozen = environment.frozen_until(utc(now)).map(|time| time.to_string());
        let expected = until.map(|until| utc(until).to_string());
        assert_eq!(frozen, expected, "at {now} with {windows}");
    }
}

const BERLIN: &str = "{from: 'fri 18:00', to: 'mon 08:00', time_zone: Europe/Berlin}";

#[test]
fn a_weekend_wraps_the_end_of_the_week() {
    check(
        BERLIN,
        &[
            ("2026-07-03T15:59", None),
            ("2026-07-03T16:00", Some("2026-07-06T06:00")),
            ("2026-07-05T12:00", Some("2026-07-06T06:00")),
            ("2026-07-06T05:59", Some("2026-07-06T06:00")),
            ("2026-07-06T06:00", None),
            ("2026-07-08T12:00", None),
        ],
    );
}

#[test]
fn a_weekend_in_which_the_clock_is_set_forward_is_an_hour_shorter() {
    // 29 March 2026: winter time when it begins, summer time when it ends.
    check(
        BERLIN,
        &[
            ("2026-03-27T16:59", None),
            ("2026-03-27T17:00", Some("2026-03-30T06:00")),
            ("2026-03-30T05:59", Some("2026-03-30T06:00")),
            ("2026-03-30T06:00", None),
        ],
    );
}

#[test]
fn a_weekend_in_which_the_clock_is_set_back_is_an_hour_longer() {
    // 25 October 2026.
    check(
        BERLIN,
        &[
            ("2026-10-23T15:59", None),
            ("2026-10-23T16:00", Some("2026-10-26T07:00")),
            ("2026-10-26T06:59", Some("2026-10-26T07:00")),
            ("2026-10-26T07:00", None),
        ],
    );
}

#[test]
fn new_york_changes_its_clock_on_other_days() {
    let window = "{from: 'friday 18:00', to: 'Monday 8:00', time_zone: America/New_York}";
    check(
        window,
        &[
            ("2026-03-06T23:00", Some("2026-03-09T12:00")),
            ("2026-03-27T21:59", None),
            ("2026-03-27T22:00", Some("2026-03-30T12:00")),
            ("2026-10-30T22:00", Some("2026-11-02T13:00")),
        ],
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_or_never_takes_the_longer_reading() {
    // 02:30 does not exist on 29 March and is there twice on 25 October.
    let night = "{from: 'sun 01:30', to: 'sun 02:30', time_zone: Europe/Berlin}";
    check(
        night,
        &[
            ("2026-03-29T00:30", Some("2026-03-29T01:30")),
            ("2026-03-29T01:29", Some("2026-03-29T01:30")),
            ("2026-03-29T01:30", None),
            ("2026-10-24T23:30", Some("2026-10-25T01:30")),
            ("2026-10-25T01:29", Some("2026-10-25T01:30")),
            ("2026-10-25T01:30", None),
        ],
    );
}

#[test]
fn a_window_inside_one_day_comes_every_week() {
    check(
        "{from: 'tue 12:00', to: 'tue 13:00', time_zone: UTC}",
        &[
            ("2026-07-07T11:59", None),
            ("2026-07-07T12:00", Some("2026-07-07T13:00")),
            ("2026-07-14T12:30", Some("2026-07-14T13:00")),
            ("2026-07-15T12:30", None),
        ],
    );
}

#[test]
fn a_window_of_nearly_a_week_leaves_its_gap() {
    check(
        "{from: 'wed 10:00', to: 'wed 09:00', time_zone: UTC}",
        &[
            ("2026-07-08T08:59", Some("2026-07-08T09:00")),
            ("2026-07-08T09:30", None),
            ("2026-07-08T10:00", Some("2026-07-15T09:00")),
        ],
    );
}

#[test]
fn holidays_are_frozen_once() {
    let window = "{from: 2026-12-20T00:00, to: '2027-01-03 00:00', time_zone: Europe/Berlin}";
    check(
        window,
        &[
            ("2026-12-19T22:59", None),
            ("2026-12-19T23:00", Some("2027-01-02T23:00")),
            ("2027-01-02T23:00", None),
            ("2027-12-25T00:00", None),
        ],
    );
}

#[test]
fn windows_that_meet_or_overlap_are_one_freeze() {
    let windows = "{from: 2026-12-19T12:00, to: 2026-12-23T00:00, time_zone: UTC}, \
                   {from: 2026-12-23T00:00, to: 2026-12-26T01:00, time_zone: UTC}, \
                   {from: 'fri 18:00', to: 'mon 08:00', time_zone: UTC}";
    check(
        windows,
        &[
            ("2026-12-18T17:59", None),
            ("2026-12-18T18:00", Some("2026-12-28T08:00")),
            ("2026-12-24T00:00", Some("2026-12-28T08:00")),
            ("2026-12-28T08:00", None),
        ],
    );
}

#[test]
fn windows_without_a_gap_end_somewhere() {
    let day = |day| WeekTime { day, minute_of_day: 0 };
    let weekly =
        |from, to| Freeze::Weekly { from: day(from), to: day(to), time_zone: "UTC".into() };
    let mut environment = frozen_by("");
    environment.freeze = vec![weekly(0, 3), weekly(3, 0)];
    assert!(environment.frozen_until(utc("2026-07-08T00:00")) > Some(utc("2026-08-08T00:00")));
    assert!(environment.frozen_until(Time::LAST).is_some());
    assert_eq!(environment.frozen_until(Time::from_millis(u64::MAX)), None);
}

#[test]
fn zones_come_from_the_binary_and_not_from_the_machine() {
    for zone in ["Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"] {
        frozen_by(&format!("{{from: 'fri 18:00', to: 'mon 08:00', time_zone: {zone}}}"));
    }
}

/// Each text is where a window begins; it ends on Sunday at noon, or at the end of 2027.
fn messages_of(texts: &[&str], to: &str) -> String {
    let spec =
        |from: &str| with(&format!("freeze: [{{from: '{from}', to: '{to}', time_zone: UTC}}]"));
    answers(spec, texts)
}

#[test]
fn a_day_and_time_of_the_week_is_written_in_few_ways() {
    let texts = [
        "fri 18:00",
        "FRIDAY   8:05",
        " fri 18:00 ",
        "fri\t18:00",
        "sun 12:00",
        "fri 23:59",
        "fri 24:00",
        "fri 23:60",
        "fri 018:00",
        "fri +8:00",
        "fri 18:+5",
        "fri 18:0",
        "fri 18:000",
        "fri :00",
        "fri 18:",
        "fri 18",
        "fri",
        "frid 18:00",
        "freitag 18:00",
        "",
    ];
    expect![[r#"
        fri 18:00: read
        FRIDAY   8:05: read
         fri 18:00 : read
        fri	18:00: read
        sun 12:00: the weekly windows leave no gap, so nothing could ever start; shorten one | it ends when it begins; write a later day or time
        fri 23:59: read
        fri 24:00: "fri 24:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 23:60: "fri 23:60" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 018:00: "fri 018:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri +8:00: "fri +8:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 18:+5: "fri 18:+5" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 18:0: "fri 18:0" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 18:000: "fri 18:000" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri :00: "fri :00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 18:: "fri 18:" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri 18: "fri 18" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        fri: "fri" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        frid 18:00: "frid 18:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        freitag 18:00: "freitag 18:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        : "" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
    "#]].assert_eq(&messages_of(&texts, "sun 12:00"));
}

#[test]
fn a_date_and_time_is_written_in_few_ways() {
    let texts = [
        "2027-06-01T00:00",
        "2027-06-01 00:00",
        " 2027-06-01T00:00:00 ",
        "2027-06-01",
        "1 June 2027, 00:00",
        "2027-02-30T00:00",
        "2027-12-30T23:59",
        "2027-12-31T00:00",
        "2027-12-31T00:01",
        "2026-12-30T00:00",
        "2026-12-29T23:59",
        "1960-01-01T00:00",
    ];
    expect![[r#"
        2027-06-01T00:00: read
        2027-06-01 00:00: read
         2027-06-01T00:00:00 : read
        2027-06-01: "2027-06-01" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        1 June 2027, 00:00: "1 June 2027, 00:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        2027-02-30T00:00: "2027-02-30T00:00" is neither a day and time of the week nor a date and time; write "fri 18:00" or 2026-12-20T00:00
        2027-12-30T23:59: read
        2027-12-31T00:00: it ends before it begins; swap from and to
        2027-12-31T00:01: it ends before it begins; swap from and to
        2026-12-30T00:00: read
        2026-12-29T23:59: it is longer than a year, or centuries away; correct the dates
        1960-01-01T00:00: it is longer than a year, or centuries away; correct the dates
    "#]].assert_eq(&messages_of(&texts, "2027-12-31T00:00"));
    let last = ["2199-06-01T00:00", "2200-01-01T00:00"];
    expect![[r#"
        2199-06-01T00:00: read
        2200-01-01T00:00: it ends before it begins; swap from and to
    "#]]
    .assert_eq(&messages_of(&last, "2200-01-01T00:00"));
    expect![[r#"
        2199-06-01T00:00: it is longer than a year, or centuries away; correct the dates
        2200-01-01T00:00: it is longer than a year, or centuries away; correct the dates
    "#]]
    .assert_eq(&messages_of(&last, "2200-01-01T00:01"));
    expect![[r#"
        9999-12-01T00:00: it is longer than a year, or centuries away; correct the dates
    "#]]
    .assert_eq(&messages_of(&["9999-12-01T00:00"], "9999-12-31T23:00"));
    expect![[r#"
        1960-01-01T00:00: it is longer than a year, or centuries away; correct the dates
    "#]]
    .assert_eq(&messages_of(&["1960-01-01T00:00"], "1960-01-02T00:00"));
}

#[test]
fn time_zones_are_those_of_iana() {
    let spec = |zone: &str| {
        with(&format!("freeze: [{{from: fri 18:00, to: mon 8:00, time_zone: {zone}}}]"))
    };
    let zones = ["Europe/Berlin", "europe/berlin", "UTC", "CEST", "Etc/Unknown", "+02:00", "''"];
    expect![[r#"
        Europe/Berlin: read
        europe/berlin: read
        UTC: read
        CEST: "CEST" is not a time zone; write its IANA name, such as Europe/Berlin or UTC
        Etc/Unknown: "Etc/Unknown" is not a time zone; write its IANA name, such as Europe/Berlin or UTC
        +02:00: "+02:00" is not a time zone; write its IANA name, such as Europe/Berlin or UTC
        '': "" is not a time zone; write its IANA name, such as Europe/Berlin or UTC
    "#]].assert_eq(&answers(spec, &zones));
}
