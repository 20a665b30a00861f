//! The column-oriented operations of a change, counted without being decoded.

use super::cursor::Cursor;
use super::{MAX_NAMES_LEN, MAX_OPS, PrescanError};

/// A change has at most one of each known column.
pub(crate) const MAX_COLUMNS: usize = 16;
const DEFLATE_BIT: u64 = 0b1000;

/// Column specifications of Automerge 0.12.0: id << 4 | type.
pub(crate) mod spec {
    pub(crate) const OBJ_ACTOR: u64 = 1;
    pub(crate) const OBJ_COUNTER: u64 = 2;
    pub(crate) const KEY_ACTOR: u64 = 1 << 4 | 1;
    pub(crate) const KEY_COUNTER: u64 = 1 << 4 | 3;
    pub(crate) const KEY_STRING: u64 = 1 << 4 | 5;
    pub(crate) const INSERT: u64 = 3 << 4 | 4;
    pub(crate) const ACTION: u64 = 4 << 4 | 2;
    pub(crate) const VALUE_META: u64 = 5 << 4 | 6;
    pub(crate) const VALUE: u64 = 5 << 4 | 7;
    pub(crate) const PRED_COUNT: u64 = 7 << 4;
    pub(crate) const PRED_ACTOR: u64 = 7 << 4 | 1;
    pub(crate) const PRED_COUNTER: u64 = 7 << 4 | 3;
    pub(crate) const EXPAND: u64 = 9 << 4 | 4;
    pub(crate) const MARK_NAME: u64 = 10 << 4 | 5;
}

/// The columns of a change: specification and bytes, in ascending order of specification.
pub(super) struct Columns<'a>(Vec<(u64, &'a [u8])>);

/// Rows of one column, and the sum of what its values stand for.
#[derive(Default)]
struct Tally {
    rows: u64,
    sum: u64,
}

impl<'a> Columns<'a> {
    /// Reads the column metadata and takes the column data behind it.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, PrescanError> {
        let count = cursor.count(MAX_COLUMNS).ok_or(PrescanError::Column)??;
        let mut lens: Vec<(u64, u64)> = Vec::new();
        for _ in 0..count {
            let spec = cursor.uint()?;
            if spec & DEFLATE_BIT != 0 {
                return Err(PrescanError::Deflated);
            }
            if lens.last().is_some_and(|(last, _)| *last >= spec) {
                return Err(PrescanError::Column);
            }
            lens.push((spec, cursor.uint()?));
        }
        let columns = lens.into_iter();
        columns
            .map(|(spec, len)| Ok((spec, cursor.take(len)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn into_all(self) -> Vec<(u64, &'a [u8])> {
        self.0
    }

    fn get(&self, spec: u64) -> &'a [u8] {
        let found = self.0.iter().find(|(found, _)| *found == spec);
        found.map_or(&[], |(_, bytes)| bytes)
    }

    /// Counts the operations; `actors` is how many actors the change lists.
    pub(super) fn count(&self, actors: u64) -> Result<u64, PrescanError> {
        let ops = uints(self.get(spec::ACTION), u64::MAX)?.rows;
        if ops == 0 {
            return Err(PrescanError::Empty);
        }
        let values = self.tally(spec::VALUE_META, actors)?;
        let preds = self.tally(spec::PRED_COUNT, actors)?;
        if preds.sum > MAX_OPS {
            return Err(PrescanError::TooManyOps);
        }
        for names in [spec::KEY_STRING, spec::MARK_NAME] {
            if self.tally(names, actors)?.sum > MAX_NAMES_LEN {
                return Err(PrescanError::TooManyNames);
            }
        }
        for (spec, bytes) in &self.0 {
            let rows = match *spec {
                // Values have no rows: what their lengths add up to must be there.
                spec::VALUE if bytes.len() as u64 == values.sum => continue,
                spec::VALUE => return Err(PrescanError::Mismatch),
                spec::PRED_ACTOR | spec::PRED_COUNTER => preds.sum,
                _ => ops,
            };
            // An encoder leaves a column out when it has nothing but nulls.
            let found = self.tally(*spec, actors)?.rows;
            if found != rows && !(found == 0 && bytes.is_empty()) {
                return Err(PrescanError::Mismatch);
            }
        }
        let lone_values = values.sum > 0 && self.get(spec::VALUE).is_empty();
        let lone_preds = preds.sum > 0
            && (self.get(spec::PRED_ACTOR).is_empty() || self.get(spec::PRED_COUNTER).is_empty());
        if lone_values || lone_preds {
            return Err(PrescanError::Mismatch);
        }
        Ok(ops)
    }

    fn tally(&self, spec: u64, actors: u64) -> Result<Tally, PrescanError> {
        let bytes = self.get(spec);
        match spec {
            spec::OBJ_ACTOR | spec::KEY_ACTOR | spec::PRED_ACTOR => uints(bytes, actors - 1),
            spec::OBJ_COUNTER | spec::ACTION | spec::PRED_COUNT => uints(bytes, u64::MAX),
            spec::KEY_COUNTER | spec::PRED_COUNTER => runs(bytes, |cursor| cursor.int().map(|_| 0)),
            spec::KEY_STRING | spec::MARK_NAME => runs(bytes, text),
            // The low four bits are the type, the rest is the length.
            spec::VALUE_META => runs(bytes, |cursor| cursor.uint().map(|meta| meta >> 4)),
            spec::INSERT | spec::EXPAND => booleans(bytes),
            _ => Err(PrescanError::Column),
        }
    }
}

fn uints(bytes: &[u8], max: u64) -> Result<Tally, PrescanError> {
    runs(bytes, |cursor| {
        let value = cursor.uint()?;
        if value > max {
            return Err(PrescanError::Actors);
        }
        Ok(value)
    })
}

/// The length of a text.
fn text(cursor: &mut Cursor<'_>) -> Result<u64, PrescanError> {
    let len = cursor.uint()?;
    std::str::from_utf8(cursor.take(len)?)
        .map(|_| len)
        .map_err(|_| PrescanError::Text)
}

/// A run-length encoded column: `n > 0` repeats one value, `n < 0` lists `-n` values, and 0 is
/// followed by a number of nulls. `value` reads one value and says what to add up.
fn runs(
    bytes: &[u8],
    mut value: impl FnMut(&mut Cursor<'_>) -> Result<u64, PrescanError>,
) -> Result<Tally, PrescanError> {
    let mut cursor = Cursor::new(bytes);
    let mut tally = Tally::default();
    while !cursor.is_empty() {
        let run = cursor.int()?;
        let (rows, sum) = match run.signum() {
            1 => {
                let rows = run.unsigned_abs();
                let one = value(&mut cursor)?;
                (rows, rows.checked_mul(one).ok_or(PrescanError::TooManyOps)?)
            }
            -1 => {
                let rows = run.unsigned_abs();
                if rows > MAX_OPS {
                    return Err(PrescanError::TooManyOps);
                }
                let mut sum = 0u64;
                for _ in 0..rows {
                    let one = value(&mut cursor)?;
                    sum = sum.checked_add(one).ok_or(PrescanError::TooManyOps)?;
                }
                (rows, sum)
            }
            _ => match cursor.uint()? {
                0 => return Err(PrescanError::Run),
                nulls => (nulls, 0),
            },
        };
        tally.add(rows, sum)?;
    }
    Ok(tally)
}

/// Alternating counts of false and true; only the first may be zero.
fn booleans(bytes: &[u8]) -> Result<Tally, PrescanError> {
    let mut cursor = Cursor::new(bytes);
    let mut tally = Tally::default();
    let mut first = true;
    while !cursor.is_empty() {
        let rows = cursor.uint()?;
        if rows == 0 && !first {
            return Err(PrescanError::Run);
        }
        first = false;
        tally.add(rows, 0)?;
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, rows: u64, sum: u64) -> Result<(), PrescanError> {
        self.rows = self.rows.saturating_add(rows);
        self.sum = self.sum.saturating_add(sum);
        if self.rows > MAX_OPS {
            return Err(PrescanError::TooManyOps);
        }
        Ok(())
    }
}
