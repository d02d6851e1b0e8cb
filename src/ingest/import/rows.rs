//! What a row of an exported file says: a ticket or a survey answer, or why it is left out.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    chains,
    columns::{Export, Mapping},
    values::{self, Clock, Refusal},
};
use crate::{
    blip::identity,
    config::Imports,
    domain::exported::{Field, Status},
    ingest::Pseudonyms,
    store::{ImportedRating, ImportedTicket},
};

/// Reads a ticket; returns it with its creation.
pub(super) fn ticket(
    mapping: &Mapping,
    cells: &[String],
    pseudonyms: &Pseudonyms,
    (clock, settings): (Clock, &Imports),
) -> Result<(ImportedTicket, DateTime<Utc>), Refusal> {
    require_plain(mapping, cells)?;
    let text = |field: Field| mapping.get(field, cells);
    let instant = |field: Field| text(field).map(|text| values::instant(field, text, clock)).transpose();
    let ticket_id = text(Field::TicketId).map(comparable).ok_or(Refusal::Missing(Field::TicketId))?;
    let created_at = instant(Field::CreatedAt)?.ok_or(Refusal::Missing(Field::CreatedAt))?;
    let (opened_at, first_response_at, closed_at) =
        (instant(Field::OpenedAt)?, instant(Field::FirstResponseAt)?, instant(Field::ClosedAt)?);
    let status_text = text(Field::Status).ok_or(Refusal::Missing(Field::Status))?;
    let refused = |accepted| Refusal::Value { field: Field::Status, value: status_text.to_owned(), accepted };
    let status = settings.status(status_text).ok_or_else(|| refused(Status::ACCEPTED))?;
    match closed_at {
        None if status.is_final() => return Err(refused(NEEDS_A_CLOSE)),
        Some(_) if !status.is_final() => return Err(refused("a ticket with a close has ended: a state that says how")),
        Some(closed_at) if closed_at < created_at => {
            let value = text(Field::ClosedAt).unwrap_or_default().to_owned();
            return Err(Refusal::Value { field: Field::ClosedAt, value, accepted: "a time not before the creation" });
        }
        _ => {}
    }
    let tags: Option<Vec<String>> = text(Field::Tags).map(|text| mapping.joined.names(text));
    if let Some(tag) = tags.iter().flatten().find(|tag| !values::is_name(tag)) {
        return Err(Refusal::Value { field: Field::Tags, value: tag.clone(), accepted: NAME });
    }
    let written = |at: Option<DateTime<Utc>>| at.map(crate::blip::time::instant);
    let fields: [(&str, Value); 13] = [
        ("id", ticket_id.clone().into()),
        ("sequentialId", text(Field::SequentialId).map(|text| values::number(Field::SequentialId, text)).transpose()?.into()),
        (
            "parentSequentialId",
            text(Field::ParentSequentialId).map(|text| values::number(Field::ParentSequentialId, text)).transpose()?.into(),
        ),
        ("ownerIdentity", text(Field::Owner).map_or_else(|| "import".to_owned(), |owner| bot(mapping, owner)).into()),
        ("customerDomain", text(Field::Channel).into()),
        ("agentIdentity", text(Field::Agent).map(crate::blip::identity::attendant_email).into()),
        ("status", status.name().into()),
        ("storageDate", written(Some(created_at)).into()),
        ("openDate", written(opened_at).into()),
        ("firstResponseDate", written(first_response_at).into()),
        ("closeDate", written(closed_at).into()),
        ("team", text(Field::Queue).into()),
        ("tags", tags.into()),
    ];
    let mut body: Map<String, Value> =
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(rating) = text(Field::Answer) {
        // What a text means on the survey's scale is told where tables are made: it is no reason to leave a ticket out.
        body.insert("rating".to_owned(), rating.parse::<i64>().map_or_else(|_| json!(rating), |number| json!(number)));
    }
    if let Some(mean) = text(Field::ResponseMean) {
        body.insert("averageAgentResponseTime".to_owned(), json!(values::seconds(Field::ResponseMean, mean)?));
    }
    let customer_key = match text(Field::Customer) {
        Some(identity) => pseudonyms.customer(identity),
        // Nobody is named: the ticket is nobody's but its own.
        None => chains::of_ticket(&ticket_id, pseudonyms),
    };
    let earlier_key = text(Field::Customer).and_then(|identity| pseudonyms.earlier(identity));
    Ok((ImportedTicket { ticket_id, customer_key, earlier_key, body: Value::Object(body).to_string() }, created_at))
}

/// Returns a ticket's id as it is compared: some programs write Blip's ids in capitals.
fn comparable(ticket_id: &str) -> String {
    if uuid::Uuid::try_parse(ticket_id).is_ok() { ticket_id.to_lowercase() } else { ticket_id.to_owned() }
}

/// Returns a bot as tickets of the API name it: the report manager leaves out the domain.
fn bot(mapping: &Mapping, owner: &str) -> String {
    let is_short = mapping.export == Export::ReportManager && !owner.contains('@');
    if is_short { format!("{owner}@msging.net") } else { owner.to_owned() }
}

/// What is counted of a file's answers that name neither ticket nor customer: two of them with the same content are two people's.
#[derive(Default)]
pub(super) struct Occurrences {
    /// By what is known of an answer.
    of_content: HashMap<String, usize>,
    /// What an earlier version took for one answer.
    earlier: HashSet<String>,
}

pub(super) fn rating(
    mapping: &Mapping,
    cells: &[String],
    pseudonyms: &Pseudonyms,
    clock: Clock,
    occurrences: &mut Occurrences,
) -> Result<ImportedRating, Refusal> {
    require_plain(mapping, cells)?;
    let text = |field: Field| mapping.get(field, cells);
    let answer = text(Field::Answer).ok_or(Refusal::Missing(Field::Answer))?.to_owned();
    let answered_at = text(Field::AnsweredAt).map(|text| values::instant(Field::AnsweredAt, text, clock)).transpose()?;
    // Some tables have the id in the column called ticket, others the number, which is no key.
    let number = text(Field::SequentialId);
    let id_as_number = || number.filter(|ticket| uuid::Uuid::try_parse(ticket).is_ok());
    let ticket_id = text(Field::TicketId).or_else(id_as_number).map(comparable);
    if ticket_id.is_none() && answered_at.is_none() {
        return Err(Refusal::Missing(Field::AnsweredAt));
    }
    let queue = text(Field::Queue);
    let customer_key = text(Field::Customer).map(|identity| pseudonyms.customer(identity));
    let earlier_key = text(Field::Customer).and_then(|identity| pseudonyms.earlier(identity));
    // An answer that an earlier version took over is known again.
    let content_about = |ticket_id: Option<String>| {
        format!("{ticket_id:?}\0{:?}\0{answered_at:?}\0{answer}", earlier_key.as_ref().or(customer_key.as_ref()))
    };
    let content = content_about(ticket_id.clone());
    let mut rating_id = pseudonyms.keyed("imported rating", &content);
    // Ids in capitals were other ids.
    let in_capitals = ticket_id.as_ref().filter(|id| uuid::Uuid::try_parse(id).is_ok()).map(|id| id.to_uppercase());
    let mut earlier_id = in_capitals.map(|id| pseudonyms.keyed("imported rating", &content_about(Some(id))));
    if ticket_id.is_none() && customer_key.is_none() {
        let whole = format!("{content}\0{queue:?}\0{number:?}");
        let occurrence = occurrences.of_content.entry(pseudonyms.keyed("imported answer", &whole)).or_default();
        *occurrence += 1;
        earlier_id = occurrences.earlier.insert(pseudonyms.keyed("imported rating", &format!("{content}\0{queue:?}"))).then_some(rating_id);
        rating_id = pseudonyms.keyed("imported rating", &format!("{whole}\0{occurrence}"));
    }
    Ok(ImportedRating { rating_id, earlier_id, ticket_id, customer_key, earlier_key, answer, queue: queue.map(str::to_owned), answered_at })
}

/// What is accepted of a ticket that has ended.
const NEEDS_A_CLOSE: &str =
    "a ticket that has ended has a time of its close; where its column is not recognised, say which it is: --column \"HEADING=close\"";

/// What is accepted as a customer.
const CUSTOMER: &str = "one telephone number, an identity name@domain, an id in one word, or a name without a number in it";

/// What is accepted as a name.
const NAME: &str = "one line of at most 256 characters";

/// Refuses a row in which a used column holds what is no name or value: several lines, or a text without end.
fn require_plain(mapping: &Mapping, cells: &[String]) -> Result<(), Refusal> {
    if let Some(text) = mapping.get(Field::Customer, cells).filter(|text| !identity::is_readable(text)) {
        return Err(Refusal::Value { field: Field::Customer, value: text.to_owned(), accepted: CUSTOMER });
    }
    // A list may have a name a line; each of them is looked at.
    for field in mapping.fields().filter(|field| *field != Field::Tags) {
        if let Some(text) = mapping.get(field, cells).filter(|text| !values::is_name(text)) {
            return Err(Refusal::Value { field, value: text.to_owned(), accepted: NAME });
        }
    }
    Ok(())
}
