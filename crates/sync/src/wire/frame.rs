//! The messages of a conversation.

use records::bundle::{Bundle, Head};
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use std::net::IpAddr;

/// Who speaks, and what it understands. First on every sync stream, from both sides at once.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Hello {
    /// Versions of this protocol the site speaks. Two sites use the highest that both speak, and
    /// no frame that it has not; what is asked beside the conversation is free
    /// ([`super::request`]).
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

/// Bundles of one journal following `after` without a gap.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Run {
    /// Which journal.
    #[n(0)]
    pub journal: JournalId,
    /// Sequence number before the first bundle here.
    #[n(1)]
    pub after: u64,
    /// The bundles.
    #[n(2)]
    pub bundles: Vec<Bundle>,
}

impl Run {
    /// The place of its last bundle, if it has any.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let last = self.bundles.last()?;
        Some(Head {
            journal: self.journal,
            seq: self.after.checked_add(self.bundles.len() as u64)?,
            hash: last.hash(),
        })
    }
}

/// What was durably taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Ack {
    /// How many [`Run`]s of the live lane are fully dealt with.
    #[n(0)]
    pub batches: u64,
    /// Heads that moved because of bundles the other side has.
    #[n(1)]
    pub heads: Vec<Head>,
    /// Journals of which something could not be kept and has to be sent again.
    #[n(2)]
    pub lost: Vec<JournalId>,
    /// How many [`Run`]s of the bulk lane are fully dealt with.
    #[n(3)]
    pub bulk_batches: u64,
}

impl Ack {
    /// How many runs of a lane are fully dealt with.
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
    /// Bundles of one journal or several, at most [`super::MAX_RUNS`].
    #[n(2)]
    Bundles {
        /// A run of each journal.
        #[n(0)]
        runs: Vec<Run>,
        /// The stream that carries it.
        #[n(1)]
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
    /// Bundles of one journal.
    #[must_use]
    pub fn run(journal: JournalId, after: u64, bundles: Vec<Bundle>, lane: Lane) -> Self {
        let runs = vec![Run {
            journal,
            after,
            bundles,
        }];
        Self::Bundles { runs, lane }
    }

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

    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Bundles { runs, .. } => runs.iter().map(|run| weight(&run.bundles)).sum(),
            Self::Give { bundles, .. } | Self::Branch(Branch::Give(bundles)) => weight(bundles),
            Self::Scrub { message, .. } => message.len(),
            Self::Want(hashes) => size_of_val(&hashes[..]),
            Self::Frontier(heads) => size_of_val(&heads[..]),
            Self::Branch(Branch::Ends { heads, ends }) => {
                size_of_val(&heads[..]) + size_of_val(&ends[..])
            }
            _ => size_of::<Self>(),
        }
    }
}

/// What bundles weigh against windows and quotas, in bytes.
#[must_use]
pub fn weight(bundles: &[Bundle]) -> usize {
    let of = |bundle: &Bundle| bundle.header.len() + bundle.payload.len() + 64;
    bundles.iter().map(of).sum()
}
