//! How the value of a put is packed, if at all: which keyspaces and lengths that is for.

use std::sync::Arc;

use super::attempts::Attempts;
use super::value::{LONGEST_VALUE, SHORTEST_VALUE, append_short};
use crate::Compression;
use crate::database::Core;
use crate::entry::Marked;
use crate::rules::Rule;

/// Shorter values are not packed before the flush if they go to value files: what frames them there weighs more.
const LEAST_PACKED_LARGE: usize = 256;

/// How a value is packed that is to be written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Packing<'a> {
    /// It stays as it is.
    #[default]
    None,
    /// As a short value, where that saves enough.
    Short(Attempts<'a>),
    /// In pieces, for a value file.
    Large(Compression),
}

impl Attempts<'_> {
    /// Appends the marked form of a [short value](append_short), if that saves enough; answers whether. If not, `out`
    /// is as it was.
    pub(crate) fn append_marked(self, value: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        Marked::Short { stored: &[] }.append(out);
        let is_packed = append_short(value, out);
        if !is_packed {
            out.truncate(start);
        }
        self.note(is_packed);
        is_packed
    }
}

impl Core {
    /// How a value of so many bytes is packed for a stored key, or any key with the same prefix: not at all if it
    /// expires, or is not to be compressed.
    #[inline]
    pub(crate) fn packing(&self, stored_key: &[u8], bytes: usize) -> Packing<'_> {
        if bytes < SHORTEST_VALUE {
            return Packing::None;
        }
        if !self.resolver().rules().are_usual() {
            return self.packing_by_rule(stored_key, bytes);
        }
        let options = self.options();
        let values = (options.value_threshold, options.value_compression);
        self.packing_with(stored_key, bytes, values, self.keeps_blocks_plain())
    }

    /// Replaces `marked` by the marked form of a short value that goes to a table as it is, if it is to be packed and
    /// that saves enough; answers whether.
    pub(crate) fn pack_short(&self, stored_key: &[u8], value: &[u8], marked: &mut Vec<u8>) -> bool {
        marked.clear();
        match self.packing(stored_key, value.len()) {
            Packing::Short(attempts) => {
                attempts.is_worth(stored_key, value) && attempts.append_marked(value, marked)
            }
            Packing::None | Packing::Large(_) => false,
        }
    }

    fn packing_by_rule(&self, stored_key: &[u8], bytes: usize) -> Packing<'_> {
        let rules = self.resolver().rules();
        // What expires gets a mark of its own when it is committed.
        let lives = |rule: Arc<Rule>| rule.options.time_to_live.is_some();
        if rules.any_lives() && rules.of(stored_key).is_some_and(lives) {
            return Packing::None;
        }
        let told = rules.storing().of(stored_key).compression();
        let are_blocks_plain = told.map_or(self.keeps_blocks_plain(), |told| told == Compression::None);
        self.packing_with(stored_key, bytes, self.layers.value_rules().of(stored_key), are_blocks_plain)
    }

    #[inline]
    fn packing_with(
        &self,
        stored_key: &[u8],
        bytes: usize,
        (threshold, compression): (usize, Compression),
        are_blocks_plain: bool,
    ) -> Packing<'_> {
        if compression == Compression::None {
            return Packing::None;
        }
        if bytes >= threshold {
            let is_worth = bytes >= LEAST_PACKED_LARGE;
            return if is_worth { Packing::Large(compression) } else { Packing::None };
        }
        // What is compressed once is hardly compressed again, and a block knows more than one value.
        if !are_blocks_plain || bytes > LONGEST_VALUE {
            return Packing::None;
        }
        Packing::Short(self.packing_attempts().of(stored_key))
    }
}
