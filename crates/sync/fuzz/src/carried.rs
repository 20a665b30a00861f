//! A true carried file, what it holds, and who can read it.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use records::bundle::Bundle;
use records::id::{Hash, SiteId};
use sync::carry::{Item, Reader, Sealer};
use sync::identity::{HubNames, Identity};
use x25519_dalek::{PublicKey, StaticSecret};

/// What the file holds before its end.
#[must_use]
pub fn items() -> Vec<Item> {
    let bundle = Bundle {
        header: vec![1; 200],
        payload: vec![2; 300],
        signature: [3; 64],
    };
    vec![
        Item::Bundles(vec![bundle.clone(); 4]),
        Item::Evidence(vec![bundle]),
        Item::Blob {
            hash: Hash([4; 32]),
            content: vec![5; 100],
        },
    ]
}

/// The file and its reader.
///
/// # Panics
/// Never.
#[must_use]
pub fn file() -> (Reader, Vec<u8>) {
    let names = HubNames {
        institution: "学院".to_owned(),
        site: "总值班室".to_owned(),
        code: "Z".to_owned(),
    };
    let mut rng = StdRng::seed_from_u64(1);
    let hub = Identity::new_hub(&names, &mut rng).expect("an identity");
    let reader = Reader {
        institution: hub.institution,
        site: SiteId([2; 8]),
        seal: StaticSecret::from([2; 32]),
    };
    let receiver = (reader.site, PublicKey::from(&reader.seal).to_bytes());
    let mut sealer = Sealer::new(&hub, &[receiver], 7, &mut rng).expect("one receiver");
    for item in items() {
        sealer.put(&item);
    }
    (reader, sealer.end(Vec::new()))
}
