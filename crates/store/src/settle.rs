//! Writing a judged bundle: its journal row and everything derived from it.

use crate::erase;
use crate::error::StoreError;
use crate::judge::{Accepted, Case, Failed, Judgement, Stop, vouched};
use crate::lane::stem;
use crate::meta::int;
use crate::pile::BundleRow;
use crate::project;
use crate::shelf;
use crate::state::Tip;
use crate::tx::Tx;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId, RecordId, SiteId};
use records::witness::is_worth_it;
use std::sync::Arc;

/// A bundle's exact bytes.
pub(crate) struct Signed<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn of(bundle: &'a Bundle) -> Self {
        Self {
            header: &bundle.header,
            payload: &bundle.payload,
            signature: &bundle.signature,
        }
    }
}

/// Appends the bundle to its journal and writes what it comes to.
pub(crate) async fn settle(
    tx: &mut Tx<'_>,
    case: &Case,
    signed: &Signed<'_>,
    judgement: Judgement,
) -> Result<Head, StoreError> {
    let decided = matches!(judgement, Judgement::Institution(_));
    append(tx, case, signed);
    let head = conclude(tx, case, judgement).await?;
    if decided {
        erase::carry_out(tx, case).await?;
    }
    Ok(head)
}

/// Writes what a bundle that stands in its journal comes to.
pub(crate) async fn conclude(
    tx: &mut Tx<'_>,
    case: &Case,
    judgement: Judgement,
) -> Result<Head, StoreError> {
    let head = case.head();
    tx.written = true;
    match judgement {
        Judgement::Records(accepted) => records(tx, case, &head, accepted).await?,
        Judgement::Institution(trust) => {
            let closures = |trust: &records::trust::Trust| -> usize {
                trust.closures().map(|(_, heads)| heads.len()).sum()
            };
            tx.state.adopt |= closures(&trust) > closures(&tx.state.trust);
            // What was accepted beyond a cut is judged again.
            tx.state.replay |= trust.cuts().count() > tx.state.trust.cuts().count();
            tx.state.trust = Arc::from(trust);
        }
        Judgement::Quarantine(failed) => {
            let Failed {
                stop,
                record,
                records,
            } = failed;
            quarantine(tx, &head, case.received_ms, stop, record, &records).await?;
        }
    }
    tx.state.cursor += 1;
    tx.ease().await?;
    Ok(head)
}

/// Puts the bundle at the end of its journal.
pub(crate) fn append(tx: &mut Tx<'_>, case: &Case, signed: &Signed<'_>) {
    let head = case.head();
    tx.written = true;
    tx.state.place += 1;
    tx.pile.bundle(BundleRow {
        journal: head.journal,
        seq: head.seq,
        hash: head.hash,
        header: signed.header.to_vec(),
        payload: signed.payload.to_vec(),
        signature: signed.signature.to_vec(),
        action: case.header.action,
        past: case.past.encode(),
        place: tx.state.place,
        received_ms: case.received_ms,
    });
    // Our own bundle names everything new; see `records::witness`.
    tx.state.unwitnessed =
        Some(head.journal) != tx.state.own && (tx.state.unwitnessed || is_worth_it(&case.sections));
    let revoked: Vec<(JournalId, u64)> = revoked_with_vouched(tx);
    let tip = Tip {
        head,
        hlc: case.header.hlc,
        past: case.past.clone(),
    };
    tx.state.tips.insert(head.journal, tip);
    let closed = tx.state.trust.closed(head.journal);
    tx.state.adopt |= closed.is_some_and(|heads| heads.first() == Some(&head));
    // A dependency on a bundle beyond its journal's cut makes that one count.
    tx.state.replay |= revoked
        .iter()
        .any(|(journal, before)| vouched(&tx.state, *journal) > *before);
}

fn revoked_with_vouched(tx: &Tx<'_>) -> Vec<(JournalId, u64)> {
    let trust = &tx.state.trust;
    if trust.cuts().next().is_none() {
        return Vec::new();
    }
    let held = tx.state.tips.keys();
    held.filter_map(|journal| {
        let (cut, _) = trust.cut(stem(*journal))?;
        Some((*journal, vouched(&tx.state, *journal).max(cut)))
    })
    .collect()
}

async fn records(
    tx: &mut Tx<'_>,
    case: &Case,
    head: &Head,
    accepted: Vec<Accepted>,
) -> Result<(), StoreError> {
    for Accepted {
        section,
        admitted,
        doc,
    } in accepted
    {
        for change in &admitted.changes {
            let hash = Hash(change.hash);
            tx.pile.change(section.record, hash, head.journal, head.seq);
        }
        let present = shelf::take(tx, section.record).await?;
        project::project(tx, case, &section, admitted, doc, present).await?;
    }
    Ok(())
}

/// Notes that a bundle does not count, and which records a held one would have changed.
pub(crate) async fn quarantine(
    tx: &mut Tx<'_>,
    head: &Head,
    received_ms: i64,
    stop: Stop,
    record: Option<RecordId>,
    records: &[RecordId],
) -> Result<(), StoreError> {
    let (verdict, code) = match stop {
        Stop::Refused(code) => ("refused", code),
        Stop::Held(code) => ("held", code),
    };
    tracing::warn!(
        bundle.hash = %head.hash,
        site.id = %head.journal.site,
        bundle.seq = head.seq,
        verdict,
        code,
        "a bundle went to quarantine"
    );
    sqlx::query(
        "insert into quarantine(site, incarnation, seq, hash, verdict, code, record, received_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .bind(head.hash.0.to_vec())
    .bind(verdict)
    .bind(code)
    .bind(record.map(|record| record.0.to_vec()))
    .bind(received_ms)
    .execute(tx.raw())
    .await?;
    let held = matches!(stop, Stop::Held(_)) && head.journal.site != SiteId::INSTITUTION;
    for record in records.iter().filter(|_| held) {
        sqlx::query(
            "insert into held_record(record, site, incarnation, seq) values($1, $2, $3, $4)
             on conflict do nothing",
        )
        .bind(record.0.to_vec())
        .bind(head.journal.site.0.to_vec())
        .bind(i64::from(head.journal.incarnation))
        .bind(int(head.seq))
        .execute(tx.raw())
        .await?;
    }
    Ok(())
}

/// Takes a bundle out of quarantine.
pub(crate) async fn acquit(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    sqlx::query("delete from quarantine where site = $1 and incarnation = $2 and seq = $3")
        .bind(head.journal.site.0.to_vec())
        .bind(i64::from(head.journal.incarnation))
        .bind(int(head.seq))
        .execute(tx.raw())
        .await?;
    Ok(())
}
