//! Questions of people: who may ask, what may be asked, how it is answered, and the record of it.
//!
//! A question passes a gate that reads its tree, is answered by a process that reaches nothing but the files of the tables that it names,
//! and leaves a record in a chain of hashes before it runs and after.

mod functions;
mod gate;
mod masks;
mod record;
mod session;
mod tables;
mod worker;

pub use functions::names as function_names;
pub use gate::{Named, Rejection, RejectionKind, read, word_at};
pub use masks::{MaskError, Masks};
pub use record::{
    Asked, Asker, Change, Ending, Question, Refusal, UNPROVEN, acting, begin, change_record, end, note_change, permitted, refuse,
};
pub use session::{Answered, COMMAND, Ready, SessionError, ask};
pub use tables::{DescribedColumn, DescribedTable, Reach, described};
pub use worker::{Value, work};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    config::EngineKind,
    files::PrivateFolder,
    ledger::{LEDGER_TABLES, Ledger, LedgerError, LedgerTable, LedgerValue},
    query::{self, FileReader, QueryError},
    snapshot::{Snapshot, SnapshotError},
};

/// The files behind the tables of a question, and the columns that they have.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    /// Files by table.
    pub files: BTreeMap<String, Vec<PathBuf>>,
    /// Columns by table.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Tables whose files are not those of the snapshot, but were made on this machine.
    pub made_here: BTreeSet<String>,
    /// Keeps the files of the ledger's tables.
    pub ledger: Option<Arc<PrivateFolder>>,
}

/// Why a table cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// There is no such table.
    #[error("there is no table `{table}` (tables: {})", known.join(", "))]
    Unknown {
        /// What was asked for.
        table: String,
        /// The tables that there are.
        known: Vec<String>,
    },
    /// The table is not for this profile.
    #[error("the table `{0}` is restricted: [access] says which profiles read it")]
    Restricted(String),
    /// A table of the snapshot cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The tables of the ledger cannot be put where a question finds them.
    #[error("the tables of the ledger cannot be written")]
    Folder(#[source] std::io::Error),
    /// Parts cannot be brought here.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Masked parts cannot be made.
    #[error(transparent)]
    Mask(#[from] MaskError),
}

/// Returns the files of `tables` as `reach` lets them be seen; masked ones lie below `data`. Where a cluster is to answer, there is one file
/// of each, for its columns.
///
/// # Errors
/// The table that is not there, or not for this profile.
pub fn reached(
    snapshot: &Snapshot,
    ledger: &Ledger,
    tables: &BTreeSet<String>,
    reach: Reach,
    data: &Path,
    (reader, engine): (&FileReader, EngineKind),
) -> Result<Reached, ReachError> {
    let mut reached = Reached::default();
    for table in tables {
        if let Some(known) = LEDGER_TABLES.iter().find(|known| known.name == table) {
            reached.add_ledger_table(known, ledger)?;
            continue;
        }
        let Some(contents) = snapshot.manifest.tables.get(table) else {
            let known = snapshot.manifest.tables.keys().filter(|table| reach.has(table)).cloned();
            let known = known.chain(LEDGER_TABLES.iter().map(|table| table.name.to_owned())).collect();
            return Err(ReachError::Unknown { table: table.clone(), known });
        };
        if !reach.has(table) {
            return Err(ReachError::Restricted(table.clone()));
        }
        // A cluster finds the parts itself: here the columns are enough.
        let count = if engine == EngineKind::Spark { 1 } else { contents.parts.len() };
        let parts: Vec<_> = contents.parts.iter().take(count).collect();
        let mut files = snapshot.files(parts.iter().copied())?;
        let columns = files.first().map(|file| reader.columns_of(file)).transpose()?.unwrap_or_default();
        let masked: Vec<String> = columns.iter().filter(|column| reach.masks(table, column)).cloned().collect();
        if !masked.is_empty() {
            let masks = Masks::open(data)?;
            let of_part = |(part, file): (&&crate::snapshot::Part, &PathBuf)| masks.part(part, file, &masked);
            files = parts.iter().zip(&files).map(of_part).collect::<Result<_, _>>()?;
            reached.made_here.insert(table.clone());
        }
        reached.files.insert(table.clone(), files);
        reached.columns.insert(table.clone(), columns);
    }
    Ok(reached)
}

impl Reached {
    fn add_ledger_table(&mut self, table: &LedgerTable, ledger: &Ledger) -> Result<(), ReachError> {
        let folder = match &self.ledger {
            Some(folder) => Arc::clone(folder),
            None => Arc::clone(self.ledger.insert(Arc::new(PrivateFolder::make().map_err(ReachError::Folder)?))),
        };
        let text = |value: LedgerValue| match value {
            LedgerValue::Null => None,
            LedgerValue::Int(value) => Some(value.to_string()),
            LedgerValue::Float(value) => Some(value.to_string()),
            LedgerValue::Text(text) => Some(text),
        };
        let rows: Vec<Vec<Option<String>>> = ledger.rows_of(table)?.into_iter().map(|row| row.into_iter().map(text).collect()).collect();
        let columns: Vec<(&str, &str)> = table.columns.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        let file = folder.path().join(format!("{}.parquet", table.name));
        query::write_rows(&file, &columns, &rows)?;
        self.files.insert(table.name.to_owned(), vec![file]);
        self.made_here.insert(table.name.to_owned());
        self.columns.insert(table.name.to_owned(), columns.iter().map(|(name, _)| (*name).to_owned()).collect());
        Ok(())
    }

    /// Returns which columns of its tables a question names, each as `table.column`.
    pub fn touched(&self, named: &Named) -> BTreeSet<String> {
        let of_table = |(table, columns): (&String, &Vec<String>)| -> Vec<String> {
            let touched = columns.iter().filter(|column| named.all_columns || named.columns.contains(&column.to_lowercase()));
            touched.map(|column| format!("{table}.{column}")).collect()
        };
        self.columns.iter().flat_map(of_table).collect()
    }
}
