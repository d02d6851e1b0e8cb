//! Has DuckDB hold the values of a column once for all of its percentiles.

use std::{collections::BTreeMap, ops::Range};

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
pub(super) fn at_once(sql: &str) -> String {
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
        text.push_str(&format!("({CALL}[{}]{OF}{of}))[{}]", all.join(", "), position + 1));
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
    use super::at_once;

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
