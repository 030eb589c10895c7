//! The golden vectors through the whole of it, and hostile bytes.
mod hostile;
mod places;
mod vectors;
