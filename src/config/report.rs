//! Report definitions, `reports/*.toml`: which queries a report shows, and how.

use std::{collections::BTreeMap, ops::Range, path::Path, sync::Arc};

use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, toml_file};
use crate::domain::{LocalText, report_data::ChartForm};

/// A report as its author declared it.
#[derive(Debug, Clone)]
pub struct ReportSpec {
    /// Name of the file without its ending.
    pub name: String,
    /// Title on the first page.
    pub title: LocalText,
    /// Whom the report is for.
    pub audience: LocalText,
    /// Period when none is asked for, in the form of the command line.
    pub period: String,
    /// The parts, in order; at least one.
    pub blocks: Vec<BlockSpec>,
    /// Row-level parts for workbook and JSON.
    pub details: Vec<BlockSpec>,
}

/// A part of a report.
#[derive(Debug, Clone)]
pub struct BlockSpec {
    /// Stable name, also of the sheet; unique in the report.
    pub id: String,
    /// Title for the reader.
    pub title: LocalText,
    /// One line under the title.
    pub note: Option<LocalText>,
    /// Name of the query that gives the rows.
    pub query: String,
    /// What the rows are of, such as `agent` or `week`; none is the query's first choice.
    pub by: Option<String>,
    /// Keeps only rows whose columns have these values.
    pub filter: Filter,
    /// What is shown.
    pub content: ContentSpec,
}

/// Column and the value it must have.
pub type Filter = BTreeMap<String, String>;

/// What a part shows.
#[derive(Debug, Clone)]
pub enum ContentSpec {
    /// Key figures from the query's only row.
    Kpis(Vec<FigureSpec>),
    /// A chart.
    Chart {
        /// How values are drawn.
        form: ChartForm,
        /// Column of the category axis.
        category: String,
        /// Columns of the values.
        series: Vec<String>,
    },
    /// Weekday × hour.
    HeatMap {
        /// Column of the colour's value.
        value: String,
    },
    /// Rows and columns.
    Table {
        /// Shown columns; all where none are named.
        columns: Vec<String>,
        /// Column that groups rows.
        group: Option<String>,
    },
}

/// A key figure of a [`ContentSpec::Kpis`] part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureSpec {
    /// Column with the value.
    pub column: String,
    /// Column with the number of observations.
    pub n: Option<String>,
    /// Column with the median, for the second line.
    pub median: Option<String>,
    /// Column with the 90th percentile, for the second line.
    pub p90: Option<String>,
    /// Which direction is good news.
    #[serde(default)]
    pub good: GoodDirection,
}

/// The direction of change that a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoodDirection {
    /// Larger is better.
    Up,
    /// Smaller is better.
    Down,
    /// Neither.
    #[default]
    None,
}

impl ReportSpec {
    /// Reads the definition called `name`.
    ///
    /// # Errors
    /// Every mistake that can be told apart, with line and column.
    pub fn parse(name: &str, path: &Path, text: &Arc<str>) -> Result<ReportSpec, ConfigError> {
        let file: File = toml_file::parse(path, text)?;
        let mut mistakes = Vec::new();
        let mut ids = Vec::new();
        let mut read = |blocks: Vec<Spanned<BlockTable>>| -> Vec<BlockSpec> {
            blocks
                .into_iter()
                .filter_map(|block| {
                    let span = block.span();
                    let block = block.into_inner();
                    if ids.contains(&block.id) {
                        mistakes.push((span.clone(), format!("block id `{}` is used twice", block.id)));
                    }
                    ids.push(block.id.clone());
                    block.into_spec().map_err(|message| mistakes.push((span, message))).ok()
                })
                .collect()
        };
        let (blocks, details) = (read(file.block), read(file.detail));
        if blocks.is_empty() && mistakes.is_empty() {
            mistakes.push((0..0, "a report needs at least one [[block]]".to_owned()));
        }
        if mistakes.is_empty() {
            Ok(ReportSpec { name: name.to_owned(), title: file.title, audience: file.audience, period: file.period, blocks, details })
        } else {
            let place = |(span, message): (Range<usize>, String)| toml_file::problem_at(path, text, span, message);
            Err(ConfigError { problems: mistakes.into_iter().map(place).collect() })
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: LocalText,
    audience: LocalText,
    #[serde(default = "last_month")]
    period: String,
    #[serde(default)]
    block: Vec<Spanned<BlockTable>>,
    #[serde(default)]
    detail: Vec<Spanned<BlockTable>>,
}

fn last_month() -> String {
    "last-month".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockTable {
    id: String,
    kind: BlockKind,
    title: LocalText,
    note: Option<LocalText>,
    query: String,
    by: Option<String>,
    #[serde(default, rename = "where")]
    filter: Filter,
    #[serde(default)]
    figures: Vec<FigureSpec>,
    form: Option<ChartForm>,
    category: Option<String>,
    #[serde(default)]
    series: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    columns: Vec<String>,
    group: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BlockKind {
    Kpis,
    Chart,
    Heatmap,
    Table,
}

impl BlockTable {
    fn into_spec(self) -> Result<BlockSpec, String> {
        let missing = |key: &str| format!("block `{}` needs `{key}`", self.id);
        let content = match self.kind {
            BlockKind::Kpis if self.figures.is_empty() => return Err(missing("figures")),
            BlockKind::Kpis => ContentSpec::Kpis(self.figures),
            BlockKind::Chart if self.series.is_empty() => return Err(missing("series")),
            BlockKind::Chart => ContentSpec::Chart {
                form: self.form.ok_or_else(|| missing("form"))?,
                category: self.category.clone().ok_or_else(|| missing("category"))?,
                series: self.series,
            },
            BlockKind::Heatmap => ContentSpec::HeatMap { value: self.value.clone().ok_or_else(|| missing("value"))? },
            BlockKind::Table => ContentSpec::Table { columns: self.columns, group: self.group },
        };
        Ok(BlockSpec { id: self.id, title: self.title, note: self.note, query: self.query, by: self.by, filter: self.filter, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ReportSpec, String> {
        ReportSpec::parse("r", Path::new("reports/r.toml"), &Arc::from(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_block_without_its_keys_is_placed() {
        let text =
            "title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\nkind = \"chart\"\ntitle = \"X\"\nquery = \"q\"\nseries = [\"n\"]\n";
        let error = parse(text).unwrap_err();
        assert_eq!(error, "reports/r.toml:3:1: block `x` needs `form`");
    }

    #[test]
    fn the_same_id_twice_is_refused() {
        let block = "[[block]]\nid = \"x\"\nkind = \"table\"\ntitle = \"X\"\nquery = \"q\"\n";
        let error = parse(&format!("title = \"T\"\naudience = \"A\"\n{block}{block}")).unwrap_err();
        assert!(error.contains("8:1: block id `x` is used twice"), "{error}");
    }

    #[test]
    fn a_report_without_blocks_is_refused() {
        assert!(parse("title = \"T\"\naudience = \"A\"\n").unwrap_err().contains("at least one [[block]]"));
    }
}
