//! Compaction filters: what becomes of entries that a merge comes by.

use std::borrow::Cow;

use crate::Error;
use crate::entry::Kind;
use crate::values::{ValueReference, ValueStore};

/// What a filter says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep,
    /// It is deleted.
    Remove,
    /// It gets another value, and keeps its time to live if it has one.
    Change(Vec<u8>),
}

/// Is asked by merges what becomes of the entries of a keyspace: a way to delete, or rewrite, by rule, at no price but
/// that of a merge that is made anyway.
///
/// When a merge comes by an entry is nobody's to say ([`Database::compact`](crate::Database::compact) is one that comes
/// by all of them), so a filter should say what has become true for good. It is asked about the newest version of a key
/// that the merge has, and not about operands. What it says holds for those who begin to read after the merge has
/// ended, all of it at once; snapshots, transactions and scans that began before see what they saw. The space of what
/// was removed comes back with the next merge after the last of them. Transactions do not conflict with it.
///
/// ```
/// use stroma_lsm::{Candidate, CompactionFilter, Database, Decision, KeyspaceOptions, Options};
///
/// struct WithoutDrafts;
///
/// impl CompactionFilter for WithoutDrafts {
///     fn decide(&self, entry: &Candidate<'_>) -> Decision {
///         if entry.key().starts_with(b"draft") { Decision::Remove } else { Decision::Keep }
///     }
/// }
///
/// # let folder = tempfile::tempdir().expect("a temporary directory");
/// # let path = folder.path();
/// let texts = KeyspaceOptions::default().filtering(WithoutDrafts);
/// let database = Database::open(path, Options::default().with_keyspace("texts", texts))?;
/// let texts = database.keyspace("texts")?;
/// texts.put("draft of a letter", "Dear")?;
/// texts.put("letter", "Dear all")?;
/// let before = database.snapshot();
/// database.compact()?;
/// assert_eq!(texts.iter().count(), 1);
/// assert_eq!(before.range::<&str>(&texts, ..).count(), 2);
/// # Ok::<(), stroma_lsm::Error>(())
/// ```
pub trait CompactionFilter: Send + Sync + 'static {
    /// What becomes of an entry. Called from any thread, for entries in any order.
    fn decide(&self, entry: &Candidate<'_>) -> Decision;
}

/// An entry that a filter is asked about.
#[derive(Debug)]
pub struct Candidate<'a> {
    pub(crate) level: u32,
    pub(crate) key: &'a [u8],
    /// Put, or stored.
    pub(crate) kind: Kind,
    pub(crate) value: &'a [u8],
    pub(crate) values: &'a ValueStore,
}

impl Candidate<'_> {
    /// The level that the merge writes to; the larger the number, the deeper.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.key
    }

    /// The value. A large one is read from its value file: better not asked for if the key says enough.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub fn value(&self) -> Result<Cow<'_, [u8]>, Error> {
        if self.kind != Kind::Stored {
            return Ok(Cow::Borrowed(self.value));
        }
        let reference = ValueReference::decode(self.value)?;
        Ok(Cow::Owned(self.values.open(reference.file)?.read(reference)?))
    }
}
