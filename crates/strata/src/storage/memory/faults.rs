//! Which operations of a memory storage go wrong, and how: by their numbers, so that a failure can be repeated.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::storage::StorageError;

/// The action of making names durable.
pub(super) const SYNC_DIRECTORY: &str = "sync the directory of";

/// What goes wrong with one operation of a [`MemoryStorage`](super::MemoryStorage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It fails. A write may have been done in part, a blob may have been published all the same.
    Fail,
    /// It fails with [`StorageError::Full`]; the sync of a directory, which takes no space, as with [`Fault::Fail`].
    Full,
    /// It fails, and all later ones too: the device is gone.
    Die,
    /// What it reads comes with one bit changed; the number is taken modulo the bits that were read. Does nothing
    /// to an operation that reads no bytes.
    FlipBit(u64),
    /// It says that it was done and was not. Only syncs of logs and folders can lie; nothing happens to other
    /// operations. No program can stand that: it is there to see whether a test notices.
    FalseSync,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Fail => formatter.write_str("fail"),
            Fault::Full => formatter.write_str("full"),
            Fault::Die => formatter.write_str("die"),
            Fault::FlipBit(bit) => write!(formatter, "flip bit {bit}"),
            Fault::FalseSync => formatter.write_str("false sync"),
        }
    }
}

/// Faults by the numbers of the operations they strike, counted from 0 as
/// [`MemoryStorage::operations`](super::MemoryStorage::operations) does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    faults: BTreeMap<u64, Fault>,
}

impl FaultPlan {
    /// No faults.
    pub fn new() -> FaultPlan {
        FaultPlan::default()
    }

    /// As the plan was, and `fault` strikes operation `number`.
    #[must_use]
    pub fn and(mut self, number: u64, fault: Fault) -> FaultPlan {
        self.faults.insert(number, fault);
        self
    }

    /// The faults in the order in which they strike.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Fault)> + '_ {
        self.faults.iter().map(|(number, fault)| (*number, *fault))
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.is_empty() {
            return formatter.write_str("no faults");
        }
        for (index, (number, fault)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{fault} at {number}")?;
        }
        Ok(())
    }
}

/// What happens to an operation that does not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// What it says.
    Done,
    /// What it reads has this bit changed.
    FlipBit(u64),
    /// Nothing, if it is a sync.
    NotDone,
}

impl Effect {
    /// Changes what was read.
    pub(super) fn strike(self, read: &mut [u8]) {
        if let Effect::FlipBit(bit) = self
            && !read.is_empty()
        {
            let bit = bit % (read.len() as u64 * 8);
            read[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
    }
}

/// Which operations are to fail.
#[derive(Debug)]
pub(super) struct Faults {
    /// How many operations were tried.
    pub(super) operations: u64,
    /// How many faults struck.
    pub(super) struck: u64,
    /// The count of operations from which on they fail.
    pub(super) fail_from: Option<u64>,
    /// Whether only one fails.
    pub(super) fail_once: bool,
    /// How many bytes fit.
    pub(super) capacity: Option<u64>,
    /// Blobs whose reads fail.
    pub(super) unreadable: Vec<String>,
    /// Whether blobs offer their bytes as mapped memory.
    pub(super) mapped: bool,
    /// Faults by operation.
    pub(super) plan: FaultPlan,
    /// Decides how far an operation got that fails half way.
    pub(super) random: Random,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Faults {
        Faults {
            operations: 0,
            struck: 0,
            fail_from: None,
            fail_once: false,
            capacity: None,
            unreadable: Vec::new(),
            mapped: true,
            plan: FaultPlan::new(),
            random: Random::new(seed),
        }
    }

    /// Counts an operation and tells what becomes of it.
    pub(super) fn decide(
        &mut self,
        action: &'static str,
        place: impl Fn() -> String,
    ) -> Result<Effect, StorageError> {
        let number = self.operations;
        self.operations += 1;
        let broken = || {
            let source = Arc::new(io::Error::other("a fault was injected"));
            StorageError::Io { place: place(), action, source }
        };
        if self.fail_from.is_some_and(|from| number >= from) {
            if self.fail_once {
                self.fail_from = None;
            }
            self.struck += 1;
            return Err(broken());
        }
        let planned = self.plan.faults.get(&number);
        self.struck += u64::from(planned.is_some());
        match planned {
            None => Ok(Effect::Done),
            Some(Fault::Fail) => Err(broken()),
            // By then the name is given: that it may be lost is not what `Full` says.
            Some(Fault::Full) if action == SYNC_DIRECTORY => Err(broken()),
            Some(Fault::Full) => Err(StorageError::Full { place: place(), action }),
            Some(Fault::Die) => {
                (self.fail_from, self.fail_once) = (Some(number), false);
                Err(broken())
            }
            Some(Fault::FlipBit(bit)) => Ok(Effect::FlipBit(*bit)),
            Some(Fault::FalseSync) => Ok(Effect::NotDone),
        }
    }
}

/// A small seeded generator (SplitMix64), so that every fault can be repeated.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; zero for a bound of zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryStorage;
    use super::*;
    use crate::storage::{LogStorage as _, Storage as _};

    #[test]
    fn faults_strike_the_operations_they_are_planned_for() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a", &[0; 4]).unwrap();
        let next = storage.operations();
        let plan = FaultPlan::new().and(next, Fault::Fail).and(next + 2, Fault::Full);
        assert_eq!(plan.to_string(), format!("fail at {next}, full at {}", next + 2));
        storage.plan(plan.and(next + 4, Fault::FlipBit(33)).and(next + 5, Fault::Die));
        assert!(matches!(storage.list(""), Err(StorageError::Io { .. })));
        storage.list("").unwrap();
        assert!(matches!(storage.put_if_absent("b", b"x"), Err(StorageError::Full { .. })));
        let blob = storage.open("a").unwrap();
        assert_eq!(blob.read_all().unwrap(), [2, 0, 0, 0]);
        assert!(blob.read_all().is_err() && blob.read_all().is_err() && storage.list("").is_err());
        storage.heal();
        assert_eq!(blob.read_all().unwrap(), [0; 4]);
        assert_eq!(storage.faults_struck(), 6);
    }

    #[test]
    fn a_false_sync_keeps_nothing() {
        let storage = MemoryStorage::new();
        let mut log = storage.create_log("logs/1").unwrap();
        log.append(&[1; 100]).unwrap();
        log.flush().unwrap();
        // The append that has nothing to do comes first, then the sync.
        storage.plan(FaultPlan::new().and(storage.operations() + 1, Fault::FalseSync));
        log.sync().unwrap();
        assert!((0..32).any(|seed| storage.crash(seed).contents("logs/1").unwrap().len() < 100));
        log.sync().unwrap();
        assert!((0..32).all(|seed| storage.crash(seed).contents("logs/1").unwrap().len() == 100));
    }
}
