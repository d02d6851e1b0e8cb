//! Schedules, `schedules/*.toml`: when which report is made, for whom.

use std::{path::Path, sync::Arc};

use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, toml_file};
use crate::domain::{Cron, Zone};

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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    report: String,
    cron: Spanned<String>,
    timezone: Zone,
    period: String,
    formats: Vec<String>,
    #[serde(rename = "gate")]
    _gate: Option<Gate>,
    #[serde(rename = "missed")]
    _missed: Option<Missed>,
    #[serde(rename = "holidays")]
    _holidays: Option<Holidays>,
    #[serde(default, rename = "to")]
    _to: Vec<String>,
    #[serde(default, rename = "on_failure")]
    _on_failure: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Gate {
    Send,
    Banner,
    Hold,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Missed {
    Last,
    All,
    Skip,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Holidays {
    Skip,
    NextBusinessDay,
}

impl ScheduleSpec {
    /// Reads the schedule called `name`.
    ///
    /// # Errors
    /// The mistake, with line and column.
    pub fn parse(name: &str, path: &Path, text: &Arc<str>) -> Result<ScheduleSpec, ConfigError> {
        let file: File = toml_file::parse(path, text)?;
        let cron = file
            .cron
            .get_ref()
            .parse()
            .map_err(|error: crate::domain::cron::CronError| toml_file::problem_at(path, text, file.cron.span(), error.to_string()))?;
        Ok(ScheduleSpec {
            name: name.to_owned(),
            report: file.report,
            cron,
            timezone: file.timezone,
            period: file.period,
            formats: file.formats,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_placed() {
        let text = "report = \"r\"\ncron = \"0 8 * * 1\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-week\"\nformats = [\"pdf\"]\n";
        let parse = |text: &str| {
            ScheduleSpec::parse("s", Path::new("schedules/s.toml"), &Arc::from(text)).map(|_| ()).map_err(|error| error.to_string())
        };
        assert!(parse(text).unwrap_err().starts_with("schedules/s.toml:2:8: weekday `1`"));
        assert_eq!(parse(&text.replace("* * 1", "* * MON")), Ok(()));
        assert!(parse(&text.replace("formats", "format")).unwrap_err().contains("did you mean `formats`?"));
    }
}
