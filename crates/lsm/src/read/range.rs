//! Walking over a range of keys from both ends.

use std::sync::Arc;

use super::ahead::ReadAhead;
use super::plain::WalkEnd;
use super::scans::{OpenCursors, ScanCursor, ScanSlot};
use crate::database::Core;
use crate::entry::{EntryRef, Kind, Marked, Seen, Sequence};
use crate::keyspace::{KeyRange, PREFIX_BYTES};
use crate::merging::Visibility;
use crate::snapshot::SnapshotGuard;
use crate::transaction::{OwnWrites, TrackedRange};
use crate::values::{Located, Overtaken, PackedValue, ShortValue, ValueReference};
use crate::{Error, Value};

/// The entries of a range of keys, in order, from either end: key and value each. It sees one moment of the
/// database, and in a transaction the transaction's own writes up to the call that made it.
///
/// It may be kept as long as one likes: it holds no lock, and hands memory back when that is needed elsewhere. After
/// an error it ends.
#[derive(Debug)]
pub struct Range {
    scan: Scan,
    /// Where its cursors are, once it has any.
    slot: Option<Arc<ScanSlot>>,
    failure: Option<Error>,
    /// The value that is lent.
    lent: Vec<u8>,
}

/// What a scan is, but for its cursors, which another thread may take away.
#[derive(Debug)]
struct Scan {
    core: Arc<Core>,
    /// What is left: both ends move towards each other.
    rest: KeyRange,
    /// Keeps what `visibility` sees.
    guard: SnapshotGuard,
    visibility: Visibility,
    own: Option<OwnWrites>,
    tracked: Option<Arc<TrackedRange>>,
    /// Read from the front and not handed out yet.
    ahead: ReadAhead,
    /// Whether steps from the back may have come before the end of what was read ahead.
    came_from_back: bool,
    /// Whether what comes next from the front is tried without cursors.
    walks: bool,
    /// Whether nothing follows what was read ahead.
    is_complete: bool,
    /// The value that was unpacked last.
    unpacked: Vec<u8>,
}

/// A key and its value, lent by a [`Range`] until it goes on.
pub type LentEntry<'a> = (&'a [u8], &'a [u8]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Range {
    pub(crate) fn new(
        core: Arc<Core>,
        range: KeyRange,
        guard: SnapshotGuard,
        visibility: Visibility,
    ) -> Self {
        let scan = Scan {
            core,
            rest: range,
            guard,
            visibility,
            own: None,
            tracked: None,
            ahead: ReadAhead::default(),
            came_from_back: false,
            walks: true,
            is_complete: false,
            unpacked: Vec::new(),
        };
        Range { scan, slot: None, failure: None, lent: Vec::new() }
    }

    /// Makes it see a transaction's own writes, and tell the transaction what it read.
    pub(crate) fn in_transaction(mut self, own: OwnWrites, tracked: Arc<TrackedRange>) -> Self {
        self.scan.own = Some(own);
        self.scan.tracked = Some(tracked);
        self.without_walks()
    }

    /// Makes it go with cursors from the beginning.
    pub(super) fn without_walks(mut self) -> Self {
        self.scan.walks = false;
        self
    }

    /// Makes it answer with an error first and then end.
    pub(crate) fn failing_with(mut self, failure: Option<Error>) -> Self {
        self.failure = failure;
        self
    }

    /// The change counter that it is based on: the sequence of the last commit it sees.
    ///
    /// Each commit that changes anything raises the counter of the database, and it never falls while that is open. So
    /// what a scan found is what there is until [`Database::sequence`] is another. A cache keeps it beside what it made
    /// of the scan:
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
    /// let stock = database.keyspace("stock")?;
    /// stock.put("apples", "12")?;
    /// let scan = stock.iter();
    /// let cached = (scan.sequence(), scan.count());
    /// assert_eq!(database.sequence(), cached.0, "nothing has changed");
    /// stock.put("pears", "7")?;
    /// assert!(database.sequence() > cached.0, "count again");
    /// # Ok::<(), stroma_lsm::Error>(())
    /// ```
    ///
    /// One that outlives the process keeps the [epoch](crate::CommitToken::epoch) as well: commits that were lost with
    /// the power had sequences that later ones get again, in another epoch.
    ///
    /// [`Database::sequence`]: crate::Database::sequence
    pub fn sequence(&self) -> Sequence {
        self.scan.guard.sequence()
    }

    /// The next entry from the front, lent until the next call: nothing is allocated for it, as [`Iterator::next`] has
    /// to. Both may be mixed.
    ///
    /// # Errors
    /// Damage or failure of the storage. It ends then.
    pub fn next_entry(&mut self) -> Result<Option<LentEntry<'_>>, Error> {
        if self.advance_ahead()? {
            let (key, value) = self.scan.ahead.present().unwrap_or_default();
            return Ok(Some((key.get(PREFIX_BYTES..).unwrap_or_default(), value)));
        }
        if self.scan.is_complete {
            return Ok(None);
        }
        let lent = &mut self.lent;
        let slot = self.slot.get_or_insert_with(|| self.scan.core.scans().register());
        let step = self.scan.advance(End::Front, slot, &mut self.failure, |_, value| lend(lent, value));
        Ok(step.transpose()?.map(|()| {
            // The scan goes on right after the key: at the key and a zero.
            let start = &self.scan.rest.start;
            (&start[PREFIX_BYTES..start.len() - 1], self.lent.as_slice())
        }))
    }

    /// The next entry from the back, lent until the next call; as [`Range::next_entry`].
    ///
    /// # Errors
    /// As [`Range::next_entry`].
    pub fn next_entry_back(&mut self) -> Result<Option<LentEntry<'_>>, Error> {
        let lent = &mut self.lent;
        let slot = self.slot.get_or_insert_with(|| self.scan.core.scans().register());
        let step = self.scan.advance(End::Back, slot, &mut self.failure, |_, value| lend(lent, value));
        Ok(step.transpose()?.map(|()| (&self.scan.rest.end[PREFIX_BYTES..], self.lent.as_slice())))
    }

    fn advance(&mut self, end: End) -> Option<Result<(Vec<u8>, Value), Error>> {
        if end == End::Front {
            match self.advance_ahead() {
                Ok(true) => {
                    let (key, value) = self.scan.ahead.present().unwrap_or_default();
                    let key = key.get(PREFIX_BYTES..).unwrap_or_default();
                    return Some(Ok((key.to_vec(), Value::from(value))));
                }
                Ok(false) if self.scan.is_complete => return None,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        let own = |key: &[u8], read: Read<'_>| match read {
            Read::InPlace(value) => (key.to_vec(), Value::from(value)),
            Read::Loaded(value) => (key.to_vec(), value),
        };
        let slot = self.slot.get_or_insert_with(|| self.scan.core.scans().register());
        self.scan.advance(end, slot, &mut self.failure, own)
    }

    /// Goes on to an entry that was read ahead, reading more if need be; answers whether there was one.
    #[inline]
    fn advance_ahead(&mut self) -> Result<bool, Error> {
        Ok(self.scan.advance_ahead() || (self.failure.is_none() && self.scan.walk_ahead()?))
    }
}

/// What an entry is to a scan.
enum Content<'e> {
    /// Nothing: it has expired, or a filter took it out.
    Absent,
    /// Its value.
    InPlace(&'e [u8]),
    /// Where its value lies.
    Stored(&'e [u8]),
    /// Its value, which is to be unpacked.
    Short(ShortValue<'e>),
    /// What operands make of it.
    Resolved(Value),
}

/// A value that a scan has come to.
enum Read<'a> {
    /// Where it lies now, until the scan goes on.
    InPlace(&'a [u8]),
    /// Read from a value file.
    Loaded(Value),
}

/// Puts a value where it is lent from.
#[inline]
fn lend(lent: &mut Vec<u8>, read: Read<'_>) {
    match read {
        Read::InPlace(value) => {
            lent.clear();
            lent.extend_from_slice(value);
        }
        Read::Loaded(value) => *lent = value.into_vec(),
    }
}

impl Scan {
    /// Moves on from `end` and answers what `take` makes of the key there, without the prefix of its keyspace, and of
    /// the value.
    fn advance<T>(
        &mut self,
        end: End,
        slot: &ScanSlot,
        failure: &mut Option<Error>,
        take: impl FnOnce(&[u8], Read<'_>) -> T,
    ) -> Option<Result<T, Error>> {
        if let Some(failure) = failure.take() {
            self.exhaust(slot);
            return Some(Err(failure));
        }
        self.settle_start();
        if end == End::Front {
            self.ahead.forget();
        } else {
            self.came_from_back = true;
        }
        if self.rest.is_empty() {
            return None;
        }
        let outcome = self.step(end, &mut slot.lock(), take);
        match outcome {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                if let Some(tracked) = &self.tracked {
                    tracked.read_whole();
                }
                self.exhaust(slot);
                None
            }
            Err(error) => {
                self.exhaust(slot);
                Some(Err(error))
            }
        }
    }

    /// Goes on to an entry that was read ahead, if there is one.
    #[inline]
    fn advance_ahead(&mut self) -> bool {
        let (end, is_certain) = (self.rest.end.as_slice(), !self.came_from_back);
        let goes_on = self.ahead.advance(|key| is_certain || key < end);
        if goes_on && self.tracked.is_some() {
            self.settle_start();
            self.note_read(End::Front);
        }
        goes_on
    }

    /// Makes the rest begin behind the entry that was handed out last, where that was read ahead.
    fn settle_start(&mut self) {
        if let Some((key, _)) = self.ahead.present() {
            self.rest.start.clear();
            self.rest.start.extend_from_slice(key);
            self.rest.start.push(0);
        }
    }

    /// Reads ahead without a cursor what lies plainly, and goes on to the first of what was read.
    fn walk_ahead(&mut self) -> Result<bool, Error> {
        if !self.walks || self.is_complete {
            return Ok(false);
        }
        self.settle_start();
        self.ahead.begin();
        if self.rest.is_empty() {
            self.is_complete = true;
            return Ok(false);
        }
        let view = self.core.brief_view();
        let ahead = &mut self.ahead;
        let walked =
            view.walk_plain(&self.rest, self.visibility, &self.core, |key, value| ahead.take(key, value));
        match walked {
            Ok(WalkEnd::Out) => self.is_complete = true,
            Ok(WalkEnd::Told) => self.walks = !self.ahead.is_empty(),
            Ok(WalkEnd::Astray) => self.walks = false,
            Err(error) => {
                drop(view);
                self.end();
                return Err(error);
            }
        }
        Ok(self.advance_ahead())
    }

    /// Reads ahead from a cursor that stands on the entry handed out last, and goes on to the first of what was read.
    fn read_ahead(&mut self, cursor: &mut ScanCursor) -> Result<bool, Error> {
        cursor.pass_plain(&mut self.ahead.up_to(&self.rest.end))?;
        Ok(self.advance_ahead())
    }

    fn exhaust(&mut self, slot: &ScanSlot) {
        self.end();
        drop(std::mem::take(&mut *slot.lock()));
    }

    fn end(&mut self) {
        self.ahead.forget();
        self.rest.start.clone_from(&self.rest.end);
        self.is_complete = true;
    }

    fn step<T>(
        &mut self,
        end: End,
        open: &mut OpenCursors,
        take: impl FnOnce(&[u8], Read<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        let place = match end {
            End::Front => &mut open.front,
            End::Back => &mut open.back,
        };
        if end == End::Front
            && let Some(cursor) = place
            && self.read_ahead(cursor)?
        {
            self.settle_start();
            let (key, value) = self.ahead.present().unwrap_or_default();
            return Ok(Some(take(key.get(PREFIX_BYTES..).unwrap_or_default(), Read::InPlace(value))));
        }
        let mut overtaken = Overtaken::default();
        loop {
            let Some(entry) = self.move_cursor(end, place)? else {
                return Ok(None);
            };
            let stored_key = entry.user_key;
            let key = stored_key.get(PREFIX_BYTES..).unwrap_or_default();
            let taken = match self.content(&entry)? {
                Content::Absent => continue,
                Content::InPlace(value) => take(key, Read::InPlace(value)),
                Content::Resolved(value) => take(key, Read::Loaded(value)),
                Content::Short(value) => take(key, Read::InPlace(value.unpack_to(&mut self.unpacked)?)),
                Content::Stored(reference) => {
                    let reference = ValueReference::decode(reference)?;
                    let Some(file) = self.core.values().find(reference.file) else {
                        // Its cursors are older than the file's end: new ones know where the value is now.
                        overtaken.note(reference)?;
                        *place = None;
                        continue;
                    };
                    take(key, Read::Loaded(Located::Stored(file, reference).load()?))
                }
            };
            match end {
                End::Front => {
                    self.rest.start.clear();
                    self.rest.start.extend_from_slice(stored_key);
                    self.rest.start.push(0);
                }
                End::Back => {
                    self.rest.end.clear();
                    self.rest.end.extend_from_slice(stored_key);
                }
            }
            self.note_read(end);
            return Ok(Some(taken));
        }
    }

    /// What an entry is to this scan.
    #[inline]
    fn content<'e>(&self, entry: &EntryRef<'e>) -> Result<Content<'e>, Error> {
        match entry.kind {
            Kind::Put | Kind::Delete => Ok(Content::InPlace(entry.value)),
            Kind::Stored => Ok(Content::Stored(entry.value)),
            Kind::Marked => self.marked_content(entry),
        }
    }

    fn marked_content<'e>(&self, entry: &EntryRef<'e>) -> Result<Content<'e>, Error> {
        let moment = self.guard.moment();
        Ok(match Marked::seen(entry.value, moment)? {
            Seen::Absent => Content::Absent,
            Seen::Value(value) => Content::InPlace(value),
            Seen::Packed(pieces) => Content::Resolved(PackedValue::new(pieces).unpack()?.into()),
            Seen::Short(stored) => Content::Short(ShortValue::new(stored)?),
            Seen::Stored(reference) => Content::Stored(reference),
            // Its other versions may be in any source.
            Seen::Operand { .. } => match self.core.resolve_anew(entry.user_key, self.visibility, moment)? {
                Some(value) => Content::Resolved(value),
                None => Content::Absent,
            },
        })
    }

    /// Tells the transaction, if there is one, how far the scan has come.
    fn note_read(&self, end: End) {
        if let Some(tracked) = &self.tracked {
            match end {
                End::Front => tracked.read_up_to(&self.rest.start),
                End::Back => tracked.read_down_to(&self.rest.end),
            }
        }
    }

    /// Moves the cursor at `place`, or a new one that it puts there, to the next entry of the range, if there is one.
    fn move_cursor<'c>(
        &self,
        end: End,
        place: &'c mut Option<ScanCursor>,
    ) -> Result<Option<EntryRef<'c>>, Error> {
        let is_fresh = place.is_none();
        let cursor = place.get_or_insert_with(|| {
            self.core.read_view().scan(
                &self.rest,
                self.visibility,
                self.own.as_ref(),
                self.core.dead_ranges(),
            )
        });
        let on = match (end, is_fresh) {
            (End::Front, true) => cursor.seek(&self.rest.start)?,
            (End::Front, false) => cursor.next()?,
            (End::Back, true) => cursor.seek_before(&self.rest.end)?,
            (End::Back, false) => cursor.previous()?,
        };
        if !on {
            return Ok(None);
        }
        let entry = cursor.entry();
        // It comes from the one end and can only have passed the other.
        let is_within = match end {
            End::Front => entry.user_key < self.rest.end.as_slice(),
            End::Back => entry.user_key >= self.rest.start.as_slice(),
        };
        Ok(is_within.then_some(entry))
    }
}

impl Iterator for Range {
    type Item = Result<(Vec<u8>, Value), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(End::Front)
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.advance(End::Back)
    }
}

impl std::iter::FusedIterator for Range {}
