//! What the process may take of its machine: open files, memory.
//!
//! The one crate with `unsafe`, so that every other can forbid it; each block carries its argument. It asks and sets,
//! and decides nothing: no protocol, no policy.

mod files;
mod heap;
mod memory;

pub use files::{OpenFiles, raise_open_files};
pub use heap::release_free_memory;
pub use memory::{MemoryLimit, MemorySource, memory_limit, resident_bytes};
