//! The shape of `relato.toml` as it is written, before it is understood.
//!
//! Keys that later parts of the program use are named here already, so that a file with them is no mistake.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::settings::{BusinessHours, DirectTransfer, Document, KeyRole, Organization, SatisfactionSource};

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
    #[serde(default, rename = "target")]
    _target: Vec<Target>,
    pub privacy: Spanned<PrivacyTable>,
    #[serde(default)]
    pub storage: Storage,
    #[serde(rename = "delivery")]
    _delivery: Option<Delivery>,
    #[serde(rename = "access")]
    _access: Option<Access>,
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
}

impl Default for SectorRules {
    fn default() -> Self {
        SectorRules { direct_transfer: DirectTransfer::default(), default_queue: default_queue_label() }
    }
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
}

impl Calendars {
    pub fn all(&self) -> impl Iterator<Item = (&str, &Calendar)> {
        let default = self.default.iter().map(|calendar| ("default", calendar));
        default.chain(self.sector.iter().map(|(sector, calendar)| (sector.as_str(), calendar)))
    }
}

/// A calendar's entries by key: days of the week with their hours, and the keys of [`CALENDAR_KEYS`].
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Calendar(BTreeMap<String, Spanned<toml::Value>>);

pub const CALENDAR_KEYS: [&str; 5] = ["holidays", "closed", "open", "from", "until"];
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Calendar {
    pub fn mistakes(&self) -> Vec<(std::ops::Range<usize>, String)> {
        let mut mistakes = Vec::new();
        for (key, value) in &self.0 {
            let mut report = |message: String| mistakes.push((value.span(), message));
            match (key.as_str(), value.get_ref()) {
                ("open", toml::Value::Table(days)) => {
                    for (day, hours) in days {
                        if let Err(error) = crate::domain::period::parse_day(day) {
                            report(error.to_string());
                        }
                        not_hours(hours).into_iter().for_each(&mut report);
                    }
                }
                (known, _) if CALENDAR_KEYS.contains(&known) => {}
                (days, hours) if days.split('-').count() <= 2 && days.split('-').all(|day| WEEKDAYS.contains(&day)) => {
                    not_hours(hours).into_iter().for_each(report);
                }
                (other, _) => report(format!("unknown key `{other}` (accepted: mon … sun, mon-fri, {})", CALENDAR_KEYS.join(", "))),
            }
        }
        mistakes
    }
}

pub fn not_hours(value: &toml::Value) -> Vec<String> {
    let message = |text: &str| format!("`{text}` is not a stretch of hours (accepted: HH:MM-HH:MM)");
    match value {
        toml::Value::Array(stretches) => stretches
            .iter()
            .filter(|stretch| stretch.as_str().is_none_or(|text| BusinessHours::parse(text).is_none()))
            .map(|stretch| message(&stretch.to_string().replace('"', "")))
            .collect(),
        other => vec![message(&other.to_string())],
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    #[serde(rename = "metric")]
    _metric: String,
    #[serde(rename = "from")]
    _from: toml::value::Datetime,
    #[serde(rename = "value")]
    _value: f64,
    #[serde(rename = "sector")]
    _sector: Option<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    #[serde(default = "default_data_dir")]
    pub dir: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Storage { dir: default_data_dir() }
    }
}

pub fn default_data_dir() -> PathBuf {
    PathBuf::from("data")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    #[serde(rename = "smtp")]
    _smtp: Option<Smtp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    #[serde(rename = "host")]
    _host: String,
    #[serde(rename = "port")]
    _port: u16,
    #[serde(rename = "tls")]
    _tls: Tls,
    #[serde(rename = "user_env")]
    _user_env: Option<String>,
    #[serde(rename = "user_file")]
    _user_file: Option<PathBuf>,
    #[serde(rename = "password_env")]
    _password_env: Option<String>,
    #[serde(rename = "password_file")]
    _password_file: Option<PathBuf>,
    #[serde(rename = "from")]
    _from: String,
    #[serde(default, rename = "allow_domains")]
    _allow_domains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    Starttls,
    #[serde(rename = "tls")]
    Immediate,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    #[serde(default, rename = "person")]
    _person: Vec<Person>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    #[serde(rename = "email")]
    _email: String,
    #[serde(rename = "profile")]
    _profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Administrador,
    Auditor,
    Visualizador,
}
