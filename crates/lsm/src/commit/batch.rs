//! A batch: changes that become visible and durable together or not at all.

use std::io::Read;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::time::Duration;

use super::request::{CommitToken, Payload};
use crate::Error;
use crate::database::Core;
use crate::entry::NEVER;
use crate::keyspace::{KeyRange, Keyspace};
use crate::options::Durability;

/// Collects changes to any keyspaces of one database and commits them together. Later changes of a batch come
/// after earlier ones: of two puts of a key the second stands.
///
/// The changes take memory until the commit, twice their size at most while it runs. A mistake (a key or value
/// that is too large, a dropped keyspace) is kept and told by the commit, which then changes nothing.
#[derive(Debug)]
#[must_use = "a batch changes nothing before it is committed"]
pub struct Batch {
    core: Arc<Core>,
    payload: Payload,
}

impl Batch {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Batch { core, payload: Payload::default() }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        if self.accepts(keyspace) {
            let (prefix, value) = (keyspace.key_prefix(), value.as_ref());
            let packing = self.core.packing(&prefix, value.len());
            self.payload.collect_in(self.core.spare_buffers(), value.len());
            self.payload.put(&prefix, key.as_ref(), value, packing);
        }
        self
    }

    /// Sets `key` to all that `source` gives, a value of any length; see [`Keyspace::put_stream`]. The value is on the
    /// device when this returns, but nobody sees it before the commit, and without one it goes again.
    ///
    /// # Errors
    /// [`Error::Stream`] if the source fails; failure of the storage. The batch is as it was then.
    pub fn put_stream(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        mut source: impl Read,
    ) -> Result<&mut Self, Error> {
        if self.accepts(keyspace) {
            let value = self.core.store_stream(keyspace, &mut source)?;
            self.payload.put_streamed(&self.core, &keyspace.key_prefix(), key.as_ref(), value);
        }
        Ok(self)
    }

    /// Has the keyspace's merge operator change the value of `key` by `operand`; see [`Keyspace::merge`].
    pub fn merge(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.merge_for(keyspace, key.as_ref(), operand.as_ref(), None)
    }

    /// The same with an operand that counts until so long after now; see [`Keyspace::merge_expiring`].
    pub fn merge_expiring(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
        after: Duration,
    ) -> &mut Self {
        self.merge_for(keyspace, key.as_ref(), operand.as_ref(), Some(after))
    }

    fn merge_for(
        &mut self,
        keyspace: &Keyspace,
        key: &[u8],
        operand: &[u8],
        after: Option<Duration>,
    ) -> &mut Self {
        if self.accepts(keyspace) {
            match keyspace.check_merges() {
                Ok(()) => {
                    let at = after.map_or(NEVER, |after| keyspace.expiry(after));
                    self.payload.merge(&keyspace.key_prefix(), key, operand, at);
                }
                Err(mistake) => self.payload.note_mistake(mistake),
            }
        }
        self
    }

    /// Sets `key` to `value` until so long after now; see [`Keyspace::put_expiring`].
    pub fn put_expiring(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        after: Duration,
    ) -> &mut Self {
        if self.accepts(keyspace) {
            let at = keyspace.expiry(after);
            self.payload.put_expiring(&keyspace.key_prefix(), key.as_ref(), value.as_ref(), at);
        }
        self
    }

    /// Removes `key`; nothing happens if it is absent.
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut Self {
        if self.accepts(keyspace) {
            self.payload.delete(&keyspace.key_prefix(), key.as_ref());
        }
        self
    }

    /// Removes every key in `range`, in constant time however many there are.
    pub fn delete_range<K: AsRef<[u8]>>(
        &mut self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> &mut Self {
        if self.accepts(keyspace) {
            let range = KeyRange::new(keyspace.id(), &range);
            self.payload.delete_range(&range.start, &range.end);
        }
        self
    }

    /// How many changes were collected.
    pub fn len(&self) -> usize {
        self.payload.operations as usize
    }

    /// Whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Commits with the database's own durability.
    ///
    /// # Errors
    /// A mistake made while collecting; [`Error::Poisoned`] after a failed write of the log; a full disk or
    /// memory. Nothing of the batch is visible then. Whether it is there after a restart is unknown for
    /// [`Error::Poisoned`], and for a full disk if no later commit succeeds before the restart; it is not there after
    /// any other error.
    pub fn commit(self) -> Result<CommitToken, Error> {
        let durability = self.core.options().durability;
        self.commit_with(durability)
    }

    /// Commits with a durability of its own.
    ///
    /// # Errors
    /// As [`Batch::commit`].
    pub fn commit_with(self, durability: Durability) -> Result<CommitToken, Error> {
        self.core.commit_streamed(self.payload, durability, None)
    }

    fn accepts(&mut self, keyspace: &Keyspace) -> bool {
        match keyspace.check(&self.core) {
            Ok(()) => true,
            Err(mistake) => {
                self.payload.note_mistake(mistake);
                false
            }
        }
    }
}
