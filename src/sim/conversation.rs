//! One conversation, leg by leg: waits, answers, turns, transfers, the survey at the end.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use uuid::Uuid;

use super::{
    arrivals::months_since,
    calendar,
    draw::Draw,
    profile::{ANSWER_WORDS, ATTENDANTS, DEFAULT_QUEUE, HOUR_LOAD, OTHER_ANSWERS, QUEUES, SURVEY_CATEGORY, TAGS, WEEKDAY_LOAD},
    world::{Author, Event, Message, Ticket, World, uuid},
};
use crate::domain::Zone;

const COMMENTS: [&str; 5] =
    ["rápido e educado", "demorou para responder", "resolveu tudo", "precisei repetir a pergunta", "ótimo atendimento"];

/// Draws one conversation into the world.
pub struct Conversation<'a> {
    pub world: &'a mut World,
    pub draw: &'a mut Draw,
    pub zone: Zone,
    pub first: NaiveDate,
    pub who: usize,
    pub room: usize,
}

impl Conversation<'_> {
    /// Draws the conversation and returns when it ends.
    pub fn play(&mut self, started_at: DateTime<Utc>) -> DateTime<Utc> {
        let mut queue = self.draw.weighted(
            QUEUES.iter().map(|queue| queue.weight * (1.0 + queue.growth * months_since(self.first, self.zone.day(started_at))).max(0.1)),
        );
        let mut team = if self.draw.chance(DEFAULT_QUEUE.1) { DEFAULT_QUEUE.0 } else { QUEUES[queue].name };
        let mut at = started_at;
        let mut parent = None;
        let mut agent = None;
        self.say(at - TimeDelta::milliseconds(42_000), Author::Customer);
        self.say(at - TimeDelta::milliseconds(40_500), Author::Bot);
        self.say(at - TimeDelta::milliseconds(6_000), Author::Customer);
        for leg in 0..4 {
            if at > self.world.now {
                return at;
            }
            let may_move = leg < 3 && leg + 1 < self.room;
            let ticket = self.leg(at, queue, team, agent, parent, may_move);
            let moved = ticket.status == "Transferred";
            let ended = ticket.closed_at;
            let (who_answered, answered) = (ticket.agent, ticket.first_response_at.is_some());
            let status = ticket.status;
            self.world.tickets.push(ticket);
            parent = Some(self.world.tickets.len() - 1);
            let Some(ended) = ended else { return at };
            self.say(ended, Author::System);
            if !moved {
                if answered && status == "ClosedAttendant" {
                    self.survey(ended, queue, team, leg);
                }
                return ended;
            }
            at = ended;
            (queue, team, agent) = self.destination(queue, team, who_answered);
        }
        at
    }

    /// Where a transfer goes: to another queue, or straight to a person, who is rarely of the same sector.
    fn destination(&mut self, queue: usize, team: &'static str, from: Option<usize>) -> (usize, &'static str, Option<usize>) {
        let target = match team {
            // What nobody routed is routed by hand.
            "Default" => queue,
            _ => (queue + 1 + self.draw.index(QUEUES.len() - 1)) % QUEUES.len(),
        };
        if team != "Default" && self.draw.chance(0.6) {
            let colleagues: Vec<usize> =
                (0..ATTENDANTS.len()).filter(|person| Some(*person) != from && ATTENDANTS[*person].1.contains(&queue)).collect();
            let person = if colleagues.is_empty() { self.draw.index(ATTENDANTS.len()) } else { *self.draw.pick(&colleagues) };
            return (queue, "DIRECT_TRANSFER", Some(person));
        }
        (target, QUEUES[target].name, None)
    }

    fn leg(
        &mut self,
        at: DateTime<Utc>,
        queue: usize,
        team: &'static str,
        agent: Option<usize>,
        parent: Option<usize>,
        may_move: bool,
    ) -> Ticket {
        let profile = &QUEUES[queue];
        let load = self.load(at);
        let month = months_since(self.first, self.zone.day(at));
        let mut ticket = Ticket {
            id: uuid(self.draw),
            sequential_id: 0,
            parent_sequential_id: None,
            parent,
            customer: self.who,
            team: team.into(),
            agent: None,
            status: "Open",
            created_at: at,
            opened_at: None,
            first_response_at: None,
            closed_at: None,
            tags: Vec::new(),
        };
        let queue_factor = if team == "Default" {
            2.2
        } else if team == "DIRECT_TRANSFER" {
            0.5
        } else {
            1.0
        };
        let served_from = self.next_open(at);
        let opened_at = served_from + TimeDelta::milliseconds(self.draw.duration_ms(profile.wait_s * load * load * queue_factor, 0.75));
        let patience = TimeDelta::milliseconds(self.draw.duration_ms(5_400.0, 0.9));
        if parent.is_none() && opened_at - at > patience && self.draw.chance(0.3) {
            // Most who give up are closed for silence by the flow, some leave by its menu.
            ticket.status = if self.draw.chance(0.6) { "ClosedClient" } else { "ClosedClientInactivity" };
            ticket.closed_at = Some(at + patience);
            return ticket;
        }
        let candidates: Vec<usize> = (0..ATTENDANTS.len()).filter(|person| ATTENDANTS[*person].1.contains(&queue)).collect();
        let person = agent.unwrap_or_else(|| *self.draw.pick(&candidates));
        ticket.agent = Some(person);
        ticket.opened_at = Some(opened_at);
        if parent.is_none() && self.draw.chance(0.012) {
            // Picked up and forgotten: closed by the flow without any answer.
            ticket.status = "ClosedClientInactivity";
            ticket.closed_at = Some(opened_at + TimeDelta::milliseconds(self.draw.duration_ms(7_200.0, 0.3)));
            return ticket;
        }
        let answer_s = profile.answer_s * load * (1.0 + profile.slowdown * month).max(0.3) * person_speed(person);
        let mut clock = opened_at + TimeDelta::milliseconds(self.draw.duration_ms(answer_s * 0.6, 0.6));
        ticket.first_response_at = Some(clock);
        self.answer(clock, ticket.id, person);
        let turns = self.turn_count();
        for turn in 0..turns {
            clock += TimeDelta::milliseconds(self.draw.duration_ms(75.0, 0.9));
            self.say(clock, Author::Customer);
            let asked_at = clock;
            while self.draw.chance(0.28) {
                clock += TimeDelta::milliseconds(self.draw.duration_ms(9.0, 0.6));
                self.say(clock, Author::Customer);
            }
            if turn + 1 == turns && self.draw.chance(0.09) {
                break;
            }
            let answered_at = asked_at + TimeDelta::milliseconds(self.draw.duration_ms(answer_s, 0.8));
            clock = clock.max(answered_at) + TimeDelta::milliseconds(500);
            self.answer(clock, ticket.id, person);
            while self.draw.chance(0.2) {
                clock += TimeDelta::milliseconds(self.draw.duration_ms(12.0, 0.6));
                self.answer(clock, ticket.id, person);
            }
        }
        let closed_at = clock + TimeDelta::milliseconds(self.draw.duration_ms(140.0, 0.8));
        ticket.closed_at = Some(closed_at);
        let moves_on = if team == "Default" { 0.55 } else { profile.transfer };
        ticket.status = if may_move && self.draw.chance(moves_on) {
            "Transferred"
        } else {
            match self.draw.unit() {
                draw if draw < 0.86 => "ClosedAttendant",
                draw if draw < 0.93 => "ClosedClientInactivity",
                _ => "ClosedClient",
            }
        };
        if ticket.status == "ClosedAttendant" && self.draw.chance(0.55) {
            ticket.tags.push((*self.draw.pick(&TAGS)).into());
        }
        ticket
    }

    /// Most conversations need two to five turns, a few none, some many.
    fn turn_count(&mut self) -> usize {
        let mut turns = usize::from(!self.draw.chance(0.12));
        while turns > 0 && turns < 25 && self.draw.chance(0.72) {
            turns += 1;
        }
        turns
    }

    fn survey(&mut self, ended: DateTime<Utc>, queue: usize, team: &'static str, legs_before: usize) {
        let asked = ended + TimeDelta::milliseconds(2_000);
        self.say(asked, Author::Survey);
        if !self.draw.chance(0.42) {
            return;
        }
        let profile = &QUEUES[queue];
        #[expect(clippy::cast_precision_loss, reason = "three legs at most")]
        let passed_around = legs_before as f64 * 0.5;
        let slow_day = (self.load(ended) - 1.0).max(0.0) * 0.5;
        let mood = profile.score + 0.1 - passed_around - slow_day - profile.slowdown * 3.0 * months_since(self.first, self.zone.day(ended));
        let spread = (self.draw.unit() + self.draw.unit() + self.draw.unit() - 1.5) * 2.3;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1 to 5")]
        let score = (mood + spread).round().clamp(1.0, 5.0) as usize;
        let action = match self.draw.unit() {
            draw if draw < 0.03 => (*self.draw.pick(&OTHER_ANSWERS)).to_owned(),
            draw if draw < 0.25 => ANSWER_WORDS[score - 1].to_owned(),
            _ => score.to_string(),
        };
        let delay_s = if self.draw.chance(0.12) { 40_000.0 } else { 120.0 };
        let at = asked + TimeDelta::milliseconds(self.draw.duration_ms(delay_s, 1.0));
        self.say(at, Author::Customer);
        let named = team != "DIRECT_TRANSFER" && team != "Default" && self.draw.chance(0.9);
        let comment = self.draw.chance(0.15).then(|| *self.draw.pick(&COMMENTS));
        self.world.events.push(Event {
            category: SURVEY_CATEGORY.into(),
            action,
            at,
            customer: self.who,
            queue: named.then_some(profile.name.into()),
            comment: comment.map(Into::into),
        });
    }

    /// How much slower everything is at this hour, around 1: Mondays, peaks, and lunch, when few people are left.
    fn load(&self, at: DateTime<Utc>) -> f64 {
        let local = self.zone.local(at);
        let hour = local.hour() as usize;
        let staff = if hour == 12 { 0.45 } else { 1.0 };
        let weekday = WEEKDAY_LOAD[local.weekday().num_days_from_monday() as usize].max(0.8);
        (0.55 + 0.16 * HOUR_LOAD[hour] / staff) * weekday
    }

    /// Returns `at`, or when the desk opens next.
    fn next_open(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let local = self.zone.local(at);
        let mut day = local.date();
        let minute = i64::from(local.time().num_seconds_from_midnight()) / 60;
        loop {
            if let Some((opens, closes)) = calendar::opening(day) {
                if day > local.date() || minute < opens {
                    let local_opening = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(opens);
                    return self.zone.day_start(day) + (local_opening - day.and_time(NaiveTime::MIN));
                }
                if minute < closes {
                    return at;
                }
            }
            day = day + Days::new(1);
        }
    }

    fn say(&mut self, at: DateTime<Utc>, author: Author) {
        let id = uuid(self.draw).as_u128();
        self.world.messages[self.who].push(Message { id, at, author, ticket: None, agent: None });
    }

    fn answer(&mut self, at: DateTime<Utc>, ticket: Uuid, agent: usize) {
        let id = uuid(self.draw).as_u128();
        self.world.messages[self.who].push(Message { id, at, author: Author::Attendant, ticket: Some(ticket), agent: Some(agent) });
    }
}

/// People differ: from a third faster to a third slower.
fn person_speed(person: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below seven")]
    let step = (person * 5 % 7) as f64;
    0.7 + step * 0.1
}
