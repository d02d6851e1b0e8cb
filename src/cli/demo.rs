//! `relato demo`: simulated Blip → load → snapshot → reports, in one go.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets::UTF8_BORDERS_ONLY};

use super::{
    Exit, Failure, Global, ingest, output,
    report::scratch,
    sim::{WorldArgs, zone},
};
use crate::{
    blip::ClientOptions,
    config::Project,
    domain::{Period, ReportData, report_data::Content},
    files::{self, FileError, FileMode},
    ingest::{Clients, IngestRequest},
    ledger::Ledger,
    render::{Format, Locale},
    report::{self, FileFormat, Wanted},
    sim,
};

/// Try everything: a simulated Blip, a load, a snapshot, the reports
///
/// Leaves a complete project in the folder, so that every other command can be tried with --project.
#[derive(Args)]
pub struct DemoArgs {
    /// Folder of the demonstration project
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    #[command(flatten)]
    world: WorldArgs,
}

/// First line of the settings of a demonstration: only such a folder is ever cleared.
const MARK: &str = "# Demonstration project of Relato.";

/// Port that a simulator must be given for the demonstration project to find it again.
const PORT: u16 = 8417;

const REPORT: &str = "atendimento-mensal";

pub async fn run(global: &Global, args: &DemoArgs) -> Result<Exit, Failure> {
    // To the second, so that the clock that is printed below gives the same world again.
    let now = global.now().trunc_subsecs(0);
    let mut clock = Clock::default();
    prepare_folder(&args.out)?;
    let world = Arc::new(args.world.draw(now));
    let server = sim::start(world, sim::SimOptions::default()).await.map_err(|error| Failure::new(Exit::Failed, error))?;
    write_project(&args.out, &args.world, now, &server.keys)?;
    clock.lap("simulated Blip");

    let project = Project::open(&args.out)?;
    let clients = Clients::of_project(&project, Some(&server.base_url), ClientOptions::default())?;
    let today = zone().day(now);
    let backfill = today - chrono::Months::new(args.world.months);
    let request = IngestRequest { now, is_trial: false, from: Some(backfill), to: None, full: false, only: None };
    let (store, summary) = ingest::load(&project, &clients, &request, global.progress().as_ref()).await?;
    clock.lap("load over HTTP");
    ingest::publish(&project, &store, now, summary.marts.quarantined)?;
    drop(store);
    clock.lap("snapshot");

    let reports = project.reports()?;
    let spec = reports.get(REPORT).ok_or_else(|| Failure::told(Exit::Failed, format!("report `{REPORT}` is missing"), None))?;
    let period = Period::parse(&spec.period, today).map_err(|error| Failure::new(Exit::Failed, error))?;
    let wanted = Wanted { period, sector: None, as_of: None, with_details: true, scratch: scratch(), compares_parts: false };
    let made = report::make(&project, spec, &wanted)?;
    let data = &made.data;
    clock.lap("queries");
    let files = report::write(data, &[Format::Xlsx, Format::Pdf, Format::Json].map(FileFormat::Rendered), &args.out.join("output"))?;
    report::note(&mut Ledger::open(&project.ledger_file())?, &made, &files)?;
    clock.lap("Excel, PDF, JSON");

    let folder = args.out.display();
    let files: Vec<String> = files.iter().map(|file| format!("  {}\n", file.path.display())).collect();
    output::print(&format!(
        "\n{} · {} · {}\n{}\n{}\n\nFiles\n{}\nTime\n{}\nNext\n  \
         relato report {REPORT} --project {folder} --period month-to-date\n  \
         relato status --project {folder}\n  \
         relato snapshot list --project {folder}\n  \
         relato sim --port {PORT}{} &  relato ingest --project {folder} --now {}   (load again: nothing changes)\n  \
         relato init my-project                                   (your own contract)\n",
        data.organization,
        data.period_label,
        data.snapshot.id,
        sector_table(data),
        data.completeness.sentence,
        files.concat(),
        clock.table(summary.written.ticket_answers, server.command_count()),
        sim_options(&args.world, now),
        clock_of(now),
    ))?;
    // In the first days of a month the last one is still provisional: the report says so, and the demonstration succeeded.
    Ok(Exit::Done)
}

fn sim_options(world: &WorldArgs, now: DateTime<Utc>) -> String {
    format!(" --seed {} --tickets {} --months {} --now {}", world.seed, world.tickets, world.months, clock_of(now))
}

/// The simulated Blip's clock stands still there, and a load goes by the same one.
fn clock_of(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Wall-clock time of each stage.
struct Clock {
    started: Instant,
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        Clock { started: now, last: now, laps: Vec::new() }
    }
}

impl Clock {
    fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.laps.push((name, now - self.last));
        self.last = now;
    }

    fn table(&self, tickets: usize, commands: u64) -> String {
        let mut lines: Vec<String> = self.laps.iter().map(|(name, lap)| format!("  {name:20} {:>7.2} s\n", lap.as_secs_f64())).collect();
        let total = (self.last - self.started).as_secs_f64();
        lines.push(format!("  {:20} {total:>7.2} s   ({tickets} tickets, {commands} commands)\n", "in all"));
        lines.extend(peak_memory_mb().map(|peak| format!("  {:20} {peak:>7} MB  (simulated Blip included)\n", "peak memory")));
        lines.concat()
    }
}

/// Returns the largest memory that this process has held, where the system tells (Linux).
fn peak_memory_mb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// Makes the folder, or clears the data of an earlier demonstration; any other folder with content is left alone.
fn prepare_folder(folder: &Path) -> Result<(), Failure> {
    let settings = folder.join(Project::SETTINGS_FILE);
    let is_demo = fs::read_to_string(&settings).is_ok_and(|text| text.starts_with(MARK));
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_demo && !is_empty {
        let message = format!("folder `{}` is not empty and not a demonstration", folder.display());
        return Err(Failure::told(Exit::Usage, message, Some("name another with --out; nothing was changed")));
    }
    for earlier in ["data", "output"] {
        match fs::remove_dir_all(folder.join(earlier)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Failure::new(Exit::Failed, error)),
            _ => {}
        }
    }
    Ok(files::make_folder(&folder.join("keys"))?)
}

fn write_project(folder: &Path, world: &WorldArgs, now: DateTime<Utc>, keys: &sim::Keys) -> Result<(), Failure> {
    let write = |name: &str, text: &str| files::write(&folder.join(name), text.as_bytes()).map_err(Failure::from);
    let write_key = |name: &str, text: &str| {
        let path = folder.join(name);
        files::fill_as(&path, Some(FileMode::PRIVATE), |out| out.write_all(text.as_bytes()).map_err(FileError::of(&path))).map(|_| ())
    };
    write_key("keys/desk.key", &keys.desk)?;
    write_key("keys/router.key", &keys.router)?;
    write_key("keys/pseudonym.key", "the demonstration hides nobody: everybody in it is invented")?;
    let sectors: Vec<String> = sim::SECTORS.iter().map(|(sector, queues)| format!("\"{sector}\" = {queues:?}\n")).collect();
    let answers: Vec<String> = (1..).zip(sim::ANSWER_WORDS).map(|(score, word)| format!("\"{word}\" = {score}")).collect();
    write(
        Project::SETTINGS_FILE,
        &format!(
            r#"{MARK} Everything in it is invented.
# The simulator that it was loaded from: relato sim --port {PORT}{options}

[organization]
name = "Associação Exemplo de Saúde"
timezone = "America/Sao_Paulo"
locale = "pt-BR"

[document]
code = "PA08-RL01"
revision = "0.0"
published = 2025-11-24
prepared_by = "Assistente de Convênios"
approved_by = "Gerência Médica"

[[blip.key]]
name = "desk"
base_url = "http://127.0.0.1:{PORT}"
key_file = "keys/desk.key"
roles = ["desk"]
commands_per_second = 50000

[[blip.key]]
name = "router"
base_url = "http://127.0.0.1:{PORT}"
key_file = "keys/router.key"
roles = ["events"]
commands_per_second = 50000

[sectors]
{sectors}[sectors.rules]
direct_transfer = "inherit"
default_queue = "Sem roteamento"

[satisfaction]
source = "events"
category = "{category}"
scale = "1-5"
satisfied_from = 4
sector_extra = "fila"
comment_extra = "comentario"
answers = {{ {answers} }}

[calendar.default]
mon-fri = ["07:00-19:00"]
sat = ["08:00-12:00"]
holidays = ["BR"]

[[target]]
metric = "whole_wait_s"
from = 2020-01-01
value = 600

[[target]]
metric = "csat_share"
from = 2020-01-01
value = 0.85

[privacy]
pseudonym_key_file = "keys/pseudonym.key"
keep_comments = true

[storage]
dir = "data"
"#,
            options = sim_options(world, now),
            sectors = sectors.concat(),
            category = sim::SURVEY_CATEGORY,
            answers = answers.join(", "),
        ),
    )
}

/// Volume, response time and satisfaction by sector, as the report has them.
fn sector_table(data: &ReportData) -> String {
    let locale = Locale::new(data.language);
    let columns = ["sector", "conversations", "response_mean_s", "csat_share", "ratings"];
    let view = data.blocks.iter().find_map(|block| match &block.content {
        Content::Table(view) if columns.iter().all(|column| view.table.position(column).is_some()) => Some(view),
        _ => None,
    });
    let Some(view) = view else { return String::new() };
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(columns.map(|column| locale.text(&format!("col-{column}"))));
    for row in 0..view.table.row_count() {
        table.add_row(columns.map(|column| crate::render::cell_text(&view.table, row, column, &locale)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
