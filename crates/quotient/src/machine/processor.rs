//! Counting and selecting bits with BMI2 and POPCNT where the processor has them, and prefetching.
//!
//! The same generic code is compiled twice, for what every processor of the architecture has and for BMI2;
//! a [`Level`], found once when a filter is made, says which of the two to enter. Both do the same to the
//! same bytes: only how a bit is found differs.

#![allow(unsafe_code, reason = "calling code compiled for a later processor, and prefetching")]

use std::sync::OnceLock;

/// How bits are counted and found.
pub(crate) trait Cpu: Copy {
    /// Number of set bits.
    fn ones(word: u64) -> u32;

    /// Position of the set bit with `rank` set bits below it; 64 if there is none. `rank` is below 64.
    fn select(word: u64, rank: u32) -> u32;

    /// Does something rare in a function of its own, compiled for the same processor, so that what is common
    /// stays short.
    fn apart<W: Work>(work: W) -> W::Output;
}

/// What every processor can do.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Cpu for Portable {
    #[inline(always)]
    fn ones(word: u64) -> u32 {
        word.count_ones()
    }

    #[inline(always)]
    fn select(word: u64, rank: u32) -> u32 {
        let (mut rest, mut rank, mut base) = (word, rank, 0);
        for width in [32, 16, 8] {
            let below = (rest & ((1 << width) - 1)).count_ones();
            if rank >= below {
                rank -= below;
                rest >>= width;
                base += width;
            }
        }
        for _ in 0..rank {
            rest &= rest.wrapping_sub(1);
        }
        (base + rest.trailing_zeros()).min(64)
    }

    #[inline(never)]
    fn apart<W: Work>(work: W) -> W::Output {
        work.run::<Self>()
    }
}

/// x86-64 with POPCNT, BMI1 and a PDEP that is not slow.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[derive(Clone, Copy)]
pub(crate) struct Bmi2(());

#[cfg(all(target_arch = "x86_64", not(miri)))]
impl Cpu for Bmi2 {
    #[inline(always)]
    fn ones(word: u64) -> u32 {
        word.count_ones()
    }

    #[inline(always)]
    fn select(word: u64, rank: u32) -> u32 {
        // The PDEP select (Pandey, Bender, Johnson: "A Fast x86 Implementation of Select", 2017).
        // SAFETY: this type is only named in the two functions below, which are only entered where BMI2 was detected.
        unsafe { std::arch::x86_64::_pdep_u64(1 << rank, word) }.trailing_zeros()
    }

    #[inline(always)]
    fn apart<W: Work>(work: W) -> W::Output {
        // SAFETY: as above, this is only reached where BMI2 was detected.
        unsafe { apart_with_bmi2(work) }
    }
}

/// Something to do with whatever instructions there are.
///
/// `run` must be `#[inline(always)]`, and so must all that it calls and should profit.
pub(crate) trait Work {
    type Output;
    fn run<C: Cpu>(self) -> Self::Output;
}

/// Which instructions this processor has.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// Never set without having been detected: `run` relies on it.
    bmi2: bool,
}

impl Level {
    /// What the processor said when it was first asked. (In a virtual machine that takes microseconds.)
    pub(crate) fn detect() -> Self {
        static KNOWN: OnceLock<Level> = OnceLock::new();
        *KNOWN.get_or_init(Self::ask)
    }

    fn ask() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use std::arch::is_x86_feature_detected as has;
            let bmi2 = has!("bmi1") && has!("bmi2") && has!("popcnt") && has!("lzcnt") && !pdep_is_slow();
            Self { bmi2 }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        Self::portable()
    }

    /// Does without, whatever the processor has.
    #[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
    pub(crate) fn portable() -> Self {
        Self { bmi2: false }
    }

    /// Does the work, in the version for this processor.
    #[inline(always)]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if self.bmi2 {
            // SAFETY: `bmi2` is set only where `detect` found all that the function asks for.
            return unsafe { with_bmi2(work) };
        }
        without(work)
    }
}

/// A function of its own: inlined where it is seldom needed, it would make the caller keep registers for it.
#[inline(never)]
fn without<W: Work>(work: W) -> W::Output {
    work.run::<Portable>()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "bmi1,bmi2,popcnt,lzcnt")]
fn with_bmi2<W: Work>(work: W) -> W::Output {
    work.run::<Bmi2>()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "bmi1,bmi2,popcnt,lzcnt")]
#[inline(never)]
fn apart_with_bmi2<W: Work>(work: W) -> W::Output {
    work.run::<Bmi2>()
}

/// Whether PDEP is done in microcode, slower than without: AMD before Zen 3 (families up to 17h).
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn pdep_is_slow() -> bool {
    use std::arch::x86_64::__cpuid;
    let vendor = __cpuid(0);
    let amd = [vendor.ebx, vendor.edx, vendor.ecx] == [0x6874_7541, 0x6974_6e65, 0x444d_4163];
    let signature = __cpuid(1).eax;
    let family = (signature >> 8 & 0xf) + (signature >> 20 & 0xff);
    amd && family <= 0x17
}

/// Asks for the cache line of a byte that will soon be needed. Nothing happens beyond the end.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8], at: usize) {
    prefetch_at(bytes.as_ptr().wrapping_add(at));
}

/// The same for an address, which may be any.
#[inline(always)]
pub(super) fn prefetch_at(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch changes nothing and faults on no address; every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Select(u64, u32);

    impl Work for Select {
        type Output = (u32, u32);

        #[inline(always)]
        fn run<C: Cpu>(self) -> (u32, u32) {
            (C::select(self.0, self.1), C::ones(self.0))
        }
    }

    #[test]
    fn every_version_finds_every_set_bit() {
        for word in [0, 1, u64::MAX, 1 << 63, 0x8000_0000_0000_0001, 0xdead_beef_0123_4567, 0xff00] {
            let set: Vec<u32> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            for level in [Level::detect(), Level::portable()] {
                for rank in 0..64 {
                    let expected = set.get(rank).copied().unwrap_or(64);
                    let found = level.run(Select(word, rank as u32));
                    assert_eq!(found, (expected, set.len() as u32), "{word:x} {rank}");
                }
            }
        }
    }
}
