//! The simulated service desk: who wrote to whom, when, and what became of it.
//!
//! Conversations are drawn one after the other, each at an arrival time that follows the hours, weekdays and months of a real
//! desk. Everything after the clock is cut off, so that recent tickets are still open.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    arrivals::Arrivals,
    conversation::Conversation,
    draw::Draw,
    portal::Portal,
    profile::{ATTENDANTS, CHANNELS, DEFAULT_QUEUE, QUEUES},
    record::{Notification, Tracked, Written},
};
use crate::{
    blip::time::{blip_day, blip_day_start},
    domain::Zone,
};

/// What a world is drawn from.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// Start of the random stream.
    pub seed: u64,
    /// Number of tickets.
    pub tickets: usize,
    /// Number of calendar months, the clock's own included.
    pub months: u32,
    /// The world's present: nothing is later.
    pub now: DateTime<Utc>,
}

/// A whole simulated contract.
#[derive(Debug, Clone)]
pub struct World {
    /// The world's present.
    pub now: DateTime<Utc>,
    /// Tickets by creation time. They keep their places: one is added by [`World::add_ticket`], some are removed by
    /// [`World::retain_tickets`].
    pub tickets: Vec<Ticket>,
    /// Messages by customer position, in time; see [`World::messages_of`].
    pub messages: Vec<Vec<Message>>,
    /// Customers by position.
    pub customers: Vec<Customer>,
    /// Survey answers, in time.
    pub events: Vec<Event>,
    /// People who answer.
    pub attendants: Vec<Attendant>,
    /// Queues by name, `Default` last.
    pub queues: Vec<Cow<'static, str>>,
    /// Rules that send tickets to queues, as they travel.
    pub rules: Vec<serde_json::Value>,
    /// Fates of messages that were sent.
    pub notifications: Vec<Notification>,
    /// Events that were recorded by commands.
    pub tracked: Vec<Tracked>,
    /// Contacts that were written by commands, as they travel: by whether the router has them, and identity.
    pub contacts: BTreeMap<(bool, String), serde_json::Value>,
    /// Queues that take no tickets.
    pub inactive_queues: Vec<String>,
    /// Members, permissions and entries of channels.
    pub portal: Portal,
    /// Writes that were answered, in order.
    pub writes: Vec<Written>,
    /// Positions of the tickets that today is about: those that had not ended when it began, and newer ones.
    today: Vec<usize>,
    /// Positions of tickets by id, sorted.
    place_by_id: Vec<(Uuid, usize)>,
    /// Identity of the bot that owns the tickets.
    pub desk_bot: String,
    /// Identity of the bot that is published on the channels.
    pub router_bot: String,
    /// Tickets that the contract does not know any more.
    pub forgotten: BTreeSet<Uuid>,
    /// Positions of customers by the name of their tunnel, sorted.
    by_tunnel: Vec<(Uuid, usize)>,
}

/// A person who writes.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Identity behind the router's tunnel.
    pub identity: String,
    /// Domain of the channel.
    pub channel: &'static str,
    /// Identity on the channel, where it is not made from the position.
    pub on_channel: Option<String>,
}

/// A person who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendant {
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: String,
    /// Queues by name.
    pub teams: Vec<Cow<'static, str>>,
    /// Whether they still belong to the desk.
    pub is_listed: bool,
    /// Tickets at a time.
    pub slots: u32,
}

/// One human attendance.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Blip's id.
    pub id: Uuid,
    /// The number that people see.
    pub sequential_id: i64,
    /// Number of the ticket that was transferred.
    pub parent_sequential_id: Option<i64>,
    /// Position of the parent in [`World::tickets`].
    pub parent: Option<usize>,
    /// Position of the customer.
    pub customer: usize,
    /// Blip's team: a queue, `Default` or `DIRECT_TRANSFER`.
    pub team: Cow<'static, str>,
    /// Position of the attendant in [`World::attendants`].
    pub agent: Option<usize>,
    /// One of Blip's statuses.
    pub status: &'static str,
    /// Enters the queue.
    pub created_at: DateTime<Utc>,
    /// Taken by an attendant.
    pub opened_at: Option<DateTime<Utc>>,
    /// First answer of the attendant.
    pub first_response_at: Option<DateTime<Utc>>,
    /// The end.
    pub closed_at: Option<DateTime<Utc>>,
    /// Tags given at the close.
    pub tags: Vec<Cow<'static, str>>,
}

/// One message of a customer's thread; texts do not exist here.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// Its id.
    pub id: u128,
    /// When it was stored.
    pub at: DateTime<Utc>,
    /// Who wrote it.
    pub author: Author,
    /// Ticket for which an attendant wrote it; none for all others.
    pub ticket: Option<Uuid>,
    /// Position of the attendant who wrote it in [`World::attendants`]; none for all others.
    pub agent: Option<usize>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The customer.
    Customer,
    /// An attendant.
    Attendant,
    /// The bot: greetings.
    Bot,
    /// The bot, asking for satisfaction.
    Survey,
    /// A ticket event shown in the thread.
    System,
}

/// An event of the satisfaction survey.
#[derive(Debug, Clone)]
pub struct Event {
    /// Category as the flow wrote it.
    pub category: Cow<'static, str>,
    /// The answer.
    pub action: String,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Position of the customer.
    pub customer: usize,
    /// Queue named in the extras; the flow does not always know it.
    pub queue: Option<Cow<'static, str>>,
    /// Comment in the extras.
    pub comment: Option<Cow<'static, str>>,
}

impl World {
    /// Draws the world of `spec`.
    pub fn draw(spec: &WorldSpec, zone: Zone) -> World {
        let mut draw = Draw::new(spec.seed);
        let arrivals = Arrivals::plan(spec, zone, &mut draw);
        let mut customers: Vec<Customer> = (0..(spec.tickets * 2 / 5).max(1)).map(|_| customer(&mut draw)).collect();
        // Who writes once writes again: a third of the contacts come back often.
        let regulars = (customers.len() / 3).max(1);
        let mut world = World {
            now: spec.now,
            tickets: Vec::with_capacity(spec.tickets),
            messages: Vec::new(),
            customers: Vec::new(),
            events: Vec::new(),
            attendants: ATTENDANTS.iter().map(attendant).collect(),
            queues: QUEUES.iter().map(|queue| queue.name).chain([DEFAULT_QUEUE.0]).map(Cow::Borrowed).collect(),
            rules: Vec::new(),
            notifications: Vec::new(),
            tracked: Vec::new(),
            contacts: BTreeMap::new(),
            inactive_queues: Vec::new(),
            portal: Portal::default(),
            writes: Vec::new(),
            today: Vec::new(),
            place_by_id: Vec::new(),
            desk_bot: super::desk::DESK_BOT.to_owned(),
            router_bot: super::server::ROUTER_BOT.to_owned(),
            forgotten: BTreeSet::new(),
            by_tunnel: Vec::new(),
        };
        world.messages.resize_with(customers.len(), Vec::new);
        let mut stretches: Vec<Vec<(DateTime<Utc>, DateTime<Utc>)>> = vec![Vec::new(); customers.len()];
        while world.tickets.len() < spec.tickets {
            let started_at = arrivals.draw(&mut draw);
            let mut who = if draw.chance(0.5) { draw.index(regulars) } else { draw.index(customers.len()) };
            // A customer has one conversation at a time; a newcomer takes the place of one who is busy.
            if stretches[who].iter().any(|stretch| is_near(*stretch, started_at)) {
                who = customers.len();
                customers.push(customer(&mut draw));
                world.messages.push(Vec::new());
                stretches.push(Vec::new());
            }
            let room = spec.tickets - world.tickets.len();
            let ended_at =
                Conversation { world: &mut world, draw: &mut draw, zone, first: spec.first_day(zone), who, room }.play(started_at);
            stretches[who].push((started_at, ended_at));
        }
        world.customers = customers;
        world.portal = Portal::new(super::server::ROUTER_BOT, world.attendants.iter().map(|attendant| attendant.email.as_str()));
        world.finish();
        world
    }

    /// Returns Blip's id of a queue.
    pub fn queue_id(name: &str) -> String {
        format!("queue-{}", &crate::domain::digest::sha256(name.as_bytes())[..12])
    }

    /// Returns all messages of a customer, in time.
    pub fn messages_of(&self, customer: usize) -> &[Message] {
        &self.messages[customer]
    }

    /// Returns the position of the customer of a ticket.
    pub fn ticket_customer(&self, id: Uuid) -> Option<usize> {
        self.ticket(id).map(|place| self.tickets[place].customer)
    }

    /// Returns the position of a ticket.
    pub fn ticket(&self, id: Uuid) -> Option<usize> {
        let found = self.place_by_id.binary_search_by_key(&id, |(ticket, _)| *ticket).ok()?;
        Some(self.place_by_id[found].1)
    }

    /// Returns the tickets that had not ended when the day began, and newer ones.
    pub fn tickets_of_today(&self) -> Vec<&Ticket> {
        self.today.iter().map(|place| &self.tickets[*place]).collect()
    }

    /// Returns the identity of an attendant, URL-encoded as in tickets.
    pub fn attendant_identity(&self, agent: usize) -> String {
        crate::blip::identity::attendant(&self.attendants[agent].email)
    }

    /// Returns the identity on the channel of a customer.
    pub fn channel_identity(&self, customer: usize) -> String {
        let Customer { channel, on_channel, .. } = &self.customers[customer];
        on_channel.clone().unwrap_or_else(|| format!("55319{customer:08}@{channel}"))
    }

    /// Returns the position of the customer with an identity behind the router's tunnel.
    pub fn behind_tunnel(&self, identity: &str) -> Option<usize> {
        // An instance, blanks and another case are the same tunnel.
        let node = |identity: &str| identity.trim().split('/').next().unwrap_or_default().to_lowercase();
        let asked = node(identity);
        let is_meant = |customer: &Customer| customer.identity == identity || node(&customer.identity) == asked;
        let found = tunnel_name(identity).and_then(|name| {
            let place = self.by_tunnel.binary_search_by_key(&name, |(tunnel, _)| *tunnel).ok()?;
            Some(self.by_tunnel[place].1)
        });
        // Customers that were added or changed since are not in the index.
        let found = found.filter(|place| self.customers.get(*place).is_some_and(is_meant));
        found.or_else(|| self.customers.iter().position(is_meant))
    }

    /// Returns the position of the customer whom tickets name by an identity on a channel: without a router before the desk.
    pub fn without_tunnel(&self, identity: &str) -> Option<usize> {
        self.on_channel(identity).filter(|customer| self.customers[*customer].identity == identity)
    }

    /// Returns the position of the customer with an identity on a channel.
    pub fn on_channel(&self, identity: &str) -> Option<usize> {
        let at = |identity: &str| identity.split_once('@')?.0.strip_prefix("55319")?.parse().ok();
        let made: Option<usize> = at(identity);
        let made = made.filter(|customer| *customer < self.customers.len() && self.channel_identity(*customer) == identity);
        made.or_else(|| self.customers.iter().position(|customer| customer.on_channel.as_deref() == Some(identity)))
    }

    /// Adds a ticket of `customer`, created now; returns its position.
    pub fn add_ticket(&mut self, id: Uuid, customer: usize, team: Cow<'static, str>, parent: Option<usize>) -> usize {
        let parent_sequential_id = parent.map(|parent| self.tickets[parent].sequential_id);
        let created_at = self.now;
        self.tickets.push(Ticket {
            id,
            sequential_id: i64::try_from(self.tickets.len() + 1).unwrap_or(i64::MAX),
            parent_sequential_id,
            parent,
            customer,
            team,
            agent: None,
            status: "Waiting",
            created_at,
            opened_at: None,
            first_response_at: None,
            closed_at: None,
            tags: Vec::new(),
        });
        let place = self.tickets.len() - 1;
        let order = self.place_by_id.partition_point(|(known, _)| *known < id);
        self.place_by_id.insert(order, (id, place));
        self.today.push(place);
        place
    }

    /// Removes the tickets that `keep` does not hold on to, as if they had never been.
    pub fn retain_tickets(&mut self, keep: impl Fn(&Ticket) -> bool) {
        self.tickets.retain(keep);
        self.find_places();
    }

    fn find_places(&mut self) {
        self.place_by_id = self.tickets.iter().map(|ticket| ticket.id).zip(0..).collect();
        self.place_by_id.sort_unstable();
        let midnight = blip_day_start(blip_day(self.now));
        let is_of_today = |ticket: &Ticket| ticket.closed_at.is_none_or(|at| at >= midnight);
        self.today = (0..self.tickets.len()).filter(|place| is_of_today(&self.tickets[*place])).collect();
    }

    /// Sorts everything by time, cuts what is later than the clock and hands out the numbers that people see.
    fn finish(&mut self) {
        let mut order: Vec<usize> = (0..self.tickets.len()).filter(|&index| self.tickets[index].created_at <= self.now).collect();
        order.sort_by_key(|&index| (self.tickets[index].created_at, index));
        let mut position = vec![None; self.tickets.len()];
        for (new, &old) in order.iter().enumerate() {
            position[old] = Some(new);
        }
        let mut tickets: Vec<Ticket> = order.iter().map(|&index| self.tickets[index].clone()).collect();
        for (ticket, sequential_id) in tickets.iter_mut().zip(1..) {
            ticket.sequential_id = sequential_id;
            ticket.parent = ticket.parent.and_then(|parent| position[parent]);
            ticket.parent_sequential_id = ticket.parent.and_then(|parent| i64::try_from(parent + 1).ok());
            ticket.cut(self.now);
        }
        self.tickets = tickets;
        self.find_places();
        self.by_tunnel =
            self.customers.iter().zip(0..).filter_map(|(customer, place)| Some((tunnel_name(&customer.identity)?, place))).collect();
        self.by_tunnel.sort_unstable();
        for messages in &mut self.messages {
            messages.retain(|message| message.at <= self.now);
            messages.sort_by_key(|message| (message.at, message.id));
        }
        self.events.retain(|event| event.at <= self.now);
        self.events.sort_by_key(|event| (event.at, event.customer));
    }
}

impl WorldSpec {
    /// Returns the first day of the first month.
    pub fn first_day(&self, zone: Zone) -> NaiveDate {
        let today = zone.day(self.now);
        today.with_day(1).expect("every month has a first day") - Months::new(self.months.saturating_sub(1))
    }
}

impl Ticket {
    /// Takes back what has not happened by `now`.
    fn cut(&mut self, now: DateTime<Utc>) {
        let happened = |at: Option<DateTime<Utc>>| at.filter(|at| *at <= now);
        if happened(self.closed_at).is_none() && self.closed_at.is_some() {
            self.closed_at = None;
            self.tags.clear();
            self.status = "Open";
        }
        self.first_response_at = happened(self.first_response_at);
        self.opened_at = happened(self.opened_at);
        if self.status == "Open" && self.opened_at.is_none() {
            // Given to somebody who has not looked yet, or still in the queue.
            self.status = if self.id.as_u128().is_multiple_of(8) { "Assigned" } else { "Waiting" };
            self.agent = self.agent.filter(|_| self.status == "Assigned");
        }
    }

    /// Returns whether the ticket has ended.
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }
}

fn tunnel_name(identity: &str) -> Option<Uuid> {
    identity.trim().split('@').next()?.parse().ok()
}

/// Returns whether a conversation that starts at `instant` could run into the one of `stretch`: before it there must be room for
/// a long weekend of waiting, after it an hour for the survey.
fn is_near((from, until): (DateTime<Utc>, DateTime<Utc>), instant: DateTime<Utc>) -> bool {
    instant > from - TimeDelta::days(7) && instant < until + TimeDelta::hours(1)
}

fn attendant((name, queues): &(&'static str, &[usize])) -> Attendant {
    let first_and_last = name.to_lowercase().split_whitespace().take(2).collect::<Vec<_>>().join(".");
    let plain: String = unicode_normalization::UnicodeNormalization::nfd(first_and_last.as_str()).filter(char::is_ascii).collect();
    Attendant {
        email: format!("{plain}@exemplo.org.br"),
        name: (*name).to_owned(),
        teams: queues.iter().map(|queue| Cow::Borrowed(QUEUES[*queue].name)).collect(),
        is_listed: true,
        slots: 5,
    }
}

fn customer(draw: &mut Draw) -> Customer {
    let channel = CHANNELS[draw.weighted(CHANNELS.iter().map(|(_, share)| *share))].0;
    Customer { identity: format!("{}@tunnel.msging.net", uuid(draw)), channel, on_channel: None }
}

pub(super) fn uuid(draw: &mut Draw) -> Uuid {
    uuid::Builder::from_random_bytes(draw.bits().to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(seed: u64, tickets: usize) -> WorldSpec {
        WorldSpec { seed, tickets, months: 4, now: "2026-11-24T15:00:00Z".parse().unwrap() }
    }

    fn zone() -> Zone {
        "America/Sao_Paulo".parse().unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_world() {
        let (one, two) = (World::draw(&spec(7, 400), zone()), World::draw(&spec(7, 400), zone()));
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        assert_ne!(format!("{one:?}"), format!("{:?}", World::draw(&spec(8, 400), zone())));
    }

    #[test]
    fn time_runs_forward_and_nothing_is_later_than_the_clock() {
        let world = World::draw(&spec(1, 2_000), zone());
        assert!(world.tickets.len() > 1_900, "{}", world.tickets.len());
        for ticket in &world.tickets {
            let steps: Vec<_> =
                [Some(ticket.created_at), ticket.opened_at, ticket.first_response_at, ticket.closed_at].into_iter().flatten().collect();
            assert!(steps.is_sorted() && steps.iter().all(|step| *step <= world.now), "{ticket:?}");
        }
        assert!(world.events.iter().all(|event| event.at <= world.now));
    }

    #[test]
    fn a_ticket_is_found_by_its_id_and_today_has_all_that_it_is_about() {
        let mut world = World::draw(&spec(1, 2_000), zone());
        let id = Uuid::from_u128(7);
        assert_eq!(world.ticket(id), None);
        let added = world.add_ticket(id, 3, Cow::Borrowed("Financeiro"), None);
        assert_eq!((world.ticket(id), world.ticket_customer(id)), (Some(added), Some(3)));
        assert!((0..world.tickets.len()).all(|place| world.ticket(world.tickets[place].id) == Some(place)));
        let ended_today = |ticket: &Ticket| ticket.closed_at.is_some_and(|at| blip_day(at) == blip_day(world.now));
        let of_today = world.tickets.iter().filter(|ticket| !ticket.is_closed() || ended_today(ticket));
        let ids: Vec<Uuid> = of_today.map(|ticket| ticket.id).collect();
        assert!(ids.len() > 5 && ids.len() < 200 && world.tickets.iter().any(ended_today), "{}", ids.len());
        assert_eq!(world.tickets_of_today().iter().map(|ticket| ticket.id).collect::<Vec<_>>(), ids);
    }

    #[test]
    fn every_kind_of_ticket_occurs() {
        let world = World::draw(&spec(3, 5_000), zone());
        for status in ["Open", "Waiting", "ClosedAttendant", "ClosedClient", "ClosedClientInactivity", "Transferred"] {
            assert!(world.tickets.iter().any(|ticket| ticket.status == status), "{status}");
        }
        for team in ["Default", "DIRECT_TRANSFER", "Financeiro"] {
            assert!(world.tickets.iter().any(|ticket| ticket.team == team), "{team}");
        }
        let children = world.tickets.iter().filter(|ticket| ticket.parent.is_some()).count();
        let transferred = world.tickets.iter().filter(|ticket| ticket.status == "Transferred").count();
        assert!(children == transferred, "{children} children of {transferred} transfers");
    }
}
