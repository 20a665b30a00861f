//! Erasures carried out: a record's content, caches and remains go, hashes and chain stay.
//!
//! The rule is in [`records::erasure`]. When a decision is admitted, the sections it names are
//! dropped from every row that holds them and the record's caches go, in the same transaction;
//! freed pages are overwritten (`secure_delete`) and the write-ahead log is emptied after the
//! commit. Whatever comes later passes [`kept`] before it is written anywhere, so a bundle from a
//! peer or an older backup that still has the content is stored without it.

use crate::blob::drop::drop_refs_of;
use crate::branch;
use crate::error::StoreError;
use crate::institution::operations;
use crate::judge::{Case, Stop};
use crate::meta::{self, id, journal_of, uint};
use crate::settle;
use crate::tx::Tx;
use records::bundle::{Bundle, Head};
use records::erasure::{Erasures, Fate};
use records::id::{Hash, RecordId};
use records::payload::{self, InstitutionOp, Section};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::borrow::Cow;
use std::collections::BTreeSet;

mod remains;

pub use remains::{Remain, Remains};

/// A quarantine code: nothing of the bundle counts, since its records are erased.
pub(crate) const RECORD_ERASED: &str = "record_erased";

/// How many bundles are in memory at once.
const PAGE: i64 = 256;

/// A record's caches, and what signs a person in here, whose sessions go with it. Links of other
/// records to it stay: they are content of the others.
const CACHES: &[&str] = &[
    "delete from search where rowid in (select no from record where id = $1)",
    "delete from record where id = $1",
    "delete from snapshot where record = $1",
    "delete from change where record = $1",
    "delete from held_record where record = $1",
    "delete from entry_origin where record = $1",
    "delete from link where record = $1",
    "delete from account where id = $1",
    "delete from provisional where id = $1",
];

/// Bundles that brought a change of a record, and whatever did not pass. Joined from the few: the
/// journals are not walked for each record.
pub(crate) const PLACES: &str = "select b.hash, q.code from (
         select site, incarnation, seq from change where record = $1
         union select site, incarnation, seq from quarantine) p
     cross join bundle b using (site, incarnation, seq)
     left join quarantine q using (site, incarnation, seq)
     order by b.place";

/// The bundle in the form in which it may be kept; its sections follow.
pub(crate) fn kept<'a>(
    erasures: &Erasures,
    bundle: &'a Bundle,
    sections: &mut Vec<Section>,
) -> Cow<'a, Bundle> {
    let Some(erased) = erasures.erase(sections) else {
        return Cow::Borrowed(bundle);
    };
    *sections = erased;
    Cow::Owned(Bundle {
        payload: payload::encode(sections),
        ..bundle.clone()
    })
}

/// Whether content is missing that no erasure known here has dropped.
pub(crate) fn is_unauthorised(erasures: &Erasures, sections: &[Section]) -> bool {
    let mut sections = sections.iter();
    sections.any(|section| erasures.fate(section) == Fate::Unauthorised)
}

/// Carries out what the institution's bundle erases; the trust of `tx` knows of it already.
pub(crate) async fn carry_out(tx: &mut Tx<'_>, decision: &Case) -> Result<(), StoreError> {
    let records: BTreeSet<RecordId> = operations(&decision.sections)
        .filter_map(|op| match op {
            InstitutionOp::Erase { record, .. } => Some(record),
            _ => None,
        })
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    for record in &records {
        tracing::warn!(
            record.id = %record,
            institution.seq = decision.header.seq,
            "a record is erased"
        );
        let places = match first(tx, *record) == Some(decision.header.seq) {
            true => places(tx, *record).await?,
            false => everywhere(tx, *record).await?,
        };
        for place in places {
            again(tx, place).await?;
        }
        for statement in CACHES {
            let delete = sqlx::query(*statement).bind(record.0.to_vec());
            delete.execute(tx.sql().await?).await?;
        }
        // Their files are swept by the next tidying, which an erasure calls for.
        drop_refs_of(tx.sql().await?, *record).await?;
    }
    aside(tx, "waiting").await?;
    if aside(tx, "branch").await? {
        tx.state.branches = branch::load(tx.sql().await?).await?;
    }
    aside(tx, "hole").await?;
    tx.unmerged = true;
    // Readers of the feed are told of rows that change, not of rows that vanish.
    tx.state.cursor += 1;
    tx.state.feed_begins = tx.state.cursor;
    let begins = tx.state.feed_begins.to_be_bytes().to_vec();
    meta::set(tx.sql().await?, meta::FEED_BEGINS, begins).await?;
    tx.state.erased = true;
    Ok(())
}

/// Where sections of the record may be, with the code of those in quarantine: what did not pass
/// leaves no trace of its records.
async fn places(
    tx: &mut Tx<'_>,
    record: RecordId,
) -> Result<Vec<(Hash, Option<String>)>, StoreError> {
    let rows = sqlx::query(PLACES)
        .bind(record.0.to_vec())
        .fetch_all(tx.sql().await?)
        .await?;
    let place = |row: &SqliteRow| Ok((Hash(id(row, "hash")?), row.try_get("code")?));
    rows.iter().map(place).collect()
}

/// The decision that first erased the record.
fn first(tx: &Tx<'_>, record: RecordId) -> Option<u64> {
    let erasures = tx.state.trust.erasures();
    erasures.record(record).map(|erasure| erasure.seq)
}

/// [`places`] for a further decision: sections that had no effect from the beginning are known
/// nowhere, so every bundle is looked through.
async fn everywhere(
    tx: &mut Tx<'_>,
    record: RecordId,
) -> Result<Vec<(Hash, Option<String>)>, StoreError> {
    let (mut places, mut after) = (Vec::new(), 0i64);
    loop {
        let rows = sqlx::query(
            "select b.place, b.hash, b.payload, q.code
             from bundle b left join quarantine q using (site, incarnation, seq)
             where b.place > $1 order by b.place limit $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(tx.sql().await?)
        .await?;
        let Some(last) = rows.last() else {
            return Ok(places);
        };
        after = last.try_get("place")?;
        for row in &rows {
            let sections = decoded(row)?.unwrap_or_default();
            if sections
                .iter()
                .any(|section| record_of(section) == Some(record))
            {
                places.push((Hash(id(row, "hash")?), row.try_get("code")?));
            }
        }
    }
}

/// Rewrites one bundle of a journal and gives it the verdict it has from now on.
async fn again(tx: &mut Tx<'_>, (hash, code): (Hash, Option<String>)) -> Result<(), StoreError> {
    let row = sqlx::query(
        "select site, incarnation, seq, payload, received_ms from bundle where hash = $1",
    )
    .bind(hash.0.to_vec())
    .fetch_one(tx.sql().await?)
    .await?;
    let Some(mut sections) = decoded(&row)? else {
        return Ok(());
    };
    rewrite(tx, hash, &mut sections).await?;
    let trust = tx.state.trust.clone();
    let fates: BTreeSet<Fate> = sections
        .iter()
        .map(|section| trust.erasures().fate(section))
        .collect();
    if fates.iter().all(|fate| *fate == Fate::Live) {
        return Ok(());
    }
    let head = Head {
        journal: journal_of(&row)?,
        seq: uint(row.try_get("seq")?)?,
        hash,
    };
    match code.as_deref() {
        None => {}
        Some(RECORD_ERASED) => settle::acquit(tx, &head).await?,
        // Its other sections may stand now, and what depends on them.
        Some(_) => {
            tx.state.replay = true;
            return Ok(());
        }
    }
    if let Some(record) = void(trust.erasures(), &sections) {
        let received_ms = row.try_get("received_ms")?;
        let stop = Stop::Refused(RECORD_ERASED);
        settle::quarantine(tx, &head, received_ms, stop, Some(record), &[]).await?;
    }
    Ok(())
}

/// The record of a bundle of which nothing is left but sections that nobody named.
pub(crate) fn void(erasures: &Erasures, sections: &[Section]) -> Option<RecordId> {
    let fate = |section: &&Section| erasures.fate(section);
    if sections.iter().any(|section| fate(&section) == Fate::Live) {
        return None;
    }
    let mut void = sections
        .iter()
        .filter(|section| fate(section) == Fate::Void);
    void.next().and_then(record_of)
}

fn record_of(section: &Section) -> Option<RecordId> {
    match section {
        Section::Present { body, .. } => records::erasure::record_of(body),
        Section::Erased(_) => None,
    }
}

/// Drops from a journal's row what may not be kept of it.
pub(crate) async fn rewrite(
    tx: &mut Tx<'_>,
    hash: Hash,
    sections: &mut Vec<Section>,
) -> Result<(), StoreError> {
    let trust = tx.state.trust.clone();
    let Some(erased) = trust.erasures().erase(sections) else {
        return Ok(());
    };
    *sections = erased;
    tx.state.erased = true;
    sqlx::query("update bundle set payload = $2 where hash = $1")
        .bind(hash.0.to_vec())
        .bind(payload::encode(sections))
        .execute(tx.sql().await?)
        .await?;
    Ok(())
}

/// Drops content from bundles that are in no journal; whether there was any.
async fn aside(tx: &mut Tx<'_>, table: &'static str) -> Result<bool, StoreError> {
    let [hashes, read, write] = match table {
        "waiting" => [
            "select hash from waiting",
            "select payload from waiting where hash = $1",
            "update waiting set payload = $2, bytes = length(header) + length($2) where hash = $1",
        ],
        "hole" => [
            "select hash from hole where payload is not null",
            "select payload from hole where hash = $1",
            "update hole set payload = $2 where hash = $1",
        ],
        _ => [
            "select hash from branch",
            "select payload from branch where hash = $1",
            "update branch set payload = $2, bytes = length(header) + length($2) where hash = $1",
        ],
    };
    let trust = tx.state.trust.clone();
    let mut dropped = false;
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar(hashes)
        .fetch_all(tx.sql().await?)
        .await?;
    for hash in hashes {
        let row = sqlx::query(read).bind(hash.clone());
        let sections = decoded(&row.fetch_one(tx.sql().await?).await?)?;
        let erased = sections.and_then(|sections| trust.erasures().erase(&sections));
        if let Some(erased) = erased {
            let update = sqlx::query(write).bind(hash).bind(payload::encode(&erased));
            update.execute(tx.sql().await?).await?;
            dropped = true;
        }
    }
    Ok(dropped)
}

/// `None` for a row damaged on disk: an erasure does not wait for that, since what a peer sends
/// in its place comes without the content.
fn decoded(row: &SqliteRow) -> Result<Option<Vec<Section>>, StoreError> {
    let payload: Vec<u8> = row.try_get("payload")?;
    Ok(payload::decode(&payload).ok())
}
