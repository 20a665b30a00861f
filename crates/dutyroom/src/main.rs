//! dutyroom
fn main() {}
