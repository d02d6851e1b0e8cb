//! Faults and oddities that the simulator shows on purpose, each at its own rate.
//!
//! The defaults are Blip as integrators see it; where sources disagree, a switch of the whole contract gives the other reading.

use std::{fmt::Write as _, str::FromStr};

/// A kind of fault and the share of commands or records that show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Kind of the fault.
    pub kind: FaultKind,
    /// Share of commands or records, 0 to 1. A switch is on at any rate but 0.
    pub rate: f64,
}

/// What a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Single commands, each of which shows one fault at most.
    Command,
    /// Single records.
    Record,
    /// The whole contract: a switch.
    Contract,
}

/// Declares the kinds with their scope, name on the command line and meaning.
macro_rules! kinds {
    ($($scope:ident $kind:ident $name:literal $text:literal;)*) => {
        /// Kind of a fault.
        // The order seeds the records that show a kind: new kinds go to the end.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FaultKind {
            $(#[doc = $text] $kind,)*
        }

        const KINDS: &[(FaultKind, Scope, &str, &str)] = &[$((FaultKind::$kind, Scope::$scope, $name, $text),)*];
    };
}

kinds! {
    Command Failure "failure" "HTTP 200 whose body reports a failure";
    Command Throttle "throttle" "HTTP 429, then for a while for all commands of the key";
    Command ServerError "server-error" "HTTP 500";
    Command Timeout "timeout" "HTTP 504";
    Command Slow "slow" "a late answer";
    Command Hang "hang" "no answer at all";
    Command Reset "reset" "a connection that is cut in the middle of the answer";
    Command Truncate "truncate" "a body that breaks off";
    Command Html "html" "a web page instead of JSON";
    Command Empty "empty" "success with an empty list";
    Command RepeatPage "repeat-page" "the first page again instead of a later one";
    Command ShiftPage "shift-page" "a page that begins one record too late";
    Command NoTotal "no-total" "a collection without its total";
    Command EmptyNotFound "empty-not-found" "an empty list answered as not found";
    Command ItemType "item-type" "a collection that declares another type than its items have";
    Record UnknownStatus "unknown-status" "a ticket with an undocumented status";
    Record BadRecord "bad-record" "a ticket whose number is not a number";
    Record ExtraField "extra-field" "a ticket with an undocumented field";
    Record Skew "skew" "a ticket picked up before it was created: two clocks";
    Record LateEvent "late-event" "an event listed only two days after it was recorded";
    Record NoEmitter "no-emitter" "an attendant's message without the platform's marks";
    Record DecodedIdentity "decoded-identity" "an attendant's identity with two `@`";
    Contract EndedInHistory "ended-in-history" "ended tickets are in the history list only";
    Contract Retention "retention" "messages and reports are kept only as long as documented";
    Contract NoReports "no-reports" "reports by period are not offered";
    Contract OpenPortal "open-portal" "any key reads and writes members, permissions and channel entries";
    Contract InvitesWait "invites-wait" "new attendants are not listed before they accept";
    Command HalfWrite "half-write" "a write done by half and answered as done";
    Command RefusedWrite "refused-write" "a write refused as not allowed";
    Command Backend "backend" "code 2105: the service behind an extension fails with 503, 429 or a time-out";
    Command BackendMissing "backend-missing" "code 2105: the service behind an extension answers 404";
    Contract FullTotal "full-total" "the total of a list of tickets counts all matches, not the page";
    Contract OldestFirst "oldest-first" "lists of tickets begin with the oldest";
    Contract PlainIds "plain-ids" "ids of attendants' messages have no `fwd:fwd:` before them";
    Contract NoMessageAgent "no-message-agent" "attendants' messages name neither the attendant nor the ticket";
    Contract ExternalMarks "external-marks" "the bot's messages are marked as `externalMessages`";
    Contract NoTunnelMarks "no-tunnel-marks" "messages and contacts do not name who is behind a tunnel";
    Contract NoTunnels "no-tunnels" "tunnels cannot be looked up";
    Contract DeskSurveys "desk-surveys" "survey events are recorded at the desk's bot, with the tunnel's identity";
    Contract TunnelExtras "tunnel-extras" "events at the router also name the tunnel in their extras";
    Contract ExclusiveEnd "exclusive-end" "the end day of reports and events is excluded";
    Contract NoLt "no-lt" "filters with `lt` are refused";
    Contract ShortReports "short-reports" "reports by period reach back 90 days only";
    Contract NoTranscription "no-transcription" "transcripts of one attendance are not offered";
    Contract NoBsuid "no-bsuid" "no message carries a WhatsApp user id";
    Contract WaitToAnswer "wait-to-answer" "an unanswered ticket has no part in Blip's wait; otherwise its wait ends with its close";
    Contract MissedUnopened "missed-unopened" "Blip counts as missed whatever ended unopened; otherwise what the customer's side ended without an attendant";
    Contract ResponseByTurn "response-by-turn" "Blip's response time is the mean of all responses; otherwise the mean of the tickets' means";
    Contract AttendanceFromOpen "attendance-from-open" "Blip's attendance time begins with the pick-up";
    Record LeftAttendant "left-attendant" "an attendant who left: on tickets, missing from the list";
    Contract NoDate "no-date" "answers do not say when they were made";
    Contract NativeSurvey "native-survey" "the bot's survey is a message of the type for satisfaction surveys";
}

impl FaultKind {
    /// Returns all kinds with their names on the command line.
    pub fn all() -> impl Iterator<Item = (&'static str, FaultKind)> {
        KINDS.iter().map(|(kind, _, name, _)| (*name, *kind))
    }

    fn scope(self) -> Scope {
        KINDS[self as usize].1
    }

    /// Returns all names, for a message.
    pub fn names() -> String {
        FaultKind::all().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    }

    /// Returns all kinds with their meaning, grouped by what they apply to, one per line.
    pub fn listing() -> String {
        let groups = [
            (Scope::Command, "Faults of commands (the rate is the share of commands):"),
            (Scope::Record, "Oddities of records (the rate is the share of records):"),
            (Scope::Contract, "Switches of the contract (KIND=1 turns one on):"),
        ];
        let mut text = String::new();
        for (scope, heading) in groups {
            let _ = writeln!(text, "{heading}");
            for (_, _, name, meaning) in KINDS.iter().filter(|(_, found, ..)| *found == scope) {
                let _ = writeln!(text, "  {name:<22}{meaning}");
            }
        }
        text
    }
}

/// A text that is not `KIND=RATE`.
#[derive(Debug, thiserror::Error)]
#[error("unknown fault `{0}` (accepted: KIND=RATE, the rate between 0 and 1, the kind one of {names})", names = FaultKind::names())]
pub struct FaultParseError(String);

impl FromStr for Fault {
    type Err = FaultParseError;

    fn from_str(text: &str) -> Result<Fault, FaultParseError> {
        let refuse = || FaultParseError(text.to_owned());
        let (name, rate) = text.split_once('=').ok_or_else(refuse)?;
        let (_, kind) = FaultKind::all().find(|(known, _)| *known == name).ok_or_else(refuse)?;
        let rate: f64 = rate.parse().map_err(|_| refuse())?;
        (0.0..=1.0).contains(&rate).then_some(Fault { kind, rate }).ok_or_else(refuse)
    }
}

/// The faults of a simulator; the same seed gives the same ones.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Kinds and rates.
    pub list: Vec<Fault>,
    /// Start of the random stream.
    pub seed: u64,
}

impl Faults {
    /// Picks the fault of the `count`-th command, if any.
    pub fn of_command(&self, count: u64) -> Option<FaultKind> {
        let mut place = unit(self.seed, count);
        for fault in self.list.iter().filter(|fault| fault.kind.scope() == Scope::Command) {
            if place < fault.rate {
                return Some(fault.kind);
            }
            place -= fault.rate;
        }
        None
    }

    /// Returns whether the record with a given number shows `kind`; the same record always does.
    pub fn of_record(&self, kind: FaultKind, record: u128) -> bool {
        let Some(fault) = self.list.iter().find(|fault| fault.kind == kind) else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "half of the bits are random enough")]
        let bits = (record >> 32) as u64;
        unit(self.seed ^ kind as u64, bits) < fault.rate
    }

    /// Returns whether the contract is of this kind at all.
    pub fn has(&self, kind: FaultKind) -> bool {
        self.list.iter().any(|fault| fault.kind == kind && fault.rate > 0.0)
    }
}

/// Returns 64 bits that two numbers stand for (splitmix64).
pub fn bits(seed: u64, count: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(count.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Returns a number in `[0, 1)` that two others stand for.
fn unit(seed: u64, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = (bits(seed, count) >> 11) as f64;
    fraction / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_many_commands() {
        let list = vec![
            Fault { kind: FaultKind::Failure, rate: 0.1 },
            Fault { kind: FaultKind::Throttle, rate: 0.05 },
            Fault { kind: FaultKind::UnknownStatus, rate: 0.5 },
        ];
        let faults = Faults { list, seed: 3 };
        let seen: Vec<_> = (0..10_000).filter_map(|count| faults.of_command(count)).collect();
        let failures = seen.iter().filter(|kind| **kind == FaultKind::Failure).count();
        assert!((900..=1_100).contains(&failures), "{failures}");
        assert!((1_380..=1_620).contains(&seen.len()), "{}", seen.len());
        let odd = (0..10_000_u128).filter(|record| faults.of_record(FaultKind::UnknownStatus, record << 40)).count();
        assert!((4_800..=5_200).contains(&odd), "{odd}");
    }

    #[test]
    fn every_kind_has_a_name_and_invalid_texts_are_refused() {
        for (name, kind) in FaultKind::all() {
            assert_eq!(format!("{name}=0.5").parse::<Fault>().unwrap(), Fault { kind, rate: 0.5 });
            assert!(FaultKind::listing().contains(&format!("  {name} ")), "{name}");
        }
        for text in ["failure", "explode=0.1", "failure=2", "failure=x"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
