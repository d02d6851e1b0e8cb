//! `relato snapshot supersede`: let a database that knows less than the newest snapshot go on.

use clap::Args;

use super::{
    Exit, Failure, Global, collector,
    officer::{Officer, officer},
    output,
};
use crate::{audit, ingest};

/// Let a database that does not know the newest snapshot publish after it
///
/// A database that was lost, or restored from before, holds less than the snapshots; loads and imports then refuse to publish. Restoring the
/// right database (`relato restore`) loses nothing. Where there is none, this command shows what the database lacks; --yes lets it go on. Earlier
/// snapshots stay as they are: `--as-of` and `--reproduce` answer from them. The next snapshot has what this database has and what Blip still
/// tells: figures of old days can be smaller, which reports explain as a restatement, and `relato snapshot diff` lists. It stands in the access log.
#[derive(Args)]
pub struct SupersedeArgs {
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(global: &Global, args: &SupersedeArgs) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    let now = global.now();
    let Some(found) = ingest::supersede(&project, now, false)? else {
        output::print("No snapshot is published: there is nothing to supersede.\n")?;
        return Ok(Exit::Done);
    };
    let id = &found.snapshot.id;
    if found.is_known {
        output::print(&format!("Snapshot {id} is this database's own: there is nothing to supersede.\n"))?;
        return Ok(Exit::Done);
    }
    let lacks = ingest::lack_in_words(&found.lacks);
    if !args.yes {
        output::print(&format!("Of snapshot {id} this database has {lacks}. Nothing was changed; --yes lets it go on all the same.\n"))?;
        return Ok(Exit::Done);
    }
    let Officer { asker, person, mut ledger } = officer(&project, "snapshot supersede", args.reason.as_deref(), now)?;
    ingest::supersede(&project, now, true)?;
    let after = format!("superseded by a database with {lacks}");
    let change =
        audit::Change { subject: "newest snapshot", before: Some(id), after: Some(&after), reason: args.reason.as_deref(), plan: id };
    audit::note_change(&mut ledger, &asker, person.as_deref(), &change, now)?;
    output::print(&format!("The next load publishes after snapshot {id}. Of it this database has {lacks}.\n"))?;
    Ok(Exit::Warnings)
}
