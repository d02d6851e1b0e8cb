//! Report queries and checks with their headers.
//!
//! A header is a block of comment lines of the form `-- key: value`; the keys `parameters` and `columns` open a list, one
//! entry a line.

use std::collections::BTreeMap;

use chrono::{Datelike, Months};

use super::CheckStrength;
use crate::{
    domain::{Kind, Period, digest::sha256},
    store::TableCheck,
};

/// A header that does not say what it must.
#[derive(Debug, thiserror::Error)]
#[error("queries/{path}:{line}: {message}")]
pub struct HeaderError {
    /// Path within `queries/`.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A query of `queries/reports`.
#[derive(Debug, Clone)]
pub struct Query {
    /// Name of the file without folder and ending.
    pub name: String,
    /// The whole text.
    pub sql: String,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// Parameters in order, each with the values that it takes where these are few.
    pub parameters: Vec<(String, Vec<String>)>,
    /// What the values of the parameters are, in the same order: `text`, `date`, `count`, …
    pub parameter_kinds: Vec<String>,
    /// What its rows can be of, the usual one first; empty where there is no choice. The column `member` takes the chosen name.
    pub dimensions: Vec<String>,
    /// Columns of the result, in order.
    pub columns: Vec<DeclaredColumn>,
    /// Entries of the metric dictionary that a column holds row by row, beside those of the columns.
    pub metrics: Vec<String>,
    /// Which rows matter.
    pub rows: Rows,
    /// Whether its rows of a period are those of the period's days, one day after the other.
    pub is_day_by_day: bool,
    /// Which saved question gives the rows behind a column, by the column's name.
    pub behind: BTreeMap<String, Behind>,
    /// Columns that together name a row.
    pub unique: Vec<String>,
    /// Columns that always have a value.
    pub not_null: Vec<String>,
}

/// A saved question that gives the rows behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Its name.
    pub question: String,
    /// Its parameters; a value that begins with `$` is that of the column so called in the figure's row.
    pub parameters: Vec<(String, String)>,
}

/// Which rows a query looks at. A row is there between the first and the last day that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Any.
    All,
    /// Only rows that were there on a day of the period.
    OfPeriod,
    /// Only rows that were there on a day of the period, of its first month, or of the twelve months before that.
    OfYear,
}

impl Rows {
    const OF_PERIOD: &str = "there on a day of the period";
    const OF_YEAR: &str = "there on a day of the period or of the twelve months before";

    fn from_header(text: &str) -> Option<Rows> {
        match text {
            Rows::OF_PERIOD => Some(Rows::OfPeriod),
            Rows::OF_YEAR => Some(Rows::OfYear),
            _ => None,
        }
    }

    /// Returns the days on which rows must have been there to matter for `period`; none is any.
    pub fn days(self, period: Period) -> Option<Period> {
        match self {
            Rows::All => None,
            Rows::OfPeriod => Some(period),
            Rows::OfYear => {
                let month = period.start.with_day(1).expect("every month has a first day");
                Some(Period { start: month.checked_sub_months(Months::new(12)).unwrap_or(month), ..period })
            }
        }
    }
}

/// What a header says of a query that can be asked a few days at a time.
const DAY_BY_DAY: &str = "day by day";

/// Column that takes the name of the chosen dimension.
pub const MEMBER: &str = "member";

impl Query {
    /// Returns what the rows are of when `asked` is asked for: the usual dimension for none, and none where there is no choice.
    ///
    /// # Errors
    /// What can be asked for.
    pub fn dimension(&self, asked: Option<&str>) -> Result<Option<&str>, String> {
        match asked {
            None => Ok(self.dimensions.first().map(String::as_str)),
            Some(asked) => match self.dimensions.iter().find(|known| *known == asked) {
                Some(known) => Ok(Some(known)),
                None if self.dimensions.is_empty() => Err("its rows are of one thing only".to_owned()),
                None => Err(format!("accepted: {}", self.dimensions.join(", "))),
            },
        }
    }

    /// Returns the names of the columns when the rows are of `dimension`.
    pub fn column_names<'a>(&'a self, dimension: Option<&'a str>) -> Vec<&'a str> {
        let name = |column: &'a DeclaredColumn| if column.name == MEMBER { dimension.unwrap_or(MEMBER) } else { &column.name };
        self.columns.iter().map(name).collect()
    }
}

/// A column that a header promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredColumn {
    /// Name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Entry of the metric dictionary.
    pub metric: Option<String>,
}

/// A check of `queries/checks`.
#[derive(Debug, Clone)]
pub struct Check {
    /// Name of the file without ending.
    pub name: String,
    /// The whole text: one row with the number of rows that break the rule.
    pub sql: String,
    /// What a broken check does.
    pub strength: CheckStrength,
    /// What is wrong, to be read after a number.
    pub message: String,
    /// Entries of the metric dictionary that it guards.
    pub metrics: Vec<String>,
    /// Whether it is true of all rows when it is true of the rows of each customer.
    pub by_customer: bool,
}

/// All report queries, saved queries and checks by name.
#[derive(Debug, Clone)]
pub struct Catalogue {
    queries: BTreeMap<String, Query>,
    saved: BTreeMap<String, Query>,
    checks: Vec<Check>,
}

impl Catalogue {
    /// Reads the texts of `queries/` by path, such as `reports/overview.sql`.
    ///
    /// # Errors
    /// The first header that does not say what it must.
    pub fn new(texts: &BTreeMap<String, String>) -> Result<Catalogue, HeaderError> {
        let mut catalogue = Catalogue { queries: BTreeMap::new(), saved: BTreeMap::new(), checks: Vec::new() };
        for (path, sql) in texts {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            let name = name.trim_end_matches(".sql");
            match folder {
                "reports" => {
                    catalogue.queries.insert(name.to_owned(), read_query(path, name, sql)?);
                }
                "audit" => {
                    catalogue.saved.insert(name.to_owned(), read_query(path, name, sql)?);
                }
                "checks" => catalogue.checks.push(read_check(path, name, sql)?),
                _ => {}
            }
        }
        Ok(catalogue)
    }

    /// Returns the report query called `name`.
    pub fn get(&self, name: &str) -> Option<&Query> {
        self.queries.get(name)
    }

    /// Returns the saved queries of `queries/audit`.
    pub fn saved(&self) -> &BTreeMap<String, Query> {
        &self.saved
    }

    /// Returns all checks by name.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns all checks as the live database runs them after each load.
    pub fn table_checks(&self) -> Vec<TableCheck> {
        let of_check = |check: &Check| TableCheck {
            name: check.name.clone(),
            strength: check.strength.name(),
            sql: check.sql.clone(),
            by_customer: check.by_customer,
        };
        self.checks.iter().map(of_check).collect()
    }

    /// Returns all report queries by name.
    pub fn iter(&self) -> impl Iterator<Item = &Query> {
        self.queries.values()
    }
}

/// Lines of a header by key, with their line numbers; the first entry of a list stands on the line after the key.
fn header(sql: &str) -> BTreeMap<String, Vec<(usize, String)>> {
    let mut sections: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    let mut current = None;
    for (number, line) in (1..).zip(sql.lines()) {
        let Some(comment) = line.strip_prefix("--") else { break };
        let key = comment.strip_prefix(' ').filter(|text| !text.starts_with(' ')).and_then(|text| text.split_once(':'));
        if let Some((key, value)) = key {
            current = Some(key.to_owned());
            let section = sections.entry(key.to_owned()).or_default();
            if !value.trim().is_empty() {
                section.push((number, value.trim().to_owned()));
            }
        } else if let Some(section) = current.as_ref().and_then(|key| sections.get_mut(key)) {
            section.push((number, comment.trim().to_owned()));
        }
    }
    sections
}

fn read_query(path: &str, name: &str, sql: &str) -> Result<Query, HeaderError> {
    let sections = header(sql);
    let error = |line: usize, message: String| HeaderError { path: path.to_owned(), line, message };
    for key in ["question", "grain", "parameters", "reads", "anchor", "columns", "unique", "not null"] {
        if sections.get(key).is_none_or(Vec::is_empty) {
            return Err(error(1, format!("the header has no `-- {key}: …`")));
        }
    }
    let mut columns = Vec::new();
    for (line, text) in &sections["columns"] {
        let mut words = text.split_whitespace();
        let (Some(column), Some(kind), Some(metric)) = (words.next(), words.next(), words.next()) else {
            return Err(error(*line, format!("`{text}` is no column (accepted: name, kind, metric or -, note)")));
        };
        let kind = Kind::from_name(kind)
            .ok_or_else(|| error(*line, format!("unknown kind `{kind}` of column `{column}` (known: {})", Kind::NAMES)))?;
        columns.push(DeclaredColumn { name: column.to_owned(), kind, metric: (metric != "-").then(|| metric.to_owned()) });
    }
    let names = |key: &str| -> Result<Vec<String>, HeaderError> {
        let listed = sections[key].iter().flat_map(|(line, text)| text.split(',').map(move |name| (*line, name.trim())));
        listed
            .map(|(line, name)| {
                let is_known = columns.iter().any(|column| column.name == name);
                is_known.then(|| name.to_owned()).ok_or_else(|| error(line, format!("`{key}` names `{name}`, which is no column")))
            })
            .collect()
    };
    let (unique, not_null) = (names("unique")?, names("not null")?);
    let rows = match sections.get("rows").and_then(|lines| lines.first()) {
        None => Rows::All,
        Some((line, text)) => Rows::from_header(text).ok_or_else(|| {
            let accepted = [Rows::OF_PERIOD, Rows::OF_YEAR].join("; ");
            error(*line, format!("unknown `-- rows: {text}` (accepted: {accepted}; or no such line)"))
        })?,
    };
    let is_day_by_day = match sections.get("order").and_then(|lines| lines.first()) {
        None => false,
        Some((_, text)) if text == DAY_BY_DAY => true,
        Some((line, text)) => return Err(error(*line, format!("unknown `-- order: {text}` (accepted: {DAY_BY_DAY}; or no such line)"))),
    };
    let listed = sections.get("metrics").into_iter().flatten().flat_map(|(_, text)| text.split(','));
    let metrics = listed.map(|metric| metric.trim().to_owned()).collect();
    let (parameters, parameter_kinds): (Vec<(String, Vec<String>)>, Vec<String>) =
        sections["parameters"].iter().filter_map(|(_, text)| parameter(text)).map(|(name, kind, values)| ((name, values), kind)).unzip();
    let dimensions = parameters.iter().find(|(name, _)| name == "dimension").map(|(_, values)| values.clone()).unwrap_or_default();
    let mut behind = BTreeMap::new();
    for (line, text) in sections.get("behind").into_iter().flatten() {
        let wrong = || error(*line, format!("`{text}` leads nowhere (accepted: columns, `:`, a saved question, name=value …)"));
        let (names, rest) = text.split_once(':').ok_or_else(wrong)?;
        let mut words = rest.split_whitespace();
        let question = words.next().ok_or_else(wrong)?.to_owned();
        let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(wrong);
        let parameters = words.map(pair).collect::<Result<Vec<_>, _>>()?;
        for name in names.split(',').map(str::trim) {
            if !columns.iter().any(|column| column.name == name) {
                return Err(error(*line, format!("`behind` names `{name}`, which is no column")));
            }
            behind.insert(name.to_owned(), Behind { question: question.clone(), parameters: parameters.clone() });
        }
    }
    Ok(Query {
        behind,
        parameters,
        parameter_kinds,
        dimensions,
        metrics,
        rows,
        is_day_by_day,
        name: name.to_owned(),
        sql: sql.to_owned(),
        sha256: sha256(sql.as_bytes()),
        columns,
        unique,
        not_null,
    })
}

/// Reads a parameter's line: name, kind, and a note, which can be a list of the values that it takes.
fn parameter(text: &str) -> Option<(String, String, Vec<String>)> {
    let (name, rest) = text.split_once(char::is_whitespace)?;
    let (kind, note) = rest.trim_start().split_once(char::is_whitespace)?;
    let values: Vec<&str> = note.split(',').flat_map(|part| part.split(" or ")).map(str::trim).collect();
    let is_word = |text: &&str| !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    let values = if values.len() > 1 && values.iter().all(is_word) { values.into_iter().map(str::to_owned).collect() } else { Vec::new() };
    Some((name.to_owned(), kind.to_owned(), values))
}

fn read_check(path: &str, name: &str, sql: &str) -> Result<Check, HeaderError> {
    let sections = header(sql);
    let value = |key: &str| sections.get(key).and_then(|lines| lines.first()).map(|(_, text)| text.clone());
    let error = |message: String| HeaderError { path: path.to_owned(), line: 1, message };
    let strength = match value("strength").as_deref() {
        Some("fail") => CheckStrength::Fail,
        Some("warn") => CheckStrength::Warn,
        other => return Err(error(format!("unknown strength `{}` (accepted: fail, warn)", other.unwrap_or_default()))),
    };
    let message = value("message").ok_or_else(|| error("the header has no `-- message: …`".to_owned()))?;
    let metrics: Vec<String> = value("metrics")
        .ok_or_else(|| error("the header has no `-- metrics: …`".to_owned()))?
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let by_customer = match value("holds for").as_deref() {
        None => false,
        Some("each customer") => true,
        Some(other) => return Err(error(format!("unknown `-- holds for: {other}` (accepted: each customer, or no such line)"))),
    };
    Ok(Check { name: name.to_owned(), sql: sql.to_owned(), strength, message, metrics, by_customer })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-- question: q\n-- grain: one row\n-- parameters:\n--   a  date  first\n-- reads: ticket\n-- anchor: arrival\n-- columns:\n--   n  count  M1  how many\n--   s  text   -   who\n-- unique: s\n-- not null: n\nSELECT 1";

    fn read(sql: &str) -> Result<Query, String> {
        let texts = BTreeMap::from([("reports/x.sql".to_owned(), sql.to_owned())]);
        Catalogue::new(&texts).map(|catalogue| catalogue.get("x").unwrap().clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_header_declares_the_columns() {
        let query = read(GOOD).unwrap();
        assert_eq!(query.columns[0], DeclaredColumn { name: "n".into(), kind: Kind::Count, metric: Some("M1".into()) });
        assert_eq!(query.columns[1].metric, None);
        assert_eq!(query.unique, ["s"]);
    }

    #[test]
    fn a_header_that_says_too_little_is_refused_with_its_line() {
        assert_eq!(
            read(&GOOD.replace("count ", "counts ")).unwrap_err(),
            format!("queries/reports/x.sql:8: unknown kind `counts` of column `n` (known: {})", Kind::NAMES)
        );
        assert_eq!(read(&GOOD.replace("-- grain: one row\n", "")).unwrap_err(), "queries/reports/x.sql:1: the header has no `-- grain: …`");
        assert_eq!(
            read(&GOOD.replace("unique: s", "unique: z")).unwrap_err(),
            "queries/reports/x.sql:10: `unique` names `z`, which is no column"
        );
        assert_eq!(
            read(&GOOD.replace("-- anchor", "-- order: by day\n-- anchor")).unwrap_err(),
            "queries/reports/x.sql:6: unknown `-- order: by day` (accepted: day by day; or no such line)"
        );
    }
}
