//! Which words of two lines begin with certain bits, told by comparing all of them at once.

use super::lines::Line;

/// What a word may begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning {
    bits: u32,
    /// Those of a word's upper half that follow and do not count.
    ignored: u32,
}

impl Beginning {
    /// These bits, at the top of a word's upper half if all but the `ignored` lowest of that (31 at most) count.
    #[inline]
    pub(crate) fn new(bits: u32, ignored: u32) -> Beginning {
        Beginning { bits, ignored }
    }

    /// The bits.
    #[inline]
    pub(crate) fn bits(self) -> u32 {
        self.bits
    }
}

/// The words that begin so: a bit for each, the first line's lowest.
///
/// A hint about words that may change meanwhile: whoever follows one loads it (again). A word that does not
/// change is told rightly, as are those loaded after this; what was stored before is seen as by loads with
/// `Acquire`. It takes no branch, and so few instructions that the processor gets to what comes after before it
/// has the lines.
#[inline]
#[cfg(all(target_arch = "x86_64", not(any(miri, shuttle))))]
pub(crate) fn beginning_so([one, other]: [&Line; 2], beginning: Beginning) -> u32 {
    let slots: u32;
    // SAFETY: reads the 64 aligned bytes of each line and nothing else, with instructions that every x86-64 has.
    // Others may store to the words meanwhile, as to any atomic; only their upper halves are compared, each of
    // which is aligned and so read in one piece. The processor keeps loads in order, and without the options
    // that would allow it the compiler moves no access across.
    unsafe {
        std::arch::asm!(
            "movd {shift}, {ignored:e}",
            "movd {bits}, {beginning:e}",
            "pshufd {bits}, {bits}, 0",
            // The upper halves of four words each.
            "movaps {a}, [{one}]",
            "shufps {a}, [{one} + 16], 0xdd",
            "movaps {b}, [{one} + 32]",
            "shufps {b}, [{one} + 48], 0xdd",
            "movaps {c}, [{other}]",
            "shufps {c}, [{other} + 16], 0xdd",
            "movaps {d}, [{other} + 32]",
            "shufps {d}, [{other} + 48], 0xdd",
            "psrld {a}, {shift}",
            "psrld {b}, {shift}",
            "psrld {c}, {shift}",
            "psrld {d}, {shift}",
            "pcmpeqd {a}, {bits}",
            "pcmpeqd {b}, {bits}",
            "pcmpeqd {c}, {bits}",
            "pcmpeqd {d}, {bits}",
            // All ones or all zeros: saturation keeps them.
            "packssdw {a}, {b}",
            "packssdw {c}, {d}",
            "packsswb {a}, {c}",
            "pmovmskb {slots:e}, {a}",
            one = in(reg) one,
            other = in(reg) other,
            ignored = in(reg) beginning.ignored,
            beginning = in(reg) beginning.bits,
            slots = lateout(reg) slots,
            shift = out(xmm_reg) _,
            bits = out(xmm_reg) _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack, preserves_flags),
        );
    }
    slots
}

/// The same where there are no such instructions, or someone wants to see every access.
#[inline]
#[cfg(not(all(target_arch = "x86_64", not(any(miri, shuttle)))))]
pub(crate) fn beginning_so(lines: [&Line; 2], beginning: Beginning) -> u32 {
    one_by_one(lines, beginning)
}

#[cfg(any(test, not(all(target_arch = "x86_64", not(any(miri, shuttle))))))]
fn one_by_one([one, other]: [&Line; 2], beginning: Beginning) -> u32 {
    use crate::sync::atomic::Ordering;
    one.0.iter().chain(&other.0).rev().fold(0, |slots, word| {
        let upper = (word.load(Ordering::Acquire) >> 32) as u32;
        slots << 1 | u32::from(upper >> beginning.ignored == beginning.bits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::atomic::{AtomicU64, Ordering};

    #[test]
    #[cfg_attr(shuttle, ignore = "no thread meets another here")]
    fn finds_what_comparing_one_by_one_finds() {
        let mut state = 1_u64;
        let mut draw = move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state ^ state >> 29
        };
        for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
            let word = draw();
            let count = 1 + (draw() % 32) as u32;
            // Words that differ from it in one bit, or not at all, or in all.
            let mut line = || {
                let words = std::array::from_fn(|_| match draw() % 4 {
                    0 => word ^ 1 << (draw() % 64),
                    1 => word,
                    2 => 0,
                    _ => draw(),
                });
                Line(words.map(AtomicU64::new))
            };
            let (one, other) = (line(), line());
            let expected = (0..16).filter(|slot| {
                let line = if *slot < 8 { &one } else { &other };
                line.0[slot % 8].load(Ordering::Relaxed) >> (64 - count) == word >> (64 - count)
            });
            let expected = expected.fold(0, |slots, slot| slots | 1 << slot);
            let beginning = Beginning::new((word >> 32) as u32 >> (32 - count), 32 - count);
            assert_eq!(beginning_so([&one, &other], beginning), expected, "{count} bits of {word:x}");
            assert_eq!(one_by_one([&one, &other], beginning), expected);
        }
    }
}
