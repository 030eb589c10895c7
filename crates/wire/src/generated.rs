//! What `proto/longwire.proto` becomes. Stays private: prost's types are nobody's interface.
//!
//! The file is written by `tests/generated.rs`, so that no build needs `protoc` or a build script.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "written by prost-build; what is not decoded here is tested against"
)]

include!("generated/longwire.rs");
