//! Sorting entries by key, and versions of a key from the newest on, with few looks at the keys themselves.
//!
//! An entry is one number of 128 bits: the [`Head`] of its key above 32 bits that tell its place in the order of
//! commits. Numbers are sorted as such. Those of equal heads are sorted again by the heads of what follows in their
//! keys behind the bytes that all of them share, and so on (Bentley and Sedgewick, "Fast Algorithms for Sorting and
//! Searching Strings", SODA 1997, with twelve bytes in the place of one character).

use super::head::Head;
use crate::crew::Crew;

/// So many entries are sorted by themselves, more or less: few enough for a near cache.
const GROUP_ENTRIES: usize = 8 << 10;
/// There are no more groups than this.
const MOST_GROUPS: usize = 256;
/// A group is divided once more by so many bits, into buckets that are seldom more than can be sorted by insertion.
const BUCKET_BITS: u32 = 9;
/// Fewer entries than these are compared by their keys.
const FEW: usize = 24;
/// The same is done with what so many rounds have not told apart.
const MOST_ROUNDS: u32 = 64;

/// The lowest bits of the number that stands for an entry.
const PLACE_BITS: u32 = u32::BITS;

/// The number that stands for an entry; those with larger `place` are newer.
#[inline]
pub(super) fn sortable(head: Head, place: u32) -> u128 {
    u128::from(head.first) << 64 | u128::from(head.rest) << 32 | u128::from(place)
}

/// The head in such a number.
#[inline]
pub(super) fn head_in(entry: u128) -> Head {
    Head { first: (entry >> 64) as u64, rest: (entry >> 32) as u32 }
}

/// The place in such a number.
#[inline]
pub(super) fn place_in(entry: u128) -> u32 {
    entry as u32
}

/// Entries in the order of commits.
#[derive(Debug)]
pub(super) struct Unsorted {
    /// What is yet to be added to the place of each.
    pub(super) behind: u32,
    pub(super) entries: Vec<u128>,
    /// The bits in which they differ from the first of them.
    pub(super) differing: u128,
}

/// Entries that stand together in the order of keys, not in order yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// One from each thread that divided.
    parts: Vec<Vec<u128>>,
    /// From this bit on they are alike, but for the bits that tell the bucket.
    shift: u32,
}

/// So many entries are divided into no more groups than this: a power of two.
pub(super) fn most_groups(count: usize) -> usize {
    (count / GROUP_ENTRIES).next_power_of_two().min(MOST_GROUPS)
}

/// Divides `count` entries into groups, each of which is to be sorted by itself: all heads of a group are smaller than
/// those of the next. Groups are alike in size where the bytes in which heads first differ are spread evenly. Time
/// linear in the number of entries.
pub(super) fn split(unsorted: Vec<Unsorted>, count: usize, crew: &Crew) -> Vec<Group> {
    let first = unsorted.iter().find_map(|chunk| chunk.entries.first()).copied().unwrap_or_default();
    let differing = unsorted.iter().fold(0, |differing, chunk| {
        differing | chunk.differing | chunk.entries.first().map_or(0, |entry| entry ^ first)
    });
    let differing = differing >> PLACE_BITS << PLACE_BITS;
    let bits = if differing == 0 { 0 } else { most_groups(count).ilog2() };
    // The first bits that are not the same in all heads tell the group, and never those of places: entries of one head
    // stay together.
    let shift = (u128::BITS - differing.leading_zeros()).saturating_sub(bits).max(PLACE_BITS);
    // The next ones tell the bucket; where there are none, all are alike in the highest.
    let bucket_shift = if differing == 0 { u128::BITS } else { shift } - BUCKET_BITS;
    let mut groups = vec![Group { parts: Vec::new(), shift: bucket_shift }; 1 << bits];
    let handed: Vec<_> = shared_out(unsorted, count, 1 + crew.most_threads())
        .into_iter()
        .map(|chunks| crew.hand_over(move || divide(chunks, bits, shift)))
        .collect();
    for part in handed {
        for (group, entries) in groups.iter_mut().zip(crew.wait(part)) {
            if !entries.is_empty() {
                group.parts.push(entries);
            }
        }
    }
    groups.retain(|group| !group.parts.is_empty());
    groups
}

impl Group {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// All of them, bucket by bucket, and where each bucket ends.
    fn into_buckets(self) -> (Vec<u128>, Vec<usize>) {
        let bucket_of = |entry: u128| (entry >> self.shift) as usize & ((1 << BUCKET_BITS) - 1);
        let mut ends = vec![0; 1 << BUCKET_BITS];
        let all = || self.parts.iter().flatten().copied();
        all().for_each(|entry| ends[bucket_of(entry)] += 1);
        let mut before = 0;
        for end in &mut ends {
            // Where it begins; moved on to its end as it is filled.
            before += std::mem::replace(end, before);
        }
        let mut entries = vec![0; before];
        for entry in all() {
            let next = &mut ends[bucket_of(entry)];
            entries[*next] = entry;
            *next += 1;
        }
        (entries, ends)
    }
}

/// The chunks of `count` entries in about as many parts, alike in size but for the last.
fn shared_out(unsorted: Vec<Unsorted>, count: usize, parts: usize) -> Vec<Vec<Unsorted>> {
    let (mut shared, mut entries) = (vec![Vec::new()], 0);
    for chunk in unsorted {
        if entries >= count.div_ceil(parts) {
            shared.push(Vec::new());
            entries = 0;
        }
        entries += chunk.entries.len();
        if let Some(part) = shared.last_mut() {
            part.push(chunk);
        }
    }
    shared
}

/// Puts entries into one of `1 << bits` groups each, by the bits of theirs from `shift` on.
fn divide(unsorted: Vec<Unsorted>, bits: u32, shift: u32) -> Vec<Vec<u128>> {
    let group_of = |entry: u128| if bits == 0 { 0 } else { (entry >> shift) as usize & ((1 << bits) - 1) };
    let mut counts = vec![0_usize; 1 << bits];
    let all = unsorted.iter().flat_map(|chunk| &chunk.entries);
    all.for_each(|entry| counts[group_of(*entry)] += 1);
    let mut groups: Vec<Vec<u128>> = counts.into_iter().map(Vec::with_capacity).collect();
    for chunk in unsorted {
        chunk.placed().for_each(|entry| groups[group_of(entry)].push(entry));
    }
    groups
}

impl Unsorted {
    fn placed(self) -> impl Iterator<Item = u128> {
        let behind = self.behind;
        self.entries.into_iter().map(move |entry| entry + u128::from(behind))
    }
}

/// The entries of a group in order. `key` gives the key of each by its place.
pub(super) fn sort<'k>(group: Group, key: &impl Fn(u32) -> &'k [u8]) -> Vec<u128> {
    let (mut entries, ends) = group.into_buckets();
    let mut start = 0;
    for end in ends {
        entries[start..end].sort_unstable();
        start = end;
    }
    for run in entries.chunk_by_mut(|one, other| head_in(*one) == head_in(*other)) {
        sort_alike(run, key, None, MOST_ROUNDS);
    }
    entries
}

/// Sorts entries whose keys have equal heads at `at`, or at their beginning. They are in the order of their places.
fn sort_alike<'k>(run: &mut [u128], key: &impl Fn(u32) -> &'k [u8], at: Option<usize>, rounds: u32) {
    let Some((first, others)) = run.split_first() else { return };
    if others.is_empty() {
        return;
    }
    let first_key = key(place_in(*first));
    if run.len() > FEW {
        let is_same = |entry: &u128| key(place_in(*entry)) == first_key;
        if others.iter().all(is_same) {
            return run.reverse();
        }
        let shared = others.iter().fold(first_key.len(), |shared, entry| {
            let key = key(place_in(*entry));
            first_key[..shared].iter().zip(key).take_while(|(one, other)| one == other).count()
        });
        if rounds > 0 && at.is_none_or(|at| shared > at) {
            return sort_behind(run, key, shared, rounds - 1);
        }
    }
    run.sort_unstable_by(|one, other| {
        let (one, other) = (place_in(*one), place_in(*other));
        key(one).cmp(key(other)).then_with(|| other.cmp(&one))
    });
}

/// Sorts entries of equal heads whose keys have the first `shared` bytes in common, by what follows.
fn sort_behind<'k>(run: &mut [u128], key: &impl Fn(u32) -> &'k [u8], shared: usize, rounds: u32) {
    let head = head_in(run[0]);
    for entry in run.iter_mut() {
        let place = place_in(*entry);
        *entry = sortable(Head::of(&key(place)[shared..]), place);
    }
    run.sort_unstable();
    for alike in run.chunk_by_mut(|one, other| head_in(*one) == head_in(*other)) {
        sort_alike(alike, key, Some(shared), rounds);
    }
    run.iter_mut().for_each(|entry| *entry = sortable(head, place_in(*entry)));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stroma_strata::runtime::ThreadSpawner;

    use super::*;

    /// Entries whose places are to be counted from `behind` on.
    fn unsorted(behind: u32, entries: Vec<u128>) -> Unsorted {
        let differing = entries.iter().fold(0, |differing, entry| differing | (entry ^ entries[0]));
        Unsorted { behind, entries, differing }
    }

    fn check(keys: &[Vec<u8>]) {
        let key = |place: u32| keys[place as usize].as_slice();
        let entries: Vec<u128> =
            (0..keys.len() as u32).map(|place| sortable(Head::of(key(place)), place)).collect();
        let crew = Crew::new(Arc::new(ThreadSpawner), 0);
        let groups = split(vec![unsorted(0, entries)], keys.len(), &crew);
        let entries: Vec<u128> = groups.into_iter().flat_map(|group| sort(group, &key)).collect();
        let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
        expected.sort_by(|one, other| key(*one).cmp(key(*other)).then(other.cmp(one)));
        assert_eq!(entries.iter().map(|entry| place_in(*entry)).collect::<Vec<_>>(), expected);
        assert!(entries.iter().all(|entry| head_in(*entry) == Head::of(key(place_in(*entry)))));
    }

    #[test]
    fn groups_stand_in_the_order_of_their_heads_and_have_everything() {
        let mix = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let heads: [fn(u64) -> Vec<u8>; 5] = [
            |number| [[0, 0, 0, 7].as_slice(), &number.to_be_bytes()].concat(),
            |number| number.to_be_bytes().to_vec(),
            |number| vec![(number % 3) as u8; 12],
            |_| b"the same head".to_vec(),
            |number| [&[0; 11][..], &[(number % 2) as u8]].concat(),
        ];
        // Few places, and some on both sides of where their highest bits change.
        for (head, first) in heads.iter().flat_map(|head| [(head, 0), (head, (1 << 30) - 20_000)]) {
            for count in [0, 1, 1000, 40_000] {
                let number = |place: u64| sortable(Head::of(&head(mix(place))), (first + place) as u32);
                let chunk = |from: u64, until: u64| {
                    let behind = first + from;
                    let entries = (from..until).map(|place| number(place) - u128::from(behind));
                    unsorted(behind as u32, entries.collect())
                };
                let chunks = vec![chunk(0, count / 3), chunk(count / 3, count / 2), chunk(count / 2, count)];
                let crew = Crew::new(Arc::new(ThreadSpawner), (count % 3) as usize);
                let groups: Vec<_> = split(chunks, count as usize, &crew)
                    .into_iter()
                    .map(|group| {
                        let size = group.len();
                        let (entries, ends) = group.into_buckets();
                        assert_eq!((entries.len(), ends.last()), (size, Some(&size)));
                        let mut start = 0;
                        for end in ends {
                            // All of a bucket are smaller than those of the next.
                            let most = entries[..start].iter().max();
                            assert!(
                                entries[start..end].iter().all(|entry| most.is_none_or(|most| most < entry))
                            );
                            start = end;
                        }
                        entries
                    })
                    .collect();
                assert!(groups.windows(2).all(|pair| {
                    pair[0].iter().map(|entry| head_in(*entry)).max()
                        < pair[1].iter().map(|entry| head_in(*entry)).min()
                }));
                let mut all = groups.concat();
                all.sort_unstable();
                let mut expected: Vec<u128> = (0..count).map(number).collect();
                expected.sort_unstable();
                assert_eq!(all, expected);
            }
        }
    }

    #[test]
    fn keys_of_all_sorts_come_in_their_order_and_newer_versions_first() {
        let mix = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let all: Vec<Box<dyn Fn(u64) -> Vec<u8>>> = vec![
            Box::new(move |number| mix(number).to_be_bytes().to_vec()),
            Box::new(move |number| format!("a head that is shared {:03}", mix(number) % 300).into_bytes()),
            Box::new(move |number| {
                [vec![7; 40 * (mix(number) % 3) as usize], mix(number % 400).to_be_bytes().to_vec()].concat()
            }),
            // Heads do not tell these apart.
            Box::new(move |number| vec![0; (mix(number) % 60) as usize]),
            Box::new(|_| b"the same key every time".to_vec()),
            Box::new(|_| Vec::new()),
            // One round more for each.
            Box::new(|number| vec![1; number as usize * 13]),
        ];
        for make in all {
            for count in [0, 1, 2, 20, 300, 1500] {
                check(&(0..count).map(&*make).collect::<Vec<_>>());
            }
        }
    }
}
