//! `relato subject`: what is held about one customer, and forgetting them.

use std::{
    fmt::Write,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Exit, Failure, Global, collector, ingest as loading,
    officer::{Officer, officer},
    output, wait,
};
use crate::{
    audit::{self, Ending, Masks, Question},
    blip,
    config::Project,
    domain::digest::sha256,
    files,
    ingest::{self, Held},
    render::Locale,
    store::{KeptReceipt, Store},
};

/// Tell a customer what is held about them, or forget them
#[derive(Subcommand)]
pub enum SubjectCommand {
    /// Write everything that is held about one customer: for people as text, for programs as JSON
    ///
    /// A telephone number is searched for in every usual spelling, and under all identities that are linked to it. When nothing is found, the exit
    /// code is 3 and nothing is written.
    Export(ExportArgs),
    Erase(EraseArgs),
}

#[derive(Args)]
pub struct ExportArgs {
    /// Telephone number, or the identity that Blip knows, such as 5511999990000@wa.gw.msging.net; `-` reads it from standard input
    identity: String,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Unlink a customer from everything that is held, everywhere and for good
///
/// A telephone number is searched for in every usual spelling, and under all identities that are linked to it. When nothing is found, the exit code
/// is 3 and no receipt is written.
///
/// The customer's pseudonym is replaced by a random one that leads to nobody, in the live database and in every published snapshot; comments
/// are removed. Tickets, times and scores stay, so that every published figure can be made again. What Blip tells once more of those records
/// stays unlinked. Without --yes it is only told what would be done. What Blip itself and other systems hold is not touched.
#[derive(Args)]
pub struct EraseArgs {
    /// Telephone number, or the identity that Blip knows; `-` reads it from standard input
    identity: String,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// File for the receipt
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(global: &Global, command: &SubjectCommand) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    match command {
        SubjectCommand::Export(args) => export(global, &project, args),
        SubjectCommand::Erase(args) => erase(global, &project, args),
    }
}

fn identity(given: &str) -> Result<String, Failure> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::new(Exit::Usage, error))?;
    }
    if blip::identity::is_readable(&text) {
        return Ok(text.trim().to_owned());
    }
    Err(no_identity())
}

fn no_identity() -> Failure {
    let accepted = "accepted: a telephone number with its area, name@domain as Blip knows it, or a name as an imported file has it";
    Failure::told(Exit::Usage, format!("this is not an identity of a customer ({accepted})"), None)
}

/// What a record of the log may say of whom it is about: what is kept of a pseudonym, which leads to nobody.
fn about(held: &Held) -> Value {
    json!({"customer": held.mark})
}

/// Number of forms that are printed; the rest is counted.
const FORMS_SHOWN: usize = 12;

/// Reports which texts were searched for.
fn searched(held: &Held) -> String {
    let shown: Vec<&str> = held.searched.iter().take(FORMS_SHOWN).map(String::as_str).collect();
    let more = held.searched.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more spellings") };
    format!("Searched for: {}{more}, and all identities that are linked to them.\n", shown.join(", "))
}

/// Reports that somebody cannot be looked up with certainty, because tunnels hide who they are; nothing where none does.
fn uncertain(held: &Held) -> String {
    if held.unresolved_tunnels == 0 {
        return String::new();
    }
    format!(
        "Not certain: {} customers are known by a router's tunnel only, and Blip has not told yet who they are on the channel; this person can \
         be one of them. `relato ingest` asks Blip for each. If it still does not tell, look the person up by the identity in the contact at \
         Blip ({{id}}@tunnel.msging.net).\n",
        held.unresolved_tunnels
    )
}

/// Reports that nothing was found, which is not that nothing is held.
fn nothing_found(held: &Held, identity: &str) -> Result<Exit, Failure> {
    // A bare name is one of an imported file, or a slip.
    if !blip::identity::canonical(identity).contains('@') {
        return Err(no_identity());
    }
    let erased = held.records.get("erasures").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let before = if erased { "They were unlinked before, and nothing came since.\n" } else { "" };
    output::print(&format!(
        "{before}Held: 0 tickets, 0 messages, 0 survey answers. No letter and no receipt was written: that nothing was found under these \
         identities does not prove that nothing is held.\n{}{}",
        searched(held),
        uncertain(held)
    ))?;
    Ok(Exit::Warnings)
}

/// Returns how a command ends that found somebody.
fn found(held: &Held) -> Exit {
    if held.unresolved_tunnels == 0 { Exit::Done } else { Exit::Warnings }
}

fn export(global: &Global, project: &Project, args: &ExportArgs) -> Result<Exit, Failure> {
    output::require_place(project, &args.out)?;
    let now = global.now();
    let identity = identity(&args.identity)?;
    let Officer { asker, person, mut ledger } = officer(project, "subject export", args.reason.as_deref(), now)?;
    let held = ingest::held_about(project, &identity, now)?;
    let question =
        Question { name: Some("subject export"), parameters: about(&held), reason: args.reason.as_deref(), ..Question::default() };
    let asked = audit::begin(&mut ledger, &asker, person.as_deref(), &question, now)?;
    let began = std::time::Instant::now();
    let count = held.count();
    if count == 0 {
        let ending = Ending::Answered { rows: 0, sha256: &sha256(b""), export: None };
        audit::end(&mut ledger, &asked, &ending, began.elapsed(), global.now())?;
        return nothing_found(&held, &identity);
    }
    let document = json!({
        "organization": project.settings.organization.name,
        "identity": identity,
        "searched": held.searched,
        "made_at": now,
        "held": held.records,
        "not_held": "the text of messages is never stored; names, telephone numbers and addresses of customers are not stored",
    });
    let json = serde_json::to_vec_pretty(&document).map_err(|error| Failure::new(Exit::Failed, error))?;
    files::make_folder(&args.out)?;
    let written = [("titular.json", json), ("titular.txt", readable(project, &identity, &held.records, now).into_bytes())];
    for (name, bytes) in &written {
        files::write(&args.out.join(name), bytes)?;
    }
    let folder = args.out.display().to_string();
    let ending = Ending::Answered { rows: count, sha256: &sha256(&written[0].1), export: Some(&folder) };
    audit::end(&mut ledger, &asked, &ending, began.elapsed(), global.now())?;
    let lines = written.iter().map(|(name, _)| format!("{}\n", args.out.join(name).display())).collect::<Vec<_>>().concat();
    output::print(&format!("{lines}{count} records\n{}{}", searched(&held), uncertain(&held)))?;
    Ok(found(&held))
}

/// Tells a customer in words what is held about them.
fn readable(project: &Project, identity: &str, held: &Map<String, Value>, now: DateTime<Utc>) -> String {
    let locale = Locale::new(project.settings.organization.locale);
    let zone = project.settings.organization.timezone;
    let list = |name: &str| held.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or("—").to_owned();
    let mut text = format!(
        "{}\n{}\n\n{}\n\n",
        locale.text("subject-title"),
        locale.text_with(
            "subject-of",
            &[("identity", identity), ("organization", &project.settings.organization.name), ("time", &locale.time(zone.local(now))),]
        ),
        locale.text("subject-intro")
    );
    let mut part = |title: &str, lines: Vec<String>| {
        let _ = writeln!(text, "{} ({})", locale.text(title), lines.len());
        for line in lines {
            let _ = writeln!(text, "  - {line}");
        }
        text.push('\n');
    };
    part(
        "subject-conversations",
        list("conversations")
            .iter()
            .map(|one| {
                format!(
                    "{} · {} · {} → {}",
                    word(one, "started_local"),
                    word(one, "channel"),
                    word(one, "first_sector"),
                    word(one, "last_sector")
                )
            })
            .collect(),
    );
    part(
        "subject-tickets",
        list("tickets")
            .iter()
            .map(|one| {
                format!(
                    "{} · {} · {} · {} · {}",
                    word(one, "created_local"),
                    one["sequential_id"],
                    word(one, "sector"),
                    word(one, "outcome"),
                    word(one, "agent")
                )
            })
            .collect(),
    );
    part(
        "subject-messages",
        list("messages")
            .iter()
            .map(|one| {
                let direction = if one["is_received"] == true { "subject-received" } else { "subject-sent" };
                format!("{} UTC · {}", word(one, "sent_at"), locale.text(direction))
            })
            .collect(),
    );
    let answers = list("survey_answers").iter().chain(list("imported_answers"));
    part(
        "subject-answers",
        answers
            .map(|one| {
                let at = if one["recorded_at"].is_null() { word(one, "answered_at") } else { word(one, "recorded_at") };
                let comment = one["comment"].as_str().map(|comment| format!(" · {comment}")).unwrap_or_default();
                format!("{at} UTC · {}{comment}", word(one, "answer"))
            })
            .collect(),
    );
    text
}

fn erase(global: &Global, project: &Project, args: &EraseArgs) -> Result<Exit, Failure> {
    args.out.as_ref().map_or(Ok(()), |out| output::require_place(project, out))?;
    let now = global.now();
    let identity = identity(&args.identity)?;
    if args.yes {
        wait(ingest::require_clock(project, now))?;
    }
    let Officer { asker, person, mut ledger } = officer(project, "subject erase", args.reason.as_deref(), now)?;
    let held = ingest::held_about(project, &identity, now)?;
    if held.count() == 0 {
        return if args.yes && overdue(project, &identity, now, args.out.as_deref())? {
            Ok(Exit::Done)
        } else {
            nothing_found(&held, &identity)
        };
    }
    let count = |name: &str| held.records.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    if !args.yes {
        let erased = if count("erasures") > 0 { "They were unlinked before; what came since:\n" } else { "" };
        output::print(&format!(
            "{erased}Held: {} tickets, {} messages (times only), {} survey answers. They would be unlinked; --yes does it.\n{}{}",
            count("tickets"),
            count("messages"),
            count("survey_answers") + count("imported_answers"),
            searched(&held),
            uncertain(&held)
        ))?;
        return Ok(found(&held));
    }
    args.out.as_deref().map_or(Ok(()), files::require_writable)?;
    let receipt = Uuid::now_v7().to_string();
    let question =
        Question { name: Some("subject erase"), parameters: about(&held), reason: args.reason.as_deref(), ..Question::default() };
    let asked = audit::begin(&mut ledger, &asker, person.as_deref(), &question, now)?;
    let began = std::time::Instant::now();
    let done = erased(global, project, &identity, &receipt);
    let error = done.as_ref().err().map(Failure::summary).unwrap_or_default();
    let text = done.as_ref().map(|(_, document, _)| format!("{document:#}\n")).unwrap_or_default();
    let ending = match &done {
        Ok(_) => Ending::Answered { rows: count("tickets"), sha256: &sha256(text.as_bytes()), export: None },
        Err(_) => Ending::Failed { error: &error },
    };
    audit::end(&mut ledger, &asked, &ending, began.elapsed(), global.now())?;
    let (store, document, resumed) = done?;
    let change = audit::Change { subject: "customer unlinked", before: None, after: None, reason: args.reason.as_deref(), plan: &receipt };
    audit::note_change(&mut ledger, &asker, person.as_deref(), &change, global.now())?;
    hand_out(args.out.as_deref(), &text)?;
    store.issue_receipt(&receipt, &document, &resumed)?;
    Ok(found(&held))
}

/// Writes a receipt where it was asked for.
fn hand_out(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file {
        Some(file) => {
            files::write(file, text.as_bytes())?;
            output::print(&format!("{}\n", file.display()))
        }
        None => output::print_document(text),
    }
}

/// Hands out the receipt of an unlinking that broke off before somebody had it; returns whether there is one.
fn overdue(project: &Project, identity: &str, now: DateTime<Utc>, out: Option<&Path>) -> Result<bool, Failure> {
    let store = ingest::opened_for_receipts(project, now)?;
    let mut kept = ingest::receipts_of(project, &store, identity)?;
    kept.retain(|one| !one.is_issued);
    let Some(last) = kept.pop() else { return Ok(false) };
    let Some(mut document) = last.document else { return Ok(false) };
    document["receipt"] = last.receipt.as_str().into();
    document["organization"] = project.settings.organization.name.as_str().into();
    document["erased_at"] = json!(last.begun_at);
    // Without a file, standard output is the receipt alone.
    if out.is_some() {
        output::print("They were unlinked before, and nothing came since. The receipt of then, which nobody had:\n")?;
    }
    hand_out(out, &format!("{document:#}\n"))?;
    store.issue_receipt(&last.receipt, &document, &kept)?;
    Ok(true)
}

/// Returns what earlier attempts did that broke off before somebody had their receipt.
fn earlier_attempts(resumed: &[KeptReceipt]) -> Vec<Value> {
    resumed
        .iter()
        .map(|one| {
            let done = one.document.clone().unwrap_or_else(|| json!("broke off before it was known how much was unlinked"));
            json!({"receipt": one.receipt, "begun_at": one.begun_at, "done": done})
        })
        .collect()
}

/// Unlinks, publishes, and returns the open database, the receipt, which names nobody, and those of earlier attempts that it includes.
fn erased(global: &Global, project: &Project, identity: &str, receipt: &str) -> Result<(Store, Value, Vec<KeptReceipt>), Failure> {
    let now = global.now();
    let (mut store, forgotten) = ingest::erase(project, identity, receipt, now, global.progress().as_ref())?;
    Masks::clear(&project.data_dir())?;
    let published = loading::publish(project, &store, now, forgotten.marts.quarantined)?;
    // What was taken out is gone from the database's log and from the unused parts of its file, too.
    store.rewrite()?;
    let mut resumed = ingest::receipts_of(project, &store, identity)?;
    resumed.retain(|one| !one.is_issued && one.receipt != receipt);
    let mut document = json!({
        "receipt": receipt,
        "organization": project.settings.organization.name,
        "erased_at": now,
        "unlinked": forgotten.unlinked,
        "snapshots": forgotten.rewritten,
        "snapshot": published.manifest.id,
        "stays": "tickets, times and scores without a way to the customer, so that published figures stay as they are",
    });
    if !resumed.is_empty() {
        document["earlier_attempts"] = earlier_attempts(&resumed).into();
    }
    Ok((store, document, resumed))
}
