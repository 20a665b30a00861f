//! Giving numbers on forms ([`records::number`]): the next one of a site's own series.

use crate::action::Writer;
use crate::error::StoreError;
use crate::tx::Tx;
use records::number::Series;
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;
/// Asia/Shanghai has been UTC+8 without daylight saving since 1991.
pub(crate) const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// The year of `wall_ms` in Asia/Shanghai (civil-from-days, proleptic Gregorian).
fn year(wall_ms: i64) -> i64 {
    let days = (wall_ms.saturating_add(SHANGHAI_MS)).div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // The count starts in March: January and February belong to the next civil year.
    let next = i64::from((5 * day_of_year + 2) / 153 >= 10);
    era * 400 + year + next
}

/// First and one-past-last ms of a local day given as days since 1970-01-01.
pub(crate) fn day_bounds(day: i64) -> (i64, i64) {
    let begin = day.saturating_mul(DAY_MS).saturating_sub(SHANGHAI_MS);
    (begin, begin.saturating_add(DAY_MS))
}

/// The series a new record of this site counts in.
pub(crate) fn series(writer: &Writer, prefix: &str, wall_ms: i64) -> String {
    let series = Series {
        code: &writer.code,
        prefix,
        incarnation: writer.journal.incarnation,
    };
    series.in_year(year(wall_ms))
}

/// Numbers taken by actions that are not written yet; the counter itself rises with the record's
/// projection.
#[derive(Clone, Default)]
pub(crate) struct Numbers(BTreeMap<String, i64>);

impl Numbers {
    pub(crate) async fn next(
        &mut self,
        tx: &mut Tx<'_>,
        series: String,
    ) -> Result<String, StoreError> {
        let last = match self.0.get(&series) {
            Some(last) => *last,
            None => last(tx, &series).await?,
        };
        let next = last + 1;
        let number = format!("{series}-{next:06}");
        self.0.insert(series, next);
        Ok(number)
    }
}

async fn last(tx: &mut Tx<'_>, series: &str) -> Result<i64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("select last from counter where series = $1")
        .bind(series)
        .fetch_optional(tx.raw())
        .await?;
    // A replay counts anew in the pile, without the numbers of erased records.
    Ok(last.max(tx.pile.counted(series)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_turns_at_midnight_in_shanghai() {
        // 2026-12-31 15:59:59.999 UTC and one ms later.
        let turn = 1_798_732_800_000;
        assert_eq!((year(turn - 1), year(turn)), (2026, 2027));
        assert_eq!((year(0), year(951_782_400_000)), (1970, 2000));
    }

    #[test]
    fn a_local_day_begins_at_sixteen_utc_the_day_before() {
        assert_eq!(day_bounds(0), (-28_800_000, 57_600_000));
    }
}
