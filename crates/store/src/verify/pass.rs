//! The first pass: every bundle once, in journal order, then what is set aside.

use super::check::{self, Keys, Sound};
use super::index::{Index, Witnessed};
use super::source::{Found, Source, Table};
use super::{BadBundle, BadReason, Forked, Name, Progress, Report, VerifyError};
use crate::lane::stem;
use records::bundle::Head;
use records::id::{Hash, InstitutionId, JournalId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The first pass.
pub(super) struct Pass {
    pub(super) expected: Option<InstitutionId>,
    pub(super) keys: Arc<Keys>,
    pub(super) index: Index,
    pub(super) previous: Option<Head>,
    pub(super) progress: Progress,
    pub(super) report: Report,
    pub(super) branches: BTreeSet<Hash>,
    /// Journals with branches, adopted ones included.
    pub(super) forked: BTreeSet<JournalId>,
    /// First bundles of branches that stand beside their journal, and what they follow.
    pub(super) joints: Vec<(Head, Head)>,
    /// Sections whose content is gone, by the institution bundle that says so.
    pub(super) erased: BTreeMap<u64, u64>,
}

impl Pass {
    /// Checks all journals; the institution's comes first, its site id being zero.
    pub(super) async fn journals(
        &mut self,
        source: &mut Source,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<BadBundle>, VerifyError> {
        let mut page = source.journals().await?;
        while !page.is_empty() {
            let split = page
                .iter()
                .position(|found| found.head.journal != JournalId::INSTITUTION);
            let others = page.split_off(split.unwrap_or(page.len()));
            for found in page {
                if let Some(bad) = self.decision(&found)? {
                    return Ok(Some(bad));
                }
            }
            // The next page is read while this one is computed.
            let checking = check::all(others, self.keys.clone());
            let (checked, next) = tokio::join!(checking, source.journals());
            for (found, sound) in checked? {
                if let Some(bad) = self.take(&found, sound)? {
                    return Ok(Some(bad));
                }
            }
            progress(self.progress);
            page = next?;
        }
        Ok(None)
    }

    /// Checks a bundle of the institution journal and lets it count for all that follow.
    fn decision(&mut self, found: &Found) -> Result<Option<BadBundle>, VerifyError> {
        let sound = check::one(found, &self.keys);
        if let Ok(sound) = &sound {
            let institution = sound.header.institution;
            let expected = *self.expected.get_or_insert(institution);
            if institution != expected {
                return Err(VerifyError::OtherInstitution {
                    found: institution,
                    expected,
                });
            }
            self.report.institution = Some(institution);
        }
        let bad = self.take(found, sound)?;
        if bad.is_none()
            && let Some(bundle) = &found.bundle
        {
            Arc::make_mut(&mut self.keys).learn(bundle);
        }
        Ok(bad)
    }

    /// Notes a bundle of a journal after its place was checked.
    fn take(
        &mut self,
        found: &Found,
        sound: Result<Sound, BadReason>,
    ) -> Result<Option<BadBundle>, VerifyError> {
        let last = self.previous;
        // An exported file may name a journal twice; a database cannot.
        if last.is_some_and(|last| last.journal > found.head.journal) {
            return Ok(Some(self.bad(found, u64::MAX, BadReason::Misplaced)));
        }
        let previous = last.filter(|last| last.journal == found.head.journal);
        let expected = previous.map_or((1, Hash::default()), |head| (head.seq + 1, head.hash));
        let journal = stem(found.head.journal);
        let sound = match sound {
            // A branch leaves its journal somewhere; where is known when all is read.
            Ok(sound) if previous.is_none() && journal != found.head.journal => {
                let follows = Head {
                    journal,
                    seq: sound.header.seq.saturating_sub(1),
                    hash: sound.header.prev,
                };
                self.joints.push((found.head, follows));
                sound
            }
            Ok(sound) if (sound.header.seq, sound.header.prev) == expected => sound,
            // A missing bundle is named by its own place, not by the one that follows the gap.
            Ok(_) => return Ok(Some(self.bad(found, expected.0, BadReason::Chain))),
            Err(reason) => return Ok(Some(self.bad(found, expected.0, reason))),
        };
        match previous {
            Some(_) => drop(self.report.heads.pop()),
            None if journal == found.head.journal => self.report.journals += 1,
            None => {
                self.report.adopted += 1;
                self.forked.insert(journal);
            }
        }
        let by = Head {
            journal,
            ..found.head
        };
        self.report.heads.push(by);
        self.report.bundles += 1;
        self.progress.done += 1;
        self.previous = Some(found.head);
        for institution_seq in sound.erased {
            *self.erased.entry(institution_seq).or_default() += 1;
        }
        self.index.add(found.head)?;
        for dep in sound.header.deps {
            self.index.witness(&Witnessed {
                by,
                kept: true,
                dep,
            })?;
        }
        Ok(None)
    }

    fn bad(&self, found: &Found, expected: u64, reason: BadReason) -> BadBundle {
        BadBundle {
            name: Name::of(
                self.keys.trust.as_deref(),
                found.head.journal,
                found.head.seq.min(expected),
            ),
            reason,
        }
    }

    /// Checks that branches beside their journals leave what is held, and that the institution
    /// adopted them when it closed the journal.
    pub(super) fn joints(&mut self) -> Result<Option<BadBundle>, VerifyError> {
        for (first, follows) in std::mem::take(&mut self.joints) {
            let begins = follows.seq == 0 && follows.hash == Hash::default();
            if !begins && !self.index.holds(&follows)? {
                return Ok(Some(BadBundle {
                    name: Name::of(self.keys.trust.as_deref(), first.journal, first.seq),
                    reason: BadReason::Chain,
                }));
            }
        }
        for (beside, (_, last)) in self.index.spans() {
            let journal = stem(beside);
            let closed = self.keys.trust.as_ref();
            let closed = closed
                .and_then(|trust| trust.closed(journal))
                .unwrap_or(&[]);
            let hash = self.index.hash(beside, last)?;
            let adopted = closed
                .iter()
                .any(|head| (head.seq, Some(head.hash)) == (last, hash));
            if beside != journal && !adopted {
                return Ok(Some(BadBundle {
                    name: Name::of(self.keys.trust.as_deref(), journal, last),
                    reason: BadReason::NotAdopted,
                }));
            }
        }
        Ok(None)
    }

    /// Checks what waits for a place, and the branches of forked journals.
    pub(super) async fn aside(
        &mut self,
        source: &mut Source,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<BadBundle>, VerifyError> {
        for table in [Table::Branch, Table::Waiting] {
            source.rewind();
            loop {
                let page = source.aside(table).await?;
                if page.is_empty() {
                    break;
                }
                for (found, sound) in check::all(page, self.keys.clone()).await? {
                    if let Some(bad) = self.set_aside(&found, sound, table)? {
                        return Ok(Some(bad));
                    }
                }
                progress(self.progress);
            }
        }
        Ok(None)
    }

    fn set_aside(
        &mut self,
        found: &Found,
        sound: Result<Sound, BadReason>,
        table: Table,
    ) -> Result<Option<BadBundle>, VerifyError> {
        let sound = match sound {
            Ok(sound) => sound,
            // It waits for the very decision that says why its content is gone.
            Err(BadReason::NotAuthorised) if table == Table::Waiting => return Ok(None),
            Err(reason) => return Ok(Some(self.bad(found, u64::MAX, reason))),
        };
        self.progress.done += 1;
        match table {
            Table::Waiting => self.report.waiting += 1,
            Table::Branch => {
                self.branches.insert(found.head.hash);
                self.forked.insert(found.head.journal);
                self.report.branch(Forked {
                    name: Name::of(
                        self.keys.trust.as_deref(),
                        found.head.journal,
                        found.head.seq,
                    ),
                    branch: found.head.hash,
                    held: self.index.hash(found.head.journal, found.head.seq)?,
                });
            }
        }
        for dep in sound.header.deps {
            self.index.witness(&Witnessed {
                by: found.head,
                kept: false,
                dep,
            })?;
        }
        Ok(None)
    }
}
