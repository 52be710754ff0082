//! What a history may show that no serial execution explains, by the names of Adya's thesis (1999) and of Elle.

use std::fmt;

/// How one transaction has to come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Dependency {
    /// It wrote the version before.
    WriteWrite,
    /// It wrote what the other read.
    WriteRead,
    /// It read the version before the other's.
    ReadWrite,
    /// It had ended when the other began.
    RealTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Anomaly {
    /// A transaction does not see its own appends, or sees a list change that it did not change.
    Internal { transaction: usize },
    /// Somebody read an element that nobody appended, or twice.
    Garbage { transaction: usize, element: u64 },
    /// G1a: somebody read what a refused transaction appended.
    AbortedRead { writer: usize, reader: usize },
    /// G1b: somebody read what a transaction appended before its last append to that list.
    IntermediateRead { writer: usize, reader: usize },
    /// Two readers saw orders of a list that cannot both be.
    IncompatibleOrders { list: u32, one: usize, other: usize },
    /// An acknowledged append is missing at the end.
    Lost { writer: usize, element: u64 },
    /// Transactions of which each has to come before the next, and the last before the first.
    Cycle { name: &'static str, real_time: bool, cycle: Vec<(usize, Dependency)> },
}

impl Anomaly {
    /// Its short name.
    pub(crate) fn name(&self) -> String {
        match self {
            Anomaly::Internal { .. } => "internal".to_owned(),
            Anomaly::Garbage { .. } => "garbage".to_owned(),
            Anomaly::AbortedRead { .. } => "G1a".to_owned(),
            Anomaly::IntermediateRead { .. } => "G1b".to_owned(),
            Anomaly::IncompatibleOrders { .. } => "incompatible-orders".to_owned(),
            Anomaly::Lost { .. } => "lost".to_owned(),
            Anomaly::Cycle { name, real_time: false, .. } => (*name).to_owned(),
            Anomaly::Cycle { name, real_time: true, .. } => format!("{name}-realtime"),
        }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {self:?}", self.name())
    }
}
