//! Row-level tables of a report: rows that are read when a format asks for them.

use std::{
    ops::Range,
    panic,
    path::Path,
    rc::Rc,
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
};

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
    /// Returns what reads the rows at a range, with the columns of the detail's view, also from another thread: fewer than asked for where
    /// there are no more. It waits for rows that are still being computed.
    ///
    /// # Errors
    /// When they cannot be read.
    fn reader(&self) -> Result<ReadRows, RowsError>;

    /// Returns the rows at `range`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn rows(&self, range: Range<usize>) -> Result<Table, RowsError> {
        self.reader()?(range)
    }

    /// Writes all of them to `path` as Parquet, columns called as in JSON.
    ///
    /// # Errors
    /// When they cannot be written, or are not where Parquet can be made.
    fn save_parquet(&self, path: &Path) -> Result<(), RowsError>;
}

/// Reads the rows at a range.
pub type ReadRows = Box<dyn FnMut(Range<usize>) -> Result<Table, RowsError> + Send>;

/// Rows that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("its rows cannot be read")]
pub struct RowsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Rows of a detail that are in memory at once.
pub const STRETCH: usize = 20_000;

impl Detail {
    /// Reads the rows at `range`, a stretch after the other: the next one while the caller works on the one before.
    ///
    /// # Errors
    /// When they cannot be read; also in place of a stretch, which is then the last.
    pub fn stretches(&self, range: Range<usize>) -> Result<Stretches, RowsError> {
        let mut read = self.rows.reader()?;
        let (send, ready) = mpsc::sync_channel(0);
        let reading = thread::spawn(move || {
            for from in range.clone().step_by(STRETCH) {
                let wanted = from..(from + STRETCH).min(range.end);
                let stretch = read(wanted.clone());
                let found = stretch.as_ref().map_or(0, Table::row_count);
                // Whoever asked may have gone.
                let is_over = (found > 0 || stretch.is_err()) && send.send(stretch).is_err();
                if is_over || found < wanted.len() {
                    break;
                }
            }
        });
        Ok(Stretches { ready, reading: Some(reading) })
    }
}

/// Rows of a detail, a stretch after the other.
#[derive(Debug)]
pub struct Stretches {
    ready: Receiver<Result<Table, RowsError>>,
    reading: Option<JoinHandle<()>>,
}

impl Iterator for Stretches {
    type Item = Result<Table, RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(stretch) = self.ready.recv() {
            return Some(stretch);
        }
        // A reader that broke off must not look like one that is done.
        if let Some(Err(panic)) = self.reading.take().map(JoinHandle::join) {
            panic::resume_unwind(panic);
        }
        None
    }
}

/// Rows that are in memory already.
impl DetailRows for Table {
    fn reader(&self) -> Result<ReadRows, RowsError> {
        let table = self.clone();
        Ok(Box::new(move |range| Ok(table.slice(range))))
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
                let mut rows = serializer.serialize_seq(None)?;
                for stretch in self.0.stretches(0..usize::MAX).map_err(serde::ser::Error::custom)? {
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

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use polars::prelude::{Column as Values, DataFrame};

    use super::*;
    use crate::domain::{Cell, Kind};

    /// Numbers from 0 on; reading breaks off in the way of `end` where it comes to a row of that number.
    #[derive(Debug)]
    struct Numbers {
        count: usize,
        end: fn(usize),
    }

    impl DetailRows for Numbers {
        fn reader(&self) -> Result<ReadRows, RowsError> {
            let Numbers { count, end } = *self;
            Ok(Box::new(move |range| {
                let range = range.start..range.end.min(count).max(range.start);
                end(range.start);
                if range.start == 3 * STRETCH {
                    return Err(RowsError("the third stretch is gone".into()));
                }
                let numbers: Vec<i64> = range.clone().map(|row| i64::try_from(row).unwrap()).collect();
                let frame = DataFrame::new(range.len(), vec![Values::new("number".into(), numbers)]).unwrap();
                let column = Column { name: "number".to_owned(), label: "number".to_owned(), kind: Kind::Count, metric: None };
                Ok(Table::new(vec![column], frame).unwrap())
            }))
        }

        fn save_parquet(&self, _path: &Path) -> Result<(), RowsError> {
            unreachable!("nothing is saved")
        }
    }

    fn detail(count: usize, end: fn(usize)) -> Detail {
        let rows: Rc<dyn DetailRows> = Rc::new(Numbers { count, end });
        let table = rows.rows(0..0).unwrap();
        let view = TableView::plain(table, vec!["number".to_owned()], None);
        Detail { id: "numbers".to_owned(), title: "Numbers".to_owned(), note: None, view, rows }
    }

    #[test]
    fn stretches_are_all_rows_of_a_range_in_their_order() {
        let numbers = |count: usize, range: Range<usize>| -> Vec<usize> {
            let stretches = detail(count, |_| ()).stretches(range).unwrap().map(Result::unwrap);
            let number = |table: &Table, row| match table.cell(row, 0) {
                Cell::Int(number) => usize::try_from(number).unwrap(),
                other => panic!("{other:?}"),
            };
            let of_table = |table: Table| (0..table.row_count()).map(move |row| number(&table, row)).collect::<Vec<_>>();
            stretches.flat_map(of_table).collect()
        };
        let expected = |range: Range<usize>| range.collect::<Vec<_>>();
        let count = 2 * STRETCH + 7;
        assert_eq!(numbers(count, 0..count), expected(0..count));
        assert_eq!(numbers(count, 5..STRETCH + 6), expected(5..STRETCH + 6));
        assert_eq!(numbers(count, 2 * STRETCH..usize::MAX), expected(2 * STRETCH..count));
        assert_eq!(numbers(0, 0..10), expected(0..0));
    }

    #[test]
    fn rows_that_cannot_be_read_are_not_the_end() {
        let read: Vec<_> = detail(5 * STRETCH, |_| ()).stretches(0..usize::MAX).unwrap().collect();
        assert_eq!(read.len(), 4);
        assert!(read[..3].iter().all(Result::is_ok) && read[3].is_err());

        let mut stretches = detail(2 * STRETCH, |row| assert!(row < STRETCH, "broken off")).stretches(0..usize::MAX).unwrap();
        assert_eq!(stretches.next().unwrap().unwrap().cell(1, 0), Cell::Int(1));
        assert!(std::panic::catch_unwind(AssertUnwindSafe(|| stretches.next())).is_err());
    }

    #[test]
    fn who_stops_early_is_not_waited_for() {
        let mut stretches = detail(3 * STRETCH, |_| ()).stretches(0..usize::MAX).unwrap();
        assert!(stretches.next().unwrap().is_ok());
        drop(stretches);
    }
}
