//! Tells the binary where to find DuckDB's shared library when it starts.

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some()
        || std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "windows")
    {
        return;
    }
    // Beside the binary when it is handed out, in `deps` when the crate downloaded it, else where `make setup` put it.
    let mut places = vec!["$ORIGIN".to_owned(), "$ORIGIN/deps".to_owned()];
    places.extend(std::env::var("DUCKDB_LIB_DIR"));
    for place in places {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{place}");
    }
}
