//! Says a query in DuckDB's words: with the values of its parameters, and the percentiles of a column asked for at once.

use std::{collections::BTreeMap, ops::Range};

use super::Literal;

/// Returns `sql` as DuckDB runs it fastest: with `values` in the place of parameters, since a text is planned once and a statement with
/// parameters when it is prepared and again when it runs; and with percentiles of the same expression at once. A parameter without a value stays.
pub(super) fn in_duckdbs_words(sql: &str, values: &BTreeMap<String, Literal>) -> String {
    with_parameters(&at_once(sql), |name| values.get(name).map_or_else(|| format!("${name}"), Literal::in_sql))
}

/// Returns the names of the parameters of `sql`, in its order.
pub(super) fn parameters_of(sql: &str) -> Vec<String> {
    let mut names = Vec::new();
    with_parameters(sql, |name| {
        names.push(name.to_owned());
        String::new()
    });
    names
}

/// Returns `sql` with what `said` says in the place of each `$name`; what stands in texts, quoted names and comments stays.
fn with_parameters(sql: &str, mut said: impl FnMut(&str) -> String) -> String {
    let (mut text, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some(place) = rest.find(['\'', '"', '-', '$']) {
        let (before, from) = rest.split_at(place);
        text.push_str(before);
        let after = &from[1..];
        let length = match from.as_bytes()[0] {
            quote @ (b'\'' | b'"') => after.find(char::from(quote)).map_or(from.len(), |end| end + 2),
            b'-' if after.starts_with('-') => from.find('\n').unwrap_or(from.len()),
            b'$' => {
                let end = after.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(after.len());
                if end > 0 {
                    text.push_str(&said(&after[..end]));
                    rest = &after[end..];
                    continue;
                }
                1
            }
            _ => 1,
        };
        text.push_str(&from[..length]);
        rest = &from[length..];
    }
    text + rest
}

impl Literal {
    /// Returns the value as SQL says it.
    pub(super) fn in_sql(&self) -> String {
        match self {
            Literal::Null(()) => "NULL".to_owned(),
            Literal::Date(day) => format!("DATE '{day}'"),
            Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Literal::Int(number) => format!("CAST({number} AS BIGINT)"),
            Literal::Float(number) => format!("CAST('{number:?}' AS DOUBLE)"),
        }
    }
}

const CALL: &str = "percentile_cont(";
const OF: &str = ") WITHIN GROUP (ORDER BY ";

/// One call: where it stands, the fraction it asks for, and of what.
struct Percentile<'a> {
    place: Range<usize>,
    fraction: &'a str,
    of: &'a str,
}

/// Returns `sql` with all percentiles of the same expression asked for at once, in DuckDB's words.
///
/// Each call of its own holds a copy of all values and puts it in order. A list of fractions does both once and has the same numbers as its
/// elements; equal calls are one to DuckDB. Queries keep the words that other engines know, too.
fn at_once(sql: &str) -> String {
    let found = percentiles(sql);
    let mut fractions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for percentile in &found {
        let known = fractions.entry(percentile.of).or_default();
        if !known.contains(&percentile.fraction) {
            known.push(percentile.fraction);
        }
    }
    let (mut text, mut end) = (String::with_capacity(sql.len() + 32 * found.len()), 0);
    for Percentile { place, fraction, of } in found {
        let all = &fractions[of];
        let Some(position) = all.iter().position(|known| all.len() > 1 && *known == fraction) else { continue };
        text.push_str(&sql[end..place.start]);
        let element = format!("({CALL}[{}]{OF}{of}))[{}]", all.join(", "), position + 1);
        text.push_str(&element);
        end = place.end;
    }
    text + &sql[end..]
}

/// Returns the calls in `sql` with a plain number, those apart that a filter or a window follows.
fn percentiles(sql: &str) -> Vec<Percentile<'_>> {
    let call = |(start, _): (usize, &str)| {
        let (fraction, rest) = sql[start + CALL.len()..].split_once(OF)?;
        fraction.parse::<f64>().ok()?;
        let of = &rest[..closing(rest)?];
        let after = &rest[of.len() + 1..];
        let is_plain = !["FILTER", "OVER"].iter().any(|word| after.trim_start().starts_with(word));
        is_plain.then(|| Percentile { place: start..sql.len() - after.len(), fraction, of })
    };
    sql.match_indices(CALL).filter_map(call).collect()
}

/// Returns the place of the bracket in `text` that closes one before it.
fn closing(text: &str) -> Option<usize> {
    let (mut open, mut is_quoted) = (0_usize, false);
    for (place, char) in text.char_indices() {
        match char {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => open += 1,
            ')' if !is_quoted && open == 0 => return Some(place),
            ')' if !is_quoted => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_parameters_stood() {
        let sql = "-- $a's day\nSELECT '$a', \"$a\", 'it''s $a' || $b, $a - $c, 1 - $d, $a_b FROM t -- $b";
        let values = [
            ("a", Literal::Date("2026-10-01".parse().unwrap())),
            ("b", Literal::Text("o'clock $a".to_owned())),
            ("c", Literal::Int(-7)),
            ("d", Literal::Null(())),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let expected = "-- $a's day\nSELECT '$a', \"$a\", 'it''s $a' || 'o''clock $a', DATE '2026-10-01' - CAST(-7 AS BIGINT), 1 - NULL, $a_b FROM t -- $b";
        assert_eq!(in_duckdbs_words(sql, &values), expected);
        assert_eq!(parameters_of(sql), ["b", "a", "c", "d", "a_b"]);
    }

    #[test]
    fn duckdb_reads_every_value_as_it_was() {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        for float in [0.1, -1.5e300, f64::MIN_POSITIVE, 1.0 / 3.0] {
            let values = BTreeMap::from([("x".to_owned(), Literal::Float(float))]);
            let found: f64 = connection.query_row(&in_duckdbs_words("SELECT $x", &values), [], |row| row.get(0)).unwrap();
            assert!(found.to_bits() == float.to_bits(), "{float}");
        }
        for text in ["", "'", "a\\'; DROP TABLE t; --", "ção $x \n"] {
            let values = BTreeMap::from([("x".to_owned(), Literal::Text(text.to_owned()))]);
            let found: String = connection.query_row(&in_duckdbs_words("SELECT $x", &values), [], |row| row.get(0)).unwrap();
            assert_eq!(found, text);
        }
    }

    #[test]
    fn percentiles_of_one_expression_are_asked_for_at_once() {
        let sql = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN a = ')' THEN f(b) END) AS m, \
                   ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE WHEN a = ')' THEN f(b) END), 1) AS p FROM t";
        let expected = "SELECT (percentile_cont([0.5, 0.9]) WITHIN GROUP (ORDER BY CASE WHEN a = ')' THEN f(b) END))[1] AS m, \
                        ROUND((percentile_cont([0.5, 0.9]) WITHIN GROUP (ORDER BY CASE WHEN a = ')' THEN f(b) END))[2], 1) AS p FROM t";
        assert_eq!(at_once(sql), expected);
    }

    #[test]
    fn what_stands_alone_or_has_a_filter_or_window_stays() {
        for sql in [
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), percentile_cont(0.9) WITHIN GROUP (ORDER BY b) FROM t",
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), percentile_cont(0.9) WITHIN GROUP (ORDER BY a) FILTER (WHERE b) FROM t",
            "SELECT percentile_cont($1) WITHIN GROUP (ORDER BY a), percentile_cont(0.9) WITHIN GROUP (ORDER BY a FROM t",
        ] {
            assert_eq!(at_once(sql), sql);
        }
    }

    #[test]
    fn duckdb_gives_the_same_numbers() {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let sql = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) AS m, percentile_cont(0.9) WITHIN GROUP (ORDER BY v) AS p \
                   FROM (SELECT CASE WHEN g > 0 THEN CAST(i * i % 97 AS INTEGER) END AS v, g FROM range(1000) AS t(i), range(2) AS s(g)) GROUP BY g ORDER BY g";
        let numbers = |sql: &str| -> Vec<(Option<f64>, Option<f64>)> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_ne!(at_once(sql), sql);
        assert_eq!(numbers(&at_once(sql)), numbers(sql));
        assert_eq!(numbers(sql)[0], (None, None));
    }
}
