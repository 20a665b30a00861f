//! Frames between sites: CBOR, length-prefixed, compressed when it pays, bounded always.
//!
//! On the stream: `u32` big-endian length, then a body. A body is `0` and the CBOR of a message;
//! or `1`, the `u32` length it will have when decompressed, and zstd; or, for
//! [`Frame::Bundles`], `2`, the `u32` lengths of the columns of a [`run`] before and after
//! compression (the same if they are not compressed), those columns, and the run's random bytes.
//! No length a peer declares is ever allocated; it is only compared with a limit and with what
//! really arrived.

use crate::scrub::{MAX_HASHES, set};
use pack::{compressed, decompress, prefixed, pull_len, push_len};
use records::bundle::{Bundle, Head};
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use run::Run;
use std::net::IpAddr;

mod columns;
mod known;
mod pack;
mod run;
mod sections;

/// The version of the conversation this code speaks.
pub const PROTOCOL: u16 = 1;
/// Longest body on the wire, in bytes.
pub const MAX_BODY_LEN: usize = 2 * 1024 * 1024;
/// Longest message once decompressed, in bytes: the largest bundle and its envelope.
pub const MAX_MESSAGE_LEN: usize = 2 * 1024 * 1024;
/// Bundles missed for long are sent in batches of about this many bytes.
pub const BATCH_LEN: usize = 256 * 1024;
/// New bundles are sent in batches of about this many bytes.
pub const LIVE_BATCH_LEN: usize = 32 * 1024;
/// Longest control message of a media connection, in bytes.
pub const MAX_CONTROL_LEN: usize = 64 * 1024;
/// Most journals one frontier may name.
pub const MAX_HEADS: usize = 1024;
/// Most places one [`Lacking`] may name.
pub const MAX_HAVE: usize = 256;
/// Most bundles in one frame.
pub const MAX_BUNDLES: usize = 4096;
/// Most sites one Reach may name.
pub const MAX_REACH: usize = 256;
/// Most starts one Copied may name.
pub const MAX_STARTS: usize = 4;
/// Longest `host:port` of an [`Address`], in bytes.
pub const MAX_ADDRESS_LEN: usize = 255;
const MAX_VERSIONS: usize = 16;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const RUN: u8 = 2;
const ZSTD_LEVEL: i32 = 3;
/// What is random does not pass through it, so it may take its time.
const RUN_ZSTD_LEVEL: i32 = 12;

/// Who speaks, and what it understands. First on every sync stream, from both sides at once.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Hello {
    /// Versions of this protocol the site speaks.
    #[n(0)]
    pub versions: Vec<u16>,
    /// Its institution.
    #[n(1)]
    pub institution: InstitutionId,
    /// Its id; must be the one its certificate names.
    #[n(2)]
    pub site: SiteId,
    /// The incarnation it writes in.
    #[n(3)]
    pub incarnation: u32,
    /// The newest rule set its code knows.
    #[n(4)]
    pub rules: u32,
    /// Which start of its process on its data directory this is; 0 if it writes nothing.
    #[n(5)]
    pub boot_number: u64,
    /// A random value made at that start.
    #[n(6)]
    #[cbor(with = "minicbor::bytes")]
    pub boot: [u8; 4],
}

/// A site the sender reaches over a link of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Reached {
    /// Which site.
    #[n(0)]
    pub site: SiteId,
    /// Since when, by the sender's clock, ms since the epoch.
    #[n(1)]
    pub since_ms: i64,
}

/// A start of the receiver's process, as the sender met it.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Start {
    /// The incarnation it wrote in.
    #[n(0)]
    pub incarnation: u32,
    /// Which start of its data directory it is.
    #[n(1)]
    pub boot_number: u64,
    /// The random value of that start.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub boot: [u8; 4],
    /// Where it linked from, if that is known.
    #[n(3)]
    pub address: Option<IpAddr>,
    /// When it linked last, by the sender's clock, ms since the epoch.
    #[n(4)]
    pub seen_ms: i64,
}

/// Where a site may be dialled.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Address {
    /// Which site.
    #[n(0)]
    pub site: SiteId,
    /// `host:port`.
    #[n(1)]
    pub host: String,
}

/// Which stream of a link carries a batch, and which queue it waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum Lane {
    /// What is new: goes ahead of everything.
    #[default]
    #[n(0)]
    Live,
    /// What was missed for long.
    #[n(1)]
    Bulk,
}

/// What was durably taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Ack {
    /// How many [`Frame::Bundles`] of the live lane are fully dealt with.
    #[n(0)]
    pub batches: u64,
    /// Heads that moved because of bundles the other side has.
    #[n(1)]
    pub heads: Vec<Head>,
    /// Journals of which something could not be kept and has to be sent again.
    #[n(2)]
    pub lost: Vec<JournalId>,
    /// How many [`Frame::Bundles`] of the bulk lane are fully dealt with.
    #[n(3)]
    pub bulk_batches: u64,
}

impl Ack {
    /// How many batches of a lane are fully dealt with.
    #[must_use]
    pub fn batches_of(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Live => self.batches,
            Lane::Bulk => self.bulk_batches,
        }
    }
}

/// The end of a chain that somebody lacks, and places of its journal that he holds.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Lacking {
    /// The last bundle of the chain.
    #[n(0)]
    pub tip: Head,
    /// What is held of the journal; the answer begins after the last of these on the chain.
    #[n(1)]
    pub have: Vec<Head>,
}

/// What sites say about forked journals ([`crate::session::fork`]).
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Branch {
    /// All that the sender holds of forked journals; replaces the last such list.
    #[n(0)]
    Ends {
        /// The heads of these journals, as in a [`Frame::Frontier`]. A closure may have lowered
        /// them.
        #[n(0)]
        heads: Vec<Head>,
        /// The ends of every chain, the journals' own heads included.
        #[n(1)]
        ends: Vec<Head>,
    },
    /// Asks for the chain to an end the other side named; one such question at a time.
    #[n(1)]
    Want(#[n(0)] Lacking),
    /// The answer: the next bundles of that chain, empty if they are not to be had.
    #[n(2)]
    Give(#[n(0)] Vec<Bundle>),
}

/// One message on a sync stream.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Frame {
    /// First message.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Second message: the sender's head of every journal it holds.
    #[n(1)]
    Frontier(#[n(0)] Vec<Head>),
    /// Bundles of one journal following `after` without a gap.
    #[n(2)]
    Bundles {
        /// Which journal.
        #[n(0)]
        journal: JournalId,
        /// Sequence number before the first bundle here.
        #[n(1)]
        after: u64,
        /// The bundles.
        #[n(2)]
        bundles: Vec<Bundle>,
        /// The stream that carries it.
        #[n(3)]
        lane: Lane,
    },
    /// See [`Ack`].
    #[n(3)]
    Ack(#[n(0)] Ack),
    /// All sites the sender reaches now; replaces the last such list.
    #[n(4)]
    Reach(#[n(0)] Vec<Reached>),
    /// Asks for the time.
    #[n(5)]
    Ping {
        /// Returned as it is; the asker's monotonic ms.
        #[n(0)]
        nonce: u64,
    },
    /// Tells the time.
    #[n(6)]
    Pong {
        /// From the [`Frame::Ping`].
        #[n(0)]
        nonce: u64,
        /// The answerer's wall clock, ms since the epoch.
        #[n(1)]
        wall_ms: i64,
    },
    /// See [`Branch`].
    #[n(7)]
    Branch(#[n(0)] Branch),
    /// One message of the comparison of all bundles ([`crate::scrub`]).
    #[n(8)]
    Scrub {
        /// An answer; else a question.
        #[n(0)]
        answer: bool,
        /// What [`crate::scrub::set`] made.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        message: Vec<u8>,
    },
    /// Asks for bundles by hash; one such question at a time.
    #[n(9)]
    Want(#[n(0)] Vec<Hash>),
    /// Bundles of any journal in any order.
    #[n(10)]
    Give {
        /// The answer to a [`Frame::Want`], empty if there are none; else an offer.
        #[n(0)]
        wanted: bool,
        /// The bundles.
        #[n(1)]
        bundles: Vec<Bundle>,
    },
    /// Answers an offer.
    #[n(11)]
    Took {
        /// How many of the bundles were new.
        #[n(0)]
        put: u32,
    },
    /// A campus says where it may be dialled; the hub says where all others may. Replaces the last
    /// such list.
    #[n(12)]
    Addresses(#[n(0)] Vec<Address>),
    /// Your data directory was copied, and both copies have linked with me.
    #[n(13)]
    Copied {
        /// Since when there may be two, by the sender's clock, ms since the epoch.
        #[n(0)]
        since_ms: i64,
        /// The starts met, the latest last.
        #[n(1)]
        starts: Vec<Start>,
    },
}

impl Frame {
    /// Which stream of a link carries it.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::Bundles { lane, .. } => *lane,
            // What has been missing for long goes behind what is new.
            Self::Give { .. } | Self::Branch(Branch::Give(_)) => Lane::Bulk,
            _ => Lane::Live,
        }
    }
}

/// Bytes that are no frame. The peer broke the protocol; the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A declared or real length is over its limit.
    #[error("frame over its limit")]
    TooLong,
    /// Not a message of this protocol.
    #[error("bytes are not a frame")]
    Malformed,
}

/// Encodes any message as a length-prefixed frame; a [`Frame`] by [`encode_frame`].
///
/// # Errors
/// [`WireError::TooLong`] when the message exceeds [`MAX_MESSAGE_LEN`].
pub fn encode<T: minicbor::Encode<()>>(message: &T) -> Result<Vec<u8>, WireError> {
    let plain = minicbor::to_vec(message).expect("encoding into a Vec cannot fail");
    if plain.len() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    let mut body = Vec::with_capacity(plain.len() + 9);
    body.extend([0; 4]);
    if let Some(packed) = compressed(&plain, ZSTD_LEVEL) {
        body.push(ZSTD);
        push_len(&mut body, plain.len());
        body.extend(packed);
    } else {
        body.push(PLAIN);
        body.extend(plain);
    }
    Ok(prefixed(body))
}

/// Encodes a frame, length-prefixed.
///
/// # Errors
/// As [`encode`].
pub fn encode_frame(frame: &Frame) -> Result<Vec<u8>, WireError> {
    let Frame::Bundles {
        journal,
        after,
        bundles,
        lane,
    } = frame
    else {
        return encode(frame);
    };
    let run = Run {
        journal: *journal,
        after: *after,
        bundles: bundles.clone(),
        lane: *lane,
    };
    let (plain, noise) = run::write(&run)?;
    if plain.len() + noise.len() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    let packed = compressed(&plain, RUN_ZSTD_LEVEL);
    let packed = packed.as_ref().unwrap_or(&plain);
    let mut body = Vec::with_capacity(packed.len() + noise.len() + 13);
    body.extend([0; 4]);
    body.push(RUN);
    push_len(&mut body, plain.len());
    push_len(&mut body, packed.len());
    body.extend(packed);
    body.extend(noise);
    Ok(prefixed(body))
}

/// Decodes a body (what follows the length prefix). Takes any bytes; never panics, and never
/// holds more than [`MAX_MESSAGE_LEN`] for them.
///
/// # Errors
/// [`WireError`].
pub fn decode<T: for<'b> minicbor::Decode<'b, ()>>(body: &[u8]) -> Result<T, WireError> {
    if body.len() > MAX_BODY_LEN {
        return Err(WireError::TooLong);
    }
    let (kind, rest) = body.split_first().ok_or(WireError::Malformed)?;
    match *kind {
        PLAIN => decode_message(rest),
        ZSTD => {
            let (declared, packed) = pull_len(rest)?;
            decode_message(&decompress(packed, declared)?)
        }
        _ => Err(WireError::Malformed),
    }
}

fn decode_run(rest: &[u8]) -> Result<Frame, WireError> {
    let (declared, rest) = pull_len(rest)?;
    let (packed_len, rest) = pull_len(rest)?;
    let (packed, noise) = rest
        .split_at_checked(packed_len)
        .ok_or(WireError::Malformed)?;
    let run = if packed_len == declared {
        run::read(packed, noise)?
    } else {
        run::read(&decompress(packed, declared)?, noise)?
    };
    Ok(Frame::Bundles {
        journal: run.journal,
        after: run.after,
        bundles: run.bundles,
        lane: run.lane,
    })
}

/// Decodes a sync frame and checks the counts it holds. The entry point of the fuzzer.
///
/// # Errors
/// [`WireError`].
pub fn decode_frame(body: &[u8]) -> Result<Frame, WireError> {
    if body.len() > MAX_BODY_LEN {
        return Err(WireError::TooLong);
    }
    let frame: Frame = match body.split_first() {
        Some((&RUN, rest)) => return decode_run(rest),
        _ => decode(body)?,
    };
    let within = match &frame {
        Frame::Hello(hello) => hello.versions.len() <= MAX_VERSIONS,
        Frame::Frontier(heads) => heads.len() <= MAX_HEADS,
        Frame::Ack(ack) => ack.heads.len() <= MAX_HEADS && ack.lost.len() <= MAX_HEADS,
        // They have one form only.
        Frame::Bundles { .. } => return Err(WireError::Malformed),
        Frame::Reach(sites) => sites.len() <= MAX_REACH,
        Frame::Scrub { message, .. } => message.len() <= set::MAX_MESSAGE_LEN,
        Frame::Branch(Branch::Ends { heads, ends }) => {
            heads.len() <= MAX_HEADS && ends.len() <= MAX_HEADS
        }
        Frame::Branch(Branch::Want(lacking)) => lacking.have.len() <= MAX_HAVE,
        Frame::Branch(Branch::Give(bundles)) => bundles.len() <= MAX_BUNDLES,
        Frame::Want(hashes) => hashes.len() <= MAX_HASHES,
        Frame::Give { bundles, .. } => bundles.len() <= MAX_HASHES,
        Frame::Addresses(all) => {
            all.len() <= MAX_REACH && all.iter().all(|one| one.host.len() <= MAX_ADDRESS_LEN)
        }
        Frame::Copied { starts, .. } => starts.len() <= MAX_STARTS,
        Frame::Ping { .. } | Frame::Pong { .. } | Frame::Took { .. } => true,
    };
    if within {
        Ok(frame)
    } else {
        Err(WireError::TooLong)
    }
}

fn decode_message<T: for<'b> minicbor::Decode<'b, ()>>(bytes: &[u8]) -> Result<T, WireError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() == bytes.len() {
        Ok(message)
    } else {
        Err(WireError::Malformed)
    }
}

#[cfg(test)]
mod tests;
