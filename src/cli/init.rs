//! `relato init`: a project folder to fill in.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, output};
use crate::{config::Project, files};

/// The settings of a new project, with every table explained.
const SETTINGS: &str = include_str!("../../relato.example.toml");

/// People by sector and group, to be filled in.
const RECIPIENTS: &str = "# Who receives what: schedules name groups as group:NAME, a sector's people as sector:NAME, all sectors as sectors.\n\n\
    [groups]\n# diretoria = [\"ana@exemplo.org.br\", \"rui@exemplo.org.br\"]\n\n\
    [sectors]\n# \"Financeiro\" = [\"chefia.financeiro@exemplo.org.br\"]\n";

/// Make a project folder to fill in
///
/// Writes relato.toml with every setting explained, and the default reports and queries to change or to delete: a file that is
/// not there is replaced by the built-in one.
#[derive(Args)]
pub struct InitArgs {
    /// Folder to make
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let settings = args.dir.join(Project::SETTINGS_FILE);
    if settings.exists() {
        return Err(Failure::told(
            Exit::Usage,
            format!("`{}` exists already", settings.display()),
            Some("choose another folder; nothing was changed"),
        ));
    }
    let ignored = (".gitignore".to_owned(), "data/\noutput/\nkeys/\n".to_owned());
    let files = [(Project::SETTINGS_FILE.to_owned(), SETTINGS.to_owned()), ("recipients.toml".to_owned(), RECIPIENTS.to_owned()), ignored]
        .into_iter()
        .chain(Project::default_files());
    for (path, text) in files {
        let path = args.dir.join(path);
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        files::write(&path, text.as_bytes())?;
    }
    output::print(&format!(
        "Made {0}.\nNext: fill in {0}/relato.toml, put the keys where it says, then `relato check --project {0}` and `relato ingest --project {0}`.\n",
        args.dir.display()
    ))?;
    Ok(Exit::Done)
}
