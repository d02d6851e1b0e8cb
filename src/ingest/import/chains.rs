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
    ticket_id: String,
    customer_key: String,
    is_nobodys: bool,
    owner: String,
    number: Option<i64>,
    parent: Option<i64>,
    created: String,
}

/// Returns the pseudonym of a ticket that names no customer.
pub(super) fn of_ticket(ticket_id: &str, pseudonyms: &Pseudonyms) -> String {
    pseudonyms.keyed("imported ticket", ticket_id)
}

/// The numbers of a file's tickets.
#[derive(Default)]
pub(super) struct Chains {
    numbers: Vec<Numbers>,
}

impl Chains {
    pub(super) fn add(&mut self, ticket: &ImportedTicket, pseudonyms: &Pseudonyms) {
        let body: Value = serde_json::from_str(&ticket.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| body[name].as_i64();
        self.numbers.push(Numbers {
            ticket_id: ticket.ticket_id.clone(),
            customer_key: ticket.customer_key.clone(),
            is_nobodys: ticket.customer_key == of_ticket(&ticket.ticket_id, pseudonyms),
            owner: text("ownerIdentity"),
            number: number("sequentialId"),
            parent: number("parentSequentialId"),
            created: text("storageDate"),
        });
    }

    /// Returns, for tickets that name no customer, the pseudonym of the ticket from which they were transferred, as far as the file has it.
    pub(super) fn joined(&self) -> HashMap<String, String> {
        let mut by_number: HashMap<(&str, i64), Vec<usize>> = HashMap::new();
        for (place, one) in self.numbers.iter().enumerate() {
            if let Some(number) = one.number {
                by_number.entry((&one.owner, number)).or_default().push(place);
            }
        }
        let parent = |place: usize| -> Option<usize> {
            let child = &self.numbers[place];
            let known = by_number.get(&(child.owner.as_str(), child.parent?))?;
            let is_before = |one: &usize| *one != place && self.numbers[*one].created <= child.created;
            known.iter().copied().filter(is_before).max_by_key(|one| &self.numbers[*one].created)
        };
        let key = |place: usize| -> Option<(String, String)> {
            let mut at = place;
            for _ in 0..LONGEST {
                match parent(at).filter(|_| self.numbers[at].is_nobodys) {
                    Some(before) => at = before,
                    None => break,
                }
            }
            let (child, root) = (&self.numbers[place], &self.numbers[at]);
            (child.is_nobodys && at != place).then(|| (child.ticket_id.clone(), root.customer_key.clone()))
        };
        (0..self.numbers.len()).filter_map(key).collect()
    }
}
