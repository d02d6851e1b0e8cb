//! Report definitions, `reports/*.toml`: which queries a report shows, and how.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, scale::Scale, toml_file};
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
    /// The file, and its text: mistakes that only its queries show are placed in it.
    pub source: (PathBuf, Arc<str>),
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
    /// What is shown.
    pub content: ContentSpec,
    /// The scale of satisfaction that it is for; none is any.
    pub scale: Option<Scale>,
    /// Where in the definition's text the part stands.
    pub span: Range<usize>,
}

/// Where a part's rows come from.
#[derive(Debug, Clone)]
pub struct RowsSpec {
    /// Name of the query that gives the rows.
    pub query: String,
    /// What the rows are of, such as `agent` or `week`; none is the query's first choice.
    pub by: Option<String>,
    /// Keeps only rows whose columns have these values.
    pub filter: Filter,
}

/// Column and the value it must have.
pub type Filter = BTreeMap<String, String>;

/// What a part shows.
#[derive(Debug, Clone)]
pub enum ContentSpec {
    /// What changed, what is amiss and what needs somebody, in sentences.
    Findings,
    /// Paragraphs with figures of the query's first row in them, as `{column}`.
    Text {
        /// Where the figures come from.
        rows: RowsSpec,
        /// The paragraphs, one a line.
        text: LocalText,
    },
    /// Key figures from the query's only row.
    Kpis {
        /// Where the figures come from.
        rows: RowsSpec,
        /// The figures, in order.
        figures: Vec<FigureSpec>,
    },
    /// A chart.
    Chart {
        /// Where the rows come from.
        rows: RowsSpec,
        /// How values are drawn.
        form: ChartForm,
        /// Column of the category axis; of a scatter, what its points are called.
        category: String,
        /// Columns of the values; of a scatter, the two axes.
        series: Vec<String>,
    },
    /// Weekday × hour.
    HeatMap {
        /// Where the rows come from.
        rows: RowsSpec,
        /// Column of the colour's value.
        value: String,
    },
    /// Rows and columns.
    Table(TableSpec),
    /// Our figures beside Blip's own.
    Parity,
    /// What must be read with the figures.
    Notes,
    /// What every figure means; without such a part it comes last.
    Glossary,
}

/// A [`ContentSpec::Table`].
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Where the rows come from.
    pub rows: RowsSpec,
    /// Shown columns; all where none are named.
    pub columns: Vec<String>,
    /// Column that groups rows.
    pub group: Option<String>,
    /// Column that orders the rows, totals apart; none keeps the query's order.
    pub sort: Option<Sort>,
    /// Shows so many rows; all others become one.
    pub top: Option<usize>,
    /// Columns whose values are drawn as bars behind them.
    pub bars: Vec<String>,
    /// A small line for each row.
    pub spark: Option<SparkSpec>,
}

/// An order of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: String,
    /// Whether the largest value comes first; nothing comes last either way.
    pub is_descending: bool,
}

/// Where the small lines of a table come from: rows of a query with the table's first column, a category and a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparkSpec {
    /// Name of the query.
    pub query: String,
    /// Column of the category axis, such as `day`.
    pub category: String,
    /// Column of the values.
    pub value: String,
}

impl ContentSpec {
    /// Returns where the rows come from; none for parts that no single query gives.
    pub fn rows(&self) -> Option<&RowsSpec> {
        match self {
            ContentSpec::Text { rows, .. }
            | ContentSpec::Kpis { rows, .. }
            | ContentSpec::Chart { rows, .. }
            | ContentSpec::HeatMap { rows, .. }
            | ContentSpec::Table(TableSpec { rows, .. }) => Some(rows),
            ContentSpec::Findings | ContentSpec::Parity | ContentSpec::Notes | ContentSpec::Glossary => None,
        }
    }

    /// Returns the columns of the rows that are named, each once for every use.
    pub fn columns(&self) -> Vec<&String> {
        match self {
            ContentSpec::Kpis { figures, .. } => figures
                .iter()
                .flat_map(|figure| [Some(&figure.column), figure.n.as_ref(), figure.median.as_ref(), figure.p90.as_ref()])
                .flatten()
                .collect(),
            ContentSpec::Chart { category, series, .. } => std::iter::once(category).chain(series).collect(),
            ContentSpec::HeatMap { value, .. } => vec![value],
            ContentSpec::Table(table) => {
                table.columns.iter().chain(&table.group).chain(table.sort.as_ref().map(|sort| &sort.column)).chain(&table.bars).collect()
            }
            ContentSpec::Findings | ContentSpec::Text { .. } | ContentSpec::Parity | ContentSpec::Notes | ContentSpec::Glossary => {
                Vec::new()
            }
        }
    }
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
                    block.into_spec(span.clone()).map_err(|message| mistakes.push((span, message))).ok()
                })
                .collect()
        };
        let (blocks, details) = (read(file.block), read(file.detail));
        for detail in &details {
            let is_plain = matches!(
                &detail.content,
                ContentSpec::Table(TableSpec { group: None, sort: None, top: None, spark: None, bars, .. }) if bars.is_empty()
            );
            if !is_plain {
                let message = "a detail is a table of all rows in their query's order: it takes `query`, `by`, `where` and `columns`";
                mistakes.push((detail.span.clone(), format!("block `{}`: {message}", detail.id)));
            }
        }
        if blocks.is_empty() && mistakes.is_empty() {
            mistakes.push((0..0, "a report needs at least one [[block]]".to_owned()));
        }
        if mistakes.is_empty() {
            let source = (path.to_owned(), Arc::clone(text));
            Ok(ReportSpec {
                name: name.to_owned(),
                title: file.title,
                audience: file.audience,
                period: file.period,
                blocks,
                details,
                source,
            })
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
    scale: Option<Scale>,
    query: Option<String>,
    by: Option<String>,
    #[serde(default, rename = "where")]
    filter: Filter,
    #[serde(default)]
    figures: Vec<FigureSpec>,
    text: Option<LocalText>,
    form: Option<ChartForm>,
    category: Option<String>,
    #[serde(default)]
    series: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    columns: Vec<String>,
    group: Option<String>,
    sort: Option<String>,
    top: Option<usize>,
    #[serde(default)]
    bars: Vec<String>,
    spark: Option<SparkSpec>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BlockKind {
    Findings,
    Text,
    Kpis,
    Chart,
    Heatmap,
    Table,
    Parity,
    Notes,
    Glossary,
}

impl BlockKind {
    /// The keys that a part of this kind can have, beside `id`, `kind`, `title`, `note` and `scale`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            BlockKind::Findings | BlockKind::Parity | BlockKind::Notes | BlockKind::Glossary => &[],
            BlockKind::Text => &["query", "by", "where", "text"],
            BlockKind::Kpis => &["query", "by", "where", "figures"],
            BlockKind::Chart => &["query", "by", "where", "form", "category", "series"],
            BlockKind::Heatmap => &["query", "by", "where", "value"],
            BlockKind::Table => &["query", "by", "where", "columns", "group", "sort", "top", "bars", "spark"],
        }
    }
}

impl BlockTable {
    /// The keys that are there.
    fn given(&self) -> Vec<&'static str> {
        let keys = [
            ("query", self.query.is_some()),
            ("by", self.by.is_some()),
            ("where", !self.filter.is_empty()),
            ("figures", !self.figures.is_empty()),
            ("text", self.text.is_some()),
            ("form", self.form.is_some()),
            ("category", self.category.is_some()),
            ("series", !self.series.is_empty()),
            ("value", self.value.is_some()),
            ("columns", !self.columns.is_empty()),
            ("group", self.group.is_some()),
            ("sort", self.sort.is_some()),
            ("top", self.top.is_some()),
            ("bars", !self.bars.is_empty()),
            ("spark", self.spark.is_some()),
        ];
        keys.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
    }

    fn into_spec(self, span: Range<usize>) -> Result<BlockSpec, String> {
        let id = self.id.clone();
        let missing = |key: &str| format!("block `{id}` needs `{key}`");
        let accepted = self.kind.keys();
        if let Some(key) = self.given().into_iter().find(|key| !accepted.contains(key)) {
            let accepted = if accepted.is_empty() { "only `note`".to_owned() } else { format!("`{}`", accepted.join("`, `")) };
            return Err(format!("block `{id}` has `{key}`, which its kind does not take (it takes {accepted})"));
        }
        let rows = self.query.map(|query| RowsSpec { query, by: self.by, filter: self.filter }).ok_or_else(|| missing("query"));
        let content = match self.kind {
            BlockKind::Findings => ContentSpec::Findings,
            BlockKind::Parity => ContentSpec::Parity,
            BlockKind::Notes => ContentSpec::Notes,
            BlockKind::Glossary => ContentSpec::Glossary,
            BlockKind::Text => ContentSpec::Text { rows: rows?, text: self.text.ok_or_else(|| missing("text"))? },
            BlockKind::Kpis if self.figures.is_empty() => return Err(missing("figures")),
            BlockKind::Kpis => ContentSpec::Kpis { rows: rows?, figures: self.figures },
            BlockKind::Chart => {
                let form = self.form.ok_or_else(|| missing("form"))?;
                let (fewest, most) = form.series();
                if !(fewest..=most).contains(&self.series.len()) {
                    let wanted = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
                    return Err(format!("block `{id}` has {} series; this form takes {wanted}", self.series.len()));
                }
                ContentSpec::Chart { rows: rows?, form, category: self.category.ok_or_else(|| missing("category"))?, series: self.series }
            }
            BlockKind::Heatmap => ContentSpec::HeatMap { rows: rows?, value: self.value.ok_or_else(|| missing("value"))? },
            BlockKind::Table => {
                if self.top == Some(0) {
                    return Err(format!("block `{id}`: `top` must be at least 1"));
                }
                if self.group.is_some() && (self.sort.is_some() || self.top.is_some()) {
                    return Err(format!("block `{id}`: `sort` and `top` would tear the groups of `group` apart"));
                }
                if let Some(bar) = self.bars.iter().find(|bar| !self.columns.is_empty() && !self.columns.contains(bar)) {
                    return Err(format!("block `{id}`: `bars` names `{bar}`, which is not among its `columns`"));
                }
                let sort = self.sort.map(|sort| match sort.strip_prefix('-') {
                    Some(column) => Sort { column: column.to_owned(), is_descending: true },
                    None => Sort { column: sort, is_descending: false },
                });
                ContentSpec::Table(TableSpec {
                    rows: rows?,
                    columns: self.columns,
                    group: self.group,
                    sort,
                    top: self.top,
                    bars: self.bars,
                    spark: self.spark,
                })
            }
        };
        Ok(BlockSpec { id: self.id, title: self.title, note: self.note, content, scale: self.scale, span })
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
    fn a_key_that_a_kind_does_not_take_is_refused_instead_of_ignored() {
        let text = "title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\nkind = \"heatmap\"\ntitle = \"X\"\nquery = \"q\"\nvalue = \"n\"\ntop = 3\n";
        let error = parse(text).unwrap_err();
        let wanted = "reports/r.toml:3:1: block `x` has `top`, which its kind does not take (it takes `query`, `by`, `where`, `value`)";
        assert_eq!(error, wanted);
    }

    #[test]
    fn an_order_that_tears_groups_apart_and_bars_that_nobody_sees_are_refused() {
        let table = |keys: &str| {
            let head = "title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\nkind = \"table\"\ntitle = \"X\"\nquery = \"q\"\n";
            parse(&format!("{head}{keys}\n")).unwrap_err()
        };
        assert_eq!(
            table("group = \"g\"\nsort = \"n\""),
            "reports/r.toml:3:1: block `x`: `sort` and `top` would tear the groups of `group` apart"
        );
        let error = table("columns = [\"a\"]\nbars = [\"n\"]");
        assert_eq!(error, "reports/r.toml:3:1: block `x`: `bars` names `n`, which is not among its `columns`");
    }

    #[test]
    fn a_scatter_has_two_axes() {
        let text = "title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\nkind = \"chart\"\nform = \"scatter\"\ntitle = \"X\"\nquery = \"q\"\ncategory = \"c\"\nseries = [\"n\"]\n";
        assert_eq!(parse(text).unwrap_err(), "reports/r.toml:3:1: block `x` has 1 series; this form takes 2");
    }

    #[test]
    fn a_detail_keeps_all_rows_in_their_order() {
        let detail = |keys: &str| {
            let block =
                |kind: &str, keys: &str| format!("[[{kind}]]\nid = \"{kind}\"\nkind = \"table\"\ntitle = \"X\"\nquery = \"q\"\n{keys}\n");
            parse(&format!("title = \"T\"\naudience = \"A\"\n{}{}", block("block", ""), block("detail", keys)))
        };
        let spec = detail("by = \"agent\"\ncolumns = [\"a\"]\nwhere = { a = \"b\" }").unwrap();
        assert_eq!(spec.details.len(), 1);
        for keys in ["sort = \"n\"", "top = 3", "group = \"g\"", "columns = [\"n\"]\nbars = [\"n\"]"] {
            let error = detail(keys).unwrap_err();
            assert!(error.starts_with("reports/r.toml:9:1: block `detail`: a detail is a table of all rows"), "{error}");
        }
    }

    #[test]
    fn a_report_without_blocks_is_refused() {
        assert!(parse("title = \"T\"\naudience = \"A\"\n").unwrap_err().contains("at least one [[block]]"));
    }
}
