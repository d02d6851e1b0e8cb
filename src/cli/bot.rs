//! `relato bot`: whose tickets are stored, and removing those of another bot.

use clap::Subcommand;

use super::{Exit, Failure, Global, collector, ingest, output};
use crate::{config::Project, files::lock::Holder, store::Store};

/// Show whose tickets are stored, or remove those that another bot's key brought
#[derive(Subcommand)]
pub enum BotCommand {
    /// Show the bots whose tickets each key has read
    List,
    Remove(RemoveArgs),
}

/// Remove the tickets of a bot that is not the one behind the key that read them
///
/// Their messages go with them, and the days of that key are read again by the next load: some were settled by the other bot's lists. Published
/// snapshots stay as they are; the next one has other figures. Without --yes it only shows what would be removed.
#[derive(clap::Args)]
pub struct RemoveArgs {
    /// The bot, as `relato bot list` shows it
    bot: String,
    /// Do it
    #[arg(long)]
    yes: bool,
}

pub fn run(global: &Global, command: &BotCommand) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    match command {
        BotCommand::List => list(&project, global),
        BotCommand::Remove(args) => remove(&project, global, args),
    }
}

fn open(project: &Project, global: &Global) -> Result<Store, Failure> {
    Ok(Store::open(&project.store_file(), &Holder::new("relato bot", global.now()))?)
}

fn list(project: &Project, global: &Global) -> Result<Exit, Failure> {
    let store = open(project, global)?;
    let foreign = crate::ingest::foreign(&store)?;
    let lines = store.bots()?.into_iter().map(|one| {
        let note = if foreign.contains(&one) { "  another bot's than the key's: `relato bot remove` removes them" } else { "" };
        format!("{}: {} tickets of bot {}{note}\n", one.key_name, one.tickets, one.bot)
    });
    output::print(&lines.collect::<String>())?;
    Ok(if foreign.is_empty() { Exit::Done } else { Exit::Warnings })
}

fn remove(project: &Project, global: &Global, args: &RemoveArgs) -> Result<Exit, Failure> {
    if !args.yes {
        let store = open(project, global)?;
        let found = crate::ingest::foreign_of(&store, &args.bot)?;
        let lines = found.iter().map(|one| format!("{}: {} tickets of bot {}\n", one.key_name, one.tickets, one.bot));
        output::print(&format!("{}Nothing was removed: say --yes to do it.\n", lines.collect::<String>()))?;
        return Ok(Exit::Done);
    }
    let progress = global.progress();
    let (store, removed, marts) = crate::ingest::remove_bot(project, &args.bot, global.now(), progress.as_ref())?;
    let published = ingest::publish(project, &store, global.now(), marts.quarantined)?;
    output::print(&format!(
        "Removed {} tickets and {} messages of bot {}.\n{}",
        removed.tickets,
        removed.messages,
        args.bot,
        ingest::outcome(&published)
    ))?;
    Ok(Exit::Done)
}
