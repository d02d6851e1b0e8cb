//! Turns a definition and a snapshot into one frozen [`ReportData`]: figures, comparisons, completeness, definitions, notes.
//!
//! Numbers come from queries and are not touched here, but for differences between two periods.

mod comparison;
mod completeness;
mod definitions;
mod restatement;

use std::collections::BTreeMap;

use crate::{
    config::{BlockSpec, ContentSpec, FigureSpec, Filter, ReportSpec, SatisfactionSource, Settings, Target},
    domain::{
        Cell, Column, Period, ReportData, Table,
        report_data::{Block, Chart, Content, Document, Figure, HeatMap, QueryStamp, SnapshotStamp, TableView, Target as Aim},
    },
    query::{CheckStrength, Engine, MEMBER, Parameters, QueryError},
    render::Locale,
    snapshot::Snapshot,
};

pub use restatement::{Earlier, publication, rules};

/// What a report is asked for.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// The days.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// Publications of the same report that readers may still hold to, the latest period first.
    pub earlier: Vec<Earlier>,
    /// Digest of what says what figures mean, by [`rules`].
    pub rules: String,
}

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A block names a column that its query does not have.
    #[error("reports/{report}.toml: block `{block}` names column `{column}`, which query `{query}` does not give (it gives {known})")]
    Column {
        /// The report.
        report: String,
        /// The block.
        block: String,
        /// The column.
        column: String,
        /// The query.
        query: String,
        /// Columns of the query.
        known: String,
    },
    /// A block asks for rows of something that its query does not know.
    #[error("reports/{report}.toml: block `{block}` has by = \"{asked}\", which query `{query}` does not know ({accepted})")]
    Dimension {
        /// The report.
        report: String,
        /// The block.
        block: String,
        /// What was asked for.
        asked: String,
        /// The query.
        query: String,
        /// What the query knows.
        accepted: String,
    },
    /// No sector has this name.
    #[error("unknown sector `{asked}` (known: {known})")]
    Sector {
        /// What was asked for.
        asked: String,
        /// All sectors of the snapshot.
        known: String,
    },
}

/// Builds the report.
///
/// # Errors
/// When a query or a check of strength *fail* fails, or the definition does not fit its queries.
pub fn build(
    engine: &Engine,
    spec: &ReportSpec,
    settings: &Settings,
    snapshot: &Snapshot,
    request: &ReportRequest,
) -> Result<ReportData, ReportError> {
    let manifest = &snapshot.manifest;
    if let Some(asked) = &request.sector {
        let known = engine.sectors()?;
        if !known.contains(asked) {
            return Err(ReportError::Sector { asked: asked.clone(), known: known.join(", ") });
        }
    }
    let checks = engine.check()?;
    let locale = Locale::new(settings.organization.locale);
    let zone = settings.organization.timezone;
    let of = |period: Period| Parameters {
        period,
        sector: request.sector.clone(),
        dimension: None,
        as_of: manifest.loaded_until.unwrap_or(manifest.published_at),
        others: BTreeMap::new(),
    };
    let (parameters, previous, last_year) = (of(request.period), of(request.period.previous()), of(request.period.a_year_before()));
    let completeness = completeness::of_period(engine, &parameters, manifest, zone, &locale)?;
    let loaded = |parameters: Parameters| -> Result<Option<Parameters>, QueryError> {
        Ok(completeness::is_loaded(engine, &parameters)?.then_some(parameters))
    };
    let mut builder = Builder {
        previous: loaded(previous)?,
        last_year: loaded(last_year)?,
        targets: targets(settings, request),
        ..Builder::new(engine, spec, &locale, parameters, completeness.days_loaded > 0)
    };
    let mut blocks = spec.blocks.iter().map(|block| builder.block(block)).collect::<Result<Vec<_>, _>>()?;
    let details = spec.details.iter().map(|block| builder.block(block)).collect::<Result<Vec<_>, _>>()?;

    let of_period = |period: Period| -> Result<Builder<'_>, ReportError> {
        let parameters = of(period);
        let is_loaded = completeness::has_loaded_days(engine, &parameters)?;
        Ok(Builder::new(engine, spec, &locale, parameters, is_loaded))
    };
    let restatements = restatement::of_published(request, snapshot, &of_period, (&locale, zone))?;
    let mut notes = Vec::new();
    if !restatements.is_empty() {
        notes.push(
            locale.plural("note-restated", restatements.iter().map(|one| one.figures.len()).sum::<usize>().try_into().unwrap_or(i64::MAX)),
        );
        // Right after the key figures, of which it speaks.
        let place = blocks.iter().position(|block| matches!(block.content, Content::Kpis { .. })).map_or(0, |place| place + 1);
        blocks.insert(place, restatement::block(&restatements, &locale));
    }
    if manifest.quarantined > 0 {
        notes.push(locale.plural("note-quarantined", manifest.quarantined));
    }
    for check in checks.iter().filter(|check| check.strength == CheckStrength::Warn && check.offending > 0) {
        let key = format!("check-{}", check.name);
        let message = if locale.has(&key) { locale.text(&key) } else { check.message.clone() };
        notes.push(locale.text_with("note-check", &[("n", &locale.count(check.offending)), ("message", &message)]));
    }
    if settings.satisfaction.source == SatisfactionSource::None {
        notes.push(locale.text("note-satisfaction-none"));
    }
    if request.sector.is_none() && builder.columns.iter().any(|column| column.name == "conversations") {
        notes.push(locale.text("note-touch"));
    }
    let queries = builder.tables.keys().map(|(name, ..)| name.clone()).collect::<std::collections::BTreeSet<_>>();
    let queries = queries
        .into_iter()
        .map(|name| engine.query(&name).map(|query| QueryStamp { name, sha256: query.sha256.clone() }))
        .collect::<Result<_, _>>()?;
    let metrics: Vec<String> =
        builder.tables.keys().filter_map(|(name, ..)| engine.query(name).ok()).flat_map(|query| query.metrics.clone()).collect();
    let document = &settings.document;
    Ok(ReportData {
        report: spec.name.clone(),
        title: spec.title.get(locale.language()).to_owned(),
        audience: spec.audience.get(locale.language()).to_owned(),
        language: locale.language(),
        organization: settings.organization.name.clone(),
        timezone: zone.to_string(),
        document: Document {
            code: document.code.clone(),
            revision: document.revision.clone(),
            published: document.published,
            prepared_by: document.prepared_by.clone(),
            approved_by: document.approved_by.clone(),
        },
        period: request.period,
        period_label: locale.period(&request.period),
        previous_label: locale.period(&request.period.previous()),
        last_year_label: locale.period(&request.period.a_year_before()),
        sector: request.sector.clone(),
        snapshot: SnapshotStamp {
            id: manifest.id.clone(),
            published_at: manifest.published_at,
            published_local: zone.local(manifest.published_at),
            loaded_until_local: manifest.loaded_until.map(|instant| zone.local(instant)),
        },
        completeness,
        restatements,
        notes,
        definitions: definitions::of_metrics(&builder.columns, metrics.iter().map(String::as_str), &settings.satisfaction, &locale),
        blocks,
        details,
        queries,
    })
}

struct Builder<'a> {
    engine: &'a Engine,
    spec: &'a ReportSpec,
    locale: &'a Locale,
    parameters: Parameters,
    /// Whether any day of the period was loaded; else every table is empty, for a count of rows would be a false zero.
    is_loaded: bool,
    /// Parameters of the period to compare with; none where it was not loaded.
    previous: Option<Parameters>,
    /// Parameters of the period a year earlier; none where it was not loaded.
    last_year: Option<Parameters>,
    /// Targets in force on the period's last day, by figure.
    targets: BTreeMap<String, Target>,
    /// Results by query, dimension and period: the same query gives the same numbers everywhere.
    tables: BTreeMap<(String, Option<String>, When), Table>,
    /// Columns that the reader gets to see, for the definitions.
    columns: Vec<Column>,
}

/// Which period a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Now,
    Previous,
    LastYear,
}

/// Returns the targets in force on the period's last day, by figure; a sector's own one takes the place of that of all.
fn targets(settings: &Settings, request: &ReportRequest) -> BTreeMap<String, Target> {
    let mut found: BTreeMap<String, (bool, chrono::NaiveDate, Target)> = BTreeMap::new();
    for target in settings.targets.iter().filter(|target| target.from <= request.period.last_day()) {
        let is_own = target.sector.is_some();
        if is_own && target.sector != request.sector {
            continue;
        }
        let newer = found.get(&target.metric).is_none_or(|(own, from, _)| (*own, *from) <= (is_own, target.from));
        if newer {
            found.insert(target.metric.clone(), (is_own, target.from, target.clone()));
        }
    }
    found.into_iter().map(|(metric, (_, _, target))| (metric, target)).collect()
}

/// Returns the name under which a column's target is declared: that of the measure, whatever is made of it.
fn target_metric(column: &str) -> String {
    column.strip_suffix("_mean_s").map_or_else(|| column.to_owned(), |measure| format!("{measure}_s"))
}

impl<'a> Builder<'a> {
    /// Makes a builder that compares with no other period.
    fn new(engine: &'a Engine, spec: &'a ReportSpec, locale: &'a Locale, parameters: Parameters, is_loaded: bool) -> Builder<'a> {
        Builder {
            engine,
            spec,
            locale,
            parameters,
            is_loaded,
            previous: None,
            last_year: None,
            targets: BTreeMap::new(),
            tables: BTreeMap::new(),
            columns: Vec::new(),
        }
    }

    fn block(&mut self, spec: &BlockSpec) -> Result<Block, ReportError> {
        let table = self.table(spec, When::Now)?;
        let table = self.filtered(spec, &table)?;
        let language = self.locale.language();
        let content = match &spec.content {
            ContentSpec::Kpis(figures) => Content::Kpis { figures: self.figures(spec, figures, &table)? },
            ContentSpec::Chart { form, category, series } => {
                self.need(spec, &table, std::iter::once(category).chain(series))?;
                self.show(&table, series);
                Content::Chart(Chart { form: *form, category: category.clone(), series: series.clone(), table })
            }
            ContentSpec::HeatMap { value } => {
                self.need(spec, &table, [value, &"weekday".to_owned(), &"hour".to_owned()])?;
                self.show(&table, std::slice::from_ref(value));
                Content::HeatMap(HeatMap { value: value.clone(), table })
            }
            ContentSpec::Table { columns, group } => {
                self.need(spec, &table, columns.iter().chain(group))?;
                let shown: Vec<String> = match columns.as_slice() {
                    [] => table.columns().iter().map(|column| column.name.clone()).filter(|name| name != "row_kind").collect(),
                    named => named.to_vec(),
                };
                self.show(&table, &shown);
                Content::Table(TableView { shown, group: group.clone(), table })
            }
        };
        Ok(Block {
            id: spec.id.clone(),
            title: spec.title.get(language).to_owned(),
            note: spec.note.as_ref().map(|note| note.get(language).to_owned()),
            content,
        })
    }

    /// Returns the block's rows of an earlier period; none where that was not loaded.
    fn earlier(&mut self, block: &BlockSpec, when: When) -> Result<Option<Table>, ReportError> {
        let is_loaded = match when {
            When::Now => true,
            When::Previous => self.previous.is_some(),
            When::LastYear => self.last_year.is_some(),
        };
        if !is_loaded {
            return Ok(None);
        }
        let table = self.table(block, when)?;
        Ok(Some(self.filtered(block, &table)?))
    }

    fn table(&mut self, block: &BlockSpec, when: When) -> Result<Table, ReportError> {
        let dimension = self.dimension(block)?;
        let key = (block.query.clone(), dimension.clone(), when);
        if let Some(table) = self.tables.get(&key) {
            return Ok(table.clone());
        }
        let parameters = match when {
            When::Now => None,
            When::Previous => self.previous.as_ref(),
            When::LastYear => self.last_year.as_ref(),
        };
        let parameters = Parameters { dimension: dimension.clone(), ..parameters.unwrap_or(&self.parameters).clone() };
        let table = self.engine.run(&block.query, &parameters)?;
        let table = match &dimension {
            Some(dimension) => table.renamed(MEMBER, dimension),
            None => table,
        };
        let table = table.labelled(|column| self.locale.text(&format!("col-{}", column.name)));
        let table = if self.is_loaded { table } else { table.filtered(|_| false) };
        self.tables.insert(key, table.clone());
        Ok(table)
    }

    fn dimension(&self, block: &BlockSpec) -> Result<Option<String>, ReportError> {
        let query = self.engine.query(&block.query)?;
        query.dimension(block.by.as_deref()).map(|dimension| dimension.map(str::to_owned)).map_err(|accepted| ReportError::Dimension {
            report: self.spec.name.clone(),
            block: block.id.clone(),
            asked: block.by.clone().unwrap_or_default(),
            query: block.query.clone(),
            accepted,
        })
    }

    fn filtered(&self, spec: &BlockSpec, table: &Table) -> Result<Table, ReportError> {
        self.need(spec, table, spec.filter.keys())?;
        Ok(if spec.filter.is_empty() { table.clone() } else { table.filtered(|row| passes(table, row, &spec.filter)) })
    }

    fn figures(&mut self, block: &BlockSpec, specs: &[FigureSpec], table: &Table) -> Result<Vec<Figure>, ReportError> {
        let (previous, last_year) = (self.earlier(block, When::Previous)?, self.earlier(block, When::LastYear)?);
        let mut figures = Vec::with_capacity(specs.len());
        for spec in specs {
            let others = [&spec.n, &spec.median, &spec.p90].into_iter().flatten();
            self.need(block, table, std::iter::once(&spec.column).chain(others))?;
            self.show(table, std::slice::from_ref(&spec.column));
            let first = |table: &Table, name: &str| if table.row_count() > 0 { table.get(0, name).number() } else { None };
            let column = table.columns()[table.position(&spec.column).unwrap_or(0)].clone();
            let value = first(table, &spec.column);
            let earlier = previous.as_ref().and_then(|table| first(table, &spec.column));
            let year_earlier = last_year.as_ref().and_then(|table| first(table, &spec.column));
            let target = self.targets.get(&target_metric(&spec.column)).map(|target| {
                let is_upper_bound = target.is_upper_bound();
                let is_met = value.map(|value| if is_upper_bound { value <= target.value } else { value >= target.value });
                Aim { value: target.value, is_upper_bound, is_met }
            });
            let n = spec.n.as_ref().and_then(|name| if table.row_count() > 0 { table.get(0, name).int() } else { None });
            let placed = |name: &Option<String>| {
                name.as_ref().and_then(|name| first(table, name)).map(|value| self.locale.value(column.kind, value))
            };
            let detail = match (placed(&spec.median), placed(&spec.p90)) {
                (Some(median), Some(p90)) => Some(self.locale.text_with("kpi-detail", &[("median", &median), ("p90", &p90)])),
                _ => None,
            };
            figures.push(Figure {
                unit: column.kind.unit(),
                change: comparison::change(column.kind, value, earlier, spec.good),
                last_year: year_earlier,
                year_change: comparison::change(column.kind, value, year_earlier, spec.good),
                target,
                is_loaded: self.is_loaded,
                column,
                value,
                n,
                previous: earlier,
                detail,
            });
        }
        Ok(figures)
    }

    fn need<'b>(&self, block: &BlockSpec, table: &Table, names: impl IntoIterator<Item = &'b String>) -> Result<(), ReportError> {
        for name in names {
            if table.position(name).is_none() {
                return Err(ReportError::Column {
                    report: self.spec.name.clone(),
                    block: block.id.clone(),
                    column: name.clone(),
                    query: block.query.clone(),
                    known: table.columns().iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "),
                });
            }
        }
        Ok(())
    }

    fn show(&mut self, table: &Table, names: &[String]) {
        for name in names {
            if let Some(position) = table.position(name) {
                self.columns.push(table.columns()[position].clone());
            }
        }
    }
}

fn passes(table: &Table, row: usize, filter: &Filter) -> bool {
    filter.iter().all(|(column, value)| match table.get(row, column) {
        Cell::Text(text) => text == value,
        Cell::Int(number) => number.to_string() == *value,
        Cell::Bool(flag) => flag.to_string() == *value,
        _ => false,
    })
}
