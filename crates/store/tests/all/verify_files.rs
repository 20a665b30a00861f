//! Proving files: exported journals, copies of a database; and chains beside a journal.

use super::support::{EAST, Site, decree, raw};
use super::verify::{
    compared, erase, forked_where_west_saw_the_other_side, honest, report, rewritten,
};
use records::bundle::{Bundle, Head};
use records::id::InstitutionId;
use records::payload::InstitutionOp;
use std::path::PathBuf;
use store::Store;
use store::verify::{Anchors, BadReason, VerifyError, export, verify, verify_against};

async fn exported(site: &Site) -> PathBuf {
    let path = site.path().join("journals");
    let file = std::fs::File::create(&path).unwrap();
    let store = Store::open_read_only(site.path()).await.unwrap();
    export(&store, std::io::BufWriter::new(file), |_| ())
        .await
        .unwrap();
    path
}

#[tokio::test]
async fn an_exported_file_proves_what_the_directory_proves() {
    let (_, hub) = honest().await;
    erase(&hub).await;
    let file = exported(&hub).await;
    assert_eq!(report(&file).await, report(hub.path()).await);
    let forger = rewritten().await;
    let bad = compared(forger.path(), &file).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 5");
}

#[tokio::test]
async fn an_exported_file_that_was_touched_does_not_hold() {
    let (_, hub) = honest().await;
    let file = exported(&hub).await;
    let sound = std::fs::read(&file).unwrap();
    for position in (16..sound.len()).step_by(97) {
        let mut bad = sound.clone();
        bad[position] ^= 4;
        std::fs::write(&file, &bad).unwrap();
        let verified = verify(&file, |_| ()).await;
        assert!(
            verified.is_err() || !verified.unwrap().holds(),
            "byte {position}"
        );
    }
    for cut in [sound.len() - 1, sound.len() / 2, 20, 12] {
        std::fs::write(&file, &sound[..cut]).unwrap();
        assert!(verify(&file, |_| ()).await.is_err(), "cut to {cut}");
    }
    std::fs::write(&file, [&sound[..], b"more"].concat()).unwrap();
    let longer = verify(&file, |_| ()).await;
    assert!(matches!(longer, Err(VerifyError::CutOff(15))), "{longer:?}");
    std::fs::write(&file, b"something else").unwrap();
    let other = verify(&file, |_| ()).await;
    assert!(matches!(other, Err(VerifyError::Unknown)), "{other:?}");
}

#[tokio::test]
async fn a_copy_of_the_database_alone_is_proved_as_a_backup() {
    let (_, hub) = honest().await;
    let whole = report(hub.path()).await;
    let Site { store, dir, .. } = hub;
    drop(store);
    // Whichever connection closes last may leave the log to be read beside the file.
    let empty_log = sqlx::raw_sql("pragma wal_checkpoint(truncate)");
    empty_log.execute(&mut raw(dir.path()).await).await.unwrap();
    let copy = dir.path().join("copy.db");
    std::fs::copy(dir.path().join("dutyroom.db"), &copy).unwrap();
    assert_eq!(report(&copy).await, whole);
}

#[tokio::test]
async fn bundles_of_another_institution_than_asked_for_are_said_to_be() {
    let (_, hub) = honest().await;
    let anchors = Anchors {
        institution: Some(InstitutionId([9; 16])),
        ..Anchors::default()
    };
    let verified = verify_against(hub.path(), anchors, |_| ()).await;
    assert!(matches!(
        verified,
        Err(VerifyError::OtherInstitution { .. })
    ));
}

/// Puts a forged chain beside East's journal, as a closure would.
async fn put_beside(hub: &Site, bundles: &[Bundle]) {
    let mut conn = raw(hub.path()).await;
    for bundle in bundles {
        let header = bundle.decode_header().unwrap();
        sqlx::query(
            "insert into bundle(site, incarnation, seq, hash, header, payload, signature, action,
                 past, place, received_ms)
             values($1, $2, $3, $4, $5, $6, $7, $8, x'a0',
                 (select max(place) + 1000 from bundle), 0)",
        )
        .bind(header.site.0.to_vec())
        .bind(i64::from(header.incarnation | 1 << 24))
        .bind(i64::try_from(header.seq).unwrap())
        .bind(bundle.hash().0.to_vec())
        .bind(bundle.header.clone())
        .bind(bundle.payload.clone())
        .bind(bundle.signature.to_vec())
        .bind(header.action.0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_second_chain_holds_beside_its_journal_only_if_the_institution_adopted_it() {
    let (east, hub) = honest().await;
    let other = rewritten().await.own().await;
    put_beside(&hub, &other[4..]).await;
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 8");
    assert_eq!(bad.reason, BadReason::NotAdopted);
    let heads = [&east.own().await[7], &other[7]].map(|bundle| Head {
        journal: EAST.journal(),
        seq: 8,
        hash: bundle.hash(),
    });
    let op = InstitutionOp::Close {
        journal: EAST.journal(),
        heads: heads.to_vec(),
    };
    decree(&hub.store, op).await;
    let whole = report(hub.path()).await;
    assert_eq!((whole.first_bad.clone(), whole.adopted), (None, 1));
    assert_eq!(report(&exported(&hub).await).await, whole);
    // A chain that leaves its journal nowhere.
    let mut conn = raw(hub.path()).await;
    sqlx::query("delete from bundle where incarnation > 100 and seq = 5")
        .execute(&mut conn)
        .await
        .unwrap();
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 6");
    assert_eq!(bad.reason, BadReason::Chain);
}

#[tokio::test]
async fn an_end_of_a_forked_journal_that_is_gone_is_disputed_and_of_any_other_journal_missing() {
    let (hub, forger) = forked_where_west_saw_the_other_side().await;
    let seen = forger.own().await.pop().unwrap();
    let seq = seen.decode_header().unwrap().seq;
    let mut conn = raw(hub.path()).await;
    for (sql, keeps_a_branch) in [
        ("delete from branch where hash = $1 and seq >= $2", true),
        ("delete from branch where $1 is not null and $2 > 0", false),
    ] {
        sqlx::query("delete from bundle where site = $1 and seq >= $2")
            .bind(EAST.site().0.to_vec())
            .bind(i64::try_from(seq).unwrap())
            .execute(&mut conn)
            .await
            .unwrap();
        sqlx::query(sql)
            .bind(seen.hash().0.to_vec())
            .bind(i64::try_from(seq).unwrap())
            .execute(&mut conn)
            .await
            .unwrap();
        let report = report(hub.path()).await;
        assert!(!report.holds());
        match keeps_a_branch {
            true => {
                assert_eq!(report.first_bad, None);
                assert_eq!(
                    (report.disputed[0].saw, report.disputed[0].held),
                    (seen.hash(), None)
                );
                assert!(report.disputed[0].to_string().contains("forked"));
            }
            false => assert_eq!(report.first_bad.unwrap().reason.code(), "dependency"),
        }
    }
}

#[tokio::test]
async fn an_exported_file_tells_forks_as_its_directory_does() {
    let (hub, forger) = forked_where_west_saw_the_other_side().await;
    let whole = report(hub.path()).await;
    assert!(whole.branches > 0);
    assert_eq!(report(&exported(&hub).await).await, whole);
    // Two sites that chose different sides of a known fork do not call each other forgers.
    assert!(compared(hub.path(), forger.path()).await.holds());
}
