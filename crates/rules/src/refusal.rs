//! Why an action is refused, in closed lists that screens translate.

use records::field::FieldFault;

/// An action is refused; nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The person may never do this to this record.
    #[error("not allowed: {}", .0.code())]
    Forbidden(Reason),
    /// The record's state does not allow it now.
    #[error("not possible now: {}", .0.code())]
    Conflict(Reason),
    /// Values are missing or wrong.
    #[error("{} field(s) are not valid", .0.len())]
    Invalid(Vec<(String, Fault)>),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Role | Reason::OtherCampus | Reason::LeaderOnly => Refusal::Forbidden(reason),
            _ => Refusal::Conflict(reason),
        }
    }
}

/// The one reason that stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The person's role.
    Role,
    /// The record belongs to another campus.
    OtherCampus,
    /// Only the duty leader or headquarters decides this.
    LeaderOnly,
    /// The log item is finished (办结).
    AlreadyFinished,
    /// An incident was opened from the log item already.
    AlreadyIncident,
    /// A consultation about the incident is open already.
    ConsultationOpen,
    /// The incident has left duty (归档, 不属实, 并入, 不上报).
    IncidentClosed,
    /// That state does not follow the present one.
    StateNotNext,
    /// It already is so.
    Unchanged,
    /// The consultation is closed.
    ConsultationClosed,
    /// No such participation of this person is in the room.
    NotInRoom,
    /// The record has as many attachments as it may.
    TooManyAttachments,
}

impl Reason {
    /// Stable code for the API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Reason::Role => "role",
            Reason::OtherCampus => "other_campus",
            Reason::LeaderOnly => "leader_only",
            Reason::AlreadyFinished => "already_finished",
            Reason::AlreadyIncident => "already_incident",
            Reason::ConsultationOpen => "consultation_open",
            Reason::IncidentClosed => "incident_closed",
            Reason::StateNotNext => "state_not_next",
            Reason::Unchanged => "unchanged",
            Reason::ConsultationClosed => "consultation_closed",
            Reason::NotInRoom => "not_in_room",
            Reason::TooManyAttachments => "too_many_attachments",
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// As the field table says.
    Field(FieldFault),
    /// A time later than now, beyond what clocks may differ.
    InFuture,
    /// The text carries a state-secret marking; this system must not hold it (DESIGN.md 9).
    StateSecretMarking,
}
