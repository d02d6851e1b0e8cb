//! Files that Blip exports, as a source beside its API: tickets and survey answers.
//!
//! Blip documents neither the names of the columns nor the form of the values. Columns are recognised by the headings of the report
//! manager, of Delta Share, of the portal's satisfaction table in three languages, and by common names. What is not recognised is refused
//! row by row, never guessed. Times without a zone are UTC in files of the report manager and of Delta Share, which export what Blip
//! stores; in any other file they are the organisation's, as the portal shows them. Tickets are merged by their id: what the API says of a
//! ticket wins. Importing a file again changes nothing.

mod chains;
mod columns;
mod sheet;
mod values;

pub use columns::plain as plain_heading;
pub use sheet::Sheet;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use self::{
    columns::{Export, Field, Kind, Mapping},
    values::{Clock, Refusal},
};
use super::{IngestError, Progress, Pseudonyms};
use crate::{
    config::Project,
    domain::Zone,
    store::{ImportVerdict, ImportedRating, ImportedTicket, MartReport, SettingsRows, Store},
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
    /// Columns by what they are taken for: heading and field.
    pub columns: Vec<(String, &'static str)>,
    /// Headings that are not used.
    pub unused: Vec<String>,
    /// Line of the file and verdict, in order.
    pub rows: Vec<(usize, Verdict)>,
}

/// A row that can be kept.
enum Row {
    Ticket(ImportedTicket),
    Rating(ImportedRating),
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

    /// Reads a file and finds out what becomes of each row; keeps them unless `is_trial`.
    ///
    /// # Errors
    /// When the file as a whole cannot be understood, or the database refuses.
    pub fn import(&mut self, path: &Path, is_trial: bool) -> Result<Import, IngestError> {
        import(self.project, &self.pseudonyms, &mut self.store, path, self.now, is_trial)
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

fn import(
    project: &Project,
    pseudonyms: &Pseudonyms,
    store: &mut Store,
    path: &Path,
    now: DateTime<Utc>,
    is_trial: bool,
) -> Result<Import, IngestError> {
    let sheet = Sheet::read(path)?;
    let mapping = Mapping::of(&sheet.headings).ok_or_else(|| ImportError::Columns {
        path: path.to_owned(),
        found: sheet.headings.join(", "),
        needed: columns::needed(),
    })?;
    let zone = mapping.export.zone(project.settings.organization.timezone);
    let clock = Clock { zone, now };
    let mut kept: Vec<(usize, Row)> = Vec::new();
    let mut rows: Vec<(usize, Verdict)> = Vec::new();
    for (line, cells) in &sheet.rows {
        let row = match mapping.kind {
            Kind::Tickets => ticket(&mapping, cells, pseudonyms, clock).map(Row::Ticket),
            Kind::Ratings => rating(&mapping, cells, pseudonyms, clock).map(Row::Rating),
        };
        match row {
            Ok(row) => kept.push((*line, row)),
            Err(refusal) => rows.push((*line, Verdict::Refused(refusal.to_string()))),
        }
    }
    let run = store.begin_run(now)?;
    let lines: Vec<usize> = kept.iter().map(|(line, _)| *line).collect();
    let (mut tickets, mut ratings) = (Vec::new(), Vec::new());
    for (_, row) in kept {
        match row {
            Row::Ticket(ticket) => tickets.push(ticket),
            Row::Rating(rating) => ratings.push(rating),
        }
    }
    chains::join(&mut tickets, pseudonyms);
    let verdicts = store.transaction_or_trial(is_trial, |store| {
        let mut verdicts = store.write_imported_tickets(&tickets, run)?;
        verdicts.extend(store.write_imported_ratings(&ratings, run)?);
        Ok(verdicts)
    })?;
    rows.extend(lines.into_iter().zip(verdicts.into_iter().map(|verdict| match verdict {
        ImportVerdict::New => Verdict::New,
        ImportVerdict::Changed => Verdict::Changed,
        ImportVerdict::Same => Verdict::Same,
        ImportVerdict::KnownByApi => Verdict::KnownByApi,
    })));
    rows.sort_by_key(|(line, _)| *line);
    Ok(Import {
        path: path.to_owned(),
        kind: mapping.kind.name(),
        export: mapping.export.name(),
        zone,
        columns: mapping.used(&sheet.headings),
        unused: mapping.unused(&sheet.headings),
        rows,
    })
}

fn ticket(mapping: &Mapping, cells: &[String], pseudonyms: &Pseudonyms, clock: Clock) -> Result<ImportedTicket, Refusal> {
    let text = |field: Field| mapping.get(field, cells);
    let instant = |field: Field| text(field).map(|text| values::instant(field, text, clock)).transpose();
    let ticket_id = text(Field::TicketId).map(comparable).ok_or(Refusal::Missing(Field::TicketId))?;
    let created_at = instant(Field::CreatedAt)?.ok_or(Refusal::Missing(Field::CreatedAt))?;
    let (opened_at, first_response_at, closed_at) =
        (instant(Field::OpenedAt)?, instant(Field::FirstResponseAt)?, instant(Field::ClosedAt)?);
    let status = match text(Field::Status) {
        Some(text) => values::status(text)?,
        None => return Err(Refusal::Missing(Field::Status)),
    };
    let tags: Option<Vec<&str>> =
        text(Field::Tags).map(|text| text.split([',', ';', '|']).map(str::trim).filter(|tag| !tag.is_empty()).collect());
    let written = |at: Option<DateTime<Utc>>| at.map(crate::blip::time::instant);
    let fields: [(&str, Value); 13] = [
        ("id", ticket_id.clone().into()),
        ("sequentialId", text(Field::SequentialId).map(|text| values::number(Field::SequentialId, text)).transpose()?.into()),
        (
            "parentSequentialId",
            text(Field::ParentSequentialId).map(|text| values::number(Field::ParentSequentialId, text)).transpose()?.into(),
        ),
        ("ownerIdentity", text(Field::Owner).map_or_else(|| "import".to_owned(), |owner| bot(mapping, owner)).into()),
        ("customerDomain", text(Field::Channel).into()),
        ("agentIdentity", text(Field::Agent).map(crate::blip::identity::attendant_email).into()),
        ("status", status.into()),
        ("storageDate", written(Some(created_at)).into()),
        ("openDate", written(opened_at).into()),
        ("firstResponseDate", written(first_response_at).into()),
        ("closeDate", written(closed_at).into()),
        ("team", text(Field::Queue).into()),
        ("tags", tags.into()),
    ];
    let mut body: Map<String, Value> =
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(rating) = text(Field::Answer) {
        body.insert("rating".to_owned(), json!(values::number(Field::Answer, rating)?));
    }
    if let Some(mean) = text(Field::ResponseMean) {
        body.insert("averageAgentResponseTime".to_owned(), json!(values::seconds(Field::ResponseMean, mean)?));
    }
    let customer_key = match text(Field::Customer) {
        Some(identity) => pseudonyms.customer(identity),
        // Nobody is named: the ticket is nobody's but its own.
        None => chains::of_ticket(&ticket_id, pseudonyms),
    };
    let earlier_key = text(Field::Customer).and_then(|identity| pseudonyms.earlier(identity));
    Ok(ImportedTicket { ticket_id, customer_key, earlier_key, body: Value::Object(body).to_string() })
}

/// Returns a ticket's id as it is compared: some programs write Blip's ids in capitals.
fn comparable(ticket_id: &str) -> String {
    if uuid::Uuid::try_parse(ticket_id).is_ok() { ticket_id.to_lowercase() } else { ticket_id.to_owned() }
}

/// Returns a bot as tickets of the API name it: the report manager leaves out the domain.
fn bot(mapping: &Mapping, owner: &str) -> String {
    let is_short = mapping.export == Export::ReportManager && !owner.contains('@');
    if is_short { format!("{owner}@msging.net") } else { owner.to_owned() }
}

fn rating(mapping: &Mapping, cells: &[String], pseudonyms: &Pseudonyms, clock: Clock) -> Result<ImportedRating, Refusal> {
    let text = |field: Field| mapping.get(field, cells);
    let answer = text(Field::Answer).ok_or(Refusal::Missing(Field::Answer))?.to_owned();
    let answered_at = text(Field::AnsweredAt).map(|text| values::instant(Field::AnsweredAt, text, clock)).transpose()?;
    // Some tables have the id in the column called ticket, others the number, which is no key.
    let id_as_number = || text(Field::SequentialId).filter(|ticket| uuid::Uuid::try_parse(ticket).is_ok());
    let ticket_id = text(Field::TicketId).or_else(id_as_number).map(str::to_owned);
    if ticket_id.is_none() && answered_at.is_none() {
        return Err(Refusal::Missing(Field::AnsweredAt));
    }
    let customer_key = text(Field::Customer).map(|identity| pseudonyms.customer(identity));
    let earlier_key = text(Field::Customer).and_then(|identity| pseudonyms.earlier(identity));
    // An answer that an earlier version took over is known again.
    let content = format!("{ticket_id:?}\0{:?}\0{answered_at:?}\0{answer}", earlier_key.as_ref().or(customer_key.as_ref()));
    Ok(ImportedRating {
        rating_id: pseudonyms.keyed("imported rating", &content),
        ticket_id: ticket_id.as_deref().map(comparable),
        customer_key,
        earlier_key,
        answer,
        queue: text(Field::Queue).map(str::to_owned),
        answered_at,
    })
}
