//! Plain types that every other folder may use: time zone, periods, languages, typed tables and the frozen report value.
//!
//! Nothing here does I/O, reads a clock or knows SQL, HTTP or a file format.

pub mod calendar;
pub mod cron;
mod detail;
pub mod digest;
pub mod exported;
pub mod holiday;
pub mod language;
pub mod period;
pub mod report_data;
pub mod satisfaction;
pub mod table;
pub mod zone;

pub use cron::Cron;
pub use language::{Language, LocalText};
pub use period::Period;
pub use report_data::ReportData;
pub use table::{Cell, Column, Kind, Table};
pub use zone::Zone;
