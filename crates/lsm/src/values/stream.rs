//! Writing a value a piece at a time, past the log and the memory budget, before the commit that refers to it.

use std::io::Read;
use std::sync::Arc;

use super::file::ValueFile;
use super::format::PIECE_BYTES;
use super::reference::ValueReference;
use super::store::ValueStore;
use crate::commit::{CommitToken, Payload};
use crate::database::Core;
use crate::keyspace::Keyspace;
use crate::options::Durability;
use crate::transaction::Validation;
use crate::{Compression, Error};

/// A value that was streamed in.
#[derive(Debug)]
pub(crate) enum StoredStream {
    /// It was so short that it can go the way of any other.
    Short(Vec<u8>),
    /// It is in a file of its own, which goes again unless a commit refers to it.
    Stored(ValueReference, Arc<ValueFile>),
}

impl ValueStore {
    /// Writes all that `source` gives to a value file and to the device; a value of less than a piece that has at most
    /// `most_short` bytes is only read.
    ///
    /// # Errors
    /// [`Error::Stream`] if the source fails; failure of the storage. Nothing stays behind.
    pub(super) fn store_stream(
        &self,
        source: &mut dyn Read,
        most_short: usize,
        compression: Compression,
    ) -> Result<StoredStream, Error> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut next = Vec::with_capacity(PIECE_BYTES);
        read_piece(source, &mut piece)?;
        if piece.len() < PIECE_BYTES && piece.len() <= most_short {
            return Ok(StoredStream::Short(piece));
        }
        let mut writer = self.create()?;
        writer.begin_value(compression);
        loop {
            read_piece(source, &mut next)?;
            writer.append_piece(&piece, next.is_empty())?;
            if next.is_empty() {
                break;
            }
            std::mem::swap(&mut piece, &mut next);
        }
        let reference = writer.end_value()?;
        let number = self.seal(writer)?;
        Ok(StoredStream::Stored(reference, self.open(number)?))
    }
}

/// Fills `piece` as far as the source has bytes.
fn read_piece(source: &mut dyn Read, piece: &mut Vec<u8>) -> Result<(), Error> {
    piece.clear();
    let mut part = source.take(PIECE_BYTES as u64);
    part.read_to_end(piece).map_err(|cause| Error::Stream { cause: Arc::new(cause) })?;
    Ok(())
}

impl Core {
    /// Takes a value of `keyspace` in; see [`ValueStore::store_stream`]. What goes into a batch leaves room
    /// there for others.
    ///
    /// # Errors
    /// As there; the database is closed or poisoned.
    pub(crate) fn store_stream(
        &self,
        keyspace: &Keyspace,
        source: &mut dyn Read,
    ) -> Result<StoredStream, Error> {
        self.check_open()?;
        let compression = self.layers.value_rules().of(&keyspace.key_prefix()).1;
        self.values().store_stream(source, self.batch_limit() / 4, compression)
    }

    /// Commits a payload that refers to streamed values.
    pub(crate) fn commit_streamed(
        &self,
        mut payload: Payload,
        durability: Durability,
        validation: Option<Validation>,
    ) -> Result<CommitToken, Error> {
        let (files, streamed_bytes) = payload.take_streamed();
        if files.is_empty() {
            return self.commit(payload, durability, validation);
        }
        let store = self.values();
        store.keep_streamed(&files);
        let outcome = self.commit(payload, durability, validation);
        match &outcome {
            Ok(token) => {
                store.note_committed(&files, token.sequence);
                self.counters().user_bytes.add(streamed_bytes);
            }
            Err(error) if is_refusal(error) => store.release_refused(&files),
            // Some of it may be in the log; the next opening knows.
            Err(Error::Poisoned { .. }) => {}
            // The device is full, say. What of it is in the log is void by the time tables hold a later commit.
            Err(_) => store.note_committed(&files, self.published() + 1),
        }
        outcome
    }
}

/// Whether a commit that failed like this never reached the log.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Conflict { .. }
            | Error::TooLarge { .. }
            | Error::Memory(_)
            | Error::OutOfMemory { .. }
            | Error::Closed
            | Error::KeyspaceDropped { .. }
            | Error::ForeignKeyspace { .. }
    )
}
