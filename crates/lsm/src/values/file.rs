//! An open value file: reading values from it, and who refers to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_strata::encryption::{Encryption, FileCipher, SEAL_BYTES, key_id_of};
use stroma_strata::storage::{Blob, Storage};

use super::format::{
    FOOTER_BYTES, HEADER_BYTES, PIECE_BYTES, PIECE_FRAME_BYTES, PIECE_HEAD_BYTES, PIECE_TAIL_BYTES, Totals,
    identity, piece_checksum, pieces, read_ends, read_piece_head,
};
use super::reference::ValueReference;
use crate::Error;

/// A sealed value file. Dropping the last handle deletes it if nothing refers to it any more.
#[derive(Debug)]
pub(crate) struct ValueFile {
    blob: Arc<dyn Blob>,
    /// Where it is, for errors.
    place: String,
    /// Deletes it; none where a file is only looked at.
    storage: Option<Arc<dyn Storage>>,
    totals: Totals,
    /// Opens its pieces, if they are encrypted, and the name of the key.
    cipher: Option<FileCipher>,
    key_id: Option<String>,
    /// What it was opened with, to open it anew.
    encryption: Option<Encryption>,
    /// Tables of the current version, and unflushed commits, that refer to it.
    referrers: AtomicU64,
    /// Bytes of the file that tables of the current version refer to.
    live_bytes: AtomicU64,
    /// Whether nothing on the device depends on it, so that it can be deleted when nobody reads it any more.
    is_garbage: AtomicBool,
}

impl ValueFile {
    /// Opens a file and checks both its ends. One that `is_new` goes again unless something comes to refer to it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but a whole value file, [`Error::Unsupported`] for one of another version,
    /// [`Error::Encryption`].
    pub(super) fn open(
        blob: Arc<dyn Blob>,
        storage: Option<Arc<dyn Storage>>,
        is_new: bool,
        encryption: Option<&Encryption>,
    ) -> Result<Self, Error> {
        let place = blob.describe();
        let bytes = blob.len();
        if bytes < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(Error::corrupt(&place, bytes, "it is too short for a value file"));
        }
        let (mut head, mut foot) = ([0; HEADER_BYTES], [0; FOOTER_BYTES]);
        blob.read_exact_at(0, &mut head)?;
        blob.read_exact_at(bytes - FOOTER_BYTES as u64, &mut foot)?;
        let totals = read_ends(&head, &foot, &place, bytes)?;
        let (cipher, key_id) = open_key(&*blob, totals, &foot, &place, encryption)?;
        Ok(ValueFile {
            cipher,
            key_id,
            encryption: encryption.cloned(),
            blob,
            place,
            storage,
            totals,
            referrers: AtomicU64::new(0),
            live_bytes: AtomicU64::new(0),
            is_garbage: AtomicBool::new(is_new),
        })
    }

    /// Opens a file only to look at it.
    ///
    /// # Errors
    /// As [`ValueFile::open`].
    pub(crate) fn inspect(blob: Arc<dyn Blob>, encryption: Option<&Encryption>) -> Result<Self, Error> {
        Self::open(blob, None, false, encryption)
    }

    /// The name of its key, if it is encrypted.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Its number.
    pub(crate) fn number(&self) -> u64 {
        self.totals.file
    }

    /// Its name in the storage, or its path.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.blob.len()
    }

    /// Values in it, and their bytes.
    pub(crate) fn contents(&self) -> (u64, u64) {
        (self.totals.values, self.totals.value_bytes)
    }

    /// Bytes of it that tables of the current version refer to.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// Whether less than half of it is referred to, so that what is left should be moved. Not while nobody has
    /// counted yet: when a log is replayed.
    pub(super) fn is_mostly_dead(&self) -> bool {
        let is_counted = self.referrers.load(Ordering::Acquire) > 0;
        is_counted && 2 * self.live_bytes() < self.data_end() - HEADER_BYTES as u64
    }

    /// Another table, or unflushed commit, refers to it, to so many bytes of it.
    pub(super) fn add_referrer(&self, live_bytes: u64) {
        self.referrers.fetch_add(1, Ordering::AcqRel);
        self.live_bytes.fetch_add(live_bytes, Ordering::Relaxed);
        self.is_garbage.store(false, Ordering::Release);
    }

    /// One that did does no longer. Those that replace it were added before.
    pub(super) fn remove_referrer(&self, live_bytes: u64) {
        self.live_bytes.fetch_sub(live_bytes, Ordering::Relaxed);
        if self.referrers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.is_garbage.store(true, Ordering::Release);
        }
    }

    fn data_end(&self) -> u64 {
        self.bytes() - FOOTER_BYTES as u64 - u64::from(self.totals.key_bytes)
    }

    /// The value that `reference` leads to.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is damaged, or the reference leads nowhere.
    pub(crate) fn read(&self, reference: ValueReference) -> Result<Vec<u8>, Error> {
        self.check(reference)?;
        let mut value = Vec::with_capacity(reference.length as usize);
        let mut copy = Vec::new();
        for number in 0..pieces(reference.length) {
            value.extend_from_slice(self.piece(reference, number, &mut copy)?);
        }
        Ok(value)
    }

    /// Reads a value, a piece at a time, and compares its checksums.
    ///
    /// # Errors
    /// As [`ValueFile::read`].
    pub(crate) fn verify_value(&self, reference: ValueReference) -> Result<(), Error> {
        self.check(reference)?;
        let mut copy = Vec::new();
        (0..pieces(reference.length))
            .try_for_each(|number| self.piece(reference, number, &mut copy).map(drop))
    }

    /// Has a value read, without waiting for it.
    pub(crate) fn prefetch(&self, reference: ValueReference) {
        self.blob.prefetch(reference.offset, reference.stored_bytes());
    }

    /// Puts piece `number` of a value into `into`.
    ///
    /// # Errors
    /// As [`ValueFile::read`].
    pub(super) fn read_piece(
        &self,
        reference: ValueReference,
        number: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.check(reference)?;
        let mut copy = Vec::new();
        let piece = self.piece(reference, number, &mut copy)?;
        into.clear();
        into.extend_from_slice(piece);
        Ok(())
    }

    fn check(&self, reference: ValueReference) -> Result<(), Error> {
        let is_inside = reference.offset >= HEADER_BYTES as u64
            && reference.end().is_some_and(|end| end <= self.data_end());
        if is_inside && reference.file == self.totals.file {
            return Ok(());
        }
        Err(Error::corrupt(&self.place, reference.offset, "a reference leads out of the file"))
    }

    /// Piece `number` of the value of a checked reference: in place if the file is mapped, else in `copy`.
    fn piece<'a>(
        &'a self,
        reference: ValueReference,
        number: u64,
        copy: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        let start = number * PIECE_BYTES as u64;
        let expected = (reference.length - start).min(PIECE_BYTES as u64) as usize;
        let offset = reference.offset + start + number * PIECE_FRAME_BYTES as u64;
        let count = expected + PIECE_FRAME_BYTES;
        let framed = match &self.cipher {
            None => self.framed(offset, count, copy)?,
            Some(cipher) => self.decrypted(offset, count, copy, cipher)?,
        };
        let piece = read_piece_head(*framed.first_chunk().unwrap_or(&[0; PIECE_HEAD_BYTES]));
        let piece = piece.unwrap_or_default();
        let is_last = number + 1 == pieces(reference.length);
        if piece != (expected, is_last) {
            return Err(Error::corrupt(&self.place, offset, "a value is not as long as its reference says"));
        }
        Ok(&framed[PIECE_HEAD_BYTES..PIECE_HEAD_BYTES + expected])
    }

    /// The framed piece of so many bytes from `offset` on, decrypted, its checksum verified.
    fn decrypted<'a>(
        &self,
        offset: u64,
        count: usize,
        copy: &'a mut Vec<u8>,
        cipher: &FileCipher,
    ) -> Result<&'a [u8], Error> {
        copy.resize(count, 0);
        self.blob.read_exact_at(offset, copy)?;
        self.check_piece(copy, offset)?;
        self.decrypt_piece(copy, offset, cipher)?;
        Ok(copy)
    }

    /// Decrypts the bytes of a framed piece in place.
    fn decrypt_piece(&self, framed: &mut [u8], offset: u64, cipher: &FileCipher) -> Result<(), Error> {
        let foreign =
            || Error::corrupt(&self.place, offset, "a piece of a value is not what was encrypted there");
        let (head, rest) = framed.split_first_chunk_mut::<PIECE_HEAD_BYTES>().ok_or_else(foreign)?;
        let (bytes, tail) = rest.split_last_chunk_mut::<PIECE_TAIL_BYTES>().ok_or_else(foreign)?;
        let (tag, _) = tail.split_first_chunk::<SEAL_BYTES>().ok_or_else(foreign)?;
        cipher.open(offset, head, bytes, tag).map_err(|_| foreign())
    }

    /// So many bytes from `offset` on, which are before the footer, their checksum verified.
    fn framed<'a>(&'a self, offset: u64, count: usize, copy: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
        if let Some(mapped) = self.blob.mapped() {
            let start = offset as usize;
            let framed = mapped
                .get(start..start + count)
                .ok_or_else(|| Error::corrupt(&self.place, offset, "the file ends within a value"))?;
            self.check_piece(framed, offset)?;
            return Ok(framed);
        }
        copy.resize(count, 0);
        self.blob.read_exact_at(offset, copy)?;
        self.check_piece(copy, offset)?;
        Ok(copy)
    }

    /// The length of a framed piece, and whether it is the last of its value, if its checksum holds.
    fn check_piece(&self, framed: &[u8], offset: u64) -> Result<(usize, bool), Error> {
        let damaged = || Error::corrupt(&self.place, offset, "a piece of a value does not have its checksum");
        let (body, checksum) = framed.split_last_chunk::<8>().ok_or_else(damaged)?;
        let head = body.first_chunk::<PIECE_HEAD_BYTES>().ok_or_else(damaged)?;
        let expected = piece_checksum(body, self.totals.file, offset);
        let (length, is_last) = read_piece_head(*head).ok_or_else(damaged)?;
        let is_whole = length + PIECE_HEAD_BYTES + SEAL_BYTES == body.len();
        if u64::from_le_bytes(*checksum) != expected || !is_whole {
            return Err(damaged());
        }
        Ok((length, is_last))
    }

    /// Reads the file from end to end and compares every checksum and count.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first place that does not hold.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        // The ends are read anew: they were checked when the file was opened, which may be long ago.
        ValueFile::inspect(self.blob.clone(), self.encryption.as_ref())?;
        let (mut values, mut value_bytes) = (0, 0);
        self.walk(|_, length| {
            values += 1;
            value_bytes += length;
            true
        })?;
        if (values, value_bytes) == self.contents() {
            return Ok(());
        }
        Err(Error::corrupt(&self.place, self.data_end(), "the footer contradicts the values"))
    }

    /// Reads the file from end to end and tells of each value where it starts and how long it is, as long as `each`
    /// wants more.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first place that does not hold.
    pub(crate) fn walk(&self, mut each: impl FnMut(u64, u64) -> bool) -> Result<(), Error> {
        let end = self.data_end();
        let mut at = HEADER_BYTES as u64;
        let (mut start, mut value_bytes) = (at, 0);
        let mut copy = Vec::new();
        while at < end {
            let cut = || Error::corrupt(&self.place, at, "a piece of a value is cut short");
            let mut head = [0; PIECE_HEAD_BYTES];
            self.blob.read_exact_at(at, &mut head)?;
            let (length, is_last) = read_piece_head(head).ok_or_else(cut)?;
            let framed_bytes = length + PIECE_FRAME_BYTES;
            if end - at < framed_bytes as u64 {
                return Err(cut());
            }
            copy.resize(framed_bytes, 0);
            self.blob.read_exact_at(at, &mut copy)?;
            self.check_piece(&copy, at)?;
            if let Some(cipher) = &self.cipher {
                self.decrypt_piece(&mut copy, at, cipher)?;
            }
            value_bytes += length as u64;
            at += framed_bytes as u64;
            if is_last {
                if !each(start, std::mem::take(&mut value_bytes)) {
                    return Ok(());
                }
                start = at;
            }
        }
        if value_bytes > 0 {
            return Err(Error::corrupt(&self.place, start, "a value without an end"));
        }
        Ok(())
    }
}

/// The cipher of a file with these ends, and the name of its key; nothing if it is not encrypted. What authenticates
/// the footer is checked.
fn open_key(
    blob: &dyn Blob,
    totals: Totals,
    foot: &[u8; FOOTER_BYTES],
    place: &str,
    encryption: Option<&Encryption>,
) -> Result<(Option<FileCipher>, Option<String>), Error> {
    let at = blob.len() - FOOTER_BYTES as u64 - u64::from(totals.key_bytes);
    let mut key = vec![0; totals.key_bytes as usize];
    blob.read_exact_at(at, &mut key)?;
    let (envelope, tag) = match key.split_last_chunk::<SEAL_BYTES>() {
        Some((envelope, tag)) => (envelope, *tag),
        None => (&key[..], [0; SEAL_BYTES]),
    };
    let cipher = crate::encryption::file_cipher(encryption, identity(totals.file), envelope, place, at)?;
    if let Some(cipher) = &cipher
        && cipher.open(at, foot, &mut [], &tag).is_err()
    {
        return Err(Error::corrupt(place, at, "the footer is not what was encrypted with"));
    }
    Ok((cipher, key_id_of(envelope).map(str::to_owned)))
}

impl Drop for ValueFile {
    fn drop(&mut self) {
        if *self.is_garbage.get_mut()
            && let Some(storage) = &self.storage
        {
            // What cannot be deleted now belongs to nobody, and goes when the database is opened next.
            let _ = storage.delete(&super::store::blob_name(self.totals.file));
        }
    }
}
