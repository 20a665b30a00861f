//! The fast lane of a site that has much to catch up with: rows of records as the other site
//! lists them, so that people can read while the journals are replayed.
//!
//! A row is the peer's word and nothing more ([`store::Verified`]): it comes over a connection
//! whose other end showed an enrolled site's certificate, it is kept apart and shown marked, and
//! the bundles that are replayed meanwhile prove or refute it. Nothing is in it that the journals
//! do not give the same site anyway. Asked once a link, in pages, newest first.

use super::Shared;
use super::link::Guard;
use super::request::{self, Request};
use crate::stream::{StreamError, read_message, write_message};
use crate::wire::{MAX_HEADS, WireError};
use records::bundle::Head;
use records::id::{AccountId, RecordId, SiteId};
use std::sync::Arc;
use store::{Filter, RecordRow, StoreError};

/// A site that lacks fewer bundles has them before anybody has read a row.
const WORTH: u64 = 256;
/// Rows of one answer.
const PAGE: u32 = 100;
/// Answers asked for on one link.
const PAGES: usize = 40;
const _: () = assert!(PAGE as usize * PAGES <= store::MAX_PROVISIONAL);
/// Above the bulk lane, which would otherwise be through before the first row; below what is new.
const PRIORITY: i32 = 5;
/// A peer that sends nothing for so long has failed.
const QUIET: std::time::Duration = std::time::Duration::from_secs(30);
/// Longest word of a row: kind, number, state, category, level.
const MAX_WORD: usize = 64;
/// Longest title, summary and name, bytes.
const MAX_TEXT: usize = 4_096;

/// One link's fast lane.
#[derive(Default)]
pub(super) struct FastLane {
    fetching: Option<Guard>,
    /// The peer held nothing more when last looked at.
    agreed: bool,
}

impl FastLane {
    /// Asks for rows once much is `missing`, and drops them once both sites have `agreed`, should
    /// the peer have told of bundles that there never were.
    pub(super) fn follow(
        &mut self,
        (shared, connection, peer): (&Arc<Shared>, &quinn::Connection, SiteId),
        missing: u64,
        agreed: bool,
    ) {
        if self.fetching.is_none() && missing >= WORTH {
            let fetch = fetch(shared.clone(), connection.clone(), peer);
            self.fetching = Some(Guard(tokio::spawn(fetch)));
        }
        if agreed && !self.agreed && shared.store.verified().is_some() {
            let store = shared.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.end_provisional(peer).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what is proved by now is still marked");
                }
            });
        }
        self.agreed = agreed;
    }

    /// The task to wait for before the link lets go of the store.
    pub(super) fn end(&mut self) -> Option<Guard> {
        self.fetching.take()
    }
}

/// What a request for rows is answered with.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct Answer {
    /// How far the answering site holds the journals: once the asker does, it needs no rows.
    #[n(0)]
    until: Vec<Head>,
    /// Newest first.
    #[n(1)]
    rows: Vec<Row>,
    /// What to ask for the next page with.
    #[n(2)]
    next: Option<String>,
}

/// A [`RecordRow`] on the wire.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
struct Row {
    #[n(0)]
    id: RecordId,
    #[n(1)]
    kind: String,
    #[n(2)]
    number: String,
    #[n(3)]
    site: SiteId,
    #[n(4)]
    happened_at: Option<i64>,
    #[n(5)]
    recorded_at: i64,
    #[n(6)]
    author: AccountId,
    #[n(7)]
    author_name: String,
    #[n(8)]
    title: String,
    #[n(9)]
    summary: String,
    #[n(10)]
    state: Option<String>,
    #[n(11)]
    open: bool,
    #[n(12)]
    category: Option<String>,
    #[n(13)]
    level: Option<String>,
    #[n(14)]
    sensitive: bool,
    #[n(15)]
    amended: Option<String>,
    #[n(16)]
    incident: Option<RecordId>,
    #[n(17)]
    rev: u64,
    #[n(18)]
    attachments: u64,
}

impl From<RecordRow> for Row {
    fn from(row: RecordRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            number: row.number,
            site: row.site,
            happened_at: row.happened_at,
            recorded_at: row.recorded_at,
            author: row.author,
            author_name: row.author_name,
            title: row.title,
            summary: row.summary,
            state: row.state,
            open: row.open,
            category: row.category,
            level: row.level,
            sensitive: row.sensitive,
            amended: row.amended,
            incident: row.incident,
            rev: row.rev,
            attachments: row.attachments,
        }
    }
}

impl Row {
    /// Whether a list may show it: every length bounded, the id of the site it says.
    fn fits(&self) -> bool {
        let optional = [&self.state, &self.category, &self.level, &self.amended];
        let words = [&self.kind, &self.number].into_iter();
        let mut words = words.chain(optional.into_iter().flatten());
        let mut texts = [&self.author_name, &self.title, &self.summary].into_iter();
        words.all(|word| word.len() <= MAX_WORD)
            && texts.all(|text| text.len() <= MAX_TEXT)
            && self.rev.max(self.attachments) <= i64::MAX.unsigned_abs()
            && self.id.home() == self.site
    }

    /// The row, if a list may show it.
    fn checked(self) -> Result<RecordRow, WireError> {
        if !self.fits() {
            return Err(WireError::Malformed);
        }
        Ok(RecordRow {
            id: self.id,
            kind: self.kind,
            number: self.number,
            site: self.site,
            happened_at: self.happened_at,
            recorded_at: self.recorded_at,
            author: self.author,
            author_name: self.author_name,
            title: self.title,
            summary: self.summary,
            state: self.state,
            open: self.open,
            category: self.category,
            level: self.level,
            sensitive: self.sensitive,
            amended: self.amended,
            incident: self.incident,
            acked: true,
            disputed: false,
            rev: self.rev,
            attachments: self.attachments,
            provisional: true,
        })
    }
}

/// Answers one request with a page of what was proved here; what is provisional is not passed on.
pub(super) async fn answer(
    shared: &Shared,
    mut send: quinn::SendStream,
    after: Option<String>,
) -> Result<(), StreamError> {
    let _ = send.set_priority(PRIORITY);
    // Read before the rows, so that it promises no more than they show.
    let mut until = shared.store.frontier();
    until.truncate(MAX_HEADS);
    let filter = Filter {
        after,
        limit: PAGE,
        ..Filter::default()
    };
    let page = match shared.store.list(&filter).await {
        Ok(page) => page,
        Err(StoreError::BadCursor) => return Err(WireError::Malformed.into()),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "rows could not be read for another site");
            return Err(StreamError::Ended);
        }
    };
    let answer = Answer {
        until,
        rows: page.rows.into_iter().map(Row::from).collect(),
        next: page.next,
    };
    write_message(&mut send, &answer).await?;
    let _ = send.finish();
    Ok(())
}

/// Asks `peer` for its newest rows, page by page, and keeps them until the replay has passed.
async fn fetch(shared: Arc<Shared>, connection: quinn::Connection, peer: SiteId) {
    let mut after = None;
    for _ in 0..PAGES {
        let answer = tokio::time::timeout(QUIET, page(&connection, after.take()));
        let (until, rows, next) = match answer.await {
            Ok(Ok(page)) => page,
            Ok(Err(StreamError::Ended)) | Err(_) => return,
            Ok(Err(StreamError::Wire(error))) => {
                tracing::warn!(peer.site = %peer, error = %error, "rows that are no rows");
                return;
            }
        };
        let taken = shared.store.take_provisional(peer, until, rows).await;
        if let Err(error) = taken {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(peer.site = %peer, error, "rows could not be kept");
            return;
        }
        // The replay has been faster.
        if shared.store.verified().is_none() || next.is_none() {
            return;
        }
        after = next;
    }
}

type Page = (Vec<Head>, Vec<RecordRow>, Option<String>);

async fn page(connection: &quinn::Connection, after: Option<String>) -> Result<Page, StreamError> {
    let mut stream = request::ask(connection, &Request::Rows { after }).await?;
    let answer: Answer = read_message(&mut stream).await?;
    if answer.rows.len() > PAGE as usize || answer.until.len() > MAX_HEADS {
        return Err(WireError::Malformed.into());
    }
    let rows = answer.rows.into_iter().map(Row::checked);
    Ok((answer.until, rows.collect::<Result<_, _>>()?, answer.next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let site = SiteId([2; 8]);
        Row {
            id: RecordId::new(site, [1; 8]),
            kind: "log_item".to_owned(),
            number: "E2026-000001".to_owned(),
            site,
            happened_at: None,
            recorded_at: 1_790_000_000_000,
            author: AccountId([3; 16]),
            author_name: "甲".to_owned(),
            title: "三号楼停电".to_owned(),
            summary: String::new(),
            state: Some("open".to_owned()),
            open: true,
            category: None,
            level: None,
            sensitive: false,
            amended: None,
            incident: None,
            rev: 1,
            attachments: 0,
        }
    }

    #[test]
    fn a_row_from_another_site_is_marked_and_otherwise_as_it_was() {
        let taken = row().checked().unwrap();
        assert!(taken.provisional && taken.acked);
        assert_eq!(Row::from(taken), row());
    }

    #[test]
    fn rows_that_no_list_may_show_are_refused() {
        let long = |len| "x".repeat(len);
        let wrong = [
            Row {
                title: long(MAX_TEXT + 1),
                ..row()
            },
            Row {
                number: long(MAX_WORD + 1),
                ..row()
            },
            Row {
                level: Some(long(MAX_WORD + 1)),
                ..row()
            },
            Row {
                rev: u64::MAX,
                ..row()
            },
            Row {
                site: SiteId([4; 8]),
                ..row()
            },
        ];
        for row in wrong {
            assert_eq!(row.checked(), Err(WireError::Malformed));
        }
    }
}
