//! Attachments as this site serves them: what content is taken, and what is told of a blob.
//!
//! Files are kept as they came. A photo keeps its EXIF data with time and place: that is evidence,
//! and whoever may see the record may see it.

pub mod content;
pub mod intake;
pub mod range;
pub mod state;
pub mod tidy;
pub mod unfinished;

pub use content::{ContentType, Sniff};
