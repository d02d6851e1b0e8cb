//! Other identities of customers, as pseudonyms: who is behind a tunnel, and WhatsApp's business-scoped ids.
//!
//! A survey that the router records names the customer by the identity on the channel, the desk behind it by a tunnel. The link between the two
//! lets an answer find its conversation. Customers who are linked change together.

use std::collections::BTreeSet;

use duckdb::params;

use super::{OtherIdentities, Store, StoreError, columns, subject::UNLINKED};

/// A customer, the kind of the other identity, and its pseudonym; none where Blip does not know it.
pub type IdentityLink<'a> = (&'a str, &'static str, Option<&'a str>);

/// Kind of the link to the identity on the channel.
pub const ORIGINATOR: &str = "originator";

/// Kind of the link to WhatsApp's business-scoped id.
const BSUID: &str = "bsuid";

/// Every kind of link: what a person means who asks for everything about them.
pub const EVERY_KIND: &[&str] = &[ORIGINATOR, BSUID];

impl Store {
    /// Keeps other identities of customers that differ from those that are known, each given as customer, known and found ones.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn write_identities<'a>(
        &self,
        customers: impl IntoIterator<Item = (&'a str, &'a OtherIdentities, &'a OtherIdentities)>,
    ) -> Result<(), StoreError> {
        let mut links: Vec<IdentityLink<'a>> = Vec::new();
        for (customer, known, found) in customers {
            for (kind, known, found) in [(ORIGINATOR, &known.originator, &found.originator), (BSUID, &known.bsuid, &found.bsuid)] {
                if found.is_some() && found != known {
                    links.push((customer, kind, found.as_deref()));
                }
            }
        }
        self.write_links(&links)
    }

    /// Keeps links, each in place of an earlier one of its customer and kind. Those of unlinked customers are left out.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_links(&self, links: &[IdentityLink<'_>]) -> Result<(), StoreError> {
        if links.is_empty() {
            return Ok(());
        }
        self.connection
            .execute_batch("CREATE OR REPLACE TEMP TABLE incoming_link (customer_key VARCHAR, kind VARCHAR, linked_key VARCHAR)")?;
        let columns = vec![
            columns::texts(links.iter().map(|(customer, ..)| *customer)),
            columns::texts(links.iter().map(|(_, kind, _)| *kind)),
            columns::texts_or_none(links.iter().map(|(.., linked)| *linked)),
        ];
        columns::append(self.connection.appender("incoming_link")?, columns)?;
        self.connection.execute_batch(&format!(
            "DELETE FROM incoming_link
             WHERE starts_with(customer_key, '{UNLINKED}')
                 -- A source tells again of customers who were unlinked: until they have a new ticket, no link is theirs.
                 OR (
                     customer_key IN (SELECT customer_key FROM restricted.erasure)
                     AND customer_key NOT IN (SELECT customer_key FROM state.ticket)
                 );
             CREATE OR REPLACE TEMP TABLE changed_link AS
             SELECT DISTINCT ON (incoming.customer_key, incoming.kind) incoming.*
             FROM incoming_link AS incoming
             LEFT JOIN raw.identity_link AS known ON known.customer_key = incoming.customer_key AND known.kind = incoming.kind
             WHERE known.customer_key IS NULL OR known.linked_key IS DISTINCT FROM incoming.linked_key
             ORDER BY incoming.customer_key, incoming.kind, incoming.linked_key;
             -- Whom an earlier link joined is told apart again.
             INSERT INTO state.changed_customer
             SELECT known.linked_key FROM raw.identity_link AS known
             INNER JOIN changed_link AS changed ON changed.customer_key = known.customer_key AND changed.kind = known.kind
             WHERE known.linked_key IS NOT NULL AND known.kind = '{ORIGINATOR}';
             DELETE FROM raw.identity_link USING changed_link AS changed
             WHERE changed.customer_key = identity_link.customer_key AND changed.kind = identity_link.kind;
             INSERT INTO raw.identity_link SELECT * FROM changed_link ORDER BY customer_key, kind;
             INSERT INTO state.changed_customer
             SELECT customer_key FROM changed_link WHERE kind = '{ORIGINATOR}' AND linked_key IS NOT NULL"
        ))?;
        Ok(())
    }

    /// Notes customers who are known by a tunnel, so that [`Store::open_tunnels`] returns those of them without a link.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_tunnels(&self, customers: &[String]) -> Result<(), StoreError> {
        let columns = vec![columns::texts(customers.iter().map(String::as_str))];
        columns::append(self.connection.appender_to_catalog_and_db("open_tunnel", &self.catalog, "state")?, columns)
    }

    /// Returns the customers known by a tunnel whose identity on the channel was never asked for, each with the newest ticket of its
    /// bot that the key called `key` sees; the newest first.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn open_tunnels(&self, key: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.connection.execute_batch(&format!(
            "DELETE FROM state.open_tunnel
             WHERE customer_key IN (SELECT customer_key FROM raw.identity_link WHERE kind = '{ORIGINATOR}')
                 OR starts_with(customer_key, '{UNLINKED}')
                 -- Of customers who were unlinked a source tells again, and nothing here is theirs.
                 OR customer_key NOT IN (SELECT customer_key FROM state.ticket)"
        ))?;
        let mut statement = self.connection.prepare(
            "SELECT ticket.customer_key, max_by(ticket.ticket_id, (ticket.created_at, ticket.ticket_id)) AS ticket_id
             FROM state.ticket
             SEMI JOIN state.open_tunnel AS tunnel ON tunnel.customer_key = ticket.customer_key
             WHERE ticket.key_name = ?
             GROUP BY ticket.customer_key
             ORDER BY max(ticket.created_at) DESC, ticket.customer_key",
        )?;
        let rows = statement.query_map(params![key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns whether any customer is known by a tunnel.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_tunnels(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM state.open_tunnel) OR EXISTS (SELECT 1 FROM raw.identity_link WHERE kind = 'originator')";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Returns the number of survey answers of `category` that name a customer of whom there is neither a ticket nor a link to one, and the number
    /// of all that name a customer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answers_of_strangers(&self, category: &str) -> Result<(i64, i64), StoreError> {
        Ok(self.connection.query_row(
            "WITH named AS (
                 SELECT customer_key FROM raw.event WHERE category = ? AND customer_key IS NOT NULL
             )
             SELECT
                 (
                     SELECT count(*)
                     FROM named
                     ANTI JOIN state.ticket ON ticket.customer_key = named.customer_key
                     ANTI JOIN raw.identity_link AS link ON link.linked_key = named.customer_key AND link.kind = 'originator'
                 ),
                 (SELECT count(*) FROM named)",
            params![category],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    /// Returns whether there is any survey answer of `category`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_answers(&self, category: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM raw.event WHERE category = ?)";
        Ok(self.connection.query_row(sql, params![category], |row| row.get(0))?)
    }

    /// Returns all pseudonyms under which some customers are known, theirs included; each once, in order. Only links of these `kinds` are followed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keys_of_persons<'a>(
        &self,
        customers: impl IntoIterator<Item = &'a str>,
        kinds: &[&str],
    ) -> Result<BTreeSet<String>, StoreError> {
        self.fill_temporary("person_key", customers.into_iter())?;
        let kinds = kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
        // Links lead from tunnels to one person, so a few rounds find everybody.
        while self.connection.execute(
            &format!(
                "INSERT INTO person_key
             SELECT DISTINCT found.text
             FROM (
                 SELECT link.linked_key AS text FROM raw.identity_link AS link SEMI JOIN person_key ON person_key.text = link.customer_key
                 WHERE link.kind IN ({kinds})
                 UNION ALL
                 SELECT link.customer_key FROM raw.identity_link AS link SEMI JOIN person_key ON person_key.text = link.linked_key
                 WHERE link.kind IN ({kinds})
             ) AS found
             ANTI JOIN person_key ON person_key.text = found.text
             WHERE found.text IS NOT NULL"
            ),
            [],
        )? > 0
        {}
        Ok(self.texts("SELECT DISTINCT text FROM person_key")?.into_iter().collect())
    }
}
