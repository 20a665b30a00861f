//! The anchor of `reconnect` and `missing`: Automerge's own sync protocol, a record at a time.

use anyhow::{Result, bail};
use automerge::sync::{State, SyncDoc as _};
use automerge::{Automerge, Change};
use records::id::RecordId;
use records::payload::{self, Body, RecordChanges, Section};
use std::collections::BTreeMap;
use tests::history::{History, Plan};

/// Documents of a history at two sites; the second lacks the last `lacking` bundles. With some
/// lacking, only documents that differ.
pub(crate) fn documents(plan: Plan, lacking: usize) -> Result<Vec<[Automerge; 2]>> {
    let bundles: Vec<_> = History::new(plan).collect();
    let whole = bundles.len() - lacking.min(bundles.len());
    let mut documents: BTreeMap<RecordId, ([Automerge; 2], bool)> = BTreeMap::new();
    for (at, bundle) in bundles.iter().enumerate() {
        for section in sections(&bundle.payload)? {
            let (pair, differs) = documents
                .entry(section.record)
                .or_insert_with(|| ([Automerge::new(), Automerge::new()], false));
            for change in &section.changes {
                let change = Change::try_from(change.as_slice())?;
                pair[0].apply_changes([change.clone()])?;
                match at < whole {
                    true => pair[1].apply_changes([change])?,
                    false => *differs = true,
                }
            }
        }
    }
    let wanted = documents
        .into_values()
        .filter(|(_, differs)| *differs || lacking == 0);
    Ok(wanted.map(|(pair, _)| pair).collect())
}

fn sections(bytes: &[u8]) -> Result<Vec<RecordChanges>> {
    let Ok(sections) = payload::decode(bytes) else {
        bail!("a payload of the history");
    };
    let bodies = sections.iter().filter_map(|section| match section {
        Section::Present { body, .. } => Body::decode(body).ok(),
        Section::Erased(_) => None,
    });
    Ok(bodies
        .filter_map(|body| match body {
            Body::Record(section) => Some(section),
            _ => None,
        })
        .collect())
}

/// Bytes of all messages until every pair is equal, each beginning with fresh state.
pub(crate) fn sync(documents: Vec<[Automerge; 2]>) -> Result<u64> {
    let mut bytes = 0;
    for [mut one, mut other] in documents {
        let (mut to_other, mut to_one) = (State::new(), State::new());
        loop {
            let there = one.generate_sync_message(&mut to_other);
            let back = other.generate_sync_message(&mut to_one);
            if there.is_none() && back.is_none() {
                break;
            }
            if let Some(message) = there {
                bytes += message.clone().encode().len() as u64;
                other.receive_sync_message(&mut to_one, message)?;
            }
            if let Some(message) = back {
                bytes += message.clone().encode().len() as u64;
                one.receive_sync_message(&mut to_other, message)?;
            }
        }
        if one.get_heads() != other.get_heads() {
            bail!("Automerge's sync left two documents different");
        }
    }
    Ok(bytes)
}
