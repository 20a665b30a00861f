//! Reading: bytes of a file in, items out. Takes any bytes; never panics; holds one chunk and one
//! item whatever a file claims.

use super::{
    CHUNK_LEN, CarryError, Header, Item, LAST, MAGIC, MAX_HEADER_LEN, MAX_RECEIVERS, TAG_LEN,
    Unpacker, VERSION, content_key, nonce, number, signed, wrapping_key,
};
use ed25519_dalek::{Signature, VerifyingKey};
use records::bundle::Head;
use records::id::{Hash, InstitutionId, SiteId};
use ring::aead::{Aad, LessSafeKey};
use x25519_dalek::{PublicKey, StaticSecret};

const FRONT: usize = MAGIC.len() + 1 + 4;

/// Who reads.
#[derive(Clone)]
pub struct Reader {
    /// The institution.
    pub institution: InstitutionId,
    /// The site.
    pub site: SiteId,
    /// Its seal key.
    pub seal: StaticSecret,
}

/// Opens one file.
pub struct Opener {
    reader: Reader,
    input: Vec<u8>,
    /// Bytes of the file before `input`.
    before: u64,
    header: Option<(Header, Vec<u8>, LessSafeKey)>,
    number: u32,
    /// The last chunk was opened.
    sealed_end: bool,
    stream: Unpacker,
    end: Option<(Vec<Head>, Hash, [u8; 64])>,
}

impl Opener {
    /// Begins to read a file.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            input: Vec::new(),
            before: 0,
            header: None,
            number: 0,
            sealed_end: false,
            stream: Unpacker::new(),
            end: None,
        }
    }

    /// Takes the next bytes of the file; call [`Opener::next_item`] until it has no more before the
    /// next ones, so that little is held.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The header, once it was read.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref().map(|(header, ..)| header)
    }

    /// The next item; `None` when more bytes are needed, or at the end.
    ///
    /// # Errors
    /// [`CarryError`]; the file is of no further use.
    pub fn next_item(&mut self) -> Result<Option<Item>, CarryError> {
        if self.header.is_none() && !self.read_header()? {
            return Ok(None);
        }
        loop {
            if let Some(item) = self.stream.next_item()? {
                self.note_end(&item);
                return Ok(Some(item));
            }
            if !self.chunk()? {
                return Ok(None);
            }
        }
    }

    /// The frontier at the end, if `key` signed the file.
    ///
    /// # Errors
    /// [`CarryError::Cut`] when the end was not reached, [`CarryError::Signature`].
    pub fn finish(self, key: Option<&VerifyingKey>) -> Result<Vec<Head>, CarryError> {
        let (Some((frontier, hash, signature)), true) = (self.end, self.sealed_end) else {
            return Err(CarryError::Cut(self.before + self.input.len() as u64));
        };
        let signature = Signature::from_bytes(&signature);
        let signed = key.is_some_and(|key| key.verify_strict(&hash.0, &signature).is_ok());
        if signed {
            Ok(frontier)
        } else {
            Err(CarryError::Signature)
        }
    }

    fn read_header(&mut self) -> Result<bool, CarryError> {
        let Some(bytes) = front(&self.input)?.map(<[u8]>::to_vec) else {
            return Ok(false);
        };
        let header = decode(&bytes)?;
        let key = self.unwrap_key(&header, &bytes)?;
        self.consume(FRONT + bytes.len());
        self.header = Some((header, bytes, key));
        Ok(true)
    }

    fn unwrap_key(&self, header: &Header, bytes: &[u8]) -> Result<LessSafeKey, CarryError> {
        if header.institution != self.reader.institution {
            return Err(CarryError::OtherInstitution);
        }
        let sites = || header.receivers.iter().map(|receiver| receiver.site);
        let ours = |receiver: &&super::Receiver| receiver.site == self.reader.site;
        let Some(receiver) = header.receivers.iter().find(ours) else {
            return Err(match header.from.site == self.reader.site {
                true => CarryError::Own,
                false => CarryError::NotForUs(sites().collect()),
            });
        };
        let shared = self
            .reader
            .seal
            .diffie_hellman(&PublicKey::from(header.ephemeral));
        let public = PublicKey::from(&self.reader.seal).to_bytes();
        let key = wrapping_key(&shared, &header.ephemeral, &public);
        let mut wrapped = receiver.wrapped;
        let file_key = key
            .open_in_place(nonce(0, true), Aad::empty(), &mut wrapped)
            .map_err(|_| CarryError::Altered(FRONT as u64))?;
        let file_key: &[u8; 32] = (&*file_key)
            .try_into()
            .map_err(|_| CarryError::Altered(FRONT as u64))?;
        Ok(content_key(file_key, bytes))
    }

    /// Opens the next chunk; false when its bytes are not here yet.
    fn chunk(&mut self) -> Result<bool, CarryError> {
        if self.sealed_end {
            return match (self.input.is_empty(), &self.end) {
                (false, _) => Err(CarryError::Trailing),
                (true, None) => Err(CarryError::Malformed),
                (true, Some(_)) => Ok(false),
            };
        }
        let Some(field) = number(&self.input, 0) else {
            return Ok(false);
        };
        let (length, last) = ((field & !LAST) as usize, field & LAST != 0);
        let altered = CarryError::Altered(self.before);
        if length > CHUNK_LEN + TAG_LEN {
            return Err(altered);
        }
        let Some(sealed) = self.input.get(4..4 + length) else {
            return Ok(false);
        };
        let mut sealed = sealed.to_vec();
        let Some((_, _, key)) = &self.header else {
            return Ok(false);
        };
        let opened = key.open_in_place(nonce(self.number, last), Aad::empty(), &mut sealed);
        let Ok(opened) = opened.map(|plain| plain.len()) else {
            return Err(altered);
        };
        sealed.truncate(opened);
        self.stream.push(sealed);
        self.number = self.number.checked_add(1).ok_or(CarryError::Malformed)?;
        self.sealed_end = last;
        self.consume(4 + length);
        Ok(true)
    }

    fn note_end(&mut self, item: &Item) {
        if let Item::End {
            frontier,
            signature,
        } = item
        {
            let header = self.header.as_ref().map_or(&[][..], |(_, bytes, _)| bytes);
            let hash = signed(header, self.stream.items(), frontier);
            self.end = Some((frontier.clone(), hash, *signature));
        }
    }

    fn consume(&mut self, count: usize) {
        self.input.drain(..count);
        self.before += count as u64;
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

/// What stands readable in front of a file that begins with `bytes`; `None` if they end before it
/// does. Nothing proves yet that it is true.
///
/// # Errors
/// [`CarryError`] when this is no such file.
pub fn header(bytes: &[u8]) -> Result<Option<Header>, CarryError> {
    front(bytes)?.map(decode).transpose()
}

/// The bytes of the header.
fn front(input: &[u8]) -> Result<Option<&[u8]>, CarryError> {
    let known = input.len().min(MAGIC.len());
    if input[..known] != MAGIC[..known] {
        return Err(CarryError::NotCarried);
    }
    match input.get(MAGIC.len()) {
        Some(&VERSION) | None => {}
        Some(version) => return Err(CarryError::LaterVersion(*version)),
    }
    let Some(length) = number(&input[known..], 1) else {
        return Ok(None);
    };
    match length as usize {
        length if length > MAX_HEADER_LEN => Err(CarryError::NotCarried),
        length => Ok(input.get(FRONT..FRONT + length)),
    }
}

fn decode(bytes: &[u8]) -> Result<Header, CarryError> {
    let header: Header =
        minicbor::decode(bytes).map_err(|_| CarryError::Altered(MAGIC.len() as u64))?;
    match header.receivers.len() {
        ..=MAX_RECEIVERS => Ok(header),
        _ => Err(CarryError::Altered(MAGIC.len() as u64)),
    }
}
