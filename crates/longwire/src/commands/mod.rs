//! The commands, one module each: its arguments as a clap struct, and `run`, which is thin.
//!
//! To add one: a module with `pub(crate) struct XArgs` (`#[derive(clap::Args)]`) and
//! `impl XArgs { pub(crate) fn run(self) -> anyhow::Result<Exit> }`, and a line in each of the two lists below.

mod bench;
mod chat;
mod check_config;
pub(crate) mod client;
mod connect;
mod decode;
mod default_config;
mod send;
mod serve;
mod tail;
mod token;

use crate::exit::Exit;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::ServeArgs),
    Chat(chat::ChatArgs),
    Send(send::SendArgs),
    Tail(tail::TailArgs),
    Bench(Box<bench::BenchArgs>),
    CheckConfig(check_config::CheckConfigArgs),
    DefaultConfig(default_config::DefaultConfigArgs),
    Decode(decode::DecodeArgs),
    Token(token::TokenArgs),
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Serve(args) => args.run(),
            Self::Chat(args) => args.run(),
            Self::Send(args) => args.run(),
            Self::Tail(args) => args.run(),
            Self::Bench(args) => args.run(),
            Self::CheckConfig(args) => args.run(),
            Self::DefaultConfig(args) => args.run(),
            Self::Decode(args) => args.run(),
            Self::Token(args) => args.run(),
        }
    }
}
