//! Payloads in a run: sections, the changes in them, and the ids in the changes.

use super::WireError;
use super::columns::{Column, Pass};
use super::known::Known;
use records::chunk::{self, MAX_COLUMNS, NAMES, Parts, VALUES};
use records::id::{Hash, RecordId};
use records::payload::{self, Body, MAX_SECTIONS, RecordChanges, Section};

/// What a change costs in memory besides its bytes, here and in what is known of it.
const CHANGE_COST: usize = 256;
/// Most changes of one section that are taken apart.
const MAX_CHANGES: usize = 4_096;
/// Most changes that one taken apart depends on.
const MAX_DEPS: usize = 64;
/// Most ids looked for in one change.
const MAX_IDS: usize = 1_024;
const ID_COST: usize = 64;
const COLUMN_COST: usize = 32;
const HEX_LEN: usize = 32;

/// One payload. What it consists of, if that could be told.
pub(super) fn sections(
    p: &mut impl Pass,
    known: &mut Known,
    bytes: &mut Vec<u8>,
) -> Result<Option<Vec<Section>>, WireError> {
    let sections = payload::decode(bytes).ok();
    let sections = sections.filter(|sections| payload::encode(sections) == *bytes);
    if !p.flag(sections.is_some())? {
        p.bytes(Column::Text, bytes)?;
        return Ok(None);
    }
    let mut sections = sections.unwrap_or_default();
    let count = p.count(sections.len(), MAX_SECTIONS, size_of::<Section>())?;
    sections.resize(count, Section::Erased(Hash::default()));
    for section in &mut sections {
        let is_present = matches!(section, Section::Present { .. });
        if p.flag(is_present)? && !is_present {
            *section = Section::Present {
                salt: [0; 16],
                body: Vec::new(),
            };
        }
        match section {
            Section::Present { salt, body: bytes } => {
                p.noise(salt)?;
                body(p, known, bytes)?;
            }
            Section::Erased(hash) => p.noise(&mut hash.0)?,
        }
    }
    *bytes = payload::encode(&sections);
    Ok(Some(sections))
}

fn body(p: &mut impl Pass, known: &mut Known, bytes: &mut Vec<u8>) -> Result<(), WireError> {
    let record = match Body::decode(bytes) {
        Ok(Body::Record(record)) if record.changes.len() <= MAX_CHANGES => Some(record),
        _ => None,
    };
    if !p.flag(record.is_some())? {
        return p.bytes(Column::Text, bytes);
    }
    let mut record = record.unwrap_or_else(|| RecordChanges {
        record: RecordId::default(),
        kind: String::new(),
        table_version: 0,
        changes: Vec::new(),
    });
    known.id(p, Column::Record, &mut record.record.0)?;
    let mut kind = record.kind.into_bytes();
    p.bytes(Column::Word, &mut kind)?;
    record.kind = String::from_utf8(kind).map_err(|_| WireError::Malformed)?;
    let mut version = u64::from(record.table_version);
    p.uint(Column::Head, &mut version)?;
    record.table_version = u16::try_from(version).map_err(|_| WireError::Malformed)?;
    let count = p.count(record.changes.len(), MAX_CHANGES, CHANGE_COST)?;
    record.changes.resize(count, Vec::new());
    for bytes in &mut record.changes {
        change(p, known, record.record, bytes)?;
    }
    *bytes = Body::Record(record).encode();
    Ok(())
}

fn change(
    p: &mut impl Pass,
    known: &mut Known,
    record: RecordId,
    bytes: &mut Vec<u8>,
) -> Result<(), WireError> {
    let ours = |parts: &Parts| parts.actor.len() == 16 && parts.deps.len() <= MAX_DEPS;
    let parts = chunk::take_apart(bytes).filter(ours);
    if !p.flag(parts.is_some())? {
        return p.bytes(Column::Text, bytes);
    }
    let mut parts = parts.unwrap_or_default();
    let count = p.count(parts.deps.len(), MAX_DEPS, 0)?;
    parts.deps.resize(count, Hash::default());
    for dep in &mut parts.deps {
        known.dep(p, record, dep)?;
    }
    let mut actor: [u8; 16] = parts.actor.try_into().unwrap_or_default();
    known.id(p, Column::Place, &mut actor)?;
    parts.actor = actor.to_vec();
    p.near(Column::Head, &mut parts.seq, known.next_of(&actor))?;
    p.bytes(Column::About, &mut parts.about)?;
    let count = p.count(parts.columns.len(), MAX_COLUMNS, COLUMN_COST)?;
    parts.columns.resize(count, (0, Vec::new()));
    for (spec, bytes) in &mut parts.columns {
        p.uint(Column::Spec, spec)?;
        match *spec {
            NAMES => text(p, known, Column::Word, bytes)?,
            VALUES => text(p, known, Column::Text, bytes)?,
            _ => p.bytes(Column::Operations, bytes)?,
        }
    }
    p.bytes(Column::Text, &mut parts.rest)?;
    let (whole, hash) = chunk::put_together(&parts);
    known.learn_change(record, hash, actor, parts.seq);
    *bytes = whole;
    Ok(())
}

/// Bytes with ids in them, as hex: the items of entries fields and attachments are named so.
fn text(
    p: &mut impl Pass,
    known: &mut Known,
    column: Column,
    bytes: &mut Vec<u8>,
) -> Result<(), WireError> {
    let (mut pieces, mut tail) = split(bytes);
    let count = p.count(pieces.len(), MAX_IDS, ID_COST)?;
    pieces.resize(count, (Vec::new(), [0; 16]));
    bytes.clear();
    for (before, id) in &mut pieces {
        p.bytes(column, before)?;
        known.id(p, Column::Item, id)?;
        bytes.append(before);
        for byte in id {
            bytes.extend([
                DIGITS[usize::from(*byte >> 4)],
                DIGITS[usize::from(*byte & 15)],
            ]);
        }
    }
    p.bytes(column, &mut tail)?;
    bytes.append(&mut tail);
    Ok(())
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// An id, and what stands before it.
type Piece = (Vec<u8>, [u8; 16]);

/// Each id, and what follows the last.
fn split(bytes: &[u8]) -> (Vec<Piece>, Vec<u8>) {
    let (mut pieces, mut begin, mut at) = (Vec::new(), 0, 0);
    while at + HEX_LEN <= bytes.len() && pieces.len() < MAX_IDS {
        let window = &bytes[at..at + HEX_LEN];
        match window.iter().rposition(|byte| digit(*byte).is_none()) {
            Some(other) => at += other + 1,
            None => {
                let mut id = [0; 16];
                for (byte, pair) in id.iter_mut().zip(window.chunks(2)) {
                    let value = |digit_at: usize| digit(pair[digit_at]).unwrap_or_default();
                    *byte = value(0) << 4 | value(1);
                }
                pieces.push((bytes[begin..at].to_vec(), id));
                at += HEX_LEN;
                begin = at;
            }
        }
    }
    (pieces, bytes[begin..].to_vec())
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
