//! What sites ask of each other beside the conversation, each on a stream of its own: a
//! [`Request`], then a [`Reply`], then what that kind of request is answered with.
//!
//! A site may ask whatever its own version knows. One that does not know the request says so, and
//! nothing else comes of it; so a new kind needs no new version of the protocol.

use super::{MAX_HEADS, MAX_MESSAGE_LEN, WireError, decode_message, decode_within, message};
use crate::blobs::Ask;
use records::bundle::Head;
use records::id::{AccountId, Hash, RecordId, SiteId};

/// Longest request, in bytes.
pub const MAX_REQUEST_LEN: usize = 4 * 1024;
/// Rows of one answer.
pub const MAX_ROWS: usize = 100;
/// Longest word of a row (kind, number, state, category, level), in bytes.
pub const MAX_WORD_LEN: usize = 64;
/// Longest title, summary and name of a row, in bytes.
pub const MAX_TEXT_LEN: usize = 4_096;

/// What a site may ask of another one.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Request {
    /// A blob's manifest or some of its chunks; answered with [`BlobAnswer`]s.
    #[n(0)]
    Blob {
        /// The blob.
        #[n(0)]
        hash: Hash,
        /// What of it.
        #[n(1)]
        ask: Ask,
    },
    /// A page of rows as the site lists them; answered with one [`RowsAnswer`].
    #[n(1)]
    Rows {
        /// Where the page before ended.
        #[n(0)]
        after: Option<String>,
    },
}

/// What every request is answered with first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum Reply {
    /// The answer follows.
    #[n(0)]
    Granted,
    /// The site's program does not know this kind of request; nothing follows.
    #[n(1)]
    Unknown,
}

/// What a blob request is answered with: frames, and after a `Chunk` that many raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum BlobAnswer {
    /// The blob's length and the hashes of its chunks one after the other.
    #[n(0)]
    Manifest {
        /// Length in bytes.
        #[n(0)]
        size: u64,
        /// 32 bytes a chunk.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        chunks: Vec<u8>,
    },
    /// A chunk; its bytes follow the frame as they are, since pictures do not compress.
    #[n(1)]
    Chunk {
        /// Which.
        #[n(0)]
        index: u32,
        /// How many bytes.
        #[n(1)]
        len: u32,
    },
    /// Nothing more comes. `coming` says that this site is fetching what it left out.
    #[n(2)]
    End {
        /// See above.
        #[n(0)]
        coming: bool,
    },
}

/// What a request for rows is answered with.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct RowsAnswer {
    /// How far the answering site holds the journals: once the asker does, it needs no rows.
    #[n(0)]
    pub until: Vec<Head>,
    /// Newest first.
    #[n(1)]
    pub rows: Vec<Row>,
    /// What to ask for the next page with.
    #[n(2)]
    pub next: Option<String>,
}

/// A [`store::RecordRow`] on the wire, its fields as there.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[expect(
    missing_docs,
    reason = "each field is the one of the same name in RecordRow"
)]
pub struct Row {
    #[n(0)]
    pub id: RecordId,
    #[n(1)]
    pub kind: String,
    #[n(2)]
    pub number: String,
    #[n(3)]
    pub site: SiteId,
    #[n(4)]
    pub happened_at: Option<i64>,
    #[n(5)]
    pub recorded_at: i64,
    #[n(6)]
    pub author: AccountId,
    #[n(7)]
    pub author_name: String,
    #[n(8)]
    pub title: String,
    #[n(9)]
    pub summary: String,
    #[n(10)]
    pub state: Option<String>,
    #[n(11)]
    pub open: bool,
    #[n(12)]
    pub category: Option<String>,
    #[n(13)]
    pub level: Option<String>,
    #[n(14)]
    pub sensitive: bool,
    #[n(15)]
    pub amended: Option<String>,
    #[n(16)]
    pub incident: Option<RecordId>,
    #[n(17)]
    pub rev: u64,
    #[n(18)]
    pub attachments: u64,
}

impl Row {
    /// Whether a list may show it: every length bounded, the id of the site it says.
    #[must_use]
    pub fn fits(&self) -> bool {
        let optional = [&self.state, &self.category, &self.level, &self.amended];
        let words = [&self.kind, &self.number].into_iter();
        let mut words = words.chain(optional.into_iter().flatten());
        let mut texts = [&self.author_name, &self.title, &self.summary].into_iter();
        words.all(|word| word.len() <= MAX_WORD_LEN)
            && texts.all(|text| text.len() <= MAX_TEXT_LEN)
            && self.rev.max(self.attachments) <= i64::MAX.unsigned_abs()
            && self.id.home() == self.site
    }
}

/// Reads a request; `None` for one that only another version knows.
///
/// # Errors
/// [`WireError`] when the bytes are no message at all.
pub fn decode_request(body: &[u8]) -> Result<Option<Request>, WireError> {
    let plain = message(body, MAX_REQUEST_LEN)?;
    match decode_message(&plain) {
        Ok(request) => Ok(Some(request)),
        Err(_) if is_one_value(&plain) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether these bytes are one CBOR value, whatever it means.
fn is_one_value(bytes: &[u8]) -> bool {
    let mut decoder = minicbor::Decoder::new(bytes);
    decoder.skip().is_ok() && decoder.position() == bytes.len()
}

/// Reads an answer to [`Request::Rows`] and checks the counts and lengths in it.
///
/// # Errors
/// [`WireError`].
pub fn decode_rows(body: &[u8]) -> Result<RowsAnswer, WireError> {
    let answer: RowsAnswer = decode_within(body, MAX_MESSAGE_LEN)?;
    if answer.rows.len() > MAX_ROWS || answer.until.len() > MAX_HEADS {
        return Err(WireError::TooLong);
    }
    match answer.rows.iter().all(Row::fits) {
        true => Ok(answer),
        false => Err(WireError::Malformed),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::encode;
    use super::*;

    fn body<T: minicbor::Encode<()>>(message: &T) -> Vec<u8> {
        encode(message).unwrap().split_off(4)
    }

    pub(crate) fn row() -> Row {
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

    fn answer(rows: Vec<Row>) -> RowsAnswer {
        RowsAnswer {
            until: vec![],
            rows,
            next: None,
        }
    }

    #[test]
    fn a_request_of_a_later_version_is_told_from_garbage() {
        let known = Request::Rows { after: None };
        assert_eq!(decode_request(&body(&known)), Ok(Some(known)));
        // A later kind, and a later way to ask for a blob.
        let later = (99u8, ("since", 7u64));
        assert_eq!(decode_request(&body(&later)), Ok(None));
        let hash = minicbor::bytes::ByteArray::from([1; 32]);
        let later = (0u8, (hash, (9u8, ())));
        assert_eq!(decode_request(&body(&later)), Ok(None));
        for garbage in [&b""[..], b"\0", b"\0\xff\xff", b"\0\x01\x01", b"\x07\x01"] {
            assert_eq!(decode_request(garbage), Err(WireError::Malformed));
        }
        let long = body(&"x".repeat(MAX_REQUEST_LEN));
        assert_eq!(decode_request(&long), Err(WireError::TooLong));
        let packed = body(&" ".repeat(MAX_REQUEST_LEN));
        assert!(packed.len() < 100);
        assert_eq!(decode_request(&packed), Err(WireError::TooLong));
    }

    #[test]
    fn rows_that_no_list_may_show_are_refused() {
        assert_eq!(
            decode_rows(&body(&answer(vec![row()]))).unwrap().rows,
            [row()]
        );
        let long = |len| "x".repeat(len);
        let wrong = [
            Row {
                title: long(MAX_TEXT_LEN + 1),
                ..row()
            },
            Row {
                number: long(MAX_WORD_LEN + 1),
                ..row()
            },
            Row {
                level: Some(long(MAX_WORD_LEN + 1)),
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
            let told = decode_rows(&body(&answer(vec![row])));
            assert_eq!(told, Err(WireError::Malformed));
        }
        let many = decode_rows(&body(&answer(vec![row(); MAX_ROWS + 1])));
        assert_eq!(many, Err(WireError::TooLong));
    }
}
