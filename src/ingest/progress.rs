//! What a run tells while it works.

/// Receives progress; the command line shows it as a bar.
pub trait Progress: Send + Sync {
    /// A stage begins, of `total` steps where that is known.
    fn start(&self, stage: &str, total: Option<usize>);
    /// Some steps of the stage are done.
    fn advance(&self, steps: usize);
    /// The last stage is done.
    fn finish(&self);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _stage: &str, _total: Option<usize>) {}
    fn advance(&self, _steps: usize) {}
    fn finish(&self) {}
}
