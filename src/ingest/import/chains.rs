//! Tickets of a file without a customer: transfers are joined by the numbers in the file.
//!
//! A transfer names the number of the ticket before. Nobody else tells that the two are one customer's, so the ticket that began it stands for the
//! customer: the tickets of one chain have one pseudonym. A number can be used again, so the latest ticket that began no later is meant.

use std::collections::HashMap;

use serde_json::Value;

use crate::{ingest::Pseudonyms, store::ImportedTicket};

/// A chain ends, whatever a file says.
const LONGEST: usize = 1_000;

/// What joins one ticket to another.
struct Numbers {
    owner: String,
    number: Option<i64>,
    parent: Option<i64>,
    created: String,
}

impl Numbers {
    fn of(ticket: &ImportedTicket) -> Numbers {
        let body: Value = serde_json::from_str(&ticket.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| body[name].as_i64();
        Numbers {
            owner: text("ownerIdentity"),
            number: number("sequentialId"),
            parent: number("parentSequentialId"),
            created: text("storageDate"),
        }
    }
}

/// Returns the pseudonym of a ticket that names no customer.
pub(super) fn of_ticket(ticket_id: &str, pseudonyms: &Pseudonyms) -> String {
    pseudonyms.keyed("imported ticket", ticket_id)
}

/// Gives tickets that name no customer the pseudonym of the ticket from which they were transferred, as far as the file has it.
pub(super) fn join(tickets: &mut [ImportedTicket], pseudonyms: &Pseudonyms) {
    let is_nobodys: Vec<bool> = tickets.iter().map(|ticket| ticket.customer_key == of_ticket(&ticket.ticket_id, pseudonyms)).collect();
    if !is_nobodys.contains(&true) {
        return;
    }
    let numbers: Vec<Numbers> = tickets.iter().map(Numbers::of).collect();
    let mut by_number: HashMap<(&str, i64), Vec<usize>> = HashMap::new();
    for (place, one) in numbers.iter().enumerate() {
        if let Some(number) = one.number {
            by_number.entry((&one.owner, number)).or_default().push(place);
        }
    }
    let parent = |place: usize| -> Option<usize> {
        let child = &numbers[place];
        let known = by_number.get(&(child.owner.as_str(), child.parent?))?;
        known.iter().copied().filter(|one| *one != place && numbers[*one].created <= child.created).max_by_key(|one| &numbers[*one].created)
    };
    let keys: Vec<Option<String>> = (0..tickets.len())
        .map(|place| {
            let mut at = place;
            for _ in 0..LONGEST {
                match parent(at).filter(|_| is_nobodys[at]) {
                    Some(before) => at = before,
                    None => break,
                }
            }
            (is_nobodys[place] && at != place).then(|| tickets[at].customer_key.clone())
        })
        .collect();
    for (ticket, key) in tickets.iter_mut().zip(keys) {
        if let Some(key) = key {
            ticket.customer_key = key;
        }
    }
}
