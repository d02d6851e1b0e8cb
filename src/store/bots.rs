//! Whose tickets are stored: the bots that own them, by the key that read them.

use chrono::NaiveDate;
use duckdb::params;

use super::{Store, StoreError};

/// Tickets of one bot that one key read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotTickets {
    /// Name of the key.
    pub key_name: String,
    /// Identity of the bot that owns the tickets.
    pub bot: String,
    /// Number of tickets.
    pub tickets: i64,
}

/// What was removed of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Tickets.
    pub tickets: usize,
    /// Messages.
    pub messages: usize,
}

impl Store {
    /// Returns how many tickets each key has read of each bot, in order of both; tickets that name no bot are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bots(&self) -> Result<Vec<BotTickets>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT key_name, owner, count(*) FROM state.ticket WHERE owner <> '' GROUP BY key_name, owner ORDER BY key_name, owner",
        )?;
        let rows = statement.query_map([], |row| Ok(BotTickets { key_name: row.get(0)?, bot: row.get(1)?, tickets: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts everything that was read by the key `from` under the name `to`. Where both have read a day, what `to` has read stays. Belongs into a
    /// transaction.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rename_key(&self, from: &str, to: &str) -> Result<(), StoreError> {
        for (table, same) in [
            ("raw.coverage", "known.resource = old.resource AND known.day = old.day"),
            ("raw.report", "known.report = old.report AND known.day = old.day"),
        ] {
            self.connection.execute(
                &format!(
                    "DELETE FROM {table} WHERE rowid IN (
                         SELECT old.rowid FROM {table} AS old INNER JOIN {table} AS known ON {same} WHERE old.key_name = ? AND known.key_name = ?
                     )"
                ),
                params![from, to],
            )?;
        }
        for table in ["raw.coverage", "raw.report", "raw.sample", "raw.ticket", "state.ticket", "state.unsettled"] {
            self.connection.execute(&format!("UPDATE {table} SET key_name = $2 WHERE key_name = $1"), params![from, to])?;
        }
        // What a mark is about stands before the key's name, and what it is of the key after it.
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE renamed_mark AS
             SELECT name, split_part(name, ':', 1) || ':' || CAST($2 AS VARCHAR) || substr(name, length(split_part(name, ':', 1)) + 2 + length(CAST($1 AS VARCHAR))) AS renamed
             FROM raw.mark WHERE split_part(name, ':', 2) = $1",
            params![from, to],
        )?;
        Ok(self.connection.execute_batch(
            "DELETE FROM raw.mark WHERE name IN (SELECT name FROM renamed_mark WHERE renamed IN (SELECT name FROM raw.mark));
             UPDATE raw.mark SET name = renamed_mark.renamed FROM renamed_mark WHERE renamed_mark.name = mark.name",
        )?)
    }

    /// Lets everything be read again that a key has read: days, and Blip's own figures of them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn reopen_key(&self, key: &str) -> Result<(), StoreError> {
        self.connection.execute("UPDATE raw.coverage SET is_settled = FALSE WHERE key_name = ?", params![key])?;
        self.connection.execute("UPDATE raw.report SET is_final = FALSE WHERE key_name = ?", params![key])?;
        Ok(())
    }

    /// Lets everything from the local day `first` on be read again, whichever key has read it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn reopen_days(&self, first: NaiveDate) -> Result<(), StoreError> {
        self.connection.execute("UPDATE raw.coverage SET is_settled = FALSE WHERE day >= ?", params![first])?;
        self.connection.execute("UPDATE raw.report SET is_final = FALSE WHERE day >= ?", params![first])?;
        Ok(())
    }

    /// Removes the tickets of the bot `bot` that the key called `key` has read, with their messages. What Blip's answers do not say to be of one bot,
    /// as survey answers, stays.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_bot(&self, key: &str, bot: &str) -> Result<Removed, StoreError> {
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE removed_ticket AS SELECT ticket_id, customer_key FROM state.ticket WHERE key_name = ? AND owner = ?",
            params![key, bot],
        )?;
        self.connection.execute_batch(
            "INSERT INTO state.changed_customer
             SELECT DISTINCT customer_key FROM removed_ticket
             UNION
             SELECT former.customer_key FROM state.former_customer AS former SEMI JOIN removed_ticket USING (ticket_id);
             -- Which identity names a person depends on which of them have tickets.
             INSERT INTO state.changed_link
             SELECT customer_key FROM state.person WHERE customer_key IN (SELECT customer_key FROM removed_ticket);
             DELETE FROM raw.ticket WHERE ticket_id IN (SELECT ticket_id FROM removed_ticket);
             DELETE FROM raw.message_read WHERE ticket_id IN (SELECT ticket_id FROM removed_ticket);
             DELETE FROM state.unsettled WHERE ticket_id IN (SELECT ticket_id FROM removed_ticket);
             DELETE FROM state.former_customer WHERE ticket_id IN (SELECT ticket_id FROM removed_ticket)",
        )?;
        let tickets = self.connection.execute("DELETE FROM state.ticket WHERE ticket_id IN (SELECT ticket_id FROM removed_ticket)", [])?;
        // Another key may have read tickets of the same bot, whose messages stay.
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE removed_thread AS
             SELECT thread.thread_id
             FROM raw.thread
             SEMI JOIN removed_ticket AS removed ON removed.customer_key = thread.customer_key
             ANTI JOIN state.ticket AS kept ON kept.owner = thread.owner AND kept.customer_key = thread.customer_key
             WHERE thread.owner = ?",
            params![bot],
        )?;
        let messages = self.connection.execute("DELETE FROM raw.message WHERE thread_id IN (SELECT thread_id FROM removed_thread)", [])?;
        self.connection.execute_batch("DELETE FROM raw.thread WHERE thread_id IN (SELECT thread_id FROM removed_thread)")?;
        Ok(Removed { tickets, messages })
    }
}
