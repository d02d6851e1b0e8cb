//! What exported files hold: the fields of their columns and the states of tickets, by the words that people use for them.

use serde::{Deserialize, Deserializer, de::Error};
use unicode_normalization::UnicodeNormalization;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Field {
    /// Blip's id of a ticket.
    TicketId,
    /// Number of a ticket, which people see.
    SequentialId,
    /// Number of the ticket from which it was transferred.
    ParentSequentialId,
    /// Bot that attends.
    Owner,
    /// Identity of the customer.
    Customer,
    /// Domain of the channel.
    Channel,
    /// Queue by name.
    Queue,
    /// Attendant by address.
    Agent,
    /// State of a ticket.
    Status,
    /// When a ticket was created.
    CreatedAt,
    /// When it was picked up.
    OpenedAt,
    /// When a person answered first.
    FirstResponseAt,
    /// When it ended.
    ClosedAt,
    /// Tags of a ticket.
    Tags,
    /// Blip's own mean of a ticket.
    ResponseMean,
    /// Answer to a survey.
    Answer,
    /// When it was given.
    AnsweredAt,
}

/// Fields by their names in messages, in settings and on the command line.
const FIELDS: [(Field, &str); 17] = [
    (Field::TicketId, "ticket id"),
    (Field::SequentialId, "number"),
    (Field::ParentSequentialId, "number of the transferred ticket"),
    (Field::Owner, "bot"),
    (Field::Customer, "customer"),
    (Field::Channel, "channel"),
    (Field::Queue, "queue"),
    (Field::Agent, "attendant"),
    (Field::Status, "status"),
    (Field::CreatedAt, "creation"),
    (Field::OpenedAt, "pick-up"),
    (Field::FirstResponseAt, "first response"),
    (Field::ClosedAt, "close"),
    (Field::Tags, "tags"),
    (Field::ResponseMean, "mean response time"),
    (Field::Answer, "answer"),
    (Field::AnsweredAt, "time of the answer"),
];

impl Field {
    /// Fields that hold times.
    pub const TIMES: [Field; 5] = [Field::CreatedAt, Field::OpenedAt, Field::FirstResponseAt, Field::ClosedAt, Field::AnsweredAt];

    /// Returns the name in messages.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    /// Reads a name as [`Field::name`] writes it, whatever its case, blanks and punctuation.
    ///
    /// # Errors
    /// With the accepted names, where it is none.
    pub fn named(name: &str) -> Result<Field, String> {
        let known = FIELDS.iter().find(|(_, known)| plain(known) == plain(name)).map(|(field, _)| *field);
        known.ok_or_else(|| {
            let names: Vec<&str> = FIELDS.iter().map(|(_, name)| *name).collect();
            format!("unknown field `{name}` (accepted: {})", names.join(", "))
        })
    }
}

impl TryFrom<String> for Field {
    type Error = String;

    fn try_from(name: String) -> Result<Field, String> {
        Field::named(&name)
    }
}

/// State of a ticket by Blip's name of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(&'static str);

/// States by Blip's names, and the words for them in the portal and in other programs, in their plain form.
const STATES: [(&str, &[&str]); 7] = [
    ("Waiting", &["waiting", "aguardando", "nafila", "emespera"]),
    ("Assigned", &["assigned", "atribuido"]),
    ("Open", &["open", "aberto", "ematendimento"]),
    ("ClosedAttendant", &["closedattendant", "finalizado", "atendido", "finalizadopeloatendente", "fechadopeloatendente"]),
    ("ClosedClient", &["closedclient", "perdido", "abandonado", "finalizadopelocliente", "fechadopelocliente"]),
    ("ClosedClientInactivity", &["closedclientinactivity", "inatividade", "finalizadoporinatividade", "fechadoporinatividade"]),
    ("Transferred", &["transferred", "transferido"]),
];

impl Status {
    /// What is accepted as a state.
    pub const ACCEPTED: &'static str = "Aguardando, Atribuído, Em atendimento, Finalizado, Perdido, Abandonado, Finalizado por inatividade, Transferido, Blip's \
                                        own names, and the words of [import.states] in relato.toml";

    /// Reads a state by Blip's name of it or in the portal's words; none where it is neither.
    pub fn named(text: &str) -> Option<Status> {
        let plain = plain(text);
        STATES.iter().find(|(_, words)| words.contains(&plain.as_str())).map(|(name, _)| Status(name))
    }

    /// Returns Blip's name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// Returns whether a ticket of this state has ended.
    pub fn is_final(self) -> bool {
        self.0.starts_with("Closed") || self.0 == "Transferred"
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names: Vec<&str> = STATES.iter().map(|(name, _)| *name).collect();
        Status::named(&text).ok_or_else(|| D::Error::custom(format!("unknown state `{text}` (accepted: {})", names.join(", "))))
    }
}

/// Returns a heading or word without accents, case, blanks and punctuation.
pub fn plain(text: &str) -> String {
    text.nfd().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_messages_name_them() {
        for (name, field) in [("creation", Field::CreatedAt), ("first-response", Field::FirstResponseAt), ("Ticket ID", Field::TicketId)] {
            assert_eq!(Field::named(name), Ok(field));
        }
        for (field, name) in FIELDS {
            assert_eq!(Field::named(field.name()), Ok(field), "{name}");
        }
        assert!(Field::named("criação").unwrap_err().starts_with("unknown field `criação` (accepted: ticket id, number, "));
    }

    #[test]
    fn states_are_known_in_the_portals_words() {
        for (text, name, is_final) in [
            ("Em atendimento", "Open", false),
            ("Finalizado por inatividade", "ClosedClientInactivity", true),
            ("ClosedAttendant", "ClosedAttendant", true),
            ("transferido", "Transferred", true),
        ] {
            let state = Status::named(text).unwrap();
            assert_eq!((state.name(), state.is_final()), (name, is_final), "{text}");
        }
        assert_eq!(Status::named("Resolvido"), None);
    }
}
