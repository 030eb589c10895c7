//! What must hold for any bytes at all: one function a claim, run by tests and by the fuzz targets alike.
//!
//! Each function panics where its claim fails. With `planted` it looks at a subject with one bug in it: a property that
//! cannot find its bug proves nothing, so a test asserts that it does. Not for use: behind the feature `properties`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are assertions")]

mod cms;
mod decode;
mod detect;
mod gzip;
mod push;

pub use cms::cms;
pub use decode::decode;
pub use detect::detect;
pub use gzip::gzip;
pub use push::push;

/// Takes the next byte of a property's input, 0 where it ends.
fn take(data: &mut &[u8]) -> u8 {
    let Some((&first, behind)) = data.split_first() else { return 0 };
    *data = behind;
    first
}

/// Takes up to `bytes` bytes.
fn take_slice<'a>(data: &mut &'a [u8], bytes: usize) -> &'a [u8] {
    let (taken, behind) = data.split_at(bytes.min(data.len()));
    *data = behind;
    taken
}

/// Takes up to `bytes` bytes as some text.
fn take_text(data: &mut &[u8], bytes: usize) -> String {
    String::from_utf8_lossy(take_slice(data, bytes)).into_owned()
}

#[cfg(test)]
#[macro_use]
#[path = "../../../../fuzz/held.rs"]
mod held;

#[cfg(test)]
properties_hold!(cms, decode, detect, gzip, push);
