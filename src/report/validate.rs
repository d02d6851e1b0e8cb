//! What is wrong with a definition: queries, columns and dimensions that there are not.

use std::sync::Arc;

use crate::{
    config::{BlockSpec, ContentSpec, Problem, ReportSpec, RowsSpec},
    query::Catalogue,
};

/// Returns every mistake of a definition that its queries show.
pub fn mistakes(spec: &ReportSpec, catalogue: &Catalogue) -> Vec<Problem> {
    spec.blocks.iter().chain(&spec.details).flat_map(|block| of_block(spec, block, catalogue)).collect()
}

fn of_block(spec: &ReportSpec, block: &BlockSpec, catalogue: &Catalogue) -> Vec<Problem> {
    let (file, text) = &spec.source;
    let mistake = |message: String, help: Option<String>| Problem {
        file: file.clone(),
        place: Some((Arc::clone(text), block.span.clone())),
        message,
        help,
    };
    let id = &block.id;
    let Some(RowsSpec { query: name, by, filter }) = block.content.rows() else { return Vec::new() };
    let names: Vec<&str> = catalogue.iter().map(|query| query.name.as_str()).collect();
    let Some(query) = catalogue.get(name) else {
        return vec![mistake(format!("block `{id}`: unknown query `{name}` (known: {})", names.join(", ")), nearest(name, &names))];
    };
    let mut found = Vec::new();
    let dimension = query.dimension(by.as_deref()).unwrap_or_else(|accepted| {
        let asked = by.as_deref().unwrap_or_default();
        found.push(mistake(format!("block `{id}`: query `{name}` does not know by = \"{asked}\" ({accepted})"), None));
        by.as_deref()
    });
    let known = query.column_names(dimension);
    let in_text = match &block.content {
        ContentSpec::Text { text, .. } => text.all().flat_map(placeholders).collect(),
        _ => Vec::new(),
    };
    let asked_for = block.content.columns().into_iter().chain(filter.keys()).map(String::as_str).chain(in_text);
    for column in asked_for.filter(|column| !known.contains(column)) {
        let message = format!("block `{id}`: query `{name}` gives no column `{column}` (it gives {})", known.join(", "));
        found.push(mistake(message, nearest(column, &known)));
    }
    if let ContentSpec::Table(table) = &block.content
        && let Some(spark) = &table.spark
    {
        match catalogue.get(&spark.query) {
            None => {
                let message = format!("block `{id}`: unknown query `{}` for `spark` (known: {})", spark.query, names.join(", "));
                found.push(mistake(message, nearest(&spark.query, &names)));
            }
            Some(lines) => {
                let gives = lines.column_names(dimension);
                let key = dimension.or(known.first().copied());
                for column in [Some(spark.category.as_str()), Some(spark.value.as_str()), key].into_iter().flatten() {
                    if !gives.contains(&column) {
                        let message =
                            format!("block `{id}`: query `{}` gives no column `{column}` (it gives {})", spark.query, gives.join(", "));
                        found.push(mistake(message, nearest(column, &gives)));
                    }
                }
            }
        }
    }
    found
}

/// Returns the columns that a text names as `{column}`.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn nearest(asked: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(asked, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
