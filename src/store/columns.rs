//! Rows on their way into a table, a column at a time: the database takes a column as it lies in memory, where it would turn every value
//! of a row into text and back.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{
    Appender,
    arrow::{
        array::{ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, Int64Array, StringArray, TimestampMicrosecondArray},
        datatypes::{DataType, Date32Type, Field, Schema},
        record_batch::RecordBatch,
    },
};
use uuid::Uuid;

use super::StoreError;

/// Adds rows to the table of `appender`: one array for each of its columns, in their order, all of one length. They are in the table
/// when this returns.
pub(super) fn append(mut appender: Appender<'_>, columns: Vec<ArrayRef>) -> Result<(), StoreError> {
    let fields: Vec<Field> = columns.iter().map(|column| field(column.data_type())).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| duckdb::Error::ToSqlConversionFailure(Box::new(error)))?;
    appender.append_record_batch(batch)?;
    Ok(appender.flush()?)
}

/// Sixteen bytes are a UUID, as Arrow's canonical extension of that name says.
fn field(data_type: &DataType) -> Field {
    let field = Field::new("", data_type.clone(), true);
    if *data_type == DataType::FixedSizeBinary(16) {
        field.with_metadata(HashMap::from([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())]))
    } else {
        field
    }
}

pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(super) fn texts_or_none<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub(super) fn flags(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<BooleanArray>())
}

/// Instants as UTC, cut to the microsecond.
pub(super) fn instants(values: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    Arc::new(values.into_iter().map(|at| at.map(|at| at.timestamp_micros())).collect::<TimestampMicrosecondArray>())
}

pub(super) fn days(values: impl IntoIterator<Item = NaiveDate>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(values.into_iter().map(Date32Type::from_naive_date)))
}

pub(super) fn uuids<'a>(values: impl IntoIterator<Item = &'a Uuid>) -> ArrayRef {
    let bytes: Vec<u8> = values.into_iter().flat_map(Uuid::as_bytes).copied().collect();
    Arc::new(FixedSizeBinaryArray::new(16, bytes.into(), None))
}
