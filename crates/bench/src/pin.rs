//! Which processors the server and the generator run on, where this tool starts both.

use std::str::FromStr;

use crate::failure::{Failure, system};

/// Who runs where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The server on the first processor, the generator on the others; nobody where there is only one.
    Auto,
    /// Nobody is pinned.
    None,
    /// On these.
    Cores {
        /// The server's.
        server: Vec<usize>,
        /// The generator's.
        generator: Vec<usize>,
    },
}

/// What holds while a comparison runs; dropping it lets this thread go anywhere again.
pub(crate) struct Pinned {
    before: Vec<usize>,
    cores: Option<(Vec<usize>, Vec<usize>)>,
}

impl FromStr for Pin {
    type Err = String;

    /// `auto`, `none`, or the server's and the generator's: `0/1`, `0,1/2,3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let list =
            |text: &str| text.split(',').map(|cpu| cpu.trim().parse().ok()).collect::<Option<Vec<_>>>();
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            _ => text
                .split_once('/')
                .and_then(|(server, generator)| {
                    Some(Self::Cores { server: list(server)?, generator: list(generator)? })
                })
                .ok_or_else(|| format!("{text:?} is neither auto, none nor SERVER/GENERATOR, such as 0/1")),
        }
    }
}

impl Pinned {
    /// Pins this thread, and all that it starts from here on, to the generator's processors.
    pub(crate) fn hold(pin: &Pin) -> Result<Self, Failure> {
        let before = longwire_sys::allowed_cpus().map_err(system("ask for processors"))?;
        let cores = match (pin, before.as_slice()) {
            (Pin::None, _) | (Pin::Auto, [] | [_]) => None,
            (Pin::Auto, [first, others @ ..]) => Some((vec![*first], others.to_vec())),
            (Pin::Cores { server, generator }, _) => Some((server.clone(), generator.clone())),
        };
        let pinned = Self { before, cores };
        if let Some((_, generator)) = &pinned.cores {
            longwire_sys::pin_to_cpus(generator).map_err(system("pin the generator"))?;
        }
        Ok(pinned)
    }

    /// Starts something on the server's processors.
    pub(crate) fn on_server<T>(&self, start: impl FnOnce() -> T) -> Result<T, Failure> {
        let Some((server, generator)) = &self.cores else { return Ok(start()) };
        longwire_sys::pin_to_cpus(server).map_err(system("pin the server"))?;
        let started = start();
        longwire_sys::pin_to_cpus(generator).map_err(system("pin the generator"))?;
        Ok(started)
    }

    /// The server's processors and the generator's, where they are pinned.
    pub(crate) fn cores(&self) -> Option<(&[usize], &[usize])> {
        self.cores.as_ref().map(|(server, generator)| (server.as_slice(), generator.as_slice()))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = longwire_sys::pin_to_cpus(&self.before); // it was there a moment ago
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_words_or_two_lists() {
        let cores = |server: &[usize], generator: &[usize]| Pin::Cores {
            server: server.to_vec(),
            generator: generator.to_vec(),
        };
        assert_eq!("auto".parse(), Ok(Pin::Auto));
        assert_eq!("none".parse(), Ok(Pin::None));
        assert_eq!("0/1".parse(), Ok(cores(&[0], &[1])));
        assert_eq!("0,2/1,3".parse(), Ok(cores(&[0, 2], &[1, 3])));
        for wrong in ["", "0", "0/", "/1", "a/b", "0/1/2"] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_started_for_the_server_runs_there_and_only_it() {
        std::thread::spawn(|| {
            let all = longwire_sys::allowed_cpus().unwrap();
            let pinned = Pinned::hold(&Pin::Auto).unwrap();
            let server = pinned.on_server(|| longwire_sys::allowed_cpus().unwrap()).unwrap();
            let here = longwire_sys::allowed_cpus().unwrap();
            if all.len() > 1 {
                assert_eq!((server, here), (vec![all[0]], all[1..].to_vec()));
            } else {
                assert_eq!((&server, &here), (&all, &all));
            }
            drop(pinned);
            assert_eq!(longwire_sys::allowed_cpus().unwrap(), all);
        })
        .join()
        .unwrap();
    }
}
