//! Pure duty decisions: who may do what, and what an action writes.
//!
//! Every function takes the acting person, the record as it stands and the time, and answers
//! with the edits to write or a [`Refusal`]. This crate refuses to know Automerge, I/O and the
//! clock; the store calls it inside the writer's transaction.
//!
//! To add an action: a function in the kind's module, a line in that kind's `actions`, and a
//! route to it in the server's action table.

pub mod actor;
pub mod attachment;
pub mod consultation;
pub mod incident;
pub mod log_item;
pub mod phase;
pub mod refusal;
mod text;

pub use actor::{Actor, Role};
pub use phase::Phase;
pub use refusal::{Fault, Reason, Refusal};

/// An action the person could take on a record now, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The action's name in the API.
    pub action: &'static str,
    /// `None` when it is allowed.
    pub refused: Option<Reason>,
}

impl Offer {
    fn of(action: &'static str, checked: Result<(), Reason>) -> Self {
        Self {
            action,
            refused: checked.err(),
        }
    }
}

/// What other records already came of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sequels {
    /// An incident was opened from it.
    pub incident: bool,
    /// A consultation about it is open.
    pub open_consultation: bool,
}

/// What the person could do with this record now; screens disable the rest with the reason.
#[must_use]
pub fn offers(actor: &Actor, record: &records::read::Record, sequels: Sequels) -> Vec<Offer> {
    match record.table.kind {
        "log_item" => log_item::offers(actor, record, sequels),
        "incident" => incident::offers(actor, record, sequels),
        "consultation" => consultation::offers(actor, record),
        _ => Vec::new(),
    }
}
