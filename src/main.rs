//! The binary: parses, runs, returns an exit code.

fn main() -> std::process::ExitCode {
    relato::cli::run()
}
