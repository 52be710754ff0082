//! The chain of numbered blobs: reading it back to the last snapshot, and putting the next blob at its end.

use std::sync::Arc;

use super::format::{self, BlobType, Decoded};
use super::sealed;
use super::state::{Edit, State};
use crate::Error;
use crate::encryption::Encryption;
use crate::storage::{BlobEntry, Storage, StorageError};

/// The folder of the chain.
pub(crate) const FOLDER: &str = "manifest";
/// A blob that follows this many edits since the last snapshot is a snapshot itself.
const EDITS_BETWEEN_SNAPSHOTS: u64 = 32;

/// The name of blob `number`.
pub(crate) fn blob_name(number: u64) -> String {
    format!("{FOLDER}/{number:020}")
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// What the chain says.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) kind: String,
    /// The number of the last blob, zero if there is none.
    pub(crate) last: u64,
    pub(crate) last_checksum: u64,
    /// How many edits follow the last snapshot.
    pub(crate) edits: u64,
    /// Blobs before the last snapshot, which nobody needs.
    pub(crate) stale: Vec<String>,
}

/// The numbers of all blobs, ascending.
pub(crate) fn numbers(storage: &dyn Storage) -> Result<Vec<u64>, Error> {
    let listed = storage.list(FOLDER)?;
    let mut numbers: Vec<u64> = listed.iter().filter_map(|entry| number_of(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the last blob, zero if there is none.
pub(crate) fn last_number(storage: &dyn Storage) -> Result<u64, Error> {
    Ok(numbers(storage)?.last().copied().unwrap_or(0))
}

/// Reads the chain from its end back to the last snapshot, and applies the edits after that. `None` if there
/// is no manifest.
pub(crate) fn read(
    storage: &dyn Storage,
    encryption: Option<&Encryption>,
) -> Result<Option<Recovered>, Error> {
    let numbers = numbers(storage)?;
    let Some(last) = numbers.last().copied() else { return Ok(None) };
    let (decoded, last_checksum) = load_back_to_snapshot(storage, last, encryption)?;
    let edits = decoded.len() as u64 - 1;
    let snapshot_number = last - edits;
    let mut state = State::default();
    let mut kind = String::new();
    for (number, blob) in (snapshot_number..).zip(decoded.into_iter().rev()) {
        state = state.apply(&blob.edit).map_err(|misfit| Error::Corrupt {
            file: storage.describe(&blob_name(number)),
            offset: 0,
            what: misfit.to_string(),
        })?;
        kind = blob.kind;
    }
    let stale = numbers.into_iter().take_while(|number| *number < snapshot_number).map(blob_name).collect();
    Ok(Some(Recovered { state, kind, last, last_checksum, edits, stale }))
}

/// What the manifest of a storage, if it is not encrypted, says, a line for each layer and record; `None` if there is
/// none. Takes no
/// lock and changes nothing, so it may be called while someone else writes.
///
/// # Errors
/// As [`LayeredSet::open`](crate::LayeredSet::open), for the manifest.
pub fn describe(storage: &dyn Storage) -> Result<Option<String>, Error> {
    let Some(recovered) = read(storage, None)? else { return Ok(None) };
    let Recovered { state, kind, last, edits, .. } = recovered;
    Ok(Some(format!("kind {kind}, {edits} edits since the snapshot, the last has number {last}\n{state}")))
}

/// A whole state as the bytes of blob `number`, which builds on nothing.
pub(crate) fn encode_snapshot(
    number: u64,
    kind: &str,
    state: &State,
    encryption: Option<&Encryption>,
) -> Result<Vec<u8>, Error> {
    let decoded =
        Decoded { blob_type: BlobType::Snapshot, previous: 0, kind: kind.to_owned(), edit: state.snapshot() };
    format::encode(number, &decoded, encryption)
}

/// The kind and the state in the bytes of a snapshot; `file` names it in errors.
pub(crate) fn decode_snapshot(
    bytes: &[u8],
    number: u64,
    file: &str,
    encryption: Option<&Encryption>,
) -> Result<(String, State), Error> {
    let corrupt = |what: String| Error::Corrupt { file: file.to_owned(), offset: 12, what };
    let decoded = format::decode(bytes, number, file, encryption)?;
    if decoded.blob_type != BlobType::Snapshot {
        return Err(corrupt("it is an edit, not a snapshot".to_owned()));
    }
    let state = State::default().apply(&decoded.edit).map_err(|misfit| corrupt(misfit.to_string()))?;
    Ok((decoded.kind, state))
}

/// The blobs from `last` back to the nearest snapshot, in that order, and the checksum of the last.
fn load_back_to_snapshot(
    storage: &dyn Storage,
    last: u64,
    encryption: Option<&Encryption>,
) -> Result<(Vec<Decoded>, u64), Error> {
    let mut decoded: Vec<Decoded> = Vec::new();
    let mut last_checksum = 0;
    let mut number = last;
    loop {
        let name = blob_name(number);
        let file = storage.describe(&name);
        let bytes = match storage.open(&name) {
            Err(StorageError::NotFound { .. }) => {
                let what = "it is missing, but a later edit builds on it".to_owned();
                return Err(Error::Corrupt { file, offset: 0, what });
            }
            blob => blob?.read_all()?,
        };
        let blob = format::decode(&bytes, number, &file, encryption)?;
        let checksum = format::checksum(&bytes);
        match decoded.last() {
            None => last_checksum = checksum,
            Some(next) if next.previous != checksum => {
                let what = "the edit after it was written after another one".to_owned();
                return Err(Error::Corrupt { file, offset: 48, what });
            }
            Some(_) => {}
        }
        let found = blob.blob_type == BlobType::Snapshot;
        decoded.push(blob);
        if found {
            return Ok((decoded, last_checksum));
        }
        if number <= 1 {
            let what = "the chain starts with an edit instead of a snapshot".to_owned();
            return Err(Error::Corrupt { file, offset: 12, what });
        }
        number -= 1;
    }
}

/// The name of the key of each blob of the chain that is there, oldest first; `None` for one that is not encrypted.
pub(crate) fn key_ids(storage: &dyn Storage) -> Result<Vec<Option<String>>, Error> {
    let listed = storage.list(FOLDER)?;
    let blobs = listed.iter().filter(|entry| number_of(&entry.name).is_some());
    let key_id = |entry: &BlobEntry| match storage.open(&entry.name) {
        // Others write the chain meanwhile, and delete what a snapshot made superfluous.
        Err(StorageError::NotFound { .. }) => Ok(None),
        blob => Ok(Some(sealed::key_id(&blob?.read_all()?).map(str::to_owned))),
    };
    blobs.filter_map(|entry| key_id(entry).transpose()).collect()
}

/// The end of the chain, owned by the one who commits.
#[derive(Debug)]
pub(crate) struct Writer {
    storage: Arc<dyn Storage>,
    kind: &'static str,
    encryption: Option<Encryption>,
    /// Whether the storage's lock keeps other writers out; if not, each blob has to.
    exclusive: bool,
    /// What was committed last.
    pub(crate) state: State,
    /// The number of the last blob.
    pub(crate) last: u64,
    last_checksum: u64,
    /// Edits since the last snapshot.
    edits: u64,
    /// The first blob that is still needed.
    first_kept: u64,
    /// Blobs and bytes written.
    pub(crate) written: (u64, u64),
    failure: Option<Failure>,
}

#[derive(Debug, Clone)]
enum Failure {
    Fenced,
    Unknown(String),
}

impl Writer {
    /// Goes on after what was recovered, as the writer of the next epoch. Nothing is written yet.
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        kind: &'static str,
        exclusive: bool,
        recovered: Option<&Recovered>,
        encryption: Option<Encryption>,
    ) -> Writer {
        let mut state = recovered.map(|recovered| recovered.state.clone()).unwrap_or_default();
        state.epoch += 1;
        let last = recovered.map_or(0, |recovered| recovered.last);
        let edits = recovered.map_or(0, |recovered| recovered.edits);
        Writer {
            storage,
            kind,
            encryption,
            exclusive,
            state,
            last,
            last_checksum: recovered.map_or(0, |recovered| recovered.last_checksum),
            edits,
            first_kept: last - edits,
            written: (0, 0),
            failure: None,
        }
    }

    /// Fails if this writer was fenced or does not know how its last edit ended.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.failure {
            None => Ok(()),
            Some(Failure::Fenced) => Err(Error::Fenced { place: self.storage.describe("") }),
            Some(Failure::Unknown(cause)) => Err(Error::Poisoned { cause: cause.clone() }),
        }
    }

    /// Whether anything happened since the last snapshot.
    pub(crate) fn has_edits(&self) -> bool {
        self.edits > 0
    }

    /// Writes the edit that leads from the last state to `next`, as an edit or, when one is due, a snapshot.
    pub(crate) fn commit(&mut self, mut edit: Edit, next: State) -> Result<(), Error> {
        edit.epoch = next.epoch;
        edit.next_recency = next.next_recency;
        if self.last == 0 || self.edits + 1 >= EDITS_BETWEEN_SNAPSHOTS {
            self.put(BlobType::Snapshot, next.snapshot())?;
        } else {
            self.put(BlobType::Edit, edit)?;
        }
        self.state = next;
        Ok(())
    }

    /// Writes the whole state, so that the next start has little to read.
    pub(crate) fn write_snapshot(&mut self) -> Result<(), Error> {
        self.put(BlobType::Snapshot, self.state.snapshot())
    }

    fn put(&mut self, blob_type: BlobType, edit: Edit) -> Result<(), Error> {
        self.check()?;
        let number = self.last + 1;
        let decoded = Decoded { blob_type, previous: self.last_checksum, kind: self.kind.to_owned(), edit };
        let bytes = format::encode(number, &decoded, self.encryption.as_ref())?;
        match self.storage.put_if_absent(&blob_name(number), &bytes) {
            Ok(()) => {}
            Err(StorageError::AlreadyExists { .. }) => {
                self.failure = Some(Failure::Fenced);
                return self.check();
            }
            Err(error) => {
                if !error.published_nothing() {
                    self.failure = Some(Failure::Unknown(error.to_string()));
                }
                return Err(error.into());
            }
        }
        self.check_still_last(number)?;
        self.last = number;
        self.last_checksum = format::checksum(&bytes);
        self.written = (self.written.0 + 1, self.written.1 + bytes.len() as u64);
        self.edits += 1;
        if blob_type == BlobType::Snapshot {
            self.edits = 0;
            self.delete_before(number);
        }
        Ok(())
    }

    /// That our number was free does not prove that we are still the writer: another one may have gone on
    /// past it, written a snapshot and removed what lies before, our number included. But then that snapshot
    /// is there.
    fn check_still_last(&mut self, number: u64) -> Result<(), Error> {
        if self.exclusive {
            return Ok(());
        }
        let listed = match self.storage.list(FOLDER) {
            Ok(listed) => listed,
            Err(error) => {
                self.failure = Some(Failure::Unknown(error.to_string()));
                return Err(error.into());
            }
        };
        if listed.iter().filter_map(|entry| number_of(&entry.name)).any(|other| other > number) {
            self.failure = Some(Failure::Fenced);
        }
        self.check()
    }

    /// Removes blobs that the snapshot `number` makes superfluous. What cannot be removed now is removed when
    /// the set is opened next.
    fn delete_before(&mut self, number: u64) {
        for stale in self.first_kept.max(1)..number {
            let _ = self.storage.delete(&blob_name(stale));
        }
        self.first_kept = number;
    }
}
