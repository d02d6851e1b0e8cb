//! Rows on their way into a table, a column at a time: the database takes a column as it lies in memory, where it would turn every value
//! of a row into text and back.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{
    Appender,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int32Array, Int64Array, LargeStringArray,
            TimestampMicrosecondArray,
        },
        datatypes::{DataType, Date32Type, Field, Schema},
        record_batch::RecordBatch,
    },
};
use uuid::Uuid;

use super::StoreError;

/// Adds rows to the table of `appender`: one array for each of its columns, in their order, all of one length. They are in the table
/// when this returns. An error when the arrays do not fit the columns, or the database cannot be written; rows may then be there in part,
/// which is for the transaction to undo.
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

/// Offsets of 64 bits: a column may hold more than two gigabytes of text.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(LargeStringArray::from_iter_values(values))
}

pub(super) fn texts_or_none<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<LargeStringArray>())
}

pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub(super) fn small_numbers_or_none(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int32Array>())
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

pub(super) fn uuids_or_none<'a>(values: impl IntoIterator<Item = Option<&'a Uuid>>) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(16);
    for value in values {
        match value {
            Some(value) => builder.append_value(value.as_bytes()).expect("a UUID has sixteen bytes"),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use duckdb::Connection;

    use super::*;

    #[test]
    fn values_arrive_as_they_are_in_more_rows_than_one_chunk_holds() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE kept (text VARCHAR, note VARCHAR, number BIGINT, flag BOOLEAN, instant TIMESTAMP, day DATE, id UUID)",
            )
            .unwrap();
        let at: DateTime<Utc> = "2026-02-03T13:01:10.1234569Z".parse().unwrap();
        let (low, high) = (Uuid::from_u128(7), Uuid::from_u128(u128::MAX - 7));
        let rows: i64 = 5_000;
        let is_even = |row: i64| row % 2 == 0;
        let columns = vec![
            texts((0..rows).map(|row| if is_even(row) { "" } else { "água, 'x'\n🙂" })),
            texts_or_none((0..rows).map(|row| is_even(row).then_some("kept"))),
            numbers((0..rows).map(|row| i64::MIN + row)),
            flags((0..rows).map(is_even)),
            instants((0..rows).map(|row| is_even(row).then_some(at))),
            days((0..rows).map(|row| NaiveDate::from_ymd_opt(1969, 12, 31).unwrap() + chrono::Days::new(row.unsigned_abs()))),
            uuids((0..rows).map(|row| if is_even(row) { &low } else { &high })),
        ];
        append(connection.appender("kept").unwrap(), columns).unwrap();
        let row = |place: i64| {
            let sql = "SELECT concat_ws('|', text, coalesce(note, '-'), flag, coalesce(CAST(instant AS VARCHAR), '-'), day, id)
                       FROM kept WHERE number = ? AND rowid = ?";
            connection.query_row(sql, [i64::MIN + place, place], |row| row.get::<_, String>(0)).unwrap()
        };
        assert_eq!(connection.query_row("SELECT count(*) FROM kept", [], |row| row.get::<_, i64>(0)).unwrap(), rows);
        assert_eq!(row(0), "|kept|true|2026-02-03 13:01:10.123456|1969-12-31|00000000-0000-0000-0000-000000000007");
        assert_eq!(row(4_999), "água, 'x'\n🙂|-|false|-|1983-09-08|ffffffff-ffff-ffff-ffff-fffffffffff8");
    }
}
