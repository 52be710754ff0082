//! Small random genomes and their mutants.

/// A seeded source of numbers (the linear congruential generator of Knuth's MMIX).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub fn random_genome(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length).map(|_| b"ACGT"[random.below(4)]).collect()
}

/// The genome with some bases changed, some unknown, in either case of letters and on either strand.
pub fn mutated(random: &mut Random, genome: &[u8], per_thousand: usize) -> Vec<u8> {
    let mut mutant = genome.to_vec();
    for base in &mut mutant {
        if random.below(1000) < per_thousand {
            *base = if random.chance(20) { b'N' } else { b"ACGTacgtRu"[random.below(10)] };
        }
    }
    if random.chance(50) { reverse_complement(&mutant) } else { mutant }
}

pub fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    let complement = |base: &u8| match base.to_ascii_uppercase() {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' | b'U' => b'A',
        _ => b'N',
    };
    sequence.iter().rev().map(complement).collect()
}

pub fn fasta(sequences: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for (number, sequence) in sequences.iter().enumerate() {
        text.extend_from_slice(format!(">record{number} some words\n").as_bytes());
        for line in sequence.chunks(60) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
    text
}
