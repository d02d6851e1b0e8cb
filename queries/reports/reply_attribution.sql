-- question: How is it known which attendant gave each reply?
-- grain: one row per way in which the attendant of a reply is known; a way without a reply has no row
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only replies of this sector; null: all
-- reads: turn
-- anchor: arrival of the conversation
-- columns:
--   basis          text   -   message (the message names its author), ticket (it names its ticket) or time (the ticket that was open then)
--   replies        count  M9  replies to customers after the first one
--   replies_share  share  M9  of all such replies
--   attendants     count  -   attendants who gave them
-- behind:
--   replies, replies_share, attendants: respostas basis=$basis
-- unique: basis
-- not null: basis, replies, replies_share, attendants
WITH counted AS (
    SELECT
        COALESCE(agent_basis, 'time') AS basis,
        COUNT(*) AS replies,
        COUNT(DISTINCT agent) AS attendants
    FROM turn
    WHERE
        state = 'answered'
        AND started_day >= $period_start
        AND started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
    GROUP BY COALESCE(agent_basis, 'time')
)

SELECT
    basis,
    replies,
    CAST(replies AS DOUBLE) / SUM(replies) OVER () AS replies_share,
    attendants
FROM counted
ORDER BY basis
