//! The frozen report: every figure, label and note that any renderer shows.
//!
//! Built once by `report` from one snapshot, then only read. Renderers decide looks, never numbers.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

pub use super::detail::{Detail, DetailRows, ReadRows, RowsError, STRETCH, Stretches};
use super::{Language, Period, Table};

/// One report for one period from one snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct ReportData {
    /// Name of the definition, such as `atendimento-mensal`.
    pub report: String,
    /// Title for the reader.
    pub title: String,
    /// Whom the report is for, in the reader's language.
    pub audience: String,
    /// The reader's language.
    pub language: Language,
    /// The organisation that the report speaks of.
    pub organization: String,
    /// IANA name of the zone in which days are cut.
    pub timezone: String,
    /// Header of the house's controlled documents.
    pub document: Document,
    /// The days that the figures cover.
    pub period: Period,
    /// The period in words, such as `outubro de 2026`.
    pub period_label: String,
    /// The period that changes refer to, in words.
    pub previous_label: String,
    /// The period a year earlier, in words.
    pub last_year_label: String,
    /// Only this sector, when the report was asked for one.
    pub sector: Option<String>,
    /// What names of files say in place of the sector: plain letters and digits that no other sector has.
    #[serde(skip)]
    pub sector_slug: Option<String>,
    /// Where the figures come from.
    pub snapshot: SnapshotStamp,
    /// Whether everything that belongs to the period was there.
    pub completeness: Completeness,
    /// Published figures of this report that would be printed differently now, the latest period first.
    pub restatements: Vec<Restatement>,
    /// What needs to be read with the figures, most important first.
    pub notes: Vec<String>,
    /// The parts of the report, in order.
    pub blocks: Vec<Block>,
    /// Row-level tables, for all formats but the PDF.
    pub details: Vec<Detail>,
    /// What every figure in the report means.
    pub definitions: Vec<Definition>,
    /// The queries behind the figures.
    pub queries: Vec<QueryStamp>,
}

/// A controlled document's identification, as Brazilian quality systems print it on every page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Document {
    /// Document code, such as `PA08-RL01`.
    pub code: Option<String>,
    /// Revision of the document's form.
    pub revision: Option<String>,
    /// Day of publication of the form.
    pub published: Option<NaiveDate>,
    /// Who prepared the form.
    pub prepared_by: Option<String>,
    /// Who approved the form.
    pub approved_by: Option<String>,
    /// The house's logo as PNG: looks, no content.
    #[serde(skip)]
    pub logo: Option<Arc<[u8]>>,
}

/// The snapshot that a report was made from.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotStamp {
    /// Its identifier.
    pub id: String,
    /// When it was published. It stands for the report's time of issue, so that the same snapshot gives the same bytes.
    pub published_at: DateTime<Utc>,
    /// The same in local time.
    pub published_local: NaiveDateTime,
    /// Everything Blip had until this local time was asked for.
    pub loaded_until_local: Option<NaiveDateTime>,
}

/// Completeness of a period (metric M28).
#[derive(Debug, Clone, Serialize)]
pub struct Completeness {
    /// The verdict.
    pub state: CompletenessState,
    /// Days of the period whose tickets were read in full.
    pub days_loaded: i64,
    /// Other days of the period that imported files cover. Not written where there are none: files of earlier versions stay the same bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub days_imported: i64,
    /// Days of the period.
    pub days_expected: i64,
    /// Tickets stored for those days.
    pub tickets_stored: i64,
    /// Tickets that ended on days of the period by Blip's own reports; none where Blip has reported none of them.
    pub closed_reported: Option<i64>,
    /// Tickets stored that ended on the same days; none as `closed_reported`.
    pub closed_stored: Option<i64>,
    /// Tickets of the period that were still open.
    pub tickets_open: i64,
    /// Records of any day that could not be understood and were set aside.
    pub quarantined: i64,
    /// The verdict in the reader's words.
    pub sentence: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Whether the figures of a period can still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletenessState {
    /// Every day is loaded, no ticket is open and late survey answers had their time.
    Closed,
    /// Every day is loaded, but open tickets or late answers can still change figures.
    Provisional,
    /// Days are missing.
    Incomplete,
}

/// A publication whose figures no longer hold.
#[derive(Debug, Clone, Serialize)]
pub struct Restatement {
    /// The days that the publication covered.
    pub period: Period,
    /// The same in words.
    pub period_label: String,
    /// The snapshot that it was made from.
    pub snapshot: String,
    /// When it was issued, in local time.
    pub published_local: NaiveDateTime,
    /// Why figures changed.
    pub causes: Vec<Cause>,
    /// The causes in the reader's words.
    pub sentence: String,
    /// The figures that changed.
    pub figures: Vec<RestatedFigure>,
}

/// Why published figures changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What happened.
    pub kind: CauseKind,
    /// How many rows it happened to; none where that is not counted.
    pub count: Option<i64>,
}

/// What made published figures change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// Settings or queries mean something else now.
    Rules,
    /// Survey answers arrived after the publication.
    AnswersLate,
    /// Survey answers were imported from files.
    AnswersImported,
    /// Survey answers changed or went.
    AnswersChanged,
    /// Tickets were read after the publication.
    TicketsLate,
    /// Tickets were imported from files.
    TicketsImported,
    /// Tickets changed, such as by their close.
    TicketsChanged,
    /// Tickets are not counted any more.
    TicketsRemoved,
    /// Messages or returns of conversations came after the publication.
    ConversationsChanged,
    /// The snapshot of the publication is not kept any more.
    Unknown,
}

impl CauseKind {
    /// Every cause.
    pub const ALL: [CauseKind; 10] = [
        CauseKind::Rules,
        CauseKind::AnswersLate,
        CauseKind::AnswersImported,
        CauseKind::AnswersChanged,
        CauseKind::TicketsLate,
        CauseKind::TicketsImported,
        CauseKind::TicketsChanged,
        CauseKind::TicketsRemoved,
        CauseKind::ConversationsChanged,
        CauseKind::Unknown,
    ];

    /// Returns the name by which the readers' words are found.
    pub fn name(self) -> &'static str {
        match self {
            CauseKind::Rules => "rules",
            CauseKind::AnswersLate => "answers-late",
            CauseKind::AnswersImported => "answers-imported",
            CauseKind::AnswersChanged => "answers-changed",
            CauseKind::TicketsLate => "tickets-late",
            CauseKind::TicketsImported => "tickets-imported",
            CauseKind::TicketsChanged => "tickets-changed",
            CauseKind::TicketsRemoved => "tickets-removed",
            CauseKind::ConversationsChanged => "conversations-changed",
            CauseKind::Unknown => "unknown",
        }
    }
}

/// A published figure and what it would be now.
#[derive(Debug, Clone, Serialize)]
pub struct RestatedFigure {
    /// The column that it was read from.
    pub column: super::Column,
    /// Unit of the unrounded values.
    pub unit: &'static str,
    /// As published; none when there was no value.
    pub published: Option<f64>,
    /// From the snapshot of this report.
    pub now: Option<f64>,
}

/// One part of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Block {
    /// Stable name within the report; also names the sheet or file of this part.
    pub id: String,
    /// Title for the reader.
    pub title: String,
    /// One line under the title: anchor, unit, reading help.
    pub note: Option<String>,
    /// What is shown.
    pub content: Content,
}

/// What a [`Block`] shows.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// What changed, what is amiss and what needs somebody.
    Findings {
        /// The most important first.
        findings: Vec<Finding>,
    },
    /// Sentences with figures in them.
    Text {
        /// The paragraphs.
        paragraphs: Vec<String>,
    },
    /// The report's notes stand here.
    Notes,
    /// The report's definitions stand here.
    Glossary,
    /// Key figures.
    Kpis {
        /// The figures, in order.
        figures: Vec<Figure>,
    },
    /// A chart over the rows of a table.
    Chart(Chart),
    /// Weekday × hour.
    HeatMap(HeatMap),
    /// Rows and columns.
    Table(TableView),
}

impl Content {
    /// Returns the rows that are shown; none for parts without rows.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Content::Chart(chart) => Some(&chart.table),
            Content::HeatMap(heat_map) => Some(&heat_map.table),
            Content::Table(view) => Some(&view.table),
            Content::Kpis { .. } | Content::Findings { .. } | Content::Text { .. } | Content::Notes | Content::Glossary => None,
        }
    }
}

/// A sentence written from the data by a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that found it.
    pub rule: FindingRule,
    /// How a reader should take it.
    pub verdict: Verdict,
    /// The sentence.
    pub text: String,
}

/// What is looked for in the data of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingRule {
    /// A figure of the whole that misses its target.
    TargetMissed,
    /// The sector that met a target least often.
    WorstSector,
    /// A sector whose customers are less satisfied than all, beyond chance.
    Satisfaction,
    /// The change for the worse that is largest.
    Worse,
    /// The change for the better that is largest.
    Better,
    /// Customers who wait for a first reply since days.
    Waiting,
    /// A day far from what is usual for its weekday.
    UnusualDay,
    /// More or less work than in the period before.
    Volume,
    /// Nothing of all this.
    Nothing,
}

/// One key figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The column that it was read from.
    pub column: super::Column,
    /// The value; none when there is no data, or when the period was not loaded.
    pub value: Option<f64>,
    /// Whether any day of the period was loaded: without one, nothing is known, not even that nothing happened.
    pub is_loaded: bool,
    /// Unit of the unrounded value.
    pub unit: &'static str,
    /// How many observations are behind the value.
    pub n: Option<i64>,
    /// The same figure of the previous period.
    pub previous: Option<f64>,
    /// The difference to the previous period.
    pub change: Option<Change>,
    /// The same figure a year earlier.
    pub last_year: Option<f64>,
    /// The difference to the year before.
    pub year_change: Option<Change>,
    /// What it should reach, by the target in force on the period's last day.
    pub target: Option<Target>,
    /// A second line, such as median and 90th percentile.
    pub detail: Option<String>,
}

/// What a figure should reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Target {
    /// In the figure's unit.
    pub value: f64,
    /// Whether smaller is better.
    pub is_upper_bound: bool,
    /// Whether the figure reaches it; none where there is no figure.
    pub is_met: Option<bool>,
}

/// A change against the previous period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// New minus old, in the figure's unit.
    pub absolute: f64,
    /// New over old, minus one; none when old is zero.
    pub relative: Option<f64>,
    /// How a reader should take it.
    pub verdict: Verdict,
}

/// Whether a change is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In the wanted direction.
    Better,
    /// Against the wanted direction.
    Worse,
    /// Neither, or too small to matter.
    Neutral,
}

/// A chart: one category axis, one or more value columns of the same kind; of a scatter, one name and two value columns.
#[derive(Debug, Clone, Serialize)]
pub struct Chart {
    /// How values are drawn.
    pub form: ChartForm,
    /// Column of the category axis.
    pub category: String,
    /// Columns of the values.
    pub series: Vec<String>,
    /// The rows, in drawing order.
    pub table: Table,
}

/// The form of a [`Chart`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartForm {
    /// Upright columns along time.
    Column,
    /// Lying bars, one a category.
    Bar,
    /// Upright columns side by side, one a series.
    Grouped,
    /// Upright columns on top of each other, one a series.
    Stacked,
    /// Lines along time, one a series.
    Line,
    /// A line along time over a filled ground.
    Area,
    /// Columns that touch: how often values fall into each span.
    Histogram,
    /// A named point for each row.
    Scatter,
}

impl ChartForm {
    /// Returns how many value columns a chart of this form takes, at least and at most.
    pub const fn series(self) -> (usize, usize) {
        match self {
            ChartForm::Column | ChartForm::Area | ChartForm::Histogram => (1, 1),
            ChartForm::Bar | ChartForm::Line => (1, 4),
            ChartForm::Grouped | ChartForm::Stacked => (2, 5),
            ChartForm::Scatter => (2, 2),
        }
    }
}

/// A table of weekdays × hours.
#[derive(Debug, Clone, Serialize)]
pub struct HeatMap {
    /// Column of the colour's value.
    pub value: String,
    /// One row a weekday and hour, with the columns `weekday` and `hour`.
    pub table: Table,
}

/// A table and which of its columns are shown.
#[derive(Debug, Clone, Serialize)]
pub struct TableView {
    /// Names of the shown columns, in order.
    pub shown: Vec<String>,
    /// Column whose value starts a new group of rows.
    pub group: Option<String>,
    /// The rows, in order. A column `row_kind` with the value `total` marks totals.
    pub table: Table,
    /// Columns whose values are drawn as bars behind them.
    pub bars: Vec<String>,
    /// A small line for each row.
    pub spark: Option<Spark>,
    /// Which values reach their target, for the columns that have one.
    pub aims: Vec<ColumnAims>,
}

impl TableView {
    /// Makes a view of a table with nothing but its values.
    pub fn plain(table: Table, shown: Vec<String>, group: Option<String>) -> TableView {
        TableView { shown, group, table, bars: Vec::new(), spark: None, aims: Vec::new() }
    }
}

/// Small lines beside the rows of a table.
#[derive(Debug, Clone, Serialize)]
pub struct Spark {
    /// Heading for the reader.
    pub label: String,
    /// What the values are.
    pub kind: super::Kind,
    /// The places along the lines, such as days, for the reader.
    pub categories: Vec<String>,
    /// One line a row of the table, with a value or none for each place; empty for rows without a line.
    pub lines: Vec<Vec<Option<f64>>>,
}

/// Targets of a column.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnAims {
    /// The column.
    pub column: String,
    /// For each row of the table, what it should reach; none where no target holds or there is no value.
    pub targets: Vec<Option<Target>>,
}

/// An entry of the metric dictionary.
#[derive(Debug, Clone, Serialize)]
pub struct Definition {
    /// Number in the dictionary, such as `M9`.
    pub metric: String,
    /// Name for the reader.
    pub name: String,
    /// What is measured, from when to when, and what is left out.
    pub text: String,
}

/// A query that gave figures of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryStamp {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
}
