//! Counts distinct k-mers by sorting every window's word. Shares no code with the index; an example and a test use it.

use std::path::PathBuf;

use stroma_sequence::kmer::Word;

/// The distinct canonical k-mers of all files, which are FASTA. Memory: a word for each k-mer, repeats included.
pub(crate) fn plain_count<W: Word>(files: &[PathBuf], k: u32) -> std::io::Result<u64> {
    let (mut words, mask) = (Vec::<W>::new(), W::mask(2 * k));
    for file in files {
        let text = std::fs::read_to_string(file)?;
        let (mut forward, mut reverse, mut run) = (W::ZERO, W::ZERO, 0);
        for line in text.lines() {
            if line.starts_with('>') {
                run = 0;
                continue;
            }
            for byte in line.trim_end().bytes() {
                let Some(code) = b"ACGT".iter().position(|base| *base == byte.to_ascii_uppercase()) else {
                    run = 0;
                    continue;
                };
                forward = (forward << 2 | W::from(code as u64)) & mask;
                reverse = reverse >> 2 | W::from(3 - code as u64) << (2 * k - 2);
                run += 1;
                if run >= k {
                    words.push(forward.min(reverse));
                }
            }
        }
    }
    words.sort_unstable();
    words.dedup();
    Ok(words.len() as u64)
}
