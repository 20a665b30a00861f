//! Runs of bundles, each of one journal, as they cross the line in one frame: without what the
//! receiver can compute.
//!
//! Left out are the hashes of bundles that came before, payload roots and lengths, sequence
//! numbers, the checksums and dependencies of changes, and every id that came before; clocks are
//! written as differences. The bundles of all runs follow one another by their clocks, so that
//! what one names has mostly come before it. What is left is sorted by kind ([`super::columns`])
//! and compressed, but for what is random: signatures, salts, new ids. The receiver rebuilds the
//! exact signed bytes. It trusts nothing here: bytes that were rebuilt wrongly carry a wrong
//! signature.

use super::columns::{Column, Pass, Reader, Writer};
use super::known::Known;
use super::sections::sections;
use super::stream::Carried;
use super::{Lane, MAX_BUNDLES, MAX_MESSAGE_LEN, MAX_RUNS, Run, WireError, weight};
use records::bundle::{self, Bundle, Head, Header};
use records::id::{Hash, JournalId};
use records::payload::{self, Section};

/// Most heads of other journals that one header names here; one with more is sent as it is.
const MAX_DEPS: usize = 256;
/// What a bundle costs in memory besides its bytes.
const BUNDLE_COST: usize = size_of::<Bundle>() + 64;
/// What a run costs in memory besides its bundles.
const RUN_COST: usize = size_of::<Run>() + size_of::<Header>();

/// [`super::Frame::Bundles`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Batch {
    pub(super) runs: Vec<Run>,
    pub(super) lane: Lane,
}

/// What compresses of a batch, and what does not. It builds on `stream`, or stands alone.
pub(super) fn write(
    batch: &Batch,
    stream: Option<&Carried>,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), WireError> {
    let len = |run: &Run| weight(&run.bundles);
    if batch.runs.iter().map(len).sum::<usize>() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    for as_they_are in [false, true] {
        let (mut copy, mut writer) = (batch.clone(), Writer::new());
        let written = pass(&mut writer, &mut copy, stream, as_they_are);
        // What passed is what the other side rebuilds. It never differs, but if it did the
        // journal would stand still for ever.
        if written.is_ok() && copy == *batch {
            return Ok(writer.finish());
        }
    }
    Err(WireError::TooLong)
}

/// The batch in such bytes, and whether it stands alone.
pub(super) fn read(
    plain: &[u8],
    noise: &[u8],
    stream: Option<&Carried>,
) -> Result<(Batch, bool), WireError> {
    let mut reader = Reader::new(plain, noise)?;
    let mut batch = Batch::default();
    let builds_on = pass(&mut reader, &mut batch, stream, false)?;
    reader.finish()?;
    Ok((batch, !builds_on))
}

/// Says whether the batch builds on its stream.
fn pass(
    p: &mut impl Pass,
    batch: &mut Batch,
    stream: Option<&Carried>,
    as_they_are: bool,
) -> Result<bool, WireError> {
    let bulk = p.flag(batch.lane == Lane::Bulk)?;
    batch.lane = if bulk { Lane::Bulk } else { Lane::Live };
    let as_they_are = p.flag(as_they_are)?;
    let builds_on = p.flag(stream.is_some())?;
    let mut known = Known::new(stream.filter(|_| builds_on));
    // To a reader it says nothing yet.
    let order = order(&batch.runs);
    let all = runs(p, &mut known, &mut batch.runs)?;
    let mut before: Vec<Before> = batch.runs.iter().map(Before::new).collect();
    for at in 0..all {
        let mut which = order.get(at).copied().unwrap_or_default();
        p.uint(Column::Run, &mut which)?;
        let which = usize::try_from(which).map_err(|_| WireError::Malformed)?;
        let before = before.get_mut(which).ok_or(WireError::Malformed)?;
        let bundles = &mut batch.runs[which].bundles;
        let bundle = bundles.get_mut(before.passed).ok_or(WireError::Malformed)?;
        p.noise(&mut bundle.signature)?;
        if as_they_are {
            p.bytes(Column::Text, &mut bundle.payload)?;
            p.bytes(Column::Text, &mut bundle.header)?;
        } else {
            let sections = sections(p, &mut known, &mut bundle.payload)?;
            header(p, &mut known, before, bundle, sections.as_deref())?;
        }
        before.passed += 1;
    }
    Ok(builds_on)
}

/// Where the runs begin and how long they are; returns how many bundles they have together.
fn runs(p: &mut impl Pass, known: &mut Known, runs: &mut Vec<Run>) -> Result<usize, WireError> {
    let count = p.count(runs.len(), MAX_RUNS, RUN_COST)?;
    runs.resize_with(count, || Run {
        journal: JournalId::INSTITUTION,
        after: 0,
        bundles: Vec::new(),
    });
    let mut all = 0;
    for run in runs {
        known.site(p, &mut run.journal.site)?;
        small(p, &mut run.journal.incarnation)?;
        p.near(Column::Head, &mut run.after, known.seq_of(run.journal))?;
        let count = p.count(run.bundles.len(), MAX_BUNDLES - all, BUNDLE_COST)?;
        run.after
            .checked_add(count as u64)
            .ok_or(WireError::TooLong)?;
        run.bundles.resize_with(count, || Bundle {
            header: Vec::new(),
            payload: Vec::new(),
            signature: [0; 64],
        });
        all += count;
    }
    Ok(all)
}

/// The runs from which the bundles come, one after another, by their clocks.
fn order(runs: &[Run]) -> Vec<u64> {
    let mut places = Vec::new();
    for (at, run) in (0..).zip(runs) {
        let mut clock = 0;
        for bundle in &run.bundles {
            clock = bundle.decode_header().map_or(clock, |h| clock.max(h.hlc));
            places.push((clock, at));
        }
    }
    places.sort_by_key(|(clock, _)| *clock);
    places.into_iter().map(|(_, at)| at).collect()
}

/// What the bundles of a run so far say about the next.
struct Before {
    /// How many there were.
    passed: usize,
    /// The last header, with the sequence number the next one has.
    header: Header,
}

impl Before {
    fn new(run: &Run) -> Self {
        Self {
            passed: 0,
            header: Header::blank(run.journal, run.after.saturating_add(1)),
        }
    }
}

fn header(
    p: &mut impl Pass,
    known: &mut Known,
    before: &mut Before,
    bundle: &mut Bundle,
    sections: Option<&[Section]>,
) -> Result<(), WireError> {
    let last = &before.header;
    let journal = last.journal();
    // As far as the receiver knows when it gets here.
    let due = Header {
        prev: known.hash_of(journal, last.seq.saturating_sub(1)),
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
        fields(p, known, &mut header, &due, last)?;
        bundle.header = minicbor::to_vec(&header).expect("encoding into a Vec cannot fail");
        p.spend(bundle.header.len())?;
        before.header = Header {
            deps: Vec::new(),
            assurance: Vec::new(),
            ..header
        };
    } else {
        p.bytes(Column::Text, &mut bundle.header)?;
    }
    let passed = Head {
        journal,
        seq: due.seq,
        hash: bundle.hash(),
    };
    before.header.seq = due.seq.saturating_add(1);
    known.learn_bundle(p, passed)
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

/// Mostly the last bundles of other journals.
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
        expected(p, &mut dep.hash, known.hash_of(dep.journal, dep.seq))?;
        known.learn_bundle(p, *dep)?;
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
