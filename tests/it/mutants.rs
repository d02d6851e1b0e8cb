//! Mistakes that someone could make in a query, each of which a fixture must notice.

use relato::config::Project;

use crate::queries::run_cases;

/// File, what stands there, what could stand there by mistake, and whose cases are to notice.
const MUTANTS: [(&str, &str, &str, &str); 34] = [
    // Instants subtracted before they are cut.
    (
        "marts/ticket",
        "date_diff('second', date_trunc('second', created_at), date_trunc('second', opened_at)) AS wait_s",
        "date_sub('second', created_at, opened_at) AS wait_s",
        "ticket",
    ),
    // Impossible waits averaged.
    ("marts/ticket", "CASE WHEN timed.wait_s >= 0 THEN timed.wait_s END AS queue_wait_s", "timed.wait_s AS queue_wait_s", "ticket"),
    (
        "marts/ticket",
        "CASE WHEN timed.response_s < 0 THEN 0 ELSE timed.response_s END AS first_response_s",
        "timed.response_s AS first_response_s",
        "ticket",
    ),
    // A customer who left before the pick-up counted as abandoned.
    ("marts/ticket", "WHEN timed.status = 'ClosedClient' AND timed.opened_at IS NULL THEN 'lost'", "WHEN FALSE THEN 'lost'", "ticket"),
    // Direct transfers given to nobody's sector.
    ("marts/ticket", "WHEN rule.direct_transfer = 'inherit' AND chain.inherited_queue IS NOT NULL", "WHEN FALSE", "ticket"),
    ("marts/ticket", "timed.life_s < timed.short_loss_s", "timed.life_s <= timed.short_loss_s", "ticket"),
    // Parents of other customers.
    ("marts/ticket_chain", "        AND parent.customer_key = child.customer_key\n", "", "ticket_chain"),
    ("marts/ticket_chain", "ORDER BY parent.created_at DESC", "ORDER BY parent.created_at", "conversation"),
    // A transfer taken for an end.
    ("marts/chain", "AND max(outcome) FILTER (WHERE step_from_end = 1) <> 'transferred'", "", "conversation"),
    ("marts/chain", "ORDER BY first_response_at NULLS LAST", "ORDER BY first_response_at DESC NULLS LAST", "chain"),
    // The clock of a turn begun at the last message instead of the first.
    ("marts/exchange", "min(sent_at) AS started_at", "max(sent_at) AS started_at", "turn"),
    // Bots taken for people.
    ("marts/exchange", "(has_marks AND author = 'Human') OR", "(has_marks AND content) OR", "turn"),
    // The first reply counted as a turn.
    ("marts/exchange", "WHERE is_received AND content AND sent_at > first_response_at", "WHERE is_received AND content", "turn"),
    // What was handed over charged to the replying sector.
    ("marts/turn", "sum(piece.wait_s) FILTER (WHERE piece.sector = exchange.sector)", "sum(piece.wait_s)", "turn"),
    ("marts/wait_piece", "coalesce(own.calendar, base.calendar) AS calendar", "base.calendar", "wait_piece"),
    // Returns into another sector.
    ("marts/conversation", "        AND later.first_sector = ended.last_sector\n", "", "conversation"),
    ("marts/conversation", "INTERVAL 7 DAY", "INTERVAL 8 DAY", "conversation"),
    // The first answer counted instead of the last.
    ("marts/rating", "ORDER BY answered_at DESC, rating_id DESC", "ORDER BY answered_at, rating_id", "rating"),
    ("marts/rating", "coalesce(ended_day, answered_day) AS period_day", "answered_day AS period_day", "rating"),
    (
        "marts/calendar_day",
        "sum(coalesce(counted.created, 0) - coalesce(counted.closed, 0))",
        "sum(coalesce(counted.created, 0))",
        "calendar_day",
    ),
    // Blip's wait of a ticket that nobody answered.
    ("marts/ticket", "coalesce(first_response_at, told_end_at))) AS blip_wait_s", "first_response_at)) AS blip_wait_s", "ticket"),
    ("reports/parity_counts", "AND agent IS NULL THEN 'missed'", "AND opened_at IS NULL THEN 'missed'", "parity_counts"),
    ("reports/parity_times", "CASE WHEN is_other THEN 'other_definition' ELSE explanation END", "explanation", "parity_times"),
    // Tickets that have their messages counted in the mean of those that have not.
    ("reports/times_by", "ticket.messages <> 'here'", "TRUE", "times_by"),
    // Report queries: anchors, filters, denominators.
    ("reports/volume_by", "ticket.created_day >= $period_start", "ticket.closed_day >= $period_start", "volume_by"),
    ("reports/volume_by", "COUNT(DISTINCT conversation_id)", "COUNT(conversation_id)", "volume_by"),
    (
        "reports/times_by",
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY value_s), 1) AS p90_s",
        "percentile_cont(0.95) WITHIN GROUP (ORDER BY value_s), 1) AS p90_s",
        "times_by",
    ),
    ("reports/times_by", "ticket.closed_day >= $period_start", "ticket.started_day >= $period_start", "times_by"),
    (
        "reports/satisfaction_by",
        "SUM(cases) FILTER (WHERE counted), 0) AS BIGINT) AS ratings",
        "SUM(cases) FILTER (WHERE validity = 'valid'), 0) AS BIGINT) AS ratings",
        "satisfaction_by",
    ),
    ("reports/satisfaction_by", "score <= 6), 0) AS BIGINT) AS detractors", "score <= 7), 0) AS BIGINT) AS detractors", "satisfaction_by"),
    ("reports/outcome_by", "returned_after_s <= 86400", "returned_after_s < 86400", "outcome_by"),
    ("reports/overview", "replied_day >= $period_start", "started_day >= $period_start", "overview"),
    (
        "reports/target_attainment",
        "COALESCE(own.value, common.value) AS aim_s",
        "COALESCE(common.value, own.value) AS aim_s",
        "target_attainment",
    ),
    (
        "reports/unanswered_by_age",
        "AND (first_response_day IS NULL OR first_response_day >= $period_end)",
        "AND first_response_day IS NULL",
        "unanswered_by_age",
    ),
];

#[test]
fn every_mistake_is_noticed_by_a_case() {
    let texts = Project::embedded_query_texts();
    let mut unnoticed = Vec::new();
    for (file, right, wrong, whose) in MUTANTS {
        let path = format!("{file}.sql");
        assert!(texts[&path].contains(right), "{path} no longer contains `{right}`");
        let mut mutated = texts.clone();
        mutated.insert(path.clone(), texts[&path].replace(right, wrong));
        let (_, noticed) = run_cases(&mutated, |name| name == whose, 1);
        if noticed.is_empty() {
            unnoticed.push(format!("{path}: `{right}` as `{wrong}`"));
        }
    }
    assert!(unnoticed.is_empty(), "nobody noticed:\n{}", unnoticed.join("\n"));
}
