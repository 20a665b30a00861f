//! The writer's memory of the journals, read from their rows.
//!
//! One damaged row must not keep a site from opening: another site can mend it. So what a row
//! does not tell is taken from its neighbours, and decisions of the institution count up to the
//! first one that cannot be read.

use crate::check::whole;
use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::lane::stem;
use crate::meta::{self, LEFT, OWN, head_of, int, journal_of, uint};
use crate::past::{self, Past};
use crate::state::Tip;
use records::bundle::{Bundle, Head, Header, decode_header, header_hash};
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use records::journal;
use records::trust::Trust;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeMap;

/// The newest bundle of each journal and lane, and the highest clock; two index look-ups a
/// journal, however long it is.
pub(crate) async fn tips(
    conn: &mut SqliteConnection,
    trust: &Trust,
) -> Result<(BTreeMap<JournalId, Tip>, u64), StoreError> {
    let mut tips = BTreeMap::new();
    let (mut hlc, mut key) = (0, (Vec::new(), -1));
    while let Some(next) = next_key(conn, &key).await? {
        key = next;
        let mut below = i64::MAX;
        while let Some(row) = newest(conn, &key, below).await? {
            below = row.try_get("seq")?;
            let Some((at, mut tip, received)) = tip(&row, trust) else {
                continue;
            };
            if tip.past == Past::default() {
                tip.past = derived(conn, at, &row).await;
            }
            hlc = journal::observe_hlc(hlc, tip.hlc, received);
            tips.insert(at, tip);
            break;
        }
    }
    Ok((tips, hlc))
}

/// Drops newest rows of journals that do not even tell which bundle stood there: the next one
/// would find no place. A journal of our own that has lost one must not be continued.
pub(crate) async fn drop_unusable(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let own = meta::journal(conn, OWN).await?;
    let mut key = (Vec::new(), -1);
    while let Some(next) = next_key(conn, &key).await? {
        key = next;
        while let Some(row) = newest(conn, &key, i64::MAX).await? {
            let Ok(journal) = journal_of(&row) else { break };
            if hash(&row, journal, None).is_some() {
                break;
            }
            tracing::error!(site.id = %journal.site, "the newest bundle is damaged on this disk");
            sqlx::query("delete from bundle where site = $1 and incarnation = $2 and seq = $3")
                .bind(key.0.clone())
                .bind(key.1)
                .bind(row.try_get::<i64, _>("seq")?)
                .execute(&mut *conn)
                .await?;
            let left = meta::journal(conn, LEFT).await?;
            if own == Some(journal) && left < own {
                let left = minicbor::to_vec(journal).expect("encoding into a Vec cannot fail");
                meta::set(conn, LEFT, left).await?;
            }
        }
    }
    Ok(())
}

/// Site and incarnation as a row has them, whatever their lengths.
type Key = (Vec<u8>, i64);

async fn next_key(conn: &mut SqliteConnection, after: &Key) -> Result<Option<Key>, StoreError> {
    let row = sqlx::query(
        "select site, incarnation from bundle where (site, incarnation) > ($1, $2)
         order by site, incarnation limit 1",
    )
    .bind(after.0.clone())
    .bind(after.1)
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.try_get("site")?, row.try_get("incarnation")?)))
        .transpose()
}

async fn newest(
    conn: &mut SqliteConnection,
    key: &Key,
    below: i64,
) -> Result<Option<SqliteRow>, StoreError> {
    let row = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, signature, past, received_ms
         from bundle where site = $1 and incarnation = $2 and seq < $3
         order by seq desc limit 1",
    )
    .bind(key.0.clone())
    .bind(key.1)
    .bind(below);
    Ok(row.fetch_optional(conn).await?)
}

/// Where the row stands, what it tells, and when it came. Without a past if that is damaged.
fn tip(row: &SqliteRow, trust: &Trust) -> Option<(JournalId, Tip, i64)> {
    let at = journal_of(row).ok()?;
    let received: i64 = row.try_get("received_ms").ok()?;
    // A lane's head is one of its journal, as other sites know it.
    let head = Head {
        journal: stem(at),
        seq: uint(row.try_get("seq").ok()?).ok()?,
        hash: hash(row, at, Some(trust))?,
    };
    let own = header(row).map_or_else(|| journal::next_hlc(0, received), |header| header.hlc);
    let past: Vec<u8> = row.try_get("past").ok()?;
    let tip = Tip {
        head,
        hlc: own,
        past: Past::decode(&past).unwrap_or_default(),
    };
    Some((at, tip, received))
}

/// Which bundle stands there. What the row calls it counts, unless the bytes beside it are
/// another one that the journal's key has signed for this place.
fn hash(row: &SqliteRow, at: JournalId, trust: Option<&Trust>) -> Option<Hash> {
    let named = head_of(row).ok();
    let bytes: Vec<u8> = row.try_get("header").ok()?;
    let told = header_hash(&bytes);
    if named.is_some_and(|named| named.hash == told) {
        return Some(told);
    }
    let seq = uint(row.try_get("seq").ok()?).ok()?;
    let in_place =
        header(row).is_some_and(|header| (header.journal(), header.seq) == (stem(at), seq));
    let key = trust.and_then(|trust| trust.sign_key(stem(at)));
    let signed = |bundle: Bundle| key.is_some_and(|key| bundle.signed_by(&key));
    match named {
        Some(_) if in_place && bundle_of(row).is_ok_and(signed) => Some(told),
        Some(named) => Some(named.hash),
        None => in_place.then_some(told),
    }
}

fn header(row: &SqliteRow) -> Option<Header> {
    let header: Vec<u8> = row.try_get("header").ok()?;
    decode_header(&header).ok()
}

/// The past of a row that has lost it, from what the bundle depends on.
async fn derived(conn: &mut SqliteConnection, at: JournalId, row: &SqliteRow) -> Past {
    let Some(header) = header(row) else {
        return Past::default();
    };
    past::of(conn, at, &header).await.unwrap_or_default()
}

/// The institution journal folded; bundles in quarantine do not count. `false` if it is cut off
/// where a bundle is lost or damaged.
pub(crate) async fn trust(
    conn: &mut SqliteConnection,
    institution: InstitutionId,
) -> Result<(Trust, bool), StoreError> {
    let mut trust = Trust::new(institution);
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, signature from bundle b
         where site = $1 and incarnation = 0
         and not exists (select 1 from quarantine q
             where q.site = b.site and q.incarnation = b.incarnation and q.seq = b.seq)
         order by seq",
    )
    .bind(SiteId::INSTITUTION.0.to_vec())
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        match decided(&trust, &row) {
            Some(next) => trust = next,
            None => return Ok((trust, false)),
        }
    }
    // A decision that was lost from the end would be in the way of the next one.
    let last: Option<i64> = sqlx::query_scalar(
        "select max(seq) from hole where site = $1 and incarnation = 0 and seq > $2",
    )
    .bind(SiteId::INSTITUTION.0.to_vec())
    .bind(int(trust.seq()))
    .fetch_one(conn)
    .await?;
    Ok((trust, last.is_none()))
}

fn decided(trust: &Trust, row: &SqliteRow) -> Option<Trust> {
    let (head, bundle) = (head_of(row).ok()?, bundle_of(row).ok()?);
    let header = whole(&head, &bundle)?;
    let sections = records::payload::decode(&bundle.payload).ok()?;
    crate::institution::apply(trust, &header, &sections).ok()
}
