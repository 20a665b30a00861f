//! Writing: items in, bytes of the file out. Pure but for the compressor's own memory.

use super::{
    CHUNK_LEN, CarryError, Header, Item, LAST, MAGIC, MAX_RECEIVERS, Receiver, VERSION,
    ZSTD_WINDOW_LOG, content_key, nonce, signed, wrapping_key,
};
use crate::identity::Identity;
use ed25519_dalek::{Signer as _, SigningKey};
use rand::RngCore;
use records::bundle::Head;
use records::id::SiteId;
use ring::aead::{Aad, LessSafeKey};
use std::io::Write as _;
use x25519_dalek::{PublicKey, StaticSecret};

const ZSTD_LEVEL: i32 = 3;

/// Makes one file.
pub struct Sealer {
    header: Vec<u8>,
    key: LessSafeKey,
    sign: SigningKey,
    items: blake3::Hasher,
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    number: u32,
    out: Vec<u8>,
}

impl Sealer {
    /// Begins a file of this site for the sites with these seal keys.
    ///
    /// # Errors
    /// [`CarryError::SealKey`] when nothing can be sealed to one of the keys.
    pub fn new(
        identity: &Identity,
        receivers: &[(SiteId, [u8; 32])],
        created_ms: i64,
        rng: &mut impl RngCore,
    ) -> Result<Self, CarryError> {
        let (mut secret, mut file_key) = ([0; 32], [0; 32]);
        rng.fill_bytes(&mut secret);
        rng.fill_bytes(&mut file_key);
        let secret = StaticSecret::from(secret);
        let ephemeral = PublicKey::from(&secret).to_bytes();
        let wrap = |(site, seal_key): &(SiteId, [u8; 32])| {
            let shared = secret.diffie_hellman(&PublicKey::from(*seal_key));
            if !shared.was_contributory() {
                return Err(CarryError::SealKey(*site));
            }
            let key = wrapping_key(&shared, &ephemeral, seal_key);
            let mut wrapped = file_key.to_vec();
            key.seal_in_place_append_tag(nonce(0, true), Aad::empty(), &mut wrapped)
                .expect("a short message can be sealed");
            let wrapped = wrapped.try_into().expect("a key and its tag");
            Ok(Receiver {
                site: *site,
                wrapped,
            })
        };
        let receivers = receivers.iter().take(MAX_RECEIVERS).map(wrap);
        let header = Header {
            institution: identity.institution,
            from: identity.journal,
            created_ms,
            ephemeral,
            receivers: receivers.collect::<Result<_, _>>()?,
        };
        let header = minicbor::to_vec(&header).expect("encoding into a Vec cannot fail");
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        out.extend(len(&header).to_be_bytes());
        out.extend(&header);
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)
            .expect("the compressor has memory");
        encoder
            .window_log(ZSTD_WINDOW_LOG)
            .expect("a window within the compressor's limits");
        Ok(Self {
            key: content_key(&file_key, &header),
            header,
            sign: identity.sign.clone(),
            items: blake3::Hasher::new(),
            encoder,
            number: 0,
            out,
        })
    }

    /// Adds an item.
    pub fn put(&mut self, item: &Item) {
        let bytes = minicbor::to_vec(item).expect("encoding into a Vec cannot fail");
        let length = len(&bytes).to_be_bytes();
        self.items.update(&length);
        self.items.update(&bytes);
        self.write(&length);
        self.write(&bytes);
        while self.encoder.get_ref().len() > CHUNK_LEN {
            let rest = self.encoder.get_mut().split_off(CHUNK_LEN);
            let chunk = std::mem::replace(self.encoder.get_mut(), rest);
            self.seal(chunk, false);
        }
    }

    /// Takes the bytes made so far.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Signs and ends the file; the last bytes.
    #[must_use]
    pub fn end(mut self, frontier: Vec<Head>) -> Vec<u8> {
        let signature = self
            .sign
            .sign(&signed(&self.header, &self.items, &frontier).0);
        self.put(&Item::End {
            frontier,
            signature: signature.to_bytes(),
        });
        self.encoder
            .do_finish()
            .expect("compressing into a Vec cannot fail");
        let mut rest = std::mem::take(self.encoder.get_mut());
        while rest.len() > CHUNK_LEN {
            let tail = rest.split_off(CHUNK_LEN);
            self.seal(std::mem::replace(&mut rest, tail), false);
        }
        self.seal(rest, true);
        self.out
    }

    fn write(&mut self, bytes: &[u8]) {
        self.encoder
            .write_all(bytes)
            .expect("compressing into a Vec cannot fail");
    }

    fn seal(&mut self, mut chunk: Vec<u8>, last: bool) {
        self.key
            .seal_in_place_append_tag(nonce(self.number, last), Aad::empty(), &mut chunk)
            .expect("a chunk is short enough to be sealed");
        // 2^32 chunks are 256 TiB.
        self.number += 1;
        let flag = if last { LAST } else { 0 };
        self.out.extend((len(&chunk) | flag).to_be_bytes());
        self.out.extend(chunk);
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("headers, items and chunks are far below 4 GiB")
}
