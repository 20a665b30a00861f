//! Looking for lost and damaged bundles: the daily reading of everything a store holds.

use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::job::Job;
use crate::meta::{head_of, journal_of, uint};
use crate::past::Past;
use crate::store::Store;
use records::bundle::{Bundle, Head, Header, header_hash};
use records::erasure::Fate;
use records::id::{Hash, JournalId};
use records::payload::{self, Section};
use records::trust::Trust;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many bundles are in memory at once.
const PAGE: i64 = 256;
/// Places of one gap that are noted; what is beyond is found once these are mended.
const MAX_GAP: u64 = 65_536;

/// What [`Store::check`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Bundles read.
    pub bundles: u64,
    /// Places whose bundle is lost or damaged, those known before included.
    pub holes: u64,
    /// Damaged bundles that waited or were kept of branches, and were dropped.
    pub dropped: u64,
}

impl Store {
    /// Reads every bundle of the journals and checks form, hash, payload and signature; notes the
    /// places where one is lost or damaged as holes, which peers can mend. What waits or is kept of
    /// branches and is damaged is dropped: peers send it again like what never came. `progress`
    /// is told the count. Adopted branches are left out, since no peer could mend them here;
    /// [`crate::verify::verify`] reads them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read or written.
    pub async fn check(
        &self,
        found_ms: i64,
        mut progress: impl FnMut(u64),
    ) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        let (mut last, mut key) = (None, Key::default());
        let frontier = self.frontier();
        let mut ends = BTreeMap::new();
        loop {
            let Some((rows, next)) = page(&self.inner.readers, &key).await? else {
                let lost = lost_ends(&frontier, &ends);
                if !lost.is_empty() {
                    self.note_holes(lost, found_ms).await?;
                }
                checked.holes = self.holes_known();
                checked.dropped = self.ask(Job::CheckAside).await??;
                return Ok(checked);
            };
            let end = rows.last().map(|row| row.0);
            ends.extend(rows.iter().map(|(head, _)| (head.journal, head.seq)));
            checked.bundles += rows.len() as u64;
            let trust = self.trust();
            let bad = tokio::task::spawn_blocking(move || bad_places(&rows, last, &trust)).await;
            let bad = bad.map_err(|_| StoreError::Stopped)?;
            last = end.or(last);
            key = next;
            if !bad.is_empty() {
                self.note_holes(bad, found_ms).await?;
            }
            progress(checked.bundles);
        }
    }

    /// Notes places as lost or damaged if they really are.
    pub(crate) async fn note_holes(
        &self,
        places: Vec<(JournalId, u64)>,
        found_ms: i64,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Job::Holes(places, found_ms, reply))
            .await?
    }
}

/// The places between the last bundles read and the heads that were known before.
fn lost_ends(frontier: &[Head], ends: &BTreeMap<JournalId, u64>) -> Vec<(JournalId, u64)> {
    let lost = frontier.iter().flat_map(|head| {
        let read = ends.get(&head.journal).copied().unwrap_or(0);
        let end = head.seq.min(read.saturating_add(MAX_GAP));
        (read + 1..=end).map(|seq| (head.journal, seq))
    });
    lost.collect()
}

/// The places of a page that hold no sound bundle, and the gaps before and between them.
fn bad_places(
    rows: &[(Head, Option<Bundle>)],
    before: Option<Head>,
    trust: &Arc<Trust>,
) -> Vec<(JournalId, u64)> {
    let mut bad = Vec::new();
    let mut last = before;
    for (head, bundle) in rows {
        let expected = match last {
            Some(last) if last.journal == head.journal => last.seq + 1,
            _ => 1,
        };
        let gap = expected..head.seq.min(expected.saturating_add(MAX_GAP));
        bad.extend(gap.map(|seq| (head.journal, seq)));
        if !bundle.as_ref().is_some_and(|b| is_sound(head, b, trust)) {
            bad.push((head.journal, head.seq));
        }
        last = Some(*head);
    }
    bad
}

/// Whether these are the bytes that `head` names, signed by that journal's key, with no more
/// and no less content than the institution's erasures left.
pub(crate) fn is_sound(head: &Head, bundle: &Bundle, trust: &Trust) -> bool {
    let key = trust.sign_key(head.journal);
    let kept = |section: &Section| {
        let fate = trust.erasures().fate(section);
        !matches!(fate, Fate::Unauthorised | Fate::Named(_))
    };
    let as_erased = || payload::decode(&bundle.payload).is_ok_and(|all| all.iter().all(kept));
    // Without the key, which a damaged decision may have named, nothing is said against it.
    let signed = key.is_none_or(|key| bundle.signed_by(&key));
    whole(head, bundle).is_some() && signed && as_erased()
}

/// The header, if these are the bytes that `head` names; the signature is not looked at.
pub(crate) fn whole(head: &Head, bundle: &Bundle) -> Option<Header> {
    if header_hash(&bundle.header) != head.hash {
        return None;
    }
    let header = bundle.decode_header().ok()?;
    let sections = payload::decode(&bundle.payload).ok()?;
    let in_place = (header.journal(), header.seq) == (head.journal, head.seq);
    let whole = payload::is_whole(&header, &sections, &bundle.payload);
    (in_place && whole).then_some(header)
}

/// Where a row stands, as its columns say, whatever their lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(Vec<u8>, i64, i64);

impl Default for Key {
    fn default() -> Self {
        Key(Vec::new(), -1, 0)
    }
}

/// Heads as the rows tell them, and the bundles that can be read.
type Rows = Vec<(Head, Option<Bundle>)>;

/// The bundle of a row that can be worked with.
pub(crate) fn readable(row: &SqliteRow) -> Option<Bundle> {
    let past: Vec<u8> = row.try_get("past").ok()?;
    Past::decode(&past).ok()?;
    bundle_of(row).ok()
}

/// The rows after `after`, and where they end. One whose site or place can be no journal's is in
/// none: the gap that it left is found by its neighbours.
async fn page(readers: &SqlitePool, after: &Key) -> Result<Option<(Rows, Key)>, StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, signature, past from bundle
         where (site, incarnation, seq) > ($1, $2, $3) and incarnation <= $5
         order by site, incarnation, seq limit $4",
    )
    .bind(after.0.clone())
    .bind(after.1)
    .bind(after.2)
    .bind(PAGE)
    .bind(i64::from(crate::lane::LAST_INCARNATION))
    .fetch_all(readers)
    .await?;
    let Some(end) = rows.last() else {
        return Ok(None);
    };
    let (site, incarnation) = (end.try_get("site")?, end.try_get("incarnation")?);
    let end = Key(site, incarnation, end.try_get("seq")?);
    let of = |row| {
        let journal = journal_of(row).ok()?;
        let seq = uint(row.try_get("seq").ok()?).ok()?;
        match head_of(row) {
            Ok(head) => Some((head, readable(row))),
            Err(_) => {
                let hash = Hash::default();
                Some((Head { journal, seq, hash }, None))
            }
        }
    };
    Ok(Some((rows.iter().filter_map(of).collect(), end)))
}
