//! Sheets of a workbook, read one row at a time. What a sheet declares about its size is not believed: only cells that are there are read.

use std::{
    collections::HashSet,
    io::{BufReader, Read, Seek},
    ops::ControlFlow,
};

use calamine::{Data, DataType, Reader, Xlsx};

use super::{separated::Row, sheet::Limits};

/// A file that can be read from any place.
pub(super) trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// An opened workbook.
pub(super) struct Workbook {
    content: Xlsx<BufReader<Box<dyn Source>>>,
    limits: Limits,
}

impl Workbook {
    pub(super) fn open(file: Box<dyn Source>, limits: Limits) -> Result<Workbook, String> {
        let content = Xlsx::new(BufReader::new(file)).map_err(|error| error.to_string())?;
        Ok(Workbook { content, limits })
    }

    pub(super) fn sheets(&self) -> Vec<String> {
        self.content.sheet_names()
    }

    /// Returns the columns of a sheet, from 0 on, in which a date has a time: there midnight is a time, elsewhere a date is a day.
    pub(super) fn timed_columns(&mut self, sheet: &str) -> Result<HashSet<usize>, String> {
        let mut timed = HashSet::new();
        self.each_cell(sheet, |_, column, cell| {
            if !is_day(cell) && matches!(cell, Data::DateTime(_) | Data::DateTimeIso(_)) {
                timed.insert(column);
            }
            ControlFlow::Continue(())
        })?;
        Ok(timed)
    }

    /// Gives `work` each row that has a cell, with its number from 1 on, until it breaks off.
    pub(super) fn each_row(
        &mut self,
        sheet: &str,
        timed: &HashSet<usize>,
        mut work: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let row_of = |line, cells| Row { line, cells, flaw: None };
        let (mut number, mut cells) = (0, Vec::new());
        let mut has_ended = false;
        self.each_cell(sheet, |row, column, cell| {
            if row != number && number > 0 && work(row_of(number, std::mem::take(&mut cells))).is_break() {
                has_ended = true;
                return ControlFlow::Break(());
            }
            number = row;
            if cells.len() <= column {
                cells.resize(column + 1, String::new());
            }
            cells[column] = text(cell, timed.contains(&column));
            ControlFlow::Continue(())
        })?;
        if number > 0 && !has_ended {
            // There is no further row to break off before.
            let _ = work(row_of(number, cells));
        }
        Ok(())
    }

    /// Gives `work` each cell with its row from 1 on and its column from 0 on.
    fn each_cell(&mut self, sheet: &str, mut work: impl FnMut(usize, usize, &Data) -> ControlFlow<()>) -> Result<(), String> {
        let mut reader = self.content.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
        let mut read = 0_usize;
        while let Some(cell) = reader.next_cell().map_err(|error| error.to_string())? {
            let (row, column) = cell.get_position();
            let (row, column) = (row as usize + 1, column as usize);
            let data = Data::from(cell.get_value().clone());
            if matches!(data, Data::Empty) || matches!(&data, Data::String(text) if text.is_empty()) {
                continue;
            }
            read += 1;
            if read > self.limits.cells {
                return Err(format!("sheet `{sheet}` has more than {} cells; split it", self.limits.cells));
            }
            if column >= self.limits.columns {
                return Err(format!("row {row} of sheet `{sheet}` has a cell beyond column {}", self.limits.columns));
            }
            if work(row, column, &data).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a cell is a date at midnight, as a day without a time is written.
fn is_day(cell: &Data) -> bool {
    match cell {
        Data::DateTime(time) => time.as_f64().fract() == 0.0,
        Data::DateTimeIso(text) => !text.contains('T'),
        _ => false,
    }
}

/// A cell as the text that it shows; a date as ISO 8601 without a zone, without a time where the column has days only.
fn text(cell: &Data, is_timed: bool) -> String {
    match cell {
        Data::DateTime(_) | Data::DateTimeIso(_) => {
            let form = if is_day(cell) && !is_timed { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" };
            cell.as_datetime().map_or_else(|| cell.to_string(), |time| time.format(form).to_string())
        }
        Data::Float(value) if value.fract() == 0.0 => format!("{value:.0}"),
        other => other.to_string(),
    }
}
