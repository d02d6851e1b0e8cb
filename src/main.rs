//! The binary: parses, runs, returns an exit code.

use tikv_jemallocator::Jemalloc;

// Also of DuckDB, which calls the same functions: what a long load has freed goes back to the system instead of lying about in pieces.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> std::process::ExitCode {
    relato::cli::run()
}
