//! Promises about the code itself: which folder may use which, and what report queries may contain.

use std::{collections::BTreeMap, fs, path::Path};

use crate::support::root;

/// Folders from the outermost to the innermost; a folder uses only those of later ranks.
const RANKS: [&[&str]; 8] = [
    &["cli"],
    &["console", "schedule", "audit", "ops", "sim"],
    &["report", "deliver", "ingest"],
    &["render", "query", "blip"],
    &["snapshot", "store", "ledger"],
    &["config"],
    &["files"],
    &["domain"],
];

/// One door for each heavy dependency: the crate as paths name it, and the folders that may.
const DOORS: [(&str, &[&str]); 18] = [
    ("rusqlite::", &["ledger"]),
    ("duckdb::", &["store", "snapshot", "query", "audit/gate.rs", "audit/worker.rs"]),
    ("reqwest::", &["blip", "deliver"]),
    ("rust_xlsxwriter::", &["render/xlsx", "render/error.rs"]),
    ("genpdf::", &["render/pdf"]),
    ("lopdf::", &["render/pdf"]),
    ("axum::", &["sim", "console"]),
    ("lettre::", &["deliver/email.rs"]),
    ("maud::", &["render/mail.rs"]),
    ("resvg::", &["render/chart/png.rs"]),
    ("sd_notify::", &["cli/serve.rs"]),
    ("indicatif::", &["cli"]),
    ("rustyline::", &["cli/query/prompt.rs"]),
    ("nix::unistd", &["cli/asker.rs", "audit/worker.rs", "query/launcher.rs"]),
    ("nix::sys", &["audit/worker.rs", "files/mode.rs", "query/launcher.rs", "snapshot/cache.rs"]),
    ("object_store::", &["snapshot/bucket.rs"]),
    ("calamine::", &["ingest/import"]),
    ("toml_edit::", &["ops"]),
];

fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            files.push((path.to_string_lossy().into_owned(), fs::read_to_string(&path).expect("a text")));
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<(String, String)> {
    let prefix = root().join("src").to_string_lossy().into_owned() + "/";
    files(&root().join("src"), "rs").into_iter().map(|(path, text)| (path.replacen(&prefix, "", 1), text)).collect()
}

#[test]
fn arrows_go_one_way() {
    let rank: BTreeMap<&str, usize> =
        (0..).zip(RANKS).flat_map(|(rank, folders)| folders.iter().map(move |folder| (*folder, rank))).collect();
    let mut seen = 0;
    for (path, text) in sources() {
        let Some((folder, _)) = path.split_once('/') else { continue };
        let own = *rank.get(folder).unwrap_or_else(|| panic!("`{folder}` has no rank"));
        for line in used_paths(&text) {
            let used = line.split("::").next().unwrap_or_default();
            if used == folder {
                continue;
            }
            let other = *rank.get(used).unwrap_or_else(|| panic!("{path} uses `crate::{used}`, which has no rank"));
            seen += 1;
            assert!(own < other, "{path} uses `crate::{used}`: arrows go from {RANKS:?} to the right only");
        }
    }
    assert!(seen > 50, "{seen} arrows were looked at");
}

/// Returns what follows `crate::`, one entry for each name of a group.
fn used_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut item) = (0, String::new());
            for char in group.chars() {
                match char {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => paths.push(std::mem::take(&mut item)),
                    _ if depth == 0 && !char.is_whitespace() => item.push(char),
                    _ => {}
                }
            }
            paths.push(item);
        } else {
            paths.push(rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_' || *char == ':').collect());
        }
    }
    paths.into_iter().filter(|path| !path.is_empty()).collect()
}

#[test]
fn every_dependency_has_one_door() {
    for (dependency, doors) in DOORS {
        let mut used = 0;
        for (path, text) in sources() {
            if text.contains(dependency) {
                used += 1;
                assert!(doors.iter().any(|door| path.starts_with(door)), "{path} uses `{dependency}`, whose doors are {doors:?}");
            }
        }
        assert!(used > 0, "`{dependency}` is used somewhere");
    }
}

#[test]
fn renderers_do_no_input_or_output_and_read_no_clock() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("render/") || path.starts_with("domain/")) {
        for forbidden in ["std::fs", "File::", "Utc::now", "Local::now", "SystemTime", "Instant::now", "std::env", "SELECT "] {
            assert!(!text.contains(forbidden), "{path} contains `{forbidden}`");
        }
    }
}

/// What DuckDB takes but other engines do not, or answer differently.
const NOT_PORTABLE: [&str; 28] = [
    "quantile_cont(",
    "median(",
    "approx_",
    "date_diff(",
    "datediff(",
    "isodow(",
    "extract(",
    "max_by(",
    "min_by(",
    "arg_max(",
    "time_bucket(",
    " at time zone",
    "list_",
    "struct_",
    "unnest(",
    "group by all",
    "order by all",
    "select * exclude",
    "select * replace",
    "asof ",
    "anti join",
    "semi join",
    "::",
    "strftime(",
    "generate_series(",
    "group by 1",
    "order by 1",
    // One engine wants a length; `string` is the same everywhere.
    "varchar",
];

#[test]
fn report_queries_and_checks_stay_in_the_portable_subset() {
    let mut looked_at = 0;
    for folder in ["queries/reports", "queries/checks"] {
        for (path, text) in files(&root().join(folder), "sql") {
            looked_at += 1;
            let sql: String =
                text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n").to_lowercase();
            for forbidden in NOT_PORTABLE {
                assert!(!sql.contains(forbidden), "{path} contains `{forbidden}`");
            }
            assert!(!sql.trim_start().starts_with("from "), "{path} begins with FROM");
            // Engines interpolate in different steps; between whole seconds a tenth is exact.
            let percentiles = sql.matches("percentile_cont(").count();
            assert_eq!(
                sql.matches("round(percentile_cont(").count(),
                percentiles,
                "{path} has a percentile that is not rounded to a tenth"
            );
            // An integer divided by an integer is cut in one engine and not in another.
            for (position, _) in sql.match_indices('/') {
                let before = sql[..position].trim_end();
                assert!(
                    before.ends_with("double)") || before.ends_with("score_sum"),
                    "{path} divides without a cast: …{}",
                    &before[before.len().saturating_sub(40)..]
                );
            }
        }
    }
    assert!(looked_at > 15, "{looked_at} files were looked at");
}

#[test]
fn every_shown_column_has_a_label_in_every_language() {
    let catalogue = relato::query::Catalogue::new(&relato::config::Project::embedded_query_texts()).expect("valid headers");
    for language in relato::domain::Language::ALL {
        let locale = relato::render::Locale::new(language);
        for query in catalogue.iter().filter(|query| query.name != "completeness") {
            for column in &query.columns {
                assert!(
                    locale.has(&format!("col-{}", column.name)),
                    "{language}: column `{}` of `{}` has no label",
                    column.name,
                    query.name
                );
                if let Some(metric) = &column.metric {
                    for part in ["name", "text"] {
                        assert!(locale.has(&format!("{metric}-{part}")), "{language}: metric {metric} has no {part}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_warning_of_a_check_has_a_text_in_every_language() {
    let mut seen = 0;
    for (path, _) in files(&root().join("queries/checks"), "sql").into_iter().filter(|(_, text)| text.contains("-- strength: warn")) {
        let name = Path::new(&path).file_stem().expect("a name").to_string_lossy().into_owned();
        for language in relato::domain::Language::ALL {
            assert!(relato::render::Locale::new(language).has(&format!("check-{name}")), "{language}: {name}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

/// Functions that write to Blip, by the file that has them.
const WRITERS: [(&str, &[&str]); 3] = [
    ("blip/desk/writes.rs", &["desk::set_attendant", "desk::delete_attendant", "desk::set_queue", "desk::delete_queue"]),
    (
        "blip/portal.rs",
        &[
            "portal::set_contract_member",
            "portal::delete_contract_member",
            "portal::add_bot_member",
            "portal::set_permissions",
            "portal::delete_bot_member",
        ],
    ),
    ("blip/configuration.rs", &["configuration::set", "configuration::delete"]),
];

#[test]
fn only_declared_people_and_channels_are_written_to_blip() {
    let own: Vec<&str> = WRITERS.iter().map(|(path, _)| *path).collect();
    let mut used = 0;
    for (path, text) in sources().into_iter().filter(|(path, _)| !path.starts_with("sim/")) {
        for sends in ["Method::Set", "Method::Delete", ".change(Request", ".change(set("] {
            let is_door = own.contains(&path.as_str()) || path == "blip/envelope.rs";
            assert!(is_door || !text.contains(sends), "{path} contains `{sends}`");
        }
        for verb in ["\"set\"", "\"merge\"", "\"delete\"", "\"observe\""] {
            let is_word = path == "blip/envelope.rs" || path == "ops/plan.rs";
            assert!(is_word || !path.starts_with("blip/") && !path.starts_with("ops/") || !text.contains(verb), "{path} contains {verb}");
        }
        for (file, functions) in WRITERS {
            for function in functions {
                let calls = format!("{function}(");
                if path != file && text.contains(&calls) {
                    used += 1;
                    assert_eq!(path, "ops/target.rs", "`{function}` writes to Blip");
                }
            }
        }
    }
    assert!(used >= 9, "{used} writes are used");
}

/// Files that build a `$filter`, and how: nothing enters one but what `readings.rs` writes, and that writes instants alone.
const FILTERS: [(&str, &str); 2] = [("blip/desk/tickets.rs", "client.created_filter(from, until)"), ("blip/probe.rs", "created_filter(")];

#[test]
fn only_instants_enter_a_filter() {
    let sources: Vec<_> = sources().into_iter().filter(|(path, _)| !path.starts_with("sim/")).collect();
    for (path, text) in sources.iter().filter(|(_, text)| text.contains("$filter")) {
        let (_, maker) = FILTERS.iter().find(|(file, _)| path == file).unwrap_or_else(|| panic!("{path} builds a filter"));
        assert!(text.contains(maker), "{path} builds a filter without `{maker}`");
        // A text within a filter would need its quotes escaped.
        for operator in [" eq ", " ne ", "substringof(", "startswith("] {
            assert!(!text.contains(&format!("{operator}'")) && !text.contains(&format!("{operator}\\'")), "{path} compares a text");
        }
    }
    let makers: Vec<&str> = sources.iter().filter(|(_, text)| text.contains("storageDate ge ")).map(|(path, _)| path.as_str()).collect();
    assert_eq!(makers, ["blip/readings.rs"]);
    let (_, readings) = sources.iter().find(|(path, _)| path == "blip/readings.rs").expect("the maker of filters");
    let (_, made) = readings.split_once("fn created_filter(bound").expect("the function");
    let (made, _) = made.split_once("\n}").expect("its end");
    assert_eq!(made.matches("{from}").count(), 2);
    assert_eq!(made.matches("time::filter_instant(").count(), 3, "every value is an instant");
    assert_eq!(made.matches("{}").count(), 2);
}
