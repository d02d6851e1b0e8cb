//! The shape of `relato.toml` as it is written, before it is understood.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{
    access::{AccessTable, QueryTable},
    channels::ChannelSettings,
    delivery::{DeliveryTable, ServeTable},
    engine::EngineTable,
    imports::Imports,
    settings::{DirectTransfer, Document, KeyRole, Organization, SatisfactionSource},
    storage::StorageTable,
    team_settings::TeamTable,
};
use crate::domain::{
    calendar::{self, Shift},
    holiday::Holidays,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub organization: Organization,
    #[serde(default)]
    pub document: Document,
    pub blip: Option<BlipTable>,
    pub sectors: Option<SectorsTable>,
    #[serde(default)]
    pub satisfaction: SurveyTable,
    pub calendar: Option<Calendars>,
    #[serde(default)]
    pub import: Imports,
    #[serde(default)]
    pub target: Vec<TargetTable>,
    pub privacy: Spanned<PrivacyTable>,
    #[serde(default)]
    pub storage: StorageTable,
    pub delivery: Option<DeliveryTable>,
    pub access: Option<AccessTable>,
    pub query: Option<QueryTable>,
    pub engine: Option<EngineTable>,
    pub serve: Option<ServeTable>,
    pub team: Option<TeamTable>,
    #[serde(default)]
    pub channels: ChannelSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlipTable {
    #[serde(default)]
    pub key: Vec<Spanned<KeyTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyTable {
    pub name: String,
    pub base_url: Spanned<String>,
    pub key_env: Option<String>,
    pub key_file: Option<PathBuf>,
    pub roles: Vec<KeyRole>,
    pub commands_per_second: Option<u32>,
    pub timeout_s: Option<u32>,
}

/// Sectors by name, and the table `rules` among them. (A flattened struct would lose the places of its values.)
pub type SectorsTable = BTreeMap<String, Spanned<toml::Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectorRules {
    #[serde(default)]
    pub direct_transfer: DirectTransfer,
    #[serde(default = "default_queue_label")]
    pub default_queue: String,
    #[serde(default = "default_short_loss")]
    pub short_loss_s: i64,
}

impl Default for SectorRules {
    fn default() -> Self {
        SectorRules { direct_transfer: DirectTransfer::default(), default_queue: default_queue_label(), short_loss_s: default_short_loss() }
    }
}

/// Someone who leaves within this many seconds hardly looked at the queue.
fn default_short_loss() -> i64 {
    10
}

pub fn default_queue_label() -> String {
    "Sem roteamento".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveyTable {
    pub source: Spanned<SatisfactionSource>,
    #[serde(default)]
    pub category: String,
    pub scale: Option<Spanned<String>>,
    pub satisfied_from: Option<i64>,
    pub sector_extra: Option<String>,
    pub comment_extra: Option<String>,
    #[serde(default)]
    pub answers: BTreeMap<String, Spanned<i64>>,
}

impl Default for SurveyTable {
    fn default() -> Self {
        SurveyTable {
            source: Spanned::new(0..0, SatisfactionSource::None),
            category: String::new(),
            scale: None,
            satisfied_from: None,
            sector_extra: None,
            comment_extra: None,
            answers: BTreeMap::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendars {
    pub default: Option<Calendar>,
    #[serde(default)]
    pub sector: BTreeMap<String, Calendar>,
    /// Calendars in force for some days, each with the keys of a calendar and, if it is of one sector, `sector`.
    #[serde(default)]
    pub dated: Vec<Calendar>,
}

impl Calendars {
    /// Returns what is declared, and tells `report` every mistake.
    pub fn understood(&self, report: &mut dyn FnMut(std::ops::Range<usize>, String)) -> calendar::Calendars {
        let mut calendars = calendar::Calendars::default();
        let base = self.default.iter().map(|calendar| (None, "default", calendar));
        let sectors = self.sector.iter().map(|(sector, calendar)| (Some(sector.clone()), sector.as_str(), calendar));
        let dated = self.dated.iter().map(|calendar| (calendar.sector(), "dated", calendar));
        for (sector, name, written) in base.chain(sectors).chain(dated) {
            let understood =
                written.understood(name == "dated", &mut |span, message| report(span, format!("calendar `{name}`: {message}")));
            match sector {
                None => calendars.default.push(understood),
                Some(sector) => calendars.by_sector.entry(sector).or_default().push(understood),
            }
        }
        calendars
    }
}

/// A calendar's entries by key: days of the week with their hours, and the keys of [`CALENDAR_KEYS`].
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Calendar(BTreeMap<String, Spanned<toml::Value>>);

const CALENDAR_KEYS: [&str; 5] = ["holidays", "closed", "open", "from", "until"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Calendar {
    fn sector(&self) -> Option<String> {
        self.0.get("sector").and_then(|value| value.get_ref().as_str()).map(str::to_owned)
    }

    fn understood(&self, is_dated: bool, report: &mut dyn FnMut(std::ops::Range<usize>, String)) -> calendar::Calendar {
        let mut calendar = calendar::Calendar::default();
        for (key, value) in &self.0 {
            let mut wrong = |message: String| report(value.span(), message);
            match (key.as_str(), value.get_ref()) {
                ("open", toml::Value::Table(days)) => {
                    for (text, hours) in days {
                        match day(&toml::Value::String(text.clone())) {
                            Ok(day) => drop(calendar.open.insert(day, shifts(hours, &mut wrong))),
                            Err(message) => wrong(message),
                        }
                    }
                }
                ("closed", toml::Value::Array(days)) => {
                    for text in days {
                        match day(text) {
                            Ok(day) => drop(calendar.closed.insert(day)),
                            Err(message) => wrong(message),
                        }
                    }
                }
                ("holidays", toml::Value::Array(names)) => {
                    for name in names {
                        match name.as_str().and_then(Holidays::named) {
                            Some(set) => drop(calendar.holidays.insert(set)),
                            None => wrong(format!(
                                "unknown holidays {name} (accepted: \"BR\", a state's such as \"BR-SP\", \"BR-FACULTATIVO\", \"BR-BANCOS\")"
                            )),
                        }
                    }
                }
                ("from" | "until", text) => match day(text) {
                    Ok(day) if key == "from" => calendar.from = Some(day),
                    Ok(day) => calendar.until = Some(day),
                    Err(message) => wrong(message),
                },
                ("sector", toml::Value::String(_)) if is_dated => {}
                ("open", _) => wrong("`open` must be a table of days, such as \"2026-12-31\" = [\"08:00-12:00\"]".to_owned()),
                ("closed" | "holidays", _) => wrong(format!("`{key}` must be a list")),
                (days, hours) => match weekdays(days) {
                    Some(days) => {
                        let shifts = shifts(hours, &mut wrong);
                        days.for_each(|day| calendar.week[day].clone_from(&shifts));
                    }
                    None => wrong(format!("unknown key `{days}` (accepted: mon … sun, mon-fri, {})", CALENDAR_KEYS.join(", "))),
                },
            }
        }
        if calendar.from.zip(calendar.until).is_some_and(|(from, until)| until < from) {
            report(self.0["until"].span(), "`until` is before `from`".to_owned());
        }
        calendar
    }
}

/// Returns the days, 0 for Monday, that `mon` or `mon-fri` names.
fn weekdays(text: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let place = |name: &str| WEEKDAYS.iter().position(|known| *known == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (place(first)?, place(last)?);
    (first <= last).then_some(first..=last)
}

fn day(value: &toml::Value) -> Result<chrono::NaiveDate, String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    crate::domain::period::parse_day(&text).map_err(|error| error.to_string())
}

fn shifts(value: &toml::Value, wrong: &mut dyn FnMut(String)) -> Vec<Shift> {
    let toml::Value::Array(stretches) = value else {
        wrong(format!("`{value}` is not a list of hours (accepted: [\"08:00-12:00\", \"13:00-18:00\"])"));
        return Vec::new();
    };
    let mut shifts = Vec::new();
    for stretch in stretches {
        match stretch.as_str().and_then(Shift::parse) {
            Some(shift) => shifts.push(shift),
            None => wrong(format!("`{}` is not a stretch of hours (accepted: HH:MM-HH:MM)", stretch.to_string().replace('"', ""))),
        }
    }
    shifts
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTable {
    pub metric: Spanned<String>,
    #[serde(deserialize_with = "super::settings::a_day")]
    pub from: chrono::NaiveDate,
    pub value: Spanned<f64>,
    pub sector: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyTable {
    pub pseudonym_key_env: Option<String>,
    pub pseudonym_key_file: Option<PathBuf>,
    #[serde(default)]
    pub keep_comments: bool,
    pub retain_months: Option<u32>,
}
