//! What the stress test calls a failure.

use std::fmt;

use stroma_logmem::Error;

/// Something that must never happen, in words that name the key.
#[derive(Debug)]
pub(crate) struct Flaw(pub(crate) String);

impl Flaw {
    /// A flaw, unless `holds`.
    pub(crate) fn unless(holds: bool, what: impl FnOnce() -> String) -> Result<(), Flaw> {
        if holds { Ok(()) } else { Err(Flaw(what())) }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Flaw {
        Flaw(format!("an error that nothing explains: {error}"))
    }
}
