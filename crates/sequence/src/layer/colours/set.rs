//! A set of colours as a bitmap.

/// A set of a layer's colours as a bitmap. Colours are numbered from 0 within the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColourSet {
    words: Vec<u64>,
    colours: u32,
}

impl ColourSet {
    /// The empty set out of `colours` colours.
    pub(crate) fn empty(colours: u32) -> Self {
        ColourSet { words: vec![0; (colours as usize).div_ceil(64)], colours }
    }

    pub(in crate::layer) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn colours(&self) -> u32 {
        self.colours
    }

    /// Becomes the empty set out of `colours` colours.
    pub(in crate::layer) fn reset(&mut self, colours: u32) {
        self.colours = colours;
        self.words.resize((colours as usize).div_ceil(64), 0);
        self.clear();
    }

    /// Toggles all colours.
    pub(super) fn toggle_every(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.clip();
    }

    /// Adds the colours of another set, each `by` higher; those out of range are left out.
    pub(super) fn insert_shifted(&mut self, other: &ColourSet, by: u32) {
        let (skipped, shift) = (by as usize / 64, by % 64);
        for (at, &word) in other.words.iter().enumerate() {
            if let Some(own) = self.words.get_mut(at + skipped) {
                *own |= word << shift;
            }
            if let Some(own) = self.words.get_mut(at + skipped + 1).filter(|_| shift > 0) {
                *own |= word >> (64 - shift);
            }
        }
        self.clip();
    }

    /// Becomes the set of these words, each exclusive-or `flips`.
    pub(super) fn assign(&mut self, words: &[u64], flips: u64) {
        self.words.clear();
        self.words.extend(words.iter().map(|word| word ^ flips));
        self.clip();
    }

    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
    }

    pub(super) fn fill(&mut self) {
        self.words.fill(u64::MAX);
        self.clip();
    }

    /// Clears the bits beyond the last colour.
    fn clip(&mut self) {
        let excess = self.words.len() * 64 - self.colours as usize;
        if let Some(last) = self.words.last_mut() {
            *last &= u64::MAX >> excess;
        }
    }

    /// Adds a colour; one out of range is left out.
    pub(crate) fn insert(&mut self, colour: u32) {
        if colour < self.colours {
            self.words[colour as usize / 64] |= 1 << (colour % 64);
        }
    }

    /// Whether a colour is in the set.
    pub(crate) fn contains(&self, colour: u32) -> bool {
        self.words.get(colour as usize / 64).is_some_and(|word| word >> (colour % 64) & 1 == 1)
    }

    pub(super) fn toggle(&mut self, colour: u32) {
        self.words[colour as usize / 64] ^= 1 << (colour % 64);
    }

    pub(super) fn toggle_all(&mut self, other: &ColourSet) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word ^= other);
    }

    /// Toggles the colours of a bitmap that must have just the bytes and colours that this set has.
    pub(super) fn toggle_bitmap(&mut self, bytes: &[u8]) -> Option<()> {
        let last_bits = self.colours % 8;
        let excess = last_bits != 0 && bytes.last().is_some_and(|&last| last >> last_bits != 0);
        if bytes.len() != self.colours.div_ceil(8) as usize || excess {
            return None;
        }
        for (word, chunk) in self.words.iter_mut().zip(bytes.chunks(8)) {
            let mut own = [0; 8];
            own[..chunk.len()].copy_from_slice(chunk);
            *word ^= u64::from_le_bytes(own);
        }
        Some(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    pub(super) fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The colours in the set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let without_lowest = |&rest: &u64| Some(rest & (rest - 1)).filter(|&rest| rest != 0);
            std::iter::successors(Some(word).filter(|&word| word != 0), without_lowest)
                .map(move |rest| at as u32 * 64 + rest.trailing_zeros())
        })
    }

    /// The colour with the smallest hash: equal for two sets with a probability of their Jaccard similarity.
    pub(super) fn min_hash(&self, seed: u64) -> Option<u32> {
        let hash =
            |colour: u32| (u64::from(colour) + 1).wrapping_mul(seed).rotate_left(29).wrapping_mul(seed);
        self.iter().min_by_key(|&colour| hash(colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_shifted_by_any_number_of_colours() {
        for by in [0, 1, 63, 64, 65, 100, 199] {
            let mut part = ColourSet::empty(70);
            let members = [0, 5, 63, 64, 69];
            members.iter().for_each(|&colour| part.insert(colour));
            let mut whole = ColourSet::empty(200);
            whole.insert(0);
            whole.insert_shifted(&part, by);
            let expected: std::collections::BTreeSet<u32> =
                members.iter().map(|colour| colour + by).chain([0]).filter(|&colour| colour < 200).collect();
            assert!(whole.iter().eq(expected), "by {by}");
        }
    }
}
