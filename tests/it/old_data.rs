//! Data of released versions: every later version opens them, and tells the same figures.
//!
//! Fixtures are in `tests/old`, made by `tests/old/make.sh` with the version's own binary. One is added when a version with a new schema step is
//! released; what is there is never made again.

use std::{collections::BTreeMap, fs, process::Command};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::Value;

use crate::support::{NOW, root};

/// Names of the fixtures, oldest first, each with the tickets of its database.
const FIXTURES: [(&str, i64); 1] = [("step-11", 120)];

/// A project as a released version left it.
struct Old {
    folder: tempfile::TempDir,
}

impl Old {
    fn unpack(name: &str) -> Old {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = root().join(format!("tests/old/{name}.tar.gz"));
        let done = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status().expect("tar");
        assert!(done.success());
        Old { folder }
    }

    fn relato(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
        command.args(["--now", NOW, "--project"]).arg(self.folder.path().join("project")).args(arguments).env("NO_COLOR", "1");
        command
    }

    /// Returns the key figures of October as this version tells them.
    fn figures(&self) -> BTreeMap<String, f64> {
        let arguments = ["report", "atendimento-mensal", "--period", "2026-10", "--format", "json"];
        let told = self.relato(&arguments).assert().success();
        let report: Value = serde_json::from_slice(&told.get_output().stdout).expect("a report");
        let blocks = report["blocks"].as_array().expect("blocks");
        let figures = blocks.iter().find(|block| block["content"]["kind"] == "kpis").expect("key figures");
        let figures = figures["content"]["figures"].as_array().expect("figures");
        let named = |figure: &Value| Some((figure["column"]["name"].as_str()?.to_owned(), figure["value"].as_f64()?));
        figures.iter().filter_map(named).collect()
    }

    fn snapshots(&self) -> usize {
        fs::read_dir(self.folder.path().join("project/data/snapshots/manifests")).expect("manifests").count()
    }
}

/// Returns the key figures of October as the version told them that made the fixture.
fn told_then(name: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(root().join(format!("tests/old/{name}.figures.json"))).expect("figures");
    let figures: BTreeMap<String, Option<f64>> = serde_json::from_str(&text).expect("figures");
    figures.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Compares figures; one that a later version does not show any more is passed over.
fn assert_same(name: &str, now: &BTreeMap<String, f64>) {
    let mut compared = 0;
    for (figure, then) in told_then(name) {
        let Some(now) = now.get(&figure) else { continue };
        assert!((now - then).abs() <= then.abs() * 1e-9, "{name}: {figure} was {then} and is {now}");
        compared += 1;
    }
    assert!(compared >= 5, "{name}: {compared} figures were compared");
}

#[test]
fn snapshots_of_released_versions_are_read_by_reports() {
    for (name, _) in FIXTURES {
        let old = Old::unpack(name);
        assert_same(name, &old.figures());
        old.relato(&["snapshot", "verify"]).assert().success();
    }
}

#[test]
fn databases_of_released_versions_are_brought_up_to_date_and_keep_their_figures() {
    for (name, tickets) in FIXTURES {
        let old = Old::unpack(name);
        // Without Blip: everything comes from what was stored.
        old.relato(&["rebuild"]).assert().success().stdout(contains(format!("the tables of {tickets} tickets")));
        assert_same(name, &old.figures());
        let count = old.snapshots();
        old.relato(&["rebuild"]).assert().success().stdout(contains("Nothing changed"));
        assert_eq!(old.snapshots(), count, "nothing changed");
    }
}

#[test]
fn ledgers_of_released_versions_are_read_and_go_on() {
    for (name, _) in FIXTURES {
        let old = Old::unpack(name);
        old.relato(&["schedule", "history"]).assert().success().stdout(contains("mensal").and(contains("sent")));
        old.relato(&["audit", "verify"]).assert().success().stdout(contains("The chain of 4 records is whole"));
        old.relato(&["query", "SELECT count(*) FROM ticket"]).assert().success();
        old.relato(&["audit", "verify"]).assert().success().stdout(contains("The chain of 6 records is whole"));
    }
}

#[test]
fn a_backup_of_old_data_is_restored_and_read() {
    for (name, _) in FIXTURES {
        let old = Old::unpack(name);
        let backup = old.folder.path().join("backup");
        old.relato(&["backup", "--with-keys", "--out"]).arg(&backup).assert().success();
        fs::remove_dir_all(old.folder.path().join("project")).expect("the project");
        old.relato(&["restore"]).arg(&backup).assert().code(3);
        old.relato(&["rebuild"]).assert().success();
        assert_same(name, &old.figures());
        old.relato(&["audit", "verify"]).assert().success();
    }
}
