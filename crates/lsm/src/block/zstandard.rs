//! Zstandard with contexts that are kept: one for each table that is written, one for each thread that reads.
//!
//! A context has tables of some hundred kilobytes; making one anew for each block of a few kilobytes would take longer
//! than the block.

use std::cell::RefCell;
use std::fmt;

use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict, compress_bound, train_from_buffer};

use super::compression::Failure;

/// The most that a dictionary read from a table may have, in bytes.
pub(crate) const MAX_DICTIONARY_BYTES: u64 = 64 << 10;

/// No block of a frame has more than 128 KiB, and none takes less than four bytes, so nothing is made smaller than to
/// this part.
const MAX_RATIO: u64 = 1 << 15;

/// Compresses payloads of one table.
pub(super) struct Encoder {
    context: CCtx<'static>,
    level: i32,
    dictionary: Option<CDict<'static>>,
    compressed: Vec<u8>,
}

impl Encoder {
    /// At `level`, with a trained dictionary if there is one. `None` if there is no memory for it.
    pub(super) fn new(level: i32, dictionary: Option<&[u8]>) -> Option<Encoder> {
        let dictionary = match dictionary {
            Some(bytes) => Some(CDict::try_create(bytes, level)?),
            None => None,
        };
        Some(Encoder { context: CCtx::try_create()?, level, dictionary, compressed: Vec::new() })
    }

    /// One frame, or `None` if the library refuses.
    pub(super) fn compress(&mut self, payload: &[u8]) -> Option<&[u8]> {
        self.compressed.clear();
        self.compressed.reserve(compress_bound(payload.len()));
        match &self.dictionary {
            Some(dictionary) => {
                self.context.compress_using_cdict(&mut self.compressed, payload, dictionary).ok()?
            }
            None => self.context.compress(&mut self.compressed, payload, self.level).ok()?,
        };
        Some(&self.compressed)
    }

    /// Whether its frames need the dictionary.
    pub(super) fn has_dictionary(&self) -> bool {
        self.dictionary.is_some()
    }
}

/// What the frames of one table were compressed with besides, ready for use.
pub(crate) struct Dictionary(DDict<'static>);

impl Dictionary {
    /// From the bytes in a table; `None` if they are no dictionary. Bytes without the magic number of one are taken as
    /// they are, and frames that were not made with them do not come out right then.
    pub(crate) fn new(bytes: &[u8]) -> Option<Dictionary> {
        (bytes.len() as u64 <= MAX_DICTIONARY_BYTES).then(|| DDict::try_create(bytes).map(Dictionary))?
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Dictionary({} bytes)", self.0.sizeof())
    }
}

/// A dictionary of at most `bytes` bytes for payloads like `samples`, which lie one after the other and have these
/// lengths. `None` if they are too few or too much alike.
pub(crate) fn train(samples: &[u8], lengths: &[usize], bytes: usize) -> Option<Vec<u8>> {
    let mut dictionary = Vec::with_capacity(bytes);
    train_from_buffer(&mut dictionary, samples, lengths).ok()?;
    Some(dictionary)
}

thread_local! {
    static DECODER: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// Puts what a frame stands for at the start of `into`; answers how much that is.
pub(super) fn decompress_into(compressed: &[u8], into: &mut [u8]) -> Result<usize, Failure> {
    with_decoder(|context| context.decompress(into, compressed).map_err(|_| Failure::Damaged))
}

/// What `read` does with the decoder of this thread.
fn with_decoder<R>(read: impl FnOnce(&mut DCtx<'static>) -> Result<R, Failure>) -> Result<R, Failure> {
    DECODER.with_borrow_mut(|kept| match kept {
        Some(context) => read(context),
        none => read(none.insert(DCtx::try_create().ok_or(Failure::Damaged)?)),
    })
}

/// The `length` bytes that a frame stands for.
pub(super) fn decompress(
    compressed: &[u8],
    length: usize,
    dictionary: Option<&Dictionary>,
) -> Result<Vec<u8>, Failure> {
    // Memory is asked for only as far as such a frame can fill it.
    if length as u64 > (compressed.len() as u64).saturating_mul(MAX_RATIO) {
        return Err(Failure::Damaged);
    }
    with_decoder(|context| {
        let mut payload = Vec::with_capacity(length);
        let outcome = match dictionary {
            Some(Dictionary(dictionary)) => {
                context.decompress_using_ddict(&mut payload, compressed, dictionary)
            }
            None => context.decompress(&mut payload, compressed),
        };
        if outcome.is_ok() && payload.len() == length { Ok(payload) } else { Err(Failure::Damaged) }
    })
}
