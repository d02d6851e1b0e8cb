//! How survey answers find the conversations they are about, for `relato check`.
//!
//! A desk behind a router knows customers by tunnels, a survey that the router records by their identity on the channel. Both are one person only
//! where something says so.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, Utc};

use super::{Failure, output};
use crate::{
    blip::{
        BlipError, Client, ErrorKind, contacts, events, identity,
        probe::{self, Budget},
        time, tunnels,
    },
    ingest::contract::{Contract, Question},
};

/// Commands for the tickets, at most.
const MOST_COMMANDS: usize = 8;

/// Days back in which survey answers are looked for.
const ANSWER_DAYS: u64 = 30;

/// How some records name customers.
#[derive(Debug, Default)]
struct Names {
    domains: BTreeSet<String>,
    /// A tunnel, where one occurs.
    tunnel: Option<String>,
    /// Whether records of the router name the tunnel themselves.
    is_by_tunnel: bool,
}

impl Names {
    fn add(&mut self, identity: &str) {
        self.domains.extend(identity::domain(identity));
        if self.tunnel.is_none() && identity::tunnel_name(identity).is_some() {
            self.tunnel = Some(identity.to_owned());
        }
    }

    fn shown(&self) -> String {
        if self.domains.is_empty() { "nothing found".to_owned() } else { self.domains.iter().cloned().collect::<Vec<_>>().join(", ") }
    }
}

/// Prints by which identities answers and tickets name customers, and what joins them. Returns whether satisfaction by sector can be made.
pub async fn report((desk, contract): (&Client, &Contract), router: &Client, category: &str, now: DateTime<Utc>) -> Result<bool, Failure> {
    let mut budget = Budget::new(MOST_COMMANDS);
    let tickets = or_nothing(of_tickets(desk, &mut budget, now).await)?;
    let answers = or_nothing(of_answers(router, category, now).await)?;
    let way =
        if tickets.domains.is_empty() || answers.domains.is_empty() { None } else { Some(way(desk, contract, &tickets, &answers).await) };
    let (joined, is_joined) = match way {
        None => ("not known yet: there are no tickets or no answers to compare", true),
        Some(None) => ("nothing", false),
        Some(Some(way)) => (way, true),
    };
    let advice = if is_joined {
        ""
    } else {
        "  → answers and tickets name customers in different domains, and Blip gives no link between the two: satisfaction by sector stays empty.\n    \
         Record the survey in the bot that attends, or pass its customer on as the extra `#tunnelIdentity`\n"
    };
    output::print(&format!(
        "\nSurvey answers of key `{}` and tickets of key `{}`\n  {:34} {}\n  {:34} {}\n  {:34} {joined}\n{advice}",
        router.key_name(),
        desk.key_name(),
        "answers name customers in",
        answers.shown(),
        "tickets name customers in",
        tickets.shown(),
        "joined by",
    ))?;
    Ok(is_joined)
}

/// What a key may not read, or the contract does not offer, names nobody; the lines of the key say so.
fn or_nothing(names: Result<Names, BlipError>) -> Result<Names, BlipError> {
    match names {
        Err(error @ BlipError::Unauthorized { .. }) => Err(error),
        Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotOffered | ErrorKind::Empty | ErrorKind::Final) => {
            Ok(Names::default())
        }
        other => other,
    }
}

async fn of_tickets(client: &Client, budget: &mut Budget, now: DateTime<Utc>) -> Result<Names, BlipError> {
    let mut names = Names::default();
    let sample = probe::sample(client, budget, (now - probe::SAMPLE_DAYS, now)).await?;
    let identities = sample.iter().flat_map(|sample| &sample.tickets).filter_map(|ticket| ticket.customer_identity.as_deref());
    for identity in identities {
        names.add(identity);
    }
    Ok(names)
}

async fn of_answers(client: &Client, category: &str, now: DateTime<Utc>) -> Result<Names, BlipError> {
    let today = time::blip_day(now);
    let span = (today - Days::new(ANSWER_DAYS), today);
    let mut names = Names::default();
    let Some(counter) = events::some_counters(client, category, span).await?.into_iter().next() else { return Ok(names) };
    for event in events::some_details(client, category, &counter.action, span).await? {
        names.is_by_tunnel |= event.tunnel().is_some();
        let identity = event.contact.and_then(|contact| contact.identity).or(event.identity);
        if let Some(identity) = identity {
            names.add(&identity);
        }
    }
    Ok(names)
}

/// Returns what joins answers to tickets; none where nothing does.
async fn way(desk: &Client, contract: &Contract, tickets: &Names, answers: &Names) -> Option<&'static str> {
    if answers.is_by_tunnel {
        return Some("the extra `#tunnelIdentity` of the answers");
    }
    let Some(tunnel) = tickets.tunnel.as_deref().filter(|_| answers.tunnel.is_none()) else {
        return (!tickets.domains.is_disjoint(&answers.domains)).then_some("the same identity in both");
    };
    let names = contract.answer(Question::MessageMarks).unwrap_or_default();
    if names.split(' ').any(|name| name == "#tunnel.originator") {
        return Some("`#tunnel.originator` of messages; where messages are gone, one command a tunnel");
    }
    if matches!(tunnels::tunnel(desk, tunnel).await, Ok(Some(_))) {
        return Some("`/tunnels`, with one command a tunnel");
    }
    matches!(contacts::originator(desk, tunnel).await, Ok(Some(_))).then_some("the desk's contact, with one command a tunnel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_show_domains_without_a_customer() {
        let mut names = Names::default();
        for identity in ["5531900000001@wa.gw.msging.net", "0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11@tunnel.msging.net/node"] {
            names.add(identity);
        }
        assert_eq!(names.shown(), "tunnel.msging.net, wa.gw.msging.net");
        assert!(names.tunnel.is_some());
    }
}
