//! Rows that answer a question, in a file of Arrow's: written as they come, read a stretch at a time.

use std::{
    error::Error,
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use arrow_ipc::{reader::FileReader as ArrowReader, writer::FileWriter};
use duckdb::{
    Connection,
    arrow::{
        array::ArrayRef,
        compute::{BatchCoalescer, CastOptions, cast_with_options},
        datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit},
        error::ArrowError,
        record_batch::RecordBatch,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    QueryError,
    engine::{promised, to_frame},
};
use crate::{
    domain::{
        Cell as Value, Column, Table,
        report_data::{DetailRows, ReadRows, RowsError, STRETCH},
    },
    snapshot::{by_one_thread, sql_name, sql_path},
};

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerColumn {
    /// Name.
    pub name: String,
    /// The engine's name of its kind in the file: `BOOLEAN`, `BIGINT`, `DOUBLE`, `DATE`, `TIMESTAMP` or `VARCHAR`.
    pub kind: String,
}

/// Why an answer is not in its file.
#[derive(Debug, thiserror::Error)]
pub enum UnwrittenError {
    /// The file does not hold these columns as they are; each with the engine's name of the kind that it does.
    #[error("columns of kinds that an answer does not have")]
    Kinds(Vec<(String, &'static str)>),
    /// The rows did not come, or could not be written.
    #[error(transparent)]
    Failed(#[from] Box<dyn Error>),
}

impl From<ArrowError> for UnwrittenError {
    fn from(error: ArrowError) -> UnwrittenError {
        UnwrittenError::Failed(error.into())
    }
}

/// Writes rows to `path` until they are more than `most`, and returns how many they are and their columns. Whole numbers are kept in 64
/// bits, others as doubles. Each batch of the file but the last has [`STRETCH`] rows: so a row is found by its number.
///
/// # Errors
/// Columns that must come as another kind, of which some show only in a value; otherwise why there is no file.
pub fn write_answer(
    path: &Path,
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, Box<dyn Error>>>,
    most: usize,
) -> Result<(usize, Vec<AnswerColumn>), UnwrittenError> {
    let kinds: Vec<_> = schema.fields().iter().map(|field| kept(field)).collect();
    let others: Vec<_> = kinds.iter().filter_map(|kind| kind.clone().err()).collect();
    if !others.is_empty() {
        return Err(UnwrittenError::Kinds(others));
    }
    let schema = Arc::new(Schema::new(kinds.into_iter().flatten().collect::<Vec<_>>()));
    let mut writer = FileWriter::try_new_buffered(File::create(path).map_err(ArrowError::from)?, &schema)?;
    let mut stretches = BatchCoalescer::new(schema.clone(), STRETCH);
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows();
        stretches.push_batch(narrowed(&batch, &schema)?)?;
        while let Some(stretch) = stretches.next_completed_batch() {
            writer.write(&stretch)?;
        }
        if rows > most {
            break;
        }
    }
    stretches.finish_buffered_batch()?;
    if let Some(stretch) = stretches.next_completed_batch() {
        writer.write(&stretch)?;
    }
    writer.finish()?;
    let column = |field: &FieldRef| AnswerColumn { name: field.name().clone(), kind: kind_of(field.data_type()).to_owned() };
    Ok((rows, schema.fields().iter().map(column).collect()))
}

/// Returns a column as the file keeps it, or the kind that it must come as.
fn kept(field: &Field) -> Result<Field, (String, &'static str)> {
    let kind = match field.data_type() {
        kind @ (DataType::Boolean | DataType::Date32 | DataType::Utf8) => kind.clone(),
        // The engine's widest integers are decimals here.
        kind if kind.is_integer() || matches!(kind, DataType::Decimal128(_, 0)) => DataType::Int64,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => DataType::Float64,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => return Err((field.name().clone(), "TIMESTAMP")),
        _ => return Err((field.name().clone(), "VARCHAR")),
    };
    Ok(Field::new(field.name(), kind, true))
}

fn narrowed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, UnwrittenError> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let column = |(column, field): (&ArrayRef, &FieldRef)| match cast_with_options(column, field.data_type(), &exact) {
        // A whole number that 64 bits do not hold.
        Err(ArrowError::CastError(_)) => Err(UnwrittenError::Kinds(vec![(field.name().clone(), "VARCHAR")])),
        cast => Ok(cast?),
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column).collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Returns the engine's name of a kind of column that the file keeps.
fn kind_of(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "BOOLEAN",
        DataType::Int64 => "BIGINT",
        DataType::Float64 => "DOUBLE",
        DataType::Date32 => "DATE",
        DataType::Timestamp(..) => "TIMESTAMP",
        _ => "VARCHAR",
    }
}

/// Reads Parquet files that this program wrote.
#[derive(Clone)]
pub struct FileReader {
    connection: Rc<Connection>,
}

impl FileReader {
    /// Opens the engine.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn new() -> Result<FileReader, QueryError> {
        Ok(FileReader::with(Connection::open_in_memory().map_err(QueryError::Snapshot)?))
    }

    /// Starts the engine in a thread of its own.
    pub fn start() -> impl FnOnce() -> Result<FileReader, QueryError> {
        let opening = std::thread::spawn(Connection::open_in_memory);
        move || match opening.join() {
            Ok(opened) => Ok(FileReader::with(opened.map_err(QueryError::Snapshot)?)),
            Err(_) => FileReader::new(),
        }
    }

    fn with(connection: Connection) -> FileReader {
        FileReader { connection: Rc::new(connection) }
    }

    /// Returns the columns of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn columns_of(&self, file: &Path) -> Result<Vec<String>, QueryError> {
        let failed = QueryError::Snapshot;
        let sql = format!("SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({}, hive_partitioning = false))", sql_path(file));
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

/// An answer in its file.
pub struct AnswerFile {
    engine: FileReader,
    path: PathBuf,
    row_count: usize,
    columns: Vec<Column>,
}

impl std::fmt::Debug for AnswerFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.fmt(formatter)
    }
}

impl AnswerFile {
    /// Opens the file in `path`, which has `columns` and `row_count` rows. What the engine does not hold in memory, where it is asked
    /// about them, goes to the file's folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(engine: &FileReader, path: &Path, columns: Vec<Column>, row_count: usize) -> Result<AnswerFile, RowsError> {
        let file = AnswerFile { engine: engine.clone(), path: path.to_owned(), row_count, columns };
        file.batches().map_err(|error| RowsError(Box::new(error)))?;
        Ok(file)
    }

    /// Opens the file for reading its batches.
    fn batches(&self) -> Result<ArrowReader<File>, ArrowError> {
        ArrowReader::try_new(File::open(&self.path)?, None)
    }

    /// Has the engine keep all rows in a table `answer`, in place of those of another answer.
    fn keep(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let batches = self.batches()?;
        let column = |field: &FieldRef| format!("{} {}", sql_name(field.name()), kind_of(field.data_type()));
        let columns: Vec<String> = batches.schema().fields().iter().map(column).collect();
        self.engine.connection.execute_batch(&format!(
            "SET temp_directory = {}; CREATE OR REPLACE TEMP TABLE answer ({})",
            sql_path(&self.path.with_file_name("spill")),
            columns.join(", ")
        ))?;
        let mut appender = self.engine.connection.appender("answer")?;
        for batch in batches {
            appender.append_record_batch(batch?)?;
        }
        Ok(appender.flush()?)
    }

    /// Holds the rows to what a query's header promises.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn require(&self, name: &str, unique: &[String], not_null: &[String]) -> Result<(), QueryError> {
        self.keep().map_err(|error| QueryError::Transfer { name: name.to_owned(), reason: error.to_string() })?;
        promised(&self.engine.connection, "answer", name, unique, not_null).map(|_| ())
    }
}

impl DetailRows for AnswerFile {
    fn reader(&self) -> Result<ReadRows, RowsError> {
        let mut file = self.batches().map_err(|error| RowsError(Box::new(error)))?;
        let (columns, row_count) = (self.columns.clone(), self.row_count);
        Ok(Box::new(move |range: Range<usize>| {
            let first = range.start / STRETCH;
            let batches = batches_at(&mut file, first..range.end.div_ceil(STRETCH)).map_err(|error| RowsError(Box::new(error)))?;
            let frame = to_frame(file.schema(), batches).map_err(|reason| RowsError(reason.into()))?;
            let table = Table::new(columns.clone(), frame).map_err(|error| RowsError(Box::new(error)))?;
            let before = first * STRETCH;
            Ok(table.slice(range.start - before..range.end.min(row_count).max(range.start) - before))
        }))
    }

    fn save_parquet(&self, path: &Path) -> Result<(), RowsError> {
        self.keep().map_err(RowsError)?;
        let copy = format!("COPY answer TO {} (FORMAT parquet, COMPRESSION zstd)", sql_path(path));
        let connection = &self.engine.connection;
        by_one_thread(connection, || connection.execute_batch(&copy)).map_err(|error| RowsError(Box::new(error)))
    }
}

/// Returns the batches with these numbers.
fn batches_at(file: &mut ArrowReader<File>, numbers: Range<usize>) -> Result<Vec<RecordBatch>, ArrowError> {
    let numbers = numbers.start..numbers.end.min(file.num_batches());
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    file.set_index(numbers.start)?;
    file.take(numbers.len()).collect()
}

/// Returns a cell as it is, for columns of which nobody has said what they mean.
pub fn plain(cell: Value<'_>) -> String {
    match cell {
        Value::Null => String::new(),
        Value::Text(text) => text.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Date(day) => day.to_string(),
        Value::Time(time) => time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
        Value::Bool(flag) => flag.to_string(),
    }
}
