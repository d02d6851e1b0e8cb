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
    /// The days of `/analytics/reports/*` and of event counters are whole and cut at UTC−3. Whether the last one is included is found out.
    ReportDays,
    /// The limit of commands per second counts per key.
    ThroughputPerKey,
    /// Members of the contract and of bots can be read and changed with a bot's key.
    Portal,
    /// Configuration entries of channels are set and removed by a bot's key.
    Configuration,
    /// An attendant's tickets at a time travel as `agentSlots`.
    AgentSlots,
    /// Messages, `/tunnels` and the desk's contact agree on who is behind a tunnel.
    TunnelOriginator,
    /// The flow of a router can name the desk's customer in an event.
    TunnelExtras,
    /// Messages name the attendant and the ticket.
    MessageAgent,
    /// The id of a message that was handed on is that of the first message behind `fwd:`.
    ForwardedIds,
    /// WhatsApp's business-scoped id stays when the number changes.
    Bsuid,
    /// Failures behind an extension have a code of their own.
    BehindExtensions,
    /// A transfer to a person has a team of its own.
    DirectTransfer,
    /// Silence of the customer ends a ticket with a status of its own.
    Inactivity,
    /// What Blip's panel counts, where its pages disagree.
    PanelReadings,
    /// Changes of a day are over some days later.
    LateChanges,
    /// Blip's own mean of a ticket has a unit.
    AgentResponseTime,
    /// Answers are dated by Blip's clock.
    AnswerDate,
    /// The desk's opening hours can be read.
    OpeningHours,
}

impl Unconfirmed {
    /// Everything there is.
    pub const ALL: [Unconfirmed; 22] = [
        Unconfirmed::TunnelOwner,
        Unconfirmed::MessageEmitter,
        Unconfirmed::TicketHistory,
        Unconfirmed::TicketOrder,
        Unconfirmed::ReportDays,
        Unconfirmed::ThroughputPerKey,
        Unconfirmed::Portal,
        Unconfirmed::Configuration,
        Unconfirmed::AgentSlots,
        Unconfirmed::TunnelOriginator,
        Unconfirmed::TunnelExtras,
        Unconfirmed::MessageAgent,
        Unconfirmed::ForwardedIds,
        Unconfirmed::Bsuid,
        Unconfirmed::BehindExtensions,
        Unconfirmed::DirectTransfer,
        Unconfirmed::Inactivity,
        Unconfirmed::PanelReadings,
        Unconfirmed::LateChanges,
        Unconfirmed::AgentResponseTime,
        Unconfirmed::AnswerDate,
        Unconfirmed::OpeningHours,
    ];

    /// Returns what is used, as a sentence that begins every such message alike.
    pub fn message(self) -> String {
        let what = match self {
            Unconfirmed::TunnelOwner => "behind a router, messages of a ticket come with getFromOwnerIfTunnel, or else without it",
            Unconfirmed::MessageEmitter => "a message by a person is marked #messageEmitter = Human",
            Unconfirmed::TicketHistory => "ended tickets are listed by /tickets, or else by /tickets/history/metadata",
            Unconfirmed::TicketOrder => "the order of /tickets does not change while it is being read; where it does, it is read again",
            Unconfirmed::ReportDays => "days of Blip's own reports and event counters are whole and cut at UTC−3",
            Unconfirmed::ThroughputPerKey => "the limit of commands per second counts per key",
            Unconfirmed::Portal => "members of the contract and of bots, and their permissions, can be read and changed with a bot's key",
            Unconfirmed::Configuration => "configuration entries of channels can be set and removed with a bot's key",
            Unconfirmed::AgentSlots => "an attendant's tickets at a time travel as agentSlots",
            Unconfirmed::TunnelOriginator => {
                "#tunnel.originator of messages, /tunnels and the desk's contact name the same customer behind a tunnel"
            }
            Unconfirmed::TunnelExtras => "the extra #tunnelIdentity of a router's event names the customer as the desk does",
            Unconfirmed::MessageAgent => "#message.agentIdentity and #message.ticketId name who wrote a message and for which ticket",
            Unconfirmed::ForwardedIds => "fwd: before the id of a message is not part of the id",
            Unconfirmed::Bsuid => "#wa.bsuid names the same person as the customer of the message",
            Unconfirmed::BehindExtensions => "code 2105 reports a failure behind an extension, and its text whether the failure passes",
            Unconfirmed::DirectTransfer => "a transfer to a person puts the ticket in the team DIRECT_TRANSFER",
            Unconfirmed::Inactivity => "a ticket with the status ClosedClientInactivity was ended by the customer's silence",
            Unconfirmed::PanelReadings => "Blip's panel follows its newest published definitions of wait, missed tickets and response time",
            Unconfirmed::LateChanges => "answers and changes of a day are listed within three days of its end",
            Unconfirmed::AgentResponseTime => "averageAgentResponseTime of a ticket is in seconds",
            Unconfirmed::AnswerDate => "the HTTP header Date of answers is the time at Blip",
            Unconfirmed::OpeningHours => "/attendance-hour and /attendance-hour-container hold the desk's opening hours",
        };
        format!("not confirmed by Blip's documentation: {what}")
    }
}
