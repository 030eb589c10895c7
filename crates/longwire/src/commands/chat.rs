//! `longwire chat`: talk in rooms, from a terminal or a script.

use super::client::{self, ROOMS_MAX};
use super::connect::{ConnectArgs, usage};
use crate::chat::{model::Chat, plain, session::Session};
use crate::exit::Exit;

/// Talk in rooms
///
/// On a terminal: type to talk; /help lists the commands. Elsewhere each line of stdin is a message or a command, and
/// what is said goes to stdout. Without --user you are a guest, who only reads.
#[derive(Debug, clap::Args)]
pub(crate) struct ChatArgs {
    /// Room to join; may be given several times
    #[arg(long = "room", value_name = "ROOM", required = true, value_parser = client::room)]
    rooms: Vec<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl ChatArgs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if self.rooms.len() > ROOMS_MAX {
            return Err(usage(format!("at most {ROOMS_MAX} rooms")));
        }
        let config = self.connect.config()?.build()?;
        client::until_signalled(async {
            client::tell(&format!("connecting to {}", self.connect.address()));
            let (client, events) = client::connect(&self.connect.address(), config).await?;
            let session = Session::new(client);
            let user = self.connect.user();
            #[cfg(feature = "tui")]
            if crate::chat::terminal::is_there() {
                return crate::chat::terminal::run(Chat::new(user, &self.rooms, true), session, events).await;
            }
            plain::run(Chat::new(user, &self.rooms, false), session, events).await
        })
    }
}
