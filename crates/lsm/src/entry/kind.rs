//! The kinds of entry that a key can have.

/// What an entry does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The key has the entry's value from the entry's sequence on.
    Put,
    /// The key is absent from the entry's sequence on; the value is empty.
    Delete,
}

impl Kind {
    /// The number that stands for the kind in every format.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Put => 1,
        }
    }

    /// The kind of a stored number, if there is one.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Delete),
            1 => Some(Self::Put),
            _ => None,
        }
    }
}
