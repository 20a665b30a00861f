//! Frames, messages and bundles over every limit.

use super::super::World;
use super::super::faults::Fault;
use super::super::founding::journal;
use anyhow::Result;
use rand::Rng as _;
use records::bundle::{Head, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::id::{Hash, JournalId, SiteId};
use sync::wire::{self, Frame, Lane, MAX_BODY_LEN, MAX_HEADS};

const ZSTD: u8 = 1;
/// What a frame of a few hundred bytes would like to become.
const BLOCKS: usize = 64;

impl World<'_> {
    pub(super) async fn oversize(&mut self, site: usize) -> Result<()> {
        let body = match self.rng.random_range(0..5) {
            0 => vec![0; MAX_BODY_LEN + 1],
            1 => bomb(u32::MAX),
            // It says less than it becomes.
            2 => bomb(1_000),
            3 => framed(&Frame::Frontier(heads())),
            _ => match self.forged(site).await? {
                None => return Ok(()),
                Some(mut bundle) => {
                    match self.rng.random() {
                        true => bundle.header.resize(MAX_HEADER_LEN + 1, 0),
                        false => bundle.payload.resize(MAX_PAYLOAD_LEN + 1, 0),
                    }
                    framed(&Frame::run(journal(site), 0, vec![bundle], Lane::Live))
                }
            },
        };
        self.inject(site, &body, Fault::Oversize);
        Ok(())
    }
}

fn framed(frame: &Frame) -> Vec<u8> {
    let body = wire::encode_frame(frame).expect("it is short enough to be sent");
    body[4..].to_vec()
}

/// More heads than a frontier may have.
fn heads() -> Vec<Head> {
    let head = |number: usize| {
        let mut site = [0; 8];
        site.copy_from_slice(&(number as u64 + 1).to_be_bytes());
        Head {
            journal: JournalId {
                site: SiteId(site),
                incarnation: 1,
            },
            seq: 1,
            hash: Hash([1; 32]),
        }
    };
    (0..=MAX_HEADS).map(head).collect()
}

/// A zstd frame of run-length blocks of 128 KiB each (RFC 8878, sections 3.1.1 and 3.1.1.2).
fn bomb(declared: u32) -> Vec<u8> {
    const BLOCK_LEN: u32 = 128 * 1024;
    const RUN: u32 = 1;
    let mut body = vec![ZSTD];
    body.extend(declared.to_be_bytes());
    body.extend([0x28, 0xb5, 0x2f, 0xfd]);
    // No checksum, no size, a window of 128 KiB.
    body.extend([0, 7 << 3]);
    for block in 1..=BLOCKS {
        let last = u32::from(block == BLOCKS);
        let head = last | RUN << 1 | BLOCK_LEN << 3;
        body.extend(&head.to_le_bytes()[..3]);
        body.push(0);
    }
    body
}
