//! The one binary: parses arguments, runs one command, and turns its end into an exit status.
//!
//! Knows nothing of the protocol and nothing of how a command works; those live in `commands`.
//! Answers go to stdout, complaints to stderr, and a closed pipe ends quietly with 0.

mod chat;
mod commands;
mod exit;
mod layers;
mod out;

use clap::Parser;
use commands::Command;
use std::process::ExitCode;

/// A chatroom server, and the tools around it.
#[derive(Debug, Parser)]
#[command(name = "longwire", version, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // Wrong usage, `--help` and `--version` end here, with 2, 0 and 0.
    let cli = Cli::parse();
    exit::report(cli.command.run()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_argument_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    /// `-h` of every command fits a terminal of 80 columns and 40 lines.
    #[test]
    fn short_help_fits_a_screen() {
        let mut root = Cli::command();
        root.build();
        let mut helps = vec![root.render_help().to_string()];
        helps.extend(root.get_subcommands_mut().map(|sub| sub.render_help().to_string()));
        for help in helps {
            assert!(help.lines().count() <= 40, "too long:\n{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "too wide:\n{help}");
        }
    }
}
