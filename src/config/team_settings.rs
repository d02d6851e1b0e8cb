//! `[team]`: guards, what a profile means at Blip, and when people are compared with what is declared.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{TeamProfile, delivery::Report};
use crate::domain::{Zone, cron::Cron};

/// `[team]`: guards, and what a profile means at Blip.
#[derive(Debug, Clone)]
pub struct TeamSettings {
    /// Fewest administrators that must stay.
    pub min_administrators: usize,
    /// People who must stay administrators.
    pub required_administrators: Vec<String>,
    /// Most people who may lose something at once.
    pub max_removed: usize,
    /// Largest share of the people of a layer who may lose something at once, 0–1; one person always may.
    pub max_removed_share: f64,
    /// Whether the layers that Blip documents for nobody's key are tried.
    pub unconfirmed: bool,
    /// Name of the contract in the portal's addresses.
    pub contract: Option<String>,
    /// When `relato serve` compares, on the organisation's clock.
    pub drift: Option<Cron>,
    /// What profiles mean.
    pub profiles: BTreeMap<TeamProfile, Grant>,
}

/// What a profile means at Blip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Role in the contract.
    pub contract: ContractGrant,
    /// Permissions in the bots.
    pub bot: BotGrant,
}

/// A role in the contract; the names are Blip's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContractGrant {
    /// No member.
    None,
    /// Sees.
    Guest,
    /// Makes and edits bots.
    Member,
    /// Everything.
    Admin,
}

/// Permissions in a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BotGrant {
    /// No member.
    None,
    /// Reads the desk and the analyses.
    DeskView,
    /// Reads everything but the team.
    View,
    /// Reads and writes everything but the team.
    Edit,
    /// Reads and writes everything.
    Admin,
}

impl Default for TeamSettings {
    fn default() -> TeamSettings {
        TeamSettings {
            min_administrators: 2,
            required_administrators: Vec::new(),
            max_removed: 10,
            max_removed_share: 0.2,
            unconfirmed: false,
            contract: None,
            drift: None,
            profiles: BTreeMap::from([
                (TeamProfile::Administrador, Grant { contract: ContractGrant::Admin, bot: BotGrant::Admin }),
                (TeamProfile::Atendente, Grant { contract: ContractGrant::Guest, bot: BotGrant::None }),
                (TeamProfile::Visualizador, Grant { contract: ContractGrant::Guest, bot: BotGrant::DeskView }),
            ]),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamTable {
    min_administrators: Option<usize>,
    #[serde(default)]
    required_administrators: Vec<Spanned<String>>,
    max_removed: Option<usize>,
    max_removed_share: Option<Spanned<f64>>,
    unconfirmed: Option<Spanned<bool>>,
    contract: Option<String>,
    drift: Option<Spanned<String>>,
    #[serde(default)]
    profiles: BTreeMap<TeamProfile, Grant>,
}

impl TeamTable {
    pub(super) fn understood(table: Option<TeamTable>, report: Report<'_>) -> TeamSettings {
        let mut settings = TeamSettings::default();
        let Some(table) = table else { return settings };
        settings.min_administrators = table.min_administrators.unwrap_or(settings.min_administrators);
        settings.max_removed = table.max_removed.unwrap_or(settings.max_removed);
        settings.required_administrators = super::delivery::addresses(table.required_administrators, report);
        if let Some(share) = table.max_removed_share {
            if (0.0..=1.0).contains(share.get_ref()) {
                settings.max_removed_share = share.into_inner();
            } else {
                report(share.span(), format!("max_removed_share is {} (accepted: 0 to 1)", share.get_ref()));
            }
        }
        if let Some(unconfirmed) = table.unconfirmed {
            settings.unconfirmed = *unconfirmed.get_ref();
            if settings.unconfirmed && table.contract.is_none() {
                report(
                    unconfirmed.span(),
                    "[team] unconfirmed needs `contract`, the name of the contract in the portal's address".to_owned(),
                );
            }
        }
        settings.contract = table.contract;
        settings.drift = super::delivery::cron(table.drift, report);
        settings.profiles.extend(table.profiles);
        settings
    }
}

impl TeamSettings {
    /// Returns what a profile means.
    pub fn grant(&self, profile: TeamProfile) -> Grant {
        self.profiles.get(&profile).copied().unwrap_or(Grant { contract: ContractGrant::None, bot: BotGrant::None })
    }

    /// Returns when a comparison is due next after an instant.
    pub fn next_look(&self, after: chrono::DateTime<chrono::Utc>, zone: Zone) -> Option<chrono::DateTime<chrono::Utc>> {
        self.drift.as_ref()?.after(after, zone).next().map(|(instant, _)| instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_means_what_is_configured_and_the_others_what_is_usual() {
        let table: TeamTable =
            toml::from_str("max_removed_share = 0.5\n[profiles.visualizador]\ncontract = \"member\"\nbot = \"view\"\n").unwrap();
        let mut problems = Vec::new();
        let settings = TeamTable::understood(Some(table), &mut |_, message| problems.push(message));
        assert_eq!(settings.grant(TeamProfile::Visualizador), Grant { contract: ContractGrant::Member, bot: BotGrant::View });
        assert_eq!(settings.grant(TeamProfile::Atendente), Grant { contract: ContractGrant::Guest, bot: BotGrant::None });
        let table: TeamTable = toml::from_str("unconfirmed = true\nmax_removed_share = 20\n").unwrap();
        TeamTable::understood(Some(table), &mut |_, message| problems.push(message));
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("max_removed_share is 20 (accepted: 0 to 1)"), "{problems:?}");
        assert!(problems[1].starts_with("[team] unconfirmed needs `contract`"), "{problems:?}");
    }
}
