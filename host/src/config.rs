//! The configuration file: TOML, everything optional, nothing unknown accepted.
//!
//! It only fills in what lower modules define: what they are given has been checked. All that
//! is wrong with a file is told at once, each with its line and what would be accepted.
//!
//! Paths are relative to the file's directory.

mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reader::{Reader, Table};

use crate::http::{Origin, Policy, UnknownFields};
use crate::keyring::{KeyNotation, KeyPlace, KeySource};
use crate::limits::{CALL_CEILING, CALL_FLOOR, CallLimits, CompileLimits, REUSE_CEILING};
use crate::namespace::Namespace;
use crate::registry::Undecodable;
use crate::reload::{ComponentSource, KeyringPlan, Plan, TenantPlan};
use crate::sandbox::{CachePlace, Reuse};

/// What a configuration file says.
pub struct Config {
    /// The address to listen on, if it names one. Whether it may is not the file's to say.
    pub listen: Option<SocketAddr>,
    /// About requests.
    pub policy: Policy,
    /// About the processes that compile components.
    pub compile: CompileLimits,
    /// Where what they compile is kept.
    pub cache: CachePlace,
    /// About namespaces.
    pub plan: Plan,
}

/// Everything that is wrong with a configuration file.
#[derive(Debug)]
pub struct ConfigErrors {
    path: PathBuf,
    errors: Vec<(usize, String)>,
}

impl Config {
    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(ConfigErrors {
                path: path.to_owned(),
                errors: vec![(0, format!("cannot be read: {error}"))],
            }),
        }
    }

    /// Reads the text of the file at that path.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigErrors> {
        let reader = Reader::new(text);
        let base = path.parent().unwrap_or(Path::new(""));
        let config = Self::read(reader.document(), base);
        match reader.into_errors() {
            errors if errors.is_empty() => Ok(config),
            errors => Err(ConfigErrors {
                path: path.to_owned(),
                errors,
            }),
        }
    }

    fn read(mut document: Table<'_>, base: &Path) -> Self {
        let listen = document.string("listen", "an address such as \"127.0.0.1:8081\"", |text| {
            text.parse().ok()
        });
        let codecs = document.string("codecs", "a directory that exists", |text| {
            Some(base.join(text)).filter(|path| path.is_dir())
        });
        let cache = document.string("cache", "a directory, or \"off\"", |text| {
            CachePlace::parse(text, base)
        });
        let mut policy = Policy::default();
        if let Some(fields) = document.string(
            "unknown-fields",
            "\"ignore\" or \"reject\"",
            |text| match text {
                "ignore" => Some(UnknownFields::Ignore),
                "reject" => Some(UnknownFields::Reject),
                _ => None,
            },
        ) {
            policy.unknown_fields = fields;
        }
        if let Some(table) = document.table("cors") {
            read_cors(table, &mut policy);
        }
        let mut calls = CallLimits::default();
        let mut compile = CompileLimits::default();
        if let Some(mut table) = document.table("limits") {
            read_request_limits(&mut table, &mut policy);
            calls = read_call_limits(&mut table, calls);
            read_compile_limits(&mut table, &mut compile);
            table.finish();
        }
        let fallback = document
            .table("fallback")
            .map(|table| read_tenant(table, base, &calls));
        let mut namespaces = BTreeMap::new();
        if let Some(mut table) = document.table("namespaces") {
            for (name, tenant) in table.tables() {
                let plan = read_tenant(tenant, base, &calls);
                match Namespace::parse(&name) {
                    Ok(name) => drop(namespaces.insert(name.into_owned(), plan)),
                    Err(error) => table.complain(&name, &error.to_string()),
                }
            }
        }
        document.finish();
        let defaults = TenantPlan {
            limits: calls,
            ..TenantPlan::default()
        };
        Self {
            listen,
            policy,
            compile,
            cache: cache.unwrap_or_default(),
            plan: Plan {
                codecs,
                namespaces,
                fallback,
                defaults,
            },
        }
    }
}

fn read_cors(mut table: Table<'_>, policy: &mut Policy) {
    if let Some(origins) = table.strings(
        "origins",
        "a list of origins such as \"https://host\" or \"http://host:8233\"",
        |text| Origin::parse(text).ok(),
    ) {
        policy.cors.origins = origins;
    }
    if let Some(credentials) = table.boolean("credentials") {
        policy.cors.credentials = credentials;
    }
    table.finish();
}

fn read_request_limits(table: &mut Table<'_>, policy: &mut Policy) {
    let limits = &mut policy.limits;
    let millis = |value: u64| Duration::from_millis(value);
    // A payload has at least a few bytes of JSON around it, and 1 GiB is no request.
    if let Some(bytes) = table.integer("body-bytes", 64..=1 << 30) {
        limits.body_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if let Some(bytes) = table.integer("bodies-bytes", 1 << 20..=1 << 40) {
        limits.bodies_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if let Some(value) = table.integer("body-deadline-ms", 10..=600_000) {
        limits.body_deadline = millis(value);
    }
    if let Some(value) = table.integer("header-deadline-ms", 10..=600_000) {
        limits.header_deadline = millis(value);
    }
    if let Some(value) = table.integer("connections", 1..=1_000_000) {
        limits.connections = usize::try_from(value).unwrap_or(usize::MAX);
    }
    if let Some(value) = table.integer("drain-ms", 0..=600_000) {
        limits.drain = millis(value);
    }
}

fn read_compile_limits(table: &mut Table<'_>, limits: &mut CompileLimits) {
    if let Some(value) = table.integer("compile-cpu-seconds", 1..=600) {
        limits.cpu_seconds = value;
    }
    if let Some(value) = table.integer("compile-memory-bytes", 128 << 20..=64 << 30) {
        limits.memory_bytes = value;
    }
}

fn read_call_limits(table: &mut Table<'_>, mut limits: CallLimits) -> CallLimits {
    let (floor, ceiling) = (CALL_FLOOR, CALL_CEILING);
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let deadline = millis(floor.deadline)..=millis(ceiling.deadline);
    if let Some(value) = table.integer("deadline-ms", deadline) {
        limits.deadline = Duration::from_millis(value);
    }
    let mut size = |key, size: fn(&mut CallLimits) -> &mut usize| {
        let least = *size(&mut floor.clone()) as u64;
        let most = *size(&mut ceiling.clone()) as u64;
        if let Some(value) = table.integer(key, least..=most) {
            *size(&mut limits) = usize::try_from(value).unwrap_or(usize::MAX);
        }
    };
    size("memory-bytes", |limits| &mut limits.memory_bytes);
    size("memories", |limits| &mut limits.memories);
    size("table-elements", |limits| &mut limits.table_elements);
    size("tables", |limits| &mut limits.tables);
    size("instances", |limits| &mut limits.instances);
    size("handles", |limits| &mut limits.handles);
    size("lift-bytes", |limits| &mut limits.lift_bytes);
    size("reply-bytes", |limits| &mut limits.reply_bytes);
    size("hostcall-bytes", |limits| &mut limits.hostcall_bytes);
    size("stack-bytes", |limits| &mut limits.stack_bytes);
    size("random-bytes", |limits| &mut limits.random_bytes);
    size("log-bytes", |limits| &mut limits.log_bytes);
    size("log-bytes-per-second", |limits| {
        &mut limits.log_bytes_per_second
    });
    size("concurrency", |limits| &mut limits.concurrency);
    size("queue", |limits| &mut limits.queue);
    limits
}

fn read_tenant(mut table: Table<'_>, base: &Path, calls: &CallLimits) -> TenantPlan {
    let component = table.string(
        "component",
        "a path to a .wasm file, or \"built-in\"",
        |text| match text {
            "" => None,
            "built-in" => Some(ComponentSource::BuiltIn),
            path => Some(ComponentSource::File(base.join(path))),
        },
    );
    let undecodable = table.string(
        "undecodable",
        "\"fail\" or \"pass-through\"",
        |text| match text {
            "fail" => Some(Undecodable::Fail),
            "pass-through" => Some(Undecodable::PassThrough),
            _ => None,
        },
    );
    let settings = table
        .table("settings")
        .map(Table::into_strings)
        .unwrap_or_default();
    let keyring = table
        .table("keyring")
        .map(|keyring| read_keyring(keyring, base))
        .unwrap_or_default();
    let mut limits = calls.clone();
    if let Some(mut table) = table.table("limits") {
        limits = read_call_limits(&mut table, limits);
        table.finish();
    }
    let reuse = read_reuse(&mut table);
    table.finish();
    TenantPlan {
        component,
        settings,
        keyring,
        undecodable: undecodable.unwrap_or_default(),
        limits,
        reuse,
    }
}

fn read_reuse(table: &mut Table<'_>) -> Reuse {
    let mut reuse = Reuse::default();
    let (calls, age) = REUSE_CEILING;
    if let Some(value) = table.integer("reuse-calls", 1..=calls.into()) {
        reuse.calls = u32::try_from(value).unwrap_or(calls);
    }
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    if let Some(value) = table.integer("reuse-age-ms", 1..=age) {
        reuse.age = Duration::from_millis(value);
    }
    reuse
}

fn read_keyring(mut table: Table<'_>, base: &Path) -> KeyringPlan {
    let mut keys = BTreeMap::new();
    if let Some(mut ids) = table.table("keys") {
        for (id, key) in ids.tables() {
            if let Some(source) = read_key(key, base) {
                keys.insert(id, source);
            }
        }
    }
    // An id may be a secret (the Java sample's is the key), so errors do not repeat it.
    let active = table.string("active", "the id of one of the keyring's keys", |id| {
        keys.contains_key(id).then(|| id.to_owned())
    });
    let exportable = table.boolean("export-keys").unwrap_or(false);
    table.finish();
    KeyringPlan {
        keys,
        active,
        exportable,
        demo: false,
    }
}

fn read_key(mut table: Table<'_>, base: &Path) -> Option<KeySource> {
    let file = table.string("file", "a path", |text| {
        Some(base.join(text)).filter(|_| !text.is_empty())
    });
    let variable = table.string("env", "the name of an environment variable", |text| {
        Some(text.to_owned()).filter(|name| !name.is_empty() && !name.contains(['=', '\0']))
    });
    let notation = table.string("encoding", "\"base64\" or \"raw\"", |text| match text {
        "base64" => Some(KeyNotation::Base64),
        "raw" => Some(KeyNotation::Raw),
        _ => None,
    });
    let place = match (file, variable) {
        (Some(path), None) => Some(KeyPlace::File(path)),
        (None, Some(name)) => Some(KeyPlace::Environment(name)),
        _ => {
            table.complain_here("a key has either `file` or `env`");
            None
        }
    };
    table.finish();
    Some(KeySource {
        place: place?,
        notation: notation.unwrap_or(KeyNotation::Base64),
    })
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (line, error)) in self.errors.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            match line {
                0 => write!(f, "{}: {error}", self.path.display())?,
                line => write!(f, "{}:{line}: {error}", self.path.display())?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> String {
        match Config::parse(Path::new("codec-host.toml"), text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(errors) => errors.to_string(),
        }
    }

    #[test]
    fn an_empty_file_is_a_configuration() {
        let config = Config::parse(Path::new("c.toml"), "").expect("accepted");
        assert_eq!(config.listen, None);
        assert_eq!(config.policy, Policy::default());
        assert!(config.plan.namespaces.is_empty() && config.plan.fallback.is_none());
    }

    #[test]
    fn every_key_is_understood() {
        let text = r#"
            listen = "127.0.0.1:0"
            codecs = "."
            cache = "off"
            unknown-fields = "reject"
            [cors]
            origins = ["https://ui.example"]
            credentials = true
            [limits]
            body-bytes = 1024
            bodies-bytes = 2097152
            body-deadline-ms = 1000
            header-deadline-ms = 2000
            connections = 10
            drain-ms = 3000
            compile-cpu-seconds = 5
            compile-memory-bytes = 268_435_456
            deadline-ms = 100
            memory-bytes = 1_048_576
            concurrency = 2
            reply-bytes = 4096
            [fallback]
            component = "built-in"
            [namespaces."pay.acct"]
            component = "pay.wasm"
            undecodable = "pass-through"
            settings = { compression = "zlib" }
            limits = { deadline-ms = 200 }
            [namespaces."pay.acct".keyring]
            active = "k2"
            export-keys = true
            keys = { k1 = { file = "k1", encoding = "raw" }, k2 = { env = "K2" } }
        "#;
        let config = Config::parse(Path::new("src/c.toml"), text).expect("accepted");
        assert_eq!(config.listen, "127.0.0.1:0".parse().ok());
        assert_eq!(config.cache, CachePlace::Off);
        assert_eq!(config.policy.limits.bodies_bytes, 2 << 20);
        assert_eq!(config.compile.cpu_seconds, 5);
        assert_eq!(config.compile.memory_bytes, 256 << 20);
        assert_eq!(config.plan.codecs, Some("src/.".into()));
        let plan = &config.plan.namespaces["pay.acct"];
        assert_eq!(
            plan.component,
            Some(ComponentSource::File("src/pay.wasm".into()))
        );
        assert_eq!(plan.limits.deadline, Duration::from_millis(200));
        assert_eq!(plan.limits.concurrency, 2);
        assert_eq!(plan.keyring.keys.len(), 2);
        assert_eq!(plan.keyring.active.as_deref(), Some("k2"));
        assert_eq!(
            config.plan.fallback.expect("there").limits.deadline,
            Duration::from_millis(100)
        );
    }

    #[test]
    fn every_error_is_told_at_once_with_its_line_and_what_would_be_accepted() {
        let text = "lisen = \"127.0.0.1:1\"\n\
                    [limits]\n\
                    body-bytes = -1\n\
                    [namespaces.\"a/b\"]\n\
                    [namespaces.ok]\n\
                    undecodable = \"maybe\"\n\
                    colour = 1\n\
                    [namespaces.ok.keyring.keys.k]\n\
                    file = 7\n";
        let errors = errors(text);
        for expected in [
            "codec-host.toml:1: unknown key `lisen`",
            "listen",
            "codec-host.toml:3: `limits.body-bytes`",
            "codec-host.toml:4:",
            "codec-host.toml:6: `namespaces.ok.undecodable`",
            "\"fail\" or \"pass-through\"",
            "codec-host.toml:7: unknown key `namespaces.ok.colour`",
            "codec-host.toml:9:",
        ] {
            assert!(errors.contains(expected), "no {expected:?} in:\n{errors}");
        }
    }

    #[test]
    fn a_key_id_is_not_repeated_in_an_error() {
        let secret = "test-key-test-key-test-key-test!";
        let errors = errors(&format!(
            "[fallback.keyring]\nactive = \"{secret}\"\n[fallback.keyring.keys.{secret:?}]\nfile = 1\nwrong = 2\n"
        ));
        assert!(!errors.contains(secret), "{errors}");
    }

    #[test]
    fn limits_are_held_between_floor_and_ceiling() {
        let check = |key: &str, value: u64, expected: bool| {
            let text = format!("[fallback.limits]\n{key} = {value}\n");
            assert_eq!(
                Config::parse(Path::new("c"), &text).is_ok(),
                expected,
                "{text}"
            );
        };
        check("deadline-ms", 10, true);
        check("deadline-ms", 9, false);
        check("deadline-ms", 60_000, true);
        check("deadline-ms", 60_001, false);
        check("concurrency", 0, false);
        check("concurrency", 64, true);
        check("concurrency", 65, false);
        check("memory-bytes", 65_536, true);
        check("memory-bytes", 65_535, false);
        check("memory-bytes", 256 << 20, true);
        check("memory-bytes", (256 << 20) + 1, false);
    }
}
