//! What may be asked at all: one query that reads described tables with functions that compute.
//!
//! The engine's own parser reads the text, as a bound value and nothing else; the tree that it gives is looked through node by node, and
//! everything that is not known to be harmless is refused. So what is looked at and what runs cannot be read in two ways.

use std::{collections::BTreeSet, ops::Range, thread};

use duckdb::{Connection, params};
use serde::Deserialize;
use serde_json::Value;

use super::functions;

/// What the tree of a question names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Tables, in alphabetical order.
    pub tables: BTreeSet<String>,
    /// Last parts of the names of columns.
    pub columns: BTreeSet<String>,
    /// Whether it asks for all columns of something.
    pub all_columns: bool,
    /// Names of its parameters, such as `sector` for `$sector`.
    pub parameters: BTreeSet<String>,
    /// Bytes of the text up to its last semicolon, if it ends with one.
    pub length: usize,
}

/// Why a text is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// What is wrong.
    pub message: String,
    /// What is accepted.
    pub help: Option<String>,
    /// Where, in bytes of the text.
    pub at: Option<usize>,
    /// Whether the text is no SQL at all, or SQL that is not allowed.
    pub kind: RejectionKind,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// It is no SQL.
    Syntax,
    /// It is SQL that a question must not hold.
    Forbidden,
}

impl Rejection {
    /// Returns the bytes of `sql` that are meant, for underlining.
    pub fn span(&self, sql: &str) -> Option<Range<usize>> {
        word_at(sql, self.at)
    }
}

/// Returns the bytes of the word of `sql` that begins at `at`.
pub fn word_at(sql: &str, at: Option<usize>) -> Option<Range<usize>> {
    let start = at.filter(|at| *at < sql.len() && sql.is_char_boundary(*at))?;
    let word = sql[start..].char_indices().find(|(_, char)| !(char.is_alphanumeric() || "_.'\"/".contains(*char)));
    let end = word.map_or(sql.len(), |(length, _)| start + length);
    let first = sql[start..].chars().next().map_or(0, char::len_utf8);
    Some(start..end.max(start + first))
}

/// Longest text of a question, in bytes.
pub const LONGEST: usize = 200_000;

/// Deepest nesting that is looked through; the parser's own limit lies above it.
const DEEPEST: usize = 5_000;

/// Stack of the thread that reads a question: nesting is held to a limit, but a level takes several calls.
const STACK_BYTES: usize = 256 << 20;

/// Returns what a question names.
///
/// # Errors
/// What it may not hold, and where.
pub fn read(sql: &str) -> Result<Named, Rejection> {
    if sql.len() > LONGEST {
        return Err(reject(&format!("a question of {} bytes is too long (accepted: up to {LONGEST})", sql.len()), None, None));
    }
    if sql.contains('\0') {
        return Err(reject("a question holds no zero bytes", None, None));
    }
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || read_tree(sql));
        let read = reader.map_err(|error| syntax(error.to_string(), None))?.join();
        read.unwrap_or_else(|_| Err(syntax("the question cannot be read".to_owned(), None)))
    })
}

fn read_tree(sql: &str) -> Result<Named, Rejection> {
    let parser = parser().map_err(|error| syntax(error.to_string(), None))?;
    let tree = tree_of(&parser, sql)?;
    if tree["error"] == true {
        let message = tree["error_message"].as_str().unwrap_or_default();
        if message.contains("Only SELECT statements") || message.contains("A CTE needs a SELECT") {
            return Err(reject("a question is one SELECT: nothing else is run here", None, Some("SELECT … or WITH … SELECT …")));
        }
        let at = tree["position"].as_str().and_then(|text| text.parse().ok());
        return Err(syntax(first_line(message), at));
    }
    let statements = tree["statements"].as_array().map_or(&[][..], Vec::as_slice);
    let [statement] = statements else {
        let message = format!("a question is one SELECT, this text has {}", statements.len());
        return Err(reject(&message, None, Some("ask one after the other")));
    };
    let mut walk = Walk { defined: BTreeSet::new(), named: Named::default() };
    walk.definitions(statement, 0)?;
    walk.node(statement)?;
    walk.named.length = length(&parser, sql)?;
    Ok(walk.named)
}

/// Opens the engine's parser: a database that reads text and can do nothing else.
fn parser() -> duckdb::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch("SET threads = 1; SET enable_external_access = false; SET lock_configuration = true")?;
    Ok(connection)
}

fn tree_of(parser: &Connection, sql: &str) -> Result<Value, Rejection> {
    let serialize = "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)";
    let text: String =
        parser.query_row(serialize, params![sql], |row| row.get(0)).map_err(|error| syntax(first_line(&error.to_string()), None))?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    // Depth is held to a limit of our own, with a sentence that says so.
    reader.disable_recursion_limit();
    Value::deserialize(&mut reader).map_err(|error| syntax(error.to_string(), None))
}

/// Returns how much of a text of one statement comes before the semicolon that ends it; remarks may follow.
fn length(parser: &Connection, sql: &str) -> Result<usize, Rejection> {
    // More are not looked at: a text that ends with a remark of many semicolons is refused by the engine later, with its place.
    const TRIED: usize = 32;
    let statements = |text: &str| -> Result<Option<usize>, Rejection> { Ok(tree_of(parser, text)?["statements"].as_array().map(Vec::len)) };
    let mut length = sql.len();
    for (at, _) in sql.rmatch_indices(';').take(TRIED) {
        if statements(&sql[at + 1..])? == Some(0) && statements(&sql[..at])? == Some(1) {
            length = at;
        }
    }
    Ok(length)
}

fn syntax(message: String, at: Option<usize>) -> Rejection {
    Rejection { message, help: None, at, kind: RejectionKind::Syntax }
}

fn reject(message: &str, at: Option<usize>, help: Option<&str>) -> Rejection {
    Rejection { message: message.to_owned(), help: help.map(str::to_owned), at, kind: RejectionKind::Forbidden }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// Kinds of expressions that compute.
const EXPRESSIONS: [&str; 16] = [
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "LAMBDA",
    "LAMBDA_REF",
    "OPERATOR",
    "PARAMETER",
    "STAR",
    "SUBQUERY",
    "WINDOW",
];

/// Kinds of queries, of what stands in place of a table, and of what is done to their rows.
const PARTS: [&str; 16] = [
    "SELECT_NODE",
    "SET_OPERATION_NODE",
    "RECURSIVE_CTE_NODE",
    "CTE_NODE",
    "BASE_TABLE",
    "SUBQUERY",
    "JOIN",
    "TABLE_FUNCTION",
    "EMPTY",
    "EXPRESSION_LIST",
    "PIVOT",
    "ORDER_MODIFIER",
    "LIMIT_MODIFIER",
    "LIMIT_PERCENT_MODIFIER",
    "DISTINCT_MODIFIER",
    "INVALID",
];

/// Directions of a sort.
const DIRECTIONS: [&str; 4] = ["ORDER_DEFAULT", "ASCENDING", "DESCENDING", "ORDER_ASCENDING"];

struct Walk {
    /// Names that the question gives to queries of its own.
    defined: BTreeSet<String>,
    named: Named,
}

impl Walk {
    /// Gathers the names of all common table expressions.
    fn definitions(&mut self, node: &Value, depth: usize) -> Result<(), Rejection> {
        if depth > DEEPEST {
            return Err(reject("the question is nested too deeply", None, None));
        }
        match node {
            Value::Object(fields) => {
                for entry in fields.get("cte_map").and_then(|map| map["map"].as_array()).into_iter().flatten() {
                    let name = entry["key"].as_str().unwrap_or_default();
                    // A name that a path could have would be one where the definition does not reach.
                    if !is_plain(name) {
                        return Err(reject(&format!("`{name}` is no name for a query (accepted: letters, digits and _)"), None, None));
                    }
                    self.defined.insert(name.to_lowercase());
                }
                if fields.get("type").is_some_and(|kind| kind == "RECURSIVE_CTE_NODE") {
                    self.defined
                        .extend(fields.get("cte_name").and_then(Value::as_str).filter(|name| is_plain(name)).map(str::to_lowercase));
                }
                fields.values().try_for_each(|value| self.definitions(value, depth + 1))
            }
            Value::Array(values) => values.iter().try_for_each(|value| self.definitions(value, depth + 1)),
            _ => Ok(()),
        }
    }

    /// Looks at everything below a node; its depth is known to be bounded.
    fn node(&mut self, node: &Value) -> Result<(), Rejection> {
        let fields = match node {
            Value::Object(fields) => fields,
            Value::Array(values) => return values.iter().try_for_each(|value| self.node(value)),
            _ => return Ok(()),
        };
        let word = |name: &str| fields.get(name).and_then(Value::as_str);
        let at = fields.get("query_location").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        if let Some(class) = word("class") {
            if !EXPRESSIONS.contains(&class) {
                return Err(reject(&format!("expressions of the kind {class} are not for questions"), at, None));
            }
            match class {
                "FUNCTION" | "WINDOW" => require_function(fields, at)?,
                "COLUMN_REF" => {
                    let name = fields.get("column_names").and_then(Value::as_array).and_then(|names| names.last()?.as_str());
                    self.named.columns.extend(name.map(str::to_lowercase));
                }
                "STAR" => self.named.all_columns = true,
                "PARAMETER" => self.named.parameters.extend(word("identifier").map(str::to_owned)),
                _ => {}
            }
        } else if let Some(kind) = word("type") {
            let is_value = fields.contains_key("id") || kind.ends_with("_TYPE_INFO") || DIRECTIONS.contains(&kind);
            match kind {
                _ if is_value => {}
                "BASE_TABLE" => self.table(fields, at)?,
                "TABLE_FUNCTION" => {
                    let function = &fields["function"];
                    let name = function["function_name"].as_str().unwrap_or_default().to_lowercase();
                    let is_plain_call = function["class"] == "FUNCTION" && function["catalog"] == "";
                    if !is_plain_call || !functions::is_table_function(&name) {
                        let help = "tables of `.tables`, and range, generate_series and unnest";
                        return Err(reject(&format!("`{name}` cannot stand in place of a table"), at, Some(help)));
                    }
                    for (_, value) in fields.iter().filter(|(name, _)| *name != "function") {
                        self.node(value)?;
                    }
                    return self.node(&function["children"]);
                }
                "SHOW_REF" => {
                    let help = "`relato query .tables` and `.describe TABLE`";
                    return Err(reject("DESCRIBE, SHOW and SUMMARIZE are not run here", at, Some(help)));
                }
                _ if PARTS.contains(&kind) => {}
                _ => return Err(reject(&format!("parts of the kind {kind} are not for questions"), at, None)),
            }
        }
        fields.values().try_for_each(|value| self.node(value))
    }

    fn table(&mut self, fields: &serde_json::Map<String, Value>, at: Option<usize>) -> Result<(), Rejection> {
        let word = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = word("table_name");
        if !word("schema_name").is_empty() || !word("catalog_name").is_empty() {
            let whole: Vec<&str> = [word("catalog_name"), word("schema_name"), name].into_iter().filter(|part| !part.is_empty()).collect();
            return Err(reject(
                &format!("`{}` is not among the tables", whole.join(".")),
                at,
                Some("tables have no schema: name them alone"),
            ));
        }
        if fields.get("at_clause").is_some_and(|clause| !clause.is_null()) {
            return Err(reject("AT is not for questions", at, Some("--as-of SNAPSHOT or --as-of DATE")));
        }
        let name = name.to_lowercase();
        if !self.defined.contains(&name) {
            if !is_plain(&name) {
                return Err(reject(&format!("`{name}` is not among the tables"), at, Some("`relato query .tables` lists them")));
            }
            self.named.tables.insert(name);
        }
        Ok(())
    }
}

fn require_function(fields: &serde_json::Map<String, Value>, at: Option<usize>) -> Result<(), Rejection> {
    let word = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = word("function_name").to_lowercase();
    // The parser itself writes the built-in schema before what it makes of brackets and the like.
    let is_qualified = !["", "main"].contains(&word("schema")) || !word("catalog").is_empty();
    if is_qualified || !functions::is_function(&name) {
        let message = format!("`{name}` is not among the functions of questions");
        return Err(reject(&message, at, Some("`relato query .functions` lists them")));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|char| char.is_alphanumeric() || char == '_') && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_question_tells_what_it_reads() {
        let named = read(
            "WITH late AS (SELECT sector, count(*) FILTER (WHERE queue_wait_s > $limit) AS n FROM Ticket GROUP BY sector)
             SELECT late.sector, late.n::INT, percentile_cont(0.9) WITHIN GROUP (ORDER BY turn.own_s)
             FROM late JOIN turn ON turn.sector = late.sector WHERE turn.sector LIKE 'F%' GROUP BY 1, 2 ORDER BY 1",
        )
        .unwrap();
        assert_eq!(named.tables, names(&["ticket", "turn"]));
        assert_eq!(named.columns, names(&["n", "own_s", "queue_wait_s", "sector"]));
        assert_eq!((named.parameters, named.all_columns), (names(&["limit"]), false));
        for (sql, whole) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT 1 ; ; -- x;y", "SELECT 1 "),
            ("SELECT 'a;'", "SELECT 'a;'"),
            ("SELECT 1 /* ; */", "SELECT 1 /* ; */"),
        ] {
            assert_eq!(&sql[..read(sql).unwrap().length], whole, "{sql}");
        }
        assert!(read("FROM ticket").unwrap().all_columns);
    }

    #[test]
    fn a_mistake_is_placed() {
        let rejection = read("SELECT sector FROM ticket WHER sector = 'x' AND").unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::Syntax);
        let rejection = read("SELECT getenv('HOME')").unwrap_err();
        assert_eq!((rejection.kind, rejection.at), (RejectionKind::Forbidden, Some(7)));
        assert_eq!(rejection.span("SELECT getenv('HOME')"), Some(7..13));
        assert_eq!(rejection.to_string(), "`getenv` is not among the functions of questions");
    }

    #[test]
    fn names_of_functions_are_sorted_out_once() {
        let all: Vec<&str> = functions::names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for name in
            ["getenv", "current_setting", "read_text", "repeat", "sleep_ms", "pg_sleep", "write_log", "json_serialize_plan", "query"]
        {
            assert!(!functions::is_function(name), "{name}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        let nots = format!("SELECT {}true", "NOT ".repeat(20_000));
        let sums = format!("SELECT 1{}", " + 1".repeat(20_000));
        assert_eq!(read(&deep).map(|named| named.columns), Ok(BTreeSet::new()), "brackets that mean nothing leave no trace in the tree");
        for sql in [&nots, &sums] {
            read(sql).unwrap_err();
        }
    }
}
