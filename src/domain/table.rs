//! Typed result tables: what a query gives and a renderer shows.
//!
//! A table is a polars frame whose columns carry a name, a label, a kind and the metric they hold. Renderers decide
//! looks from the kind; the values stay unrounded.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use polars::prelude::{AnyValue, BooleanChunked, DataFrame, DataType, IdxCa, IdxSize, TimeUnit};
use serde::{
    Deserialize, Serialize,
    ser::{SerializeMap, SerializeSeq},
};

/// What the values of a column are, and so how they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words, names, identifiers.
    Text,
    /// A whole number of things.
    Count,
    /// A number with two decimals, such as a mean score.
    Number,
    /// A share between 0 and 1, shown as per cent with one decimal.
    Share,
    /// Seconds, possibly with a fraction (a mean).
    Duration,
    /// A local day.
    Date,
    /// A local wall-clock time.
    LocalTime,
    /// Yes or no.
    Flag,
    /// Day of the week, 1 = Monday to 7 = Sunday.
    Weekday,
    /// Hour of the day, 0 to 23.
    Hour,
}

impl Kind {
    /// Returns the unit of unrounded values, for programs that read the JSON.
    pub const fn unit(self) -> &'static str {
        match self {
            Kind::Text | Kind::Flag => "none",
            Kind::Count => "count",
            Kind::Number => "number",
            Kind::Share => "share_0_to_1",
            Kind::Duration => "seconds",
            Kind::Date => "local_date",
            Kind::LocalTime => "local_time",
            Kind::Weekday => "iso_weekday",
            Kind::Hour => "hour_0_to_23",
        }
    }

    /// Returns whether values line up at the right edge.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Kind::Count | Kind::Number | Kind::Share | Kind::Duration)
    }

    /// Returns the kind with this name, as query headers write it.
    pub fn from_name(name: &str) -> Option<Kind> {
        Some(match name {
            "text" => Kind::Text,
            "count" => Kind::Count,
            "number" => Kind::Number,
            "share" => Kind::Share,
            "duration" => Kind::Duration,
            "date" => Kind::Date,
            "local_time" => Kind::LocalTime,
            "flag" => Kind::Flag,
            "weekday" => Kind::Weekday,
            "hour" => Kind::Hour,
            _ => return None,
        })
    }

    /// Names of all kinds, for error messages.
    pub const NAMES: &'static str = "text, count, number, share, duration, date, local_time, flag, weekday, hour";
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in the query's result.
    pub name: String,
    /// Heading for the reader.
    pub label: String,
    /// What the values are.
    pub kind: Kind,
    /// The entry of the metric dictionary that defines the values, such as `M9`.
    pub metric: Option<String>,
}

/// One value of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Does not exist (no data); never zero.
    Null,
    /// Words.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A local day.
    Date(NaiveDate),
    /// A local wall-clock time.
    Time(NaiveDateTime),
    /// Yes or no.
    Bool(bool),
}

impl<'a> Cell<'a> {
    /// Returns the value as a number, where it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "counts and seconds stay far below 2^53")]
            Cell::Int(value) => Some(value as f64),
            Cell::Float(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the value as a whole number, where it is one.
    pub fn int(self) -> Option<i64> {
        match self {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the value as a day, where it is one.
    pub fn date(self) -> Option<NaiveDate> {
        match self {
            Cell::Date(day) => Some(day),
            _ => None,
        }
    }

    /// Returns the value as a local time, where it is one.
    pub fn local_time(self) -> Option<NaiveDateTime> {
        match self {
            Cell::Time(time) => Some(time),
            _ => None,
        }
    }

    /// Returns the value as words, where it is words.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why a frame is not the table that was declared.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Result and declaration differ in their columns.
    #[error("columns are [{found}], declared are [{declared}]")]
    Columns {
        /// Names in the result, in order.
        found: String,
        /// Names in the declaration, in order.
        declared: String,
    },
    /// A column has a type that no cell can hold.
    #[error("column `{column}` has type {found}, which no report cell can hold")]
    Type {
        /// The column.
        column: String,
        /// Its type in the frame.
        found: String,
    },
}

/// A frame with typed, labelled columns.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    frame: DataFrame,
}

impl Table {
    /// Joins a frame with the declaration of its columns, which must agree in names and order.
    ///
    /// # Errors
    /// When names or order differ, or a type has no cell.
    pub fn new(columns: Vec<Column>, mut frame: DataFrame) -> Result<Table, TableError> {
        let found: Vec<String> = frame.columns().iter().map(|column| column.name().to_string()).collect();
        if !found.iter().eq(columns.iter().map(|column| &column.name)) {
            let declared: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(TableError::Columns { found: found.join(", "), declared: declared.join(", ") });
        }
        frame.rechunk_mut();
        let unfit = frame.columns().iter().find(|column| !has_cells(column.dtype()));
        if let Some(column) = unfit {
            return Err(TableError::Type { column: column.name().to_string(), found: column.dtype().to_string() });
        }
        Ok(Table { columns, frame })
    }

    /// Makes a table of words, whose rows have a word for each column.
    pub fn of_texts<const N: usize>(columns: &[Column; N], rows: &[[String; N]]) -> Table {
        let series = columns.iter().enumerate().map(|(place, column)| {
            let words: Vec<&str> = rows.iter().map(|row| row[place].as_str()).collect();
            polars::prelude::Column::new(column.name.as_str().into(), words)
        });
        let frame = DataFrame::new(rows.len(), series.collect()).expect("columns of one length");
        Table { columns: columns.to_vec(), frame }
    }

    /// Returns the columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the frame, for pivots and checks.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        self.frame.height()
    }

    /// Returns the position of the column called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns the cell at `row` and column position `column`.
    ///
    /// # Panics
    /// When either is out of range.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self.try_cell(row, column).expect("`Table::new` refuses types without a cell")
    }

    /// Returns all cells of the column at this position, faster than one by one.
    ///
    /// # Panics
    /// When it is out of range.
    pub fn cells(&self, column: usize) -> Vec<Cell<'_>> {
        let series = self.frame.columns()[column].as_materialized_series();
        let of_text = || Some(series.str().ok()?.iter().map(|text| text.map_or(Cell::Null, Cell::Text)).collect());
        let of_int = || Some(series.i64().ok()?.iter().map(|value| value.map_or(Cell::Null, Cell::Int)).collect());
        let of_float = || Some(series.f64().ok()?.iter().map(|value| value.map_or(Cell::Null, Cell::Float)).collect());
        let known: Option<Vec<Cell<'_>>> = match series.dtype() {
            DataType::String => of_text(),
            DataType::Int64 => of_int(),
            DataType::Float64 => of_float(),
            DataType::Datetime(TimeUnit::Microseconds, _) => series.datetime().ok().map(|times| {
                let time = |ticks| DateTime::from_timestamp_micros(ticks).map_or(Cell::Null, |time| Cell::Time(time.naive_utc()));
                times.physical().iter().map(|ticks| ticks.map_or(Cell::Null, time)).collect()
            }),
            _ => None,
        };
        known.unwrap_or_else(|| (0..self.row_count()).map(|row| self.cell(row, column)).collect())
    }

    /// Returns the cell at `row` in the column called `name`; [`Cell::Null`] when there is no such column.
    pub fn get(&self, row: usize, name: &str) -> Cell<'_> {
        self.position(name).map_or(Cell::Null, |column| self.cell(row, column))
    }

    /// Returns the same table with the column `from` called `to`; the same where there is none.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Table {
        if let Some(position) = self.position(from)
            && self.frame.rename(from, to.into()).is_ok()
        {
            to.clone_into(&mut self.columns[position].name);
        }
        self
    }

    /// Returns the same table with labels given by `label`.
    #[must_use]
    pub fn labelled(mut self, label: impl Fn(&Column) -> String) -> Table {
        for column in &mut self.columns {
            column.label = label(column);
        }
        self
    }

    /// Returns the rows for which `keep` is true, in order.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(usize) -> bool) -> Table {
        let mask: BooleanChunked = (0..self.row_count()).map(|row| Some(keep(row))).collect();
        let frame = self.frame.filter(&mask).expect("the mask has one value a row");
        Table { columns: self.columns.clone(), frame }
    }

    /// Returns the same rows with nothing in the columns for which `is_unknown` is true.
    ///
    /// # Panics
    /// Never: a column is replaced by one of its own name, type and length.
    #[must_use]
    pub fn without_values(mut self, is_unknown: impl Fn(&Column) -> bool) -> Table {
        for column in self.columns.iter().filter(|column| is_unknown(column)) {
            let Ok(values) = self.frame.column(&column.name) else { continue };
            let unknown = polars::prelude::Column::full_null(column.name.as_str().into(), values.len(), values.dtype());
            self.frame.replace(&column.name, unknown).expect("a column of the frame");
        }
        self
    }

    /// Returns the rows at `range`.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Table {
        let offset = i64::try_from(range.start).unwrap_or(i64::MAX);
        Table { columns: self.columns.clone(), frame: self.frame.slice(offset, range.len()) }
    }

    /// Returns the rows at these positions, in their order.
    ///
    /// # Panics
    /// When one is out of range.
    #[must_use]
    pub fn taken(&self, rows: &[usize]) -> Table {
        let rows: IdxCa = rows.iter().map(|row| Some(IdxSize::try_from(*row).expect("a row of the table"))).collect();
        let frame = self.frame.take(&rows).expect("rows of the table");
        Table { columns: self.columns.clone(), frame }
    }

    /// Returns a table with the same columns and other rows.
    ///
    /// # Panics
    /// When the values are not those of the columns, `count` each.
    #[must_use]
    pub fn with_rows(&self, count: usize, values: Vec<polars::prelude::Column>) -> Table {
        let frame = DataFrame::new(count, values).expect("columns of one length");
        Table { columns: self.columns.clone(), frame }
    }

    /// Returns the rows of this table and then those of others with the same columns.
    ///
    /// # Panics
    /// When columns differ.
    #[must_use]
    pub fn followed_by<'a>(mut self, others: impl Iterator<Item = &'a Table>) -> Table {
        for other in others {
            self.frame.vstack_mut(other.frame()).expect("the same columns");
        }
        self.frame.rechunk_mut();
        self
    }

    fn try_cell(&self, row: usize, column: usize) -> Option<Cell<'_>> {
        // A column of one row is a single value to polars, which would lend out no text: the series behind it does.
        let value = self.frame.columns()[column].as_materialized_series().get(row).expect("row and column are in range");
        Some(match value {
            AnyValue::Null => Cell::Null,
            AnyValue::String(text) => Cell::Text(text),
            AnyValue::Boolean(flag) => Cell::Bool(flag),
            AnyValue::Int8(value) => Cell::Int(value.into()),
            AnyValue::Int16(value) => Cell::Int(value.into()),
            AnyValue::Int32(value) => Cell::Int(value.into()),
            AnyValue::Int64(value) => Cell::Int(value),
            AnyValue::UInt32(value) => Cell::Int(value.into()),
            AnyValue::Float64(value) => Cell::Float(value),
            AnyValue::Date(days) => Cell::Date(NaiveDate::default() + TimeDelta::days(days.into())),
            AnyValue::Datetime(ticks, unit, _) => Cell::Time(match unit {
                TimeUnit::Nanoseconds => DateTime::from_timestamp_nanos(ticks).naive_utc(),
                TimeUnit::Microseconds => DateTime::from_timestamp_micros(ticks)?.naive_utc(),
                TimeUnit::Milliseconds => DateTime::from_timestamp_millis(ticks)?.naive_utc(),
            }),
            _ => return None,
        })
    }
}

/// Returns whether every value of a type has a [`Cell`].
fn has_cells(dtype: &DataType) -> bool {
    matches!(
        dtype,
        DataType::Null
            | DataType::String
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt32
            | DataType::Float64
            | DataType::Date
            | DataType::Datetime(_, _)
    )
}

/// One JSON object a row, values unrounded, null where there is none.
impl Serialize for Table {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("columns", &self.columns)?;
        map.serialize_entry("rows", &Rows(self))?;
        map.end()
    }
}

impl Serialize for Column {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("label", &self.label)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("unit", self.kind.unit())?;
        map.serialize_entry("metric", &self.metric)?;
        map.end()
    }
}

struct Rows<'a>(&'a Table);

impl Serialize for Rows<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.row_count()))?;
        for row in 0..self.0.row_count() {
            rows.serialize_element(&Row(self.0, row))?;
        }
        rows.end()
    }
}

/// A row as JSON has it.
pub(super) struct Row<'a>(pub &'a Table, pub usize);

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.columns.len()))?;
        for (index, column) in self.0.columns.iter().enumerate() {
            match self.0.cell(self.1, index) {
                Cell::Null => map.serialize_entry(&column.name, &None::<()>)?,
                Cell::Text(text) => map.serialize_entry(&column.name, text)?,
                Cell::Int(value) => map.serialize_entry(&column.name, &value)?,
                Cell::Float(value) => map.serialize_entry(&column.name, &value)?,
                Cell::Date(day) => map.serialize_entry(&column.name, &day)?,
                Cell::Time(time) => map.serialize_entry(&column.name, &time)?,
                Cell::Bool(flag) => map.serialize_entry(&column.name, &flag)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;

    fn column(name: &str, kind: Kind) -> Column {
        Column { name: name.into(), label: name.to_uppercase(), kind, metric: None }
    }

    #[test]
    fn all_cells_of_a_column_are_those_one_by_one() {
        use polars::prelude::Column as Values;
        let names = ["text", "int", "float", "flag", "time"];
        let values = vec![
            Values::new(names[0].into(), [Some("a"), None, Some("")]),
            Values::new(names[1].into(), [Some(1_i64), None, Some(-2)]),
            Values::new(names[2].into(), [Some(0.5), None, Some(2.0)]),
            Values::new(names[3].into(), [Some(true), None, Some(false)]),
            Values::new(names[4].into(), [Some(1_790_000_000_000_001_i64), None, Some(-1)])
                .cast(&DataType::Datetime(TimeUnit::Microseconds, None))
                .unwrap(),
        ];
        let column = |name: &&str| Column { name: (*name).to_owned(), label: String::new(), kind: Kind::Text, metric: None };
        let table = Table::new(names.iter().map(column).collect(), DataFrame::new(3, values).unwrap()).unwrap();
        for (position, name) in names.iter().enumerate() {
            let one_by_one: Vec<Cell<'_>> = (0..3).map(|row| table.cell(row, position)).collect();
            assert_eq!(table.cells(position), one_by_one, "{name}");
        }
    }

    #[test]
    fn null_is_null_and_never_zero() {
        let frame = df!("sector" => ["A", "B"], "mean_s" => [Some(12.5), None]).unwrap();
        let table = Table::new(vec![column("sector", Kind::Text), column("mean_s", Kind::Duration)], frame).unwrap();
        assert_eq!(table.get(0, "mean_s"), Cell::Float(12.5));
        assert_eq!(table.get(1, "mean_s"), Cell::Null);
        assert_eq!(
            serde_json::to_value(&table).unwrap()["rows"],
            serde_json::json!([{"sector": "A", "mean_s": 12.5}, {"sector": "B", "mean_s": null}])
        );
    }

    #[test]
    fn a_table_filtered_to_one_row_still_lends_its_texts() {
        let frame = df!("sector" => ["A", "B"], "n" => [1_i64, 2]).unwrap();
        let table = Table::new(vec![column("sector", Kind::Text), column("n", Kind::Count)], frame).unwrap();
        let one = table.filtered(|row| row == 1);
        assert_eq!((one.row_count(), one.get(0, "sector"), one.get(0, "n")), (1, Cell::Text("B"), Cell::Int(2)));
        assert_eq!(table.filtered(|_| false).row_count(), 0);
    }

    #[test]
    fn a_result_with_other_columns_is_refused() {
        let frame = df!("n" => [1_i64]).unwrap();
        let error = Table::new(vec![column("count", Kind::Count)], frame).unwrap_err();
        assert_eq!(error.to_string(), "columns are [n], declared are [count]");
    }
}
