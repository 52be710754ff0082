//! What clients saw: transactions that append to lists and read them, with how they ended.

/// A list, by its number.
pub(crate) type List = u32;
/// Unique over a whole history, so that whoever sees one knows who wrote it.
pub(crate) type Element = u64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Append(List, Element),
    Read(List, Vec<Element>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was acknowledged.
    Committed,
    /// It was refused: nothing of it may ever be seen.
    Refused,
    /// Nobody was told: it is there wholly or not at all.
    Unknown,
}

#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    /// Whose: a client does one after the other.
    pub(crate) client: u32,
    /// Ticks of one clock for all clients, before it began and after it ended.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) operations: Vec<Operation>,
    pub(crate) outcome: Outcome,
}

impl Transaction {
    pub(crate) fn appends(&self) -> impl Iterator<Item = (List, Element)> + '_ {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::Append(list, element) => Some((*list, *element)),
            Operation::Read(..) => None,
        })
    }

    /// What it read of others: the lists without what it appended itself.
    pub(crate) fn outer_reads(&self) -> Vec<(List, &[Element])> {
        let own: Vec<Element> = self.appends().map(|(_, element)| element).collect();
        let reads = self.operations.iter().filter_map(|operation| match operation {
            Operation::Read(list, found) => {
                let length = found.iter().position(|element| own.contains(element));
                Some((*list, &found[..length.unwrap_or(found.len())]))
            }
            Operation::Append(..) => None,
        });
        reads.collect()
    }
}
