//! Rows as `ingest` hands them over: redacted, pseudonymised, typed.

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::types::Value;
use uuid::Uuid;

/// What is read from Blip day by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Tickets by creation.
    Ticket,
    /// Messages by customer.
    Message,
    /// Survey events by day.
    Event,
    /// Attendants and queues.
    Directory,
    /// Blip's own figures by day.
    Report,
}

impl Resource {
    /// Returns the name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Ticket => "ticket",
            Resource::Message => "message",
            Resource::Event => "event",
            Resource::Directory => "directory",
            Resource::Report => "report",
        }
    }
}

/// One answer about one ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    /// Blip's id.
    pub ticket_id: String,
    /// The bot that owns it.
    pub owner: String,
    /// Pseudonym of the customer.
    pub customer_key: String,
    /// The pseudonym that an earlier version made of the same text; none where it is the same.
    pub earlier_key: Option<String>,
    /// The redacted answer as JSON, fields in fixed order.
    pub body: String,
    /// Name of the key that sees the ticket.
    pub key_name: String,
    /// Creation, where it could be read.
    pub created_at: Option<DateTime<Utc>>,
    /// Whether the ticket had ended.
    pub is_closed: bool,
    /// Its end, where it was told.
    pub closed_at: Option<DateTime<Utc>>,
    /// Whether the desk knows the customer by a tunnel or a business-scoped id, so that somebody else can tell who they are on the channel.
    pub has_other_identity: bool,
}

/// One message, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id; one that is no UUID is a digest of it.
    pub message_id: Uuid,
    /// How often it was handed on, as the id says that it travelled under.
    pub handed_on: u8,
    /// Whether it came from the customer; false: it was sent to them.
    pub is_received: bool,
    /// The platform's mark of the author; none where it is not marked.
    pub author: Option<String>,
    /// Whether it says something to a person.
    pub content: bool,
    /// When it was stored.
    pub sent_at: DateTime<Utc>,
    /// E-mail address of the attendant who wrote it, where the platform names one.
    pub agent: Option<String>,
    /// The ticket it was written for, where the platform names one; ids that are no UUID are left out.
    pub ticket_id: Option<Uuid>,
    /// Whether it asks for satisfaction: a survey by its type.
    pub is_survey: bool,
}

/// Other identities of one customer, as pseudonyms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherIdentities {
    /// On the channel, for a customer whom the desk knows by a tunnel.
    pub originator: Option<String>,
    /// WhatsApp's business-scoped id, the newest that was seen.
    pub bsuid: Option<String>,
    /// The id that joins the person's business-scoped ids of several businesses.
    pub parent: Option<String>,
}

/// One recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Key made from the content, and the occurrence among equal ones.
    pub event_id: String,
    /// Category.
    pub category: String,
    /// Action.
    pub action: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Pseudonym of the customer; none where the event names nobody.
    pub customer_key: Option<String>,
    /// Pseudonym of the same customer on the channel, where the event names both.
    pub originator_key: Option<String>,
    /// The pseudonyms that an earlier version made of the texts of both; none where they are the same.
    pub earlier_key: Option<String>,
    /// See `earlier_key`.
    pub earlier_originator_key: Option<String>,
    /// Queue named in the extras.
    pub queue: Option<String>,
    /// Comment in the extras, for the restricted area.
    pub comment: Option<String>,
}

impl EventRow {
    /// Returns pseudonyms of earlier versions, each with the one of today.
    pub(super) fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        let customer = self.earlier_key.as_deref().zip(self.customer_key.as_deref());
        let originator = self.earlier_originator_key.as_deref().zip(self.originator_key.as_deref());
        customer.into_iter().chain(originator)
    }
}

/// An attendant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendantRow {
    /// E-mail address.
    pub agent: String,
    /// Name.
    pub name: Option<String>,
    /// Queues, sorted.
    pub queues: Vec<String>,
}

/// What Blip's own report says of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Name of the key that read it.
    pub key_name: String,
    /// `tickets`, `teams` or `timings`.
    pub report: &'static str,
    /// Day, cut at UTC−3.
    pub day: NaiveDate,
    /// The figures as JSON, fields in fixed order.
    pub body: String,
    /// Whether the day was over.
    pub is_final: bool,
}

/// What was read of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What was read.
    pub resource: Resource,
    /// Name of the key that read it.
    pub key_name: String,
    /// The local day.
    pub day: NaiveDate,
    /// Number that Blip said it had.
    pub reported: i64,
    /// Number that arrived, what was set aside included.
    pub stored: i64,
    /// Of these, records that could not be kept.
    pub set_aside: i64,
    /// Of these, tickets that had not ended.
    pub still_open: i64,
    /// Whether the day was over when it was read.
    pub day_was_over: bool,
    /// Whether nothing moved while it was read.
    pub is_steady: bool,
    /// Whether the day had been over for so long that nothing can have come late.
    pub is_settled: bool,
}

/// A customer whose messages are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageTask {
    /// Bot that owns the tickets.
    pub owner: String,
    /// Pseudonym of the customer.
    pub customer_key: String,
    /// The ticket by which the messages are asked for.
    pub newest_ticket_id: String,
    /// Creation of the newest ticket to be covered.
    pub newest_at: DateTime<Utc>,
    /// Earliest instant of interest: creation of the oldest ticket to be covered.
    pub not_before: DateTime<Utc>,
    /// Number of the thread, where messages of this customer were read before.
    pub thread_id: Option<i64>,
    /// Earliest message that is here already, where only older ones are wanted.
    pub known_from: Option<DateTime<Utc>>,
    /// Other identities of the customer that are here already.
    pub identities: OtherIdentities,
    /// Tickets that are covered by the read.
    pub tickets: Vec<TaskTicket>,
}

/// A ticket that a read of messages covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTicket {
    /// Blip's id.
    pub ticket_id: String,
    /// Whether it had ended.
    pub is_closed: bool,
    /// Creation.
    pub created_at: DateTime<Utc>,
}

/// Where the messages of a ticket came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageSource {
    /// From the ticket.
    Ticket,
    /// From the customer's thread, by the router's key.
    Thread,
    /// There were none, although Blip should still have them: they are asked for again.
    None,
    /// There were none, and only the router's key could still read them, which is not configured.
    NoKey,
    /// There were none, and Blip no longer has them.
    Expired,
}

impl MessageSource {
    /// Returns the name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            MessageSource::Ticket => "ticket",
            MessageSource::Thread => "thread",
            MessageSource::None => "none",
            MessageSource::NoKey => "no_key",
            MessageSource::Expired => "expired",
        }
    }
}

pub(super) fn texts(value: Value) -> Vec<String> {
    match value {
        Value::List(values) => {
            values.into_iter().filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None }).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn flags(value: Value) -> Vec<bool> {
    match value {
        Value::List(values) => values.into_iter().map(|value| value == Value::Boolean(true)).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn numbers(value: Value) -> Vec<i64> {
    match value {
        Value::List(values) => {
            values.into_iter().filter_map(|value| if let Value::BigInt(number) = value { Some(number) } else { None }).collect()
        }
        _ => Vec::new(),
    }
}
