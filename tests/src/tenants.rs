//! A configuration for many tests.

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
