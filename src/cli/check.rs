//! `relato check`: everything that is wrong with a project's files, at once; and what Blip answers to its keys.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use clap::Args;

use super::{Exit, Failure, Global, answers, calendar, ingest::contract_line, months, output, readers, unknown, words};
use crate::{
    audit,
    blip::{
        BlipError, Client, ClientOptions, Entry, ErrorKind, configuration, contacts, desk, events, metrics, portal, threads,
        unconfirmed::Unconfirmed,
    },
    config::{
        BlockSpec, Condition, ConfigError, ContentSpec, KeyRole, NoAccess, Problem, Project, ReportSpec, SatisfactionSource, ScheduleSpec,
        Survey,
    },
    domain::Period,
    files::lock::Holder,
    ingest::contract::{self, Contract},
    ops::Subject,
    query::Catalogue,
    report,
    snapshot::{Catalog, Writing},
    store::{Store, require_free},
};

/// Tell everything that is wrong with configuration, queries, reports and keys
///
/// Checks configuration, queries, reports and schedules, with file and line. Then asks Blip: whose each key is, how long an answer
/// takes, and what this contract answers of everything that is read. A lake on object storage is tried, too.
///
/// Exit code 2 when a file is wrong, 5 when Blip refuses a key or is unreachable, 3 when a key does not see what its roles need,
/// survey answers in words have no score, a queue or a sector in the configuration is known nowhere else, or other users of the machine can
/// read keys or data.
#[derive(Args)]
pub struct CheckArgs {
    /// Check the files only
    #[arg(long)]
    offline: bool,
}

pub async fn run(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    files(global, &project)?;
    let year = project.settings.organization.timezone.day(global.now()).year();
    output::print(&calendar::holiday_lines(&project.settings.calendars, year))?;
    let mut exit = others(&project)?;
    // What lies on object storage is not asked for without the network.
    if !args.offline || project.bucket().is_none() {
        exit = exit.max_with(tokio::task::block_in_place(|| loaded(&project, global))?);
    }
    if args.offline {
        return Ok(exit);
    }
    exit = exit.max_with(tokio::task::block_in_place(|| lake(&project))?);
    let mut store = tokio::task::block_in_place(|| database(&project, global))?;
    let (mut desks, mut routers) = (Vec::new(), Vec::new());
    let mut bots: BTreeMap<String, String> = BTreeMap::new();
    for key in &project.settings.blip_keys {
        let secret = key.secret.fetch(&project.dir, &format!("key `{}`", key.name))?;
        let options = ClientOptions {
            commands_per_second: key.commands_per_second,
            timeout: key.timeout.unwrap_or(ClientOptions::default().timeout),
            attempts: 3,
            ..ClientOptions::default()
        };
        let client = Arc::new(Client::new(&key.name, &key.base_url, &secret, options)?);
        if let Some(bot) = client.owner()
            && let Some(other) = bots.insert(bot.to_owned(), key.name.clone())
        {
            let line = format!(
                "Keys `{other}` and `{}` are both of bot `{bot}`: a load refuses them. Keep one, with the roles of both.\n",
                key.name
            );
            output::print(&line)?;
            exit = exit.max_with(Exit::Refused);
        }
        let known = store.as_ref().map(|store| Contract::remembered(store, &key.name)).transpose()?.unwrap_or_default();
        let (answer, found) = ask(&project, &client, &key.roles, (global, known)).await?;
        exit = exit.max_with(answer);
        if let Some(store) = &mut store {
            store.transaction(|store| found.remember(store, &key.name))?;
        }
        if key.roles.contains(&KeyRole::Events) {
            routers.push(client.clone());
        }
        if key.roles.contains(&KeyRole::Desk) {
            desks.push((client, found));
        }
    }
    if project.settings.satisfaction.source == SatisfactionSource::Events {
        let category = &project.settings.satisfaction.category;
        for (desk, contract) in &desks {
            for router in &routers {
                if !answers::report((desk, contract), router, category, global.now()).await? {
                    exit = exit.max_with(Exit::Warnings);
                }
            }
        }
    }
    let used: Vec<String> = Unconfirmed::ALL.iter().map(|one| format!("  {}\n", one.message())).collect();
    output::print(&format!("\nRelato also relies on what others report or what is assumed:\n{}", used.concat()))?;
    Ok(exit)
}

/// Tells how the months before this one stand, and which names of the configuration nothing has.
fn loaded(project: &Project, global: &Global) -> Result<Exit, Failure> {
    let Some((snapshot, engine)) = months::newest(project)? else { return Ok(Exit::Done) };
    let today = project.settings.organization.timezone.day(global.now());
    let months = months::standing(project, &engine, &snapshot, today)?;
    let unknown = unknown::names(project, &engine)?;
    let lines = months::lines(&months).into_iter().chain(unknown::lines(&unknown));
    output::print(&lines.map(|line| line + "\n").collect::<String>())?;
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::Warnings })
}

/// Tells what other users of the system could do, and what would tell people apart.
fn others(project: &Project) -> Result<Exit, Failure> {
    let access = &project.settings.access;
    if !access.people.is_empty() && !access.names_users() {
        output::print(
            "Nobody in [access] has an os_user: whoever runs relato can say who they are, and the access log notes it as declared, \
             unproven. With os_user the system says it.\n",
        )?;
    }
    let lines: Vec<String> = readers::readable_by_others(project).into_iter().map(|line| format!("  → {line}\n")).collect();
    if lines.is_empty() {
        return Ok(Exit::Done);
    }
    output::print(&format!("Other users of this machine\n{}", lines.concat()))?;
    Ok(Exit::Warnings)
}

/// Opens the project's database, to remember what is found out; none before the first load, or while another process has it.
fn database(project: &Project, global: &Global) -> Result<Option<Store>, Failure> {
    let file = project.store_file();
    if !file.exists() || require_free(&project.data_dir()).is_err() {
        return Ok(None);
    }
    Ok(Some(Store::open(&file, &Holder::new("relato check", global.now()))?))
}

/// Tells whether a lake on object storage is there, and what may be written.
fn lake(project: &Project) -> Result<Exit, Failure> {
    if project.bucket().is_none() {
        return Ok(Exit::Done);
    }
    let catalog = Catalog::of(project)?;
    let needs_writing = !project.reads_all_owners();
    let (writing, advice) = match catalog.try_writing()? {
        None | Some(Writing::Conditional) => ("allowed, and what is there is kept", None),
        Some(Writing::Unconditional) => (
            "allowed",
            Some("this storage overwrites what it is told to keep: two publishers of one owner at the same time would lose one"),
        ),
        Some(Writing::Refused) if needs_writing => ("refused", Some("the key must be allowed to write and remove below this prefix")),
        Some(Writing::Refused) => ("refused: what was combined last is read", None),
    };
    let advice = advice.map(|advice| format!("  → {advice}\n")).unwrap_or_default();
    let exit = if advice.is_empty() { Exit::Done } else { Exit::Warnings };
    output::print(&format!(
        "\nLake at {}\n  {:34} {}\n  {:34} {writing}\n{advice}",
        catalog.address(),
        "snapshots",
        count(catalog.list()?.len()),
        "writing"
    ))?;
    Ok(exit)
}

/// Asks for everything that a key with `roles` is read for, and says what came of it.
async fn ask(
    project: &Project,
    client: &Client,
    roles: &[KeyRole],
    (global, known): (&Global, Contract),
) -> Result<(Exit, Contract), Failure> {
    let owner = client.owner().map_or_else(
        || "a key that names no bot; Blip's keys are base64 of `bot:access key`".to_owned(),
        |owner| format!("of bot `{owner}`"),
    );
    output::print(&format!("\nKey `{}`, {owner}, at {}\n", client.key_name(), client.base_url()))?;
    let began = Instant::now();
    client.ping().await?;
    output::print(&format!("  {:34} {} ms\n", "answers a ping in", began.elapsed().as_millis()))?;
    let settings = &project.settings.satisfaction;
    let scope = contract::Scope {
        has_desk: roles.contains(&KeyRole::Desk),
        category: (roles.contains(&KeyRole::Events) && settings.source == SatisfactionSource::Events).then_some(settings.category.as_str()),
        is_thorough: true,
    };
    let contract = contract::find_out(client, scope, known, global.now()).await?;
    client.set_readings(contract.readings());
    let today = project.settings.organization.timezone.day(global.now());
    let mut found = Found::default();
    if roles.contains(&KeyRole::Desk) {
        found.desk(client, global.now(), today).await?;
    }
    if roles.contains(&KeyRole::Events) {
        found.events(client, (settings.source == SatisfactionSource::Events).then_some(settings), today).await?;
    }
    if roles.contains(&KeyRole::Channel) {
        found.note("/threads (messages of three months)", threads::threads(client).await.map(|found| count(found.len())))?;
        found.note("/contacts", contacts::contacts(client, 1).await.map(|found| count(found.len())))?;
        let entries = configuration::settings(client).await.map(|found| count(found.entries.len()));
        found.note("/configuration/caller (channels)", entries)?;
    }
    let team = &project.settings.team;
    if let (true, Some(contract)) = (roles.contains(&KeyRole::Portal) && team.unconfirmed, &team.contract) {
        let members = portal::contract_members(client, contract).await.map(|found| count(found.entries.len()));
        found.note("/tenants/{id}/users (members)", members)?;
    }
    let week = (global.now() - TimeDelta::days(7), global.now());
    let active = metrics::by_day(client, metrics::Indicator::ActiveIdentity, week.0, week.1).await;
    found.note("/metrics (people by day)", active.map(|days| count(days.len())))?;
    let lines: Vec<String> = found.lines.iter().map(|(what, answer)| format!("  {what:34} {answer}\n")).collect();
    let advice: Vec<String> = found.advice.iter().map(|advice| format!("  → {advice}\n")).collect();
    let readings: Vec<String> = contract
        .lines(scope.has_desk, scope.category.is_some())
        .iter()
        .map(|(question, found, effect)| contract_line(*question, found, effect))
        .collect();
    let found_out = match (readings.is_empty(), contract.commands) {
        (true, _) => String::new(),
        (false, 0) => "What the documentation leaves open, as it was found out before:\n".to_owned(),
        (false, commands) => format!("What the documentation leaves open, found out with {commands} commands:\n"),
    };
    output::print(&[lines.concat(), advice.concat(), found.words, found_out, readings.concat()].concat())?;
    let is_in_order = found.advice.is_empty() && !found.lacks_scores;
    Ok((if is_in_order { Exit::Done } else { Exit::Warnings }, contract))
}

/// What a key was found to see.
#[derive(Default)]
struct Found {
    lines: Vec<(&'static str, String)>,
    advice: Vec<String>,
    /// Lines on survey answers in words.
    words: String,
    /// Whether survey answers in words have no score.
    lacks_scores: bool,
}

fn count(count: usize) -> String {
    match count {
        0 => "empty".to_owned(),
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}

impl Found {
    /// Notes an answer. What is refused for good is an answer, too; no answer at all ends the check.
    fn note(&mut self, what: &'static str, answer: Result<String, BlipError>) -> Result<bool, BlipError> {
        let (text, is_there) = match answer {
            Ok(text) => {
                let is_there = text != "empty";
                (text, is_there)
            }
            Err(error) => match error.kind() {
                ErrorKind::Empty => ("empty (not found)".to_owned(), false),
                ErrorKind::NotOffered => ("not offered by this contract".to_owned(), false),
                ErrorKind::Denied if error.reason_code().is_some() => ("refused: this key may not".to_owned(), false),
                ErrorKind::Final => (format!("refused: {error}"), false),
                _ => return Err(error),
            },
        };
        self.lines.push((what, text));
        Ok(is_there)
    }

    async fn desk(&mut self, client: &Client, now: chrono::DateTime<chrono::Utc>, today: NaiveDate) -> Result<(), BlipError> {
        let people = self.note("/attendants", desk::attendants(client).await.map(|found| count(found.entries.len())))?;
        let queues = self.note("/attendance-queues", desk::queues(client).await.map(|found| count(found.entries.len())))?;
        self.note("/teams", desk::teams(client).await.map(|found| count(found.len())))?;
        self.note("/rules", desk::rules(client).await.map(|found| count(found.len())))?;
        self.note("/tags/active", desk::tags(client).await.map(|found| count(found.len())))?;
        let week = (now - TimeDelta::days(7), now);
        let id = |entry| match entry {
            Entry::Record(desk::Ticket { id, .. }) => id,
            Entry::Unreadable(_) => None,
        };
        let listed = desk::tickets(client, desk::TicketList::All, week.0, week.1, id).await;
        let newest = listed.as_ref().ok().and_then(|listed| listed.entries.first().cloned().flatten());
        let tickets = self.note("/tickets, this week", listed.map(|found| count(found.entries.len())))?;
        let history = desk::tickets(client, desk::TicketList::History, week.0, week.1, id).await;
        self.note("/tickets/history/metadata", history.map(|found| count(found.entries.len())))?;
        if let Some(id) = newest {
            let one = desk::ticket(client, &id).await.map(|ticket| count(usize::from(ticket.is_some())));
            self.note("/ticket/{id}", one)?;
            let messages = desk::messages(client, &id, now).await.map(|found| count(found.entries.len()));
            self.note("/tickets/{id}/messages", messages)?;
        }
        self.note("/monitoring/tickets (today)", desk::tickets_now(client).await.map(|_| "answered".to_owned()))?;
        self.note("/monitoring/ticket-metrics", desk::ticket_metrics(client).await.map(|_| "answered".to_owned()))?;
        self.note("/monitoring/teams", desk::teams_now(client).await.map(|found| count(found.len())))?;
        self.note("/monitoring/attendants", desk::attendants_now(client).await.map(|found| count(found.len())))?;
        self.note("/monitoring/open-tickets", desk::open_tickets(client).await.map(|found| count(found.len())))?;
        self.note("/monitoring/waiting-tickets", desk::waiting_tickets(client).await.map(|found| count(found.len())))?;
        self.note("/monitoring/tickets-per-hour", desk::tickets_per_hour(client).await.map(|found| count(found.len())))?;
        let (first, last) = (today - Days::new(7), today);
        self.note("/analytics/reports/tickets", desk::day_summaries(client, first, last).await.map(|found| count(found.len())))?;
        self.note("/analytics/reports/teams", desk::team_summaries(client, first, last).await.map(|found| count(found.len())))?;
        self.note("/analytics/reports/timings", desk::timings(client, first, last).await.map(|_| "answered".to_owned()))?;
        self.note("/analytics/reports/attendants", desk::attendant_summaries(client, first, last).await.map(|found| count(found.len())))?;
        let productivity = desk::productivity(client, first, last).await.map(|found| count(found.len()));
        self.note("/analytics/reports/…/productivity", productivity)?;
        self.note("/analytics/reports/attendancetime", desk::attendance_time(client, first, last).await.map(|_| "answered".to_owned()))?;
        self.note("/analytics/reports/tags", desk::tag_summaries(client, first, last).await.map(|found| count(found.len())))?;
        if !people && !queues {
            self.advice.push(
                "no attendants and no queues: this is not the key of the bot that attends. A router's key sees tickets nowhere; take the \
                 key of the bot behind it, or give this one the role `channel`"
                    .to_owned(),
            );
        } else if !tickets {
            self.advice.push("no tickets this week, although there are people and queues: did the bot run?".to_owned());
        }
        Ok(())
    }

    async fn events(&mut self, client: &Client, survey: Option<&Survey>, today: NaiveDate) -> Result<(), BlipError> {
        let categories = events::categories(client).await;
        let names = categories.as_ref().map(Clone::clone).unwrap_or_default();
        self.note("/event-track (categories)", categories.map(|found| count(found.len())))?;
        if let Some(survey) = survey {
            let category = &survey.category;
            let answers = events::counters(client, category, today - Days::new(30), today).await;
            if let Ok(answers) = &answers {
                let words = words::compare(survey, &by_frequency(&answers.entries), &names);
                (self.words, self.lacks_scores) = (words.lines, words.lack_scores);
            }
            let is_there = self.note("/event-track, the survey's 30 days", answers.map(|found| count(found.entries.len())))?;
            if !is_there {
                let known = if names.is_empty() { "this key sees none".to_owned() } else { format!("this key sees: {}", names.join(", ")) };
                self.advice.push(format!("nothing was recorded in the survey's category `{category}` for 30 days; {known}"));
            }
        }
        Ok(())
    }
}

/// Returns the actions that counters name, the most frequent first.
fn by_frequency(counters: &[Entry<events::Counter>]) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in counters {
        if let Entry::Record(counter) = entry {
            *counts.entry(&counter.action).or_default() += counter.count;
        }
    }
    let mut actions: Vec<(&str, u64)> = counts.into_iter().collect();
    actions.sort_by_key(|(_, count)| Reverse(*count));
    actions.into_iter().map(|(action, _)| action.to_owned()).collect()
}

fn files(global: &Global, project: &Project) -> Result<(), Failure> {
    let mut problems: Vec<Problem> = Vec::new();
    for key in &project.settings.blip_keys {
        problems.extend(key.secret.fetch(&project.dir, &format!("key `{}`", key.name)).err());
    }
    problems.extend(project.settings.privacy.pseudonym_key.fetch(&project.dir, "key of the customers' pseudonyms").err());
    let catalogue = Catalogue::new(&project.query_texts()?)?;
    let reports = project.reports()?;
    let today = project.settings.organization.timezone.day(global.now());
    for spec in reports.values() {
        problems.extend(report::mistakes(spec, &catalogue));
        if let Err(error) = Period::parse(&spec.period, today) {
            problems.push(report_problem(project, spec, error.to_string()));
        }
    }
    for (name, query) in catalogue.saved() {
        let file = || project.dir.join(format!("queries/audit/{name}.sql"));
        problems.extend(audit::read(&query.sql).err().map(|rejection| Problem::of_file(file(), format!("would not be run: {rejection}"))));
    }
    let schedules = project.schedules()?;
    for spec in schedules.values() {
        problems.extend(schedule_problems(project, spec, &reports, today));
        problems.extend(schedules.values().filter_map(|other| shared_name(project, spec, other)));
    }
    for subject in [Subject::Team, Subject::Channels].into_iter().filter(|subject| project.dir.join(subject.file()).exists()) {
        let read = match subject {
            Subject::Team => project.team().map(|_| ()),
            Subject::Channels => project.channels().and_then(|channels| channels.secrets(&project.dir)).map(|_| ()),
        };
        problems.extend(read.err().into_iter().flat_map(|error| error.problems));
    }
    if !problems.is_empty() {
        return Err(ConfigError { problems }.into());
    }
    // A copy of a default takes its place for good, improvements of later versions included.
    let defaults = Project::embedded_query_texts();
    let texts = project.query_texts()?;
    let own: Vec<&str> = texts
        .iter()
        .filter(|(path, text)| defaults.get(*path).is_some_and(|default| default != *text))
        .map(|(path, _)| path.as_str())
        .collect();
    if !own.is_empty() {
        output::print(&format!(
            "In place of what this version brings: queries/{}\n  → compare them with `relato init` in an empty folder; without the copy, the version's own is used\n",
            own.join(", queries/")
        ))?;
    }
    let is_unheard = |spec: &&ScheduleSpec| spec.owner.is_none() && spec.on_failure.is_empty();
    let unheard: Vec<&str> = schedules.values().filter(is_unheard).map(|spec| spec.name.as_str()).collect();
    if project.settings.delivery.operations.is_empty() && !unheard.is_empty() {
        output::print(&format!(
            "Nobody is told when these fail: schedules/{}.toml\n  → `owner` or `on_failure` there, or `operations` in [delivery] for all\n",
            unheard.join(".toml, schedules/")
        ))?;
    }
    output::print(&format!(
        "relato.toml: {} keys, {} sectors named\nqueries: {}, and {} saved questions\nreports: {}\nschedules: {}\nEvery file is in order.\n",
        project.settings.blip_keys.len(),
        project.settings.sectors.by_queue.values().collect::<std::collections::BTreeSet<_>>().len(),
        catalogue.iter().count(),
        catalogue.saved().len(),
        reports.len(),
        schedules.len(),
    ))
}

fn report_problem(project: &Project, spec: &ReportSpec, message: String) -> Problem {
    Problem::of_file(project.dir.join(format!("reports/{}.toml", spec.name)), message)
}

/// Finds what a schedule names and is not there: reports, people, figures, a mail server.
fn schedule_problems(project: &Project, spec: &ScheduleSpec, reports: &BTreeMap<String, ReportSpec>, today: NaiveDate) -> Vec<Problem> {
    let settings = &project.settings;
    let mut messages = Vec::new();
    let report = reports.get(&spec.report);
    if report.is_none() {
        let known: Vec<&str> = reports.keys().map(String::as_str).collect();
        messages.push(format!("unknown report `{}` (known: {})", spec.report, known.join(", ")));
    }
    if let (Some(report), Condition::Figure { figure, .. }) = (report, &spec.when) {
        let known: Vec<&str> = report.blocks.iter().flat_map(figures).collect();
        if !known.contains(&figure.as_str()) {
            messages.push(format!("report `{}` has no key figure `{figure}` (it has: {})", spec.report, known.join(", ")));
        }
    }
    let mailings = project.recipients().and_then(|recipients| spec.mailings(&recipients));
    let people = match mailings {
        Ok(people) => people,
        Err(error) => {
            messages.extend(error.problems.iter().map(|problem| problem.message.clone()));
            BTreeSet::new()
        }
    };
    let told: Vec<&String> = people.iter().map(|(address, _)| address).chain(&spec.owner).chain(&spec.on_failure).collect();
    match &settings.delivery.smtp {
        None if !told.is_empty() => messages.push("there is mail to be sent, and relato.toml has no [delivery.smtp]".to_owned()),
        Some(smtp) => {
            let outside = told.iter().filter(|address| !smtp.allows(address));
            messages.extend(outside.map(|address| format!("`{address}` is outside of allow_domains in [delivery.smtp]")));
        }
        None => {}
    }
    for (address, _) in &people {
        match settings.access.require(address, today) {
            Ok(()) => {}
            Err(NoAccess::Unknown) => messages.push(format!("`{address}` is not among the people of [access], and gets nothing")),
            Err(NoAccess::Gone) => messages.push(format!("`{address}` is no longer active in [access], and gets nothing")),
        }
    }
    let file = project.dir.join(format!("schedules/{}.toml", spec.name));
    messages.into_iter().map(|message| Problem::of_file(&file, message)).collect()
}

/// Tells when two schedules put different reports under one name into one folder; the later of both by name is told.
fn shared_name(project: &Project, spec: &ScheduleSpec, other: &ScheduleSpec) -> Option<Problem> {
    let (folder, its) = (spec.folder.as_ref()?, other.folder.as_ref()?);
    let names = [&folder.path, &folder.file];
    let tells = |place: &str| names.iter().any(|name| name.contains(place));
    let differs = (spec.report != other.report && !tells("{report}")) || (spec.period != other.period && !tells("{period}"));
    let is_shared =
        names == [&its.path, &its.file] && !tells("{schedule}") && spec.formats.iter().any(|format| other.formats.contains(format));
    (other.name < spec.name && differs && is_shared).then(|| {
        let message =
            format!("puts files of the same names into `{}` as schedules/{}.toml: one would replace the other", folder.path, other.name);
        Problem::of_file(project.dir.join(format!("schedules/{}.toml", spec.name)), message)
    })
}

/// Names of the key figures of a block.
fn figures(block: &BlockSpec) -> Vec<&str> {
    match &block.content {
        ContentSpec::Kpis { figures, .. } => figures.iter().map(|figure| figure.column.as_str()).collect(),
        _ => Vec::new(),
    }
}
