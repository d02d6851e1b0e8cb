//! Identities that must hold in every snapshot.

/// What a broken check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStrength {
    /// Stops the report.
    Fail,
    /// Is printed in the report.
    Warn,
}

impl CheckStrength {
    /// Returns the name in headers and tables.
    pub const fn name(self) -> &'static str {
        match self {
            CheckStrength::Fail => "fail",
            CheckStrength::Warn => "warn",
        }
    }
}

/// A check that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Name of the file without ending.
    pub name: String,
    /// What a broken check does.
    pub strength: CheckStrength,
    /// What is wrong, to be read after a number.
    pub message: String,
    /// Rows that break the rule.
    pub offending: i64,
}
