# Texts of the reports in American English.
language = en-US

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
col-score_1 = Score 1
col-score_2 = Score 2
col-score_3 = Score 3
col-score_4 = Score 4
col-score_5 = Score 5
col-csat_share = Satisfaction
col-csat_mean = Mean score
col-response_rate = Response rate
col-few = Few ratings
col-n = n
col-n_null = No value
col-mean_s = Mean
col-median_s = Median
col-p90_s = p90
col-min_s = Minimum
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

value-total = Total
value-queue_wait = Queue wait
value-first_response = First response after pick-up
value-whole_wait = Wait for first response
value-response = Response time
value-handling = Handling time
value-attended = Attended
value-abandoned = Abandoned
value-lost = Lost in queue
value-inactive = Inactivity
value-transferred = Transferred
value-pending = Open
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
kpi-n = { $n ->
    [one] 1 observation
   *[other] { $count } observations
}
kpi-no-comparison = no comparison
kpi-versus = vs. { $previous }
kpi-unchanged = no change
kpi-points = { $points } pp
table-range = { $min } – { $max }
table-continued = { $group } (continued)
table-few = few ratings
table-empty = No data in this period.

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
about-published = Published
about-loaded-until = Data loaded until
about-completeness = Completeness
about-days = Days loaded
about-reported = Tickets reported by Blip
about-stored = Tickets stored
about-open = Tickets still open
about-quarantined = Records in quarantine
about-notes = Notes
about-definitions = Definitions
about-queries = Queries (SHA-256)
about-value = { $value } of { $total }
summary-figure = Figure
summary-value = Value
summary-previous = Previous period
summary-change = Change
summary-n = n
summary-detail = Median and p90

complete-closed = Closed period: all { $days } days loaded, no ticket open.
complete-provisional = Provisional: { $reasons } Figures can still change.
complete-incomplete = Incomplete: only { $loaded } of { $days } days loaded. Figures are too low.
reason-open = { $n ->
    [one] 1 ticket of the period is still open.
   *[other] { $count } tickets of the period are still open.
}
reason-late = Ratings can still arrive until { $until }.
reason-messages = { $n ->
    [one] The messages of 1 ticket are missing.
   *[other] The messages of { $count } tickets are missing.
}
note-quarantined = { $n ->
    [one] 1 record from Blip could not be understood and is not in the figures.
   *[other] { $count } records from Blip could not be understood and are not in the figures.
}
note-check = Check: { $n } { $message }.
check-everything_reported_is_stored = day(s) on which Blip reported more records than were stored
check-tickets_open_before_they_are_created = ticket(s) picked up before they were created, left out of the queue wait
note-touch = Conversations by sector can add up to more than the total: a transferred conversation counts in each sector it passed through.
note-satisfaction-none = Satisfaction is not configured: ratings are not read.

M1-name = Tickets
M1-text = Tickets created in the period, by the time they entered the queue. A transfer ends one ticket and opens another: a conversation can have several.
M2-name = Conversations
M2-text = Service from end to end: tickets joined by transfers count once, at the start of the first.
M4-name = Closed
M4-text = Tickets closed in the period, by the time of closing. Transfers are shown apart: they close nothing.
M6-name = Queue wait
M6-text = From entering the queue until an attendant picks the ticket up. Tickets that were never picked up are not in the mean.
M7-name = First response after pick-up
M7-text = From picking the ticket up to the attendant's first response. Does not include the queue.
M8-name = Wait for first response
M8-text = From the start of the conversation to the first response of a person, queue and transfers included. By sector: the one that responded first.
M9-name = Average response time
M9-text = After the first response: from the customer's first message still unanswered to the next response of a person. Sum of the seconds divided by the number of responses. By sector only the seconds in which it held the conversation; in the total the customer's whole wait.
M10-name = Handling time
M10-text = From picking up to closing the ticket, by the time of closing. Idle time is included.
M12-name = Lost in queue
M12-text = Tickets that the customer left before anybody picked them up, out of the tickets created in the period.
M14-name = Unanswered
M14-text = Conversations begun in the period that had no response of a person.
M15-name = Transfers
M15-text = Tickets of the conversation that a transfer ended.
M18-name = Satisfaction (CSAT)
M18-text = Ratings of { $cut } and above out of all valid ratings, on the scale { $scale }. The last valid rating of each conversation counts, on the day the conversation ended. Answers without a score are left out and counted apart. Source: { $source }.
M19-name = Mean score
M19-text = Mean of the valid ratings on their own scale ({ $scale }).
M21-name = Survey response rate
M21-text = Valid ratings out of closed tickets (transfers left out), because Blip does not say how many surveys it sent.
M22-name = Few ratings
M22-text = Sectors with fewer than 30 ratings are not ranked.
M25-name = Median and p90
M25-text = Half of the cases were below the median; 90% were below the p90. Computed row by row with linear interpolation (as MEDIAN and PERCENTILE.INC in Excel). With fewer than 10 cases the smallest and largest value are shown.
M27-name = Load by hour
M27-text = Conversations begun in each hour, divided by how often the weekday occurred in the period.
source-events = events recorded by the Blip flow
source-rating = rating of the ticket
source-import = files exported from Blip
source-none = not configured
