//! Schedules, `schedules/*.toml`: when which report is made, on which conditions, for whom.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;
use toml::Spanned;

use super::{
    ConfigError, Problem, Recipients, SecretSource,
    address::is_guarded,
    delivery::{addresses, require_address},
    toml_file,
};
use crate::domain::{Cron, Period, Zone};

/// Endings of the files that a report can be.
const FORMATS: [&str; 5] = ["xlsx", "pdf", "csv", "json", "parquet"];

/// A schedule as its author declared it.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// Name of the file without its ending.
    pub name: String,
    /// Name of the report.
    pub report: String,
    /// When, on the wall clock of `timezone`.
    pub cron: Cron,
    /// Zone of the wall clock.
    pub timezone: Zone,
    /// Period in the form of the command line, relative to the planned instant.
    pub period: String,
    /// Endings of the files to make.
    pub formats: Vec<String>,
    /// Whether the files hold row-level tables.
    pub details: bool,
    /// What to do while the period is not closed.
    pub gate: Gate,
    /// On which condition it is sent.
    pub when: Condition,
    /// What to do with times that passed while nothing ran.
    pub missed: Missed,
    /// What to do on days without business hours.
    pub holidays: Holidays,
    /// Who gets it by mail.
    pub to: Vec<Addressee>,
    /// Where files are put.
    pub folder: Option<FolderSpec>,
    /// Which program is told.
    pub webhook: Option<WebhookSpec>,
    /// Who answers for it, and is told of failures.
    pub owner: Option<String>,
    /// Who is told of failures beside the owner.
    pub on_failure: Vec<String>,
    /// How often a failed step is tried again.
    pub retries: u32,
}

/// What to do while the period is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Send it as it is: the report says on its first page how complete it is.
    Send,
    /// Send it, and say so in the subject and at the top of the mail.
    Banner,
    /// Wait; at the end of the wait, send it with the banner and tell the owner.
    Hold {
        /// What is waited for.
        until: HoldUntil,
        /// Longest wait from the planned instant on.
        at_most: TimeDelta,
    },
}

/// What a gate waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldUntil {
    /// Every day of the period is loaded.
    Complete,
    /// Every day is loaded, no conversation that counts in the period is open and late answers had their time, or it ended `closed_after_days` ago.
    Closed,
}

/// On which condition a report is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every time.
    Always,
    /// When the period has any ticket or answer.
    Data,
    /// When its content is another than the last one that went out for the same period; such a period is sent again on purpose.
    Changed,
    /// When a key figure misses its target.
    TargetMissed,
    /// When a key figure crosses a limit.
    Figure {
        /// Name of the key figure.
        figure: String,
        /// Send when it is below.
        below: Option<f64>,
        /// Send when it is above.
        above: Option<f64>,
    },
}

/// What to do with times that passed while nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Make up for the last one.
    Last,
    /// Make up for each.
    All,
    /// Leave them.
    Skip,
}

/// What to do on days without business hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// Send as on any day.
    Send,
    /// Leave out holidays and days that the calendar closes.
    Skip,
    /// Wait for the next day with business hours, at the same time of day; the period stays that of the planned day.
    NextBusinessDay,
}

/// Who gets a report by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// An address: the whole report.
    Person(String),
    /// `group:NAME`: everybody of a group in `recipients.toml`; the whole report.
    Group(String),
    /// `sector:NAME`: who is named for the sector in `recipients.toml`; the report of the sector alone.
    Sector(String),
    /// `sectors`: each sector of `recipients.toml`; to each the report of the sector alone.
    Sectors,
}

/// Where files are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSpec {
    /// Folder, relative to the project or absolute; takes the same places as `file`.
    pub path: String,
    /// Name of the files without ending, with the places {report}, {schedule}, {period}, {sector}, {year}, {month}, {day}.
    pub file: String,
}

/// Places that a [`FolderSpec`] takes.
pub const PLACES: [&str; 7] = ["report", "schedule", "period", "sector", "year", "month", "day"];

/// Which program is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSpec {
    /// Its address.
    pub url: String,
    /// Key of the signature.
    pub secret: SecretSource,
    /// Put before the paths of files in the message, where they can be fetched; none tells paths on this machine.
    pub files_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    report: String,
    cron: Spanned<String>,
    timezone: Zone,
    period: Spanned<String>,
    formats: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    details: bool,
    gate: Option<Spanned<String>>,
    hold_until: Option<HoldUntil>,
    hold_hours: Option<u32>,
    when: Option<Spanned<toml::Value>>,
    missed: Option<Missed>,
    holidays: Option<Holidays>,
    #[serde(default)]
    to: Vec<Spanned<String>>,
    folder: Option<Spanned<String>>,
    #[serde(rename = "file")]
    names: Option<Spanned<String>>,
    webhook: Option<Spanned<WebhookTable>>,
    owner: Option<Spanned<String>>,
    #[serde(default)]
    on_failure: Vec<Spanned<String>>,
    retries: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookTable {
    url: String,
    secret_env: Option<String>,
    secret_file: Option<std::path::PathBuf>,
    files_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureTable {
    figure: String,
    below: Option<f64>,
    above: Option<f64>,
}

fn yes() -> bool {
    true
}

/// Long enough for a weekend and a holiday.
const HOLD_HOURS: u32 = 96;

/// Ten days: a period is closed seven days after its end at the earliest.
const HOLD_HOURS_UNTIL_CLOSED: u32 = 240;

/// With waits that double up to an hour, about a working day.
const RETRIES: u32 = 12;

impl ScheduleSpec {
    /// Reads the schedule called `name`.
    ///
    /// # Errors
    /// Every mistake, with line and column.
    pub fn parse(name: &str, path: &Path, text: &Arc<str>) -> Result<ScheduleSpec, ConfigError> {
        let file: File = toml_file::parse(path, text)?;
        let mut problems: Vec<Problem> = Vec::new();
        let mut report = |span: std::ops::Range<usize>, message: String| problems.push(toml_file::problem_at(path, text, span, message));
        let cron: Result<Cron, _> = file.cron.get_ref().parse();
        let cron = cron.map_err(|error: crate::domain::cron::CronError| report(file.cron.span(), error.to_string()));
        // Relative names are good on any day but the first of a month.
        let some_day = NaiveDate::from_ymd_opt(2026, 1, 15).expect("a day of the calendar");
        if let Err(error) = Period::parse(file.period.get_ref(), some_day) {
            report(file.period.span(), error.to_string());
        }
        for format in &file.formats {
            if !FORMATS.contains(&format.get_ref().as_str()) {
                report(format.span(), format!("unknown format `{}` (accepted: {})", format.get_ref(), FORMATS.join(", ")));
            }
        }
        let gate = match file.gate.as_ref().map(|gate| gate.get_ref().as_str()) {
            Some("send") => Gate::Send,
            None | Some("banner") => Gate::Banner,
            Some("hold") => {
                let until = file.hold_until.unwrap_or(HoldUntil::Closed);
                let usual = if until == HoldUntil::Closed { HOLD_HOURS_UNTIL_CLOSED } else { HOLD_HOURS };
                Gate::Hold { until, at_most: TimeDelta::hours(file.hold_hours.unwrap_or(usual).into()) }
            }
            Some(other) => {
                let span = file.gate.as_ref().map(Spanned::span).unwrap_or_default();
                report(span, format!("unknown gate `{other}` (accepted: send, banner, hold)"));
                Gate::Banner
            }
        };
        if !matches!(gate, Gate::Hold { .. }) && (file.hold_until.is_some() || file.hold_hours.is_some()) {
            report(file.cron.span(), "`hold_until` and `hold_hours` belong to gate = \"hold\"".to_owned());
        }
        let when = file.when.map_or(Condition::Always, |when| condition(&when, &mut report));
        let to: Vec<Addressee> = file.to.iter().filter_map(|to| addressee(to, &mut report)).collect();
        for template in file.folder.iter().chain(&file.names) {
            if let Err(place) = filled(template.get_ref(), &|_| Some(String::new())) {
                let accepted = PLACES.map(|place| format!("{{{place}}}")).join(", ");
                report(template.span(), format!("unknown place `{{{place}}}` (accepted: {accepted})"));
            }
        }
        if let (None, Some(file)) = (&file.folder, &file.names) {
            report(file.span(), "`file` names the files of a `folder`, and there is none".to_owned());
        }
        let webhook = file.webhook.and_then(|table| {
            let (span, table) = (table.span(), table.into_inner());
            if !is_guarded(&table.url) {
                let accepted = "accepted: https://…, or http://127.0.0.1:PORT for a test on this machine; figures are sent there";
                report(span.clone(), format!("webhook: url `{}` is not accepted ({accepted})", table.url));
            }
            let secret = SecretSource::from_pair("secret", table.secret_env.as_ref(), table.secret_file.as_ref());
            let secret = secret.map_err(|message| report(span, format!("webhook {message}"))).ok()?;
            Some(WebhookSpec { url: table.url, secret, files_url: table.files_url })
        });
        let owner = file.owner.map(|owner| addresses(vec![owner], &mut report)).unwrap_or_default().pop();
        let on_failure = addresses(file.on_failure, &mut report);
        let formats: BTreeSet<&str> = file.formats.iter().map(|format| format.get_ref().as_str()).collect();
        let spec = ScheduleSpec {
            name: name.to_owned(),
            report: file.report,
            period: file.period.get_ref().clone(),
            // In one order, whatever order they were written in: the same files are the same delivery.
            formats: FORMATS.iter().filter(|format| formats.contains(*format)).map(|format| (*format).to_owned()).collect(),
            timezone: file.timezone,
            details: file.details,
            gate,
            when,
            missed: file.missed.unwrap_or(Missed::Last),
            holidays: file.holidays.unwrap_or(Holidays::Send),
            to,
            folder: file.folder.map(|folder| FolderSpec {
                path: folder.into_inner(),
                file: file.names.map_or_else(|| "{report}_{period}_{sector}".to_owned(), Spanned::into_inner),
            }),
            webhook,
            owner,
            on_failure,
            retries: file.retries.unwrap_or(RETRIES),
            cron: match cron {
                Ok(cron) => cron,
                Err(()) => return Err(ConfigError { problems }),
            },
        };
        if problems.is_empty() { Ok(spec) } else { Err(ConfigError { problems }) }
    }

    /// Returns whether it goes to anybody at all.
    pub fn is_delivered(&self) -> bool {
        !self.to.is_empty() || self.folder.is_some() || self.webhook.is_some()
    }

    /// Returns who gets it: an address, and the sector that it is cut to, if any. Each pair once.
    ///
    /// # Errors
    /// Groups and sectors that `recipients` does not have.
    pub fn mailings(&self, recipients: &Recipients) -> Result<BTreeSet<(String, Option<String>)>, ConfigError> {
        let mut mailings = BTreeSet::new();
        let mut problems = Vec::new();
        for addressee in &self.to {
            match addressee {
                Addressee::Person(address) => {
                    mailings.insert((address.clone(), None));
                }
                Addressee::Group(name) => match recipients.groups.get(name) {
                    Some(group) => mailings.extend(group.iter().map(|address| (address.clone(), None))),
                    None => problems.push(Recipients::unknown(&format!("group:{name}"), recipients.groups.keys().cloned())),
                },
                Addressee::Sector(name) => match recipients.sectors.get(name) {
                    Some(people) => mailings.extend(people.iter().map(|address| (address.clone(), Some(name.clone())))),
                    None => problems.push(Recipients::unknown(&format!("sector:{name}"), recipients.sectors.keys().cloned())),
                },
                Addressee::Sectors => {
                    for (sector, people) in &recipients.sectors {
                        mailings.extend(people.iter().map(|address| (address.clone(), Some(sector.clone()))));
                    }
                }
            }
        }
        if problems.is_empty() { Ok(mailings) } else { Err(ConfigError { problems }) }
    }
}

/// Fills the places of a template; `value` knows each place.
///
/// # Errors
/// The first place that there is not.
pub fn filled(template: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, behind) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        text.push_str(before);
        text.push_str(&PLACES.contains(&place).then(|| value(place)).flatten().ok_or_else(|| place.to_owned())?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn condition(when: &Spanned<toml::Value>, report: &mut dyn FnMut(std::ops::Range<usize>, String)) -> Condition {
    let accepted = "accepted: \"always\", \"data\", \"changed\", \"target_missed\", or { figure = \"csat_share\", below = 0.8 }";
    match when.get_ref() {
        toml::Value::String(name) => match name.as_str() {
            "always" => return Condition::Always,
            "data" => return Condition::Data,
            "changed" => return Condition::Changed,
            "target_missed" => return Condition::TargetMissed,
            other => report(when.span(), format!("unknown condition `{other}` ({accepted})")),
        },
        value => match value.clone().try_into::<FigureTable>() {
            Ok(FigureTable { figure, below, above }) if below.is_some() || above.is_some() => {
                return Condition::Figure { figure, below, above };
            }
            Ok(_) => report(when.span(), format!("a figure's condition needs `below` or `above` ({accepted})")),
            Err(error) => report(when.span(), format!("{} ({accepted})", error.message())),
        },
    }
    Condition::Always
}

fn addressee(to: &Spanned<String>, report: &mut dyn FnMut(std::ops::Range<usize>, String)) -> Option<Addressee> {
    let text = to.get_ref();
    if text == "sectors" {
        return Some(Addressee::Sectors);
    }
    match text.split_once(':') {
        Some(("group", name)) => return Some(Addressee::Group(name.to_owned())),
        Some(("sector", name)) => return Some(Addressee::Sector(name.to_owned())),
        _ => {}
    }
    match require_address(text) {
        Ok(address) => Some(Addressee::Person(address)),
        Err(message) => {
            report(to.span(), format!("{message}; or `group:NAME`, `sector:NAME`, `sectors`"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str =
        "report = \"r\"\ncron = \"0 8 * * SEG\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-week\"\nformats = [\"pdf\"]\n";

    fn parse(text: &str) -> Result<ScheduleSpec, String> {
        ScheduleSpec::parse("s", Path::new("schedules/s.toml"), &Arc::from(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn mistakes_are_placed() {
        let error = |text: &str| parse(text).unwrap_err();
        assert!(parse(WHOLE).is_ok());
        assert!(error(&WHOLE.replace("SEG", "1")).starts_with("schedules/s.toml:2:8: weekday `1`"));
        assert!(error(&WHOLE.replace("formats", "format")).contains("did you mean `formats`?"));
        assert!(error(&WHOLE.replace("\"pdf\"", "\"pdf\", \"doc\"")).starts_with("schedules/s.toml:5:19: unknown format `doc`"));
        assert!(error(&WHOLE.replace("last-week", "last-decade")).starts_with("schedules/s.toml:4:10: unknown period"));
        assert!(error(&WHOLE.replace("America/Sao_Paulo", "America/Sao_Paolo")).contains("America/Sao_Paulo"));
        for (line, expected) in [
            ("gate = \"wait\"", "unknown gate `wait`"),
            ("hold_hours = 3", "belong to gate"),
            ("when = \"never\"", "unknown condition `never`"),
            ("when = { figure = \"csat_share\" }", "needs `below` or `above`"),
            ("to = [\"diretoria\"]", "is not an e-mail address"),
            ("folder = \"out/{quarter}\"", "unknown place `{quarter}`"),
            ("file = \"x\"", "there is none"),
            ("webhook = { url = \"ftp://x\", secret_env = \"S\" }", "webhook: url `ftp://x` is not accepted"),
            ("webhook = { url = \"http://x.org\", secret_env = \"S\" }", "webhook: url `http://x.org` is not accepted"),
            ("webhook = { url = \"https://x\" }", "secrets are never written"),
            ("owner = \"ana\"", "is not an e-mail address"),
        ] {
            let message = error(&format!("{WHOLE}{line}\n"));
            assert!(message.starts_with("schedules/s.toml:") && message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn everybody_gets_one_of_each() {
        let spec =
            parse(&format!("{WHOLE}to = [\"Ana@x.org\", \"group:all\", \"sector:Exames\", \"sectors\"]\nfolder = \"{{year}}\"\n")).unwrap();
        let people = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
        let recipients = Recipients {
            sectors: [("Exames".to_owned(), people(&["e@x.org"])), ("Convênios".to_owned(), people(&["ana@x.org"]))].into(),
            groups: [("all".to_owned(), people(&["ana@x.org", "rui@x.org"]))].into(),
        };
        let mailings = spec.mailings(&recipients).unwrap();
        let listed: Vec<(&str, Option<&str>)> = mailings.iter().map(|(to, sector)| (to.as_str(), sector.as_deref())).collect();
        assert_eq!(listed, [("ana@x.org", None), ("ana@x.org", Some("Convênios")), ("e@x.org", Some("Exames")), ("rui@x.org", None)]);
        let error = spec.mailings(&Recipients::default()).unwrap_err().to_string();
        assert!(error.contains("`group:all` is not in recipients.toml") && error.contains("`sector:Exames`"), "{error}");
        assert_eq!(spec.folder.unwrap().file, "{report}_{period}_{sector}");
    }
}
