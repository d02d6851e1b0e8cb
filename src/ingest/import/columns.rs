//! What the columns of an exported file are called.

use unicode_normalization::UnicodeNormalization;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    TicketId,
    SequentialId,
    ParentSequentialId,
    Owner,
    Customer,
    Channel,
    Queue,
    Agent,
    Status,
    CreatedAt,
    OpenedAt,
    FirstResponseAt,
    ClosedAt,
    Tags,
    Answer,
    AnsweredAt,
}

/// Field, name in messages, and the headings by which it is known, without accents, case, blanks and punctuation.
const KNOWN: [(Field, &str, &[&str]); 16] = [
    (Field::TicketId, "ticket id", &["id", "ticketid", "iddoticket", "idticket", "idatendimento", "iddoatendimento"]),
    (Field::SequentialId, "number", &["sequentialid", "numero", "numerodoticket", "ticket", "ticketnumber", "protocolo"]),
    (
        Field::ParentSequentialId,
        "number of the transferred ticket",
        &["parentsequentialid", "ticketdeorigem", "ticketpai", "numerodoticketpai"],
    ),
    (Field::Owner, "bot", &["owneridentity", "owner", "bot", "chatbot"]),
    (
        Field::Customer,
        "customer",
        &["customeridentity", "customer", "cliente", "identidadedocliente", "contato", "contact", "contactidentity"],
    ),
    (Field::Channel, "channel", &["customerdomain", "channel", "canal"]),
    (Field::Queue, "queue", &["team", "queue", "fila", "equipe", "setor", "filadeatendimento", "sector"]),
    (Field::Agent, "attendant", &["agentidentity", "agent", "attendant", "agente", "atendente", "emaildoatendente", "agentemail"]),
    (Field::Status, "status", &["status", "situacao", "statusdoticket"]),
    (Field::CreatedAt, "creation", &["storagedate", "createdat", "created", "datadecriacao", "criadoem", "datadeentrada", "criacao"]),
    (Field::OpenedAt, "pick-up", &["opendate", "openedat", "datadeabertura", "iniciodoatendimento", "datadeatendimento", "atribuidoem"]),
    (Field::FirstResponseAt, "first response", &["firstresponsedate", "firstresponseat", "primeiraresposta", "datadaprimeiraresposta"]),
    (Field::ClosedAt, "close", &["closedate", "closedat", "datadefechamento", "fechadoem", "encerradoem", "finalizadoem", "fechamento"]),
    (Field::Tags, "tags", &["tags", "etiquetas", "tag"]),
    (Field::Answer, "answer", &["answer", "score", "rating", "resposta", "nota", "avaliacao", "satisfacao"]),
    (
        Field::AnsweredAt,
        "time of the answer",
        &["answeredat", "surveydate", "datadaresposta", "respondidoem", "datadapesquisa", "data", "date"],
    ),
];

impl Field {
    /// Returns the name in messages.
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|(field, ..)| *field == self).map_or("", |(_, name, _)| name)
    }
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One ticket a row.
    Tickets,
    /// One survey answer a row.
    Ratings,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Tickets => "tickets",
            Kind::Ratings => "survey answers",
        }
    }
}

/// Which column holds what.
#[derive(Debug)]
pub struct Mapping {
    pub kind: Kind,
    places: Vec<(Field, usize)>,
}

impl Mapping {
    /// Recognises the headings; none where they are neither those of tickets nor those of answers.
    pub fn of(headings: &[String]) -> Option<Mapping> {
        let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
        let place = |names: &[&str]| names.iter().find_map(|name| plain.iter().position(|heading| heading == name));
        let places: Vec<(Field, usize)> = KNOWN.iter().filter_map(|(field, _, names)| Some((*field, place(names)?))).collect();
        let has = |field: Field| places.iter().any(|(found, _)| *found == field);
        let kind = if has(Field::TicketId) && has(Field::CreatedAt) && has(Field::Status) {
            Kind::Tickets
        } else if has(Field::Answer) && (has(Field::TicketId) || has(Field::AnsweredAt)) {
            Kind::Ratings
        } else {
            return None;
        };
        Some(Mapping { kind, places })
    }

    /// Returns the value of a field in a row; none where it is empty or there is no such column.
    pub fn get<'a>(&self, field: Field, cells: &'a [String]) -> Option<&'a str> {
        let (_, place) = self.places.iter().find(|(found, _)| *found == field)?;
        cells.get(*place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty() && *cell != "-")
    }

    /// Returns the headings that are used and what they are taken for.
    pub fn used(&self, headings: &[String]) -> Vec<(String, &'static str)> {
        self.places.iter().map(|(field, place)| (headings[*place].clone(), field.name())).collect()
    }

    /// Returns the headings that are not used.
    pub fn unused(&self, headings: &[String]) -> Vec<String> {
        let is_used = |place: usize| self.places.iter().any(|(_, used)| *used == place);
        headings.iter().enumerate().filter(|(place, _)| !is_used(*place)).map(|(_, heading)| heading.clone()).collect()
    }
}

/// Says which columns a file needs.
pub fn needed() -> String {
    let names = |field: Field| KNOWN.iter().find(|(known, ..)| *known == field).map_or(String::new(), |(_, _, names)| names.join(" | "));
    format!(
        "tickets need an id ({}), a creation ({}) and a status ({}); survey answers need an answer ({}) and an id or a time ({})",
        names(Field::TicketId),
        names(Field::CreatedAt),
        names(Field::Status),
        names(Field::Answer),
        names(Field::AnsweredAt)
    )
}

/// Returns a heading without accents, case, blanks and punctuation.
pub fn plain(heading: &str) -> String {
    heading.nfd().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(headings: &[&str]) -> Option<Mapping> {
        Mapping::of(&headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn headings_are_known_in_both_languages_whatever_their_dress() {
        let tickets = mapping(&["ID do Ticket", "Data de Criação", "Situação", "Fila", "Observação"]).unwrap();
        assert_eq!(tickets.kind, Kind::Tickets);
        let cells = ["t1", "01/10/2026 10:00", "Transferido", "Suporte", "x"].map(str::to_owned);
        assert_eq!(tickets.get(Field::Queue, &cells), Some("Suporte"));
        assert_eq!(tickets.get(Field::Agent, &cells), None);
        assert_eq!(mapping(&["ticketId", "score", "surveyDate"]).unwrap().kind, Kind::Ratings);
        assert!(mapping(&["nome", "telefone"]).is_none());
    }
}
