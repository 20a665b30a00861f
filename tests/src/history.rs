//! A realistic history of several duty rooms, made fast and the same every time.
//!
//! Bundles are written and signed as a site's own store would sign them, without a store: records
//! of all kinds with Chinese text, created and then edited for some hours, by a hub and campuses
//! that either see each other all the time or not at all. Benchmarks feed it to stores and links.

use ed25519_dalek::SigningKey;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use records::bundle::{Bundle, Head, Header};
use records::id::{AccountId, ActionId, Hash, InstitutionId, JournalId, SiteId, TerminalId};
use records::payload::{self, Body, Enrolment, InstitutionOp, RecordChanges, Section, SiteRole};
use records::{bundle, gate};
use std::collections::VecDeque;
use story::Story;

mod story;
mod words;

/// When every history begins: 2026-01-01 08:00 in Asia/Shanghai, ms since the epoch.
pub const BEGIN_MS: i64 = 1_767_225_600_000;
/// How many records of one site are worked on at the same time.
const OPEN: usize = 24;

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The same seed is the same history, byte for byte.
    pub seed: u64,
    /// Sites that write: site 0 is the hub, the others are campuses.
    pub writers: Vec<usize>,
    /// Records in all.
    pub records: usize,
    /// Changes of each record, its creation included.
    pub changes: usize,
    /// How many changes of a record one bundle carries.
    pub changes_per_bundle: usize,
    /// Whether the sites see each other's bundles at once, and edit each other's records, or
    /// not before the end.
    pub connected: bool,
    /// Mean time between two bundles of all sites together, in ms.
    pub pace_ms: i64,
}

impl Plan {
    /// A year of two campuses: 110,000 records with about 4 changes each.
    #[must_use]
    pub fn year() -> Self {
        Self {
            seed: 1,
            writers: vec![1, 2],
            records: 110_000,
            changes: 4,
            changes_per_bundle: 1,
            connected: true,
            pace_ms: 71_000,
        }
    }

    /// Four weeks of two campuses that are cut off: 33,600 changes on 8,400 records.
    #[must_use]
    pub fn weeks() -> Self {
        Self {
            records: 8_400,
            connected: false,
            ..Self::year()
        }
    }

    /// The same with fewer records.
    #[must_use]
    pub fn with_records(self, records: usize) -> Self {
        Self { records, ..self }
    }
}

/// One site's hand: what it signs with and how far its journal is.
struct Hand {
    index: usize,
    key: SigningKey,
    head: Option<Head>,
    /// Heads of others as of its last bundle.
    seen: Vec<Head>,
    open: VecDeque<Story>,
    made: u64,
}

/// A history under way: an iterator over its bundles, oldest first.
pub struct History {
    plan: Plan,
    rng: StdRng,
    founding: Vec<Bundle>,
    hands: Vec<Hand>,
    left: usize,
    now_ms: i64,
    hlc: u64,
}

/// The key that speaks for the institution of every history.
#[must_use]
pub fn root() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// The institution of every history.
#[must_use]
pub fn institution() -> InstitutionId {
    InstitutionId::of_root_key(root().verifying_key().as_bytes())
}

/// A site's journal.
#[must_use]
pub fn journal(site: usize) -> JournalId {
    JournalId {
        site: SiteId([u8::try_from(site + 1).expect("few sites"); 8]),
        incarnation: 1,
    }
}

/// A site's signing key.
#[must_use]
pub fn key(site: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(site + 101).expect("few sites"); 32])
}

/// A site's code in record numbers.
#[must_use]
pub fn code(site: usize) -> String {
    ["Z", "E", "W", "N"][site].to_owned()
}

/// What a store of this site writes with. Its slot is its own, so that it can go on where the
/// history ends.
#[must_use]
pub fn writer(site: usize) -> store::Writer {
    store::Writer {
        institution: institution(),
        journal: journal(site),
        code: code(site),
        key: key(site),
        slot: [200; 4],
    }
}

/// The institution journal: founded, a hub and three campuses enrolled, rules activated.
#[must_use]
pub fn founding() -> Vec<Bundle> {
    let mut ops = vec![InstitutionOp::Found {
        name: "测试学院".to_owned(),
        root_key: root().verifying_key().to_bytes(),
    }];
    ops.extend((0..4).map(|site| {
        InstitutionOp::Enrol(Enrolment {
            journal: journal(site),
            name: format!("第{site}值班室"),
            code: code(site),
            role: [SiteRole::Hub, SiteRole::Campus][site.min(1)],
            sign_key: key(site).verifying_key().to_bytes(),
            seal_key: [0; 32],
        })
    }));
    ops.push(InstitutionOp::ActivateRules(gate::RULES));
    let mut head = None;
    let mut bundles = Vec::new();
    for op in ops {
        let seq = head.map_or(1, |head: Head| head.seq + 1);
        let stamp = Stamp {
            journal: JournalId::INSTITUTION,
            head,
            deps: Vec::new(),
            hlc: (BEGIN_MS.unsigned_abs() << 16) + seq,
            wall_ms: BEGIN_MS,
            account: AccountId::default(),
            action: ActionId::default(),
        };
        let section = Section::Present {
            salt: [seq.to_le_bytes()[0]; 16],
            body: Body::Institution(op).encode(),
        };
        let (bundle, signed) = stamp.sign(&[section], &root());
        head = Some(signed);
        bundles.push(bundle);
    }
    bundles
}

/// A bundle's place and time.
struct Stamp {
    journal: JournalId,
    head: Option<Head>,
    deps: Vec<Head>,
    hlc: u64,
    wall_ms: i64,
    account: AccountId,
    action: ActionId,
}

impl Stamp {
    fn sign(self, sections: &[Section], key: &SigningKey) -> (Bundle, Head) {
        let payload = payload::encode(sections);
        let seq = self.head.map_or(1, |head| head.seq + 1);
        let header = Header {
            version: bundle::VERSION,
            suite: bundle::SUITE,
            institution: institution(),
            site: self.journal.site,
            incarnation: self.journal.incarnation,
            seq,
            prev: self.head.map_or(Hash::default(), |head| head.hash),
            deps: self.deps,
            hlc: self.hlc,
            wall_ms: self.wall_ms,
            uptime_ms: 60_000,
            hub_offset_ms: Some(12),
            account: self.account,
            terminal: TerminalId([7; 16]),
            assurance: Vec::new(),
            action: self.action,
            part: 1,
            parts: 1,
            scope: Default::default(),
            key_id: 0,
            payload_root: payload::root(sections),
            payload_len: u32::try_from(payload.len()).expect("a payload is small"),
        };
        let bundle = Bundle::sign(&header, payload, key);
        let head = Head {
            journal: self.journal,
            seq,
            hash: bundle.hash(),
        };
        (bundle, head)
    }
}

impl History {
    /// Begins a history; nothing is made before it is asked for.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let founding = founding();
        let hands = plan.writers.iter().map(|index| Hand {
            index: *index,
            key: key(*index),
            head: None,
            seen: Vec::new(),
            open: VecDeque::new(),
            made: 0,
        });
        Self {
            rng: StdRng::seed_from_u64(plan.seed),
            hands: hands.collect(),
            left: plan.records,
            now_ms: BEGIN_MS,
            hlc: BEGIN_MS.unsigned_abs() << 16,
            founding,
            plan,
        }
    }

    /// The journals' heads as far as they are made, the institution's first.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        let last = self.founding.last().expect("it was founded");
        let mut heads = vec![Head {
            journal: JournalId::INSTITUTION,
            seq: self.founding.len() as u64,
            hash: last.hash(),
        }];
        heads.extend(self.hands.iter().filter_map(|hand| hand.head));
        heads
    }

    /// Whose record is worked on next; `None` when all is made.
    fn owner(&mut self) -> Option<usize> {
        let busy: Vec<usize> = (0..self.hands.len())
            .filter(|hand| self.left > 0 || !self.hands[*hand].open.is_empty())
            .collect();
        busy.get(self.rng.random_range(0..busy.len().max(1)))
            .copied()
    }

    /// Which of the owner's open records, a new one perhaps, and by which hand.
    fn story(&mut self, owner: usize) -> (usize, usize) {
        let open = self.hands[owner].open.len();
        let more = self.left > 0 && open < OPEN;
        if open == 0 || more && (open < 4 || self.rng.random_bool(0.25)) {
            self.left = self.left.saturating_sub(1);
            let hand = &mut self.hands[owner];
            hand.made += 1;
            let story = Story::begin(&mut self.rng, hand.index, hand.made, self.now_ms);
            hand.open.push_back(story);
            return (open, owner);
        }
        let at = self.rng.random_range(0..open);
        let shared = self.plan.connected && self.hands[owner].open[at].any_site_may_add();
        let elsewhere = shared && self.rng.random_bool(0.05);
        let writer = (owner + usize::from(elsewhere)) % self.hands.len();
        (at, writer)
    }

    /// Heads of others that `hand` has not named yet.
    fn deps(&self, hand: usize) -> Vec<Head> {
        let own = journal(self.hands[hand].index);
        let mut heads = self.heads();
        heads.retain(|head| {
            let visible = self.plan.connected || head.journal == JournalId::INSTITUTION;
            visible && head.journal != own && !self.hands[hand].seen.contains(head)
        });
        heads
    }

    fn section(&mut self, owner: usize, at: usize, writer: usize) -> Section {
        let by = journal(self.hands[writer].index);
        let story = &mut self.hands[owner].open[at];
        let room = self.plan.changes - story.changes;
        let mut changes = Vec::new();
        for _ in 0..self.plan.changes_per_bundle.clamp(1, room) {
            changes.push(story.change(&mut self.rng, by, self.now_ms));
        }
        let body = Body::Record(RecordChanges {
            record: story.record,
            kind: story.table.kind.to_owned(),
            table_version: story.table.version,
            changes,
        });
        if story.changes >= self.plan.changes {
            self.hands[owner].open.remove(at);
        }
        Section::Present {
            salt: self.rng.random(),
            body: body.encode(),
        }
    }
}

impl Iterator for History {
    type Item = Bundle;

    fn next(&mut self) -> Option<Bundle> {
        let owner = self.owner()?;
        self.now_ms += self.rng.random_range(1..=2 * self.plan.pace_ms);
        self.hlc = (self.now_ms.unsigned_abs() << 16).max(self.hlc + 1);
        let (at, writer) = self.story(owner);
        let deps = self.deps(writer);
        let section = self.section(owner, at, writer);
        let index = self.hands[writer].index;
        let stamp = Stamp {
            journal: journal(index),
            head: self.hands[writer].head,
            deps: deps.clone(),
            hlc: self.hlc,
            wall_ms: self.now_ms,
            account: story::person(index, self.rng.random_range(0..8)),
            action: ActionId(self.rng.random()),
        };
        let hand = &mut self.hands[writer];
        let (bundle, head) = stamp.sign(&[section], &hand.key);
        hand.head = Some(head);
        let journals: Vec<JournalId> = deps.iter().map(|dep| dep.journal).collect();
        hand.seen.retain(|head| !journals.contains(&head.journal));
        hand.seen.extend(deps);
        Some(bundle)
    }
}

#[cfg(test)]
mod tests;
