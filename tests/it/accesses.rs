//! Questions are recorded, those that are refused or fail included, and the record cannot be changed unseen.

use serde_json::Value;

use crate::support::{Sandbox, everything, serve, settings, world};

const PEOPLE: &str = r#"
[access]
require_reason = true
[[access.person]]
email = "ana@x.org"
profile = "auditor"
[[access.person]]
email = "rui@x.org"
profile = "visualizador"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_recorded_with_who_why_and_what_came_of_it() {
    let server = serve(&world(3, 200), &[]).await;
    let sandbox = Sandbox::with_settings(&format!("{}{PEOPLE}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    let question = |person: Option<&str>, more: &[&str]| {
        let arguments = [&["query", "conversas_de", "--period", "2026-10", "--param", "measure=whole_wait"], more].concat();
        let mut command = sandbox.relato(&arguments);
        command.env_remove("RELATO_EMAIL");
        if let Some(person) = person {
            command.env("RELATO_EMAIL", person);
        }
        command.output().expect("the binary runs")
    };
    let code = |output: &std::process::Output| output.status.code();
    let out = sandbox.dir().join("rows.csv").display().to_string();
    let answered = question(Some("Ana@x.org"), &["--reason", "pedido 12", "--format", "csv", "--out", &out]);
    assert_eq!(code(&answered), Some(0), "{}", String::from_utf8_lossy(&answered.stderr));
    for (person, more) in [(Some("ana@x.org"), &[][..]), (Some("rui@x.org"), &["--reason", "r"]), (None, &["--reason", "r"])] {
        let refused = question(person, more);
        assert_eq!((code(&refused), refused.stdout.len()), (Some(4), 0), "{}", String::from_utf8_lossy(&refused.stderr));
    }

    let log = sandbox.relato(&["audit", "log", "--format", "json"]).output().unwrap();
    let records: Vec<Value> = serde_json::from_slice(&log.stdout).unwrap();
    let said = |place: usize, name: &str| records[place]["asked"]["says"][name].clone();
    assert_eq!(records.len(), 4);
    assert_eq!(
        (said(0, "person"), said(0, "identity"), said(0, "reason")),
        ("ana@x.org".into(), "declared, unproven".into(), "pedido 12".into())
    );
    assert_eq!((said(0, "os_user"), said(3, "identity")), (said(0, "uid_user"), Value::Null));
    assert_eq!((said(0, "name"), said(0, "parameters")["period"].clone()), ("conversas_de".into(), "2026-10".into()));
    assert!(said(0, "sql").as_str().unwrap().contains("SELECT") && said(0, "tables").as_array().unwrap().contains(&"conversation".into()));
    let ended = &records[0]["ended"]["says"];
    let written = std::fs::read(&out).unwrap();
    assert_eq!(ended["result_sha256"], relato::domain::digest::sha256(&written));
    assert_eq!((ended["event"].clone(), ended["export"].clone()), ("answered".into(), out.clone().into()));
    assert_eq!(usize::try_from(ended["rows"].as_u64().unwrap()).unwrap(), String::from_utf8_lossy(&written).lines().count() - 1);
    for (place, refusal) in [(1, "a reason is required"), (2, "receives reports"), (3, "nobody is declared")] {
        assert!(said(place, "refusal").as_str().unwrap().contains(refusal), "{}", records[place]);
        assert_eq!(records[place]["ended"], Value::Null);
    }
    let text = sandbox.relato(&["audit", "log", "--who", "rui@x.org"]).output().unwrap();
    assert!(String::from_utf8_lossy(&text.stdout).contains("1 records"));

    let whole = sandbox.relato(&["audit", "verify"]).output().unwrap();
    let end = String::from_utf8_lossy(&whole.stdout).lines().last().unwrap().to_owned();
    assert!(end.starts_with("5:"), "{end}");
    question(Some("ana@x.org"), &["--reason", "pedido 13"]);
    sandbox.relato(&["audit", "verify", "--expect", &end]).assert().success();
    let other = sandbox.relato(&["audit", "verify", "--expect", "5:00"]).output().unwrap();
    assert_eq!(code(&other), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("the chain was written anew"));
}
