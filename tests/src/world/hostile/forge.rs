//! Bundles no honest program writes, signed with a valid key.

use anyhow::Result;
use automerge::{Automerge, Change};
use ed25519_dalek::SigningKey;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::{self, Bundle, Head, Header};
use records::field::{Value, Values};
use records::id::{ActionId, EntryId, Hash, InstitutionId, JournalId, RecordId, ScopeId};
use records::payload::{self, Body, InstitutionOp, RecordChanges, Section};
use records::write::{self, Edit};
use sha2::{Digest as _, Sha256};
use store::Store;

/// Whoever forges.
pub(super) struct Forger<'a> {
    pub(super) institution: InstitutionId,
    pub(super) journal: JournalId,
    pub(super) code: &'a str,
    pub(super) key: &'a SigningKey,
    pub(super) store: &'a Store,
    pub(super) wall_ms: i64,
}

impl Forger<'_> {
    /// The next bundle of the forger's journal; its header or payload is usually wrong in some
    /// way that only a gate notices, and sometimes nothing is wrong with it.
    pub(super) async fn next(&self, rng: &mut StdRng) -> Result<Bundle> {
        let body = self.body(rng).await?;
        let sections = vec![Section::Present {
            salt: rng.random(),
            body,
        }];
        let payload = payload::encode(&sections);
        let mut header = self.header(rng, &sections, &payload);
        if rng.random_range(0..3) == 0 {
            distort(rng, &mut header);
        }
        Ok(Bundle::sign(&header, payload, self.key))
    }

    /// So many bundles, from a place that is taken on.
    pub(super) async fn rewritten(&self, rng: &mut StdRng, count: usize) -> Result<Vec<Bundle>> {
        let mut chain: Vec<Bundle> = Vec::new();
        let mut seq = 0;
        for _ in 0..count {
            let bundle = self.next(rng).await?;
            let mut header = bundle.decode_header()?;
            if chain.is_empty() {
                seq = rng.random_range(1..=header.seq);
            }
            header.seq = seq;
            header.prev = match chain.last() {
                Some(last) => last.hash(),
                None if seq == 1 => Hash::default(),
                None => {
                    let before = self.store.bundles_after(self.journal, seq - 2, 1).await?;
                    before.first().map(Bundle::hash).unwrap_or_default()
                }
            };
            chain.push(Bundle::sign(&header, bundle.payload, self.key));
            seq += 1;
        }
        Ok(chain)
    }

    fn header(&self, rng: &mut StdRng, sections: &[Section], payload: &[u8]) -> Header {
        let heads = self.store.frontier();
        let own = heads.iter().find(|head| head.journal == self.journal);
        let others = heads.iter().filter(|head| head.journal != self.journal);
        Header {
            version: bundle::VERSION,
            suite: bundle::SUITE,
            institution: self.institution,
            site: self.journal.site,
            incarnation: self.journal.incarnation,
            seq: own.map_or(0, |head| head.seq) + 1,
            prev: own.map_or(Hash::default(), |head| head.hash),
            deps: others.copied().collect(),
            hlc: self.wall_ms.cast_unsigned() << 16,
            wall_ms: self.wall_ms,
            uptime_ms: 1,
            hub_offset_ms: None,
            account: records::id::AccountId(rng.random()),
            terminal: records::id::TerminalId::default(),
            assurance: Vec::new(),
            action: ActionId(rng.random()),
            part: 1,
            parts: 1,
            scope: ScopeId::default(),
            key_id: 0,
            payload_root: payload::root(sections),
            payload_len: u32::try_from(payload.len()).expect("forged payloads are small"),
        }
    }

    async fn body(&self, rng: &mut StdRng) -> Result<Vec<u8>> {
        let mut section = match (self.foreign(rng).await?, rng.random_range(0..3)) {
            (Some(foreign), 0) => foreign,
            (Some(foreign), 1) => self.amendment(rng, foreign).await?,
            _ => self.item(rng)?,
        };
        match rng.random_range(0..9) {
            0 | 1 => mutate(rng, &mut section.changes[0]),
            2 => section.kind = "mystery".to_owned(),
            3 => section.table_version = 99,
            4 => section.record = RecordId(rng.random()),
            5 => {
                let op = InstitutionOp::ActivateRules(7);
                return Ok(Body::Institution(op).encode());
            }
            6 => return Ok((0..rng.random_range(1..40)).map(|_| rng.random()).collect()),
            _ => {}
        }
        Ok(Body::Record(section).encode())
    }

    /// A record section some other site wrote: under our signature its actor is forged.
    async fn foreign(&self, rng: &mut StdRng) -> Result<Option<RecordChanges>> {
        let sections = self.sections().await?;
        if sections.is_empty() {
            return Ok(None);
        }
        Ok(Some(sections[rng.random_range(0..sections.len())].clone()))
    }

    async fn sections(&self) -> Result<Vec<RecordChanges>> {
        let mut found = Vec::new();
        for head in self.store.frontier() {
            if head.journal == self.journal {
                continue;
            }
            for bundle in self
                .store
                .bundles_after(head.journal, 0, usize::MAX)
                .await?
            {
                found.extend(record_sections(&bundle));
            }
        }
        Ok(found)
    }

    fn item(&self, rng: &mut StdRng) -> Result<RecordChanges> {
        let table = &records::kinds::log_item::TABLE;
        let record = RecordId::new(self.journal.site, rng.random());
        let mut doc = Automerge::new();
        doc.set_actor(write::actor(self.journal, rng.random()));
        let edits = [
            Edit::Set("happened_at".to_owned(), Value::Int(0)),
            Edit::Set("category".to_owned(), Value::Text("fire".to_owned())),
            Edit::Set("content".to_owned(), Value::Text("伪造".to_owned())),
        ];
        let number = format!("{}2026-{:06}", self.code, rng.random_range(1..1_000_000));
        let change = write::create(&mut doc, table, self.journal.site, Some(&number), &edits)?;
        Ok(RecordChanges {
            record,
            kind: table.kind.to_owned(),
            table_version: 1,
            changes: vec![change],
        })
    }

    /// An amendment of a record of some other site, which any site may add to a log item.
    async fn amendment(&self, rng: &mut StdRng, of: RecordChanges) -> Result<RecordChanges> {
        let table = &records::kinds::log_item::TABLE;
        if of.kind != table.kind {
            return Ok(of);
        }
        let mut doc = Automerge::new();
        for section in self.sections().await? {
            if section.record == of.record {
                let changes = section.changes.iter();
                let changes: Result<Vec<_>, _> = changes
                    .map(|bytes| Change::from_bytes(bytes.clone()))
                    .collect();
                doc.apply_changes(changes?)?;
            }
        }
        doc.set_actor(write::actor(self.journal, rng.random()));
        let values: Values = [("type", "correction"), ("text", "不实")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::Text(value.to_owned())))
            .collect();
        let edit = Edit::AddEntry {
            field: "amendments".to_owned(),
            entry: EntryId(rng.random()),
            values,
        };
        let change = write::edit(&mut doc, table, &[edit])?;
        Ok(RecordChanges {
            changes: vec![change],
            ..of
        })
    }
}

fn record_sections(bundle: &Bundle) -> Vec<RecordChanges> {
    let sections = payload::decode(&bundle.payload).unwrap_or_default();
    let bodies = sections.into_iter().filter_map(|section| match section {
        Section::Present { body, .. } => Body::decode(&body).ok(),
        Section::Erased(_) => None,
    });
    let records = bodies.filter_map(|body| match body {
        Body::Record(section) => Some(section),
        _ => None,
    });
    records.collect()
}

/// Changes one to three bytes and makes the checksum fit.
fn mutate(rng: &mut StdRng, change: &mut [u8]) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(8..change.len());
        match rng.random_range(0..3) {
            0 => change[at] = rng.random(),
            1 => change[at] ^= 1 << rng.random_range(0..8),
            _ => change[at] = change[at].wrapping_add(1),
        }
    }
    let sum = Sha256::digest(&change[8..]);
    change[4..8].copy_from_slice(&sum[..4]);
}

fn distort(rng: &mut StdRng, header: &mut Header) {
    match rng.random_range(0..9) {
        0 => header.hlc = u64::MAX,
        1 => header.wall_ms = if rng.random() { i64::MAX } else { i64::MIN },
        2 => header.hub_offset_ms = Some(i64::MIN),
        3 => header.scope = ScopeId(rng.random()),
        4 => header.key_id = rng.random(),
        5 => (header.part, header.parts) = (rng.random(), 0),
        6 => {
            // Another bundle than the one everybody holds at that place.
            if let Some(dep) = header.deps.first_mut() {
                dep.hash = Hash(rng.random());
            }
        }
        7 => header.deps.push(Head {
            journal: header.journal(),
            seq: rng.random_range(0..3),
            hash: Hash(rng.random()),
        }),
        _ => header.assurance = vec![7; 100],
    }
}
