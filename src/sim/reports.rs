//! Blip's own figures: today's numbers and reports by period, derived from the tickets so that lists and reports agree.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Timelike, Utc};
use serde_json::{Map, Value, json};

use super::{
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    world::{Author, Ticket, World},
};
use crate::blip::{
    identity,
    time::{blip_day, blip_day_start, instant, time_span},
};

/// Days that reports reach back where the contract forgets.
const REACH_DAYS: u64 = 90;

/// Answers a command of today's numbers.
pub fn monitoring(world: &World, faults: &Faults, query: &Query<'_>, name: &str, sees_tickets: bool) -> Outcome {
    let readings = Readings(faults);
    if query.get("version") != Some("2") {
        return Err(Reason::new(64, "The version parameter is invalid"));
    }
    let today = Span::of_days(blip_day(world.now), blip_day(world.now));
    let tickets: Vec<&Ticket> = if sees_tickets { world.tickets_of_today() } else { Vec::new() };
    let ended: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| today.has(ticket.closed_at)).collect();
    let waiting = || tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_none());
    let open = || tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_some());
    match name {
        "tickets" => {
            let mut body = readings.counts(&ended);
            body["waiting"] = waiting().count().into();
            body["open"] = open().count().into();
            body["inAttendance"] = open().filter(|ticket| ticket.first_response_at.is_some()).count().into();
            Ok(Resource::new("application/vnd.iris.desk.ticketssummary+json", &body))
        }
        "ticket-metrics" => {
            let mut body = readings.timings(world, &ended);
            let attendants = world.attendants.iter().filter(|attendant| attendant.is_listed).count().max(1);
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let each = open().count() as f64 / attendants as f64;
            body["ticketsPerAttendant"] = each.into();
            Ok(Resource::new("application/vnd.iris.desk.tickets-metrics-summary+json", &without_nulls(body)))
        }
        "teams" => {
            let mut teams = by_team(&tickets);
            if sees_tickets {
                for queue in &world.queues {
                    teams.entry(queue).or_default();
                }
            }
            let items: Vec<Value> = teams
                .into_iter()
                .map(|(name, tickets)| {
                    json!({
                        "name": name,
                        "waitingTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_none()).count(),
                        "openedTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_some()).count(),
                        "closedTickets": tickets.iter().filter(|ticket| today.has(ticket.closed_at)).count(),
                    })
                })
                .collect();
            let total = items.len();
            Ok(collection("application/vnd.iris.desk.teamticketssummary+json", items.into_iter(), Some(total)))
        }
        "attendants" => {
            let items = world.attendants.iter().enumerate().filter(|(_, attendant)| attendant.is_listed && sees_tickets).map(|(index, attendant)| {
                let opened = open().filter(|ticket| ticket.agent == Some(index)).count();
                let closed = ended.iter().filter(|ticket| ticket.agent == Some(index)).count();
                json!({"identity": identity::attendant(&attendant.email), "status": "Online", "openedTickets": opened, "closedTickets": closed})
            });
            Ok(collection("application/vnd.iris.desk.attendantticketssummary+json", items, None))
        }
        "open-tickets" | "waiting-tickets" => {
            let listed: Vec<&Ticket> = if name == "open-tickets" { open().copied().collect() } else { waiting().copied().collect() };
            let (skip, take) = query.page(50, 500)?;
            let total = listed.len();
            let items = listed.into_iter().skip(skip).take(take).map(|ticket| {
                without_nulls(json!({
                    "id": ticket.id.to_string(), "sequentialId": ticket.sequential_id, "team": ticket.team,
                    "customerIdentity": world.customers[ticket.customer].identity,
                    "queueTime": time_span(ticket.opened_at.unwrap_or(world.now) - ticket.created_at),
                }))
            });
            // Waiting tickets declare the type of open ones.
            Ok(collection("application/vnd.iris.desk.open-ticket-summary+json", items, Some(total)))
        }
        "tickets-per-hour" => {
            let mut hours: BTreeMap<DateTime<Utc>, usize> = BTreeMap::new();
            for ticket in tickets.iter().filter(|ticket| today.has(Some(ticket.created_at))) {
                let hour = ticket.created_at - TimeDelta::nanoseconds(ticket.created_at.timestamp_subsec_nanos().into());
                let hour = hour - TimeDelta::seconds((hour.minute() * 60 + hour.second()).into());
                *hours.entry(hour).or_default() += 1;
            }
            let items = hours.into_iter().map(|(hour, count)| json!({"storageDate": instant(hour), "ticketByHour": count}));
            Ok(collection("application/vnd.iris.desk.tickets-by-hour-summary+json", items, None))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers a report by period.
pub fn period(world: &World, faults: &Faults, query: &Query<'_>, name: &[&str], sees_tickets: bool) -> Outcome {
    let readings = Readings(faults);
    let (mut first, mut last) = days(query)?;
    if faults.has(FaultKind::ExclusiveEnd) {
        last = last - Days::new(1);
    }
    if faults.has(FaultKind::Retention) || faults.has(FaultKind::ShortReports) {
        first = first.max(blip_day(world.now) - Days::new(REACH_DAYS));
    }
    let span = Span::of_days(first, last);
    let tickets: Vec<&Ticket> = if sees_tickets { tickets_near(world, span) } else { Vec::new() };
    let closed: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| span.has(ticket.closed_at)).collect();
    match name {
        ["tickets"] => Ok(readings.day_summaries(&tickets, span)),
        ["teams"] => {
            let items: Vec<Value> =
                by_team(&tickets).into_iter().map(|(name, tickets)| readings.team_summary(world, name, &tickets, span)).collect();
            let total = items.len();
            Ok(collection("application/vnd.iris.desk.teamticketssummary+json", items.into_iter(), Some(total)))
        }
        ["timings"] => {
            Ok(Resource::new("application/vnd.iris.desk.tickets-metrics-summary+json", &without_nulls(readings.timings(world, &closed))))
        }
        ["attendancetime"] => {
            let body = json!({"attendanceTime": mean(&closed, |ticket| readings.attendance(ticket))});
            Ok(Resource::new("application/vnd.iris.desk.attendancetimesummary+json", &without_nulls(body)))
        }
        ["attendants"] => {
            let items = world.attendants.iter().enumerate().filter(|_| sees_tickets).map(|(index, attendant)| {
                let own: Vec<&Ticket> = closed.iter().copied().filter(|ticket| ticket.agent == Some(index)).collect();
                without_nulls(json!({
                    "identity": identity::attendant(&attendant.email), "status": "Online", "openedTickets": 0, "closedTickets": own.len(),
                    "averageFirstResponseTime": mean(&own, first_response), "averageAttendanceTime": mean(&own, |ticket| readings.attendance(ticket)),
                }))
            });
            Ok(collection("application/vnd.iris.desk.attendantticketssummary+json", items, None))
        }
        ["attendants", "productivity"] => {
            let days = i32::try_from((last - first).num_days() + 1).unwrap_or(1).max(0);
            let items = world.attendants.iter().filter(|_| sees_tickets).map(|attendant| {
                let online = TimeDelta::minutes(437) * days;
                let paused = TimeDelta::minutes(41) * days;
                json!({
                    "identity": identity::attendant(&attendant.email), "online": time_span(online), "paused": time_span(paused),
                    "invisible": "00:00:00", "offline": time_span(TimeDelta::days(1) * days - online - paused), "total": time_span(online + paused),
                })
            });
            Ok(collection("application/vnd.iris.desk.agentproductivitysummary+json", items, None))
        }
        ["tags"] => {
            let mut tags: BTreeMap<&str, Vec<&Ticket>> = BTreeMap::new();
            for ticket in &closed {
                for tag in &ticket.tags {
                    tags.entry(tag).or_default().push(ticket);
                }
            }
            let items = tags.into_iter().map(|(name, tickets)| {
                without_nulls(json!({"name": name, "closedTickets": tickets.len(), "averageAttendanceTime": mean(&tickets, |ticket| readings.attendance(ticket))}))
            });
            Ok(collection("application/vnd.iris.desk.tag-tickets-summary+json", items, None))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Returns the tickets that a report on `span` can count: no ticket stays open for longer than a quarter.
fn tickets_near(world: &World, span: Span) -> Vec<&Ticket> {
    let earliest = span.from - TimeDelta::days(92);
    let from = world.tickets.partition_point(|ticket| ticket.created_at < earliest);
    let until = world.tickets.partition_point(|ticket| ticket.created_at < span.until);
    world.tickets.get(from..until).unwrap_or_default().iter().collect()
}

fn days(query: &Query<'_>) -> Result<(NaiveDate, NaiveDate), Reason> {
    let day = |name: &str| {
        let text = query.get(name).ok_or_else(|| Reason::new(64, format!("The {name} parameter is required")))?;
        text.parse().map_err(|_| Reason::new(64, format!("The {name} parameter is invalid")))
    };
    Ok((day("beginDate")?, day("endDate")?))
}

/// Some days of Blip.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: DateTime<Utc>,
    /// When the day after them begins.
    until: DateTime<Utc>,
}

impl Span {
    fn of_days(first: NaiveDate, last: NaiveDate) -> Span {
        Span { from: blip_day_start(first), until: blip_day_start(last + Days::new(1)) }
    }

    fn has(self, at: Option<DateTime<Utc>>) -> bool {
        at.is_some_and(|at| self.from <= at && at < self.until)
    }
}

fn by_team<'a>(tickets: &[&'a Ticket]) -> BTreeMap<&'a str, Vec<&'a Ticket>> {
    let mut teams: BTreeMap<&str, Vec<&Ticket>> = BTreeMap::new();
    for ticket in tickets {
        teams.entry(&ticket.team).or_default().push(ticket);
    }
    teams
}

/// Which of two readings Blip's own figures follow, where sources disagree.
#[derive(Debug, Clone, Copy)]
struct Readings<'a>(&'a Faults);

impl Readings<'_> {
    /// Whether the wait of a ticket that nobody answered ends with its close; otherwise it has no wait.
    fn wait_ends_with_close(self) -> bool {
        !self.0.has(FaultKind::WaitToAnswer)
    }

    /// Whether missed is what the customer's side ended without an attendant; otherwise whatever ended unopened.
    fn missed_is_by_agent(self) -> bool {
        !self.0.has(FaultKind::MissedUnopened)
    }

    /// Whether the response time is the mean of the tickets' means; otherwise of all responses.
    fn response_is_by_ticket(self) -> bool {
        !self.0.has(FaultKind::ResponseByTurn)
    }

    /// Whether the attendance begins with the pick-up; otherwise with the first answer.
    fn attendance_begins_with_open(self) -> bool {
        self.0.has(FaultKind::AttendanceFromOpen)
    }

    /// Counts tickets by how they ended.
    fn counts(self, tickets: &[&Ticket]) -> Value {
        let count = |test: &dyn Fn(&Ticket) -> bool| tickets.iter().filter(|ticket| test(ticket)).count();
        let is_by_customer = |ticket: &Ticket| ticket.status.starts_with("ClosedClient");
        let was_attended = |ticket: &Ticket| if self.missed_is_by_agent() { ticket.agent.is_some() } else { ticket.opened_at.is_some() };
        let is_missed =
            |ticket: &Ticket| ticket.is_closed() && !was_attended(ticket) && (is_by_customer(ticket) || !self.missed_is_by_agent());
        json!({
            "waiting": count(&|ticket| !ticket.is_closed() && ticket.opened_at.is_none()),
            "open": count(&|ticket| !ticket.is_closed() && ticket.opened_at.is_some()),
            "inAttendance": count(&|ticket| !ticket.is_closed() && ticket.first_response_at.is_some()),
            "closed": count(&Ticket::is_closed),
            "closedAttendant": count(&|ticket| ticket.status == "ClosedAttendant"),
            "closedClient": count(&|ticket| is_by_customer(ticket) && was_attended(ticket)),
            "transferred": count(&|ticket| ticket.status == "Transferred"),
            "missed": count(&is_missed),
        })
    }

    fn day_summaries(self, tickets: &[&Ticket], span: Span) -> Resource {
        let mut days: BTreeMap<NaiveDate, Vec<&Ticket>> = BTreeMap::new();
        for ticket in tickets.iter().filter(|ticket| span.has(ticket.closed_at.or(Some(ticket.created_at)))) {
            days.entry(blip_day(ticket.closed_at.unwrap_or(ticket.created_at))).or_default().push(ticket);
        }
        let items: Vec<Value> = days
            .into_iter()
            .map(|(day, tickets)| {
                let mut body = self.counts(&tickets);
                body["date"] = format!("{day}T03:00:00.000Z").into();
                body
            })
            .collect();
        let total = items.len();
        collection("application/vnd.iris.desk.ticketssummary+json", items.into_iter(), Some(total))
    }

    fn team_summary(self, world: &World, name: &str, tickets: &[&Ticket], span: Span) -> Value {
        let closed: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| span.has(ticket.closed_at)).collect();
        without_nulls(json!({
            "name": name,
            "waitingTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_none()).count(),
            "openedTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_some()).count(),
            "closedTickets": closed.len(),
            "ticketsCount": tickets.iter().filter(|ticket| !ticket.is_closed() || span.has(ticket.closed_at)).count(),
            "averageFirstResponseTime": mean(&closed, first_response),
            "averageWaitTime": mean(&closed, |ticket| self.wait(ticket)),
            "averageAttendanceTime": mean(&closed, |ticket| self.attendance(ticket)),
            "averageResponseTime": self.response(world, &closed),
        }))
    }

    fn timings(self, world: &World, closed: &[&Ticket]) -> Value {
        let queue = |ticket: &Ticket| Some(ticket.opened_at? - ticket.created_at);
        let longest = |value: &dyn Fn(&Ticket) -> Option<TimeDelta>| closed.iter().filter_map(|ticket| value(ticket)).max().map(time_span);
        json!({
            "maxQueueTime": longest(&queue),
            "maxFirstResponseTime": longest(&first_response),
            "avgQueueTime": mean(closed, queue),
            "avgFirstResponseTime": mean(closed, first_response),
            "avgWaitTime": mean(closed, |ticket| self.wait(ticket)),
            "avgResponseTime": self.response(world, closed),
            "avgAttendanceTime": mean(closed, |ticket| self.attendance(ticket)),
        })
    }

    fn wait(self, ticket: &Ticket) -> Option<TimeDelta> {
        let closed_at = ticket.closed_at.filter(|_| self.wait_ends_with_close());
        Some(ticket.first_response_at.or(closed_at)? - ticket.created_at)
    }

    fn attendance(self, ticket: &Ticket) -> Option<TimeDelta> {
        Some(ticket.closed_at? - if self.attendance_begins_with_open() { ticket.opened_at? } else { ticket.first_response_at? })
    }

    fn response(self, world: &World, closed: &[&Ticket]) -> Option<String> {
        if self.response_is_by_ticket() {
            return mean(closed, |ticket| mean_of(&responses(world, ticket)));
        }
        mean_of(&closed.iter().flat_map(|ticket| responses(world, ticket)).collect::<Vec<_>>()).map(time_span)
    }
}

fn first_response(ticket: &Ticket) -> Option<TimeDelta> {
    Some(ticket.first_response_at? - ticket.opened_at?)
}

/// Times that the attendant of a ticket took to answer, after the first answer.
fn responses(world: &World, ticket: &Ticket) -> Vec<TimeDelta> {
    let (Some(first), Some(closed)) = (ticket.first_response_at, ticket.closed_at) else { return Vec::new() };
    let all = world.messages_of(ticket.customer);
    let from = all.partition_point(|message| message.at <= first);
    let mut asked: Option<DateTime<Utc>> = None;
    let mut times = Vec::new();
    for message in all[from..].iter().take_while(|message| message.at <= closed) {
        match (message.author, asked) {
            (Author::Customer, None) => asked = Some(message.at),
            (Author::Attendant, Some(at)) => {
                times.push(message.at - at);
                asked = None;
            }
            _ => {}
        }
    }
    times
}

/// Returns the mean response time of a ticket in seconds; none where no answer followed the first one.
pub fn mean_response_s(world: &World, ticket: &Ticket) -> Option<f64> {
    mean_of(&responses(world, ticket)).map(TimeDelta::as_seconds_f64)
}

fn mean(tickets: &[&Ticket], value: impl Fn(&Ticket) -> Option<TimeDelta>) -> Option<String> {
    mean_of(&tickets.iter().filter_map(|ticket| value(ticket)).collect::<Vec<_>>()).map(time_span)
}

fn mean_of(values: &[TimeDelta]) -> Option<TimeDelta> {
    let count = i32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<TimeDelta>() / count)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into(),
        other => other,
    }
}
