//! Which values go to value files, and how they are compressed there.

use crate::Compression;
use crate::options::Options;
use crate::rules::KeyspaceStoring;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct ValueRules {
    threshold: usize,
    compression: Compression,
    keyspaces: KeyspaceStoring,
}

impl ValueRules {
    /// As the options say where keyspaces do not say otherwise; of none is known that does.
    pub(crate) fn new(options: &Options) -> Self {
        // An empty value has no place in a value file.
        let threshold = options.value_threshold.max(1);
        ValueRules {
            threshold,
            compression: options.value_compression,
            keyspaces: KeyspaceStoring::default(),
        }
    }

    /// The same, where `keyspaces` do not say otherwise.
    pub(crate) fn with_keyspaces(&self, keyspaces: KeyspaceStoring) -> Self {
        ValueRules { keyspaces, ..*self }
    }

    /// From which length on the value of a stored key goes to a value file, in bytes, and how it is compressed there.
    #[inline]
    pub(crate) fn of(&self, stored_key: &[u8]) -> (usize, Compression) {
        if self.keyspaces.is_empty() {
            return (self.threshold, self.compression);
        }
        let told = self.keyspaces.of(stored_key);
        // An empty value has no place in a value file.
        let bytes = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX).max(1);
        let threshold = told.value_threshold.map_or(self.threshold, bytes);
        (threshold, told.value_compression().unwrap_or(self.compression))
    }
}
