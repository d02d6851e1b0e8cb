//! `[delivery]`, `[serve]` and `recipients.toml`: how reports leave, to whom, when data are loaded by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, Problem, SecretSource, toml_file};
use crate::domain::Cron;

/// `[delivery]`
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The mail server; none sends no mail.
    pub smtp: Option<Smtp>,
    /// Who is told of every failure, beside a schedule's owner.
    pub operations: Vec<String>,
    /// Attachments of one mail at most, in bytes; files beyond it stay in the outbox, and the mail says where.
    pub attach_limit_bytes: u64,
    /// Days for which files that were sent are kept.
    pub keep_files_days: u32,
    /// Months for which runs and deliveries are kept in the ledger.
    pub keep_history_months: u32,
}

/// `[delivery.smtp]`
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Name of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the conversation is encrypted.
    pub tls: Tls,
    /// PEM file of a house's own authority, relative to the project; none trusts the system's.
    pub ca_file: Option<PathBuf>,
    /// Who signs in; none does not.
    pub user: Option<SecretSource>,
    /// The password that goes with it.
    pub password: Option<SecretSource>,
    /// Sender, such as `Relatórios <relatorios@exemplo.org.br>`.
    pub from: String,
    /// Domains that mail may go to; empty allows all.
    pub allow_domains: Vec<String>,
    /// Longest wait for one answer of the server.
    pub timeout: Duration,
}

impl Smtp {
    /// Returns whether mail may go to `address`.
    pub fn allows(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.allow_domains.is_empty() || self.allow_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }
}

/// How a conversation with the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Begun in the clear, then encrypted; refused where the server cannot.
    Starttls,
    /// From the first byte on.
    #[serde(rename = "tls")]
    Immediate,
    /// Not at all: for a server on the same machine.
    None,
}

/// `[serve]`
#[derive(Debug, Clone)]
pub struct Serve {
    /// When data are loaded, on the organisation's clock; none loads nothing.
    pub ingest: Option<Cron>,
    /// Port on loopback at which health is told; none tells nothing.
    pub health_port: Option<u16>,
}

/// `recipients.toml`: who receives what is of a sector, and groups of people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Addresses by sector.
    pub sectors: BTreeMap<String, BTreeSet<String>>,
    /// Addresses by name of a group.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipientsFile {
    #[serde(default)]
    sectors: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<Spanned<String>>>,
}

impl Recipients {
    /// Reads the text of `recipients.toml`.
    ///
    /// # Errors
    /// Every address that is none, with its place.
    pub fn parse(path: &Path, text: &Arc<str>) -> Result<Recipients, ConfigError> {
        let file: RecipientsFile = toml_file::parse(path, text)?;
        let mut problems = Vec::new();
        let mut read = |lists: BTreeMap<String, Vec<Spanned<String>>>| -> BTreeMap<String, BTreeSet<String>> {
            let mut address = |address: &Spanned<String>| {
                require_address(address.get_ref())
                    .map_err(|message| problems.push(toml_file::problem_at(path, text, address.span(), message)))
                    .ok()
            };
            lists.into_iter().map(|(name, list)| (name, list.iter().filter_map(&mut address).collect())).collect()
        };
        let recipients = Recipients { sectors: read(file.sectors), groups: read(file.groups) };
        if problems.is_empty() { Ok(recipients) } else { Err(ConfigError { problems }) }
    }
}

/// Returns an address in lower case.
///
/// # Errors
/// What is wrong with a text that is none.
pub fn require_address(text: &str) -> Result<String, String> {
    match email_address::EmailAddress::parse_with_options(text, email_address::Options::default().without_display_text()) {
        Ok(address) => Ok(address.email().to_lowercase()),
        Err(error) => Err(format!("`{text}` is not an e-mail address ({error}; accepted: name@domain)")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryTable {
    smtp: Option<SmtpTable>,
    #[serde(default)]
    operations: Vec<Spanned<String>>,
    attach_limit_mb: Option<u32>,
    keep_files_days: Option<u32>,
    keep_history_months: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SmtpTable {
    host: Spanned<String>,
    port: u16,
    tls: Tls,
    ca_file: Option<PathBuf>,
    user_env: Option<String>,
    user_file: Option<PathBuf>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    from: Spanned<String>,
    #[serde(default)]
    allow_domains: Vec<String>,
    timeout_s: Option<u32>,
}

/// What mail servers take at least, with room for the encoding.
const ATTACH_LIMIT_MB: u32 = 15;

const KEEP_FILES_DAYS: u32 = 90;

const KEEP_HISTORY_MONTHS: u32 = 60;

const SMTP_TIMEOUT_S: u32 = 60;

pub(super) type Report<'a> = &'a mut dyn FnMut(std::ops::Range<usize>, String);

impl DeliveryTable {
    pub(super) fn understood(table: Option<DeliveryTable>, report: Report<'_>) -> Delivery {
        let table = table.unwrap_or(DeliveryTable {
            smtp: None,
            operations: Vec::new(),
            attach_limit_mb: None,
            keep_files_days: None,
            keep_history_months: None,
        });
        Delivery {
            smtp: table.smtp.map(|smtp| smtp.understood(report)),
            operations: addresses(table.operations, report),
            attach_limit_bytes: u64::from(table.attach_limit_mb.unwrap_or(ATTACH_LIMIT_MB)) << 20,
            keep_files_days: table.keep_files_days.unwrap_or(KEEP_FILES_DAYS),
            keep_history_months: table.keep_history_months.unwrap_or(KEEP_HISTORY_MONTHS),
        }
    }
}

impl SmtpTable {
    fn understood(self, report: Report<'_>) -> Smtp {
        let mut secret = |name: &str, env: Option<&String>, file: Option<&PathBuf>| {
            let source = (env.is_some() || file.is_some()).then(|| SecretSource::from_pair(name, env, file));
            source.and_then(|source| source.map_err(|message| report(self.host.span(), format!("[delivery.smtp] {message}"))).ok())
        };
        let user = secret("user", self.user_env.as_ref(), self.user_file.as_ref());
        let password = secret("password", self.password_env.as_ref(), self.password_file.as_ref());
        if user.is_some() != password.is_some() {
            report(self.host.span(), "[delivery.smtp] needs both a user and a password, or neither".to_owned());
        }
        let from = self.from.get_ref();
        let sender = from.rsplit_once('<').map_or(from.as_str(), |(_, address)| address.trim_end_matches('>'));
        if let Err(message) = require_address(sender.trim()) {
            report(self.from.span(), message);
        }
        Smtp {
            host: self.host.into_inner(),
            port: self.port,
            tls: self.tls,
            ca_file: self.ca_file,
            user,
            password,
            from: self.from.into_inner(),
            allow_domains: self.allow_domains,
            timeout: Duration::from_secs(self.timeout_s.unwrap_or(SMTP_TIMEOUT_S).max(1).into()),
        }
    }
}

/// Reads addresses and tells of those that are none.
pub(super) fn addresses(texts: Vec<Spanned<String>>, report: Report<'_>) -> Vec<String> {
    let read = |text: Spanned<String>| require_address(text.get_ref()).map_err(|message| report(text.span(), message)).ok();
    texts.into_iter().filter_map(read).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServeTable {
    ingest: Option<Spanned<String>>,
    health_port: Option<u16>,
}

impl ServeTable {
    /// Returns where the file says when to load; none where it does not.
    pub(super) fn loads_at(&self) -> Option<std::ops::Range<usize>> {
        self.ingest.as_ref().map(Spanned::span)
    }

    pub(super) fn understood(table: Option<ServeTable>, report: Report<'_>) -> Serve {
        let Some(table) = table else { return Serve { ingest: None, health_port: None } };
        Serve { ingest: cron(table.ingest, report), health_port: table.health_port }
    }
}

/// Reads a time plan and tells of one that is none.
pub(super) fn cron(text: Option<Spanned<String>>, report: Report<'_>) -> Option<Cron> {
    text.and_then(|text| {
        text.get_ref().parse().map_err(|error: crate::domain::cron::CronError| report(text.span(), error.to_string())).ok()
    })
}

/// Reads `recipients.toml` of a project; nobody where there is none.
pub(super) fn recipients(path: &Path) -> Result<Recipients, ConfigError> {
    if !path.exists() {
        return Ok(Recipients::default());
    }
    let text = toml_file::read_text(path)?;
    Recipients::parse(path, &text)
}

impl Recipients {
    /// Returns the problem of a name that is not in the file.
    pub(super) fn unknown(name: &str, known: impl Iterator<Item = String>) -> Problem {
        let known: Vec<String> = known.collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        Problem::of_file("recipients.toml", format!("`{name}` is not in recipients.toml (there are: {known})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_placed_when_wrong() {
        let parse = |text: &str| Recipients::parse(Path::new("recipients.toml"), &Arc::from(text));
        let found = parse("[sectors]\n\"Convênios\" = [\"Ana@X.org\"]\n[groups]\ndiretoria = []\n").unwrap();
        assert_eq!(found.sectors["Convênios"], ["ana@x.org".to_owned()].into());
        let error = parse("[groups]\nall = [\"a@x.org\", \"nobody\"]\n").unwrap_err().to_string();
        assert!(error.starts_with("recipients.toml:2:19: `nobody` is not an e-mail address"), "{error}");
    }
}
