# Texts of the reports in American English.
language = en-US

col-abandoned_share = Abandoned
col-abandoned_unanswered = Abandoned unanswered
col-age_days_from = Days waiting, from
col-age_days_to = to
col-attendants = Attendants
col-basis = How the author is known
col-blips = Blip
col-blips_s = Blip
col-breached = Beyond target
col-business_mean_s = Mean in hours
col-business_median_s = Median in hours
col-business_p90_s = p90 in hours
col-changes = Changes
col-changes_share = % of changes
col-closed_reported = Closed, by Blip
col-closed_stored = Closed here, on the same days
col-created = Created
col-csat_high = CSAT, upper
col-csat_low = CSAT, lower
col-days_equal = Days equal
col-days_explained = Days explained
col-days_loaded = Days loaded
col-days_tickets = Days with tickets read
col-days_answers = Days with answers read
col-days_imported = Days from an imported file
col-days_unexplained = Days unexplained
col-default_share = Unrouted
col-detractors = Detractors (0–6)
col-passives = Passives (7–8)
col-promoters = Promoters (9–10)
col-difference = Difference
col-difference_s = Difference
col-ended = Ended
col-explanation = Explanation
col-figure = Figure
col-first_response_business_mean_s = First response in hours
col-from_day = From
col-from_sector = From
col-replies = Replies
col-replies_share = Share of replies
col-to_sector = To
col-full_n = Settled for good
col-full_resolution_mean_s = Resolution with returns
col-handling_business_mean_s = Handling in hours
col-last_day = Last day
col-member = Group
col-messages_missing = Messages missing
col-messages_gone = Messages that will not come
col-met = Within target
col-met_share = Attainment
col-metric = Measure
col-moved = Moved
col-moved_share = % moved
col-nps = NPS
col-nps_low = NPS, low
col-nps_high = NPS, high
col-off_hours = Off hours
col-oldest_day = Oldest
col-one_touch_n = With messages
col-one_touch_share = One-touch
col-open_end = Open at the end
col-open_start = Open at the start
col-ours = Relato
col-ours_s = Relato
col-queue = Queue
col-queue_wait_business_mean_s = Queue in hours
col-resolution_business_mean_s = Resolution in hours
col-resolution_max_s = Longest resolution
col-resolution_mean_s = Resolution time
col-resolution_median_s = Resolution, median
col-resolution_min_s = Shortest resolution
col-resolution_n = Resolved
col-resolution_p90_s = Resolution, p90
col-response_business_mean_s = Response in hours
col-response_pending = Awaiting a response
col-response_unanswered = Left unanswered
col-returned_24h = Returns in 24 h
col-returned_24h_share = Return in 24 h
col-returned_7d = Returns in 7 days
col-returned_7d_share = Return in 7 days
col-routing = Routing
col-running = Running
col-sectors = Sectors
col-served = Customers served
col-short_lost = Lost within seconds
col-tickets_open = Open
col-conversations_open = Open conversations
col-tickets_stored = Stored
col-transfer_share = Changed sector
col-transfers_mean = Transfers per conversation
col-unresolved_share = Sector unresolved
col-whole_wait_business_mean_s = Whole wait in hours
col-tag = Tag
col-span = Span
col-from_s = From
col-to_s = To
col-n_share = Share
col-cumulative_share = Cumulative
col-row_kind = Kind
col-sector = Sector
col-measure = Measure
col-day = Day
col-month = Month
col-weekday = Weekday
col-hour = Hour
col-days = Days
col-mean_arrivals = Conversations per day
col-conversations = Conversations
col-tickets = Tickets
col-tickets_share = % of tickets
col-closed = Closed
col-attended = Attended
col-abandoned = Abandoned
col-lost = Lost
col-inactive = Inactivity
col-transferred = Transferred
col-lost_share = Lost in queue
col-unanswered = Unanswered
col-queue_wait_n = Queue wait (n)
col-queue_wait_mean_s = Queue wait
col-queue_wait_median_s = Queue wait (median)
col-queue_wait_p90_s = Queue wait (p90)
col-queue_wait_min_s = Queue wait (minimum)
col-queue_wait_max_s = Queue wait (maximum)
col-first_response_n = First response (n)
col-first_response_mean_s = First response after pick-up
col-first_response_median_s = First response after pick-up (median)
col-first_response_p90_s = First response after pick-up (p90)
col-whole_wait_n = Wait for first response (n)
col-whole_wait_mean_s = Wait for first response
col-whole_wait_median_s = Wait for first response (median)
col-whole_wait_p90_s = Wait for first response (p90)
col-response_n = Responses
col-response_mean_s = Average response time
col-response_median_s = Response (median)
col-response_p90_s = Response (p90)
col-response_min_s = Response (minimum)
col-response_max_s = Response (maximum)
col-handling_n = Handling (n)
col-handling_mean_s = Handling time
col-handling_median_s = Handling time (median)
col-handling_p90_s = Handling time (p90)
col-handling_s = Handling time
col-ratings = Ratings
col-invalid = Without score
col-no_answer = No answer
col-score_1 = Score 1
col-score_2 = Score 2
col-score_3 = Score 3
col-score_4 = Score 4
col-score_5 = Score 5
col-csat_share = Satisfaction
col-csat_mean = Mean score
col-response_rate = Response rate
col-response_rate_n = Response rate out of
col-surveys_sent = Surveys sent
col-few = Few ratings
col-n = n
col-n_null = No value
col-mean_s = Mean
col-median_s = Median
col-p90_s = p90
col-min_s = Minimum
col-first_response_min_s = First response after pick-up (minimum)
col-first_response_max_s = First response after pick-up (maximum)
col-whole_wait_min_s = Wait for first response (minimum)
col-whole_wait_max_s = Wait for first response (maximum)
col-handling_min_s = Handling time (minimum)
col-handling_max_s = Handling time (maximum)
col-business_min_s = Minimum in hours
col-business_max_s = Maximum in hours
col-ended_moved_share = % that changed sector (of the ended)
col-ended_transfers_mean = Transfers per ended conversation
col-max_s = Maximum
col-conversation_id = Conversation
col-sequential_id = Ticket no.
col-started_local = Start
col-channel = Channel
col-first_sector = First sector
col-last_sector = Last sector
col-outcome = Outcome
col-agent = Attendant
col-transfers = Transfers
col-queue_wait_s = Queue wait
col-whole_wait_s = Wait for first response
col-turns = Responses
col-score = Score
col-ended_day = Ended on
col-check_name = Check
col-said = Blip says / usual
col-found = Found
col-set_aside = Set aside

value-span-minute_1 = up to 1 min
value-span-minutes_5 = 1–5 min
value-span-minutes_15 = 5–15 min
value-span-minutes_30 = 15–30 min
value-span-hour_1 = 30–60 min
value-span-hours_4 = 1–4 h
value-span-day_1 = 4–24 h
value-span-longer = 1 day or more
value-metric-queue_wait_s = Queue wait
value-metric-queue_wait_business_s = Queue wait, business hours
value-metric-first_response_s = First reply after pick-up
value-metric-first_response_business_s = First reply after pick-up, business hours
value-metric-whole_wait_s = Wait for the first reply
value-metric-whole_wait_business_s = Wait for the first reply, business hours
value-metric-response_s = Response time
value-metric-response_business_s = Response time, business hours
value-metric-handling_s = Handling time
value-metric-handling_business_s = Handling time, business hours
value-metric-resolution_s = Resolution time
value-metric-resolution_business_s = Resolution time, business hours
value-metric-csat_share = Satisfaction
value-metric-response_rate = Response rate
value-metric-one_touch_share = One touch
value-metric-lost_share = Lost in the queue
value-metric-abandoned_share = Abandoned
value-metric-returned_24h_share = Return within 24 h
value-metric-returned_7d_share = Return within 7 days
value-none = (none)
value-total = Total
value-queue_wait = Queue wait
value-first_response = First response after pick-up
value-whole_wait = Wait for first response
value-response = Response time
value-response_by_ticket = Response time, mean of tickets (without their messages)
value-resolution = Resolution time
value-handling = Handling time
value-attended = Attended
value-abandoned = Abandoned
value-lost = Lost in queue
value-inactive = Inactivity
value-transferred = Transferred
value-pending = Open
value-gone = No longer known to Blip
value-figure-closed = Closed
value-figure-closed_attendant = by the attendant
value-figure-closed_attendant_by_pickup = by the attendant, after the pick-up
value-figure-closed_client = by the customer or for inactivity, with an attendant (abandoned)
value-figure-closed_client_by_pickup = by the customer or for inactivity, after the pick-up
value-figure-transferred = by a transfer
value-figure-missed = by the customer or for inactivity, without an attendant (lost)
value-figure-missed_by_pickup = never picked up
value-figure-queue = Queue wait
value-figure-first_response = First response after pick-up
value-figure-wait = Wait for the ticket's first response, or to its end without one
value-figure-wait_of_answered = Wait for the first response, answered tickets only
value-figure-response = Response time, mean of tickets
value-figure-attendance_from_pickup = Attendance, from the pick-up
value-figure-attendance_from_answer = Attendance, from the first response
value-explanation-equal = equal
value-explanation-history = history begins
value-explanation-quarantine = set aside
value-explanation-incomplete = day not in full
value-explanation-rejected = impossible wait
value-explanation-other_definition = other definition
value-explanation-unexplained = unexplained
value-queue-DIRECT_TRANSFER = Direct transfer
value-routing-queue = rule
value-routing-direct = straight to a person
value-routing-default = no rule
value-routing-unresolved = sector unresolved
value-basis-message = the message names the attendant
value-basis-ticket = the message names the ticket
value-basis-time = by the ticket open at that moment
value-check_name-listed = tickets that Blip lists
value-check_name-identities = customers whose identity Blip still tells
value-check_name-counted = answers that Blip counts
value-check_name-read = tickets with messages
value-check_name-closed = closes in Blip's report
value-check_name-volume = usual of the weekday
value-yes = yes
value-no = no

channel-wa_gw_msging_net = WhatsApp
channel-messenger_gw_msging_net = Messenger
channel-instagram_gw_msging_net = Instagram
channel-telegram_gw_msging_net = Telegram
channel-mailgun_gw_msging_net = E-mail
channel-0mn_io = Web chat

unit-seconds = { $s } s
unit-minutes = { $m } min { $s } s
unit-hours = { $h } h { $m } min
unit-hour = { $h }:00
no-data = —
not-loaded = n/a

period-days = { $first } to { $last }
period-week = week { $week } of { $year } ({ $first } to { $last })
period-month-to-date = { $month }, up to day { $day }

kpi-detail = median { $median } · p90 { $p90 }
kpi-range = values: { $range }
kpi-n = { $n ->
    [one] 1 observation
   *[other] { $count } observations
}
kpi-no-comparison = no comparison
kpi-versus = vs. { $previous }
kpi-unchanged = no change
kpi-target = target { $bound } { $target }
kpi-target-met = target { $bound } { $target }: met
kpi-target-missed = target { $bound } { $target }: missed
kpi-year = a year ago: { $value }
kpi-points = { $points } pp
table-range = { $min } – { $max }
table-continued = { $group } (continued)
table-few = few ratings
table-empty = No data in this period.

finding-good = Better
finding-bad = Attention
finding-note = Note
finding-nothing = Nothing out of the ordinary: no target missed, no change worth telling, no unusual day.
finding-target-missed = { $figure } missed its target: { $value }, for a target of { $bound } { $target }.
finding-worst-sector = { $sector } met a target least often: { $metric } within target in { $share } of { $n } cases.
finding-satisfaction = Customers of { $sector } are less satisfied than others: { $share } of { $n } ratings, against { $overall } overall.
finding-nps = Customers of { $sector } would recommend less than others: NPS { $share } of { $n } ratings, against { $overall } overall.
finding-rose = { $figure } rose by { $amount }: from { $from } to { $to }.
finding-fell = { $figure } fell by { $amount }: from { $from } to { $to }.
finding-waiting = { $n ->
    [one] 1 conversation had waited two days or more for a first reply when the period ended, since { $oldest }.
   *[other] { $count } conversations had waited two days or more for a first reply when the period ended, the oldest since { $oldest }.
}
finding-unusual-day = Unusual day: { $day } ({ $weekday }) had { $value } conversations; usual for the weekday are { $usual }.
finding-volume-more = More work: { $to } conversations, { $amount } above the { $from } of the period before.
finding-volume-less = Less work: { $to } conversations, { $amount } below the { $from } of the period before.
table-others = { $n ->
    [one] 1 other
   *[other] { $count } others
}
table-missed = misses its target
chart-beside = { $n ->
    [one] and 1 more, in the table
   *[other] and { $count } more, in the tables
}
title-parity_counts = ended tickets
title-parity_times = mean times
note-parity_counts = By Blip's definitions, on Blip's days (cut at UTC−3). Blip's panel also counts closes for inactivity as lost or abandoned, by whether the ticket had an attendant; the other reading goes by the pick-up. The reading that Blip does not follow is marked "other definition".
note-parity_times = Blip has published two definitions of the wait (to the first response, or to the close where nobody answered; or answered tickets only) and two of the attendance (from the pick-up or from the first response). The one that Blip does not follow is marked "other definition". The response time here is the plain mean of what Blip sends with each ticket. Differences up to a second are rounding.

pdf-code = Code
pdf-revision = Revision
pdf-published = Published
pdf-page = Page
pdf-prepared = Prepared by
pdf-approved = Approved by
pdf-page-of = { $page } of { $pages }
pdf-period = Period
pdf-sector = Sector
pdf-definitions = What each figure means
pdf-queries = Queries behind the figures
pdf-origin = Where the figures come from, and approval
pdf-signature = Date and signature
pdf-link = { $figure }: see { $part }
chart-highest = highest value
pdf-source = Data { $snapshot } · published { $published }
pdf-data-until = data until { $until }
pdf-generated = Made by Relato from data snapshot { $snapshot }
chart-mean = mean

sheet-summary = Summary
sheet-about = About
about-title = About this report
about-organization = Organization
about-period = Period
about-compared = Compared with
about-timezone = Time zone
about-sector = Sector
about-all-sectors = all
about-snapshot = Data snapshot
about-content = Fingerprint of the content (SHA-256)
about-verify = To verify
about-rows = Rows behind each figure
about-published = Published
about-loaded-until = Data loaded until
about-completeness = Completeness
about-days = Days loaded
about-stored = Tickets stored
about-closed_reported = Closed, by Blip
about-closed_stored = Closed here, on the same days
about-open = Tickets still open
about-quarantined = Records in quarantine
about-notes = Notes
about-definitions = Definitions
about-queries = Queries (SHA-256)
about-value = { $value } of { $total }
summary-contents = Contents
summary-name = Figure
summary-figure = Figure
summary-value = Value
summary-previous = Previous period
summary-change = Change
summary-year = A year before
summary-target = Target
summary-n = n
summary-detail = Median and p90

complete-lacking =
    { $n ->
        [one] Incomplete: Blip's own reports have one ended ticket that is not here.
       *[other] Incomplete: Blip's own reports have { $count } ended tickets that are not here.
    } Figures are too low.
complete-closed = Closed period: all { $days } days loaded, no conversation open.
complete-closed-by-time = Closed period, because it ended { $after } days ago or more. { $reasons } What still changes is shown as a restatement.
complete-provisional = Provisional: { $reasons } Figures can still change; the period closes on { $by } at the latest.
complete-incomplete = Incomplete: only { $loaded } of { $days } days loaded. Figures are too low.
complete-kinds = Read: tickets of { $tickets } of { $days } days, survey answers of { $answers } of { $days } days.
complete-partly-imported = Incomplete: { $loaded } of { $days } days loaded from Blip and { $imported } taken from an imported file ({ $files }). Figures are too low.
complete-closed-imported = Closed period: no day is missing, no conversation open.
complete-imported = Taken from an imported file, not compared with Blip: { $imported } of { $days } days ({ $files }).
import-files-more = { $n ->
    [one] { $files } and 1 more file
   *[other] { $files } and { $count } more files
}
import-files-unknown = a file whose name was not kept
reason-open = { $n ->
    [one] 1 conversation of the period is still open.
   *[other] { $count } conversations of the period are still open.
}
reason-late = Ratings can still arrive until { $until }.
reason-messages = { $n ->
    [one] The messages of 1 ticket are missing.
   *[other] The messages of { $count } tickets are missing.
}
note-messages-gone = { $n ->
    [one] The messages of 1 ticket of the period are not stored.
   *[other] The messages of { $count } tickets of the period are not stored.
}
note-messages-figures = Average response time and one-touch resolution count only tickets with messages; of the others, customers served counts only the first response. The other figures of the period do not need messages.
note-messages-mean = { $n ->
    [one] Blip reports the mean response time of 1 of these tickets: { $mean }. It is a mean of tickets and is not part of the average response time.
   *[other] Blip reports the mean response time of { $count } of these tickets, { $mean } on average. It is a mean of tickets and is not part of the average response time.
}
note-quarantined = { $n ->
    [one] 1 record from Blip could not be understood and is not in the figures.
   *[other] { $count } records from Blip could not be understood and are not in the figures.
}
note-check = Check: { $n } { $message }.
check-answers_are_fewer_than_closes = answer(s) beyond the number of closed tickets
check-most_answers_belong_to_a_conversation = answer(s) to the survey belong to no conversation, more than do: satisfaction by sector and attendant lacks them
check-waits_are_shorter_than_a_month = wait(s) of more than a month: a forgotten ticket, or clocks that disagree
check-everything_reported_is_stored = day(s) on which Blip reported more records than were stored
check-tickets_open_before_they_are_created = ticket(s) picked up or ended before they were created, left out of the queue wait or the resolution
note-restated = { $n ->
    [one] 1 published figure has changed since: see “Restatements”.
   *[other] { $count } published figures have changed since: see “Restatements”.
}
restated-title = Restatements
restated-note = Figures of reports already issued that would be different today.
restated-heading = { $period }, issued on { $day }
col-restated_publication = Publication
col-restated_figure = Figure
col-restated_before = Published
col-restated_now = Now
col-restated_cause = Why
cause-rules = rules, configuration or queries have changed
cause-answers-late = { $n ->
    [one] 1 survey answer came later
   *[other] { $count } survey answers came later
}
cause-answers-imported = { $n ->
    [one] 1 answer imported from a file
   *[other] { $count } answers imported from files
}
cause-answers-changed = { $n ->
    [one] 1 answer changed
   *[other] { $count } answers changed
}
cause-tickets-late = { $n ->
    [one] 1 ticket came later
   *[other] { $count } tickets came later
}
cause-tickets-imported = { $n ->
    [one] 1 ticket imported from a file
   *[other] { $count } tickets imported from files
}
cause-tickets-changed = { $n ->
    [one] 1 ticket changed at Blip
   *[other] { $count } tickets changed at Blip
}
cause-tickets-removed = { $n ->
    [one] 1 ticket no longer counts
   *[other] { $count } tickets no longer count
}
cause-conversations-changed = { $n ->
    [one] 1 conversation got messages or returns later
   *[other] { $count } conversations got messages or returns later
}
cause-unknown = the snapshot of that time is not kept any more
note-touch = Conversations by sector can add up to more than the total: a transferred conversation counts in each sector it passed through.
note-satisfaction-none = Satisfaction is not configured: ratings are not read.

source-events = events recorded by the Blip flow
source-rating = rating of the ticket
source-import = files exported from Blip
source-none = not configured

M1-name = Tickets
M1-text = Tickets created in the period. A transfer ends one ticket and opens another: a conversation can have several. Blip's identifier counts, not the number that people see, which can come again.
M1-anchor = creation of the ticket
M1-null = never: no tickets is 0
M2-name = Conversations
M2-text = Service from end to end: tickets joined by transfers count once. By sector a conversation counts in each that it touched; the sum can pass the total.
M2-anchor = start of the conversation
M2-null = never: no conversations is 0
M3-name = Customers served
M3-text = Different customers who got the first response of a person in the period, or a response while they waited; a further message of an attendant alone does not count. The same customer on two channels counts twice: Blip does not join them. Another spelling, another tunnel, or the WhatsApp id linked to the telephone number is the same customer. A guest of the web chat is a new customer every 30 days.
M3-anchor = reply
M3-null = never: nobody is 0
M4-name = Closed
M4-text = Tickets closed in the period, by outcome: attended, abandoned, lost or inactive. Transfers are shown apart: they close nothing.
M4-anchor = close of the ticket
M4-null = never: no closes is 0
M5-name = Backlog
M5-text = Tickets created up to an instant and not closed by then, computed for the end of the day, not photographed at night. Open at the start + created − closed = open at the end.
M5-anchor = instant: end of the period's last loaded day
M5-null = never: nothing open is 0
M6-name = Queue wait
M6-text = From entering the queue until an attendant picks the ticket up. A ticket born of a transfer begins with its own entry. Negative waits (clocks that disagree) are left out and counted.
M6-anchor = start of the conversation
M6-null = never picked up, or a negative wait
M7-name = First response after pick-up
M7-text = From picking the ticket up to the attendant's first response. Does not include the queue. A response before the pick-up counts 0.
M7-anchor = start of the conversation
M7-null = no response, or never picked up
M8-name = Wait for first response
M8-text = From the start of the conversation to the first response of a person, queue and transfers included. By sector: the one that responded first. Conversations begun by the organisation carry no mark and count like the others.
M8-anchor = start of the conversation
M8-null = never answered
M9-name = Average response time
M9-text = After the first response: from the customer's first message still unanswered to the next response of a person. Sum of the seconds divided by the number of responses. By sector only the seconds in which it held the conversation; in the total the customer's whole wait. Bots are no persons. Where a ticket's messages are not stored, the mean that Blip reports with the ticket has a row of its own, with its own n.
M9-anchor = start of the conversation
M9-null = no response after the first; waits still pending or left unanswered are counted apart
M10-name = Handling time
M10-text = From picking up to closing the ticket. Idle time is included. Blip publishes two starts, pick-up and first response: the parity block shows both.
M10-anchor = close of the ticket
M10-null = never picked up, or still open
M11-name = Resolution time
M11-text = From the start of the conversation to its last close; the first one, where there was a transfer, has no figure of its own. With returns: to the end of the last conversation of the same customer in the same sector that began within 7 days of the end of the one before.
M11-anchor = end of the conversation
M11-null = still open, or a negative time; with returns, while a return is open
M12-name = Lost in queue
M12-text = Tickets that the customer left before anybody picked them up, out of the tickets created. Those who left within a few seconds (a configured limit) are also counted apart. Blip's panel also counts closes for inactivity without an attendant as lost.
M12-anchor = creation of the ticket
M12-null = no ticket created
M13-name = Abandoned
M13-text = Tickets that the customer left after somebody picked them up, out of the tickets created. Apart, those left without any response. Closes for inactivity are not abandonment; Blip's panel counts them as such when the ticket had an attendant.
M13-anchor = creation of the ticket
M13-null = no ticket created
M14-name = Unanswered
M14-text = Conversations open at the end of the period and still without any response of a person, whenever they began, by age. Where the period is not over, ages end at what is loaded. By sector: where the conversation was then, wherever it was transferred later.
M14-anchor = instant: end of the period
M14-null = never: none is 0
M15-name = Transfers
M15-text = Conversations that changed the sector, out of all. Between attendants of one sector is no change; leaving the unrouted queue for a sector is one. The mean counts every transfer. Of ended conversations, by their end, columns have names of their own (“of the ended”).
M15-anchor = start of the conversation
M15-null = no conversation
M16-name = Return rate
M16-text = Ended conversations followed, within 24 hours or 7 days (inclusive), by another of the same customer that begins in the sector where the first one ended. A guest of the web chat is a new customer every 30 days: a return after that is not seen.
M16-anchor = end of the conversation
M16-null = no conversation ended
M17-name = One-touch
M17-text = Ended conversations with one ticket and one response of a person, out of the ended ones with any stored message between start and end: one lost in the queue counts if its customer wrote while waiting.
M17-anchor = end of the conversation
M17-null = no ended conversation with stored messages
M18-name = Satisfaction (CSAT)
M18-text = Ratings of { $cut } and above out of all valid ratings, on the scale { $scale }. The last valid rating of each conversation counts, on the day the conversation ended. Answers without a score, or with one between two steps of the scale, are left out and counted apart; what the flow records in place of an answer, such as “Outro”, and 0 where the scale begins at 1 count as no answer. Scales are never mixed. Source: { $source }.
M18-anchor = end of the conversation
M18-null = no valid rating, or a scale of 0 to 10
M19-name = Mean score
M19-text = Mean of the valid ratings on their own scale ({ $scale }).
M19-anchor = end of the conversation
M19-null = no valid rating
M20-name = NPS
M20-text = Share of scores 9 and 10 minus share of scores 0 to 6, on the scale of 0 to 10 only; −100 to 100. With fewer than 30 ratings it carries the mark of few; its bounds say between which values it can lie.
M20-anchor = end of the conversation
M20-null = no valid rating, or a scale of 1 to 5
M21-name = Survey response rate
M21-text = Ratings of conversations with a survey out of the surveys sent, where surveys occur among the messages. Otherwise valid ratings out of closed tickets (transfers left out). Can pass 100% in a sector when the answer names another; it is shown so, without a mark.
M21-anchor = close
M21-null = nothing closed and no survey sent
M22-name = Satisfaction interval
M22-text = Wilson's interval at 95%: with few ratings the true share can lie anywhere within it. That of the NPS is Wald's with three answers more, half of them passive (Rocks, 2016). Fewer than 30 ratings are not ranked.
M22-anchor = end of the conversation
M22-null = as satisfaction
M23-name = Target attainment
M23-text = Cases within the target out of those within and beyond it, by the target in force when the clock started. Open and past the target counts as beyond; other open cases are shown apart. Handling and resolution that are open count in the period in which they began, until they end.
M23-anchor = that of the measure
M23-null = no target, or no decided case
M24-name = Within business hours
M24-text = The same times counting only seconds within the hours of the sector that held the conversation, breaks and holidays left out. Entirely outside of them counts 0 and is marked.
M24-anchor = that of the measure
M24-null = as the measure, or no hours configured
M25-name = Median and p90
M25-text = Half of the cases were below the median; 90% were below the p90. Computed row by row with linear interpolation (as MEDIAN and PERCENTILE.INC in Excel). With fewer than 10 cases the smallest and largest value are shown, on tiles, too; JSON and Parquet hold the percentile of any number of cases, rounded to a tenth of a second.
M25-anchor = that of the measure
M25-null = no case
M26-name = Routing quality
M26-text = Tickets that no routing rule matched, and tickets whose sector cannot be told, out of the tickets created. They measure the routing; they are no sector.
M26-anchor = creation of the ticket
M26-null = no ticket created
M27-name = Load by hour
M27-text = Conversations begun in each hour, divided by how often the weekday occurred in the period.
M27-anchor = start of the conversation
M27-null = an hour without conversations
M28-name = Completeness
M28-text = Days read in full after they were over, out of the days of the period; closed tickets stored, beside those that Blip's own report of each day counts; tickets whose messages are missing.
M28-anchor = day of creation
M28-null = never

mail-incomplete = Incomplete data
mail-provisional = Provisional
mail-figures = Key figures
mail-attached = Attachments
mail-elsewhere = Files too large for mail
mail-restated = Published figures that changed: { $period } (published { $published })
mail-origin = Snapshot { $snapshot } of { $time }. Every figure can be made again from it.
mail-automatic = Sent by itself by the schedule “{ $schedule }”.
mail-owner = Sent by itself by the schedule “{ $schedule }”. Questions: { $owner }.

notice-failed = Report not sent: { $schedule }
notice-partial = Report sent in part only: { $schedule }
notice-maybe = It is not known whether a mail arrived: { $schedule }
notice-held = Report sent without waiting for data any longer: { $schedule }
run-not-over = by Blip's clock the period is not over: the newest load is of { $heard }
notice-missed = Report missed: { $schedule }
notice-late = Report late: { $schedule }
notice-run = Report { $report }, period { $period }, planned for { $planned }.
notice-cause = Cause: { $cause }
notice-remedy-failed = What to do: mend the cause and run `relato schedule run { $schedule } --for { $instant } --send --again`.
notice-remedy-maybe = The server may have taken the message before it broke off; it is not repeated by itself. Ask { $recipient }, and if it did not arrive run `relato schedule run { $schedule } --for { $instant } --send --again`.
notice-remedy-held = The period did not close within the wait: the report went out with a warning. `relato status` tells what is missing.
notice-remedy-missed = Nobody has it, because the program did not run at that time and the schedule says not to make up for it. If it is needed: `relato schedule run { $schedule } --for { $instant } --send`.
notice-remedy-late = It should have gone out by { $due } and is still on its way. `relato schedule history` tells where it stands.
notice-recipients = Without it: { $recipients }.
notice-load = Loading data from Blip failed
notice-clock = The server's clock was set
notice-remedy-clock = Check the server's clock and the service that sets it. Nothing goes out before its period is over by Blip's clock.
notice-warnings = The load ended with warnings
notice-remedy-warnings = See what each warning asks for; `relato status` shows how the load is.
notice-remedy-load = The next load tries again. `relato check` tells what Blip answers, `relato status` what is missing. Meanwhile reports go out with the data there are, or wait, as their schedules say.

answer-cover = Question
answer-title = Question
answer-query = Saved question
answer-own = SQL of the asker
answer-parameters = Parameters
answer-who = Asked by
answer-when = When
answer-reason = Reason
answer-rows = Rows
answer-sha256 = SHA-256 of the query
answer-sql = SQL

subject-title = What we hold about you
subject-of = { $identity } · { $organization } · on { $time }
subject-intro = We do not keep the text of messages, nor names, telephone numbers or addresses: only a code in place of your identity, the times of the service, who attended, and your survey answers. This document was made from the identity that you gave.
subject-conversations = Conversations: start, channel, sectors
subject-tickets = Tickets: arrival, number, sector, outcome, attendant
subject-messages = Messages: time and direction only
subject-received = sent by you
subject-sent = sent to you
subject-answers = Answers to the satisfaction survey

# What remains for hands in Blip's portal.
portal-contract = Blip's portal → name of the contract → Members
portal-contract-none = Remove from the contract (or cancel the invitation)
portal-contract-guest = Invite, or see that it is so, with the permission "Can view"
portal-contract-member = Invite, or see that it is so, with the permission "Can edit"
portal-contract-admin = Invite, or see that it is so, with the permission "Admin"
portal-bot = Blip's portal → bot → Settings → Team
portal-bot-none = Remove from the bot's team
portal-bot-desk-view = See that it is so: read on everything of the desk and on Analysis; nothing else
portal-bot-view = See that it is so: read on everything but Team
portal-bot-edit = See that it is so: read and write on everything but Team
portal-bot-admin = See that it is so: read and write on everything, Team included
portal-bot-exact = See that the permissions are: { $permissions }
portal-attendants = Blip's portal → bot → Attendance → Attendants
portal-attendants-none = Remove from the list of attendants
portal-attendants-set = Leave in the queues: { $queues }
portal-queues = Blip's portal → bot → Attendance → Queues
portal-queues-none = Delete the queue, after seeing that nobody waits in it
portal-queues-active = Make the queue, or switch it on
portal-queues-inactive = Switch the queue off
portal-entry = Blip's portal → bot → Settings → Advanced settings
portal-entry-none = Domain { $owner }: delete the key { $key }
portal-entry-set = Domain { $owner }: key { $key } with the value { $value }
portal-entry-secret = Domain { $owner }: key { $key } with the secret that is in { $place }
notice-drift = The team or the channels at Blip differ from what is declared
notice-remedy-drift = `relato team plan` and `relato channel plan` show each difference and prepare the correction; if the change at Blip is the right one, correct the file.

col-health = Health
col-last_local = Last conversation
col-silent_hours = Silent hours
col-usual = Usual in these hours
col-missing = Missing or switched off
value-misconfigured = misconfigured
value-silent = silent
value-connected = connected
value-receiving = receiving
