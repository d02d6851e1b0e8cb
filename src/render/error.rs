//! Why a report could not be rendered.

/// A failed rendering.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The workbook's library refused.
    #[error("the workbook of report `{report}` cannot be made (part `{part}`)")]
    Workbook {
        /// The report.
        report: String,
        /// The part.
        part: String,
        /// What the library says.
        source: rust_xlsxwriter::XlsxError,
    },
    /// A table has more rows than a sheet.
    #[error("part `{part}` of report `{report}` has {rows} rows, a sheet holds {limit}; choose a shorter period or a sector")]
    TooManyRows {
        /// The report.
        report: String,
        /// The part.
        part: String,
        /// Its rows.
        rows: usize,
        /// Rows that a sheet holds below its header.
        limit: usize,
    },
    /// The PDF's library refused.
    #[error("the PDF of report `{report}` cannot be made: {reason}")]
    Pdf {
        /// The report.
        report: String,
        /// What the library says.
        reason: String,
    },
    /// A table cannot be written as CSV.
    #[error("part `{part}` cannot be written as CSV")]
    Csv {
        /// The part.
        part: String,
        /// What the library says.
        source: csv::Error,
    },
    /// Rows of a detail could not be read.
    #[error("part `{part}` of report `{report}` cannot be written")]
    Rows {
        /// The report.
        report: String,
        /// The part.
        part: String,
        /// Why.
        source: crate::domain::report_data::RowsError,
    },
    /// The file takes no more.
    #[error("the file cannot be written")]
    Write(#[from] std::io::Error),
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}
