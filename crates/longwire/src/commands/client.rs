//! What `chat`, `send` and `tail` share: a runtime that signals end, a stdout that waits, and how a fault ends them.

use crate::exit::{Exit, Failed};
use crate::out;
use longwire_client::transport::HandshakeError;
use longwire_client::{
    Call, CallError, Client, Closed, Config, Events, Fault, Refusal, Status, limits::ID_BYTES_MAX,
};
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use tokio::signal::unix::{SignalKind, signal};

/// Rooms of one command. A server with default limits silently leaves the oldest beyond 16, which would look as if
/// nobody spoke there.
pub(crate) const ROOMS_MAX: usize = 16;

/// The argument of `--room`.
pub(crate) fn room(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("a room has a name".to_owned()),
        len if len > ID_BYTES_MAX => Err(format!("{len} bytes are over the limit of {ID_BYTES_MAX}")),
        _ if text.contains(char::is_control) => Err("control characters are not allowed".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Runs `work` to its end, or to the first SIGINT, SIGTERM or SIGHUP.
///
/// A read of stdin or a write to a stalled stdout may still be waiting in a thread; the process does not wait for it.
pub(crate) fn until_signalled(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::select! {
            end = work => end,
            _ = int.recv() => Ok(Exit::Interrupted),
            _ = term.recv() => Ok(Exit::Terminated),
            _ = hangup.recv() => Ok(Exit::Terminated),
        }
    });
    runtime.shutdown_background();
    end
}

/// Writes an answer to stdout and waits until it is taken; heartbeats and signals go on meanwhile.
pub(crate) async fn print(text: impl AsRef<[u8]> + Send + 'static) -> anyhow::Result<()> {
    let written = tokio::task::spawn_blocking(move || {
        let mut out = out::stdout();
        out.write_all(text.as_ref()).and_then(|()| out.flush())
    });
    Ok(written.await??)
}

/// Whether stdout is for eyes that want colours.
pub(crate) fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// One line of progress or complaint on stderr, where nobody may be listening.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Connects and logs in; the first attempt decides.
pub(crate) async fn connect(address: &str, config: Config) -> anyhow::Result<(Client, Events)> {
    Client::connect(config).await.map_err(|fault| faulty(&fault).context(address.to_owned()))
}

/// How a fault of the connection ends a command.
pub(crate) fn faulty(fault: &Fault) -> anyhow::Error {
    let exit = match fault {
        Fault::LoginRefused(_) => Exit::NotAllowed,
        Fault::LoginInvalid(_) => Exit::Usage,
        _ => Exit::Unreachable,
    };
    let hint = if let Fault::Connect(err) = fault { trust_hint(err) } else { "" };
    Failed::new(exit, format!("{fault}{hint}")).into()
}

/// Why a handshake with `Tls::config` came to nothing, and what helps.
pub(crate) fn no_handshake(err: io::Error) -> String {
    let told = HandshakeError::told(err);
    format!("{told}{}", trust_hint(&told))
}

/// What helps where all that is missing is somebody who vouches for the server.
fn trust_hint(err: &io::Error) -> &'static str {
    let cause = err.get_ref().and_then(|cause| cause.downcast_ref::<HandshakeError>());
    match cause {
        Some(cause) if cause.is_untrusted() => {
            "; --ca FILE names whom to trust (for a trial, --insecure trusts anybody)"
        }
        _ => "",
    }
}

/// How the end of a client that nobody asked to end ends a command.
pub(crate) fn closed(closed: &Closed) -> anyhow::Error {
    match closed {
        Closed::Final(fault) | Closed::GaveUp { fault, .. } => faulty(fault),
        _ => Failed::new(Exit::Unreachable, "the connection is closed").into(),
    }
}

/// How a call that failed ends a command.
pub(crate) fn call_failed(err: &CallError) -> anyhow::Error {
    match err {
        CallError::Refused(refusal) => refused(refusal),
        CallError::Invalid(_) | CallError::TooMany { .. } => anyhow::anyhow!("{err}"),
        _ => Failed::new(Exit::Unreachable, err.to_string()).into(),
    }
}

/// How a refusal by the server ends a command: 5 where this user may not, else 1.
pub(crate) fn refused(refusal: &Refusal) -> anyhow::Error {
    let exit = match refusal.status {
        Status::UNAUTHENTICATED | Status::FORBIDDEN | Status::BANNED => Exit::NotAllowed,
        _ => Exit::Failed,
    };
    Failed::new(exit, refusal.to_string()).into()
}

/// Whether the client library joins that room again by itself after a while.
pub(crate) fn is_tried_again(refusal: &Refusal) -> bool {
    let passes = [Status::RATE_LIMITED, Status::OVERLOADED, Status::TOO_MANY, Status::INTERNAL];
    matches!(refusal.call, Call::Rejoin { .. }) && passes.contains(&refusal.status)
}
