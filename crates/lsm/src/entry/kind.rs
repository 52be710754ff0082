//! The kinds of entry that a key can have.

/// What an entry does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The key has the entry's value from the entry's sequence on.
    Put,
    /// The key is absent from the entry's sequence on; the value is empty.
    Delete,
    /// The key has a value from the entry's sequence on, which lies in a value file; the entry's own is a
    /// [`ValueReference`](crate::values::ValueReference).
    Stored,
    /// The value has a mark in front that tells what it is: see [`Marked`](super::Marked).
    Marked,
}

impl Kind {
    /// The number that stands for the kind in every format.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Put => 1,
            Self::Stored => 2,
            Self::Marked => 3,
        }
    }

    /// Whether the key is present, wherever its value lies; a marked one may have expired.
    #[inline]
    pub(crate) fn is_present(self) -> bool {
        self != Self::Delete
    }

    /// The kind of a stored number, if there is one.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Delete),
            1 => Some(Self::Put),
            2 => Some(Self::Stored),
            3 => Some(Self::Marked),
            _ => None,
        }
    }
}
