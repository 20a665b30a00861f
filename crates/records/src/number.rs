//! Numbers on forms: site code, kind, year, letters of the incarnation if it is not the first,
//! counter, as in `EJ2026b-000012`.

/// What stands before the year and after it: the series a number counts in, without its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series<'a> {
    /// The site's code, from its enrolment.
    pub code: &'a str,
    /// The kind's letter ([`crate::field::KindTable::number_prefix`]).
    pub prefix: &'a str,
    /// The journal's incarnation.
    pub incarnation: u32,
}

impl Series<'_> {
    /// The series in a year, such as `EJ2026`. The second incarnation writes `EJ2026b`, the 26th
    /// `EJ2026z`, the 27th `EJ2026aa`: no number is ever given twice, and what stands beside the
    /// year says that numbering began again.
    #[must_use]
    pub fn in_year(&self, year: i64) -> String {
        let suffix = suffix(self.incarnation);
        format!("{}{}{year}{suffix}", self.code, self.prefix)
    }

    /// Whether `number` is one of this series, in any year.
    #[must_use]
    pub fn has(&self, number: &str) -> bool {
        let year = number.strip_prefix(self.code);
        let Some(year) = year.and_then(|rest| rest.strip_prefix(self.prefix)) else {
            return false;
        };
        let (year, rest) = year.split_at(digits(year));
        let counter = rest.strip_prefix(suffix(self.incarnation).as_str());
        let Some(counter) = counter.and_then(|rest| rest.strip_prefix('-')) else {
            return false;
        };
        year.len() == 4 && !counter.is_empty() && digits(counter) == counter.len()
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Letters for an incarnation, as spreadsheets name columns; none for the first.
fn suffix(incarnation: u32) -> String {
    let mut letters = Vec::new();
    let mut left = if incarnation <= 1 { 0 } else { incarnation };
    while left > 0 {
        let letter = u8::try_from((left - 1) % 26).expect("below 26");
        letters.push(char::from(b'a' + letter));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_incarnations_are_told_by_letters_after_the_year() {
        let suffixes = [0, 1, 2, 26, 27, 28, 53, 101].map(suffix);
        assert_eq!(suffixes, ["", "", "b", "z", "aa", "ab", "ba", "cw"]);
    }

    #[test]
    fn a_number_belongs_to_the_site_the_kind_and_the_incarnation_that_give_it() {
        let series = |code, prefix, incarnation| Series {
            code,
            prefix,
            incarnation,
        };
        let first = series("E", "", 1);
        assert!(first.has("E2026-000001") && first.has("E2026-1000000"));
        assert!(series("E", "J", 1).has("EJ2026-000012"));
        assert!(series("E", "", 2).has(&format!("{}-000001", series("E", "", 2).in_year(2026))));
        for other in [
            "W2026-000001",
            "EJ2026-000001",
            "E2026b-000001",
            "E2026-",
            "E2026",
            "E-000001",
            "E20260-000001",
            "E2026-00000x",
            "E2026--00001",
            "e2026-000001",
            "",
        ] {
            assert!(!first.has(other), "{other}");
        }
        assert!(!series("E", "", 2).has("E2026-000001"));
        assert!(!series("E", "", 2).has("E2026c-000001"));
    }
}
