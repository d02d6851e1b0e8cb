//! Row-level tables: their rows stay in the engine until a format asks for them.

use std::{fmt, path::Path, rc::Rc};

use super::{Builder, ReportError};
use crate::{
    config::{BlockSpec, ContentSpec},
    domain::{
        Column,
        report_data::{Content, Detail, DetailRows, ReadRows, RowsError, TableView},
    },
    query::{Engine, KeptRows, MEMBER},
};

/// Rows of a query that the engine keeps; they go before it.
struct QueryRows {
    kept: KeptRows,
    engine: Rc<Engine>,
    dimension: Option<String>,
    columns: Vec<Column>,
}

impl fmt::Debug for QueryRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kept.fmt(formatter)
    }
}

impl DetailRows for QueryRows {
    fn reader(&self) -> Result<ReadRows, RowsError> {
        let mut read = self.engine.kept_rows(&self.kept).map_err(|error| RowsError(Box::new(error)))?;
        let (dimension, columns) = (self.dimension.clone(), self.columns.clone());
        Ok(Box::new(move |range| {
            let table = read(range).map_err(|error| RowsError(Box::new(error)))?;
            let table = match &dimension {
                Some(dimension) => table.renamed(MEMBER, dimension),
                None => table,
            };
            let label = |column: &Column| columns.iter().find(|known| known.name == column.name).map(|known| known.label.clone());
            Ok(table.labelled(|column| label(column).unwrap_or_else(|| column.label.clone())))
        }))
    }

    fn save_parquet(&self, path: &Path) -> Result<(), RowsError> {
        self.engine.save_parquet(&self.kept, path).map_err(|error| RowsError(Box::new(error)))
    }
}

/// Fills the details of a definition: none where rows are not wanted, but then, too, `builder` knows what they have columns for.
pub(super) fn of_definition(
    builder: &mut Builder<'_>,
    engine: &Rc<Engine>,
    specs: &[BlockSpec],
    with_rows: bool,
) -> Result<Vec<Detail>, ReportError> {
    builder.with_rows = false;
    let mut details = Vec::new();
    for spec in specs {
        let ContentSpec::Table(table) = &spec.content else { continue };
        // What is shown is known from the columns alone.
        for block in builder.blocks(spec)? {
            let Content::Table(view) = block.content else { continue };
            if !with_rows {
                continue;
            }
            let rows: Rc<dyn DetailRows> = if builder.known.has_tickets {
                let dimension = engine.query(&table.rows.query)?.dimension(table.rows.by.as_deref()).ok().flatten().map(str::to_owned);
                let parameters = crate::query::Parameters { dimension: dimension.clone(), ..builder.parameters.clone() };
                let column = |name: &String| if Some(name) == dimension.as_ref() { MEMBER.to_owned() } else { name.clone() };
                let filter = table.rows.filter.iter().map(|(name, value)| (column(name), value.clone())).collect();
                let kept = engine.keep(&table.rows.query, &parameters, &filter)?;
                Rc::new(QueryRows { engine: Rc::clone(engine), kept, dimension, columns: view.table.columns().to_vec() })
            } else {
                Rc::new(view.table.clone())
            };
            // A result that was made for another part has its rows.
            let view = TableView { table: view.table.slice(0..0), ..view };
            details.push(Detail { id: block.id, title: block.title, note: block.note, view, rows });
        }
    }
    Ok(details)
}
