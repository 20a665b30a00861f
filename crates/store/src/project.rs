//! A record's rows for lists, links, origins and search. Dropped and replayed by a rebuild.

use crate::blob;
use crate::error::StoreError;
use crate::judge::Case;
use crate::meta::int;
use crate::pile::{OriginRow, RecordRow};
use crate::search;
use crate::shelf::Kept;
use crate::tx::Tx;
use automerge::Automerge;
use records::bundle::Header;
use records::field::Value;
use records::gate::Admitted;
use records::id::{Hash, RecordId};
use records::outline::{Outline, outline};
use records::payload::RecordChanges;
use records::prescan::prescan;
use records::trust::Standing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Piles up what an accepted section makes of its record; `present` is the record before it.
pub(crate) async fn project(
    tx: &mut Tx<'_>,
    case: &Case,
    section: &RecordChanges,
    mut admitted: Admitted,
    doc: Option<Automerge>,
    present: Option<Kept>,
) -> Result<(), StoreError> {
    let header = &case.header;
    let outline = outline(&admitted.record);
    // A record with a snapshot has a row, and only such a one.
    let mut kept = match present {
        Some(mut present) => {
            if creates(section) && yields_to(&present, header) {
                sign_over(&mut present, header);
            }
            if present.kind != admitted.record.table.kind {
                forget(tx, section.record).await?;
                present.kind = admitted.record.table.kind.to_owned();
                admitted.before = None;
            }
            present
        }
        None => begin(tx, header, section),
    };
    tx.state.cursor += 1;
    kept.bytes = Arc::new(std::mem::take(&mut admitted.snapshot));
    kept.doc = doc;
    kept.rev += int(admitted.changes.len() as u64);
    let place = (case.journal, header.seq);
    if let Some(changes) = &mut kept.changes {
        for change in &admitted.changes {
            changes.entry(Hash(change.hash)).or_insert(place);
        }
    }
    tx.pile
        .search(kept.no, search::indexed(&outline.search_text));
    let own = header.journal();
    let standing = tx.state.trust.standing(own, header.seq, case.hash);
    let row = RecordRow {
        disputed: standing == Standing::BeyondCut,
        ..row(&kept, outline, &admitted, tx.state.cursor)
    };
    tx.pile.record(section.record, row);
    tx.shelf.insert(section.record, Some(kept));
    links(tx, section.record, &admitted);
    origins(tx, header, section.record, &admitted).await?;
    if admitted.given.is_some() && Some(header.journal()) == tx.state.own {
        raise_counter(tx, &admitted);
    }
    Ok(())
}

/// Whether a concurrent second creation, by another journal of the home site, names the author
/// instead: the earlier one does. The answer does not depend on which arrived first.
fn yields_to(present: &Kept, header: &Header) -> bool {
    let second = (int(header.hlc), header.wall_ms, header.account);
    second < (present.created_hlc, present.recorded_at, present.author)
}

/// Drops what was derived of a record by the table of a kind that it is not any more.
async fn forget(tx: &mut Tx<'_>, record: RecordId) -> Result<(), StoreError> {
    for statement in [
        "delete from entry_origin where record = $1",
        "delete from link where record = $1",
        "delete from blob_ref where record = $1",
    ] {
        let delete = sqlx::query(statement).bind(record.0.to_vec());
        delete.execute(tx.sql().await?).await?;
    }
    Ok(())
}

fn creates(section: &RecordChanges) -> bool {
    let mut changes = section.changes.iter();
    changes.any(|change| prescan(change).is_ok_and(|scan| scan.deps.is_empty()))
}

fn sign_over(kept: &mut Kept, header: &Header) {
    kept.author = header.account;
    kept.recorded_at = header.wall_ms;
    kept.created_site = header.site;
    kept.created_hlc = int(header.hlc);
}

fn begin(tx: &mut Tx<'_>, header: &Header, section: &RecordChanges) -> Kept {
    tx.state.row += 1;
    Kept {
        kind: section.kind.clone(),
        bytes: Arc::default(),
        no: tx.state.row,
        author: header.account,
        recorded_at: header.wall_ms,
        created_site: header.site,
        created_hlc: int(header.hlc),
        rev: 0,
        doc: None,
        changes: Some(BTreeMap::new()),
    }
}

fn row(kept: &Kept, outline: Outline, admitted: &Admitted, cursor: u64) -> RecordRow {
    RecordRow {
        no: kept.no,
        snapshot: kept.bytes.clone(),
        kind: kept.kind.clone(),
        number: admitted.record.number.clone().unwrap_or_default(),
        site: admitted.record.home,
        happened_at: outline.happened_at,
        recorded_at: kept.recorded_at,
        author: kept.author,
        title: outline.title,
        summary: outline.summary,
        state: outline.state,
        open: outline.open,
        category: outline.category,
        level: outline.level,
        sensitive: outline.sensitive,
        amended: outline.amendment,
        incident: outline.incident,
        rev: kept.rev,
        created_site: kept.created_site,
        created_hlc: kept.created_hlc,
        cursor,
        disputed: false,
    }
}

/// Every field that names a record, whatever the kind, where it is new.
fn links(tx: &mut Tx<'_>, id: RecordId, admitted: &Admitted) {
    let before = admitted.before.as_ref();
    for (field, value) in &admitted.record.values {
        let Value::Record(target) = value else {
            continue;
        };
        if before.and_then(|before| before.values.get(field)) != Some(value) {
            tx.pile.link(id, field, *target);
        }
    }
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
        let row = OriginRow {
            entry: *entry,
            author: header.account,
            site: header.site,
            wall_ms: header.wall_ms,
            hlc: header.hlc,
        };
        let maker = [&maker.counter.to_be_bytes(), &maker.actor[..]].concat();
        tx.pile.origin(record, field, maker, row);
    }
    Ok(())
}

/// Numbers never return: our own series stand at least where our journal says.
fn raise_counter(tx: &mut Tx<'_>, admitted: &Admitted) {
    let number = admitted.given.as_deref().unwrap_or_default();
    let home = Some(admitted.record.home) == tx.state.own.map(|own| own.site);
    let parsed = number
        .rsplit_once('-')
        .and_then(|(series, digits)| Some((series, digits.parse::<i64>().ok()?)));
    if let (true, Some((series, last))) = (home, parsed) {
        tx.pile.counter(series, last);
    }
}
