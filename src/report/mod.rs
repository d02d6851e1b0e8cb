//! Turns a definition and a snapshot into one frozen [`ReportData`]: figures, comparisons, completeness, definitions, notes.
//!
//! Numbers come from queries and are not touched here, but for differences between two periods.

mod builder;
mod changes;
mod comparison;
mod completeness;
mod definitions;
mod details;
mod findings;
mod making;
mod reproduce;
mod restatement;
mod table;
mod trace;
mod validate;

use std::{collections::BTreeMap, rc::Rc};

use crate::{
    config::{ConfigError, ReportSpec, SatisfactionSource, Scale, Settings},
    domain::{
        Period, ReportData,
        report_data::{Content, Document, QueryStamp, SnapshotStamp},
    },
    query::{CheckStrength, Engine, Parameters, QueryError},
    render::Locale,
    snapshot::Snapshot,
};

pub use changes::{ChangedFigure, changes};
pub use completeness::{MonthStanding, months};
pub use making::{FileFormat, Made, MakingError, Wanted, WrittenFile, compare, file_stem, log, make, make_watched, note, slug, write};
pub use reproduce::{Reproduced, reproduce};
pub use restatement::{Earlier, publication, rules};
pub use trace::{Trace, traces};
pub use validate::mistakes;

use self::builder::{Builder, Targets};

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
    /// Whether row-level tables are wanted. The report's content is the same without them.
    pub with_details: bool,
}

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The definition does not fit its queries.
    #[error(transparent)]
    Definition(#[from] ConfigError),
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
    engine: &Rc<Engine>,
    spec: &ReportSpec,
    settings: &Settings,
    snapshot: &Snapshot,
    request: &ReportRequest,
) -> Result<ReportData, ReportError> {
    let manifest = &snapshot.manifest;
    let sectors = request.sector.as_ref().map(|_| engine.sectors()).transpose()?.unwrap_or_default();
    if let Some(asked) = request.sector.as_ref().filter(|asked| !sectors.contains(asked)) {
        return Err(ReportError::Sector { asked: asked.clone(), known: sectors.join(", ") });
    }
    let problems = mistakes(spec, engine.catalogue());
    if !problems.is_empty() {
        return Err(ConfigError { problems }.into());
    }
    let checks = engine.check()?;
    let scale = Scale::of(settings.satisfaction.scale);
    let spec = &spec.on_scale(scale);
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
    let (completeness, known) = completeness::of_period(engine, &parameters, manifest, &settings.organization, &locale)?;
    let loaded = |parameters: Parameters| -> Result<Option<Parameters>, QueryError> {
        Ok(completeness::is_loaded(engine, &parameters)?.then_some(parameters))
    };
    let without_messages = completeness::without_messages(engine, &parameters, &locale)?;
    let mut builder = Builder {
        previous: loaded(previous)?,
        last_year: loaded(last_year)?,
        targets: Targets::on(request.period.last_day(), &settings.targets),
        scale,
        no_sectors: vec![settings.sectors.default_queue.clone(), locale.language().unresolved_sector().to_owned()],
        ..Builder::new(engine, spec, &locale, parameters, known)
    };
    let mut blocks = builder.all(&spec.blocks)?;
    // What the report says of its figures, such as their definitions, is the same with and without row-level tables.
    let details = details::of_definition(&mut builder, engine, &spec.details, request.with_details)?;

    let of_period = |period: Period| -> Result<Builder<'_>, ReportError> {
        let parameters = of(period);
        let known = completeness::known(engine, &parameters)?;
        Ok(Builder::new(engine, spec, &locale, parameters, known))
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
    notes.extend(without_messages);
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
            logo: document.logo.clone(),
        },
        period: request.period,
        period_label: locale.period(&request.period),
        previous_label: locale.period(&request.period.previous()),
        last_year_label: locale.period(&request.period.a_year_before()),
        sector: request.sector.clone(),
        sector_slug: request.sector.as_ref().map(|sector| making::sector_slug(sector, &sectors)),
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
