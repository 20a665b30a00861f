//! What the writer keeps in memory, and the part of it that readers see.

use crate::action::Writer;
use crate::branch::Branches;
use crate::lane::{is_lane, stem};
use crate::past::Past;
use crate::program::Boot;
use crate::provisional::{FastLane, Verified};
use crate::release::Grown;
use records::bundle::Head;
use records::gate::Rules;
use records::id::{InstitutionId, JournalId};
use records::trust::Trust;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One journal as far as it is held.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    pub(crate) head: Head,
    pub(crate) hlc: u64,
    pub(crate) past: Past,
}

/// The writer's memory of the database; cloned at the start of a transaction and put back if
/// that fails.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) institution: Option<InstitutionId>,
    /// Our own journal, as the last started writer named it.
    pub(crate) own: Option<JournalId>,
    pub(crate) writer: Option<Arc<Writer>>,
    /// The newest journal of ours that must not be continued, nor any before it.
    pub(crate) left: Option<JournalId>,
    /// When it was restored, while the institution journal was not compared with another site
    /// since ([`State::is_unconfirmed`]).
    pub(crate) unconfirmed: Option<i64>,
    pub(crate) tips: BTreeMap<JournalId, Tip>,
    /// Highest place of our own site's journals that some other site has acknowledged.
    pub(crate) acked: BTreeMap<JournalId, u64>,
    /// Places whose bundle is lost or damaged.
    pub(crate) holes: u64,
    /// How often a hole was found or mended since start.
    pub(crate) mends: u64,
    pub(crate) trust: Arc<Trust>,
    /// Highest HLC known, foreign ones capped to our wall clock.
    pub(crate) hlc: u64,
    /// Feed cursor.
    pub(crate) cursor: u64,
    /// Order in which bundles were judged here.
    pub(crate) place: i64,
    /// Row number of records.
    pub(crate) row: i64,
    /// A bundle worth a witness came from another journal since our own last one.
    pub(crate) unwitnessed: bool,
    /// The newest rule set that is judged by.
    pub(crate) known_rules: u32,
    /// The feed cannot tell what changed up to this cursor: records have vanished.
    pub(crate) feed_begins: u64,
    /// Rows that are not proved yet are shown.
    pub(crate) fast_lane: Option<FastLane>,
    /// Content was erased since the write-ahead log was last emptied.
    pub(crate) erased: bool,
    /// What is kept beside forked journals.
    pub(crate) branches: BTreeMap<JournalId, Branches>,
    /// The waiting room is known to be empty.
    pub(crate) nothing_waits: bool,
    /// What may have released waiting bundles that are not judged yet.
    pub(crate) grown: Grown,
    /// A closure may have to be carried out before this transaction ends.
    pub(crate) adopt: bool,
    /// A verdict given before has become outdated: replay before this transaction ends.
    pub(crate) replay: bool,
    /// A replay has to wait until the institution journal is mended on this disk: `trust` may lack
    /// its last decisions meanwhile.
    pub(crate) awaits_mend: bool,
    /// Which start of this directory's process this is.
    pub(crate) boot: Boot,
}

impl State {
    pub(crate) fn head(&self, journal: JournalId) -> Option<&Head> {
        self.tips.get(&journal).map(|tip| &tip.head)
    }

    /// The highest place of a journal and of its chains that are held whole, adopted or not: what was judged before a closure is judged alike after it.
    pub(crate) fn last(&self, journal: JournalId) -> u64 {
        let tips = self.tips.iter().filter(|(held, _)| stem(**held) == journal);
        let held = tips.map(|(_, tip)| tip.head.seq).max().unwrap_or(0);
        let branches = self.branches.get(&journal);
        held.max(branches.map_or(0, Branches::last))
    }

    /// The journals themselves, without what a closure adopted beside them.
    fn journals(&self) -> impl Iterator<Item = &Tip> {
        let journals = self.tips.iter().filter(|(journal, _)| !is_lane(**journal));
        journals.map(|(_, tip)| tip)
    }

    /// The ends of every chain held whole of forked journals.
    fn ends(&self) -> Vec<Head> {
        let lanes = self.tips.iter().filter(|(journal, _)| is_lane(**journal));
        let lanes: Vec<Head> = lanes.map(|(_, tip)| tip.head).collect();
        let forked: BTreeSet<JournalId> = self
            .branches
            .keys()
            .copied()
            .chain(lanes.iter().map(|head| head.journal))
            .collect();
        let branches = self.branches.iter();
        branches
            .flat_map(|(journal, branches)| branches.heads(*journal))
            .chain(lanes)
            .chain(
                forked
                    .iter()
                    .filter_map(|journal| self.head(*journal).copied()),
            )
            .collect()
    }

    pub(crate) fn view(&self) -> View {
        let own_site = self.own.map(|journal| journal.site);
        let own = self
            .journals()
            .filter(|tip| Some(tip.head.journal.site) == own_site);
        let held_only_here = own
            .map(|tip| {
                let acked = self.acked.get(&tip.head.journal).copied().unwrap_or(0);
                tip.head.seq.saturating_sub(acked)
            })
            .sum();
        let frontier: Vec<Head> = self.journals().map(|tip| tip.head).collect();
        let fast_lane = self.fast_lane.as_ref();
        View {
            verified: fast_lane.map(|lane| lane.verified(&frontier)),
            trust: self.trust.clone(),
            unconfirmed: self.is_unconfirmed(),
            frontier,
            branches: self.ends(),
            lanes: self
                .tips
                .keys()
                .copied()
                .filter(|at| is_lane(*at))
                .collect(),
            own: self.own,
            held_only_here,
            unwitnessed: self.unwitnessed,
            rules: self.writable_rules(),
            feed_begins: self.feed_begins,
            holes: self.holes,
            mends: self.mends,
            released: !self.grown.is_empty(),
            boot: self.boot,
        }
    }

    /// Whether decisions may have been forgotten that another site knows. Where there is none that
    /// could, nobody is waited for.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        let own = self.own.map(|own| own.site);
        let mut others = self.trust.enrolments().filter(|site| {
            Some(site.journal.site) != own && !self.trust.is_revoked(site.journal.site)
        });
        self.unconfirmed.is_some() && others.next().is_some()
    }

    /// The rule set local actions write by: the active one, or the newest known before it.
    pub(crate) fn writable_rules(&self) -> u32 {
        self.trust.rules_at(u64::MAX).min(self.known_rules)
    }

    /// The rule set that a bundle is judged by which has this much of the institution journal
    /// in its past.
    pub(crate) fn rules_after(&self, institution_seq: u64) -> Rules {
        // Beyond a decision we cannot read, any later rule set may be active.
        let readable = institution_seq <= self.trust.seq();
        Rules {
            active: match readable {
                true => self.trust.rules_at(institution_seq),
                false => Rules::UNREADABLE,
            },
            known: self.known_rules,
        }
    }
}

/// The committed state that readers see without a query.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) trust: Arc<Trust>,
    pub(crate) frontier: Vec<Head>,
    pub(crate) branches: Vec<Head>,
    pub(crate) lanes: Vec<JournalId>,
    pub(crate) own: Option<JournalId>,
    pub(crate) held_only_here: u64,
    pub(crate) verified: Option<Verified>,
    pub(crate) unconfirmed: bool,
    pub(crate) unwitnessed: bool,
    pub(crate) rules: u32,
    pub(crate) feed_begins: u64,
    pub(crate) holes: u64,
    pub(crate) mends: u64,
    pub(crate) released: bool,
    pub(crate) boot: Boot,
}
