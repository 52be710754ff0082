//! The k-mers of a Squeakr file: a counting quotient filter whose hash can be taken back.
//!
//! The blocks are read once from front to back. The runs of slots come in the order of the quotients that have one, so
//! that neither the blocks' offsets nor rank and select are needed.

use std::collections::VecDeque;

use super::ImportError;
use super::runs::for_each_counter;
use super::source::Source;
use super::squeakr_header::{BLOCK_HEAD, BLOCK_SLOTS, SqueakrHeader};
use super::unmix::unmix;

/// An open file.
#[derive(Debug)]
pub(super) struct SqueakrFile {
    pub(super) header: SqueakrHeader,
    source: Source,
}

impl SqueakrFile {
    pub(super) fn from_source(mut source: Source) -> Result<SqueakrFile, ImportError> {
        let header = SqueakrHeader::read(&mut source)?;
        Ok(SqueakrFile { header, source })
    }

    /// The file, for errors.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Calls `take` with each k-mer, two bits a base (A 0, C 1, G 2, T 3, the first highest), and its count.
    pub(super) fn for_each<E: From<ImportError>>(
        mut self,
        mut take: impl FnMut(u64, u64) -> Result<(), E>,
    ) -> Result<Source, E> {
        let SqueakrHeader { slot_bits, blocks, quotients, kmers, .. } = self.header;
        let mut block = vec![0; BLOCK_HEAD + 8 * slot_bits as usize];
        // Quotients whose runs were not met yet, and the slots of the run that is being met.
        let (mut waiting, mut run) = (VecDeque::new(), Vec::new());
        let mut met = 0;
        for number in 0..blocks {
            let at = self.source.at();
            self.source.fill(&mut block, "a block")?;
            let (occupied, ends) = (word(&block[1..]), word(&block[9..]));
            let first = number * BLOCK_SLOTS;
            waiting.extend((0..BLOCK_SLOTS).filter(|bit| occupied >> bit & 1 == 1).map(|bit| first + bit));
            if waiting.back().is_some_and(|&quotient| quotient >= quotients) {
                return Err(self.source.damaged(at, "a quotient is larger than there are any").into());
            }
            for slot in 0..BLOCK_SLOTS {
                let Some(&quotient) = waiting.front().filter(|&&quotient| quotient <= first + slot) else {
                    if ends >> slot & 1 == 1 {
                        return Err(self.source.damaged(at, "a run ends that never began").into());
                    }
                    continue;
                };
                run.push(packed(&block[BLOCK_HEAD..], slot as usize * slot_bits as usize, slot_bits));
                if ends >> slot & 1 == 0 {
                    continue;
                }
                waiting.pop_front();
                let outcome = for_each_counter(&run, slot_bits, |remainder, count| {
                    met += 1;
                    take(self.kmer(quotient << slot_bits | remainder), count)
                })?;
                outcome.map_err(|fault| self.source.damaged(at, fault))?;
                run.clear();
            }
        }
        let end = self.source.at();
        if !waiting.is_empty() {
            return Err(self.source.damaged(end, "a run has no end").into());
        }
        if met != kmers {
            return Err(self.source.damaged(end, "it does not hold as many k-mers as it says").into());
        }
        Ok(self.source)
    }

    /// The k-mer of a hash. Squeakr's codes are C 0, A 1, T 2, G 3: ours but for the lower bit.
    fn kmer(&self, hash: u64) -> u64 {
        let bits = 2 * u32::from(self.header.k);
        unmix(hash, bits) ^ (0x5555_5555_5555_5555 >> (64 - bits))
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The number of `width` bits (up to 63) that begins at bit `at`.
fn packed(bytes: &[u8], at: usize, width: u32) -> u64 {
    let mut around = [0; 16];
    let rest = &bytes[at / 8..];
    let length = rest.len().min(16);
    around[..length].copy_from_slice(&rest[..length]);
    ((u128::from_le_bytes(around) >> (at % 8)) as u64) & (u64::MAX >> (64 - width))
}
