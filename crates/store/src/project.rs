//! A record's rows for lists, links, origins and search. Dropped and replayed by a rebuild.

use crate::blob;
use crate::error::StoreError;
use crate::meta::int;
use crate::open::WritePoint;
use crate::search;
use crate::tx::Tx;
use records::bundle::Header;
use records::field::Value;
use records::gate::Admitted;
use records::id::RecordId;
use records::outline::{Outline, outline};
use records::payload::RecordChanges;
use records::prescan::prescan;
use records::read::Record;
use sqlx::Row as _;

pub(crate) async fn project(
    tx: &mut Tx<'_>,
    header: &Header,
    section: &RecordChanges,
    admitted: &Admitted,
) -> Result<(), StoreError> {
    let outline = outline(&admitted.record);
    // A record with a snapshot has a row, and only such a one.
    let no = match &admitted.before {
        Some(_) => {
            let present = update(tx, section.record, &outline, admitted).await?;
            if creates(section) && present.yields_to(header, &admitted.record) {
                author(tx, section.record, header).await?;
            }
            present.no
        }
        None => insert(tx, header, section, &outline, admitted).await?,
    };
    links(tx, section.record, &admitted.record).await?;
    origins(tx, header, section.record, admitted).await?;
    if admitted.record.number.is_some() && Some(header.journal()) == tx.state.own {
        raise_counter(tx, admitted).await?;
    }
    tx.reach(WritePoint::Projection)?;
    search::index(tx, no, &outline.search_text).await
}

struct Present {
    no: i64,
    created_site: Vec<u8>,
    created_hlc: i64,
}

impl Present {
    /// Whether a concurrent second creation names the author instead: the home site's does,
    /// among those the earliest. The answer does not depend on which arrived first.
    fn yields_to(&self, header: &Header, record: &Record) -> bool {
        header.site == record.home
            && (self.created_site != record.home.0 || int(header.hlc) < self.created_hlc)
    }
}

fn creates(section: &RecordChanges) -> bool {
    let mut changes = section.changes.iter();
    changes.any(|change| prescan(change).is_ok_and(|scan| scan.deps.is_empty()))
}

async fn author(tx: &mut Tx<'_>, record: RecordId, header: &Header) -> Result<(), StoreError> {
    sqlx::query(
        "update record set author = $2, recorded_at = $3, created_site = $4, created_hlc = $5,
             sort_at = coalesce(happened_at, $3)
         where id = $1",
    )
    .bind(record.0.to_vec())
    .bind(header.account.0.to_vec())
    .bind(header.wall_ms)
    .bind(header.site.0.to_vec())
    .bind(int(header.hlc))
    .execute(&mut *tx.conn)
    .await?;
    Ok(())
}

async fn insert(
    tx: &mut Tx<'_>,
    header: &Header,
    section: &RecordChanges,
    outline: &Outline,
    admitted: &Admitted,
) -> Result<i64, StoreError> {
    tx.state.row += 1;
    tx.state.cursor += 1;
    sqlx::query(
        "insert into record(no, id, kind, number, site, happened_at, sort_at, recorded_at, author,
             title, summary, state, open, category, level, sensitive, amended, incident, rev,
             created_site, created_hlc, cursor)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22)",
    )
    .bind(tx.state.row)
    .bind(section.record.0.to_vec())
    .bind(section.kind.as_str())
    .bind(admitted.record.number.clone().unwrap_or_default())
    .bind(admitted.record.home.0.to_vec())
    .bind(outline.happened_at)
    .bind(outline.happened_at.unwrap_or(header.wall_ms))
    .bind(header.wall_ms)
    .bind(header.account.0.to_vec())
    .bind(outline.title.as_str())
    .bind(outline.summary.as_str())
    .bind(outline.state.as_deref())
    .bind(outline.open)
    .bind(outline.category.as_deref())
    .bind(outline.level.as_deref())
    .bind(outline.sensitive)
    .bind(outline.amendment)
    .bind(outline.incident.map(|record| record.0.to_vec()))
    .bind(int(admitted.changes.len() as u64))
    .bind(header.site.0.to_vec())
    .bind(int(header.hlc))
    .bind(int(tx.state.cursor))
    .execute(&mut *tx.conn)
    .await?;
    Ok(tx.state.row)
}

async fn update(
    tx: &mut Tx<'_>,
    record: RecordId,
    outline: &Outline,
    admitted: &Admitted,
) -> Result<Present, StoreError> {
    tx.state.cursor += 1;
    let row = sqlx::query(
        "update record set number = $2, site = $3, happened_at = $4,
             sort_at = coalesce($4, recorded_at), title = $5, summary = $6, state = $7, open = $8,
             category = $9, level = $10, sensitive = $11, amended = $12, incident = $13,
             rev = rev + $14, cursor = $15
         where id = $1 returning no, created_site, created_hlc",
    )
    .bind(record.0.to_vec())
    .bind(admitted.record.number.clone().unwrap_or_default())
    .bind(admitted.record.home.0.to_vec())
    .bind(outline.happened_at)
    .bind(outline.title.as_str())
    .bind(outline.summary.as_str())
    .bind(outline.state.as_deref())
    .bind(outline.open)
    .bind(outline.category.as_deref())
    .bind(outline.level.as_deref())
    .bind(outline.sensitive)
    .bind(outline.amendment)
    .bind(outline.incident.map(|record| record.0.to_vec()))
    .bind(int(admitted.changes.len() as u64))
    .bind(int(tx.state.cursor))
    .fetch_optional(&mut *tx.conn)
    .await?
    .ok_or(StoreError::Damaged("a record has no row"))?;
    Ok(Present {
        no: row.try_get("no")?,
        created_site: row.try_get("created_site")?,
        created_hlc: row.try_get("created_hlc")?,
    })
}

/// Every field that names a record, whatever the kind.
async fn links(tx: &mut Tx<'_>, id: RecordId, record: &Record) -> Result<(), StoreError> {
    for (field, value) in &record.values {
        let Value::Record(target) = value else {
            continue;
        };
        sqlx::query(
            "insert into link(record, relation, target) values($1, $2, $3)
             on conflict(record, relation) do update set target = excluded.target",
        )
        .bind(id.0.to_vec())
        .bind(field.as_str())
        .bind(target.0.to_vec())
        .execute(&mut *tx.conn)
        .await?;
    }
    Ok(())
}

/// Where the entries came from that this section added. An entry is known by what made it, so
/// that nobody takes another's place by choosing the same id.
async fn origins(
    tx: &mut Tx<'_>,
    header: &Header,
    record: RecordId,
    admitted: &Admitted,
) -> Result<(), StoreError> {
    let before = admitted.before.as_ref().map(|before| &before.makers);
    for (key, maker) in &admitted.record.makers {
        if before.is_some_and(|before| before.get(key) == Some(maker)) {
            continue;
        }
        let (field, entry) = key;
        let entries = admitted.record.entries.get(field);
        if let Some(values) = entries.and_then(|entries| entries.get(entry)) {
            blob::project(tx, header, record, field, *entry, values).await?;
        }
        sqlx::query(
            "insert into entry_origin(record, field, entry, maker, author, site, wall_ms, hlc)
             values($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict(record, field, maker) do update set entry = excluded.entry",
        )
        .bind(record.0.to_vec())
        .bind(field.as_str())
        .bind(entry.0.to_vec())
        .bind([&maker.counter.to_be_bytes(), &maker.actor[..]].concat())
        .bind(header.account.0.to_vec())
        .bind(header.site.0.to_vec())
        .bind(header.wall_ms)
        .bind(int(header.hlc))
        .execute(&mut *tx.conn)
        .await?;
    }
    Ok(())
}

/// Numbers never return: our own series stand at least where our journal says.
async fn raise_counter(tx: &mut Tx<'_>, admitted: &Admitted) -> Result<(), StoreError> {
    let number = admitted.record.number.as_deref().unwrap_or_default();
    let home = Some(admitted.record.home) == tx.state.own.map(|own| own.site);
    let parsed = number
        .rsplit_once('-')
        .and_then(|(series, digits)| Some((series, digits.parse::<i64>().ok()?)));
    let (true, None, Some((series, last))) = (home, &admitted.before, parsed) else {
        return Ok(());
    };
    sqlx::query(
        "insert into counter(series, last) values($1, $2)
         on conflict(series) do update set last = excluded.last
         where counter.last < excluded.last",
    )
    .bind(series)
    .bind(last)
    .execute(&mut *tx.conn)
    .await?;
    Ok(())
}
