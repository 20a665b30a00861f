//! Accounts, sessions, join codes.

use super::support::{EAST, Site, quick};
use records::id::AccountId;
use store::{Account, JoinCode, JoinCodeError, Session, StoreError};

fn account(number: u8, login: &str) -> Account {
    Account {
        id: AccountId([number; 16]),
        login: login.to_owned(),
        verifier: "$argon2id$v=19$example".to_owned(),
    }
}

#[tokio::test]
async fn a_login_is_unique_whatever_its_case() {
    let east = Site::bare(EAST, quick()).await;
    east.store.add_account(account(1, "Wang")).await.unwrap();
    let taken = east.store.add_account(account(2, " wANG ")).await;
    assert!(matches!(taken, Err(StoreError::LoginTaken)));
    let found = east.store.account_by_login("WANG").await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.login.as_str()),
        (AccountId([1; 16]), "Wang")
    );
    assert_eq!(east.store.account_by_login("li").await.unwrap(), None);
}

#[tokio::test]
async fn a_new_verifier_replaces_the_old_one() {
    let east = Site::bare(EAST, quick()).await;
    east.store.add_account(account(1, "wang")).await.unwrap();
    let id = AccountId([1; 16]);
    assert!(east.store.set_verifier(id, "new").await.unwrap());
    let found = east.store.account(id).await.unwrap().unwrap();
    assert_eq!(found.verifier, "new");
    let nobody = AccountId([2; 16]);
    assert!(!east.store.set_verifier(nobody, "new").await.unwrap());
}

fn session(token: u8) -> Session {
    Session {
        token_hash: [token; 32],
        account: AccountId([1; 16]),
        created_ms: 1_000,
        idle_expires_ms: 2_000,
        expires_ms: 5_000,
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case_at_its_end() {
    let east = Site::bare(EAST, quick()).await;
    east.store.add_account(account(1, "wang")).await.unwrap();
    east.store.add_session(session(1)).await.unwrap();
    let at = async |now| east.store.session(&[1; 32], now).await.unwrap().is_some();
    assert!(at(1_999).await && !at(2_000).await);
    assert!(east.store.touch_session([1; 32], 9_000).await.unwrap());
    assert!(at(4_999).await && !at(5_000).await);
    assert_eq!(east.store.purge_sessions(5_000).await.unwrap(), 1);
    assert!(!east.store.touch_session([1; 32], 9_000).await.unwrap());
}

#[tokio::test]
async fn all_sessions_of_an_account_can_be_ended_at_once() {
    let east = Site::bare(EAST, quick()).await;
    east.store.add_account(account(1, "wang")).await.unwrap();
    for token in 1..=3 {
        east.store.add_session(session(token)).await.unwrap();
    }
    assert!(east.store.revoke_session([1; 32]).await.unwrap());
    let ended = east.store.revoke_sessions_of(AccountId([1; 16])).await;
    assert_eq!(ended.unwrap(), 2);
    assert_eq!(east.store.session(&[2; 32], 1_000).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_of_nobody_is_refused_and_harms_nobody_else() {
    let east = Site::bare(EAST, quick()).await;
    let orphan = session(1);
    let (orphan, added) = tokio::join!(
        east.store.add_session(orphan),
        east.store.add_account(account(1, "wang"))
    );
    assert!(orphan.is_err());
    added.unwrap();
}

#[tokio::test]
async fn a_used_join_code_is_refused() {
    let hub = Site::bare(EAST, quick()).await;
    let code = JoinCode {
        hash: [7; 32],
        site_name: "西校区值班室".to_owned(),
        site_code: "W".to_owned(),
        expires_ms: 5_000,
    };
    hub.store.add_join_code(code).await.unwrap();
    let late = hub.store.redeem_join_code([7; 32], 5_000).await;
    assert!(matches!(late, Err(JoinCodeError::Expired)));
    let (one, two) = tokio::join!(
        hub.store.redeem_join_code([7; 32], 4_000),
        hub.store.redeem_join_code([7; 32], 4_000)
    );
    assert_eq!(one.unwrap().site_code, "W");
    assert!(matches!(two, Err(JoinCodeError::Used)));
    let unknown = hub.store.redeem_join_code([8; 32], 4_000).await;
    assert!(matches!(unknown, Err(JoinCodeError::Unknown)));
}
