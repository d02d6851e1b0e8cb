//! The content of `relato.toml`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::NaiveDate;
use serde::Deserialize;
use toml::Spanned;

use super::{
    ConfigError, Problem, SecretSource,
    access::{Access, AccessTable, QueryLimits, QueryTable},
    address::is_guarded,
    channels::ChannelSettings,
    closing,
    delivery::{Delivery, DeliveryTable, Serve, ServeTable},
    engine::{EngineSettings, EngineTable},
    imports::Imports,
    settings_file::{File, SectorRules},
    storage::Lake,
    team_settings::{TeamSettings, TeamTable},
    toml_file,
};
use crate::{
    domain::{Language, Zone, calendar::Calendars, satisfaction::word},
    files::FileMode,
};

/// Everything an organisation declares once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who publishes the reports, in which zone and language.
    pub organization: Organization,
    /// Header of every report page.
    pub document: Document,
    /// Keys of the contract's bots; at least one.
    pub blip_keys: Vec<BlipKey>,
    /// Which queues make a sector.
    pub sectors: Sectors,
    /// How satisfaction is asked and read.
    pub satisfaction: Survey,
    /// How files are imported.
    pub imports: Imports,
    /// When sectors are open.
    pub calendars: Calendars,
    /// What figures should reach, in the order of the file.
    pub targets: Vec<Target>,
    /// Pseudonyms and retention.
    pub privacy: Privacy,
    /// How reports leave.
    pub delivery: Delivery,
    /// The people of this installation.
    pub access: Access,
    /// What one question may use.
    pub query: QueryLimits,
    /// What computes the figures of reports.
    pub engine: EngineSettings,
    /// What `relato serve` does beside sending reports.
    pub serve: Serve,
    /// How the team is kept as declared.
    pub team: TeamSettings,
    /// How channels are kept as declared.
    pub channels: ChannelSettings,
    /// Folder of all data, absolute or relative to the project.
    pub data_dir: PathBuf,
    /// The lake in which snapshots lie; none keeps them in the data folder.
    pub lake: Option<Lake>,
    /// Permissions of files in a lake, in `work_dir` and in folder deliveries; none leaves them to the shell's umask.
    pub shared_file_mode: Option<FileMode>,
}

/// `[organization]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Name printed on every page.
    pub name: String,
    /// Zone in which days are cut.
    pub timezone: Zone,
    /// Readers' language.
    #[serde(default)]
    pub locale: Language,
    /// Days after a period's end from which it counts as closed although conversations of it are open; at least 7.
    #[serde(default = "closing::default_days", deserialize_with = "closing::days")]
    pub closed_after_days: u32,
}

/// `[document]`: the house's controlled-document header.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Document code, such as `PA08-RL01`.
    pub code: Option<String>,
    /// Revision of the form.
    pub revision: Option<String>,
    /// Day of publication of the form.
    #[serde(default, deserialize_with = "optional_day")]
    pub published: Option<NaiveDate>,
    /// Who prepared the form.
    pub prepared_by: Option<String>,
    /// Who approved the form.
    pub approved_by: Option<String>,
    /// PNG of the logo, relative to the project.
    pub logo_file: Option<PathBuf>,
    /// Its content, once the project was opened.
    #[serde(skip)]
    pub logo: Option<Arc<[u8]>>,
}

/// `[[blip.key]]`: one bot's key.
#[derive(Debug, Clone)]
pub struct BlipKey {
    /// Name in messages.
    pub name: String,
    /// Scheme and host, such as `https://acme.http.msging.net`.
    pub base_url: String,
    /// Where the key is kept.
    pub secret: SecretSource,
    /// What the key is used for.
    pub roles: Vec<KeyRole>,
    /// Upper limit of commands a second.
    pub commands_per_second: u32,
    /// Longest wait for one answer; none is a little more than Blip's own limit.
    pub timeout: Option<Duration>,
}

/// What a bot's key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Tickets, their messages, queues and attendants.
    Desk,
    /// Event tracking.
    Events,
    /// Channel and conversation data of the router.
    Channel,
    /// Contract and permissions.
    Portal,
}

/// `[sectors]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sectors {
    /// Sector by queue name; a queue that is not listed is a sector of its own name.
    pub by_queue: BTreeMap<String, String>,
    /// Where tickets of the synthetic queue `DIRECT_TRANSFER` belong.
    pub direct_transfer: DirectTransfer,
    /// Name under which the queue `Default` is shown.
    pub default_queue: String,
    /// A customer who leaves the queue sooner than this had hardly come: such losses are counted apart, too.
    pub short_loss_s: i64,
}

/// The rule for tickets transferred straight to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectTransfer {
    /// The nearest earlier ticket with a real queue; failing that, the attendant's only sector.
    #[default]
    Inherit,
    /// The attendant's only sector.
    Attendant,
    /// Always shown as not resolved.
    Unassigned,
}

/// `[satisfaction]`
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Where answers come from.
    pub source: SatisfactionSource,
    /// Event category of the survey.
    pub category: String,
    /// Lowest and highest score.
    pub scale: (i64, i64),
    /// Lowest score that counts as satisfied.
    pub satisfied_from: i64,
    /// Key of the event's extras that holds the queue.
    pub sector_extra: Option<String>,
    /// Key of the event's extras that holds the comment.
    pub comment_extra: Option<String>,
    /// Scores of answers in words.
    pub answers: BTreeMap<String, i64>,
}

/// Where satisfaction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SatisfactionSource {
    /// Tracked events of the flow.
    Events,
    /// The ticket's rating, where it is not 0.
    Rating,
    /// Files exported by Blip.
    Import,
    /// Nothing: reports leave satisfaction out.
    None,
}

impl SatisfactionSource {
    /// Returns the name in the configuration; none where nothing is read.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            SatisfactionSource::Events => Some("events"),
            SatisfactionSource::Rating => Some("rating"),
            SatisfactionSource::Import => Some("import"),
            SatisfactionSource::None => None,
        }
    }
}

/// `[[target]]`: what a figure should reach from a day on, until the next target of the same figure and sector.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The figure, one of [`TARGET_METRICS`].
    pub metric: String,
    /// First local day.
    pub from: NaiveDate,
    /// Seconds for durations, 0–1 for shares.
    pub value: f64,
    /// Only this sector, in place of the target of all; none is all.
    pub sector: Option<String>,
}

/// Figures that can have a target. Durations should stay below it, row by row and in the mean; of shares, those of losses and returns
/// should stay below, the others reach it.
pub const TARGET_METRICS: [&str; 19] = [
    "queue_wait_s",
    "queue_wait_business_s",
    "first_response_s",
    "first_response_business_s",
    "whole_wait_s",
    "whole_wait_business_s",
    "response_s",
    "response_business_s",
    "handling_s",
    "handling_business_s",
    "resolution_s",
    "resolution_business_s",
    "csat_share",
    "response_rate",
    "one_touch_share",
    "lost_share",
    "abandoned_share",
    "returned_24h_share",
    "returned_7d_share",
];

impl Target {
    /// Returns whether smaller is better for the figure.
    pub fn is_upper_bound(&self) -> bool {
        !["csat_share", "response_rate", "one_touch_share"].contains(&self.metric.as_str())
    }
}

/// `[privacy]`
#[derive(Debug, Clone)]
pub struct Privacy {
    /// Key of the customers' pseudonyms.
    pub pseudonym_key: SecretSource,
    /// Whether survey comments are kept, in the restricted area.
    pub keep_comments: bool,
    /// Months after which data are removed.
    pub retain_months: Option<u32>,
}

impl Settings {
    /// Reads and validates the text of `relato.toml`.
    ///
    /// # Errors
    /// Every mistake that can be told apart.
    pub fn parse(path: &Path, text: &Arc<str>) -> Result<Settings, ConfigError> {
        let file: File = toml_file::parse(path, text)?;
        let mut problems = Vec::new();
        let mut report = |span: std::ops::Range<usize>, message: String| {
            problems.push(toml_file::problem_at(path, text, span, message));
        };

        let blip_keys = file.blip.map(|blip| blip.key).unwrap_or_default();
        let mut keys = Vec::new();
        for spanned in blip_keys {
            let (span, key) = (spanned.span(), spanned.into_inner());
            if !is_guarded(key.base_url.get_ref()) {
                let accepted = "accepted: https://NAME.http.msging.net, or http://127.0.0.1:PORT for a test on this machine; the key is sent with every command";
                report(key.base_url.span(), format!("base_url `{}` is not accepted ({accepted})", key.base_url.get_ref()));
            }
            if key.commands_per_second == Some(0) {
                report(span.clone(), format!("key `{}`: commands_per_second must be at least 1", key.name));
            }
            if key.timeout_s == Some(0) {
                report(span.clone(), format!("key `{}`: timeout_s must be at least 1", key.name));
            }
            match SecretSource::from_pair("key", key.key_env.as_ref(), key.key_file.as_ref()) {
                Ok(secret) => keys.push(BlipKey {
                    name: key.name,
                    base_url: key.base_url.into_inner().trim_end_matches('/').to_owned(),
                    secret,
                    roles: key.roles,
                    commands_per_second: key.commands_per_second.unwrap_or(DEFAULT_COMMANDS_PER_SECOND),
                    timeout: key.timeout_s.map(|seconds| Duration::from_secs(seconds.into())),
                }),
                Err(message) => report(span, format!("key `{}` {message}", key.name)),
            }
        }

        let mut rules = SectorRules::default();
        let mut by_queue: BTreeMap<String, String> = BTreeMap::new();
        for (sector, value) in file.sectors.unwrap_or_default() {
            let (span, value) = (value.span(), value.into_inner());
            if sector == "rules" {
                match value.try_into() {
                    Ok(found) => rules = found,
                    Err(error) => report(span, format!("[sectors.rules]: {}", error.message())),
                }
                continue;
            }
            let Ok(queues) = value.try_into::<Vec<String>>() else {
                report(span, format!("sector `{sector}` must be a list of queue names, such as [\"{sector}\"]"));
                continue;
            };
            for queue in queues {
                if let Some(other) = by_queue.insert(queue.clone(), sector.clone()).filter(|other| *other != sector) {
                    report(span.clone(), format!("queue `{queue}` is in the sectors `{other}` and `{sector}`; a queue has one sector"));
                }
            }
        }

        let survey = file.satisfaction;
        let scale = match survey.scale.as_ref().map(|scale| scale.get_ref().as_str()) {
            None | Some("1-5") => (1, 5),
            Some("0-10") => (0, 10),
            Some(other) => {
                let span = survey.scale.as_ref().map(Spanned::span).unwrap_or_default();
                report(span, format!("unknown scale `{other}` (accepted: 1-5, 0-10)"));
                (1, 5)
            }
        };
        for (answer, score) in &survey.answers {
            if *score.get_ref() < scale.0 || *score.get_ref() > scale.1 {
                report(score.span(), format!("answer `{answer}` has score {}, outside the scale {}-{}", score.get_ref(), scale.0, scale.1));
            }
            let is_twice =
                |(other, of_other): (&String, &Spanned<i64>)| word(other) == word(answer) && of_other.get_ref() != score.get_ref();
            if survey.answers.range::<String, _>(..answer).any(is_twice) {
                report(score.span(), format!("answer `{answer}` has two scores; case and blanks around it make no other word"));
            }
        }

        let calendars = file.calendar.map(|calendars| calendars.understood(&mut report)).unwrap_or_default();

        let mut targets = Vec::new();
        for target in file.target {
            let metric = target.metric.get_ref();
            if !TARGET_METRICS.contains(&metric.as_str()) {
                report(target.metric.span(), format!("no target can be set for `{metric}` (accepted: {})", TARGET_METRICS.join(", ")));
            }
            let value = *target.value.get_ref();
            let is_share = !metric.ends_with("_s");
            if value.is_nan() || value < 0.0 || (is_share && value > 1.0) {
                let accepted = if is_share { "0 to 1" } else { "seconds from 0" };
                report(target.value.span(), format!("target of `{metric}` is {value} (accepted: {accepted})"));
            }
            let is_same = |other: &Target| other.metric == *metric && other.sector == target.sector && other.from == target.from;
            if targets.iter().any(is_same) {
                report(target.metric.span(), format!("two targets of `{metric}` begin on {}; each needs a day of its own", target.from));
            }
            targets.push(Target { metric: target.metric.into_inner(), from: target.from, value, sector: target.sector });
        }

        let privacy = file.privacy;
        let pseudonym_key = SecretSource::from_pair(
            "pseudonym_key",
            privacy.get_ref().pseudonym_key_env.as_ref(),
            privacy.get_ref().pseudonym_key_file.as_ref(),
        );
        let pseudonym_key = pseudonym_key.unwrap_or_else(|message| {
            report(privacy.span(), format!("[privacy] {message}"));
            SecretSource::Env(String::new())
        });
        let delivery = DeliveryTable::understood(file.delivery, &mut report);
        let access = AccessTable::understood(file.access, &mut report);
        let query = QueryTable::understood(file.query, &mut report);
        let data_dir = file.storage.dir.clone();
        let shared_file_mode = file.storage.shared_file_mode(&mut report);
        let lake = file.storage.lake(&mut report);
        let engine = EngineTable::understood(file.engine, &mut report);
        let loads_at = file.serve.as_ref().and_then(ServeTable::loads_at);
        if let (Some(span), Some(Lake { owner: None, .. })) = (loads_at, &lake) {
            report(span, "this project reads what all owners of the lake have and loads nothing: [storage] has no owner".to_owned());
        }
        let serve = ServeTable::understood(file.serve, &mut report);
        let team = TeamTable::understood(file.team, &mut report);
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        if keys.is_empty() {
            let problem = Problem::of_file(path, "no [[blip.key]]: there is nothing to read from")
                .with_help("add the key of the bot that owns the tickets, with roles = [\"desk\", \"events\"]");
            return Err(problem.into());
        }
        let privacy = privacy.into_inner();
        Ok(Settings {
            organization: file.organization,
            document: file.document,
            blip_keys: keys,
            sectors: Sectors {
                by_queue,
                direct_transfer: rules.direct_transfer,
                default_queue: rules.default_queue,
                short_loss_s: rules.short_loss_s,
            },
            satisfaction: Survey {
                source: survey.source.into_inner(),
                category: survey.category,
                scale,
                satisfied_from: survey.satisfied_from.unwrap_or(if scale.1 == 5 { 4 } else { 9 }),
                sector_extra: survey.sector_extra,
                comment_extra: survey.comment_extra,
                answers: survey.answers.into_iter().map(|(answer, score)| (answer, score.into_inner())).collect(),
            },
            imports: file.import,
            calendars,
            targets,
            privacy: Privacy { pseudonym_key, keep_comments: privacy.keep_comments, retain_months: privacy.retain_months },
            delivery,
            access,
            query,
            engine,
            serve,
            team,
            channels: file.channels,
            data_dir,
            lake,
            shared_file_mode,
        })
    }

    /// Returns the keys that have `role`, in the order of the file.
    pub fn keys_with(&self, role: KeyRole) -> impl Iterator<Item = &BlipKey> {
        self.blip_keys.iter().filter(move |key| key.roles.contains(&role))
    }
}

/// Blip's free plan allows 48 commands a second; a little below leaves room for the bot itself.
const DEFAULT_COMMANDS_PER_SECOND: u32 = 40;

pub(super) fn optional_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    Option::<toml::Value>::deserialize(deserializer)?.as_ref().map(day_of).transpose()
}

pub(super) fn a_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    day_of(&toml::Value::deserialize(deserializer)?)
}

fn day_of<E: serde::de::Error>(value: &toml::Value) -> Result<NaiveDate, E> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    crate::domain::period::parse_day(&text).map_err(E::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
[organization]
name = "Associação Exemplo"
timezone = "America/Sao_Paulo"
[[blip.key]]
name = "desk"
base_url = "https://acme.http.msging.net/"
key_env = "K"
roles = ["desk", "events"]
[privacy]
pseudonym_key_env = "P"
"#;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Path::new("relato.toml"), &Arc::from(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_minimal_file_gets_the_documented_defaults() {
        let settings = parse(MINIMAL).unwrap();
        assert_eq!(settings.organization.locale, Language::PtBr);
        assert_eq!(settings.blip_keys[0].base_url, "https://acme.http.msging.net");
        assert_eq!(settings.blip_keys[0].commands_per_second, 40);
        assert_eq!(settings.sectors.default_queue, "Sem roteamento");
        assert_eq!(settings.satisfaction.source, SatisfactionSource::None);
        assert_eq!(settings.data_dir, PathBuf::from("data"));
    }

    #[test]
    fn mistakes_name_line_value_and_what_is_accepted() {
        let cases = [
            ("timezone = \"America/Sao_Paulo\"", "timezone = \"Sao Paulo\"", "relato.toml:4:12: unknown time zone `Sao Paulo`"),
            ("name = \"desk\"", "nome = \"desk\"", "relato.toml:6:1: unknown field `nome`"),
            ("roles = [\"desk\", \"events\"]", "roles = [\"desks\"]", "unknown variant `desks`"),
            ("key_env = \"K\"\n", "", "key `desk` needs `key_env` or `key_file`"),
            ("\"https://acme", "\"acme", "base_url `acme.http.msging.net/` is not accepted"),
            ("\"https://acme", "\"http://acme", "base_url `http://acme.http.msging.net/` is not accepted"),
            ("https://acme.", "http://127.0.0.1:9@acme.", "is not accepted"),
            ("https://acme.", "https://acme ", "relato.toml:7:12: base_url `https://acme http.msging.net/` is not accepted"),
            ("[privacy]", "[sectors]\nA = [\"q\"]\nB = [\"q\"]\n[privacy]", "relato.toml:12:5: queue `q` is in the sectors `A` and `B`"),
            (
                "[privacy]",
                "[satisfaction]\nsource = \"events\"\nscale = \"1-7\"\n[privacy]",
                "relato.toml:12:9: unknown scale `1-7` (accepted: 1-5, 0-10)",
            ),
            (
                "[privacy]",
                "[satisfaction]\nsource = \"events\"\nanswers = { \"Bom\" = 4, \"bom \" = 3 }\n[privacy]",
                "relato.toml:12:33: answer `bom ` has two scores",
            ),
            (
                "[privacy]",
                "[[target]]\nmetric = \"queue_wait_s\"\nfrom = 2026-01-01\nvalue = 1\n[[target]]\nmetric = \"queue_wait_s\"\nfrom = 2026-01-01\nvalue = 2\n[privacy]",
                "two targets of `queue_wait_s` begin on 2026-01-01",
            ),
            ("[privacy]", "[calendar.default]\nmon-fri = [\"8-18\"]\n[privacy]", "`8-18` is not a stretch of hours"),
            ("[privacy]", "[document]\npublished = 2025-02-30\n[privacy]", "relato.toml:11:"),
        ];
        for (from, to, expected) in cases {
            let error = parse(&MINIMAL.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
