//! Holds the result of one engine against that of another, cell by cell.

use duckdb::Connection;

use crate::snapshot::sql_name;

/// How far apart two numbers with a fraction may be, as a share of the larger: engines add them up in different orders.
pub const TOLERANCE: f64 = 1e-9;

/// How many differing cells of a result are told.
const MOST_TOLD: usize = 20;

/// Results that were compared, and what differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Results.
    pub results: usize,
    /// Their rows.
    pub rows: usize,
    /// Their cells.
    pub cells: usize,
    /// Cells that are not the same, or rows that only one engine gives.
    pub differing: usize,
    /// The first of them.
    pub told: Vec<CellDifference>,
}

/// A cell that two engines fill differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellDifference {
    /// The query.
    pub query: String,
    /// Row from 1, in the query's order.
    pub row: usize,
    /// Column.
    pub column: String,
    /// Value of the embedded engine; none is no value or no row.
    pub here: Option<String>,
    /// Value of the cluster.
    pub there: Option<String>,
}

impl Comparison {
    pub(super) fn add(&mut self, other: Comparison) {
        self.results += other.results;
        self.rows += other.rows;
        self.cells += other.cells;
        self.differing += other.differing;
        self.told.extend(other.told);
    }
}

/// Compares two tables of the same columns row by row, in their order: exactly, but for numbers with a fraction.
pub(super) fn compare(connection: &Connection, query: &str, here: &str, there: &str) -> duckdb::Result<Comparison> {
    let mut statement = connection.prepare(&format!("PRAGMA table_info('{here}')"))?;
    let columns: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get("name")?, row.get("type")?)))?.collect::<duckdb::Result<_>>()?;
    let count = |table: &str| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, usize>(0));
    let rows = count(here)?.max(count(there)?);
    let mut comparison = Comparison { results: 1, rows, cells: rows * columns.len(), ..Comparison::default() };
    for (column, kind) in &columns {
        let name = sql_name(column);
        let (ours, theirs) = (format!("ours.{name}"), format!("theirs.{name}"));
        let differs = if ["DOUBLE", "FLOAT"].contains(&kind.as_str()) {
            format!(
                "({ours} IS NULL) <> ({theirs} IS NULL) OR abs({ours} - {theirs}) > {TOLERANCE:e} * greatest(abs({ours}), abs({theirs}), 1e-300)"
            )
        } else {
            format!("{ours} IS DISTINCT FROM {theirs}")
        };
        let sql = format!(
            "SELECT coalesce(ours.rowid, theirs.rowid) + 1, CAST({ours} AS VARCHAR), CAST({theirs} AS VARCHAR)
             FROM {here} AS ours FULL JOIN {there} AS theirs ON ours.rowid = theirs.rowid
             WHERE ours.rowid IS NULL OR theirs.rowid IS NULL OR {differs}
             ORDER BY 1"
        );
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            comparison.differing += 1;
            if comparison.told.len() < MOST_TOLD {
                comparison.told.push(CellDifference {
                    query: query.to_owned(),
                    row: row.get(0)?,
                    column: column.clone(),
                    here: row.get(1)?,
                    there: row.get(2)?,
                });
            }
        }
    }
    Ok(comparison)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_compared_in_order_and_numbers_with_a_fraction_nearly() {
        let connection = Connection::open_in_memory().unwrap();
        let sql = "CREATE TABLE a AS SELECT * FROM (VALUES (1, 0.1::DOUBLE, 'x'), (2, NULL, NULL), (3, 5.0, 'z')) AS t(n, d, s);
                   CREATE TABLE b AS SELECT * FROM (VALUES (1, 0.1 + 1e-13::DOUBLE, 'x'), (2, 0.0, NULL), (4, 5.1, 'z'), (5, 1.0, 'w')) AS t(n, d, s);";
        connection.execute_batch(sql).unwrap();
        let same = compare(&connection, "q", "a", "a").unwrap();
        assert_eq!((same.results, same.rows, same.cells, same.differing), (1, 3, 9, 0));
        let found = compare(&connection, "q", "a", "b").unwrap();
        let told: Vec<(usize, &str)> = found.told.iter().map(|cell| (cell.row, &*cell.column)).collect();
        assert_eq!(told, [(3, "n"), (4, "n"), (2, "d"), (3, "d"), (4, "d"), (4, "s")]);
        assert_eq!((found.differing, found.told[0].here.as_deref(), found.told[0].there.as_deref()), (6, Some("3"), Some("4")));
    }
}
