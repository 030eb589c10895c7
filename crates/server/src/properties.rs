//! What must hold for any bytes at all: one function a claim, run by tests and by the fuzz targets alike.
//!
//! Each function panics where its claim fails. With `planted` it looks at a subject with one bug in it: a property that
//! cannot find its bug proves nothing, so a test asserts that it does. Not for use: behind the feature `properties`.

pub use crate::http::property::http;
pub use crate::proxy::proxy;
pub use crate::ws::property::websocket;

#[cfg(test)]
#[macro_use]
#[path = "../../../fuzz/held.rs"]
mod held;

#[cfg(test)]
properties_hold!(http, proxy, websocket);
