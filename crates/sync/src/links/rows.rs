//! The fast lane of a site that has much to catch up with: rows of records as the other site
//! lists them, so that people can read while the journals are replayed.
//!
//! A row is the peer's word and nothing more ([`store::Verified`]): it comes over a connection
//! whose other end showed an enrolled site's certificate, it is kept apart and shown marked, and
//! the bundles that are replayed meanwhile prove or refute it. Nothing is in it that the journals
//! do not give the same site anyway. Asked once a link, in pages, newest first.

use super::Shared;
use super::link::Guard;
use super::request;
use crate::stream::{StreamError, read_uncounted, write_message};
use crate::wire::request::{MAX_ROWS, Request, Row, RowsAnswer, decode_rows};
use crate::wire::{MAX_BODY_LEN, MAX_HEADS, WireError};
use records::bundle::Head;
use records::id::SiteId;
use std::sync::Arc;
use store::{Filter, RecordRow, StoreError};

/// A site that lacks fewer bundles has them before anybody has read a row.
const WORTH: u64 = 256;
/// Answers asked for on one link.
const PAGES: usize = 40;
const _: () = assert!(MAX_ROWS * PAGES <= store::MAX_PROVISIONAL);
/// Above the bulk lane, which would otherwise be through before the first row; below what is new.
const PRIORITY: i32 = 5;
/// A peer that sends nothing for so long has failed.
const QUIET: std::time::Duration = std::time::Duration::from_secs(30);

/// One link's fast lane.
#[derive(Default)]
pub(super) struct FastLane {
    fetching: Option<Guard>,
    /// The peer held nothing more when last looked at.
    agreed: bool,
}

impl FastLane {
    /// Asks for rows once much is `missing`. Once both sites have `agreed` it returns what drops
    /// them, should the peer have told of bundles that there never were.
    pub(super) fn follow(
        &mut self,
        (shared, connection, peer): (&Arc<Shared>, &quinn::Connection, SiteId),
        missing: u64,
        agreed: bool,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        if self.fetching.is_none() && missing >= WORTH {
            let fetch = fetch(shared.clone(), connection.clone(), peer);
            self.fetching = Some(Guard(tokio::spawn(fetch)));
        }
        let before = std::mem::replace(&mut self.agreed, agreed);
        let due = agreed && !before && shared.store.verified().is_some();
        let store = shared.store.clone();
        due.then_some(async move {
            if let Err(error) = store.end_provisional(peer).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what is proved by now is still marked");
            }
        })
    }

    /// The task to wait for before the link lets go of the store.
    pub(super) fn end(&mut self) -> Option<Guard> {
        self.fetching.take()
    }
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

/// The row as it is shown until it is proved.
fn marked(row: Row) -> RecordRow {
    RecordRow {
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
        acked: true,
        disputed: false,
        rev: row.rev,
        attachments: row.attachments,
        provisional: true,
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
        limit: MAX_ROWS as u32,
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
    let answer = RowsAnswer {
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
            Ok(Ok(Some(page))) => page,
            Ok(Ok(None) | Err(StreamError::Ended)) | Err(_) => return,
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

/// `None` if the site gives no rows.
async fn page(
    connection: &quinn::Connection,
    after: Option<String>,
) -> Result<Option<Page>, StreamError> {
    let Some(mut stream) = request::ask(connection, &Request::Rows { after }).await? else {
        return Ok(None);
    };
    let body = read_uncounted(&mut stream, MAX_BODY_LEN).await?;
    let RowsAnswer { until, rows, next } = decode_rows(&body)?;
    Ok(Some((until, rows.into_iter().map(marked).collect(), next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::tests::row;

    #[test]
    fn a_row_from_another_site_is_marked_and_otherwise_as_it_was() {
        let taken = marked(row());
        assert!(taken.provisional && taken.acked);
        assert_eq!(Row::from(taken), row());
    }
}
