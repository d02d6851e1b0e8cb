//! How a schedule's reports are made.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::outbox::Stored;
use crate::{
    config::{Project, ScheduleSpec},
    deliver::{Facts, ParcelFile},
    domain::{
        Period, ReportData,
        report_data::{CompletenessState, Content},
    },
    ledger::Publication,
    render::{MailContext, content_sha256, mail},
    report::{self, FileFormat, Made, Wanted},
    snapshot::{Manifest, Snapshot, SnapshotError},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The schedule.
    pub spec: &'a ScheduleSpec,
    /// The days.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<&'a str>,
    /// The instant that the schedule means.
    pub planned_at: DateTime<Utc>,
}

/// What a report shows before anything is written.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The snapshot.
    pub snapshot: String,
    /// SHA-256 of the content.
    pub content_sha256: String,
    /// Whether figures can still change.
    pub completeness: CompletenessState,
    /// The same in the reader's words.
    pub sentence: String,
    /// Whether the period has anything.
    pub has_data: bool,
    /// Key figures by name.
    pub figures: BTreeMap<String, Option<f64>>,
    /// Names of key figures that miss their target.
    pub missed: Vec<String>,
    /// What is noted once it goes out.
    pub publication: Publication,
}

/// Writes the files of a report into a folder and returns what is on its way: `true` tells an open period above everything else.
pub type Write<'a> = Box<dyn FnOnce(&Path, bool) -> Result<Stored, String> + 'a>;

/// Makes reports.
pub trait Reports {
    /// Returns the newest snapshot's id; none before there is one.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn newest_snapshot(&self) -> Result<Option<String>, String>;

    /// Returns until when it is known what time it is at Blip: by the newest snapshot. None before there is one: then nothing is held for it.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn heard_until(&self) -> Result<Option<DateTime<Utc>>, String>;

    /// Builds a report.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn make<'a>(&'a self, order: Order<'a>) -> Result<(Seen, Write<'a>), String>;
}

/// Makes the reports of a project.
pub struct ProjectReports<'a> {
    /// The project.
    pub project: &'a Project,
    /// Makes a name for a folder that does not exist.
    pub scratch: &'a dyn Fn() -> PathBuf,
}

impl ProjectReports<'_> {
    fn newest(&self) -> Result<Option<Manifest>, String> {
        match Snapshot::newest(self.project) {
            Ok(snapshot) => Ok(Some(snapshot.manifest)),
            Err(SnapshotError::None(_)) => Ok(None),
            Err(error) => Err(words(&error)),
        }
    }
}

impl Reports for ProjectReports<'_> {
    fn newest_snapshot(&self) -> Result<Option<String>, String> {
        Ok(self.newest()?.map(|manifest| manifest.id))
    }

    /// A load whose clock is not Blip's is refused, so that a snapshot is of a time that Blip has seen. Where a load failed, or found nothing new, its
    /// answers said what time it was all the same.
    fn heard_until(&self) -> Result<Option<DateTime<Utc>>, String> {
        let Some(newest) = self.newest()? else { return Ok(None) };
        Ok([Some(newest.published_at), newest.loaded_until, self.project.heard()].into_iter().flatten().max())
    }

    fn make<'a>(&'a self, order: Order<'a>) -> Result<(Seen, Write<'a>), String> {
        let reports = self.project.reports().map_err(|error| error.to_string())?;
        let spec = reports.get(&order.spec.report).ok_or_else(|| format!("there is no report `{}`", order.spec.report))?;
        let formats: Vec<FileFormat> = order.spec.formats.iter().filter_map(|format| FileFormat::from_ending(format)).collect();
        let wanted = Wanted {
            period: order.period,
            sector: order.sector.map(str::to_owned),
            as_of: None,
            with_details: order.spec.details && formats.iter().any(|format| format.has_details()),
            scratch: (self.scratch)(),
            compares_parts: true,
        };
        let made = report::make(self.project, spec, &wanted).map_err(|error| words(&error))?;
        let seen = seen(&made);
        let sha256 = seen.content_sha256.clone();
        let limit = self.project.settings.delivery.attach_limit_bytes;
        let write: Write<'a> = Box::new(move |folder, has_banner| stored(&made, order, &formats, sha256, (folder, has_banner), limit));
        Ok((seen, write))
    }
}

fn seen(made: &Made) -> Seen {
    let data = &made.data;
    let figures = || {
        data.blocks.iter().filter_map(|block| if let Content::Kpis { figures } = &block.content { Some(figures) } else { None }).flatten()
    };
    Seen {
        snapshot: data.snapshot.id.clone(),
        content_sha256: content_sha256(data),
        completeness: data.completeness.state,
        sentence: data.completeness.sentence.clone(),
        has_data: figures().any(|figure| figure.value.is_some_and(|value| value != 0.0)),
        figures: figures().map(|figure| (figure.column.name.clone(), figure.value)).collect(),
        missed: figures()
            .filter(|figure| figure.target.is_some_and(|target| target.is_met == Some(false)))
            .map(|figure| figure.column.name.clone())
            .collect(),
        publication: report::publication(data, made.rules.clone(), Vec::new()),
    }
}

/// Writes the files, and composes the mail that says which of them come along.
fn stored(
    made: &Made,
    order: Order<'_>,
    formats: &[FileFormat],
    content_sha256: String,
    (folder, has_banner): (&Path, bool),
    limit: u64,
) -> Result<Stored, String> {
    let data = &made.data;
    let written = report::write(data, formats, &folder.join("files")).map_err(|error| words(&error))?;
    let mut room = limit;
    let mut files = Vec::new();
    for file in written {
        let size = fs::metadata(&file.path).map_err(|error| words(&error))?.len();
        let attached = size <= room;
        if attached {
            room -= size;
        }
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(ParcelFile { name, path: file.path, sha256: file.sha256, attached });
    }
    let names = |attached: bool| files.iter().filter(move |file| file.attached == attached);
    let context = MailContext {
        has_banner,
        attached: names(true).map(|file| file.name.clone()).collect(),
        elsewhere: names(false).map(|file| file.path.display().to_string()).collect(),
        schedule: order.spec.name.clone(),
        owner: order.spec.owner.clone(),
    };
    Ok(Stored { mail: mail(data, &context), stem: report::file_stem(data), facts: facts(data, order, content_sha256), files })
}

fn facts(data: &ReportData, order: Order<'_>, content_sha256: String) -> Facts {
    Facts {
        report: data.report.clone(),
        title: data.title.clone(),
        period: data.period.to_string(),
        sector: data.sector.clone(),
        snapshot: data.snapshot.id.clone(),
        completeness: match data.completeness.state {
            CompletenessState::Closed => "closed",
            CompletenessState::Provisional => "provisional",
            CompletenessState::Incomplete => "incomplete",
        }
        .to_owned(),
        content_sha256,
        schedule: order.spec.name.clone(),
        planned_at: order.planned_at,
        restated_figures: data.restatements.iter().map(|one| one.figures.len()).sum(),
    }
}

/// The error with its causes.
pub(super) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
