//! Other identities of customers, as pseudonyms: who is behind a tunnel, WhatsApp's business-scoped ids, and pseudonyms of earlier versions.
//!
//! A survey that the router records names the customer by the identity on the channel, the desk behind it by a tunnel. Links join identities to
//! persons (`state.person`): the smallest pseudonym that has tickets, else answers, names the person in every table, so that one person is one customer.
//! Who is linked changes together.

use std::collections::{BTreeMap, BTreeSet};

use duckdb::params;

use super::{OtherIdentities, Store, StoreError, columns, subject::UNLINKED};

/// A customer, the kind of the other identity, and its pseudonym; none where Blip does not know it.
pub type IdentityLink<'a> = (&'a str, &'static str, Option<&'a str>);

/// Kind of the link to the identity on the channel.
pub const ORIGINATOR: &str = "originator";

/// Kind of the link to WhatsApp's business-scoped id.
pub const BSUID: &str = "bsuid";

/// Kind of the link to the id that joins business-scoped ids of several businesses.
pub const PARENT: &str = "parent";

/// Kind of the link from the pseudonym that an earlier version made of an identity to the one of today.
const EARLIER: &str = "earlier";

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
            for (kind, known, found) in [
                (ORIGINATOR, &known.originator, &found.originator),
                (BSUID, &known.bsuid, &found.bsuid),
                (PARENT, &known.parent, &found.parent),
            ] {
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
                 OR customer_key = linked_key
                 -- A source can send unlinked customers again: until they have a new ticket, no link is theirs.
                 OR (
                     sha256('erased:' || customer_key) IN (SELECT customer_digest FROM restricted.erasure)
                     AND customer_key NOT IN (SELECT customer_key FROM state.ticket)
                 );
             CREATE OR REPLACE TEMP TABLE new_link AS
             SELECT DISTINCT ON (incoming.customer_key, incoming.kind) incoming.*
             FROM incoming_link AS incoming
             LEFT JOIN raw.identity_link AS known ON known.customer_key = incoming.customer_key AND known.kind = incoming.kind
             WHERE known.customer_key IS NULL OR known.linked_key IS DISTINCT FROM incoming.linked_key
             ORDER BY incoming.customer_key, incoming.kind, incoming.linked_key;
             DELETE FROM raw.identity_link USING new_link AS new
             WHERE new.customer_key = identity_link.customer_key AND new.kind = identity_link.kind;
             INSERT INTO raw.identity_link SELECT * FROM new_link ORDER BY customer_key, kind;
             INSERT INTO state.changed_link SELECT customer_key FROM new_link"
        ))?;
        Ok(())
    }

    /// Links pseudonyms of earlier versions to those of today, each given with it, as far as anything is known under them. Returns how many are new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_renamed<'a>(&self, renamed: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<usize, StoreError> {
        let renamed: BTreeMap<&str, &str> = renamed.into_iter().collect();
        if renamed.is_empty() {
            return Ok(0);
        }
        self.fill_temporary("renamed_key", renamed.keys().copied())?;
        let known = self.texts(&format!(
            "SELECT text FROM renamed_key
             WHERE (
                 text IN (SELECT customer_key FROM state.ticket)
                 OR text IN (SELECT customer_key FROM raw.event)
                 OR text IN (SELECT customer_key FROM raw.imported_ticket)
                 OR text IN (SELECT customer_key FROM raw.imported_rating)
                 OR text IN (SELECT linked_key FROM raw.identity_link)
             ) AND text NOT IN (SELECT customer_key FROM raw.identity_link WHERE kind = '{EARLIER}')"
        ))?;
        let links: Vec<IdentityLink<'_>> = renamed
            .into_iter()
            .filter(|(earlier, _)| known.contains(*earlier))
            .map(|(earlier, today)| (earlier, EARLIER, Some(today)))
            .collect();
        self.write_links(&links)?;
        Ok(links.len())
    }

    /// Notes the customers whom earlier loads named, and who are not among those that are `named` now. Returns their number.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_unnamed<'a>(&self, named: impl Iterator<Item = &'a str>) -> Result<usize, StoreError> {
        self.fill_temporary("named_customer", named)?;
        self.connection.execute_batch("DELETE FROM state.unnamed_customer")?;
        Ok(self.connection.execute(
            &format!(
                "INSERT INTO state.unnamed_customer
                 SELECT customer_key
                 FROM (
                     SELECT customer_key FROM state.ticket
                     UNION SELECT customer_key FROM raw.event WHERE customer_key IS NOT NULL
                     UNION SELECT customer_key FROM raw.imported_ticket
                     UNION SELECT customer_key FROM raw.imported_rating WHERE customer_key IS NOT NULL
                 )
                 WHERE NOT starts_with(customer_key, '{UNLINKED}')
                     AND customer_key NOT IN (SELECT text FROM named_customer)
                     AND customer_key NOT IN (SELECT customer_key FROM raw.identity_link WHERE linked_key IS NOT NULL)
                     AND customer_key NOT IN (SELECT linked_key FROM raw.identity_link WHERE linked_key IS NOT NULL)
                 ORDER BY customer_key"
            ),
            [],
        )?)
    }

    /// Joins again the identities of all persons whose links have changed, and counts them as changed. Belongs into a transaction.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn join_persons(&self) -> Result<(), StoreError> {
        let changed: bool = self.connection.query_row("SELECT count(*) > 0 FROM state.changed_link", [], |row| row.get(0))?;
        if !changed {
            return Ok(());
        }
        // Everybody who was one person with them, and everybody who is now.
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE person_key AS
             SELECT DISTINCT customer_key AS text FROM state.changed_link
             UNION
             SELECT member.customer_key FROM state.person AS member
             WHERE member.person_key IN (
                 SELECT person.person_key FROM state.person SEMI JOIN state.changed_link AS changed ON changed.customer_key = person.customer_key
             )",
        )?;
        self.follow_links()?;
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE person_edge AS
             SELECT customer_key AS text, linked_key AS other FROM raw.identity_link
             WHERE linked_key IS NOT NULL AND customer_key IN (SELECT text FROM person_key)
             UNION ALL
             SELECT linked_key AS text, customer_key AS other FROM raw.identity_link
             WHERE linked_key IS NOT NULL AND customer_key IN (SELECT text FROM person_key);
             -- An identity that has tickets names the person, before one that has answers only, before one that has neither: a link that joins
             -- nothing then renames nothing.
             CREATE OR REPLACE TEMP TABLE joined_person AS
             SELECT
                 text,
                 CASE
                     WHEN text IN (SELECT customer_key FROM state.ticket) OR text IN (SELECT customer_key FROM raw.imported_ticket) THEN '0'
                     WHEN text IN (SELECT customer_key FROM raw.event) OR text IN (SELECT customer_key FROM raw.imported_rating) THEN '1'
                     ELSE '2'
                 END || text AS person_key
             FROM person_key",
        )?;
        // Whoever has a linked identity with a smaller name takes it, until nobody has.
        while self.connection.execute(
            "UPDATE joined_person SET person_key = smaller.person_key
             FROM (
                 SELECT edge.text, min(other.person_key) AS person_key
                 FROM person_edge AS edge
                 INNER JOIN joined_person AS other ON other.text = edge.other
                 GROUP BY edge.text
             ) AS smaller
             WHERE smaller.text = joined_person.text AND smaller.person_key < joined_person.person_key",
            [],
        )? > 0
        {}
        Ok(self.connection.execute_batch(
            "DELETE FROM state.person WHERE customer_key IN (SELECT text FROM joined_person);
             INSERT INTO state.person
             SELECT text, substr(person_key, 2) FROM joined_person
             WHERE person_key IN (SELECT person_key FROM joined_person GROUP BY person_key HAVING count(*) > 1)
             ORDER BY text;
             INSERT INTO state.changed_customer SELECT text FROM joined_person;
             DELETE FROM state.changed_link",
        )?)
    }

    /// Adds to the temporary table `person_key` everybody to whom links lead from those in it.
    fn follow_links(&self) -> Result<(), StoreError> {
        // Links lead from tunnels to one person, so a few rounds find everybody.
        while self.connection.execute(
            "INSERT INTO person_key
             SELECT DISTINCT found.text
             FROM (
                 SELECT link.linked_key AS text FROM raw.identity_link AS link SEMI JOIN person_key ON person_key.text = link.customer_key
                 UNION ALL
                 SELECT link.customer_key FROM raw.identity_link AS link SEMI JOIN person_key ON person_key.text = link.linked_key
             ) AS found
             ANTI JOIN person_key ON person_key.text = found.text
             WHERE found.text IS NOT NULL",
            [],
        )? > 0
        {}
        Ok(())
    }

    /// Returns the number of customers known by a tunnel of whom nobody knows yet who they are on the channel.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unresolved_tunnels(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row(
            &format!(
                "SELECT count(DISTINCT customer_key)
                 FROM (
                     SELECT customer_key FROM raw.identity_link WHERE kind = '{ORIGINATOR}' AND linked_key IS NULL
                     UNION ALL
                     SELECT customer_key FROM state.open_tunnel
                     WHERE customer_key NOT IN (SELECT customer_key FROM raw.identity_link WHERE kind = '{ORIGINATOR}')
                 )
                 WHERE customer_key IN (SELECT customer_key FROM state.ticket) AND NOT starts_with(customer_key, '{UNLINKED}')"
            ),
            [],
            |row| row.get(0),
        )?)
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
                     ANTI JOIN raw.identity_link AS link ON link.linked_key = named.customer_key
                     ANTI JOIN raw.identity_link AS own ON own.customer_key = named.customer_key AND own.linked_key IS NOT NULL
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

    /// Returns all pseudonyms under which some customers are known, theirs included; each once, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keys_of_persons<'a>(&self, customers: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<String>, StoreError> {
        self.fill_temporary("person_key", customers.into_iter())?;
        self.follow_links()?;
        Ok(self.texts("SELECT DISTINCT text FROM person_key")?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persons(store: &mut Store) -> Vec<(String, String)> {
        store.transaction(Store::join_persons).unwrap();
        let mut statement = store.connection.prepare("SELECT customer_key, person_key FROM state.person ORDER BY ALL").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn changed(store: &Store) -> BTreeSet<String> {
        let found = store.texts("SELECT customer_key FROM state.changed_customer").unwrap().into_iter().collect();
        store.connection.execute_batch("DELETE FROM state.changed_customer").unwrap();
        found
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, person)| ((*key).to_owned(), (*person).to_owned())).collect()
    }

    #[test]
    fn links_of_every_kind_make_one_person_and_a_link_that_is_replaced_tells_them_apart_again() {
        let mut store = Store::in_memory().unwrap();
        let sql = "INSERT INTO state.ticket (ticket_id, owner, customer_key, key_name, is_closed, digest)
                   VALUES ('1', 'bot', 't2', 'desk', TRUE, 1), ('2', 'bot', 't3', 'desk', TRUE, 1)";
        store.connection.execute_batch(sql).unwrap();
        // A chain: one tunnel, the number behind it, another tunnel of the number, the business-scoped id of that.
        let links = [("t3", ORIGINATOR, Some("number")), ("t2", ORIGINATOR, Some("number")), ("t2", BSUID, Some("a-bsuid"))];
        store.write_links(&links).unwrap();
        let all = ["a-bsuid", "number", "t2", "t3"];
        assert_eq!(persons(&mut store), pairs(&all.map(|key| (key, "t2"))), "the smallest with a ticket names them");
        assert_eq!(changed(&store), all.map(str::to_owned).into());
        store.write_links(&links).unwrap();
        assert_eq!((persons(&mut store).len(), changed(&store).len()), (4, 0), "the same again changes nobody");
        store.write_links(&[("t2", ORIGINATOR, Some("other"))]).unwrap();
        let apart = [("a-bsuid", "t2"), ("number", "t3"), ("other", "t2"), ("t2", "t2"), ("t3", "t3")];
        assert_eq!(persons(&mut store), pairs(&apart));
        assert_eq!(changed(&store).len(), 5, "who was one with them has changed, too");
        assert_eq!(store.keys_of_persons(["a-bsuid"]).unwrap(), ["a-bsuid", "other", "t2"].map(str::to_owned).into());
    }

    #[test]
    fn a_person_without_tickets_is_named_by_the_identity_that_has_answers() {
        let mut store = Store::in_memory().unwrap();
        let ticket = "INSERT INTO state.ticket (ticket_id, owner, customer_key, key_name, is_closed, digest) VALUES ('1', 'bot', 'a', 'desk', TRUE, 1)";
        let event = "INSERT INTO raw.event (event_id, category, action, recorded_at, customer_key) VALUES ('e', 'c', '5', TIMESTAMP '2026-10-05', 'b')";
        store.connection.execute_batch(&format!("{ticket}; {event}")).unwrap();
        store.write_links(&[("a", ORIGINATOR, Some("b"))]).unwrap();
        assert_eq!(persons(&mut store), pairs(&[("a", "a"), ("b", "a")]));
        // The ticket turns out to be somebody else's.
        store.connection.execute_batch("UPDATE state.ticket SET customer_key = 'c'; INSERT INTO state.changed_link VALUES ('a')").unwrap();
        assert_eq!(persons(&mut store), pairs(&[("a", "b"), ("b", "b")]));
    }

    #[test]
    fn a_pseudonym_of_an_earlier_version_is_linked_only_where_it_is_known() {
        let store = Store::in_memory().unwrap();
        let sql = "INSERT INTO raw.event (event_id, category, action, recorded_at, customer_key) VALUES ('e', 'c', '5', TIMESTAMP '2026-10-05', 'old')";
        store.connection.execute_batch(sql).unwrap();
        assert_eq!(store.write_renamed([("old", "new"), ("strange", "new")]).unwrap(), 1);
        assert_eq!(store.write_renamed([("old", "new")]).unwrap(), 0);
        assert_eq!(store.keys_of_persons(["new"]).unwrap(), ["new", "old"].map(str::to_owned).into());
    }
}
