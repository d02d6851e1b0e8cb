//! `[engine]`: what computes the figures of reports.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::delivery::Report;

/// `[engine]`: what computes figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineSettings {
    /// What computes them, where a command does not say otherwise.
    pub kind: EngineKind,
    /// How Spark is reached; none where it is not declared.
    pub spark: Option<SparkSettings>,
}

/// What computes figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// DuckDB in this process.
    #[default]
    Duckdb,
    /// Spark, started with its own launcher.
    Spark,
}

/// `[engine.spark]`: how a job is handed to Spark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparkSettings {
    /// The launcher: `spark-submit`, or another that takes arguments, a script and the script's arguments.
    pub command: PathBuf,
    /// Its arguments, before the script.
    pub arguments: Vec<String>,
    /// Folder that this machine and every worker see under the same path; jobs and their results lie there while they run. Relative to
    /// the project; none is `cluster` in the data folder.
    pub work_dir: Option<PathBuf>,
    /// Where workers find the snapshots, such as `s3a://bucket/prefix`; none is where this machine finds them.
    pub lake: Option<String>,
    /// Seconds until a job is stopped.
    pub seconds: u64,
    /// Queries that run side by side.
    pub parallel: u64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct EngineTable {
    kind: Option<Spanned<EngineKind>>,
    spark: Option<SparkTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SparkTable {
    command: Option<PathBuf>,
    #[serde(default)]
    arguments: Vec<String>,
    work_dir: Option<PathBuf>,
    lake: Option<String>,
    max_seconds: Option<Spanned<u64>>,
    parallel: Option<Spanned<u64>>,
}

impl EngineTable {
    pub(super) fn understood(table: Option<EngineTable>, report: Report<'_>) -> EngineSettings {
        let table = table.unwrap_or_default();
        if let Some(kind) = table.kind.as_ref().filter(|kind| *kind.get_ref() == EngineKind::Spark && table.spark.is_none()) {
            report(kind.span(), "kind = \"spark\" needs [engine.spark], which says how Spark is started".to_owned());
        }
        let mut read = |value: Option<Spanned<u64>>, usual: u64, most: u64| {
            let Some(value) = value else { return usual };
            if !(1..=most).contains(value.get_ref()) {
                report(value.span(), format!("`{}` is not accepted (accepted: 1 to {most})", value.get_ref()));
            }
            value.into_inner()
        };
        let spark = table.spark.map(|spark| SparkSettings {
            command: spark.command.unwrap_or_else(|| PathBuf::from("spark-submit")),
            arguments: spark.arguments,
            work_dir: spark.work_dir,
            lake: spark.lake.map(|lake| lake.trim_end_matches('/').to_owned()),
            seconds: read(spark.max_seconds, 3_600, 604_800),
            parallel: read(spark.parallel, 4, 64),
        });
        EngineSettings { kind: table.kind.map(Spanned::into_inner).unwrap_or_default(), spark }
    }
}
