//! The row above the prompt: connection, room, name, round trip, other rooms.

use super::line::{Line, Tone};
use super::rooms::Rooms;
use std::time::Duration;

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Up,
    /// Lost; so many attempts to get it back have failed.
    Down {
        attempts: u32,
    },
}

/// What matters most stands first, since a narrow terminal cuts the end.
pub(crate) fn line(
    link: Link,
    round_trip: Option<Duration>,
    rooms: &Rooms,
    name: &str,
    colour: Option<u8>,
) -> Line {
    let start = match link {
        Link::Up => Line::new(Tone::Faint, "● "),
        Link::Down { attempts: 0 } => Line::new(Tone::Wrong, "○ no connection · "),
        Link::Down { attempts } => {
            Line::new(Tone::Wrong, &format!("○ no connection, attempt {attempts} failed · "))
        }
    };
    let mut line = start
        .and(Tone::Notice, rooms.current().unwrap_or("no room"))
        .and(Tone::Faint, " · ")
        .and(colour.map_or(Tone::Faint, Tone::Own), name);
    if let (Link::Up, Some(round_trip)) = (link, round_trip) {
        line = line.and(Tone::Faint, &format!(" · {}", milliseconds(round_trip)));
    }
    let others: Vec<&str> = rooms.others().collect();
    if !others.is_empty() {
        line = line.and(Tone::Faint, &format!(" · Tab: {}", others.join(", ")));
    }
    line
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_where_who_and_how_far() {
        let mut rooms = Rooms::default();
        let time = Duration::from_micros(12_300);
        assert_eq!(line(Link::Up, None, &rooms, "guest", None).plain(), "● no room · guest");
        ["lobby", "den", "attic"].iter().for_each(|room| assert!(rooms.add(room)));
        for (link, shown) in [
            (Link::Up, "● lobby · ada · 12 ms · Tab: den, attic"),
            (Link::Down { attempts: 0 }, "○ no connection · lobby · ada · Tab: den, attic"),
            (Link::Down { attempts: 3 }, "○ no connection, attempt 3 failed · lobby · ada · Tab: den, attic"),
        ] {
            assert_eq!(line(link, Some(time), &rooms, "ada", Some(28)).plain(), shown);
        }
    }

    #[test]
    fn short_round_trips_have_a_decimal() {
        assert_eq!(milliseconds(Duration::from_micros(340)), "0.3 ms");
        assert_eq!(milliseconds(Duration::from_millis(1234)), "1234 ms");
    }
}
