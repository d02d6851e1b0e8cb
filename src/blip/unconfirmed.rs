//! What is used here although Blip's documentation does not say it.
//!
//! Everything that rests on reports of others or on an assumption is named once, so that `relato check` can tell a reader which
//! of it their contract bears out, and a change at Blip's end has one place.

/// Something that is reported by others, or assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unconfirmed {
    /// A sub-bot behind a router gets messages only with `getFromOwnerIfTunnel`, and sometimes only without.
    TunnelOwner,
    /// An attendant's messages carry `#messageEmitter = Human`.
    MessageEmitter,
    /// Some contracts list ended tickets only in `/tickets/history/metadata`.
    TicketHistory,
    /// `/tickets` has a page size of 100 in any order; the order is not relied on.
    TicketOrder,
    /// The days of `/analytics/reports/*` and of event counters are whole, inclusive and cut at UTC−3.
    ReportDays,
    /// The limit of commands per second counts per key.
    ThroughputPerKey,
    /// Members of the contract and of bots are told and set by a bot's key.
    Portal,
    /// Configuration entries of channels are set and removed by a bot's key.
    Configuration,
    /// An attendant's tickets at a time travel as `agentSlots`.
    AgentSlots,
}

impl Unconfirmed {
    /// Everything there is.
    pub const ALL: [Unconfirmed; 9] = [
        Unconfirmed::TunnelOwner,
        Unconfirmed::MessageEmitter,
        Unconfirmed::TicketHistory,
        Unconfirmed::TicketOrder,
        Unconfirmed::ReportDays,
        Unconfirmed::ThroughputPerKey,
        Unconfirmed::Portal,
        Unconfirmed::Configuration,
        Unconfirmed::AgentSlots,
    ];

    /// Returns what is used, as a sentence that begins every such message alike.
    pub fn message(self) -> String {
        let what = match self {
            Unconfirmed::TunnelOwner => "behind a router, messages of a ticket come with getFromOwnerIfTunnel, or else without it",
            Unconfirmed::MessageEmitter => "a message by a person is marked #messageEmitter = Human",
            Unconfirmed::TicketHistory => "ended tickets are listed by /tickets, or else by /tickets/history/metadata",
            Unconfirmed::TicketOrder => "the order of /tickets does not change while it is being read; where it does, it is read again",
            Unconfirmed::ReportDays => "days of Blip's own reports and event counters are inclusive and cut at UTC−3",
            Unconfirmed::ThroughputPerKey => "the limit of commands per second counts per key",
            Unconfirmed::Portal => "members of the contract and of bots, and what they may do, are told and set by a bot's key",
            Unconfirmed::Configuration => "configuration entries of channels are set and removed by a bot's key",
            Unconfirmed::AgentSlots => "an attendant's tickets at a time travel as agentSlots",
        };
        format!("not confirmed by Blip's documentation: {what}")
    }
}
