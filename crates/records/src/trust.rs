//! The state of the institution journal: whose signature counts, up to where, under which rules.
//!
//! A pure fold over the journal's operations in order. It never forgets: a revoked key still
//! proves what came before its cut. Signatures and places are checked before ([`crate::bundle`],
//! [`crate::journal`]); what is checked here is that the operation itself may stand.
//!
//! An enrolment covers its incarnation and the [`MAX_OPENED`] after it, which the site opens by
//! itself when it must not continue a journal. The ranges of two enrolments never meet, so the
//! key of a journal is the same whenever one learns of it.

use crate::bundle::{Head, Header};
use crate::erasure::{self, Erasure, Erasures};
use crate::id::{Hash, InstitutionId, JournalId, RecordId, ScopeId, SiteId};
use crate::payload::{Enrolment, InstitutionOp};
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};

/// Limit of a name of an institution or a site, in code points.
pub const MAX_NAME_LEN: usize = 100;
/// Limit of a site's code in record numbers, in ASCII letters and digits.
pub const MAX_CODE_LEN: usize = 8;
/// How many incarnations a site may open by itself under one enrolment. Few enough that a
/// hostile site cannot fill the frontiers of others; after these it is enrolled again.
pub const MAX_OPENED: u32 = 99;
/// Highest incarnation that can be enrolled; stores use the bits above for adopted branches.
pub const MAX_INCARNATION: u32 = (1 << 24) - 1 - MAX_OPENED;
/// How many chains one closure may adopt.
pub const MAX_CLOSING_HEADS: usize = 16;
/// How many sites a scope may name.
pub const MAX_SCOPE_SITES: usize = 256;

/// Why an operation cannot stand in the institution journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The header is not one of this institution's journal.
    #[error("the bundle does not belong to this institution's journal")]
    OtherJournal,
    /// The header's sequence number neither repeats nor follows the last one.
    #[error("the bundle does not follow the last one")]
    OutOfOrder,
    /// Something else came before `Found`, or `Found` came again.
    #[error("an institution is founded once, and first")]
    Founding,
    /// The root key does not hash to the institution id, or is no usable Ed25519 key.
    #[error("the root key is not the institution's")]
    RootKey,
    /// A name or code is empty, too long, or holds control characters.
    #[error("a name or code is out of bounds")]
    Name,
    /// Another site has this code.
    #[error("another site has this code")]
    CodeTaken,
    /// The sign key is no usable Ed25519 key, or belongs to another site or the root.
    #[error("the sign key cannot be used for this site")]
    SignKey,
    /// The site is the institution's pseudo-site, or the incarnation is not newer than all that
    /// the site's last enrolment covers, or beyond [`MAX_INCARNATION`].
    #[error("the incarnation is not newer than those the site may have used")]
    Incarnation,
    /// The journal to revoke is not enrolled.
    #[error("the journal is not enrolled")]
    NotEnrolled,
    /// The journal is revoked already.
    #[error("the journal is revoked already")]
    AlreadyRevoked,
    /// Cut 0 names a hash, or another cut names none.
    #[error("the cut names a bundle that cannot be")]
    Cut,
    /// The heads of a closure are none, too many, not distinct or of another journal, or they
    /// leave out what an earlier closure adopted.
    #[error("the journal cannot be closed so")]
    Closure,
    /// The rule set is not newer than the active one.
    #[error("the rule set is not newer than the active one")]
    Rules,
    /// The scope is the whole institution, defined already, or names no or unknown sites.
    #[error("the scope cannot be defined so")]
    Scope,
    /// The erasure names no, too many, unsorted or only known sections, or its words are out of
    /// bounds.
    #[error("the erasure cannot stand so")]
    Erasure,
}

impl TrustError {
    /// A stable word for quarantine lists.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            TrustError::OtherJournal => "other_journal",
            TrustError::OutOfOrder => "out_of_order",
            TrustError::Founding => "founding",
            TrustError::RootKey => "root_key",
            TrustError::Name => "name",
            TrustError::CodeTaken => "code_taken",
            TrustError::SignKey => "sign_key",
            TrustError::Incarnation => "incarnation",
            TrustError::NotEnrolled => "not_enrolled",
            TrustError::AlreadyRevoked => "already_revoked",
            TrustError::Cut => "cut",
            TrustError::Closure => "closure",
            TrustError::Rules => "rules",
            TrustError::Scope => "scope",
            TrustError::Erasure => "erasure",
        }
    }
}

/// What a bundle of an enrolled or unknown journal is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its key counts here.
    Valid,
    /// Its key was revoked before it; it counts only if an unrevoked site depends on it.
    BeyondCut,
    /// The journal was never enrolled, as far as we know.
    Unknown,
}

#[derive(Debug, Clone)]
struct Member {
    enrolment: Enrolment,
    key: VerifyingKey,
}

/// The institution journal's state after some prefix of it.
#[derive(Debug, Clone)]
pub struct Trust {
    institution: InstitutionId,
    seq: u64,
    founded: Option<(String, VerifyingKey)>,
    members: BTreeMap<JournalId, Member>,
    /// Cuts as they were decided, by journal.
    cuts: BTreeMap<JournalId, (u64, Hash)>,
    /// Closed journals with the heads of their adopted chains, the main one first.
    closed: BTreeMap<JournalId, Vec<Head>>,
    /// Activations as (sequence number, rule set), both ascending.
    rules: Vec<(u64, u32)>,
    scopes: BTreeMap<ScopeId, Vec<SiteId>>,
    erasures: Erasures,
}

impl Trust {
    /// The state before the first bundle; the id is the trust anchor.
    #[must_use]
    pub fn new(institution: InstitutionId) -> Self {
        Self {
            institution,
            seq: 0,
            founded: None,
            members: BTreeMap::new(),
            cuts: BTreeMap::new(),
            closed: BTreeMap::new(),
            rules: Vec::new(),
            scopes: BTreeMap::new(),
            erasures: Erasures::default(),
        }
    }

    /// Applies one operation of the bundle with this header. A bundle of several operations
    /// passes whole or not at all: apply them to a clone.
    ///
    /// # Errors
    /// [`TrustError`]; the state is unchanged then.
    pub fn apply(&mut self, header: &Header, op: &InstitutionOp) -> Result<(), TrustError> {
        if header.institution != self.institution || header.journal() != JournalId::INSTITUTION {
            return Err(TrustError::OtherJournal);
        }
        if header.seq == 0 || (header.seq != self.seq && header.seq != self.seq + 1) {
            return Err(TrustError::OutOfOrder);
        }
        let is_founding = matches!(op, InstitutionOp::Found { .. });
        if is_founding == self.founded.is_some() || (is_founding && header.seq != 1) {
            return Err(TrustError::Founding);
        }
        match op {
            InstitutionOp::Found { name, root_key } => self.found(name, root_key)?,
            InstitutionOp::Enrol(enrolment) => self.enrol(enrolment)?,
            InstitutionOp::Revoke {
                journal,
                cut_seq,
                cut_hash,
            } => self.revoke(*journal, *cut_seq, *cut_hash)?,
            InstitutionOp::ActivateRules(rules) => self.activate(header.seq, *rules)?,
            InstitutionOp::DefineScope { scope, sites } => self.define(*scope, sites)?,
            InstitutionOp::Erase {
                record,
                sections,
                number,
                reason,
            } => {
                let erasure = Erasure {
                    seq: header.seq,
                    wall_ms: header.wall_ms,
                    number: number.clone(),
                    reason: reason.clone(),
                };
                self.erase(*record, sections, erasure)?;
            }
            InstitutionOp::Close { journal, heads } => self.close(*journal, heads)?,
        }
        self.seq = header.seq;
        Ok(())
    }

    fn found(&mut self, name: &str, root_key: &[u8; 32]) -> Result<(), TrustError> {
        check_name(name)?;
        if InstitutionId::of_root_key(root_key) != self.institution {
            return Err(TrustError::RootKey);
        }
        let key = usable_key(root_key).ok_or(TrustError::RootKey)?;
        self.founded = Some((name.to_owned(), key));
        Ok(())
    }

    fn enrol(&mut self, enrolment: &Enrolment) -> Result<(), TrustError> {
        let site = enrolment.journal.site;
        check_name(&enrolment.name)?;
        check_code(&enrolment.code)?;
        let incarnation = enrolment.journal.incarnation;
        let newest = self.enrolment(site).map(|last| last.journal.incarnation);
        let taken = newest.is_some_and(|last| incarnation <= last + MAX_OPENED);
        if site == SiteId::INSTITUTION || taken || incarnation > MAX_INCARNATION {
            return Err(TrustError::Incarnation);
        }
        let key = usable_key(&enrolment.sign_key).ok_or(TrustError::SignKey)?;
        let others = || {
            let members = self.members.values();
            members.filter(|member| member.enrolment.journal.site != site)
        };
        if self.root_key() == Some(key) || others().any(|member| member.key == key) {
            return Err(TrustError::SignKey);
        }
        if others().any(|member| member.enrolment.code == enrolment.code) {
            return Err(TrustError::CodeTaken);
        }
        let member = Member {
            enrolment: enrolment.clone(),
            key,
        };
        self.members.insert(enrolment.journal, member);
        Ok(())
    }

    fn revoke(&mut self, journal: JournalId, seq: u64, hash: Hash) -> Result<(), TrustError> {
        self.member(journal).ok_or(TrustError::NotEnrolled)?;
        if self.cut(journal).is_some() {
            return Err(TrustError::AlreadyRevoked);
        }
        if (seq == 0) != (hash == Hash::default()) {
            return Err(TrustError::Cut);
        }
        self.cuts.insert(journal, (seq, hash));
        Ok(())
    }

    fn close(&mut self, journal: JournalId, heads: &[Head]) -> Result<(), TrustError> {
        self.member(journal).ok_or(TrustError::NotEnrolled)?;
        let distinct: BTreeSet<_> = heads.iter().map(|head| head.hash).collect();
        let possible = (1..=MAX_CLOSING_HEADS).contains(&heads.len())
            && distinct.len() == heads.len()
            && heads
                .iter()
                .all(|head| head.journal == journal && head.seq > 0);
        // Closing again may adopt more, never less, and never moves the main chain.
        let before = self.closed.get(&journal).map_or(&[][..], Vec::as_slice);
        if !possible || !heads.starts_with(before) {
            return Err(TrustError::Closure);
        }
        self.closed.insert(journal, heads.to_vec());
        Ok(())
    }

    fn activate(&mut self, seq: u64, rules: u32) -> Result<(), TrustError> {
        if rules <= self.rules_at(u64::MAX) {
            return Err(TrustError::Rules);
        }
        self.rules.push((seq, rules));
        Ok(())
    }

    fn define(&mut self, scope: ScopeId, sites: &[SiteId]) -> Result<(), TrustError> {
        let known = |site: &SiteId| self.enrolment(*site).is_some();
        let bad = scope == ScopeId::default()
            || self.scopes.contains_key(&scope)
            || sites.is_empty()
            || sites.len() > MAX_SCOPE_SITES
            || !sites.iter().all(known);
        if bad {
            return Err(TrustError::Scope);
        }
        self.scopes.insert(scope, sites.to_vec());
        Ok(())
    }

    fn erase(
        &mut self,
        record: RecordId,
        sections: &[Hash],
        erasure: Erasure,
    ) -> Result<(), TrustError> {
        let (reason, number) = (&erasure.reason, &erasure.number);
        let bad = sections.len() > erasure::MAX_SECTIONS
            || !sections.windows(2).all(|two| two[0] < two[1])
            || reason.trim().is_empty()
            || reason.chars().count() > erasure::MAX_REASON_LEN
            || number.len() > erasure::MAX_NUMBER_LEN
            || reason.chars().chain(number.chars()).any(char::is_control);
        if bad || !self.erasures.add(record, sections, erasure) {
            return Err(TrustError::Erasure);
        }
        Ok(())
    }

    /// The institution this state is of.
    #[must_use]
    pub fn institution(&self) -> InstitutionId {
        self.institution
    }

    /// The institution's name, once founded.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.founded.as_ref().map(|(name, _)| name.as_str())
    }

    /// Sequence number of the last bundle applied; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The root key, once founded: it signs the institution journal.
    #[must_use]
    pub fn root_key(&self) -> Option<VerifyingKey> {
        self.founded.as_ref().map(|(_, key)| *key)
    }

    /// The key that signs `journal`: the root key for the institution journal, for a site's the
    /// one of the enrolment that covers it. A revoked key is still named; see
    /// [`Trust::standing`].
    #[must_use]
    pub fn sign_key(&self, journal: JournalId) -> Option<VerifyingKey> {
        if journal == JournalId::INSTITUTION {
            return self.root_key();
        }
        self.member(journal).map(|member| member.key)
    }

    /// The enrolment that covers a journal: the site's newest at or below its incarnation, no
    /// more than [`MAX_OPENED`] below.
    fn member(&self, journal: JournalId) -> Option<&Member> {
        let first = JournalId {
            incarnation: 0,
            ..journal
        };
        let (enrolled, member) = self.members.range(first..=journal).next_back()?;
        (journal.incarnation - enrolled.incarnation <= MAX_OPENED).then_some(member)
    }

    /// The enrolment that covers a journal, which is the same whenever one learns of it.
    #[must_use]
    pub fn covering(&self, journal: JournalId) -> Option<&Enrolment> {
        self.member(journal).map(|member| &member.enrolment)
    }

    /// The enrolment of a site in its newest incarnation.
    #[must_use]
    pub fn enrolment(&self, site: SiteId) -> Option<&Enrolment> {
        let journal = |incarnation| JournalId { site, incarnation };
        let mut incarnations = self.members.range(journal(0)..=journal(u32::MAX));
        incarnations
            .next_back()
            .map(|(_, member)| &member.enrolment)
    }

    /// Every enrolment ever made, by journal.
    pub fn enrolments(&self) -> impl Iterator<Item = &Enrolment> {
        self.members.values().map(|member| &member.enrolment)
    }

    /// Whether `journal` is revoked, and after which bundle. A cut without a decision of its own
    /// is inherited: whoever may not continue a journal may not open a later one with its key.
    #[must_use]
    pub fn cut(&self, journal: JournalId) -> Option<(u64, Hash)> {
        if let Some(cut) = self.cuts.get(&journal) {
            return Some(*cut);
        }
        let enrolled = self.member(journal)?.enrolment.journal;
        let inherited = self.cuts.range(enrolled..journal).next();
        inherited.map(|_| (0, Hash::default()))
    }

    /// Every cut that was decided, by journal.
    pub fn cuts(&self) -> impl Iterator<Item = (JournalId, (u64, Hash))> {
        self.cuts.iter().map(|(journal, cut)| (*journal, *cut))
    }

    /// Whether the newest key of a site has been revoked, for whichever of its journals.
    #[must_use]
    pub fn is_revoked(&self, site: SiteId) -> bool {
        self.enrolment(site).is_some_and(|newest| {
            let last = JournalId {
                site,
                incarnation: u32::MAX,
            };
            self.cuts.range(newest.journal..=last).next().is_some()
        })
    }

    /// The heads of the chains that a closure has adopted of `journal`, the main one first;
    /// `None` while it is open.
    #[must_use]
    pub fn closed(&self, journal: JournalId) -> Option<&[Head]> {
        self.closed.get(&journal).map(Vec::as_slice)
    }

    /// All closed journals with their heads.
    pub fn closures(&self) -> impl Iterator<Item = (JournalId, &[Head])> {
        let closed = self.closed.iter();
        closed.map(|(journal, heads)| (*journal, heads.as_slice()))
    }

    /// What the bundle `seq`, `hash` of `journal` is worth.
    #[must_use]
    pub fn standing(&self, journal: JournalId, seq: u64, hash: Hash) -> Standing {
        if journal == JournalId::INSTITUTION {
            return match self.founded {
                Some(_) => Standing::Valid,
                None => Standing::Unknown,
            };
        }
        if self.member(journal).is_none() {
            return Standing::Unknown;
        }
        match self.cut(journal) {
            None => Standing::Valid,
            Some((cut_seq, _)) if seq < cut_seq => Standing::Valid,
            Some((cut_seq, cut_hash)) if seq == cut_seq && hash == cut_hash => Standing::Valid,
            Some(_) => Standing::BeyondCut,
        }
    }

    /// The rule set active for bundles that have the institution bundle `institution_seq` as
    /// the last of its journal in their past; 0 if none was activated by then.
    #[must_use]
    pub fn rules_at(&self, institution_seq: u64) -> u32 {
        let active = self.rules.iter().rev();
        let mut active = active.filter(|(seq, _)| *seq <= institution_seq);
        active.next().map_or(0, |(_, rules)| *rules)
    }

    /// What was erased.
    #[must_use]
    pub fn erasures(&self) -> &Erasures {
        &self.erasures
    }

    /// The sites that may read a scope; `None` for the whole institution and unknown scopes.
    #[must_use]
    pub fn scope(&self, scope: ScopeId) -> Option<&[SiteId]> {
        self.scopes.get(&scope).map(Vec::as_slice)
    }
}

/// A key of small order would let anyone sign for it.
fn usable_key(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes).ok()?;
    (!key.is_weak()).then_some(key)
}

fn check_name(name: &str) -> Result<(), TrustError> {
    let good = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_LEN
        && !name.chars().any(char::is_control);
    good.then_some(()).ok_or(TrustError::Name)
}

fn check_code(code: &str) -> Result<(), TrustError> {
    let good = (1..=MAX_CODE_LEN).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    good.then_some(()).ok_or(TrustError::Name)
}

#[cfg(test)]
mod tests;
