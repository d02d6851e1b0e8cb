//! Calendars: the holidays of all states held against the laws and against a library, what `check` and `calendar` print, Blip's opening hours.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use chrono::NaiveDate;
use relato::domain::holiday::{Holidays, Off};

use crate::support::{Sandbox, root, serve, settings, world};

type Days = BTreeSet<(String, NaiveDate)>;

/// Reads rows of `tests/holidays`, each as its fields.
fn rows(name: &str) -> Vec<Vec<String>> {
    let path = root().join("tests/holidays").join(name);
    let mut reader = csv::Reader::from_path(&path).expect("a fixture");
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

fn days(name: &str) -> Days {
    rows(name).into_iter().map(|row| (row[0].clone(), row[1].parse().expect("a day"))).collect()
}

fn ours() -> Days {
    let sets: BTreeSet<String> =
        rows("states.csv").into_iter().map(|row| row[0].clone()).chain(["BR-MG", "BR-PR"].map(str::to_owned)).collect();
    assert_eq!(sets.len(), 28, "the country and 27 states");
    let of = |set: &String| {
        let holidays = Holidays::named(set).expect("a known set");
        let found = (2015..=2035).flat_map(|year| holidays.of_year(year)).collect::<Vec<_>>();
        assert!(found.iter().all(|holiday| holiday.off == Off::Day && !holiday.name.is_empty() && !holiday.source.is_empty()));
        found.into_iter().map(|holiday| (set.clone(), holiday.day)).collect::<Vec<_>>()
    };
    sets.iter().flat_map(of).collect()
}

#[test]
fn the_days_of_all_states_are_those_of_the_laws() {
    let (ours, right) = (ours(), days("states.csv"));
    assert_eq!(ours.difference(&right).collect::<Vec<_>>(), Vec::<&(String, NaiveDate)>::new(), "holidays that no law makes");
    assert_eq!(right.difference(&ours).collect::<Vec<_>>(), Vec::<&(String, NaiveDate)>::new(), "holidays that are missing");
}

#[test]
fn each_day_that_a_library_has_otherwise_is_listed_with_its_law() {
    // A state's day that is national, too, changes nothing for a calendar of both.
    let own = |days: &Days| -> Days {
        let is_national = |day: &NaiveDate| Holidays::NATIONAL.contains(*day);
        days.iter().filter(|(set, day)| set == "BR" || !is_national(day)).cloned().collect()
    };
    let (right, library) = (own(&days("states.csv")), own(&days("pypi-holidays-0.109.csv")));
    let listed: BTreeMap<(String, NaiveDate), Vec<String>> =
        rows("disagreements.csv").into_iter().map(|row| ((row[0].clone(), row[1].parse().expect("a day")), row[2..].to_vec())).collect();
    let found: Days = right.symmetric_difference(&library).cloned().collect();
    assert_eq!(found, listed.keys().cloned().collect::<Days>());
    for (day, rest) in &listed {
        assert_eq!(rest[0] == "law", right.contains(day), "{day:?}");
        assert!(rest[1].contains(char::is_numeric), "without a law or list: {day:?}");
    }
}

#[test]
fn check_and_calendar_print_the_holidays_of_two_years() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let text = fs::read_to_string(sandbox.dir().join("relato.toml")).expect("settings");
    let calendar = "\n[calendar.default]\nmon-fri = [\"08:00-18:00\"]\nholidays = [\"BR\", \"BR-TO\"]\n\
                    [calendar.default.open]\n\"2026-09-08\" = [\"08:00-12:00\"]\n";
    sandbox.write("relato.toml", &format!("{text}{calendar}"));
    let checked = sandbox.relato(&["check", "--offline"]).output().expect("a run");
    let printed = String::from_utf8(checked.stdout).expect("text");
    assert!(
        printed.contains("(BR, BR-TO), 2026: 01-01, 04-03, 04-21, 05-01, 08-15, 09-07, 10-05, 10-12, 11-02, 11-15, 11-20, 12-25\n"),
        "{printed}"
    );
    assert!(printed.contains("(BR, BR-TO), 2027: 01-01, 03-26,"), "{printed}");
    let shown = sandbox.relato(&["calendar", "show"]).assert().success();
    let printed = String::from_utf8(shown.get_output().stdout.clone()).expect("text");
    assert!(printed.contains("2026-08-15 Sat Senhor do Bonfim (Lei 4.509/2024)\n"), "{printed}");
    assert!(printed.contains("2026-09-08 Tue hours of its own by relato.toml\n"), "{printed}");
    assert!(!printed.contains("2026-09-08 Tue Nossa Senhora"), "{printed}");
    assert!(printed.contains("Laws and lists were read until 2026-11-30."), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blips_opening_hours_are_proposed_and_never_taken() {
    let server = serve(&world(7, 20), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let before = settings(&server.base_url);
    sandbox.write("relato.toml", &before);
    let proposed = sandbox.relato(&["calendar", "propose"]).assert().success();
    let printed = String::from_utf8(proposed.get_output().stdout.clone()).expect("text");
    let expected = "# Horário padrão\n[calendar.default]\nmon = [\"07:00-19:00\"]\ntue = [\"07:00-19:00\"]\nwed = [\"07:00-19:00\"]\n\
                    thu = [\"07:00-19:00\"]\nfri = [\"07:00-19:00\"]\nsat = [\"08:00-12:00\"]\nholidays = [\"BR\"]\n";
    assert!(printed.ends_with(expected), "{printed}");
    assert_eq!(fs::read_to_string(sandbox.dir().join("relato.toml")).expect("settings"), before);
    // What is printed is a part of relato.toml.
    let table = printed.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    sandbox.write("relato.toml", &format!("{before}\n{table}\n"));
    sandbox.relato(&["check", "--offline"]).assert().success();
}
