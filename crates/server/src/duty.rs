//! Records as the API shows and takes them: the bridge from JSON to `rules` and `store`.

pub mod act;
pub mod action;
pub mod attachments;
pub mod detail;
pub mod row;
pub mod timeline;
pub mod values;
