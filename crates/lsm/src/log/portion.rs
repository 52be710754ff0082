//! What can be done with records of the log beside each other, before it is known where in the history they stand.
//!
//! The sequence of a record is known when all before it have been counted. But that it is sound, and what it holds, can
//! be told of a stretch of records by itself. So stretches are read ahead, and a crew makes *portions* of them; in the
//! order of the log they are then applied as a whole, if every record of theirs is sound and comes next. If not, the
//! records of the stretch are looked at one by one.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::record::StoredRecord;
use super::replay::{Replayed, SegmentStart};
use super::stretch::{STRETCH_BYTES, Stretch, StretchReader};
use crate::Error;
use crate::crew::{Crew, Handed};

/// Stretches under way for each thread of the crew, beside the one that is waited for.
const AHEAD_OF_EACH: usize = 3;

/// The records of a stretch, put together.
pub(crate) trait Portion: Default + Send + 'static {
    /// Forgets what was put together, whose memory it keeps, and makes room for records of so many bytes.
    fn begin(&mut self, bytes: usize);

    /// Adds the next record; answers whether it can be applied with those before it.
    fn add(&mut self, record: &StoredRecord<'_>) -> bool;
}

/// What is done with the records of a log.
pub(crate) trait Apply {
    /// What it takes at once.
    type Portion: Portion;

    /// Who makes portions; none if records come one by one.
    fn crew(&self) -> Option<&Arc<Crew>>;

    /// Applies a whole portion of segment `log_number`, the first operation of which has the sequence
    /// `first_sequence`. Answers whether it did: if not, its records come one by one. It is begun anew afterwards.
    fn apply_portion(
        &mut self,
        log_number: u64,
        first_sequence: u64,
        portion: &mut Self::Portion,
    ) -> Result<bool, Error>;

    /// Applies the next record.
    fn apply(&mut self, replayed: Replayed<'_>) -> Result<(), Error>;
}

/// For who takes records one by one.
pub(crate) struct OneByOne<F>(pub(crate) F);

/// No portion.
#[derive(Default)]
pub(crate) struct Nothing;

impl Portion for Nothing {
    fn begin(&mut self, _: usize) {}

    fn add(&mut self, _: &StoredRecord<'_>) -> bool {
        false
    }
}

impl<F: FnMut(Replayed<'_>) -> Result<(), Error>> Apply for OneByOne<F> {
    type Portion = Nothing;

    fn crew(&self) -> Option<&Arc<Crew>> {
        None
    }

    fn apply_portion(&mut self, _: u64, _: u64, _: &mut Nothing) -> Result<bool, Error> {
        Ok(false)
    }

    fn apply(&mut self, replayed: Replayed<'_>) -> Result<(), Error> {
        self.0(replayed)
    }
}

/// A stretch, and what was made of it if all its records are sound and can be applied together.
pub(super) struct Prepared<P> {
    pub(super) stretch: Stretch,
    pub(super) portion: Option<Counted<P>>,
}

/// A portion, and what it is made of.
pub(super) struct Counted<P> {
    pub(super) portion: P,
    pub(super) records: u64,
    /// At least one.
    pub(super) operations: u64,
}

impl<P: Portion> Prepared<P> {
    fn new(stretch: Stretch, start: &SegmentStart, portion: P) -> Prepared<P> {
        let portion = Counted::of(&stretch, start, portion);
        Prepared { stretch, portion }
    }
}

impl<P: Portion> Counted<P> {
    /// What the records of a stretch come to, put together in a portion that is of no use to others any more.
    fn of(stretch: &Stretch, start: &SegmentStart, mut portion: P) -> Option<Counted<P>> {
        let bytes = stretch.bytes();
        portion.begin(bytes.len());
        let mut counted = Counted { portion, records: 0, operations: 0 };
        let (mut at, mut room) = (0, Vec::new());
        while at < bytes.len() {
            let record = start.read_record(&bytes[at..], stretch.offset() + at as u64, &mut room)?;
            counted.records += 1;
            counted.operations += u64::from(record.operation_count());
            at += record.encoded_bytes();
            if !counted.portion.add(&record) {
                return None;
            }
        }
        (counted.operations > 0).then_some(counted)
    }
}

/// The stretches of a segment, read ahead as far as a crew makes portions of them.
pub(super) struct Ahead<P> {
    start: Arc<SegmentStart>,
    stretches: StretchReader,
    crew: Option<Arc<Crew>>,
    under_way: VecDeque<Handed<Prepared<P>>>,
    /// Portions that were applied, kept for their memory: what the allocator gets back it may give to the system, and
    /// pages that the system gives anew are cleared first.
    spare: Vec<P>,
    failed: Option<io::Error>,
}

impl<P: Portion> Ahead<P> {
    pub(super) fn new(
        start: Arc<SegmentStart>,
        stretches: StretchReader,
        crew: Option<Arc<Crew>>,
    ) -> Ahead<P> {
        Ahead { start, stretches, crew, under_way: VecDeque::new(), spare: Vec::new(), failed: None }
    }

    /// The next stretch; none behind the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Prepared<P>>> {
        let Some(crew) = self.crew.clone() else {
            return Ok(self.stretches.next()?.map(|stretch| Prepared { stretch, portion: None }));
        };
        let most = 1 + AHEAD_OF_EACH * crew.most_threads();
        while self.under_way.len() < most && self.failed.is_none() {
            match self.stretches.next() {
                Ok(Some(stretch)) => {
                    let (start, portion) = (self.start.clone(), self.spare.pop().unwrap_or_default());
                    let prepare = move || Prepared::new(stretch, &start, portion);
                    self.under_way.push_back(crew.hand_over(prepare));
                }
                Ok(None) => break,
                // What was read before comes first.
                Err(error) => self.failed = Some(error),
            }
        }
        match self.under_way.pop_front() {
            Some(handed) => Ok(Some(crew.wait(handed))),
            None => self.failed.take().map_or(Ok(None), Err),
        }
    }

    /// Takes back a stretch that was looked at, and what was made of it.
    pub(super) fn give_back(&mut self, prepared: Prepared<P>) {
        // What a single long record needed is not kept.
        let is_usual = prepared.stretch.bytes().len() <= STRETCH_BYTES;
        self.stretches.give_back(prepared.stretch);
        self.spare.extend(prepared.portion.filter(|_| is_usual).map(|counted| counted.portion));
    }

    /// Whether there is nothing but zeros behind the last stretch, all of which were handed out.
    pub(super) fn has_only_zeros(&mut self) -> io::Result<bool> {
        Ok(self.under_way.is_empty() && self.stretches.has_only_zeros()?)
    }
}
