use super::*;
use crate::enrol::found;
use crate::identity::{HubNames, Identity};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use records::id::ScopeId;
use records::payload::InstitutionOp;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOW: i64 = 1_800_000_000_000;

fn bundles(count: u32) -> Vec<Bundle> {
    let bundle = |number: u32| Bundle {
        header: number.to_be_bytes().to_vec(),
        payload: vec![],
        signature: [0; 64],
    };
    (0..count).map(bundle).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_offers_goes_to_the_store_by_bites_of_little_time() {
    let (longest, offered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let admit = |bite: Vec<Bundle>| {
        longest.fetch_max(bite.len(), Ordering::Relaxed);
        offered.fetch_add(bite.len(), Ordering::Relaxed);
        let hard = Duration::from_millis(40) * u32::try_from(bite.len()).expect("few");
        async move {
            tokio::time::advance(hard).await;
            Ok(vec![Admission::Duplicate; bite.len()])
        }
    };
    let taken = take(&[], bundles(512), admit).await.unwrap();
    assert_eq!((taken.known, offered.into_inner()), (512, 512));
    assert!(longest.into_inner() <= 8);
}

async fn write(store: &Store, identity: &Identity, scope: u8) {
    let op = InstitutionOp::DefineScope {
        scope: ScopeId([scope; 16]),
        sites: vec![identity.site()],
    };
    let root = &identity.authority.as_ref().unwrap().root;
    let written = store.commit_institution(op, root, identity.institution, NOW);
    written.await.unwrap();
}

/// The one blocking thread is taken, so the set cannot be summed until it is given back.
#[test]
fn a_link_that_ends_while_the_set_is_made_leaves_no_half_set_behind() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let names = HubNames {
            institution: "学院".to_owned(),
            site: "总值班室".to_owned(),
            code: "Z".to_owned(),
        };
        let mut rng = StdRng::seed_from_u64(1);
        let identity = found(dir.path(), &names, NOW, &mut rng).await.unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let scrubs = Scrubs::default();
        let before = scrubs.current(&store).await.unwrap().len();
        write(&store, &identity, 1).await;
        let (give_back, taken) = std::sync::mpsc::channel::<()>();
        let blocking = tokio::task::spawn_blocking(move || taken.recv());
        let many_reads = async {
            for _ in 0..100 {
                store.inventory(0, PAGE).await.unwrap();
            }
        };
        tokio::select! {
            biased;
            _ = scrubs.current(&store) => panic!("it was summed without a thread"),
            () = many_reads => {}
        }
        give_back.send(()).unwrap();
        blocking.await.unwrap().unwrap();
        let set = scrubs.current(&store).await.unwrap();
        assert_eq!(set.len(), before + 1);
    });
}
