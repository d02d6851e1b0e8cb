//! The project folder: `relato.toml`, `reports/*.toml`, `queries/**/*.sql`, read and validated.
//!
//! Every mistake is a [`Problem`] that names file, line, column, the value and what is accepted. Secrets are read from the
//! environment or from files when they are needed, and are never kept in the configuration.

mod access;
mod address;
mod channels;
mod closing;
mod delivery;
mod engine;
mod imports;
mod outputs;
mod problem;
mod project;
mod report;
mod scale;
mod schedule;
mod secret;
mod settings;
mod settings_file;
mod storage;
mod team;
mod team_settings;
mod toml_file;

pub use access::{Access, NoAccess, Person, Profile, QueryLimits};
pub use channels::{ChannelName, ChannelSettings, Channels, DeclaredChannel, is_secret_key};
pub use closing::LATE_ANSWER_DAYS;
pub use delivery::{Delivery, Recipients, Serve, Smtp, Tls, require_address};
pub use engine::{EngineKind, EngineSettings, SparkSettings};
pub use imports::Imports;
pub use problem::{ConfigError, Problem};
pub use project::Project;
pub use report::{BlockSpec, ContentSpec, FigureSpec, Filter, GoodDirection, ReportSpec, RowsSpec, Sort, SparkSpec, TableSpec};
pub use scale::Scale;
pub use schedule::{Addressee, Condition, FolderSpec, Gate, HoldUntil, Holidays, Missed, ScheduleSpec, WebhookSpec, filled};
pub use secret::SecretSource;
pub use settings::{
    BlipKey, DirectTransfer, Document, KeyRole, Organization, Privacy, SatisfactionSource, Sectors, Settings, Survey, TARGET_METRICS,
    Target,
};
pub use storage::{Bucket, Credentials, Lake, LakePlace};
pub use team::{DeclaredPerson, DeclaredQueue, Layer, Managed, Named, Presence, Team, TeamProfile, Undeclared};
pub use team_settings::{BotGrant, ContractGrant, Grant, TeamSettings};
