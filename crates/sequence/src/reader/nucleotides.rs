//! Which bytes may stand in a nucleotide sequence.

/// `true` at each byte that is a IUPAC nucleotide code, upper or lower case, `U` included.
const ALLOWED: [bool; 256] = {
    let mut table = [false; 256];
    let codes = b"ACGTURYSWKMBDHVN";
    let mut at = 0;
    while at < codes.len() {
        table[codes[at] as usize] = true;
        table[codes[at].to_ascii_lowercase() as usize] = true;
        at += 1;
    }
    table
};

/// Position of the first byte that is no nucleotide code (IUPAC's letters, `U` included, in either case).
pub fn first_foreign(line: &[u8]) -> Option<usize> {
    line.iter().position(|&byte| !ALLOWED[byte as usize])
}
