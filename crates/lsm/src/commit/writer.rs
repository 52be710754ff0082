//! What whoever holds the writer does, the leader of the commit queue or a single committer: validate, stage, log,
//! link, publish.
//!
//! The order is what makes a failure harmless:
//!
//! 1. *Room* is made: a full memtable is sealed together with its log segment, and writers are held up.
//! 2. Transactions are *validated* against every commit before them, those earlier in the same group included.
//! 3. Entries are *staged*: copied into the memtable, seen by nobody. Memory runs out here or nowhere.
//! 4. The group's records go to the *log*, with the strongest durability that anyone in it asked for. A failure
//!    here leaves the staged entries unseen and acknowledges nobody; it poisons the database, unless the device
//!    was only full.
//! 5. Entries are *linked*, then the last sequence is *published*: a reader sees a group wholly or not at all.

use stroma_strata::storage::StorageError;

use super::pressure::Pressure;
use super::request::{CommitRequest, CommitToken};
use crate::Error;
use crate::database::Core;
use crate::entry::{MAX_SEQUENCE, Sequence};
use crate::log::{Operations, Record, Records, WriteAheadLog};
use crate::memtable::{Memtable, Staged};
use crate::options::Durability;

/// A group ends when its records have grown to this many bytes,
const GROUP_BYTES: usize = 4 << 20;
/// or to this share of the memory of the database, beside which they are.
const MEMORY_SHARE: usize = 16;

/// The state that only one committer at a time uses; behind one lock.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) log: WriteAheadLog,
    /// The last sequence given out.
    pub(crate) last_sequence: Sequence,
    pub(crate) pressure: Pressure,
    /// The segment that took no more bytes because the device was full; see [`Core::replace_broken_log`].
    pub(crate) broken_log: Option<u64>,
    /// How often the present batch was tried again for want of memory.
    pub(crate) memory_attempts: u32,
    records: Records,
    staged: Staged,
}

/// Requests that were staged, each with the sequence of its first operation.
type Accepted<'a> = Vec<(Sequence, &'a CommitRequest)>;

impl Writer {
    pub(crate) fn new(log: WriteAheadLog, last_sequence: Sequence) -> Self {
        Writer {
            log,
            last_sequence,
            pressure: Pressure::default(),
            broken_log: None,
            memory_attempts: 0,
            records: Records::default(),
            staged: Staged::default(),
        }
    }

    /// Decides every request of `group`, in order.
    pub(crate) fn commit_group(&mut self, core: &Core, group: &[&CommitRequest]) {
        let mut rest = group;
        while let [first, ..] = rest {
            match core.make_room_for(self, &first.payload) {
                Ok(memtable) => {
                    let decided = self.commit_some(core, &memtable, rest);
                    rest = &rest[decided..];
                }
                Err(error) => {
                    first.finish(Err(error));
                    rest = &rest[1..];
                }
            }
        }
        // A large batch is not to keep its memory here for ever.
        if self.records.capacity() > 2 * GROUP_BYTES {
            self.records = Records::default();
        }
    }

    /// Commits as many requests as fit into `memtable` and one group; answers how many it decided.
    fn commit_some(&mut self, core: &Core, memtable: &Memtable, requests: &[&CommitRequest]) -> usize {
        self.records.clear();
        self.staged.clear();
        let mut accepted: Accepted<'_> = Vec::with_capacity(requests.len());
        let mut decided = 0;
        for &request in requests {
            if !accepted.is_empty() && self.records.len() + request.payload.bytes.len() > group_bytes(core) {
                break;
            }
            match self.accept(core, memtable, request, &accepted) {
                Ok(first_sequence) => accepted.push((first_sequence, request)),
                // Once more with another memtable, if this one was not empty for it.
                Err(Error::Memory(_) | Error::OutOfMemory { .. }) if !accepted.is_empty() => break,
                Err(error @ (Error::Memory(_) | Error::OutOfMemory { .. })) => {
                    match core.make_more_room(self, memtable, error) {
                        Ok(()) => break,
                        Err(error) => request.finish(Err(error)),
                    }
                }
                Err(error) => request.finish(Err(error)),
            }
            decided += 1;
        }
        if let Err(error) = self.write(core, memtable, &accepted) {
            let error = self.give_up_log(core, error);
            accepted.iter().for_each(|(_, request)| request.finish(Err(error.clone())));
        }
        decided
    }

    /// Notes that the log failed with `error` and answers what to tell.
    ///
    /// A full device is no reason to stop for good: what was acknowledged is in the memtables, so once there is
    /// space they can be flushed and a new segment begun. After any other failure nobody knows what the device did
    /// with what it was given before, so the database is poisoned.
    pub(crate) fn give_up_log(&mut self, core: &Core, error: Error) -> Error {
        match error {
            Error::Storage(StorageError::Full { .. }) => {
                self.broken_log = Some(self.log.log_number());
                error
            }
            other => core.poison(other),
        }
    }

    /// Validates and stages one request and adds its record; answers its first sequence.
    fn accept(
        &mut self,
        core: &Core,
        memtable: &Memtable,
        request: &CommitRequest,
        accepted: &Accepted<'_>,
    ) -> Result<Sequence, Error> {
        let earlier = accepted.iter().map(|(_, request)| request.payload.bytes.as_slice());
        if let Some(validation) = &request.validation {
            validation.check(core, earlier)?;
        }
        core.catalog().check_puts(&request.payload.bytes)?;
        if request.durability == Durability::Synced {
            core.flush_recovered()?;
        }
        let taken: u64 = accepted.iter().map(|(_, request)| u64::from(request.payload.operations)).sum();
        let first_sequence = self.last_sequence + taken + 1;
        let operations = request.payload.operations;
        if first_sequence + u64::from(operations) >= MAX_SEQUENCE / 2 {
            return Err(Error::OutOfMemory { what: "the range of sequence numbers" });
        }
        let last_sequence = first_sequence + u64::from(operations) - 1;
        memtable.reserve_index(core.index_limit(), taken as u32 + operations, last_sequence)?;
        memtable.stage(&request.payload.bytes, &mut self.staged)?;
        let record = Record { first_sequence, operations, payload: &request.payload.bytes };
        self.log.encode(&record, &mut self.records)?;
        Ok(first_sequence)
    }

    /// Logs, links and publishes what was accepted, and tells the committers. On an error nobody was told.
    fn write(&mut self, core: &Core, memtable: &Memtable, accepted: &Accepted<'_>) -> Result<(), Error> {
        let Some((first, request)) = accepted.last() else {
            return Ok(());
        };
        let last_sequence = first + u64::from(request.payload.operations) - 1;
        self.log.append(&self.records, last_sequence)?;
        let strongest = accepted.iter().map(|(_, request)| request.durability).max();
        match strongest.unwrap_or_default() {
            Durability::None => {}
            Durability::Buffered => self.log.flush()?,
            Durability::Synced => {
                self.log.sync()?;
                core.counters().syncs.add(1);
            }
        }
        let payloads = accepted.iter().map(|(first, request)| (*first, request.payload.bytes.as_slice()));
        memtable.link(payloads, &self.staged)?;
        note_changes(core, last_sequence, accepted);
        self.last_sequence = last_sequence;
        self.memory_attempts = 0;
        core.publish(last_sequence);
        let counters = core.counters();
        counters.groups.add(1);
        counters.log_bytes.add(self.records.len() as u64);
        counters.commits.add(accepted.len() as u64);
        for (first, request) in accepted {
            counters.user_bytes.add(request.payload.unpacked_bytes() as u64);
            let sequence = first + u64::from(request.payload.operations) - 1;
            request.finish(Ok(CommitToken { epoch: core.epoch(), sequence }));
        }
        Ok(())
    }
}

fn group_bytes(core: &Core) -> usize {
    GROUP_BYTES.min(core.options().memory_bytes / MEMORY_SHARE)
}

/// Tells what was linked to those who remember where scans find nothing.
fn note_changes(core: &Core, last_sequence: Sequence, accepted: &Accepted<'_>) {
    let deletes_ranges = accepted.iter().any(|(_, request)| request.payload.deletes_ranges);
    let operations = accepted.iter().flat_map(|(first, request)| {
        // Encoded by ourselves, and read just now when it was linked.
        (*first..).zip(Operations::new(&request.payload.bytes).map_while(Result::ok))
    });
    core.dead_ranges().note_commit(last_sequence, deletes_ranges, operations);
}
