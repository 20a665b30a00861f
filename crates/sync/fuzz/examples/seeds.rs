//! Writes the first inputs of every target, each a true message, into `corpus`.
//! Run in this folder: `cargo run --example seeds`.

use records::bundle::Head;
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use std::io::Result;
use sync::blobs::Ask;
use sync::enrol::message::{Answer, Refusal, Request as Join, Welcome};
use sync::wire::request::{BlobAnswer, Reply, Request, Row, RowsAnswer};
use sync::wire::{
    Ack, Address, Branch, Frame, Hello, Lacking, Lane, PROTOCOL, Reached, Start, encode,
    encode_frame,
};
use sync_fuzz::bundles::{JOURNAL, bundles};
use sync_fuzz::{carried, set};

fn main() -> Result<()> {
    seeds("frame", frames().iter().map(body))?;
    seeds("run", frames().iter().filter_map(columns))?;
    seeds("request", requests())?;
    seeds("scrub", comparisons())?;
    seeds("carried", files())?;
    seeds("join", joining())
}

fn seeds(target: &str, inputs: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = std::path::Path::new("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    for (at, input) in inputs.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{at}")), input)?;
    }
    Ok(())
}

fn message<T: minicbor::Encode<()>>(message: &T) -> Vec<u8> {
    encode(message).expect("short").split_off(4)
}

fn body(frame: &Frame) -> Vec<u8> {
    encode_frame(frame).expect("short").split_off(4)
}

fn run(count: usize, lane: Lane) -> Frame {
    Frame::run(JOURNAL, 0, bundles().into_iter().take(count).collect(), lane)
}

fn frames() -> Vec<Frame> {
    let site = SiteId([7; 8]);
    let bundles = bundles();
    let head = Head {
        journal: JOURNAL,
        seq: 2,
        hash: bundles[1].hash(),
    };
    let lacking = Lacking {
        tip: head,
        have: vec![Head { seq: 1, ..head }],
    };
    let ends = Branch::Ends {
        heads: vec![head],
        ends: vec![head],
    };
    vec![
        Frame::Hello(Hello {
            versions: vec![PROTOCOL],
            institution: InstitutionId([1; 16]),
            site,
            incarnation: 1,
            rules: 2,
            boot_number: 3,
            boot: [4; 4],
        }),
        Frame::Frontier(vec![head]),
        run(1, Lane::Live),
        run(4, Lane::Bulk),
        Frame::Ack(Ack {
            batches: 1,
            heads: vec![head],
            lost: vec![JOURNAL],
            bulk_batches: 2,
        }),
        Frame::Reach(vec![Reached { site, since_ms: 5 }]),
        Frame::Ping { nonce: 6 },
        Frame::Pong {
            nonce: 6,
            wall_ms: 7,
        },
        Frame::Branch(ends),
        Frame::Branch(Branch::Want(lacking)),
        Frame::Branch(Branch::Give(bundles.clone())),
        Frame::Scrub {
            answer: false,
            message: set(100).open(),
        },
        Frame::Want(vec![head.hash]),
        Frame::Give {
            wanted: true,
            bundles,
        },
        Frame::Took { put: 4 },
        Frame::Addresses(vec![Address {
            site,
            host: "east.example:7443".to_owned(),
        }]),
        Frame::Copied {
            since_ms: 8,
            starts: vec![Start {
                incarnation: 1,
                boot_number: 4,
                boot: [3; 4],
                address: Some([10, 0, 0, 2].into()),
                seen_ms: 9,
            }],
        },
    ]
}

/// A run as the target reads it: without the compression.
fn columns(frame: &Frame) -> Option<Vec<u8>> {
    let body = body(frame);
    let (kind, rest) = body.split_first()?;
    let (declared, rest) = rest.split_first_chunk::<4>()?;
    let (packed, rest) = rest.split_first_chunk::<4>()?;
    let (columns, noise) = rest.split_at_checked(u32::from_be_bytes(*packed) as usize)?;
    let columns = match declared == packed {
        true => columns.to_vec(),
        false => zstd::decode_all(columns).ok()?,
    };
    (*kind == 2).then(|| [&declared[..], &columns, noise].concat())
}

fn requests() -> Vec<Vec<u8>> {
    let hash = Hash([1; 32]);
    let site = SiteId([7; 8]);
    let row = Row {
        id: records::id::RecordId::new(site, [1; 8]),
        kind: "log_item".to_owned(),
        number: "E2026-000001".to_owned(),
        site,
        happened_at: Some(1),
        recorded_at: 2,
        author: records::id::AccountId([3; 16]),
        author_name: "甲".to_owned(),
        title: "三号楼停电".to_owned(),
        summary: "已报修".to_owned(),
        state: Some("open".to_owned()),
        open: true,
        category: Some("power_water".to_owned()),
        level: None,
        sensitive: false,
        amended: None,
        incident: None,
        rev: 1,
        attachments: 0,
    };
    let asks = [Ask::Manifest, Ask::Chunks { first: 4, count: 4 }];
    let blobs = asks.map(|ask| message(&Request::Blob { hash, ask }));
    let others = [
        message(&Request::Rows { after: None }),
        message(&(99u8, (1u8, "a later kind"))),
        message(&Reply::Unknown),
        message(&RowsAnswer {
            until: vec![],
            rows: vec![row],
            next: Some("next".to_owned()),
        }),
        message(&BlobAnswer::Manifest {
            size: 300_000,
            chunks: vec![2; 64],
        }),
        message(&BlobAnswer::Chunk { index: 1, len: 9 }),
        message(&BlobAnswer::End { coming: true }),
    ];
    blobs.into_iter().chain(others).collect()
}

fn comparisons() -> Vec<Vec<u8>> {
    let (held, other) = (set(400), set(350));
    let question = other.open();
    let answer = held.answer(&question).expect("a true question");
    let next = other.compare(&answer).expect("a true answer").next;
    [held.open(), question, answer]
        .into_iter()
        .chain(next)
        .collect()
}

fn files() -> Vec<Vec<u8>> {
    let (_, file) = carried::file();
    let mut stream = Vec::new();
    for item in carried::items() {
        let bytes = minicbor::to_vec(&item).expect("memory");
        stream.extend(u32::try_from(bytes.len()).expect("short").to_be_bytes());
        stream.extend(bytes);
    }
    let stream = zstd::encode_all(&stream[..], 3).expect("memory");
    vec![
        [&[0, 3][..], &file].concat(),
        [&[1, 3][..], &stream].concat(),
        vec![2, 3, 50, 0, 7],
    ]
}

fn joining() -> Vec<Vec<u8>> {
    let welcome = Welcome {
        institution: InstitutionId([1; 16]),
        institution_name: "学院".to_owned(),
        journal: JournalId {
            site: SiteId([2; 8]),
            incarnation: 1,
        },
        name: "东校区值班室".to_owned(),
        code: "E".to_owned(),
        hub: SiteId([3; 8]),
        certificate: vec![4; 60],
    };
    vec![
        message(&Join {
            secret: [1; 10],
            sign_key: [2; 32],
            seal_key: [3; 32],
            csr: vec![4; 100],
            proof: [5; 64],
        }),
        message(&Answer::Welcome(welcome)),
        message(&Answer::Refused(Refusal::Used)),
        message(&Answer::Journal(bundles())),
        // Nobody's: the check digits are wrong.
        b"01234-56789-ABCDE-FGHJK-MNPQR-STVWX-YZ012".to_vec(),
    ]
}
