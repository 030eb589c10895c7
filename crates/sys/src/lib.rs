//! What the process may take of its machine: open files, memory, processors, moments, ports.
//!
//! The one crate with `unsafe`, so that every other can forbid it; each block carries its argument. It asks and sets,
//! and decides nothing: no protocol, no policy.

mod alarm;
mod files;
mod heap;
mod memory;
mod ports;
mod prefetch;
mod process;
mod threads;

pub use alarm::Alarm;
pub use files::{OpenFiles, raise_open_files};
pub use heap::{heap_bytes_in_use, release_free_memory};
pub use memory::{MemoryLimit, MemorySource, memory_limit, resident_bytes};
pub use ports::choose_port_late;
pub use prefetch::prefetch;
pub use process::end_with_parent;
pub use threads::{allowed_cpus, own_file_table, pin_to_cpus};
