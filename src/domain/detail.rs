//! Row-level tables of a report: rows that are read when a format asks for them.

use std::{ops::Range, path::Path, rc::Rc};

use serde::{Serialize, ser::SerializeSeq};

use super::{
    Column, Table,
    report_data::{ColumnAims, Spark, TableView},
    table::Row,
};

/// A row-level table, whose rows are read a stretch at a time: they can be millions. In JSON it looks like any other
/// [`Block`](super::report_data::Block).
#[derive(Debug, Clone)]
pub struct Detail {
    /// Stable name within the report.
    pub id: String,
    /// Title for the reader.
    pub title: String,
    /// One line under the title.
    pub note: Option<String>,
    /// Which columns are shown; its table has the columns and no rows.
    pub view: TableView,
    /// The rows.
    pub rows: Rc<dyn DetailRows>,
}

/// Rows that are read when they are needed.
pub trait DetailRows: std::fmt::Debug {
    /// Returns how many there are.
    fn row_count(&self) -> usize;

    /// Returns the rows at `range`, with the columns of the detail's view.
    ///
    /// # Errors
    /// When they cannot be read.
    fn rows(&self, range: Range<usize>) -> Result<Table, RowsError>;

    /// Writes all of them to `path` as Parquet, columns called as in JSON.
    ///
    /// # Errors
    /// When they cannot be written, or are not where Parquet can be made.
    fn save_parquet(&self, path: &Path) -> Result<(), RowsError>;
}

/// Rows that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("its rows cannot be read")]
pub struct RowsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Rows of a detail that are in memory at once.
pub const STRETCH: usize = 20_000;

impl Detail {
    /// Reads the rows at `range`, a stretch after the other.
    pub fn stretches(&self, range: Range<usize>) -> impl Iterator<Item = Result<Table, RowsError>> {
        let end = range.end.min(self.rows.row_count());
        range.step_by(STRETCH).take_while(move |from| *from < end).map(move |from| self.rows.rows(from..(from + STRETCH).min(end)))
    }
}

/// Rows that are in memory already.
impl DetailRows for Table {
    fn row_count(&self) -> usize {
        Table::row_count(self)
    }

    fn rows(&self, range: Range<usize>) -> Result<Table, RowsError> {
        Ok(self.slice(range))
    }

    fn save_parquet(&self, _path: &Path) -> Result<(), RowsError> {
        Err(RowsError("there are no rows of this period to write as Parquet".into()))
    }
}

impl Serialize for Detail {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct DetailBlock<'a> {
            id: &'a str,
            title: &'a str,
            note: &'a Option<String>,
            content: DetailContent<'a>,
        }
        #[derive(Serialize)]
        struct DetailContent<'a> {
            kind: &'static str,
            shown: &'a [String],
            group: &'a Option<String>,
            table: DetailTable<'a>,
            bars: &'a [String],
            spark: &'a Option<Spark>,
            aims: &'a [ColumnAims],
        }
        #[derive(Serialize)]
        struct DetailTable<'a> {
            columns: &'a [Column],
            rows: AllRows<'a>,
        }
        struct AllRows<'a>(&'a Detail);
        impl Serialize for AllRows<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let count = self.0.rows.row_count();
                let mut rows = serializer.serialize_seq(Some(count))?;
                for stretch in self.0.stretches(0..count) {
                    let table = stretch.map_err(serde::ser::Error::custom)?;
                    (0..table.row_count()).try_for_each(|row| rows.serialize_element(&Row(&table, row)))?;
                }
                rows.end()
            }
        }
        let TableView { shown, group, table, bars, spark, aims } = &self.view;
        let table = DetailTable { columns: table.columns(), rows: AllRows(self) };
        let content = DetailContent { kind: "table", shown, group, table, bars, spark, aims };
        DetailBlock { id: &self.id, title: &self.title, note: &self.note, content }.serialize(serializer)
    }
}
