//! `relato ingest`: load what is new and publish a snapshot.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    Exit, Failure, Global, Printed, collector, output, rebuild,
    unknown::{self, UnknownName},
};
use crate::{
    audit::Masks,
    blip::ClientOptions,
    config::Project,
    domain::period::{PeriodError, parse_day},
    files,
    ingest::{
        self, Alarm, Clients, IngestRequest, IngestSummary, LiveView, OnlyResource, Pass, Progress, Rebuild, Warnings,
        contract::{Contract, Question},
    },
    snapshot::{Published, Snapshot},
    store::Store,
};

/// Load what is new from Blip and publish a snapshot
///
/// What is settled is not asked for again: days that were read whole three days after they were over. Every ticket that was open
/// is asked for until it has ended. The first run goes back as far as Blip lists tickets, and begins with what Blip is about to
/// forget. A run that breaks off is taken up by the next.
///
/// Exit code 3 when something could not be read, set aside, or is less than Blip says or than is usual, or when a queue or a sector in the
/// configuration is known nowhere else.
#[derive(Args)]
pub struct IngestArgs {
    /// First local day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<NaiveDate>,
    /// Last local day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<NaiveDate>,
    /// Read days again that are settled
    #[arg(long)]
    full: bool,
    /// Make all tables again from what is stored, without asking Blip anything
    #[arg(long, conflicts_with_all = ["from", "to", "full", "only"])]
    rebuild: bool,
    /// Read only this resource
    #[arg(long, value_name = "RESOURCE")]
    only: Option<Only>,
    /// How to print the outcome
    #[arg(long, default_value = "text")]
    format: Printed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    /// Attendants and queues
    Directory,
    /// Tickets
    Tickets,
    /// Messages of tickets
    Messages,
    /// Survey answers
    Events,
}

/// Blip's first year: nothing is there before.
const FIRST_YEAR: i32 = 2010;

fn day(text: &str) -> Result<NaiveDate, String> {
    let day = parse_day(text).map_err(|error: PeriodError| error.to_string())?;
    if day.year() < FIRST_YEAR { Err(format!("{day} is before there was a Blip (accepted: {FIRST_YEAR}-01-01 or later)")) } else { Ok(day) }
}

pub async fn run(global: &Global, args: &IngestArgs) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    if args.rebuild {
        return rebuild::made(global, &project, Rebuild { months: None, workers: 1 }, args.format);
    }
    let today = project.settings.organization.timezone.day(global.now());
    let last = args.to.unwrap_or(today).min(today);
    if let Some(from) = args.from.filter(|from| *from > last) {
        let message = format!("--from {from} is after the last day that would be read, {last}");
        return Err(Failure::told(Exit::Usage, message, Some("nothing was read; name a day that has begun, and not after --to")));
    }
    let progress = global.progress();
    let clients = Clients::of_project(&project, None, ClientOptions::default())?;
    let request = IngestRequest {
        now: global.now(),
        is_trial: false,
        from: args.from,
        to: args.to,
        full: args.full,
        only: args.only.map(|only| match only {
            Only::Directory => OnlyResource::Directory,
            Only::Tickets => OnlyResource::Tickets,
            Only::Messages => OnlyResource::Messages,
            Only::Events => OnlyResource::Events,
        }),
    };
    let (store, summary) = load(&project, &clients, &request, progress.as_ref()).await?;
    let published = publish(&project, &store, request.now, summary.marts.quarantined)?;
    drop(store);
    write_live(&project, &summary.live)?;
    let unknown = unknown::names_of(&project, &Snapshot::newest(&project)?)?;
    print(&summary, (&published, &unknown), args.format)?;
    Ok(if summary.warnings.is_empty() && unknown.is_empty() { Exit::Done } else { Exit::Warnings })
}

/// Loads what `request` asks for.
pub async fn load(
    project: &Project,
    clients: &Clients,
    request: &IngestRequest,
    progress: &dyn Progress,
) -> Result<(Store, IngestSummary), Failure> {
    let queries = project.query_texts()?;
    let done = ingest::run(project, clients, &queries, request, progress).await;
    progress.finish();
    let (mut store, mut summary) = done?;
    let kept = tokio::task::block_in_place(|| ingest::retain(project, &mut store, request.now, progress))?;
    if let Some(forgotten) = kept {
        Masks::clear(&project.data_dir())?;
        tracing::info!(customers = forgotten.unlinked.customers, snapshots = forgotten.rewritten.snapshots, "kept long enough: unlinked");
        summary.marts = forgotten.marts;
    }
    Ok((store, summary))
}

/// Keeps today's numbers as the load saw them.
pub fn write_live(project: &Project, live: &[LiveView]) -> Result<(), Failure> {
    if live.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(live).map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(files::write(&project.live_file(), &text)?)
}

/// Publishes what was loaded.
pub fn publish(project: &Project, store: &Store, now: DateTime<Utc>, quarantined: i64) -> Result<Published, Failure> {
    Ok(ingest::publish(project, store, now, quarantined)?)
}

pub fn outcome(published: &Published) -> String {
    let id = &published.manifest.id;
    if published.is_new {
        format!("Published snapshot {id} ({} new parts).\n", published.parts_written)
    } else {
        format!("Nothing changed: snapshot {id} is still the newest.\n")
    }
}

fn print(summary: &IngestSummary, (published, unknown): (&Published, &[UnknownName]), format: Printed) -> Result<(), Failure> {
    let (written, warnings) = (&summary.written, &summary.warnings);
    if format == Printed::Json {
        return output::print_json(&json!({
            "ticket_days_read": summary.ticket_days,
            "customers_read": summary.customers,
            "event_days_read": summary.event_days,
            "ticket_answers_new_or_changed": written.ticket_answers,
            "messages_new": written.messages,
            "events_new": written.events,
            "attendants_or_queues_changed": written.directory,
            "report_days_new_or_changed": written.reports,
            "records_rejected": written.rejected,
            "tickets": summary.marts.tickets,
            "records_quarantined": summary.marts.quarantined,
            "is_partial": !warnings.gaps.is_empty(),
            "gaps": warnings.gaps.iter().map(|gap| json!({"resource": gap.resource.name(), "what": gap.what, "reason": gap.reason})).collect::<Vec<_>>(),
            "alarms": warnings.alarms.iter().map(|alarm| json!({"check": alarm.check, "day": alarm.day, "said": alarm.said, "found": alarm.found})).collect::<Vec<_>>(),
            "retention_risk": warnings.risk.as_ref().map(|risk| json!({"tickets": risk.tickets, "oldest_day": risk.oldest_day, "days_left": risk.days_left})),
            "tickets_that_need_the_routers_key": warnings.need_router_key,
            "tunnels_asked": summary.tunnels,
            "identities_of_earlier_loads": summary.identities.map(|pass| {
                json!({"commands": pass.commands, "linked": pass.linked, "not_named_any_more": pass.unnamed})
            }),
            "answers_not_joined": warnings.unjoined_answers,
            "survey_without_answers": warnings.silent_survey,
            "messages_not_marked": warnings.unmarked_messages,
            "tickets_not_listed_any_more": warnings.unlisted,
            "tickets_gone": warnings.gone,
            "tickets_of_other_bots": warnings.foreign.iter().map(|one| json!({"key": one.key_name, "bot": one.bot, "tickets": one.tickets})).collect::<Vec<_>>(),
            "blip_tells_the_time": !warnings.is_untimed,
            "earlier_load_was_ahead_until": warnings.ahead,
            "contract": summary.contracts.iter().map(|(key, contract)| {
                let answers: serde_json::Map<String, serde_json::Value> = Question::ALL
                    .into_iter()
                    .filter_map(|question| Some((question.name().to_owned(), contract.answer(question)?.into())))
                    .collect();
                json!({"key": key, "commands": contract.commands, "found": answers})
            }).collect::<Vec<_>>(),
            "not_offered": warnings.not_offered,
            "unknown_names": unknown::json(unknown),
            "unknown_fields": warnings.unknown_fields.iter().map(|(kind, field, seen)| json!({"kind": kind, "field": field, "seen": seen})).collect::<Vec<_>>(),
            "snapshot": published.manifest.id,
            "snapshot_is_new": published.is_new,
        }));
    }
    let read = format!(
        "Read {} days of tickets, {} customers' messages, {} days of survey answers.\n",
        summary.ticket_days, summary.customers, summary.event_days
    );
    let changed = format!(
        "New or changed: {} tickets, {} messages, {} survey answers, {} attendants or queues.\n",
        written.ticket_answers, written.messages, written.events, written.directory
    );
    let behind = match summary.tunnels {
        0 => String::new(),
        tunnels => format!("Asked who is behind {tunnels} tunnels or business-scoped ids, with one command each.\n"),
    };
    let identities = summary.identities.map(whose_records).unwrap_or_default();
    let set_aside = match summary.marts.quarantined {
        0 => String::new(),
        count => format!(
            "Set aside: {count} records could not be understood ({} of them in this run); they are kept and counted, and no figure includes them.\n",
            warnings.set_aside.max(0)
        ),
    };
    let found = summary.contracts.iter().map(|(key, contract)| found_out(key, contract)).collect::<String>();
    let unknown = unknown::lines(unknown).into_iter().map(|line| line + "\n").collect::<String>();
    output::print(&[found, read, changed, behind, identities, set_aside, told(warnings), unknown, outcome(published)].concat())
}

/// Reports what the one pass over the identities of earlier loads gave.
fn whose_records(pass: Pass) -> String {
    let Pass { commands, linked, unnamed } = pass;
    format!(
        "Once for this version: read again whose the records of earlier loads are, with {commands} commands. {linked} identities are linked to the \
         one form of today, so one person is one customer; figures of old months that change by it are restated. {unnamed} customers are not \
         named by Blip any more; they stay apart and are counted in the audit report.\n"
    )
}

/// Reports what was found out about a contract that Blip's documentation leaves open.
fn found_out(key: &str, contract: &Contract) -> String {
    let is_found = |question| contract.answer(question).is_some();
    let desk = is_found(Question::UpperBound);
    // A key that was asked for nothing of a desk was asked for events.
    let lines = contract.lines(desk, is_found(Question::EventsEnd) || !desk);
    let lines: Vec<String> = lines.iter().map(|(question, found, effect)| contract_line(*question, found, effect)).collect();
    format!("Found out about key `{key}` with {} commands:\n{}", contract.commands, lines.concat())
}

/// Returns one line about what a contract answers.
pub fn contract_line(question: Question, found: &str, effect: &str) -> String {
    format!("  {:34} {found}; {effect}\n", question.title())
}

/// So many lines of one kind are shown; the rest is counted.
const SHOWN: usize = 5;

/// Says what a person must know, one line each.
pub fn told(warnings: &Warnings) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut some = |of: Vec<String>, what: &str| {
        let more = of.len().saturating_sub(SHOWN);
        lines.extend(of.into_iter().take(SHOWN));
        if more > 0 {
            lines.push(format!("  … and {more} more {what}"));
        }
    };
    some(
        warnings
            .gaps
            .iter()
            .map(|gap| format!("Missing: {} {} ({}). The next run reads it.", gap.resource.name(), gap.what, gap.reason))
            .collect(),
        "that could not be read",
    );
    some(warnings.alarms.iter().map(alarm).collect(), "warnings of completeness");
    if let Some(risk) = &warnings.risk {
        lines.push(format!(
            "Hurry: messages of {} tickets since {} are not here; Blip forgets the oldest of them {}.",
            risk.tickets,
            risk.oldest_day,
            if risk.days_left <= 0 { "now".to_owned() } else { format!("in {} days", risk.days_left) }
        ));
    }
    if warnings.need_router_key > 0 {
        lines.push(format!(
            "Out of reach: messages of {} tickets are older than a month; a key with the role `channel` (the router's) can still read the last three.",
            warnings.need_router_key
        ));
    }
    if warnings.unjoined_answers > 0 {
        lines.push(format!(
            "Not joined: {} survey answers name customers by another identity than the tickets do, and Blip does not report who is behind the \
             router's tunnels; satisfaction by sector lacks them. `relato check` names the ways that were tried.",
            warnings.unjoined_answers
        ));
    }
    if warnings.is_untimed {
        lines.push(
            "No date: Blip's answers do not say what time it is there, so no day counts as over and no period as closed. Something between here \
             and Blip removes the `Date` of answers."
                .to_owned(),
        );
    }
    if let Some(ahead) = warnings.ahead {
        lines.push(format!(
            "Clock: a load before this one believed that it was {ahead}, which it is not yet. What it took for settled is read again: the last \
             three months."
        ));
    }
    if warnings.unlisted > 0 {
        lines.push(format!(
            "More than Blip lists: {} tickets are stored for the days that were read, and Blip does not list them any more. They stay, and count.",
            warnings.unlisted
        ));
    }
    if warnings.gone > 0 {
        lines.push(format!(
            "Gone: {} tickets were open and are not known to Blip any more. They left the backlog today, without an outcome.",
            warnings.gone
        ));
    }
    for one in &warnings.foreign {
        lines.push(format!(
            "Another bot's: {} tickets of bot {} are among those of key `{}`, and count. `relato bot remove {}` removes them.",
            one.tickets, one.bot, one.key_name, one.bot
        ));
    }
    if let Some(category) = &warnings.silent_survey {
        lines.push(format!(
            "No answers: no key with the role `events` reads any answer of the category `{category}`, so there is no satisfaction. Surveys are \
             recorded at the router, or at the bot that attends: give the role to both keys. `relato check` lists the categories of each."
        ));
    }
    if warnings.unmarked_messages > 0 {
        lines.push(format!(
            "Not marked: {} messages look like an attendant's but carry no mark, beside others that do. They count as the bot's, so response \
             times lack them.",
            warnings.unmarked_messages
        ));
    }
    if !warnings.not_offered.is_empty() {
        lines.push(format!("Not offered by this contract: {}.", warnings.not_offered.join(", ")));
    }
    if !warnings.unknown_fields.is_empty() {
        let fields: Vec<String> = warnings.unknown_fields.iter().map(|(kind, field, seen)| format!("{kind} {field} ({seen})")).collect();
        lines.push(format!("New to this version, and passed over: {}.", fields.join(", ")));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Says what a failed check of completeness means.
pub fn alarm(alarm: &Alarm) -> String {
    let Alarm { check, day, said, found } = alarm;
    match check.as_str() {
        "volume" if *found == 0 => {
            format!("Alarm: no ticket at all on {day}, where {said} are usual. Is it the right key, and did the bot run?")
        }
        "volume" => format!("Alarm: {found} tickets on {day}, where {said} are usual."),
        "closed" => format!("Alarm: Blip's own report has {said} ended tickets on {day}, {found} are here."),
        "counted" => format!("Alarm: Blip counts {said} survey answers on {day}, {found} are here."),
        "listed" | "read" => format!("Alarm: Blip has {said} tickets of {day}, {found} are here."),
        other => format!("Alarm: the check `{other}` finds {found} rows that break its rule; no report is made until it is mended."),
    }
}
