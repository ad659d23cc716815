//! A configuration for many tests, and parts of one.

/// One namespace for each thing that can happen.
pub const TENANTS: &str = r#"
[limits]
body-bytes = 2000
[namespaces.plain]
component = "identity.wasm"
[namespaces.says-invalid]
component = "invalid.wasm"
[namespaces.says-later]
component = "unavailable.wasm"
[namespaces.traps]
component = "traps.wasm"
[namespaces.hog]
component = "hog.wasm"
[namespaces.fewer]
component = "fewer.wasm"
[namespaces.huge]
component = "huge_reply.wasm"
settings = { bytes = "2000" }
limits = { reply-bytes = 1024 }
[namespaces.spins]
component = "spins.wasm"
limits = { deadline-ms = 50 }
[namespaces.stillborn]
component = "stillborn.wasm"
"#;

/// The configuration with those of its namespaces only: each costs a compilation.
pub fn only(config: &str, names: &[&str]) -> String {
    let mut tables = config.split("[namespaces.");
    let mut text = tables.next().unwrap_or_default().to_owned();
    let mut kept = 0;
    for table in tables {
        if names
            .iter()
            .any(|name| table.starts_with(&format!("{name}]")))
        {
            text.push_str(&format!("[namespaces.{table}"));
            kept += 1;
        }
    }
    assert_eq!(kept, names.len(), "not all of {names:?} are configured");
    text
}
