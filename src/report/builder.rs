//! Fills the parts of a definition with rows, figures and words.

use std::collections::BTreeMap;

use super::{ReportError, comparison, completeness::Known, findings, table, validate};
use crate::{
    config::{BlockSpec, ContentSpec, FigureSpec, ReportSpec, RowsSpec, Scale, SparkSpec, TableSpec, Target},
    domain::{
        Cell, Column, Table,
        report_data::{Block, Change, Chart, Content, Figure, HeatMap, Spark, TableView, Target as Aim},
    },
    query::{Engine, MEMBER, Parameters},
    render::Locale,
};

/// Makes parts of a report for one period.
pub(super) struct Builder<'a> {
    pub engine: &'a Engine,
    pub spec: &'a ReportSpec,
    pub locale: &'a Locale,
    pub parameters: Parameters,
    /// What was read of the period: without tickets every table is empty, without survey answers their figures are unknown, for a count of rows
    /// would be a false zero.
    pub known: Known,
    /// Parameters of the period to compare with; none where it was not loaded.
    pub previous: Option<Parameters>,
    /// Parameters of the period a year earlier; none where it was not loaded.
    pub last_year: Option<Parameters>,
    /// Targets in force on the period's last day.
    pub targets: Targets,
    /// Scale of the project's surveys.
    pub scale: Scale,
    /// Names under which tickets are shown that belong to no sector.
    pub no_sectors: Vec<String>,
    /// Results by query, dimension and period: the same query gives the same numbers everywhere.
    pub tables: BTreeMap<(String, Option<String>, When), Table>,
    /// Columns that the reader gets to see, for the definitions.
    pub columns: Vec<Column>,
    /// Whether tables are made with their rows, or only with what they have columns for.
    pub with_rows: bool,
}

/// Which period a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    Now,
    Previous,
    LastYear,
}

/// Targets in force on one day, by measure and sector; no sector is all of them.
#[derive(Debug, Default)]
pub(super) struct Targets(BTreeMap<(String, Option<String>), Target>);

impl Targets {
    /// Keeps of each measure and sector the target that began last, not after `day`.
    pub fn on(day: chrono::NaiveDate, declared: &[Target]) -> Targets {
        let mut found: BTreeMap<(String, Option<String>), Target> = BTreeMap::new();
        for target in declared.iter().filter(|target| target.from <= day) {
            let key = (target.metric.clone(), target.sector.clone());
            if found.get(&key).is_none_or(|known| known.from <= target.from) {
                found.insert(key, target.clone());
            }
        }
        Targets(found)
    }

    /// Returns what `value` in a column should reach; a sector's own target takes the place of that of all.
    pub fn aim(&self, column: &str, sector: Option<&str>, value: Option<f64>) -> Option<Aim> {
        // Targets are declared for the measure, whatever is made of it.
        let metric = column.strip_suffix("_mean_s").map_or_else(|| column.to_owned(), |measure| format!("{measure}_s"));
        let of = |sector: Option<&str>| self.0.get(&(metric.clone(), sector.map(str::to_owned)));
        let target = sector.and_then(|sector| of(Some(sector))).or_else(|| of(None))?;
        let is_upper_bound = target.is_upper_bound();
        let is_met = value.map(|value| if is_upper_bound { value <= target.value } else { value >= target.value });
        Some(Aim { value: target.value, is_upper_bound, is_met })
    }
}

impl<'a> Builder<'a> {
    /// Makes a builder that compares with no other period.
    pub fn new(engine: &'a Engine, spec: &'a ReportSpec, locale: &'a Locale, parameters: Parameters, known: Known) -> Builder<'a> {
        Builder {
            engine,
            spec,
            locale,
            parameters,
            known,
            previous: None,
            last_year: None,
            targets: Targets::default(),
            scale: Scale::Csat,
            no_sectors: Vec::new(),
            tables: BTreeMap::new(),
            columns: Vec::new(),
            with_rows: true,
        }
    }

    /// Fills parts of the definition, in order.
    pub fn all(&mut self, specs: &[BlockSpec]) -> Result<Vec<Block>, ReportError> {
        Ok(specs.iter().map(|spec| self.blocks(spec)).collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// Fills one part of the definition: one block, but two for parity.
    pub fn blocks(&mut self, spec: &BlockSpec) -> Result<Vec<Block>, ReportError> {
        let language = self.locale.language();
        let content = match &spec.content {
            ContentSpec::Parity => return self.parity(spec),
            ContentSpec::Findings => Content::Findings { findings: findings::of_period(self)? },
            ContentSpec::Notes => Content::Notes,
            ContentSpec::Glossary => Content::Glossary,
            ContentSpec::Text { rows, text } => Content::Text { paragraphs: self.paragraphs(rows, text.get(language))? },
            ContentSpec::Kpis { rows, figures } => Content::Kpis { figures: self.figures(rows, figures)? },
            ContentSpec::Chart { rows, form, category, series } => {
                let table = self.filtered(rows, When::Now)?;
                self.show(&table, series);
                Content::Chart(Chart { form: *form, category: category.clone(), series: series.clone(), table })
            }
            ContentSpec::HeatMap { rows, value } => {
                let table = self.filtered(rows, When::Now)?;
                self.show(&table, std::slice::from_ref(value));
                Content::HeatMap(HeatMap { value: value.clone(), table })
            }
            ContentSpec::Table(spec) => Content::Table(self.view(spec)?),
        };
        Ok(vec![Block {
            id: spec.id.clone(),
            title: spec.title.get(language).to_owned(),
            note: spec.note.as_ref().map(|note| note.get(language).to_owned()),
            content,
        }])
    }

    /// Our counts and our times beside Blip's.
    fn parity(&mut self, spec: &BlockSpec) -> Result<Vec<Block>, ReportError> {
        let of_query = |query: &str| {
            let table = self.filtered(&RowsSpec { query: query.to_owned(), by: None, filter: BTreeMap::new() }, When::Now)?;
            let shown = table::all_columns(&table);
            self.show(&table, &shown);
            Ok(Block {
                id: format!("{}-{query}", spec.id),
                title: format!("{}: {}", spec.title.get(self.locale.language()), self.locale.text(&format!("title-{query}"))),
                note: Some(self.locale.text(&format!("note-{query}"))),
                content: Content::Table(TableView::plain(table, shown, None)),
            })
        };
        ["parity_counts", "parity_times"].into_iter().map(of_query).collect()
    }

    fn view(&mut self, spec: &TableSpec) -> Result<TableView, ReportError> {
        let table = self.filtered(&spec.rows, When::Now)?;
        let shown = if spec.columns.is_empty() { table::all_columns(&table) } else { spec.columns.clone() };
        self.show(&table, &shown);
        let table = table::arranged(table, spec.sort.as_ref(), spec.top, &shown[0], self.locale);
        let aims = table::aims(&table, &shown, &self.targets, self.parameters.sector.as_deref());
        let spark = spec.spark.as_ref().map(|spark| self.spark(spark, &spec.rows, &table, &shown[0])).transpose()?;
        Ok(TableView { shown, group: spec.group.clone(), bars: spec.bars.clone(), spark, aims, table })
    }

    /// Returns a small line for each row of `table`: the rows of another query that have the same `key`.
    fn spark(&mut self, spec: &SparkSpec, rows: &RowsSpec, table: &Table, key: &str) -> Result<Spark, ReportError> {
        let by = self.engine.query(&spec.query)?.dimension(rows.by.as_deref()).ok().flatten().map(str::to_owned);
        let lines = self.table(&RowsSpec { query: spec.query.clone(), by, filter: BTreeMap::new() }, When::Now)?;
        self.show(&lines, std::slice::from_ref(&spec.value));
        Ok(table::spark(spec, &lines, table, key, self.locale))
    }

    /// Places the figures of the query's first row in a text.
    fn paragraphs(&mut self, rows: &RowsSpec, text: &str) -> Result<Vec<String>, ReportError> {
        let table = self.filtered(rows, When::Now)?;
        let mut filled = text.to_owned();
        for name in validate::placeholders(text) {
            self.show(&table, &[name.to_owned()]);
            let shown =
                if table.row_count() > 0 { crate::render::cell_text(&table, 0, name, self.locale) } else { self.locale.text("not-loaded") };
            filled = filled.replace(&format!("{{{name}}}"), &shown);
        }
        Ok(filled.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// Returns the rows of an earlier period; none where that was not loaded.
    pub fn earlier(&mut self, rows: &RowsSpec, when: When) -> Result<Option<Table>, ReportError> {
        let is_loaded = match when {
            When::Now => true,
            When::Previous => self.previous.is_some(),
            When::LastYear => self.last_year.is_some(),
        };
        if is_loaded { self.filtered(rows, when).map(Some) } else { Ok(None) }
    }

    /// Returns the rows of a query that pass the filter.
    pub fn filtered(&mut self, rows: &RowsSpec, when: When) -> Result<Table, ReportError> {
        let table = self.table(rows, when)?;
        Ok(if rows.filter.is_empty() { table } else { table.filtered(|row| passes(&table, row, &rows.filter)) })
    }

    fn table(&mut self, rows: &RowsSpec, when: When) -> Result<Table, ReportError> {
        // A dimension that the query does not know was refused when the definition was looked at.
        let dimension = self.engine.query(&rows.query)?.dimension(rows.by.as_deref()).ok().flatten().map(str::to_owned);
        let key = (rows.query.clone(), dimension.clone(), when);
        if let Some(table) = self.tables.get(&key) {
            return Ok(table.clone());
        }
        let parameters = match when {
            When::Now => None,
            When::Previous => self.previous.as_ref(),
            When::LastYear => self.last_year.as_ref(),
        };
        let parameters = Parameters { dimension: dimension.clone(), ..parameters.unwrap_or(&self.parameters).clone() };
        let table =
            if self.with_rows { self.engine.run(&rows.query, &parameters)? } else { self.engine.shape(&rows.query, &parameters)? };
        let table = match &dimension {
            Some(dimension) => table.renamed(MEMBER, dimension),
            None => table,
        };
        let table = table.labelled(|column| self.locale.text(&format!("col-{}", column.name)));
        let table = if self.known.has_tickets { table } else { table.filtered(|_| false) };
        // Earlier periods are compared with only where all of them was read.
        let table = if self.known.has_answers || when != When::Now { table } else { table.without_values(is_of_answers) };
        self.tables.insert(key, table.clone());
        Ok(table)
    }

    /// Reads key figures from the only row of a query, with those of the period before and of the year before.
    pub fn figures(&mut self, rows: &RowsSpec, specs: &[FigureSpec]) -> Result<Vec<Figure>, ReportError> {
        let table = &self.filtered(rows, When::Now)?;
        let (previous, last_year) = (self.earlier(rows, When::Previous)?, self.earlier(rows, When::LastYear)?);
        let mut figures = Vec::with_capacity(specs.len());
        for spec in specs {
            // A project's own query of the same name may give less than the built-in one.
            let Some(position) = table.position(&spec.column) else { continue };
            self.show(table, std::slice::from_ref(&spec.column));
            let first = |table: &Table, name: &str| if table.row_count() > 0 { table.get(0, name).number() } else { None };
            let column = table.columns()[position].clone();
            let value = first(table, &spec.column);
            let earlier = previous.as_ref().and_then(|table| first(table, &spec.column));
            let year_earlier = last_year.as_ref().and_then(|table| first(table, &spec.column));
            let target = self.targets.aim(&spec.column, self.parameters.sector.as_deref(), value);
            let n = spec.n.as_ref().and_then(|name| if table.row_count() > 0 { table.get(0, name).int() } else { None });
            let placed = |name: &Option<String>| {
                name.as_ref().and_then(|name| first(table, name)).map(|value| self.locale.value(column.kind, value))
            };
            let range = spec.median.as_ref().filter(|_| table.row_count() > 0);
            let range = range.and_then(|median| crate::render::range_of_few(table, 0, median, self.locale));
            let detail = match (range, placed(&spec.median), placed(&spec.p90)) {
                (Some(range), ..) => Some(self.locale.text_with("kpi-range", &[("range", &range)])),
                (None, Some(median), Some(p90)) => Some(self.locale.text_with("kpi-detail", &[("median", &median), ("p90", &p90)])),
                _ => None,
            };
            let change = |earlier| {
                // From below zero to above it no percentage leads.
                let has_ratio = column.name != "nps";
                comparison::change(column.kind, value, earlier, spec.good)
                    .map(|change| Change { relative: change.relative.filter(|_| has_ratio), ..change })
            };
            figures.push(Figure {
                unit: column.kind.unit(),
                change: change(earlier),
                last_year: year_earlier,
                year_change: change(year_earlier),
                target,
                is_loaded: self.known.has_tickets && (self.known.has_answers || !is_of_answers(&column)),
                column,
                value,
                n,
                previous: earlier,
                detail,
            });
        }
        Ok(figures)
    }

    fn show(&mut self, table: &Table, names: &[String]) {
        for name in names {
            if let Some(position) = table.position(name) {
                self.columns.push(table.columns()[position].clone());
            }
        }
    }
}

/// Metrics of survey answers.
const OF_ANSWERS: [&str; 5] = ["M18", "M19", "M20", "M21", "M22"];

/// Returns whether a column is of survey answers. Surveys that were sent are seen among the messages, closed tickets among the tickets.
fn is_of_answers(column: &Column) -> bool {
    column.metric.as_deref().is_some_and(|metric| OF_ANSWERS.contains(&metric)) && column.name != "surveys_sent"
}

fn passes(table: &Table, row: usize, filter: &crate::config::Filter) -> bool {
    filter.iter().all(|(column, value)| match table.get(row, column) {
        Cell::Text(text) => text == value,
        Cell::Int(number) => number.to_string() == *value,
        Cell::Bool(flag) => flag.to_string() == *value,
        _ => false,
    })
}
