//! Which tables there are, and what each of them is to a load.

/// Staged tables, in the order in which they are made.
pub const STAGING: [&str; 4] = ["received_ticket", "ticket", "quarantine", "message"];

/// Marts, in the order in which they are made: each reads only what stands before it. The last holds what the checks of the others found.
pub const MARTS: [&str; 23] = [
    "ticket_chain",
    "agent_version",
    "ticket",
    "ticket_tag",
    "chain",
    "stay",
    "exchange",
    "wait_piece",
    "turn",
    "sector_stay",
    "conversation",
    "rating",
    "comment",
    "agent",
    "queue",
    "sector",
    "calendar_day",
    "target",
    "business_span",
    "blip_figure",
    "coverage",
    "channel_state",
    "quality",
];

/// Marts whose rows belong to customers; those after them are made whole.
pub(super) const OF_CUSTOMERS: usize = 13;

/// Tables whose rows own rows of other tables, and by what.
pub(super) const OWNERS: [(&str, &str); 2] = [("conversation", "conversation_id"), ("rating", "rating_id")];

/// Tables of customers that are kept, each with its month column and how its rows are found: by customer, or by what owns them.
pub(super) const KEPT: [(&str, &str, Option<&str>, &str); 8] = [
    ("staging", "quarantine", None, "customer_key"),
    ("marts", "turn", Some("started_day"), "conversation_id"),
    ("marts", "sector_stay", Some("started_day"), "conversation_id"),
    ("marts", "comment", Some("period_day"), "rating_id"),
    ("marts", "rating", Some("period_day"), "customer_key"),
    ("marts", "ticket_tag", Some("started_day"), "customer_key"),
    ("marts", "ticket", Some("started_day"), "customer_key"),
    ("marts", "conversation", Some("started_day"), "customer_key"),
];

/// Raw tables that are cut down to some customers, and by what.
pub(super) const CUT: [(&str, &str); 7] = [
    // A ticket belongs to whoever it belongs to now.
    (
        "ticket",
        "customer_key IN (SELECT customer_key FROM SCOPE.main.customer)
         AND NOT EXISTS (
             SELECT 1 FROM LIVE.state.former_customer AS former
             WHERE former.ticket_id = ticket.ticket_id AND former.customer_key = ticket.customer_key
         )",
    ),
    // What the API has told of counts for the customer whom it names.
    (
        "imported_ticket",
        "customer_key IN (SELECT customer_key FROM SCOPE.main.customer)
         AND NOT EXISTS (SELECT 1 FROM LIVE.state.ticket AS known WHERE known.ticket_id = imported_ticket.ticket_id)",
    ),
    ("event", "coalesce(customer_key, '') IN (SELECT customer_key FROM SCOPE.main.customer)"),
    // An imported answer about a ticket belongs to whoever the ticket is known to belong to.
    (
        "imported_rating",
        "coalesce(
             (SELECT max(known.customer_key) FROM LIVE.state.ticket AS known WHERE known.ticket_id = imported_rating.ticket_id),
             (SELECT max(known.customer_key) FROM LIVE.raw.imported_ticket AS known WHERE known.ticket_id = imported_rating.ticket_id),
             customer_key,
             ''
         ) IN (SELECT customer_key FROM SCOPE.main.customer)",
    ),
    ("thread", "customer_key IN (SELECT customer_key FROM SCOPE.main.customer)"),
    ("message", "thread_id IN (SELECT thread_id FROM SCOPE.raw.thread)"),
    ("message_read", "ticket_id IN (SELECT ticket_id FROM SCOPE.raw.ticket)"),
];

/// Tables that every customer's rows may need.
pub(super) const SHARED: [(&str, &str); 14] = [
    ("restricted", "comment"),
    ("raw", "attendant"),
    ("raw", "load"),
    ("raw", "author"),
    ("raw", "mark"),
    ("settings", "queue_sector"),
    ("settings", "rule"),
    ("settings", "survey"),
    ("settings", "answer"),
    ("settings", "no_answer"),
    ("settings", "offset_span"),
    ("settings", "calendar"),
    ("settings", "business_span"),
    ("settings", "holiday"),
];

/// Marts that snapshots publish: name, the column whose local month places a row in a part (none for small tables), and the order of
/// the rows in a part, which is total.
pub const MART_TABLES: [(&str, Option<&str>, &str); 17] = [
    ("ticket", Some("started_day"), "created_at, ticket_id"),
    ("ticket_tag", Some("started_day"), "ticket_id, tag"),
    ("conversation", Some("started_day"), "started_at, conversation_id"),
    ("turn", Some("started_day"), "conversation_id, turn_number"),
    ("sector_stay", Some("started_day"), "conversation_id, stay_number"),
    ("rating", Some("period_day"), "answered_at, rating_id"),
    ("comment", Some("period_day"), "rating_id"),
    ("agent", None, "agent"),
    ("queue", None, "queue"),
    ("sector", None, "sector"),
    ("calendar_day", Some("day"), "sector, day"),
    ("target", None, "metric, sector, from_day"),
    ("business_span", None, "calendar, from_s, until_s"),
    ("blip_figure", Some("day"), "key_name, day, figure, queue"),
    ("coverage", Some("day"), "resource, day"),
    ("quality", Some("day"), "check_name, resource, day"),
    ("channel_state", None, "channel"),
];
