//! `relato audit`: who looked at which data.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table as TextTable, presets::UTF8_BORDERS_ONLY};
use serde_json::{Value, json};

use super::{
    Exit, Failure, Global, Printed,
    officer::{Officer, officer},
    output,
};
use crate::{
    audit::UNPROVEN,
    config::Project,
    domain::period::{PeriodError, parse_day},
    ledger::{Access, ChainHead, Ledger},
};

/// Tell who looked at which data, and prove that nothing was removed
#[derive(Subcommand)]
pub enum AuditCommand {
    /// List what was asked and changed, by whom, why, and what came of it
    Log(LogArgs),
    Verify(VerifyArgs),
    AcceptLoss(AcceptLossArgs),
}

/// Let a ledger that lost records go on
///
/// A ledger that knows less than the files beside it was lost, or restored from before; nothing is recorded in it then, so no question is
/// answered and nothing is sent. Putting the right ledger back (`relato restore`) loses nothing. Where there is none, this command shows what is
/// missing; --yes writes the loss into the access log and goes on. What the lost records said stays lost: a report that was sent since can be
/// sent again, and published figures are not compared with.
#[derive(Args)]
pub struct AcceptLossArgs {
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Args)]
pub struct LogArgs {
    /// First local day
    #[arg(long, value_name = "DATE", value_parser = day)]
    since: Option<NaiveDate>,
    /// Only this person or operating-system user
    #[arg(long, value_name = "WHO")]
    who: Option<String>,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Walk the chain of records, and tell where it is broken
///
/// Each record holds the hash of the one before, and the end of the chain is kept in the ledger and beside it. Whoever can write both can
/// make a new chain: keep the line that this command prints elsewhere, and give it back with --expect.
#[derive(Args)]
pub struct VerifyArgs {
    /// The end of the chain on an earlier day, as this command printed it
    #[arg(long, value_name = "RECORD:HASH", value_parser = chain_head)]
    expect: Option<ChainHead>,
}

fn day(text: &str) -> Result<NaiveDate, PeriodError> {
    parse_day(text)
}

fn chain_head(text: &str) -> Result<ChainHead, String> {
    let read = text.split_once(':').and_then(|(seq, hash)| Some(ChainHead { seq: seq.parse().ok()?, hash: hash.to_owned() }));
    read.ok_or_else(|| format!("`{text}` is not the end of a chain (accepted: RECORD:HASH)"))
}

pub fn run(global: &Global, command: &AuditCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let ledger = Ledger::open(&project.ledger_file())?;
    match command {
        AuditCommand::Log(args) => log(&project, &ledger, args),
        AuditCommand::Verify(args) => verify(&ledger, args),
        AuditCommand::AcceptLoss(args) => accept_loss(global, &project, &ledger, args),
    }
}

/// A question and how it ended, or a change.
struct Told<'a> {
    asked: &'a Access,
    ended: Option<&'a Access>,
}

impl Told<'_> {
    fn text(&self, name: &str) -> String {
        self.asked.body[name].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the person, the user, whom the process ran as where that is another, and whether the person is only what the environment said.
    fn who(&self) -> String {
        let person = self.asked.body["person"].as_str().map(|person| format!("{person} ")).unwrap_or_default();
        let (os_user, uid_user) = (self.text("os_user"), self.text("uid_user"));
        let as_user = if uid_user.is_empty() || uid_user == os_user { String::new() } else { format!(" as {uid_user}") };
        let unproven = if self.asked.body["identity"] == UNPROVEN { format!(", {UNPROVEN}") } else { String::new() };
        format!("{person}({os_user}{as_user}{unproven})")
    }

    /// Returns what was asked in a line: the name of a saved question with its parameters, or the beginning of the SQL.
    fn question(&self) -> String {
        let mut parameters = Vec::new();
        flatten(&self.asked.body["parameters"], &mut parameters);
        let sql = self.text("sql").split_whitespace().collect::<Vec<_>>().join(" ");
        let beginning: String = sql.chars().take(SQL_SHOWN).collect();
        let cut = if beginning.len() < sql.len() { "…" } else { "" };
        if self.asked.body["event"] == "changed" {
            let value = |name: &str| self.asked.body[name].as_str().unwrap_or("—").to_owned();
            return format!("{}: {} → {}", value("subject"), value("before"), value("after"));
        }
        let what = self.asked.body["name"].as_str().map_or_else(|| format!("{beginning}{cut}"), str::to_owned);
        [vec![what], parameters].concat().join(" ")
    }

    fn outcome(&self) -> String {
        match self.ended.map(|ended| &ended.body) {
            Some(body) if body["event"] == "answered" => {
                let export = body["export"].as_str().map(|file| format!(" → {file}")).unwrap_or_default();
                format!("{} rows{export}", body["rows"])
            }
            Some(body) => format!("failed: {}", body["error"].as_str().unwrap_or_default()),
            None if self.asked.body["event"] == "changed" => "changed".to_owned(),
            None if self.asked.body["event"] == "refused" => format!("refused: {}", self.text("refusal")),
            None => "broken off".to_owned(),
        }
    }
}

/// Characters of SQL that a line shows; `--format json` has all of it.
const SQL_SHOWN: usize = 60;

/// Lists values with their names, those within others, too.
fn flatten(value: &Value, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Object(_) => flatten(value, found),
            Value::String(text) => found.push(format!("{name}={text}")),
            other => found.push(format!("{name}={other}")),
        }
    }
}

fn log(project: &Project, ledger: &Ledger, args: &LogArgs) -> Result<Exit, Failure> {
    let zone = project.settings.organization.timezone;
    let since = args.since.map_or(DateTime::<Utc>::UNIX_EPOCH, |day| zone.day_start(day));
    let records = ledger.accesses(since)?;
    let is_told = |record: &&Access| matches!(record.body["event"].as_str(), Some("asked" | "refused" | "changed"));
    let is_of =
        |record: &&Access| args.who.as_ref().is_none_or(|who| [&record.body["person"], &record.body["os_user"]].contains(&&json!(who)));
    let ends: HashMap<i64, &Access> = records.iter().filter_map(|record| Some((record.body["asked"].as_i64()?, record))).collect();
    let told: Vec<Told<'_>> =
        records.iter().filter(is_told).filter(is_of).map(|asked| Told { asked, ended: ends.get(&asked.seq).copied() }).collect();
    if args.format == Printed::Json {
        let whole = |one: &Told<'_>| {
            let record = |access: &Access| json!({"record": access.seq, "at": access.at, "hash": access.hash, "says": access.body});
            json!({"asked": record(one.asked), "ended": one.ended.map_or(Value::Null, record)})
        };
        output::print_json(&told.iter().map(whole).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table = TextTable::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(140)
        .set_header(["record", "when", "who", "asked", "why", "outcome"]);
    for one in &told {
        // Whoever asks writes what stands here: nothing of it may move anything else on the screen.
        let cells = [one.who(), one.question(), one.text("reason"), one.outcome()].map(|cell| output::foreign(&cell).into_owned());
        let told = [one.asked.seq.to_string(), zone.local(one.asked.at).format("%Y-%m-%d %H:%M:%S").to_string()];
        table.add_row(told.into_iter().chain(cells));
    }
    output::print(&format!("{table}\n{} records\n", told.len()))?;
    Ok(Exit::Done)
}

fn verify(ledger: &Ledger, args: &VerifyArgs) -> Result<Exit, Failure> {
    match ledger.verify_accesses(args.expect.as_ref())? {
        Ok(head) => {
            output::print(&format!(
                "The chain of {} records is whole. Its end, to be kept elsewhere:\n{}:{}\n",
                head.seq, head.seq, head.hash
            ))?;
            Ok(Exit::Done)
        }
        Err(broken) => Err(Failure::told(
            Exit::Failed,
            format!("the access log is broken: {broken}"),
            Some("compare it with a backup of the data folder: records before that place are as they were written"),
        )),
    }
}

fn accept_loss(global: &Global, project: &Project, ledger: &Ledger, args: &AcceptLossArgs) -> Result<Exit, Failure> {
    let Some(loss) = ledger.loss()? else {
        output::print("The ledger has all that the files beside it know.\n")?;
        return Ok(Exit::Done);
    };
    let told = format!("The ledger has {} {}, and had {}.", loss.found, loss.what, loss.known);
    if !args.yes {
        output::print(&format!("{told} Nothing was changed; --yes records the loss and goes on.\n"))?;
        return Ok(Exit::Done);
    }
    let Officer { asker, mut ledger, .. } = officer(project, "audit accept-loss", args.reason.as_deref(), global.now())?;
    let record = ledger.accept_loss(loss, (&asker.os_user, args.reason.as_deref()), global.now())?;
    output::print(&format!("{told} Record {} of the access log says so; the ledger goes on.\n", record.seq))?;
    Ok(Exit::Warnings)
}
