//! One run of the server: everything that can fail first, then `ready`, then until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use longwire_engine::{Books, Budget, Refusals, ShardId};
use mio::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::books;
use crate::config::{Config, LoginProvider};
use crate::engine_config;
use crate::listen::{self, ListenError};
use crate::login::desk::{self, Window};
use crate::login::{BuildError, Provider};
use crate::memory::{self, Trimmer, Watch};
use crate::reactor::{self, Bell, Command, Parts, Porch, Reactor, Report, post_office};
use crate::refusals;
use crate::tables::Tables;
use crate::throttle::Throttle;
use crate::tls::{self, Tls, TlsError};

/// Names that are looked up at a time, for login services and keys: one that hangs holds a thread.
const BLOCKING_THREADS_MAX: usize = 8;
/// How often the control plane looks at memory, and at a drain's progress.
const LOOK: Duration = Duration::from_millis(250);
const LOOK_DRAINING: Duration = Duration::from_millis(20);
/// A record takes two hops from its sender's shard to a member's; each is waited for so long at most.
const SETTLE_HOPS: usize = 3;
const SETTLE_WAIT: Duration = Duration::from_millis(500);
/// How long shards may take to end once they are told to.
const END_WAIT: Duration = Duration::from_secs(5);

/// What the command line asks of one run, beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Where the bound addresses are written once the server is ready, as `{"listen":["127.0.0.1:7610"]}`; replaced
    /// as a whole.
    pub ports_file: Option<PathBuf>,
}

/// How a run ended that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeEnd {
    /// Drained: every connection was closed in order.
    Clean,
    /// A second signal or the drain's deadline cut it short.
    CutShort,
}

/// Why a run did not begin, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address of `server.listen`.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The ports file.
    #[error("cannot write the ports file {path}: {cause}")]
    PortsFile {
        /// Where it was to be written.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Too few file descriptors for even one connection.
    #[error(
        "the limit of {limit} open files leaves none for connections: {needed} are needed beside them (see `ulimit -n`)"
    )]
    Files {
        /// The limit in force.
        limit: u64,
        /// What the server needs for itself.
        needed: usize,
    },
    /// A file that the login provider needs.
    #[error(transparent)]
    Login(#[from] BuildError),
    /// A file of `[tls]`.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A system call that no sane machine refuses.
    #[error("cannot {doing}: {cause}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        cause: io::Error,
    },
}

fn system(doing: &'static str) -> impl FnOnce(io::Error) -> ServeError {
    move |cause| ServeError::System { doing, cause }
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// What keeps a server from starting; once it has said `ready` it ends with a [`ServeEnd`].
pub fn serve(config: Config, options: ServeOptions) -> Result<ServeEnd, ServeError> {
    abort_on_panic();
    let shards = shard_count(&config);
    let tables = Tables::of(&config, shards)?;
    let places = Budget::new(tables.places);
    let provider = Arc::new(Provider::build(&config.login)?);
    let tls = Tls::build(&config.tls)?.map(Arc::new);
    let (window, desk) =
        desk::open(Arc::clone(&provider), Arc::new(Throttle::new(engine_config::throttle(&config))));
    let watch = Watch::new(config.limits.memory_max);
    let porch = Arc::new(Porch::new(&config, tls.clone()));
    // before the runtime: what it opens must not be copied into the shards' own tables of descriptors
    let (node, addresses) = Node::start(&config, shards, (&places, tables), watch.max(), &window, &porch)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(system("start the control runtime"))?;
    let signals =
        runtime.block_on(async { Signals::new(Arc::clone(&provider)) }).map_err(system("watch signals"))?;
    let hangup = runtime.block_on(async { signal(SignalKind::hangup()) }).map_err(system("watch signals"))?;
    if let Some(path) = &options.ports_file {
        let written = write_ports(path, &addresses);
        written.map_err(|cause| ServeError::PortsFile { path: path.clone(), cause })?;
    }
    if config.login.provider == LoginProvider::Open {
        warn_of_open_login(&addresses);
    }
    if config.has_demo() {
        tell_of_demo(&addresses, &porch);
    }
    let listen: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    tracing::info!(
        listen = listen.join(" "),
        shards,
        connections_max = tables.places,
        private_fd_tables = tables.private,
        transports = porch.spoken(),
        memory_max = watch.max().unwrap_or(0),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    runtime.spawn(desk.run());
    if let Some(tls) = tls {
        runtime.spawn(tls::renew(tls, hangup));
    }
    let trimmer = Trimmer::new(Arc::clone(&node.rooms));
    let throttle = Arc::clone(window.throttle());
    let control =
        Control { node, signals, watch, trimmer, throttle, places, places_max: tables.places, config };
    let end = runtime.block_on(control.run());
    crate::logging::flush();
    Ok(end)
}

/// A panic in a shard would leave its connections without anybody: one line, and the process ends.
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic: this is a bug of Longwire; the process ends");
        crate::logging::flush();
        std::process::abort();
    }));
}

fn shard_count(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.server.shards.map_or_else(cores, usize::from)
}

fn warn_of_open_login(addresses: &[SocketAddr]) {
    let beyond = addresses.iter().any(|address| !address.ip().is_loopback());
    let reach =
        if beyond { "and the port can be reached from other machines" } else { "on this machine alone" };
    tracing::warn!(
        "login.provider = \"open\": any token that is not empty is accepted, for any user: anybody is anybody, {reach}"
    );
}

/// Where to look first, in one line. `check-config` and the log name addresses; people open links.
fn tell_of_demo(addresses: &[SocketAddr], porch: &Porch) {
    let mut links = addresses.iter().zip(&porch.entrances).filter_map(|(address, entrance)| {
        let scheme = match entrance.allowed {
            allowed if allowed.ws => "http",
            allowed if allowed.wss => "https",
            _ => return None,
        };
        Some(format!("{scheme}://{address}/"))
    });
    let Some(link) = links.next() else { return };
    let more = match links.count() {
        0 => String::new(),
        more => format!(" and {more} more listeners"),
    };
    tracing::info!("the demo page is at {link}{more}; web.demo = \"off\" takes it away");
}

fn write_ports(path: &Path, addresses: &[SocketAddr]) -> io::Result<()> {
    let listen: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let text = serde_json::json!({ "listen": listen }).to_string();
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}

/// The running shards, and the control plane's way to them.
struct Node {
    threads: Vec<JoinHandle<Option<Report>>>,
    /// Places for rooms.
    rooms: Arc<Budget>,
    commands: Vec<(Sender<Command>, Arc<Bell>)>,
}

impl Node {
    fn start(
        config: &Config,
        shards: usize,
        (places, tables): (&Arc<Budget>, Tables),
        memory_max: Option<u64>,
        window: &Window,
        porch: &Arc<Porch>,
    ) -> Result<(Self, Vec<SocketAddr>), ServeError> {
        let (addresses, chosen) = listen::probe(config.listeners().map(|listener| listener.address))?;
        // a copy in a shard's own table would keep the ports for good
        let chosen = (!tables.private).then_some(chosen);
        // what shards reach each other by is made here, so that it means the same in every table of descriptors
        let polls = (0..shards)
            .map(|_| Poll::new())
            .collect::<io::Result<Vec<_>>>()
            .map_err(system("make an epoll"))?;
        let wakers =
            polls.iter().map(reactor::waker).collect::<io::Result<_>>().map_err(system("make a waker"))?;
        let engine = Arc::new(engine_config::of(config, shards));
        let seed = random_seed();
        let site = config.site();
        let mut node = Self { threads: Vec::new(), rooms: Arc::clone(&engine.rooms), commands: Vec::new() };
        let (ready, told) = channel();
        let each = polls.into_iter().zip(post_office(wakers)).enumerate();
        for (id, (poll, mail)) in each {
            let (sender, commands) = channel();
            let (back, bell) = (sender.clone(), Arc::clone(&mail.1.bell));
            node.commands.push((sender, Arc::clone(&mail.1.bell)));
            let parts = Parts {
                id: ShardId(id as u16),
                shards: shards as u16,
                seed,
                config: Arc::clone(&engine),
                poll,
                places: Arc::clone(places),
                porch: Arc::clone(porch),
                site: site.clone(),
                held_max: held_max(memory_max, shards),
                mail,
                commands,
                window: window.clone(),
                send_back: Arc::new(move |conn, answer| {
                    if back.send(Command::LoginAnswered(conn, answer)).is_ok() {
                        bell.ring();
                    }
                }),
            };
            let open = Open { addresses: addresses.clone(), send_buffer: config.server.send_buffer, tables };
            let ready = ready.clone();
            let life = move || live(parts, &open, ready);
            let thread = std::thread::Builder::new().name(format!("shard-{id}")).spawn(life);
            node.threads.push(thread.map_err(system("start a shard's thread"))?);
        }
        drop(ready);
        told.iter().collect::<Result<Vec<()>, ServeError>>()?;
        drop(chosen); // the shards listen there now
        Ok((node, addresses))
    }

    fn tell(&self, command: impl Fn() -> Command) {
        for (sender, bell) in &self.commands {
            if sender.send(command()).is_ok() {
                bell.ring();
            }
        }
    }

    /// Lets what clients were told is said (a PONG came behind it) reach every shard before the first member is closed:
    /// to the room's home, from there to its subscribers, and once more for what was posted meanwhile.
    async fn settle(&self) {
        for _ in 0..if self.threads.len() > 1 { SETTLE_HOPS } else { 0 } {
            let passed = Arc::new(AtomicUsize::new(0));
            self.tell(|| Command::Barrier(Arc::clone(&passed)));
            let deadline = Instant::now() + SETTLE_WAIT;
            while passed.load(Ordering::Acquire) < self.threads.len() && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// Ends the shards; their books together, and whom they refused. `None`: one did not end in time.
    async fn end(self) -> Option<(Books, Refusals)> {
        self.tell(|| Command::End);
        let deadline = Instant::now() + END_WAIT;
        while !self.threads.iter().all(JoinHandle::is_finished) {
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (mut books, mut refusals) = (Books::default(), Refusals::default());
        for thread in self.threads {
            let report = thread.join().ok()??;
            drop(report.poll); // in the table that it was made in
            tracing::debug!(stats = ?report.stats, "shard ended");
            books.add(&report.books);
            refusals.add(&report.stats.refusals);
        }
        Some((books, refusals))
    }
}

/// What a shard opens for itself.
struct Open {
    addresses: Vec<SocketAddr>,
    send_buffer: usize,
    tables: Tables,
}

impl Open {
    /// Every descriptor that is opened from here on stands in this shard's own table, if it is to have one, and in no other:
    /// closing it there ends it. A listener that another table had too would go on taking calls after a drain.
    fn reactor(&self, parts: Parts) -> Result<Reactor, ServeError> {
        if self.tables.private {
            longwire_sys::own_file_table()
                .map_err(system("give a shard a table of descriptors of its own"))?;
        }
        let listeners = self.addresses.iter().map(|address| listen::listener(*address, self.send_buffer));
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        Reactor::new(parts, listeners).map_err(system("register a listener"))
    }
}

/// A shard's whole life. `ready` hears whether it serves; it is done when all shards have let go of it.
fn live(parts: Parts, open: &Open, ready: Sender<Result<(), ServeError>>) -> Option<Report> {
    let (reactor, said) = match open.reactor(parts) {
        Ok(reactor) => (Some(reactor), Ok(())),
        Err(err) => (None, Err(err)),
    };
    let _ = ready.send(said); // another shard's failure ends the process: then nobody listens
    drop(ready);
    reactor.map(Reactor::run)
}

/// A shard's share of the eighth of the memory bound that parts of frames may take.
fn held_max(memory_max: Option<u64>, shards: usize) -> usize {
    const HELD_MAX: u64 = 256 << 20;
    let eighth = memory_max.map_or(HELD_MAX, |max| (max / 8).min(HELD_MAX));
    usize::try_from(eighth).unwrap_or(usize::MAX) / shards
}

/// Where rooms live, and which life of a room is which, must not be known to clients beforehand.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("longwire")
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// What SIGHUP reads again.
    provider: Arc<Provider>,
}

impl Signals {
    fn new(provider: Arc<Provider>) -> io::Result<Self> {
        Ok(Self {
            provider,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when the process is asked to stop.
    async fn stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => match self.provider.reload() {
                    Ok(()) => tracing::info!("SIGHUP: certificates and the login provider's files were read again; other keys need a restart"),
                    Err(err) => tracing::error!(%err, "SIGHUP: the old files stay in force"),
                },
            }
        }
    }
}

/// The control plane: signals, memory, the drain.
struct Control {
    node: Node,
    signals: Signals,
    watch: Watch,
    trimmer: Trimmer,
    throttle: Arc<Throttle>,
    places: Arc<Budget>,
    /// What `places` had before the shards began to let anybody in.
    places_max: usize,
    config: Config,
}

impl Control {
    async fn run(mut self) -> ServeEnd {
        let signal = self.serve().await;
        let open = || self.places_max.saturating_sub(self.places.left());
        let drain = &self.config.drain;
        tracing::info!(signal, connections = open(), spread = ?drain.spread, deadline = ?drain.deadline, "draining");
        self.node.settle().await;
        self.node.tell(|| Command::Drain { spread: drain.spread });
        let deadline = Instant::now() + drain.deadline;
        let mut end = ServeEnd::Clean;
        while open() > 0 {
            let cut = tokio::select! {
                signal = self.signals.stop() => Some(signal),
                () = tokio::time::sleep(LOOK_DRAINING) => (Instant::now() >= deadline).then_some("drain.deadline"),
            };
            if let Some(why) = cut {
                tracing::warn!(why, connections = open(), "cut short: what is left is closed at once");
                self.node.tell(|| Command::Cut);
                end = ServeEnd::CutShort;
                break;
            }
        }
        self.close_books(end).await
    }

    /// Watches memory until a signal says stop.
    async fn serve(&mut self) -> &'static str {
        loop {
            tokio::select! {
                signal = self.signals.stop() => return signal,
                () = tokio::time::sleep(LOOK) => self.look_at_memory(),
            }
        }
    }

    fn look_at_memory(&mut self) {
        self.trimmer.look(self.places.left(), self.watch.is_under_pressure());
        let Ok(resident) = longwire_sys::resident_bytes() else { return };
        if let Some(pressure) = self.watch.observe(resident) {
            self.node.tell(|| Command::Pressure(pressure));
        }
        if let Some(pressure) = self.watch.news(resident) {
            let max = self.watch.max().unwrap_or(0);
            tracing::warn!(resident, max, "{}", memory::consequence(pressure));
        }
    }

    async fn close_books(self, end: ServeEnd) -> ServeEnd {
        match self.node.end().await {
            Some((books, mut refusals)) => {
                tracing::info!(books = books::json(&books), "{}", books::sentence(&books));
                refusals.add(&self.throttle.refusals());
                tracing::info!(refusals = refusals::json(&refusals), "{}", refusals::sentence(&refusals));
                if !books.balance() {
                    tracing::error!("the books do not balance: this is a bug of Longwire");
                }
                end
            }
            None => {
                tracing::error!("a shard did not end within 5 s: there are no books");
                ServeEnd::CutShort
            }
        }
    }
}
