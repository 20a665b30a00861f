//! The acting person and the roles of DESIGN.md section 1.

use crate::refusal::Reason;
use records::id::{AccountId, SiteId};

/// What a person is at their site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 值班员.
    Officer,
    /// 带班领导.
    Leader,
    /// 总值班室 (院办 / 党办).
    Headquarters,
    /// 管理员: runs the system, sees no sensitive content.
    Administrator,
    /// Any member of staff.
    Staff,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [
        Role::Officer,
        Role::Leader,
        Role::Headquarters,
        Role::Administrator,
        Role::Staff,
    ];

    /// The word used in documents and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Officer => "officer",
            Role::Leader => "leader",
            Role::Headquarters => "headquarters",
            Role::Administrator => "administrator",
            Role::Staff => "staff",
        }
    }

    /// The role called `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether the person takes part in duty at all.
    #[must_use]
    pub fn on_duty(self) -> bool {
        matches!(self, Role::Officer | Role::Leader | Role::Headquarters)
    }
}

/// The person who acts, and the site they act at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Their account.
    pub account: AccountId,
    /// Their role at `site`.
    pub role: Role,
    /// The site whose page they use.
    pub site: SiteId,
}

impl Actor {
    /// Refuses everyone who is not on duty.
    ///
    /// # Errors
    /// [`Reason::Role`].
    pub fn must_be_on_duty(&self) -> Result<(), Reason> {
        if self.role.on_duty() {
            Ok(())
        } else {
            Err(Reason::Role)
        }
    }

    /// Refuses everyone but the room that keeps the log; headquarters never edits a campus log
    /// (screens.md, *Roles*).
    ///
    /// # Errors
    /// [`Reason::Role`] or [`Reason::OtherCampus`].
    pub fn must_keep_log_of(&self, home: SiteId) -> Result<(), Reason> {
        if !matches!(self.role, Role::Officer | Role::Headquarters) {
            Err(Reason::Role)
        } else if self.site != home {
            Err(Reason::OtherCampus)
        } else {
            Ok(())
        }
    }
}
