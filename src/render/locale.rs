//! Words, numbers and dates as a reader expects them.
//!
//! Texts are Fluent messages in `assets/locales`; numbers follow CLDR. Rounding happens here and nowhere else.

use chrono::{Locale as ChronoLocale, NaiveDate, NaiveDateTime};
use fixed_decimal::Decimal;
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use icu_decimal::DecimalFormatter;

use crate::domain::{Cell, Kind, Language, Period, period::Unit, report_data::Figure};

/// Texts and formats of one language.
pub struct Locale {
    language: Language,
    texts: FluentBundle<FluentResource>,
    decimals: DecimalFormatter,
}

impl Locale {
    /// Makes the texts and formats of `language`.
    pub fn new(language: Language) -> Locale {
        let source = match language {
            Language::PtBr => include_str!("../../assets/locales/pt-BR.ftl"),
            Language::EnUs => include_str!("../../assets/locales/en-US.ftl"),
        };
        let resource = FluentResource::try_new(source.to_owned()).expect("the embedded texts are valid Fluent");
        let mut texts = FluentBundle::new(vec![language.tag().parse().expect("the tag is valid")]);
        // Direction marks around placed values would end up in file names and searches.
        texts.set_use_isolating(false);
        texts.add_resource(resource).expect("the embedded texts repeat no key");
        let locale = language.tag().parse::<icu_locale_core::Locale>().expect("the tag is valid");
        let decimals = DecimalFormatter::try_new(locale.into(), icu_decimal::options::DecimalFormatterOptions::default())
            .expect("number formats of both languages are compiled in");
        Locale { language, texts, decimals }
    }

    /// Returns the language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns the text of `key`; the key itself where there is none.
    pub fn text(&self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// Returns whether `key` has a text.
    pub fn has(&self, key: &str) -> bool {
        self.texts.has_message(key)
    }

    /// Returns the text of `key` with values placed in it.
    pub fn text_with(&self, key: &str, values: &[(&str, &str)]) -> String {
        let arguments: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect();
        self.format(key, &arguments)
    }

    /// Returns the text of `key` that fits the number `n`; `$count` is the number as it is shown.
    pub fn plural(&self, key: &str, n: i64) -> String {
        self.plural_with(key, n, &[])
    }

    /// Returns the text of `key` that fits the number `n`, with values placed in it.
    pub fn plural_with(&self, key: &str, n: i64, values: &[(&str, &str)]) -> String {
        let mut arguments: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect();
        arguments.set("n", n);
        arguments.set("count", self.count(n));
        self.format(key, &arguments)
    }

    fn format(&self, key: &str, arguments: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.texts.get_message(key).and_then(|message| message.value()) else { return key.to_owned() };
        let mut errors = Vec::new();
        let text = self.texts.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "{key}: {errors:?}");
        text
    }

    /// Returns a whole number with grouped digits: `1.234`.
    pub fn count(&self, value: i64) -> String {
        self.decimals.format(&Decimal::from(value)).to_string()
    }

    /// Returns a number with a fixed number of decimals, rounded half to even: `1.234,50`.
    pub fn number(&self, value: f64, decimals: usize) -> String {
        // Rust prints the shortest text that is exactly rounded; CLDR then sets the signs.
        let text = format!("{value:.decimals$}");
        let decimal: Decimal = text.parse().expect("a printed number is a decimal");
        self.decimals.format(&decimal).to_string()
    }

    /// Returns a share as per cent with one decimal: `87,3%`.
    pub fn share(&self, share: f64) -> String {
        format!("{}%", self.number(share * 100.0, 1))
    }

    /// Returns seconds, rounded to whole ones, in two units: `45 s`, `12 min 30 s`, `3 h 05 min`.
    ///
    /// From an hour on the seconds are cut off, as spreadsheets do: the workbook shows the same.
    pub fn duration(&self, seconds: f64) -> String {
        if seconds <= -0.5 {
            return format!("−{}", self.duration(-seconds));
        }
        #[expect(clippy::cast_possible_truncation, reason = "durations are far below 2^63 seconds")]
        let seconds = seconds.round() as i64;
        let place = |key: &str, values: &[(&str, String)]| {
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            self.text_with(key, &values)
        };
        match seconds {
            0..60 => place("unit-seconds", &[("s", seconds.to_string())]),
            60..3_600 => place("unit-minutes", &[("m", (seconds / 60).to_string()), ("s", format!("{:02}", seconds % 60))]),
            _ => place("unit-hours", &[("h", (seconds / 3_600).to_string()), ("m", format!("{:02}", seconds / 60 % 60))]),
        }
    }

    /// Returns a day: `31/10/2026`.
    pub fn date(&self, day: NaiveDate) -> String {
        day.format(match self.language {
            Language::PtBr => "%d/%m/%Y",
            Language::EnUs => "%m/%d/%Y",
        })
        .to_string()
    }

    /// Returns a day without its year: `31/10`.
    pub fn short_date(&self, day: NaiveDate) -> String {
        day.format(match self.language {
            Language::PtBr => "%d/%m",
            Language::EnUs => "%m/%d",
        })
        .to_string()
    }

    /// Returns a wall-clock time to the minute: `31/10/2026 14:05`.
    pub fn time(&self, time: NaiveDateTime) -> String {
        format!("{} {}", self.date(time.date()), time.format("%H:%M"))
    }

    /// Returns the name of a weekday, 1 = Monday.
    pub fn weekday(&self, weekday: i64) -> String {
        // 1 January 2024 was a Monday.
        let day = NaiveDate::from_ymd_opt(2024, 1, u32::try_from(weekday.clamp(1, 7)).unwrap_or(1)).unwrap_or_default();
        day.format_localized("%a", self.chrono()).to_string().trim_end_matches('.').to_owned()
    }

    /// Returns month and year in words: `outubro de 2026`.
    pub fn month(&self, day: NaiveDate) -> String {
        day.format_localized(
            match self.language {
                Language::PtBr => "%B de %Y",
                Language::EnUs => "%B %Y",
            },
            self.chrono(),
        )
        .to_string()
    }

    /// Returns month and year in short: `out/26`.
    pub fn short_month(&self, day: NaiveDate) -> String {
        day.format_localized("%b/%y", self.chrono()).to_string()
    }

    /// Returns a period in words.
    pub fn period(&self, period: &Period) -> String {
        let (first, last) = (self.date(period.start), self.date(period.last_day()));
        match period.unit {
            Unit::Month => self.month(period.start),
            Unit::MonthToDate => {
                let day = period.last_day().format("%-d").to_string();
                self.text_with("period-month-to-date", &[("month", &self.month(period.start)), ("day", &day)])
            }
            Unit::Week => {
                let (week, year) = (period.start.format("%V").to_string(), period.start.format("%G").to_string());
                self.text_with("period-week", &[("week", &week), ("year", &year), ("first", &first), ("last", &last)])
            }
            Unit::Days if period.day_count() == 1 => first,
            Unit::Days => self.text_with("period-days", &[("first", &first), ("last", &last)]),
        }
    }

    /// Returns a cell as it is shown; nothing is `—`, never 0.
    pub fn cell(&self, kind: Kind, cell: Cell<'_>) -> String {
        match (kind, cell) {
            (_, Cell::Null) => self.text("no-data"),
            (Kind::Text, Cell::Text(text)) => self.word(text),
            (Kind::Weekday, Cell::Int(weekday)) => self.weekday(weekday),
            (Kind::Hour, Cell::Int(hour)) => self.text_with("unit-hour", &[("h", &hour.to_string())]),
            (_, Cell::Text(text)) => text.to_owned(),
            (_, Cell::Bool(flag)) => self.text(if flag { "value-yes" } else { "value-no" }),
            (_, Cell::Date(day)) => self.date(day),
            (_, Cell::Time(time)) => self.time(time),
            (kind, cell) => cell.number().map_or_else(|| self.text("no-data"), |value| self.value(kind, value)),
        }
    }

    /// Returns a key figure as it is shown: `—` where there is no data, `n/d` where nothing was loaded.
    pub fn figure(&self, figure: &Figure) -> String {
        match figure.value {
            Some(value) => self.value(figure.column.kind, value),
            None if figure.is_loaded => self.text("no-data"),
            None => self.text("not-loaded"),
        }
    }

    /// Returns a number of a kind as it is shown.
    pub fn value(&self, kind: Kind, value: f64) -> String {
        match kind {
            Kind::Share => self.share(value),
            Kind::Duration => self.duration(value),
            Kind::Number => self.number(value, 2),
            _ => self.number(value, 0),
        }
    }

    /// Returns the reader's word for a value that queries write in English, such as an outcome or a channel's domain.
    pub fn word(&self, value: &str) -> String {
        let is_key =
            !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte));
        if !is_key {
            return value.to_owned();
        }
        let key = value.replace('.', "_");
        let keys = [format!("value-{key}"), format!("channel-{key}")];
        keys.iter().find(|key| self.has(key)).map_or_else(|| value.to_owned(), |key| self.text(key))
    }

    fn chrono(&self) -> ChronoLocale {
        match self.language {
            Language::PtBr => ChronoLocale::pt_BR,
            Language::EnUs => ChronoLocale::en_US,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_and_dates_are_brazilian_by_default() {
        let locale = Locale::new(Language::PtBr);
        assert_eq!(locale.count(1_234_567), "1.234.567");
        assert_eq!(locale.number(1_234.5, 1), "1.234,5");
        assert_eq!(locale.share(0.8731), "87,3%");
        assert_eq!(locale.date(day("2026-10-03")), "03/10/2026");
        assert_eq!(locale.month(day("2026-03-01")), "março de 2026");
        assert_eq!(locale.weekday(1), "seg");
        assert_eq!(locale.weekday(7), "dom");
    }

    #[test]
    fn english_is_english() {
        let locale = Locale::new(Language::EnUs);
        assert_eq!(locale.number(1_234.5, 1), "1,234.5");
        assert_eq!(locale.date(day("2026-10-03")), "10/03/2026");
        assert_eq!(locale.month(day("2026-03-01")), "March 2026");
    }

    #[test]
    fn durations_never_show_sixty_of_a_unit() {
        let locale = Locale::new(Language::PtBr);
        let cases = [
            (0.0, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min 00 s"),
            (750.0, "12 min 30 s"),
            (3_599.6, "1 h 00 min"),
            (11_100.0, "3 h 05 min"),
            (6_659.0, "1 h 50 min"),
            (187_200.0, "52 h 00 min"),
            (-30.0, "−30 s"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(locale.duration(seconds), shown);
        }
    }

    #[test]
    fn nothing_is_a_dash_and_zero_is_zero() {
        let locale = Locale::new(Language::PtBr);
        assert_eq!(locale.cell(Kind::Count, Cell::Null), "—");
        assert_eq!(locale.cell(Kind::Count, Cell::Int(0)), "0");
        assert_eq!(locale.cell(Kind::Text, Cell::Text("wa.gw.msging.net")), "WhatsApp");
        assert_eq!(locale.cell(Kind::Text, Cell::Text("Financeiro")), "Financeiro");
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let keys = |source: &str| -> Vec<String> {
            let messages = source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()));
            messages.filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect()
        };
        assert_eq!(keys(include_str!("../../assets/locales/pt-BR.ftl")), keys(include_str!("../../assets/locales/en-US.ftl")));
    }
}
