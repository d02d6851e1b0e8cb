//! What the columns of an exported file are called.

use std::collections::BTreeMap;

use super::{sheet::is_error_value, values::Joined};
use crate::domain::{
    Zone,
    exported::{Field, plain},
};

/// Field, and the headings by which it is known, without accents, case, blanks and punctuation.
const KNOWN: [(Field, &[&str]); 17] = [
    (Field::TicketId, &["id", "ticketid", "iddoticket", "idticket", "idatendimento", "iddoatendimento"]),
    (Field::SequentialId, &["sequentialid", "numero", "numerodoticket", "ticket", "ticketnumber", "protocolo"]),
    (Field::ParentSequentialId, &["parentsequentialid", "ticketdeorigem", "ticketpai", "numerodoticketpai"]),
    (Field::Owner, &["owneridentity", "owner", "bot", "chatbot", "botid"]),
    (
        Field::Customer,
        &["customeridentity", "customer", "cliente", "identidadedocliente", "contato", "contact", "contactidentity", "contacto"],
    ),
    (Field::Channel, &["customerdomain", "channel", "canal"]),
    (Field::Queue, &["team", "queue", "fila", "equipe", "setor", "filadeatendimento", "sector", "cola"]),
    (Field::Agent, &["agentidentity", "agent", "attendant", "agente", "atendente", "emaildoatendente", "agentemail"]),
    (Field::Status, &["status", "situacao", "statusdoticket"]),
    (Field::CreatedAt, &["storagedate", "createdat", "created", "datadecriacao", "criadoem", "datadeentrada", "criacao"]),
    (Field::OpenedAt, &["opendate", "openedat", "datadeabertura", "iniciodoatendimento", "datadeatendimento", "atribuidoem"]),
    (Field::FirstResponseAt, &["firstresponsedate", "firstresponseat", "primeiraresposta", "datadaprimeiraresposta"]),
    (
        Field::ClosedAt,
        &["closedate", "closeddate", "closed", "closedat", "datadefechamento", "fechadoem", "encerradoem", "finalizadoem", "fechamento"],
    ),
    (Field::Tags, &["tags", "etiquetas", "tag"]),
    (Field::ResponseMean, &["averageagentresponsetime"]),
    (
        Field::Answer,
        &[
            "answer",
            "score",
            "rating",
            "resposta",
            "nota",
            "avaliacao",
            "satisfacao",
            "pontuacao",
            "puntuacion",
            "calificacion",
            "valoracion",
        ],
    ),
    (Field::AnsweredAt, &["answeredat", "surveydate", "datadaresposta", "respondidoem", "datadapesquisa", "data", "date", "fecha"]),
];

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

/// Which of Blip's exports a file is, by its headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// A ticket report of the portal's report manager.
    ReportManager,
    /// The ticket table of Delta Share.
    DeltaShare,
    /// Any other file.
    Other,
}

impl Export {
    /// Headings that the report manager's ticket report always has.
    const REPORT_MANAGER: [&str; 6] = ["botid", "ticketid", "sequentialid", "customeridentity", "agentidentity", "status"];
    /// Headings that Delta Share's ticket table always has, beside one of the customer.
    const DELTA_SHARE: [&str; 4] = ["ticketid", "sequentialid", "owneridentity", "storagedate"];
    /// Delta Share calls the customer by one of these.
    const DELTA_SHARE_CUSTOMER: [&str; 2] = ["contactidentity", "customeridentity"];

    /// Recognises plain headings.
    fn of(headings: &[String]) -> Export {
        let has = |name: &&str| headings.iter().any(|heading| heading == name);
        if Export::REPORT_MANAGER.iter().all(has) {
            Export::ReportManager
        } else if Export::DELTA_SHARE.iter().all(has) && Export::DELTA_SHARE_CUSTOMER.iter().any(has) {
            Export::DeltaShare
        } else {
            Export::Other
        }
    }

    /// Returns the zone of times that name none; Blip writes UTC, the portal's tables follow the reader's clock.
    pub const fn zone(self, organization: Zone) -> Zone {
        match self {
            Export::ReportManager | Export::DeltaShare => Zone::UTC,
            Export::Other => organization,
        }
    }

    /// Returns the name in messages; none for a file that is no known export.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Export::ReportManager => Some("report manager"),
            Export::DeltaShare => Some("Delta Share"),
            Export::Other => None,
        }
    }
}

/// Which column holds what.
#[derive(Debug)]
pub struct Mapping {
    pub kind: Kind,
    pub export: Export,
    /// How the file joins tags.
    pub joined: Joined,
    places: Vec<(Field, usize)>,
}

impl Mapping {
    /// Recognises the headings; none where they are neither those of tickets nor those of answers. A heading that is `declared` holds what is said
    /// there, and no other column holds the same.
    pub fn of(headings: &[String], declared: &BTreeMap<String, Field>) -> Option<Mapping> {
        let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
        let declared: BTreeMap<usize, Field> =
            plain.iter().enumerate().filter_map(|(place, heading)| Some((place, *declared.get(heading)?))).collect();
        let place = |field: Field, names: &[&str]| {
            let is_free = |place: &usize| !declared.contains_key(place);
            let known = || names.iter().find_map(|name| plain.iter().position(|heading| heading == name).filter(is_free));
            declared.iter().find(|(_, declared)| **declared == field).map(|(place, _)| *place).or_else(known)
        };
        let places: Vec<(Field, usize)> = KNOWN.iter().filter_map(|(field, names)| Some((*field, place(*field, names)?))).collect();
        let has = |field: Field| places.iter().any(|(found, _)| *found == field);
        let kind = if has(Field::TicketId) && has(Field::CreatedAt) && has(Field::Status) {
            Kind::Tickets
        } else if has(Field::Answer) && (has(Field::TicketId) || has(Field::AnsweredAt)) {
            Kind::Ratings
        } else {
            return None;
        };
        Some(Mapping { kind, export: Export::of(&plain), joined: Joined::default(), places })
    }

    /// Returns the fields that have a column.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.places.iter().map(|(field, _)| *field)
    }

    /// Returns whether there is a column of a field.
    pub fn has(&self, field: Field) -> bool {
        self.places.iter().any(|(found, _)| *found == field)
    }

    /// Returns the value of a field in a row; none where it is empty, a formula's error, or there is no such column.
    pub fn get<'a>(&self, field: Field, cells: &'a [String]) -> Option<&'a str> {
        let (_, place) = self.places.iter().find(|(found, _)| *found == field)?;
        cells.get(*place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty() && *cell != "-" && !is_error_value(cell))
    }

    /// Returns the heading of a field.
    pub fn heading<'a>(&self, field: Field, headings: &'a [String]) -> &'a str {
        self.places.iter().find(|(found, _)| *found == field).map_or("", |(_, place)| &headings[*place])
    }

    /// Returns a used heading that stands over another column, too.
    pub fn doubled<'a>(&self, headings: &'a [String]) -> Option<&'a str> {
        let is_doubled = |place: &usize| headings.iter().filter(|heading| plain(heading) == plain(&headings[*place])).count() > 1;
        self.places.iter().map(|(_, place)| *place).find(is_doubled).map(|place| headings[place].as_str())
    }

    /// Returns the headings that are used and what they are taken for.
    pub fn used(&self, headings: &[String]) -> Vec<(String, &'static str)> {
        self.places.iter().map(|(field, place)| (headings[*place].clone(), field.name())).collect()
    }

    /// Returns the headings that are not used.
    pub fn unused(&self, headings: &[String]) -> Vec<String> {
        let is_used = |place: usize| self.places.iter().any(|(_, used)| *used == place);
        let is_named = |heading: &str| !heading.trim().is_empty();
        headings
            .iter()
            .enumerate()
            .filter(|(place, heading)| !is_used(*place) && is_named(heading))
            .map(|(_, heading)| heading.clone())
            .collect()
    }
}

/// Says which columns a file needs.
pub fn needed() -> String {
    let names = |field: Field| KNOWN.iter().find(|(known, _)| *known == field).map_or(String::new(), |(_, names)| names.join(" | "));
    format!(
        "tickets need an id ({}), a creation ({}) and a status ({}); survey answers need an answer ({}) and an id or a time ({})",
        names(Field::TicketId),
        names(Field::CreatedAt),
        names(Field::Status),
        names(Field::Answer),
        names(Field::AnsweredAt)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(headings: &[&str]) -> Option<Mapping> {
        Mapping::of(&headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>(), &BTreeMap::new())
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

    #[test]
    fn exports_are_known_by_the_headings_that_they_always_have() {
        let manager =
            ["BotId", "TicketId", "SequentialId", "CustomerIdentity", "AgentIdentity", "Status", "StorageDate", "OpenDate", "Closed"];
        let delta = ["TicketId", "SequentialId", "OwnerIdentity", "ContactIdentity", "Status", "StorageDate", "CloseDate"];
        let other = ["TicketId", "SequentialId", "OwnerIdentity", "Status", "StorageDate"];
        for (headings, export, zone) in [
            (&manager[..], Export::ReportManager, "UTC"),
            (&delta, Export::DeltaShare, "UTC"),
            (&other, Export::Other, "America/Sao_Paulo"),
        ] {
            let found = mapping(headings).unwrap();
            assert_eq!((found.kind, found.export), (Kind::Tickets, export));
            assert_eq!(found.export.zone("America/Sao_Paulo".parse().unwrap()).to_string(), zone);
        }
    }

    #[test]
    fn the_satisfaction_table_is_known_in_three_languages() {
        for headings in [
            ["Ticket", "Data", "Fila", "Atendente", "Cliente", "Pontuação", "Categoria", "Comentário"],
            ["Ticket", "Date", "Queue", "Attendant", "Customer", "Score", "Category", "Comment"],
            ["Ticket", "Fecha", "Cola", "Agente", "Cliente", "Puntuación", "Categoría", "Comentario"],
        ] {
            let found = mapping(&headings).unwrap();
            assert_eq!((found.kind, found.export), (Kind::Ratings, Export::Other));
            let cells = ["7", "05/10/2026 09:30", "Suporte", "bia", "ana", "5", "CSAT", "x"].map(str::to_owned);
            let fields = [Field::SequentialId, Field::AnsweredAt, Field::Queue, Field::Agent, Field::Customer, Field::Answer];
            assert_eq!(fields.map(|field| found.get(field, &cells)), ["7", "05/10/2026 09:30", "Suporte", "bia", "ana", "5"].map(Some));
            assert_eq!(found.unused(&headings.map(str::to_owned)), &headings[6..]);
        }
    }
}
