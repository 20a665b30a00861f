use super::*;
use automerge::hydrate::Value;
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT, ScalarValue};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Recomputes the checksum, as whoever forges a change would.
pub(crate) fn repair_checksum(change: &mut [u8]) {
    let hash = Sha256::digest(&change[8..]);
    change[4..8].copy_from_slice(&hash[..4]);
}

fn doc(actor: u8) -> AutoCommit {
    AutoCommit::new().with_actor(ActorId::from([actor; 16]))
}

/// The scan must say what Automerge says of the same change.
#[track_caller]
fn assert_agrees(change: &Change) {
    let scan = prescan(change.raw_bytes()).expect("a change that automerge wrote");
    let deps: Vec<Hash> = change.deps().iter().map(|dep| Hash(dep.0)).collect();
    let others: Vec<Vec<u8>> = change
        .other_actor_ids()
        .iter()
        .map(|actor| actor.to_bytes().to_vec())
        .collect();
    let expected = Scan {
        hash: Hash(change.hash().0),
        deps,
        actor: change.actor_id().to_bytes().to_vec(),
        seq: change.seq(),
        start_op: change.start_op().get(),
        ops: change.len() as u64,
        other_actors: others,
    };
    assert_eq!(scan, expected);
    assert_eq!(scan.max_op(), change.max_op());
}

pub(crate) static EVERY_KIND: LazyLock<Vec<Change>> = LazyLock::new(every_kind_of_operation);

fn every_kind_of_operation() -> Vec<Change> {
    let mut one = doc(1);
    for (key, value) in [
        ("null", ScalarValue::Null),
        ("yes", true.into()),
        ("no", false.into()),
        ("int", ScalarValue::Int(-70_000)),
        ("uint", ScalarValue::Uint(1 << 40)),
        ("float", 0.5.into()),
        ("text", "东校区三号楼".into()),
        ("empty", "".into()),
        ("bytes", ScalarValue::Bytes(vec![0, 0xff, 7])),
        ("time", ScalarValue::Timestamp(1_790_000_000_000)),
        ("counter", ScalarValue::counter(3)),
    ] {
        one.put(ROOT, key, value).unwrap();
    }
    let map = one.put_object(ROOT, "map", ObjType::Map).unwrap();
    one.put_object(&map, "inner", ObjType::Map).unwrap();
    let list = one.put_object(ROOT, "list", ObjType::List).unwrap();
    one.insert(&list, 0, 1).unwrap();
    one.insert_object(&list, 1, ObjType::Map).unwrap();
    let text = one.put_object(ROOT, "body", ObjType::Text).unwrap();
    one.splice_text(&text, 0, 0, "三号楼发现火情,值班员已到场。🚒")
        .unwrap();
    one.commit();

    let mut two = one.fork().with_actor(ActorId::from([2; 16]));
    two.splice_text(&text, 3, 2, "改动").unwrap();
    let mark = Mark::new("bold".into(), true, 1, 5);
    two.mark(&text, mark, ExpandMark::Both).unwrap();
    two.increment(ROOT, "counter", -2).unwrap();
    two.delete(ROOT, "yes").unwrap();
    two.delete(&list, 0).unwrap();
    two.put(ROOT, "no", "conflict").unwrap();
    two.commit();
    one.put(ROOT, "no", 5).unwrap();
    one.delete(&map, "inner").unwrap();
    one.commit();

    one.merge(&mut two).unwrap();
    // Overwrites two concurrent values: an operation with two predecessors, one foreign.
    one.put(ROOT, "no", 6).unwrap();
    one.commit();
    one.splice_text(&text, 0, 0, &"值班".repeat(5_000)).unwrap();
    one.commit();
    one.get_changes(&[])
}

#[test]
fn the_scan_agrees_with_automerge_on_every_kind_of_operation() {
    assert_eq!(EVERY_KIND.len(), 5);
    EVERY_KIND.iter().for_each(assert_agrees);
}

#[test]
fn the_scan_agrees_with_automerge_after_saving_and_loading() {
    let mut doc = doc(1);
    doc.load_incremental(&{
        let mut other = AutoCommit::new();
        other.apply_changes(EVERY_KIND.clone()).unwrap();
        other.save()
    })
    .unwrap();
    doc.get_changes(&[]).iter().for_each(assert_agrees);
}

fn nulls(count: usize) -> Vec<u8> {
    let mut doc = doc(1);
    let list = doc.put_object(ROOT, "l", ObjType::List).unwrap();
    for index in 0..count {
        doc.insert(&list, index, ScalarValue::Null).unwrap();
    }
    doc.commit();
    doc.get_changes(&[])[0].raw_bytes().to_vec()
}

/// Three million nulls in about a hundred bytes; written column by column, since building them
/// with automerge takes a gigabyte.
fn run_length_bomb(rows: i64) -> Vec<u8> {
    let mut columns: Vec<(u64, Vec<u8>)> = vec![
        (1 << 4 | 5, [leb(rows), vec![1, b'a']].concat()),
        (4 << 4 | 2, [leb(rows), vec![1]].concat()),
        (3 << 4 | 4, [vec![0], leb(rows)].concat()),
        (5 << 4 | 6, [leb(rows), vec![0]].concat()),
        (7 << 4, [leb(rows), vec![0]].concat()),
    ];
    columns.sort_unstable();
    assemble(&columns)
}

fn leb(value: i64) -> Vec<u8> {
    let mut rest = value;
    let mut bytes = Vec::new();
    loop {
        let byte = (rest & 0x7f) as u8;
        rest >>= 7;
        let sign = byte & 0x40 != 0;
        if (rest == 0 && !sign) || (rest == -1 && sign) {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn uleb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn assemble(columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![0, 16];
    body.extend([1; 16]);
    // seq, start_op, time, message, other actors
    body.extend([1, 1, 0, 0, 0]);
    body.extend(uleb(columns.len() as u64));
    for (spec, data) in columns {
        body.extend(uleb(*spec));
        body.extend(uleb(data.len() as u64));
    }
    columns.iter().for_each(|(_, data)| body.extend(data));
    chunk_of(CHUNK_TYPE_CHANGE, &body)
}

fn chunk_of(chunk_type: u8, body: &[u8]) -> Vec<u8> {
    let mut chunk = MAGIC.to_vec();
    chunk.extend([0; 4]);
    chunk.push(chunk_type);
    chunk.extend(uleb(body.len() as u64));
    chunk.extend(body);
    repair_checksum(&mut chunk);
    chunk
}

#[test]
fn a_hand_made_change_is_one_that_automerge_reads() {
    let change = Change::from_bytes(run_length_bomb(3)).unwrap();
    assert_eq!(change.len(), 3);
    assert_agrees(&change);
}

#[test]
fn a_run_length_bomb_is_refused_by_its_run_lengths() {
    let bomb = run_length_bomb(3_000_000);
    assert!(bomb.len() < 113);
    assert_eq!(prescan(&bomb), Err(PrescanError::TooManyOps));
    assert_eq!(
        prescan(&run_length_bomb(i64::MAX)),
        Err(PrescanError::TooManyOps)
    );
}

/// One key of `len` letters for every one of `rows` operations.
fn key_bomb(rows: i64, len: usize) -> Vec<u8> {
    let key = [uleb(len as u64), vec![b'a'; len]].concat();
    let mut columns: Vec<(u64, Vec<u8>)> = vec![
        (1 << 4 | 5, [leb(rows), key].concat()),
        (4 << 4 | 2, [leb(rows), vec![1]].concat()),
        (3 << 4 | 4, leb(rows)),
        (5 << 4 | 6, [leb(rows), vec![0]].concat()),
        (7 << 4, [leb(rows), vec![0]].concat()),
    ];
    columns.sort_unstable();
    assemble(&columns)
}

#[test]
fn a_long_key_that_every_operation_repeats_is_refused() {
    assert_eq!(prescan(&key_bomb(60_000, 60)).unwrap().ops, 60_000);
    // Automerge would give each operation its own copy: 12 GB.
    let bomb = key_bomb(60_000, 200_000);
    assert!(bomb.len() < MAX_CHANGE_LEN);
    assert_eq!(prescan(&bomb), Err(PrescanError::TooManyNames));
    let just_over = MAX_NAMES_LEN as usize / 60_000 + 1;
    assert_eq!(
        prescan(&key_bomb(60_000, just_over)),
        Err(PrescanError::TooManyNames)
    );
}

#[test]
fn a_deflate_bomb_is_refused_by_its_length_and_by_its_chunk_type() {
    for len in [MAX_CHANGE_LEN / 2, 522_000] {
        let bomb = chunk_of(2, &vec![0x55; len]);
        let refused = prescan(&bomb).unwrap_err();
        assert!(matches!(
            refused,
            PrescanError::ChunkType | PrescanError::TooLong
        ));
    }
}

#[test]
fn a_bomb_that_automerge_itself_wrote_is_refused() {
    assert_eq!(prescan(&nulls(500)).unwrap().ops, 501);
    let mut doc = doc(1);
    let list = doc.put_object(ROOT, "l", ObjType::List).unwrap();
    let bomb = vec![Value::from(ScalarValue::Null); usize::try_from(MAX_OPS).unwrap()];
    doc.splice(&list, 0, 0, bomb).unwrap();
    doc.commit();
    let bomb = doc.get_changes(&[])[0].raw_bytes().to_vec();
    assert!(bomb.len() < 150);
    assert_eq!(prescan(&bomb), Err(PrescanError::TooManyOps));
}

#[test]
fn a_deflated_change_is_refused_unopened() {
    let mut doc = doc(1);
    doc.put(ROOT, "x", "a".repeat(100_000)).unwrap();
    doc.commit();
    let mut change = doc.get_changes(&[])[0].clone();
    assert_eq!(prescan(&change.bytes()), Err(PrescanError::ChunkType));
}

#[test]
fn documents_bundles_and_unknown_chunks_are_refused() {
    let document = doc(1).save();
    assert!(prescan(&document).is_err());
    for chunk_type in [0, 2, 3, 4, 255] {
        let chunk = chunk_of(chunk_type, &[]);
        assert_eq!(prescan(&chunk), Err(PrescanError::ChunkType));
    }
    assert_eq!(prescan(b"GET / HTTP/1.1"), Err(PrescanError::NoChunk));
}

#[test]
fn a_deflated_column_is_refused() {
    let chunk = assemble(&[(4 << 4 | 2 | 8, vec![1, 1])]);
    assert_eq!(prescan(&chunk), Err(PrescanError::Deflated));
}

#[test]
fn bytes_behind_the_change_or_inside_it_are_refused() {
    let mut behind = nulls(1);
    behind.push(0);
    assert_eq!(prescan(&behind), Err(PrescanError::Trailing));
    let mut body = run_length_bomb(3)[10..].to_vec();
    body.push(0);
    let inside = chunk_of(CHUNK_TYPE_CHANGE, &body);
    assert_eq!(prescan(&inside), Err(PrescanError::Trailing));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut change = nulls(1);
    *change.last_mut().unwrap() ^= 1;
    assert_eq!(prescan(&change), Err(PrescanError::Checksum));
}

#[test]
fn a_change_beyond_the_length_limit_is_refused() {
    let mut doc = doc(1);
    doc.put(ROOT, "x", "a".repeat(MAX_CHANGE_LEN)).unwrap();
    doc.commit();
    let change = doc.get_changes(&[])[0].clone();
    assert_eq!(prescan(change.raw_bytes()), Err(PrescanError::TooLong));
}

#[test]
fn declared_lengths_beyond_the_bytes_cost_nothing() {
    // A billion dependencies, actors and columns, and a column of 2^60 bytes.
    let head = [&[16][..], &[1; 16], &[1, 1, 0, 0]].concat();
    let billion = uleb(1_000_000_000);
    let deps = chunk_of(CHUNK_TYPE_CHANGE, &billion);
    assert_eq!(prescan(&deps), Err(PrescanError::Actors));
    let actors = [&[0][..], &head, &billion].concat();
    let actors = chunk_of(CHUNK_TYPE_CHANGE, &actors);
    assert_eq!(prescan(&actors), Err(PrescanError::Actors));
    let columns = [&[0][..], &head, &[0], &billion].concat();
    let columns = chunk_of(CHUNK_TYPE_CHANGE, &columns);
    assert_eq!(prescan(&columns), Err(PrescanError::Column));
    let column = [&[0][..], &head, &[0, 1, 0x42], &uleb(1 << 60)].concat();
    let column = chunk_of(CHUNK_TYPE_CHANGE, &column);
    assert_eq!(prescan(&column), Err(PrescanError::Truncated));
}

#[test]
fn columns_that_do_not_fit_together_are_refused() {
    let actions = (4 << 4 | 2, vec![2, 1]);
    for (other, error) in [
        // One key for two operations; a value column without lengths; predecessors left out.
        ((1 << 4 | 5, vec![0x7f, 1, b'a']), PrescanError::Mismatch),
        ((5 << 4 | 7, vec![0]), PrescanError::Mismatch),
        ((7 << 4, vec![2, 1]), PrescanError::Mismatch),
        // An actor that is not listed, bytes that are no text, an unknown column.
        ((7 << 4 | 1, vec![1, 1]), PrescanError::Actors),
        ((1 << 4 | 5, vec![0x7f, 1, 0xff]), PrescanError::Text),
        ((11 << 4, vec![2, 1]), PrescanError::Column),
    ] {
        let mut columns = vec![actions.clone(), other];
        columns.sort_unstable();
        assert_eq!(prescan(&assemble(&columns)), Err(error));
    }
}

#[test]
fn a_change_of_no_operation_is_refused() {
    assert_eq!(prescan(&assemble(&[])), Err(PrescanError::Empty));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_the_scan(bytes: Vec<u8>) {
        let _ = prescan(&bytes);
        let _ = prescan(&chunk_of(CHUNK_TYPE_CHANGE, &bytes));
    }

    #[test]
    fn numbers_survive_their_encoding(uint: u64, int: i64) {
        let bytes = [uleb(uint), leb(int)].concat();
        let mut cursor = Cursor::new(&bytes);
        prop_assert_eq!(cursor.uint(), Ok(uint));
        prop_assert_eq!(cursor.int(), Ok(int));
        prop_assert!(cursor.is_empty());
    }

    /// Whatever automerge reads out of damaged columns, the scan has counted at least as much.
    #[test]
    fn what_the_scan_lets_through_automerge_counts_alike(
        which in 0usize..5,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = EVERY_KIND[which].raw_bytes().to_vec();
        for (index, value) in damage {
            let at = 8 + index.index(bytes.len() - 8);
            bytes[at] = value;
        }
        repair_checksum(&mut bytes);
        if let Ok(scan) = prescan(&bytes)
            && let Ok(change) = Change::from_bytes(bytes)
        {
            prop_assert_eq!(change.len() as u64, scan.ops);
            prop_assert_eq!(change.hash().0, scan.hash.0);
        }
    }
}
