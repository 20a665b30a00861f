//! A run of bundles of one journal as it crosses the line: without what the receiver can compute.
//!
//! Left out are the hash of the predecessor, payload roots and lengths, sequence numbers, the
//! checksums and dependencies of changes, and every id that came before; clocks are written as
//! differences. What is left is sorted by kind ([`super::columns`]) and compressed, but for what
//! is random: signatures, salts, new ids. The receiver rebuilds the exact signed bytes. It trusts
//! nothing here: bytes that were rebuilt wrongly carry a wrong signature.

use super::columns::{Column, Pass, Reader, Writer};
use super::known::Known;
use super::sections::sections;
use super::{Lane, MAX_BUNDLES, MAX_MESSAGE_LEN, WireError};
use records::bundle::{self, Bundle, Head, Header};
use records::id::{Hash, JournalId};
use records::payload::{self, Section};

/// Most heads of other journals that one header names here; one with more is sent as it is.
const MAX_DEPS: usize = 256;
/// What a bundle costs in memory besides its bytes.
const BUNDLE_COST: usize = size_of::<Bundle>() + 64;

/// [`super::Frame::Bundles`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) journal: JournalId,
    pub(super) after: u64,
    pub(super) bundles: Vec<Bundle>,
    pub(super) lane: Lane,
}

/// What compresses of a run, and what does not.
pub(super) fn write(run: &Run) -> Result<(Vec<u8>, Vec<u8>), WireError> {
    let len = |bundle: &Bundle| bundle.header.len() + bundle.payload.len() + 64;
    if run.bundles.iter().map(len).sum::<usize>() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    for as_they_are in [false, true] {
        let (mut copy, mut writer) = (run.clone(), Writer::new());
        let written = pass(&mut writer, &mut copy, as_they_are);
        // What passed is what the other side rebuilds. It never differs, but if it did the
        // journal would stand still for ever.
        if written.is_ok() && copy == *run {
            return Ok(writer.finish());
        }
    }
    Err(WireError::TooLong)
}

/// The run in such bytes.
pub(super) fn read(plain: &[u8], noise: &[u8]) -> Result<Run, WireError> {
    let mut reader = Reader::new(plain, noise)?;
    let mut run = Run {
        journal: JournalId::INSTITUTION,
        after: 0,
        bundles: Vec::new(),
        lane: Lane::default(),
    };
    pass(&mut reader, &mut run, false)?;
    reader.finish()?;
    Ok(run)
}

fn pass(p: &mut impl Pass, run: &mut Run, as_they_are: bool) -> Result<(), WireError> {
    p.noise(&mut run.journal.site.0)?;
    small(p, &mut run.journal.incarnation)?;
    p.uint(Column::Head, &mut run.after)?;
    let bulk = p.flag(run.lane == Lane::Bulk)?;
    run.lane = if bulk { Lane::Bulk } else { Lane::Live };
    let as_they_are = p.flag(as_they_are)?;
    let count = p.count(run.bundles.len(), MAX_BUNDLES, BUNDLE_COST)?;
    run.after
        .checked_add(count as u64)
        .ok_or(WireError::TooLong)?;
    run.bundles.resize_with(count, || Bundle {
        header: Vec::new(),
        payload: Vec::new(),
        signature: [0; 64],
    });
    let mut before = Before {
        known: Known::default(),
        header: first(run),
        head: None,
    };
    for bundle in &mut run.bundles {
        p.noise(&mut bundle.signature)?;
        if as_they_are {
            p.bytes(Column::Text, &mut bundle.payload)?;
            p.bytes(Column::Text, &mut bundle.header)?;
        } else {
            let sections = sections(p, &mut before.known, &mut bundle.payload)?;
            header(p, &mut before, bundle, sections.as_deref())?;
        }
    }
    Ok(())
}

/// What the bundles so far say about the next.
struct Before {
    known: Known,
    /// The last header, with the sequence number the next one has.
    header: Header,
    /// The hash of the last header.
    head: Option<Hash>,
}

/// What the first header is compared with.
fn first(run: &Run) -> Header {
    Header::blank(run.journal, run.after.saturating_add(1))
}

fn header(
    p: &mut impl Pass,
    before: &mut Before,
    bundle: &mut Bundle,
    sections: Option<&[Section]>,
) -> Result<(), WireError> {
    let last = &before.header;
    // As far as the receiver knows when it gets here.
    let due = Header {
        prev: before.head.unwrap_or_default(),
        deps: Vec::new(),
        action: Default::default(),
        payload_root: sections.map(payload::root).unwrap_or_default(),
        payload_len: u32::try_from(bundle.payload.len()).unwrap_or_default(),
        ..last.clone()
    };
    let readable = bundle::decode_header(&bundle.header).ok().filter(|header| {
        let same = |h: &Header| (h.version, h.suite, h.site, h.incarnation, h.seq);
        same(header) == same(&due) && header.deps.len() <= MAX_DEPS
    });
    if p.flag(readable.is_some())? {
        let mut header = readable.unwrap_or_else(|| due.clone());
        fields(p, &mut before.known, &mut header, &due, last)?;
        bundle.header = minicbor::to_vec(&header).expect("encoding into a Vec cannot fail");
        before.header = header;
    } else {
        p.bytes(Column::Text, &mut bundle.header)?;
    }
    before.header.seq = due.seq.saturating_add(1);
    before.head = Some(bundle.hash());
    Ok(())
}

fn fields(
    p: &mut impl Pass,
    known: &mut Known,
    h: &mut Header,
    due: &Header,
    last: &Header,
) -> Result<(), WireError> {
    known.id(p, Column::Place, &mut h.institution.0)?;
    expected(p, &mut h.prev, due.prev)?;
    expected(p, &mut h.payload_root, due.payload_root)?;
    near_small(p, &mut h.payload_len, due.payload_len)?;
    deps(p, known, &mut h.deps)?;
    let mut wall = h.wall_ms.cast_unsigned();
    p.near(Column::Clock, &mut wall, last.wall_ms.cast_unsigned())?;
    h.wall_ms = wall.cast_signed();
    // A hybrid clock mostly runs with the wall clock.
    let (mut hlc_ms, mut counter) = (h.hlc >> 16, h.hlc & 0xffff);
    p.near(Column::Head, &mut hlc_ms, wall)?;
    p.uint(Column::Head, &mut counter)?;
    h.hlc = hlc_ms << 16 | counter & 0xffff;
    let passed = wall.wrapping_sub(last.wall_ms.cast_unsigned());
    let uptime = last.uptime_ms.wrapping_add(passed);
    p.near(Column::Head, &mut h.uptime_ms, uptime)?;
    h.hub_offset_ms = if p.flag(h.hub_offset_ms.is_some())? {
        let mut offset = h.hub_offset_ms.unwrap_or_default().cast_unsigned();
        let guess = last.hub_offset_ms.unwrap_or_default().cast_unsigned();
        p.near(Column::Head, &mut offset, guess)?;
        Some(offset.cast_signed())
    } else {
        None
    };
    known.id(p, Column::Account, &mut h.account.0)?;
    known.id(p, Column::Place, &mut h.terminal.0)?;
    if p.flag(h.action == last.action)? {
        h.action = last.action;
    } else {
        p.noise(&mut h.action.0)?;
    }
    known.id(p, Column::Place, &mut h.scope.0)?;
    p.bytes(Column::Text, &mut h.assurance)?;
    near_small(p, &mut h.part, due.part)?;
    near_small(p, &mut h.parts, due.parts)?;
    near_small(p, &mut h.key_id, due.key_id)
}

/// Bytes that are mostly what is expected.
fn expected(p: &mut impl Pass, value: &mut Hash, due: Hash) -> Result<(), WireError> {
    if p.flag(*value == due)? {
        *value = due;
        Ok(())
    } else {
        p.noise(&mut value.0)
    }
}

fn deps(p: &mut impl Pass, known: &mut Known, deps: &mut Vec<Head>) -> Result<(), WireError> {
    let none = Head {
        journal: JournalId::INSTITUTION,
        seq: 0,
        hash: Hash::default(),
    };
    let count = p.count(deps.len(), MAX_DEPS, size_of::<Head>())?;
    deps.resize(count, none);
    for dep in deps {
        known.site(p, &mut dep.journal.site)?;
        small(p, &mut dep.journal.incarnation)?;
        p.near(Column::Head, &mut dep.seq, known.seq_of(dep.journal))?;
        known.learn_seq(dep.journal, dep.seq);
        p.noise(&mut dep.hash.0)?;
    }
    Ok(())
}

/// A number of fewer bits.
fn small<T: Copy + Into<u64> + TryFrom<u64>>(
    p: &mut impl Pass,
    value: &mut T,
) -> Result<(), WireError> {
    let mut wide = (*value).into();
    p.uint(Column::Head, &mut wide)?;
    *value = T::try_from(wide).map_err(|_| WireError::Malformed)?;
    Ok(())
}

fn near_small<T: Copy + Into<u64> + TryFrom<u64>>(
    p: &mut impl Pass,
    value: &mut T,
    guess: T,
) -> Result<(), WireError> {
    let mut wide = (*value).into();
    p.near(Column::Head, &mut wide, guess.into())?;
    *value = T::try_from(wide).map_err(|_| WireError::Malformed)?;
    Ok(())
}

#[cfg(test)]
mod tests;
