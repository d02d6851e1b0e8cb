//! The tables that questions may read: what they are, what their columns mean, and what a profile does not get to see.

use std::collections::BTreeMap;

use crate::{
    config::Profile,
    ledger::{LEDGER_TABLES, LedgerTable},
    snapshot::{RESTRICTED, Snapshot},
};

/// A column, as the file that makes its table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedColumn {
    /// Name.
    pub name: String,
    /// What its values are, such as `duration` (seconds).
    pub kind: String,
    /// What they mean, and what no value means.
    pub meaning: String,
}

/// A table of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTable {
    /// Name.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// What a row is.
    pub grain: String,
    /// Its columns, in order.
    pub columns: Vec<DescribedColumn>,
}

/// What a profile reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether satisfaction comments are there.
    pub comments: bool,
    /// Whether attendants are there by name and address; otherwise by a pseudonym.
    pub agents: bool,
}

/// Columns that name an attendant: their address, or their name.
const AGENT_COLUMNS: [&str; 4] = ["agent", "first_response_agent", "last_agent", "name"];

impl Reach {
    /// Returns whether `table` is there at all.
    pub fn has(self, table: &str) -> bool {
        self.comments || !RESTRICTED.contains(&table)
    }

    /// Returns whether a column of `table` has pseudonyms in place of attendants.
    pub fn masks(self, table: &str, column: &str) -> bool {
        !self.agents && AGENT_COLUMNS.contains(&column) && (column != "name" || table == "agent")
    }

    /// Returns what `profile` reaches; none is somebody where nobody is declared.
    pub fn of(profile: Option<Profile>, access: &crate::config::Access) -> Reach {
        // Where nobody is declared whoever runs this program asks, and asks no more than an auditor.
        let profile = profile.unwrap_or(Profile::Auditor);
        Reach { comments: access.comments.contains(&profile), agents: access.agent_names.contains(&profile) }
    }
}

/// Describes the tables of `snapshot` and of the ledger from the headers of the files that make them; `texts` are those of `queries/` by path.
pub fn described(snapshot: &Snapshot, texts: &BTreeMap<String, String>) -> Vec<DescribedTable> {
    let table = |name: &String| {
        let text = texts.get(&format!("marts/{name}.sql")).map_or("", String::as_str);
        DescribedTable {
            name: name.clone(),
            question: line_of(text, "question"),
            grain: line_of(text, "grain"),
            columns: columns(text, texts),
        }
    };
    let of_ledger = |table: &LedgerTable| DescribedTable {
        name: table.name.to_owned(),
        question: "What does this installation remember of its own doings? As of now, whatever snapshot is asked.".to_owned(),
        grain: table.grain.to_owned(),
        columns: table
            .columns
            .iter()
            .map(|(name, kind, meaning)| DescribedColumn {
                name: (*name).to_owned(),
                kind: (*kind).to_owned(),
                meaning: (*meaning).to_owned(),
            })
            .collect(),
    };
    snapshot.manifest.tables.keys().map(table).chain(LEDGER_TABLES.iter().map(of_ledger)).collect()
}

fn line_of(text: &str, key: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix("-- ")?.strip_prefix(key)?.strip_prefix(':')).unwrap_or_default().trim().to_owned()
}

/// Reads the columns of a header. One that goes on from another file's (`as in schema.table, and`) begins with those, but for some
/// (`as in schema.table without a, b, and`).
fn columns(text: &str, texts: &BTreeMap<String, String>) -> Vec<DescribedColumn> {
    let mut columns: Vec<DescribedColumn> = Vec::new();
    // How many of the last columns were described by one entry.
    let mut together = 1;
    let mut names: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in text.lines().map_while(|line| line.strip_prefix("--")) {
        if let Some(rest) = line.strip_prefix(" columns:") {
            is_inside = true;
            if let Some(other) = rest.trim().strip_prefix("as in ") {
                let (other, left_out) = other.split_once(" without ").unwrap_or((other, ""));
                let left_out: Vec<&str> = left_out.split(',').map(str::trim).collect();
                let other = other.split(',').next().unwrap_or_default().replace("staging.", "staging/").replace("marts.", "marts/");
                let of_other = texts.get(&format!("{}.sql", other.trim())).map(|text| self::columns(text, texts)).unwrap_or_default();
                columns.extend(of_other.into_iter().filter(|column| !left_out.contains(&column.name.as_str())));
            }
            continue;
        }
        if !is_inside {
            continue;
        }
        let Some(entry) = line.strip_prefix("   ") else { break };
        if entry.starts_with(' ') {
            // A note that goes on, or the kind of names that filled a line.
            let more = entry.trim();
            if names.is_empty() {
                columns.iter_mut().rev().take(together).for_each(|column| column.meaning = format!("{} {more}", column.meaning));
            } else {
                together = names.len();
                columns.extend(entries(&std::mem::take(&mut names), more));
            }
            continue;
        }
        let words: Vec<&str> = entry.split_whitespace().collect();
        let listed = words.iter().take_while(|word| word.ends_with(',')).count() + 1;
        names.extend(words.iter().take(listed).map(|word| word.trim_end_matches(',').to_owned()));
        let rest = words.get(listed..).unwrap_or_default().join(" ");
        if !rest.is_empty() {
            together = names.len();
            columns.extend(entries(&std::mem::take(&mut names), &rest));
        }
    }
    columns
}

fn entries(names: &[String], kind_and_meaning: &str) -> Vec<DescribedColumn> {
    let (kind, meaning) = kind_and_meaning.split_once(char::is_whitespace).unwrap_or((kind_and_meaning, ""));
    let entry = |name: &String| DescribedColumn { name: name.clone(), kind: kind.to_owned(), meaning: meaning.trim().to_owned() };
    names.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_from_headers() {
        let staging = "-- question: q\n-- columns:\n--   ticket_id  text  key\n--   created_at  local_time  UTC\n-- notes: n\nSELECT 1";
        let mart = "-- question: What?\n-- grain: one row\n-- columns: as in staging.ticket, and\n--   a_s, b_s\n--              duration  seconds; null:\n--                        never\n--   c        text      word\nSELECT 2";
        let texts =
            BTreeMap::from([("staging/ticket.sql".to_owned(), staging.to_owned()), ("marts/ticket.sql".to_owned(), mart.to_owned())]);
        let found = columns(mart, &texts);
        let told: Vec<(&str, &str, &str)> = found.iter().map(|column| (&*column.name, &*column.kind, &*column.meaning)).collect();
        assert_eq!(
            told,
            [
                ("ticket_id", "text", "key"),
                ("created_at", "local_time", "UTC"),
                ("a_s", "duration", "seconds; null: never"),
                ("b_s", "duration", "seconds; null: never"),
                ("c", "text", "word"),
            ]
        );
    }

    #[test]
    fn what_is_restricted_depends_on_the_profile() {
        let access = crate::config::Access::default();
        let (auditor, administrator) = (Reach::of(Some(Profile::Auditor), &access), Reach::of(Some(Profile::Administrador), &access));
        assert_eq!((auditor.has("comment"), administrator.has("comment"), auditor.has("ticket")), (false, true, true));
        assert_eq!(Reach::of(None, &access), auditor);
        let blind = Reach { comments: false, agents: false };
        assert!(
            blind.masks("ticket", "agent")
                && blind.masks("agent", "name")
                && !blind.masks("other", "name")
                && !auditor.masks("ticket", "agent")
        );
    }
}
