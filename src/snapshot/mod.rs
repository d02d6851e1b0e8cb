//! Published states of the data: immutable Parquet parts and a manifest that names them.
//!
//! Where they lie is a catalog: a folder, or object storage of which a folder here keeps some.
//!
//! A part holds one table's rows of one local month and is named by its content; a snapshot whose month did not change names
//! the same part as the one before. Publishing renames one file, the manifest: readers see all of a snapshot or none of it,
//! and never wait. Nothing here is ever rewritten; `prune` removes what no kept manifest names.

mod bucket;
mod cache;
mod catalog;
mod combine;
mod compact;
mod error;
mod folder;
mod lease;
mod manifest;
mod parquet;
mod prune;
mod publish;
mod reader;
mod unlink;

pub use catalog::{Catalog, Writing};
pub use combine::combine;
pub use compact::{Compacted, compact};
pub use error::SnapshotError;
pub use manifest::{Erasure, Manifest, Part, TableManifest};
pub use parquet::{PARQUET, by_one_thread};
pub use prune::{Pruned, prune};
pub use publish::{Prepared, Published, Stamp, prepare, publish};
pub use reader::Snapshot;
pub use unlink::{Rewritten, Unlinking, forgotten, unlink};

/// Returns a path as SQL writes it: between apostrophes, those within it doubled.
pub fn sql_path(path: &std::path::Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "''"))
}

/// Returns the name of a column or table as SQL writes it: between quotation marks, those within it doubled.
pub fn sql_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the SQL of `rows` of a table, whichever version published them, in the form of today. Lists were joined by `|`, where no name held it.
pub fn in_todays_form(table: &str, rows: String) -> String {
    let column = match table {
        "ticket" => "tags",
        "agent" => "queues",
        _ => return rows,
    };
    format!(
        "SELECT * REPLACE (
             CASE WHEN {column} IS NULL OR starts_with({column}, '[\"') THEN {column} ELSE CAST(to_json(string_split({column}, '|')) AS VARCHAR) END
             AS {column}
         ) FROM ({rows})"
    )
}

/// Tables that reports do not see, and questions only of some profiles. Their files are readable by their owner alone.
pub const RESTRICTED: [&str; 1] = ["comment"];
