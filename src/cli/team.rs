//! `relato team`: who may do what, as a file says.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{
    Exit, Failure, Global, Printed,
    ops::{self as common, ApplyArgs, PlanArgs},
    output,
};
use crate::{
    config::{Channels, Project, Team},
    files,
    ops::{self, LineVerdict, Target, Verdict},
};

/// Keep who may do what at Blip in step with a file
///
/// team.toml names people, their profile (administrador, atendente, visualizador) and their queues. `plan` tells what differs from Blip and
/// changes nothing; `apply` does what a plan says, and nothing else. What no key may do is told as a list for hands.
#[derive(Subcommand)]
pub enum TeamCommand {
    /// Write how it is as team.toml, or for a spreadsheet
    Pull(PullArgs),
    /// Tell what differs from the file, and write a plan; changes nothing
    ///
    /// Reads attendants and queues, members of contract and bots where that is switched on, and this project's own lists, and compares them
    /// with team.toml as of today. The plan names every change with before and after; what could not be read, what differs and is not
    /// managed, whom is waited for, which guards would refuse it; and what is left for hands in Blip's portal.
    ///
    /// Exit code 0 also when there is something to change, 3 when something looks wrong or the desk could not be read, 4 when a guard would refuse.
    Plan(TeamPlanArgs),
    /// Do what a plan says
    ///
    /// Reads everything again: where it differs from what the plan saw, or the file or the day lead to another plan, nothing is done (exit code
    /// 4). Then an undo file is written beside the plan, each step is sent and noted, everything is read back, and compared once more. After a
    /// crash the same command goes on. Where relato.toml names people, only an administrador applies, as `RELATO_EMAIL` or by the system's user.
    ///
    /// Exit code 0 when all is done and a second plan is empty, 3 when something else has changed meanwhile, 4 refused, 5 when something was not done.
    /// Guards: min-administrators, required-administrators, acting-person, removal-count, removal-share.
    Apply(ApplyArgs),
    Import(ImportArgs),
}

#[derive(Args)]
pub struct PullArgs {
    /// File to write; without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Form
    #[arg(long, default_value = "toml")]
    format: PullFormat,
}

#[derive(Args)]
pub struct TeamPlanArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Invite people again who were invited and have not come
    #[arg(long)]
    invite_again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PullFormat {
    /// As team.toml
    Toml,
    /// Separated by semicolons, as `import` reads it
    Csv,
}

/// Take people over from a spreadsheet into team.toml, with a verdict for each line
///
/// Reads csv (UTF-8 or Windows-1252) and xlsx. Columns are recognised by their headings: e-mail, perfil, nome, filas, setores, slots, início,
/// fim, observações, or their English names. People whom the spreadsheet does not name stay as they are, and so does what it has no column for.
/// Without --write it is only told what would become of each line, and what plan that leads to. Exit code 3 when a line was refused.
#[derive(Args)]
pub struct ImportArgs {
    /// The spreadsheet
    file: PathBuf,
    /// Write team.toml
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    plan: PlanArgs,
}

pub async fn run(global: &Global, command: &TeamCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let day = project.settings.organization.timezone.day(global.now());
    match command {
        TeamCommand::Pull(args) => {
            let target = Target::team(&project, common::clients(&project)?, None, day)?;
            pull(&project, &target, args).await
        }
        TeamCommand::Plan(args) => {
            let team = project.team()?;
            let target = Target::team(&project, common::clients(&project)?, Some(team), day)?;
            common::plan(global, &project, &target, &args.plan, args.invite_again).await
        }
        TeamCommand::Apply(args) => {
            // A plan that takes another back needs no file.
            let team = if project.team_file().exists() { Some(project.team()?) } else { None };
            let target = Target::team(&project, common::clients(&project)?, team, day)?;
            common::apply(global, &project, &target, args).await
        }
        TeamCommand::Import(args) => import(global, &project, args).await,
    }
}

async fn pull(project: &Project, target: &Target<'_>, args: &PullArgs) -> Result<Exit, Failure> {
    let seen = target.read().await?;
    let text = match args.format {
        PullFormat::Toml => ops::team_toml(&seen),
        PullFormat::Csv => ops::people_csv(&seen)?,
    };
    written(project, args.out.as_ref(), &text)?;
    if seen.unread.contains_key(&crate::config::Layer::Desk) {
        return Ok(Exit::Warnings);
    }
    Ok(Exit::Done)
}

/// Writes a new file, or prints. The file that declares the team or the channels may be made so.
pub fn written(project: &Project, out: Option<&PathBuf>, text: &str) -> Result<(), Failure> {
    let Some(file) = out else { return output::print_document(text) };
    let is_declaration = [Team::FILE, Channels::FILE].iter().any(|name| file.file_name().is_some_and(|found| found == *name));
    if !is_declaration {
        output::require_place(project, file)?;
    }
    if file.symlink_metadata().is_ok() {
        let message = format!("`{}` exists already", file.display());
        return Err(Failure::told(Exit::Usage, message, Some("name another file, or move it away: what people wrote is not overwritten")));
    }
    files::write(file, text.as_bytes())?;
    output::print(&format!("{}\n", file.display()))
}

async fn import(global: &Global, project: &Project, args: &ImportArgs) -> Result<Exit, Failure> {
    let path = project.team_file();
    let before = if path.exists() { project.team()?.text.to_string() } else { String::new() };
    let merged = ops::merge(&args.file, &path, &before)?;
    let team = Team::parse(&path, &merged.text.as_str().into())?;
    if args.write {
        files::write(&path, merged.text.as_bytes())?;
    }
    let day = project.settings.organization.timezone.day(global.now());
    let target = Target::team(project, common::clients(project)?, Some(team), day)?;
    let found = common::compare(project, &target, None, false, global.now()).await;
    let refused = merged.lines.iter().filter(|line| matches!(line.verdict, Verdict::Refused { .. } | Verdict::Duplicate { .. })).count();
    if args.plan.format == Printed::Json {
        let plan = found.as_ref().ok().map(|found| &found.plan);
        output::print_json(&json!({"lines": merged.lines, "written": args.write, "plan": plan}))?;
    } else {
        output::print(&lines_text(&merged.lines))?;
        let written =
            if args.write { format!("Written to {}.\n\n", path.display()) } else { "Nothing was written: --write does.\n\n".to_owned() };
        output::print(&written)?;
    }
    let found = found?;
    let exit = if args.plan.format == Printed::Json {
        Exit::Done
    } else if args.write {
        common::show(project, &found, &args.plan, global.now())?
    } else {
        common::preview(&found)?
    };
    Ok(if refused > 0 { exit.max_with(Exit::Warnings) } else { exit })
}

fn lines_text(lines: &[LineVerdict]) -> String {
    let mut text = String::new();
    let mut counts = [0_usize; 5];
    for line in lines {
        let (place, said) = match &line.verdict {
            Verdict::Added => (0, "added".to_owned()),
            Verdict::Changed { keys } => (1, format!("changed: {}", keys.join(", "))),
            Verdict::Same => (2, "as it is".to_owned()),
            Verdict::Duplicate { of } => (3, format!("REFUSED: the same person as line {of}, which was taken")),
            Verdict::Refused { why } => (4, format!("REFUSED: {why}")),
        };
        counts[place] += 1;
        let _ = writeln!(text, "line {:>5}  {:<40}  {said}", line.line, line.email);
    }
    text + &format!(
        "\n{} lines: {} added, {} changed, {} as they are, {} twice, {} refused.\n",
        lines.len(),
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        counts[4]
    )
}
