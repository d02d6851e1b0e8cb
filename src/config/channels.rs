//! `channels.toml`: how the bot's channels should be set; and `[channels]`: how they are kept so and watched.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{ConfigError, Problem, SecretSource, toml_file};

/// A channel by which customers write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelName {
    /// `WhatsApp` Business.
    Whatsapp,
    /// Facebook Messenger.
    Messenger,
    /// Telegram.
    Telegram,
    /// E-mail.
    Email,
}

impl ChannelName {
    /// Every channel.
    pub const ALL: [ChannelName; 4] = [ChannelName::Whatsapp, ChannelName::Messenger, ChannelName::Telegram, ChannelName::Email];

    /// Returns the name in files.
    pub const fn name(self) -> &'static str {
        match self {
            ChannelName::Whatsapp => "whatsapp",
            ChannelName::Messenger => "messenger",
            ChannelName::Telegram => "telegram",
            ChannelName::Email => "email",
        }
    }

    /// Returns the domain of identities that come by it.
    pub const fn domain(self) -> &'static str {
        match self {
            ChannelName::Whatsapp => "wa.gw.msging.net",
            ChannelName::Messenger => "messenger.gw.msging.net",
            ChannelName::Telegram => "telegram.gw.msging.net",
            ChannelName::Email => "mailgun.gw.msging.net",
        }
    }

    /// Returns the address that owns its entries.
    pub fn owner(self) -> String {
        format!("postmaster@{}", self.domain())
    }

    /// Returns the keys of which one must be set for the channel to be connected; none needs nothing. Telegram's is an assumption.
    pub const fn identifying(self) -> &'static [&'static str] {
        match self {
            ChannelName::Whatsapp => &["PhoneNumber", "WhatsAppBusinessAccountId", "AccountExternalId"],
            ChannelName::Messenger => &["PageId"],
            ChannelName::Telegram => &["Token"],
            ChannelName::Email => &[],
        }
    }

    /// Returns the keys whose values are secrets.
    pub const fn secret_keys(self) -> &'static [&'static str] {
        match self {
            ChannelName::Whatsapp => &["Password", "BusinessSystemUserAccessToken", "VNameCertificate"],
            ChannelName::Messenger => &["PageAccessToken"],
            ChannelName::Telegram => &["Token"],
            ChannelName::Email => &[],
        }
    }
}

/// Returns whether a key's value is to be kept out of sight: known secrets, and whatever is named like one.
pub fn is_secret_key(name: &str) -> bool {
    let name = name.to_lowercase();
    ChannelName::ALL.iter().any(|channel| channel.secret_keys().iter().any(|secret| secret.eq_ignore_ascii_case(&name)))
        || ["password", "token", "secret", "certificate", "apikey", "accesskey", "pincode", "credential"]
            .iter()
            .any(|word| name.contains(word))
}

/// A channel as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredChannel {
    /// Whether customers should reach the bot by it.
    pub connected: bool,
    /// Values by key.
    pub settings: BTreeMap<String, String>,
    /// Secrets by key: where each is.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Keys that should not be set.
    pub absent: BTreeSet<String>,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

/// `channels.toml`.
#[derive(Debug, Clone)]
pub struct Channels {
    /// The file.
    pub path: PathBuf,
    /// Its text, for places of mistakes.
    pub text: Arc<str>,
    /// Channels that may be changed; others are told and left alone.
    pub managed: BTreeSet<ChannelName>,
    /// Channels.
    pub channels: BTreeMap<ChannelName, DeclaredChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelsFile {
    #[serde(default)]
    managed: Vec<ChannelName>,
    #[serde(default)]
    channel: BTreeMap<ChannelName, Spanned<ChannelTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTable {
    #[serde(default = "yes")]
    connected: bool,
    #[serde(default)]
    settings: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    secrets: BTreeMap<String, Spanned<SecretTable>>,
    #[serde(default)]
    absent: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretTable {
    env: Option<String>,
    file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

impl Channels {
    /// Name of the file.
    pub const FILE: &'static str = "channels.toml";

    /// Reads the text of `channels.toml`.
    ///
    /// # Errors
    /// Every mistake that can be told apart.
    pub fn parse(path: &Path, text: &Arc<str>) -> Result<Channels, ConfigError> {
        let file: ChannelsFile = toml_file::parse(path, text)?;
        let mut problems = Vec::new();
        let mut report = |span: Range<usize>, message: String| problems.push(toml_file::problem_at(path, text, span, message));
        let mut channels = BTreeMap::new();
        for (channel, table) in file.channel {
            let (span, table) = (table.span(), table.into_inner());
            let mut declared = DeclaredChannel {
                connected: table.connected,
                settings: BTreeMap::new(),
                secrets: BTreeMap::new(),
                absent: table.absent,
                span,
            };
            for (key, value) in table.settings {
                if is_secret_key(&key) {
                    // The value is not repeated: it is where it should not be already.
                    report(value.span(), format!("`{key}` is a secret: name where it is under [channel.{}.secrets]", channel.name()));
                }
                declared.settings.insert(key, value.into_inner());
            }
            for (key, place) in table.secrets {
                let (span, place) = (place.span(), place.into_inner());
                match SecretSource::from_pair("", place.env.as_ref(), place.file.as_ref()) {
                    Ok(source) => drop(declared.secrets.insert(key, source)),
                    Err(_) => report(span, format!("`{key}` needs either `env` or `file`: where the secret is")),
                }
            }
            let named: Vec<&String> = declared.settings.keys().chain(declared.secrets.keys()).chain(&declared.absent).collect();
            if let Some(twice) = named.iter().find(|name| named.iter().filter(|other| other == name).count() > 1) {
                report(declared.span.clone(), format!("`{twice}` stands in two lists of [channel.{}]", channel.name()));
            }
            channels.insert(channel, declared);
        }
        if problems.is_empty() {
            Ok(Channels { path: path.to_owned(), text: Arc::clone(text), managed: file.managed.into_iter().collect(), channels })
        } else {
            Err(ConfigError { problems })
        }
    }

    /// Fetches the secrets of managed channels, by channel and key.
    ///
    /// # Errors
    /// Each that is missing.
    pub fn secrets(&self, project_dir: &Path) -> Result<BTreeMap<(ChannelName, String), SecretString>, ConfigError> {
        let (mut secrets, mut problems): (_, Vec<Problem>) = (BTreeMap::new(), Vec::new());
        for channel in &self.managed {
            for (key, source) in self.channels.get(channel).into_iter().flat_map(|declared| &declared.secrets) {
                match source.fetch(project_dir, &format!("channel {}, `{key}`", channel.name())) {
                    Ok(secret) => drop(secrets.insert((*channel, key.clone()), secret)),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() { Ok(secrets) } else { Err(ConfigError { problems }) }
    }
}

/// `[channels]`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Whether entries are set and removed, which Blip documents for nobody's key.
    #[serde(default)]
    pub unconfirmed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_clear_is_refused_and_not_repeated() {
        let text = "managed = [\"telegram\"]\n[channel.telegram.settings]\nToken = \"123:abc\"\n";
        let error = Channels::parse(Path::new("channels.toml"), &Arc::from(text)).unwrap_err().to_string();
        assert!(error.starts_with("channels.toml:3:9: `Token` is a secret"), "{error}");
        assert!(!error.contains("123:abc"), "{error}");
        for (name, secret) in
            [("PageAccessToken", true), ("pagetoken", true), ("PageId", false), ("HasPincode", true), ("WebAppPort", false)]
        {
            assert_eq!(is_secret_key(name), secret, "{name}");
        }
    }

    #[test]
    fn a_key_stands_in_one_list() {
        let text = "[channel.messenger]\nabsent = [\"PageId\"]\n[channel.messenger.settings]\nPageId = \"1\"\n";
        let error = Channels::parse(Path::new("channels.toml"), &Arc::from(text)).unwrap_err().to_string();
        assert!(error.contains("`PageId` stands in two lists of [channel.messenger]"), "{error}");
    }
}
