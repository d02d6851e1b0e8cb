//! Our figures beside those that Blip reports, whichever of its published readings it follows.

use relato::domain::Table;

use crate::support::{Sandbox, everything, serve, world};

/// Returns `figure: explanation (days without explanation)` of each row of the audit report's parity tables.
fn explanations(tables: &[&Table]) -> Vec<(String, String, i64)> {
    let of_table = |table: &&Table| {
        let of_row = |row: usize| {
            let text = |name: &str| table.get(row, name).text().unwrap_or_default().to_owned();
            (text("figure"), text("explanation"), table.get(row, "days_unexplained").int().unwrap_or(-1))
        };
        (0..table.row_count()).map(of_row).collect::<Vec<_>>()
    };
    tables.iter().flat_map(of_table).collect()
}

/// Each case: switches of the simulated Blip, and the readings that it then does not follow.
const READINGS: [(&[&str], &[&str]); 2] = [
    (&["wait-to-answer=1", "missed-unopened=1"], &["attendance_from_pickup", "wait"]),
    (&["attendance-from-open=1"], &["attendance_from_answer", "wait_of_answered"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_is_explained_whichever_readings_blip_follows() {
    let world = world(11, 1_500);
    for (switches, others) in READINGS {
        let server = serve(&world, switches).await;
        let sandbox = Sandbox::new(&server.base_url);
        sandbox.load(everything()).await;
        let data = sandbox.report_called("auditoria", "2026-10", None);
        let is_parity = |id: &str| id.ends_with("parity_counts") || id.ends_with("parity_times");
        let tables: Vec<&Table> =
            data.blocks.iter().filter(|block| is_parity(&block.id)).filter_map(|block| block.content.table()).collect();
        let found = explanations(&tables);
        assert_eq!(found.len(), 8 + 7, "{found:?}");
        assert!(found.iter().all(|(.., unexplained)| *unexplained == 0), "{switches:?}: {found:?}");
        for figure in others {
            assert!(found.iter().any(|(name, why, _)| name == figure && why == "other_definition"), "{switches:?}: {figure} in {found:?}");
        }
    }
}
