//! What one committer hands to whoever decides it, and what it gets back.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::SpareBuffers;
use crate::Error;
use crate::database::Core;
use crate::entry::{Marked, NEVER, Sequence, Timestamp, check_bounds, check_key, check_value};
use crate::log::Operation;
use crate::options::Durability;
use crate::transaction::Validation;
use crate::values::{Packing, StoredStream, ValueFile, ValueReference, append_marked};

/// How many bytes longer a put becomes at most by a mark, and a length that takes as many bytes as any.
const MOST_MORE_BYTES: usize = 5;

/// Where a commit stands in the history of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitToken {
    /// Grows by at least one each time the database is opened.
    pub epoch: u64,
    /// The sequence of the commit's last operation; of an empty commit, that of the last commit before it.
    pub sequence: Sequence,
}

/// Encoded operations and what is known of them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Payload {
    /// The operations; see [`Operation`].
    pub(crate) bytes: Vec<u8>,
    /// How many.
    pub(crate) operations: u32,
    /// Whether a range delete is among them.
    pub(crate) deletes_ranges: bool,
    /// Whether something that expires is among them.
    pub(crate) expires: bool,
    /// How many bytes longer it would be if no value of it were packed; less than none where that saved nothing.
    saved_bytes: isize,
    /// Whether the bytes are one of the spare buffers.
    is_in_spare_buffer: bool,
    /// The first mistake the caller made; told when it commits.
    mistake: Option<Error>,
    /// The value files that the operations refer to, each with the bytes it is for.
    streamed: Vec<(Arc<ValueFile>, u64)>,
    /// Bytes of these values themselves.
    streamed_bytes: u64,
}

impl Payload {
    /// Collects operations in one of the [spare buffers](SpareBuffers) from now on, if none was collected yet and the
    /// first one is of a large entry.
    pub(crate) fn collect_in(&mut self, buffers: &SpareBuffers, entry_bytes: usize) {
        if self.bytes.capacity() == 0
            && let Some(buffer) = buffers.take(entry_bytes)
        {
            self.bytes = buffer;
            self.is_in_spare_buffer = true;
        }
    }

    /// Gives the spare buffer back, if it was one.
    pub(crate) fn give_back(self, buffers: &SpareBuffers) {
        if self.is_in_spare_buffer {
            buffers.give_back(self.bytes);
        }
    }

    /// Adds a put of `prefix` joined with `key`, its value packed as [`Core::packing`] says.
    pub(crate) fn put(&mut self, prefix: &[u8], key: &[u8], value: &[u8], packing: Packing<'_>) {
        if !self.is_good(check_key(prefix.len() + key.len())) || !self.is_good(check_value(value.len())) {
            return;
        }
        self.operations += 1;
        let bytes = Operation::put_bytes(prefix.len() + key.len(), value.len());
        let before = self.bytes.len();
        let is_packed = match packing {
            Packing::None => false,
            Packing::Short(attempts) if !attempts.is_worth(key, value) => false,
            Packing::Short(attempts) => {
                self.bytes.reserve(bytes + MOST_MORE_BYTES);
                let append = |out: &mut Vec<u8>| attempts.append_marked(value, out);
                Operation::encode_put_marked_by(&mut self.bytes, prefix, key, append)
            }
            Packing::Large(compression) => {
                // Also for a value that saves nothing: then it is copied once.
                self.bytes.reserve(bytes + MOST_MORE_BYTES);
                let append = |out: &mut Vec<u8>| append_marked(value, compression, out);
                Operation::encode_put_marked_by(&mut self.bytes, prefix, key, append);
                true
            }
        };
        if is_packed {
            self.saved_bytes += bytes as isize - (self.bytes.len() - before) as isize;
        } else {
            self.bytes.truncate(before);
            Operation::encode_put(&mut self.bytes, prefix, key, value);
        }
    }

    /// Adds a put of a value that was streamed in.
    pub(crate) fn put_streamed(&mut self, core: &Core, prefix: &[u8], key: &[u8], value: StoredStream) {
        let (reference, file) = match value {
            StoredStream::Short(value) => {
                return self.put(prefix, key, &value, core.packing(prefix, value.len()));
            }
            StoredStream::Stored(reference, file) => (reference, file),
        };
        if self.is_good(check_key(prefix.len() + key.len())) {
            let mut encoded = Vec::new();
            reference.encode(&mut encoded);
            Operation::encode_put_stored(&mut self.bytes, prefix, key, &encoded);
            self.operations += 1;
            self.streamed.push((file, reference.stored_bytes()));
            self.streamed_bytes += reference.length;
        }
    }

    /// Adds an operand for `prefix` joined with `key`, which counts until `at`.
    pub(crate) fn merge(&mut self, prefix: &[u8], key: &[u8], operand: &[u8], at: Timestamp) {
        self.put_marked(prefix, key, Marked::Operand { at, content: operand }, operand.len());
        self.expires |= at != NEVER;
    }

    /// Adds a put that expires.
    pub(crate) fn put_expiring(&mut self, prefix: &[u8], key: &[u8], value: &[u8], at: Timestamp) {
        let marked = Marked::Expiring { at, is_stored: false, content: value };
        self.put_marked(prefix, key, marked, value.len());
        self.expires = true;
    }

    fn put_marked(&mut self, prefix: &[u8], key: &[u8], marked: Marked<'_>, bytes: usize) {
        if self.is_good(check_key(prefix.len() + key.len())) && self.is_good(check_value(bytes)) {
            let mut value = Vec::new();
            marked.encode(&mut value);
            Operation::encode_put_marked(&mut self.bytes, prefix, key, &value);
            self.operations += 1;
        }
    }

    /// Adds a put of a value that is in one of `files`; the key carries its prefix.
    pub(crate) fn put_reference(&mut self, key: &[u8], encoded: &[u8], files: &[(Arc<ValueFile>, u64)]) {
        let number = match ValueReference::decode(encoded) {
            Ok(reference) => {
                self.streamed_bytes += reference.length;
                reference.file
            }
            Err(damage) => return self.note_mistake(damage),
        };
        Operation::encode_put_stored(&mut self.bytes, &[], key, encoded);
        self.operations += 1;
        self.streamed.extend(files.iter().filter(|(file, _)| file.number() == number).cloned());
    }

    /// The value files it refers to, which whoever takes them keeps, and how long the values are, in bytes.
    pub(crate) fn take_streamed(&mut self) -> (Vec<(Arc<ValueFile>, u64)>, u64) {
        (std::mem::take(&mut self.streamed), self.streamed_bytes)
    }

    /// Adds a delete of `prefix` joined with `key`.
    pub(crate) fn delete(&mut self, prefix: &[u8], key: &[u8]) {
        if self.is_good(check_key(prefix.len() + key.len())) {
            Operation::encode_delete(&mut self.bytes, prefix, key);
            self.operations += 1;
        }
    }

    /// Adds a delete of `start..end`; nothing if that is empty.
    pub(crate) fn delete_range(&mut self, start: &[u8], end: &[u8]) {
        if start < end && self.is_good(check_bounds(start, end)) {
            Operation::encode_delete_range(&mut self.bytes, start, end);
            self.operations += 1;
            self.deletes_ranges = true;
        }
    }

    /// How many bytes it would be if no value of it were packed.
    pub(crate) fn unpacked_bytes(&self) -> usize {
        self.bytes.len().saturating_add_signed(self.saved_bytes)
    }

    /// Notes a mistake of the caller, to be told when it commits.
    pub(crate) fn note_mistake(&mut self, mistake: Error) {
        self.mistake.get_or_insert(mistake);
    }

    /// The first mistake made.
    pub(crate) fn mistake(&self) -> Option<&Error> {
        self.mistake.as_ref()
    }

    /// Whether nothing is wrong; else notes it.
    fn is_good(&mut self, checked: Result<(), Error>) -> bool {
        checked.map_err(|mistake| self.note_mistake(mistake)).is_ok()
    }
}

/// A commit that waits for whoever holds the writer.
#[derive(Debug)]
pub(crate) struct CommitRequest {
    pub(crate) payload: Payload,
    pub(crate) durability: Durability,
    /// For a transaction: what it read, to be checked against commits made since.
    pub(crate) validation: Option<Validation>,
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug)]
enum Turn {
    Waiting,
    Lead,
    Done(Result<CommitToken, Error>),
}

/// What a waiting committer is woken for.
pub(super) enum Wake {
    /// It is to lead the queue now.
    Lead,
    /// Its commit has been decided.
    Done(Result<CommitToken, Error>),
}

impl CommitRequest {
    pub(crate) fn new(payload: Payload, durability: Durability, validation: Option<Validation>) -> Self {
        CommitRequest {
            payload,
            durability,
            validation,
            turn: Mutex::new(Turn::Waiting),
            changed: Condvar::new(),
        }
    }

    /// Tells the committer how its commit ended.
    pub(super) fn finish(&self, outcome: Result<CommitToken, Error>) {
        *self.turn.lock() = Turn::Done(outcome);
        self.changed.notify_one();
    }

    /// Tells the committer that nobody will decide its commit, if nobody has: who was to panicked. It may be in the
    /// log, so what it refers to must stay.
    pub(super) fn give_up(&self) {
        let mut turn = self.turn.lock();
        if !matches!(*turn, Turn::Done(_)) {
            *turn = Turn::Done(Err(Error::Poisoned { cause: Arc::new(Error::Panicked) }));
            self.changed.notify_one();
        }
    }

    /// Makes the committer the leader.
    pub(super) fn promote(&self) {
        *self.turn.lock() = Turn::Lead;
        self.changed.notify_one();
    }

    /// How the commit ended, once it was decided.
    pub(crate) fn outcome(&self) -> Result<CommitToken, Error> {
        match self.wait() {
            Wake::Done(outcome) => outcome,
            Wake::Lead => Err(Error::Closed),
        }
    }

    pub(super) fn wait(&self) -> Wake {
        let mut turn = self.turn.lock();
        loop {
            match &*turn {
                Turn::Waiting => self.changed.wait(&mut turn),
                Turn::Lead => return Wake::Lead,
                Turn::Done(outcome) => return Wake::Done(outcome.clone()),
            }
        }
    }
}
