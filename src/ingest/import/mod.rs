//! Files that Blip exports, as a source beside its API: tickets and survey answers.
//!
//! Blip documents neither the names of the columns nor the form of the values. Columns are recognised by the headings of the report
//! manager, of Delta Share, of the portal's satisfaction table in three languages, and by common names. What is not recognised is refused
//! row by row, never guessed; a file whose rows cannot be told apart, or whose dates contradict the order in which they are read, is
//! refused as a whole, and with it the files beside it. Times without a zone are UTC in files of the report manager and of Delta Share, which export what Blip
//! stores; in any other file they are the organisation's, as the portal shows them. Tickets are merged by their id: what the API says of a
//! ticket wins. Importing a file again changes nothing.

mod chains;
mod columns;
#[cfg(test)]
mod damage;
mod rows;
mod separated;
mod sheet;
mod values;
mod workbook;

pub use sheet::{Line, Sheet, is_error_value};
pub use values::{DateOrder, is_name, join_list, shortened, split_list};

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate, Utc};

use self::{
    chains::Chains,
    columns::{Kind, Mapping},
    rows::Occurrences,
    values::{Clock, Joined},
};
use super::{IngestError, Progress, Pseudonyms};
use crate::{
    config::{Imports, Project},
    domain::{
        Zone,
        exported::{Field, plain},
    },
    store::{ImportVerdict, ImportedRating, ImportedTicket, MartReport, Run, SettingsRows, Store},
};

/// Why a file as a whole cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not what its ending says.
    #[error("`{}` cannot be understood: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Its columns are neither those of tickets nor those of survey answers.
    #[error("`{}` has the columns [{found}]; {needed}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The columns that it has.
        found: String,
        /// What is needed.
        needed: String,
    },
    /// A date can only be meant in another order than the file's dates are read in.
    #[error(
        "`{}`:{line}: {heading} `{value}` can only be {}, and dates are read {}: others of the file would become other days; \
         if all of its dates are {}, say `--date-order {}`",
        path.display(), words(*other), words(order_against(*other)), words(*other), option(*other)
    )]
    Dates {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Heading of the column.
        heading: String,
        /// The date.
        value: String,
        /// How it must be meant.
        other: DateOrder,
    },
    /// A heading that was declared is in no file.
    #[error("no file has the heading `{0}`, which --column names")]
    Heading(String),
    /// Several files cannot be imported.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<ImportError>),
}

const fn order_against(other: DateOrder) -> DateOrder {
    match other {
        DateOrder::DayFirst => DateOrder::MonthFirst,
        DateOrder::MonthFirst => DateOrder::DayFirst,
    }
}

const fn words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::DayFirst => "day first",
        DateOrder::MonthFirst => "month first",
    }
}

const fn option(order: DateOrder) -> &'static str {
    match order {
        DateOrder::DayFirst => "day-first",
        DateOrder::MonthFirst => "month-first",
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept.
    New,
    /// It is kept in place of what an earlier file said.
    Changed,
    /// An earlier file said the same.
    Same,
    /// Blip's API has told of the ticket, and what it says wins.
    KnownByApi,
    /// It is left out, and why.
    Refused(String),
}

/// How files are to be read, beyond what their headings tell.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Which of day and month they write first.
    pub order: DateOrder,
    /// What columns hold, by heading; before what relato.toml says.
    pub columns: Vec<(String, Field)>,
    /// Zone of times that name none; none goes by the headings.
    pub zone: Option<Zone>,
}

/// Where the zone of a file's times is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneFrom {
    /// Whoever imports said it.
    Told,
    /// The headings are those of this export of Blip's.
    Export(&'static str),
    /// Nothing says otherwise.
    Organization,
}

/// Rows that follow each other and have the same verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Line of the first row.
    pub first: usize,
    /// Line of the last row.
    pub last: usize,
    /// What became of each.
    pub verdict: Verdict,
}

impl Stretch {
    /// Returns how many rows they are.
    pub const fn rows(&self) -> usize {
        self.last - self.first + 1
    }
}

/// What a file holds, and what becomes of it.
#[derive(Debug)]
pub struct Import {
    /// The file.
    pub path: PathBuf,
    /// `tickets` or `survey answers`.
    pub kind: &'static str,
    /// The export that the headings are of, `report manager` or `Delta Share`; none: no known one.
    pub export: Option<&'static str>,
    /// Zone of times that name none.
    pub zone: Zone,
    /// Where that is from.
    pub zone_from: ZoneFrom,
    /// Line of the headings, from 1 on.
    pub headings_line: usize,
    /// Columns by what they are taken for: heading and field.
    pub columns: Vec<(String, &'static str)>,
    /// Headings that are not used.
    pub unused: Vec<String>,
    /// What became of the rows, in the order of the file.
    pub rows: Vec<Stretch>,
}

/// Imports files into one project.
pub struct Importer<'a> {
    project: &'a Project,
    pseudonyms: Pseudonyms,
    store: Store,
    now: DateTime<Utc>,
}

impl<'a> Importer<'a> {
    /// Opens the live database.
    ///
    /// # Errors
    /// As a load does: another writer, another key of the pseudonyms.
    pub fn open(project: &'a Project, now: DateTime<Utc>) -> Result<Importer<'a>, IngestError> {
        let pseudonyms = super::pseudonyms(project)?;
        let mut store = super::open_newest(project, &pseudonyms, now, "relato import")?;
        store.transaction(|store| store.write_settings(&SettingsRows::new(&project.settings)))?;
        Ok(Importer { project, pseudonyms, store, now })
    }

    /// Reads files and finds out what becomes of each row; keeps them unless `is_trial`. Either all of the files are kept or none.
    ///
    /// # Errors
    /// When a file as a whole cannot be understood, or the database refuses.
    pub fn import(&mut self, paths: &[PathBuf], reading: &Reading, is_trial: bool) -> Result<Vec<Import>, IngestError> {
        let settings = &self.project.settings;
        let said = reading.columns.iter().map(|(heading, field)| (heading, *field));
        let saved = settings.imports.columns.iter().map(|(heading, field)| (heading, *field));
        let reader = Reader {
            pseudonyms: &self.pseudonyms,
            organization: settings.organization.timezone,
            settings: &settings.imports,
            declared: saved.chain(said).map(|(heading, field)| (plain(heading), field)).collect(),
            order: reading.order,
            zone: reading.zone,
            now: self.now,
        };
        let (mut files, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            match reader.survey(path) {
                Ok(file) => files.push(file),
                Err(error) => errors.push(error),
            }
        }
        if errors.len() > 1 {
            return Err(ImportError::Several(errors).into());
        }
        if let Some(error) = errors.pop() {
            return Err(error.into());
        }
        let is_there = |heading: &str| files.iter().any(|file| file.sheet.headings.iter().any(|known| plain(known) == plain(heading)));
        if let Some((heading, _)) = reading.columns.iter().find(|(heading, _)| !is_there(heading)) {
            return Err(ImportError::Heading(heading.clone()).into());
        }
        let run = self.store.begin_run(self.now)?;
        self.store.transaction_or_trial(is_trial, |store| files.iter().map(|file| reader.keep(file, store, run)).collect())
    }

    /// Brings the tables up to date. Returns the open store, to publish from.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn finish(mut self, queries: &BTreeMap<String, String>, progress: &dyn Progress) -> Result<(Store, MartReport), IngestError> {
        let marts = super::refresh(&mut self.store, queries, progress)?;
        progress.finish();
        Ok((self.store, marts))
    }
}

/// Rows that are written at once.
const BATCH_ROWS: usize = 10_000;

/// Days without a ticket after which a file is taken to have a gap: holidays and weekends are shorter.
const GAP_DAYS: i64 = 7;

/// How files are read.
struct Reader<'a> {
    pseudonyms: &'a Pseudonyms,
    organization: Zone,
    settings: &'a Imports,
    /// What columns hold, by plain heading.
    declared: BTreeMap<String, Field>,
    order: DateOrder,
    zone: Option<Zone>,
    now: DateTime<Utc>,
}

/// A file that was read once: its rows can be told apart, and its dates are in the expected order.
struct Surveyed {
    path: PathBuf,
    sheet: Sheet,
    mapping: Mapping,
    clock: Clock,
    /// Pseudonyms of tickets that name no customer, by id: those of the tickets from which they were transferred.
    joined: HashMap<String, String>,
}

/// Rows of a file with their lines, to be written.
#[derive(Default)]
struct Batch {
    /// Each line with why it is refused, if it is.
    lines: Vec<(usize, Option<String>)>,
    tickets: Vec<ImportedTicket>,
    /// Local days of the tickets' creation.
    days: Vec<NaiveDate>,
    ratings: Vec<ImportedRating>,
}

impl Reader<'_> {
    /// Reads a whole file and keeps nothing of it but what a single row does not tell.
    fn survey(&self, path: &Path) -> Result<Surveyed, ImportError> {
        let sheet = Sheet::open(path, &|row| Mapping::of(row, &self.declared).is_some())?;
        let mut mapping = Mapping::of(&sheet.headings, &self.declared).ok_or_else(|| ImportError::Columns {
            path: path.to_owned(),
            found: sheet.headings.join(", "),
            needed: columns::needed(),
        })?;
        if let Some(heading) = mapping.doubled(&sheet.headings) {
            let reason = format!("two columns are called `{heading}`: which of them counts cannot be told; rename the other");
            return Err(ImportError::Form { path: path.to_owned(), reason });
        }
        let zone = self.zone.unwrap_or_else(|| mapping.export.zone(self.organization));
        let clock = Clock { zone, order: self.order, now: self.now };
        let has_transfers = mapping.kind == Kind::Tickets && mapping.has(Field::ParentSequentialId);
        let mut chains = Chains::default();
        let mut joined: Option<Joined> = None;
        sheet.each_row(|(line, cells)| {
            let Ok(cells) = cells else { return Ok(()) };
            self.require_order(path, line, &mapping, &sheet.headings, &cells)?;
            let seen = mapping.get(Field::Tags, &cells).and_then(Joined::of);
            joined = joined.into_iter().chain(seen).min();
            if has_transfers && let Ok((ticket, _)) = rows::ticket(&mapping, &cells, self.pseudonyms, (clock, self.settings)) {
                chains.add(&ticket, self.pseudonyms);
            }
            Ok::<_, ImportError>(())
        })?;
        mapping.joined = joined.unwrap_or_default();
        Ok(Surveyed { path: path.to_owned(), joined: chains.joined(), sheet, mapping, clock })
    }

    /// Refuses a file with a date that can only be meant otherwise: those that can be meant either way are then meant so, too.
    fn require_order(&self, path: &Path, line: usize, mapping: &Mapping, headings: &[String], cells: &[String]) -> Result<(), ImportError> {
        let times = Field::TIMES.into_iter().filter_map(|field| Some((field, mapping.get(field, cells)?)));
        let Some((field, text)) = times.into_iter().find(|(_, text)| self.order.is_refuted_by(text)) else { return Ok(()) };
        Err(ImportError::Dates {
            path: path.to_owned(),
            line,
            heading: mapping.heading(field, headings).to_owned(),
            value: shortened(text),
            other: order_against(self.order),
        })
    }

    /// Writes the rows of a file, a batch at a time, and which days it covers.
    fn keep(&self, file: &Surveyed, store: &Store, run: Run) -> Result<Import, IngestError> {
        let mut rows: Vec<Stretch> = Vec::new();
        let mut occurrences = Occurrences::default();
        let mut days: BTreeSet<NaiveDate> = BTreeSet::new();
        let mut batch = Batch::default();
        store.begin_imported_file()?;
        file.sheet.each_row(|(line, cells)| {
            let row = cells.and_then(|cells| match file.mapping.kind {
                Kind::Tickets => self.ticket(file, &cells).map(|(ticket, day)| {
                    batch.days.push(day);
                    batch.tickets.push(ticket);
                }),
                Kind::Ratings => rows::rating(&file.mapping, &cells, self.pseudonyms, file.clock, &mut occurrences)
                    .map(|rating| batch.ratings.push(rating))
                    .map_err(|refusal| refusal.to_string()),
            });
            batch.lines.push((line, row.err()));
            if batch.lines.len() == BATCH_ROWS {
                write(std::mem::take(&mut batch), &mut days, &mut rows, (store, run))?;
            }
            Ok::<_, IngestError>(())
        })?;
        write(batch, &mut days, &mut rows, (store, run))?;
        let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
        store.write_imported_days(&name, &ranges(days.into_iter()), run)?;
        let (sheet, mapping) = (&file.sheet, &file.mapping);
        Ok(Import {
            path: file.path.clone(),
            kind: mapping.kind.name(),
            export: mapping.export.name(),
            zone: file.clock.zone,
            zone_from: match (self.zone, mapping.export.name()) {
                (Some(_), _) => ZoneFrom::Told,
                (None, Some(export)) => ZoneFrom::Export(export),
                (None, None) => ZoneFrom::Organization,
            },
            headings_line: sheet.headings_line,
            columns: mapping.used(&sheet.headings),
            unused: mapping.unused(&sheet.headings),
            rows,
        })
    }

    /// Reads a ticket; returns it with the local day of its creation.
    fn ticket(&self, file: &Surveyed, cells: &[String]) -> Result<(ImportedTicket, NaiveDate), String> {
        let read = rows::ticket(&file.mapping, cells, self.pseudonyms, (file.clock, self.settings));
        let (mut ticket, created_at) = read.map_err(|refusal| refusal.to_string())?;
        if let Some(key) = file.joined.get(&ticket.ticket_id) {
            ticket.customer_key.clone_from(key);
        }
        Ok((ticket, self.organization.day(created_at)))
    }
}

/// Writes rows, and adds the verdict on each to `rows`. Notes the days of tickets that only files tell of.
fn write(batch: Batch, days: &mut BTreeSet<NaiveDate>, rows: &mut Vec<Stretch>, (store, run): (&Store, Run)) -> Result<(), IngestError> {
    let mut verdicts = store.write_imported_tickets(&batch.tickets, run)?;
    let of_files = batch.days.iter().zip(&verdicts).filter(|(_, verdict)| **verdict != ImportVerdict::KnownByApi);
    days.extend(of_files.map(|(day, _)| day));
    verdicts.extend(store.write_imported_ratings(&batch.ratings, run)?);
    let mut kept = verdicts.into_iter().map(|verdict| match verdict {
        ImportVerdict::New => Verdict::New,
        ImportVerdict::Changed => Verdict::Changed,
        ImportVerdict::Same => Verdict::Same,
        ImportVerdict::KnownByApi => Verdict::KnownByApi,
    });
    for (line, refused) in batch.lines {
        let verdict = refused.map(Verdict::Refused).or_else(|| kept.next()).expect("a verdict on each row that is not refused");
        match rows.last_mut() {
            Some(stretch) if stretch.last + 1 == line && stretch.verdict == verdict => stretch.last = line,
            _ => rows.push(Stretch { first: line, last: line, verdict }),
        }
    }
    Ok(())
}

/// Returns the first and last days of ranges without a gap.
fn ranges(days: impl Iterator<Item = NaiveDate>) -> Vec<(NaiveDate, NaiveDate)> {
    let mut ranges: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for day in days {
        match ranges.last_mut() {
            Some((_, last)) if (day - *last).num_days() <= GAP_DAYS => *last = day,
            _ => ranges.push((day, day)),
        }
    }
    ranges
}
