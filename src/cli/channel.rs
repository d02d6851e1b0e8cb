//! `relato channel`: the bot's channels, as a file says.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    Exit, Failure, Global,
    ops::{self as common, ApplyArgs, PlanArgs},
    team::written,
};
use crate::{
    config::Project,
    ops::{self, Subject, Target},
};

/// Keep the bot's channels in step with a file
///
/// channels.toml says what should be set for `WhatsApp`, Messenger, Telegram and e-mail; secrets stand in variables or files. Blip documents how
/// entries are listed, and not how they are set by a key: without `[channels] unconfirmed = true` in relato.toml, a plan is a list for hands.
#[derive(Subcommand)]
pub enum ChannelCommand {
    /// Write how it is as channels.toml; secrets become references
    Pull(PullArgs),
    /// Tell what differs from the file, and write a plan; changes nothing
    ///
    /// Secrets are compared without being shown. Where entries are not to be set by a key, the plan is a list for hands.
    Plan(PlanArgs),
    /// Do what a plan says
    ///
    /// Works as `relato team apply`: bound to what was seen, with an undo file, a journal and a second comparison. Exit codes are the same.
    Apply(ApplyArgs),
}

#[derive(Args)]
pub struct PullArgs {
    /// File to write; without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn run(global: &Global, command: &ChannelCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let day = project.settings.organization.timezone.day(global.now());
    let clients = common::clients(&project)?;
    match command {
        ChannelCommand::Pull(args) => {
            let target = Target::channels(&project, clients, None, day)?;
            let seen = target.read().await?;
            common::keep_look(&project, Subject::Channels, &ops::look(&seen, None, global.now()))?;
            written(&project, args.out.as_ref(), &ops::channels_toml(&seen))?;
            Ok(Exit::Done)
        }
        ChannelCommand::Plan(args) => {
            let target = Target::channels(&project, clients, Some(project.channels()?), day)?;
            common::plan(global, &project, &target, args, false).await
        }
        ChannelCommand::Apply(args) => {
            let target = Target::channels(&project, clients, Some(project.channels()?), day)?;
            common::apply(global, &project, &target, args).await
        }
    }
}
