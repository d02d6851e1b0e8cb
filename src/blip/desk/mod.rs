//! The Desk extension: tickets, their messages, queues and people, today's numbers, reports by period.

mod directory;
mod hours;
mod messages;
mod monitoring;
mod reports;
mod tickets;
mod writes;

pub use directory::{Attendant, Queue, Rule, Tag, Team, attendants, queues, rules, tags, teams};
pub use hours::{DaysOff, OpenStretch, OpeningHours, opening_hours};
pub use messages::{Marks, Message, messages};
pub use monitoring::{
    AttendantNow, HourCount, OpenTicket, TeamNow, TicketMetrics, TicketsNow, attendants_now, open_tickets, teams_now, ticket_metrics,
    tickets_now, tickets_per_hour, waiting_tickets,
};
pub use reports::{
    AgentProductivity, AttendanceTime, AttendantSummary, DaySummary, TagSummary, TeamSummary, Timings, attendance_time,
    attendant_summaries, day_summaries, day_summaries_between, productivity, tag_summaries, team_summaries, timings,
};
pub use tickets::{Ticket, TicketList, ticket, tickets};
pub use writes::{delete_attendant, delete_queue, set_attendant, set_queue};

/// Address of the extension.
pub(super) const DESK: Option<&str> = Some("postmaster@desk.msging.net");

/// Blip refuses more than 100 tickets or messages a page.
const TAKE: usize = 100;
