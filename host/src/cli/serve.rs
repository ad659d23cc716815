//! `codec-host serve`: the life of the server.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, ServeArgs};
use crate::config::Config;
use crate::http::{Http, Policy};
use crate::lanes::{self, Lanes};
use crate::limits::{CompileLimits, RequestLimits, START_PATIENCE};
use crate::registry::Registry;
use crate::reload::{ComponentSource, KeyringPlan, Plan, Reload, TenantPlan, Watched};
use crate::sandbox::{CachePlace, Compiler, Engine, Loader};
use crate::server::{Listen, Server, Workers};

/// Where it listens unless told otherwise.
const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8081);

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    if args.config.is_none() && args.codecs.is_none() && !args.demo {
        return Err("nothing to serve: give --config FILE, --codecs DIR, or --demo".into());
    }
    let settings = Settings::read(&args)?;
    let listen = settings.listen(&args)?;
    // Connections are accepted and files looked at on this thread, and served on others.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    lanes::come_first();

    let registry = Arc::new(Registry::default());
    let http = Arc::new(Http::new(
        Arc::clone(&registry),
        settings.policy.clone(),
        Lanes::new()?,
    ));
    // Bound before anything is compiled, so that a port in use is told at once.
    let server = runtime.block_on(Server::bind(listen, Arc::clone(&http)));
    let server =
        server.map_err(|error| format!("cannot listen on {}: {error}", listen.address()))?;
    let address = server.address()?;
    let mut stop = pin!(runtime.block_on(async { stop() })?);

    open_many_files();
    let engine = Arc::new(Engine::new()?);
    let follow = Follow::new(&args, settings.fixed(), Arc::clone(&http));
    let compiler = Compiler::this_program(settings.compile);
    let loader = Loader::new(engine, compiler, &settings.cache);
    let mut reload = Reload::new(
        Arc::new(loader),
        Arc::clone(&registry),
        settings.plan,
        follow.into_next_plan(),
    );
    let settled = runtime.spawn_blocking(move || {
        reload.settle(START_PATIENCE);
        reload
    });
    let settled = runtime.block_on(async {
        tokio::select! {
            settled = settled => Some(settled),
            () = &mut stop => None,
        }
    });
    let Some(reload) = settled else {
        // Nobody waits for what it is compiling.
        runtime.shutdown_background();
        return Ok(());
    };
    let reload = reload.map_err(|error| format!("cannot start: {error}"))?;
    let tenants = registry.tenants();
    if tenants.iter().next().is_none() && tenants.fallback().is_none() {
        tracing::warn!(
            "no namespace is served yet: the configuration has no table for one, nor the directory a file NAME.wasm"
        );
    }
    reload.run()?;

    let workers = Workers::start()?;
    announce(address, args.demo)?;
    match runtime.block_on(server.run(workers, stop)) {
        true => tracing::info!("stopped"),
        false => tracing::warn!(
            "stopped, with connections cut off that limits.drain-ms did not suffice for"
        ),
    }
    Ok(())
}

/// Looks in a row that a configuration file may be missing before it is told: whoever replaces it
/// may well delete it first.
const MISSED: u32 = 4;

/// What the command line and the configuration say together.
struct Settings {
    listen: Option<SocketAddr>,
    policy: Policy,
    compile: CompileLimits,
    cache: CachePlace,
    plan: Plan,
}

impl Settings {
    fn read(args: &ServeArgs) -> Result<Self, Failure> {
        let mut settings = match &args.config {
            Some(path) => {
                let Config {
                    listen,
                    policy,
                    compile,
                    cache,
                    plan,
                } = Config::load(path)?;
                Self {
                    listen,
                    policy,
                    compile,
                    cache,
                    plan,
                }
            }
            None => Self {
                listen: None,
                policy: Policy::default(),
                compile: CompileLimits::default(),
                cache: CachePlace::default(),
                plan: Plan::default(),
            },
        };
        if let Some(directory) = &args.codecs {
            if !directory.is_dir() {
                return Err(Failure(format!(
                    "--codecs {}: not a directory",
                    directory.display()
                )));
            }
            settings.plan.codecs = Some(directory.clone());
        }
        settings.listen = args.listen.or(settings.listen);
        if let Some(cache) = args.cache.as_ref().and_then(|cache| cache.to_str()) {
            settings.cache = CachePlace::parse(cache, Path::new(""))
                .ok_or("--cache: give a directory, or off")?;
        }
        if args.demo {
            settings.plan.fallback = Some(TenantPlan {
                component: Some(ComponentSource::BuiltIn),
                keyring: KeyringPlan {
                    demo: true,
                    ..KeyringPlan::default()
                },
                ..TenantPlan::default()
            });
        }
        Ok(settings)
    }

    fn fixed(&self) -> Fixed {
        Fixed {
            listen: self.listen,
            cache: self.cache.clone(),
            compile: self.compile,
            limits: self.policy.limits.clone(),
        }
    }

    fn listen(&self, args: &ServeArgs) -> Result<Listen, Failure> {
        let address = self.listen.unwrap_or(DEFAULT_LISTEN);
        if args.insecure_open {
            return Ok(Listen::insecure_open(address));
        }
        Ok(Listen::loopback(address)?)
    }
}

/// What a server keeps to its end, whatever the configuration says later.
struct Fixed {
    listen: Option<SocketAddr>,
    cache: CachePlace,
    compile: CompileLimits,
    limits: RequestLimits,
}

impl Fixed {
    /// The options that have another value there.
    fn changed(&self, other: &Self) -> Vec<&'static str> {
        let (limits, others) = (&self.limits, &other.limits);
        let options = [
            ("listen", self.listen != other.listen),
            ("cache", self.cache != other.cache),
            ("limits.compile-…", self.compile != other.compile),
            (
                "limits.header-deadline-ms",
                limits.header_deadline != others.header_deadline,
            ),
            (
                "limits.connections",
                limits.connections != others.connections,
            ),
            ("limits.drain-ms", limits.drain != others.drain),
        ];
        let changed = options.into_iter().filter(|(_, is_changed)| *is_changed);
        changed.map(|(option, _)| option).collect()
    }
}

/// Follows the configuration file: a sound change takes effect, another is told and left.
struct Follow {
    args: Option<(PathBuf, ServeArgs)>,
    fixed: Fixed,
    file: Watched,
    /// Looks in a row at which the file was not there.
    missed: u32,
    seen: Option<crate::sandbox::Digest>,
    http: Arc<Http>,
}

impl Follow {
    fn new(args: &ServeArgs, fixed: Fixed, http: Arc<Http>) -> Self {
        let again = args.config.clone().map(|config| {
            let again = ServeArgs {
                config: Some(config.clone()),
                codecs: args.codecs.clone(),
                cache: args.cache.clone(),
                demo: args.demo,
                listen: args.listen,
                insecure_open: args.insecure_open,
            };
            (config, again)
        });
        let mut follow = Self {
            args: again,
            fixed,
            file: Watched::default(),
            missed: 0,
            seen: None,
            http,
        };
        if let Some((path, _)) = &follow.args {
            follow.file.look(path);
            follow.seen = follow.file.digest().ok();
        }
        follow
    }

    fn is_changed(&mut self) -> bool {
        let Some((path, _)) = &self.args else {
            return false;
        };
        self.file.look(path);
        match self.file.digest() {
            Ok(digest) => {
                self.missed = 0;
                // What is half written may well be a configuration.
                self.file.is_settled() && self.seen.replace(digest) != Some(digest)
            }
            // Gone for a moment, or for good: what was read goes on being true.
            Err(why) => {
                self.missed += 1;
                if self.missed == MISSED {
                    let file = path.display();
                    tracing::warn!("{file}: {why}; what it said goes on");
                }
                false
            }
        }
    }

    fn into_next_plan(mut self) -> Box<dyn FnMut() -> Option<Plan> + Send> {
        Box::new(move || {
            if !self.is_changed() {
                return None;
            }
            let (_, args) = self.args.as_ref()?;
            match Settings::read(args) {
                Ok(settings) => {
                    let changed = self.fixed.changed(&settings.fixed());
                    if !changed.is_empty() {
                        tracing::warn!(
                            "these take effect with the next start only: {}",
                            changed.join(", ")
                        );
                    }
                    self.http.set_policy(settings.policy);
                    Some(settings.plan)
                }
                Err(Failure(text)) => {
                    for line in text.lines() {
                        tracing::error!("{line}");
                    }
                    tracing::error!(
                        "the configuration was not reloaded; the last good one goes on"
                    );
                    None
                }
            }
        })
    }
}

/// Lets the process open as many files as it may: a connection is one, and so is the memory
/// image of a component that has been called. The usual 1024 are a default for the sake of
/// programs that this is not.
fn open_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!("the limit on open files stays as it is: {error}");
    }
}

/// Ends on SIGTERM and SIGINT.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what is in flight");
    })
}

/// Says where it listens, on standard output, which programs that start it read.
fn announce(address: SocketAddr, demo: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    if demo {
        write!(
            out,
            "
decode a payload that an SDK sample encrypted:
  curl -s http://{address}/decode -H 'Content-Type: application/json' -H 'X-Namespace: default' -d '{GOLDEN}'

temporal CLI:  temporal workflow show -w WORKFLOW_ID --codec-endpoint http://{address}
Web UI:        the glasses icon (Configure Codec Server), endpoint http://{address}
               or start it so:  temporal server start-dev --ui-codec-endpoint http://{address}

WARNING: this is a demonstration. Its key is public (it stands in the SDK samples); encrypt nothing real with it.
"
        )?;
    }
    out.flush()
}

/// `"Hello, Temporal!"`, as the SDK samples encrypt it.
const GOLDEN: &str = r#"{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA==","encryption-key-id":"dGVzdC1rZXktaWQ="},"data":"AAECAwQFBgcICQoL+SuJ2idoYdJlc5Wio/f30eikViKThZLQZ/ajKHLhSIIjv0FKM8kUTrOGE6WzdDjsFiSbHStxs5olNOdW"}]}"#;
