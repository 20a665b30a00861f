//! The few single values a store keeps, and loading the writer's memory from the database.

use crate::branch;
use crate::error::StoreError;
use crate::heads;
use crate::program::Boot;
use crate::release::Grown;
use crate::state::State;
use crate::tx::Tx;
use crate::witness;
use records::bundle::Head;
use records::gate;
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The institution this store belongs to.
pub(crate) const INSTITUTION: &str = "institution";
/// Our own journal, as the last writer named it.
pub(crate) const OWN: &str = "own_journal";
/// The newest journal of ours that must not be continued: somebody else did, or may have.
pub(crate) const LEFT: &str = "left_journal";
/// When this directory was restored; no other site has shown its institution journal since.
pub(crate) const UNCONFIRMED: &str = "unconfirmed";
/// The feed cursor. It must never fall, not even over a restart.
pub(crate) const CURSOR: &str = "cursor";
/// What the program that judged last knew ([`judged_with`]).
pub(crate) const JUDGED_WITH: &str = "judged_with";

/// What the fast lane shows and how long (`provisional`).
pub(crate) const FAST_LANE: &str = "fast_lane";

/// What a program knows that verdicts may depend on: rule sets, then the gate's revision.
pub(crate) fn judged_with(known_rules: u32) -> Vec<u8> {
    [known_rules.to_be_bytes(), gate::REVISION.to_be_bytes()].concat()
}

/// How often a writer was started on this directory.
pub(crate) const BOOTS: &str = "boots";
/// The feed tells nothing up to this cursor.
pub(crate) const FEED_BEGINS: &str = "feed_begins";

/// Notes that all verdicts are now those of this program.
pub(crate) async fn mark_judged(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let judged_with = judged_with(tx.state.known_rules);
    set(tx.raw(), JUDGED_WITH, judged_with).await
}

pub(crate) async fn get(
    conn: &mut SqliteConnection,
    name: &'static str,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar("select value from meta where name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await?)
}

pub(crate) async fn set(
    conn: &mut SqliteConnection,
    name: &'static str,
    value: Vec<u8>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into meta(name, value) values($1, $2)
         on conflict(name) do update set value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn remove(
    conn: &mut SqliteConnection,
    name: &'static str,
) -> Result<(), StoreError> {
    sqlx::query("delete from meta where name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// A `u64` as SQL has it. Places, clocks and cursors stay far below 2^63.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored number that was written by [`int`].
pub(crate) fn uint(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged("a negative number"))
}

/// The fixed-size identifier in column `name`.
pub(crate) fn id<const N: usize>(row: &SqliteRow, name: &str) -> Result<[u8; N], StoreError> {
    let bytes: Vec<u8> = row.try_get(name)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged("an identifier has another length"))
}

/// The journal in columns `site` and `incarnation`.
pub(crate) fn journal_of(row: &SqliteRow) -> Result<JournalId, StoreError> {
    let incarnation: i64 = row.try_get("incarnation")?;
    Ok(JournalId {
        site: SiteId(id(row, "site")?),
        incarnation: u32::try_from(incarnation)
            .map_err(|_| StoreError::Damaged("an incarnation"))?,
    })
}

/// The head in columns `site`, `incarnation`, `seq` and `hash`.
pub(crate) fn head_of(row: &SqliteRow) -> Result<Head, StoreError> {
    Ok(Head {
        journal: journal_of(row)?,
        seq: uint(row.try_get("seq")?)?,
        hash: Hash(id(row, "hash")?),
    })
}

/// The journal kept under `name`.
pub(crate) async fn journal(
    conn: &mut SqliteConnection,
    name: &'static str,
) -> Result<Option<JournalId>, StoreError> {
    let bytes = get(conn, name).await?;
    bytes
        .map(|bytes| minicbor::decode(&bytes))
        .transpose()
        .map_err(|_| StoreError::Damaged("a kept journal id"))
}

pub(crate) async fn counter(
    conn: &mut SqliteConnection,
    name: &'static str,
) -> Result<u64, StoreError> {
    let bytes = get(conn, name).await?.unwrap_or(vec![0; 8]);
    let bytes = bytes.try_into();
    let bytes = bytes.map_err(|_| StoreError::Damaged("the feed cursor"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// Loads the writer's memory.
pub(crate) async fn load(conn: &mut SqliteConnection) -> Result<State, StoreError> {
    let institution = get(conn, INSTITUTION).await?;
    let institution = institution
        .map(|bytes| InstitutionId::from_slice(&bytes))
        .map(|id| id.ok_or(StoreError::Damaged("the institution id")))
        .transpose()?;
    let own = journal(conn, OWN).await?;
    let left = journal(conn, LEFT).await?;
    let branches = branch::load(conn).await?;
    let unconfirmed = get(conn, UNCONFIRMED).await?;
    let unconfirmed = unconfirmed.map(|at| at.try_into().map_or(i64::MAX, i64::from_be_bytes));
    let (trust, complete) = heads::trust(conn, institution.unwrap_or_default()).await?;
    let (tips, hlc) = heads::tips(conn, &trust).await?;
    let cursor = counter(conn, CURSOR).await?;
    let feed_begins = counter(conn, FEED_BEGINS).await?;
    let row: i64 = sqlx::query_scalar("select coalesce(max(no), 0) from record")
        .fetch_one(&mut *conn)
        .await?;
    let place: i64 = sqlx::query_scalar("select coalesce(max(place), 0) from bundle")
        .fetch_one(&mut *conn)
        .await?;
    let acked = acked(conn, own).await?;
    let unwitnessed = witness::unwitnessed(conn, own, &tips).await?;
    let fast_lane = get(conn, FAST_LANE).await?;
    let fast_lane = fast_lane.map(|bytes| minicbor::decode(&bytes)).transpose();
    let fast_lane = fast_lane.map_err(|_| StoreError::Damaged("the fast lane"))?;
    let holes: i64 = sqlx::query_scalar("select count(*) from hole")
        .fetch_one(&mut *conn)
        .await?;
    Ok(State {
        institution,
        own,
        writer: None,
        left,
        unconfirmed,
        tips,
        acked,
        holes: uint(holes)?,
        mends: 0,
        trust: Arc::new(trust),
        awaits_mend: !complete,
        hlc,
        cursor,
        feed_begins,
        fast_lane,
        erased: false,
        place,
        row,
        unwitnessed,
        branches,
        nothing_waits: false,
        grown: Grown::default(),
        adopt: false,
        replay: false,
        known_rules: gate::RULES,
        boot: Boot::default(),
    })
}

/// Highest place of each of our own site's journals that some other site holds.
pub(crate) async fn acked(
    conn: &mut SqliteConnection,
    own: Option<JournalId>,
) -> Result<BTreeMap<JournalId, u64>, StoreError> {
    let Some(own) = own else {
        return Ok(BTreeMap::new());
    };
    let rows = sqlx::query(
        "select site, incarnation, max(seq) as seq from peer_ack
         where site = $1 group by site, incarnation",
    )
    .bind(own.site.0.to_vec())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| Ok((journal_of(row)?, uint(row.try_get("seq")?)?)))
        .collect()
}
