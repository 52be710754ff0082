//! A dictionary in borrowed bytes: opened, looked up k-mer by k-mer, read whole, verified.

use stroma_quotient::Key;
use xxhash_rust::xxh3::xxh3_64;

use super::DictionaryError;
use super::bases::Bases;
use super::build::{MOST_IN_BUCKET, kmer_hash};
use super::format::{HEADER_BYTES, Header, SECTIONS, split};
use super::oriented::{Length, Oriented};
use super::places::Places;
use super::runs::{Run, Runs};
use super::sampling::{Sample, Sampling, Slider};
use super::search::Search;
use crate::layer::paged::{Awaited, Paged};

/// k-mers and the colour of each, in bytes that may be mapped.
///
/// Whatever the bytes, nothing here panics or takes memory; wrong bytes that pass the checksums may give wrong answers.
#[derive(Clone, Copy, Debug)]
pub struct UnitigDictionary<'a> {
    header: Header,
    pub(super) sampling: Sampling,
    pub(super) bases: Bases<'a>,
    pub(super) runs: Runs<'a>,
    places: Places<'a>,
    heavy: Places<'a>,
    /// Stands for a position where a bucket hands over to `heavy`.
    handed_over: u64,
}

/// A k-mer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the k-mer begins in the strings: a number that no other k-mer of the dictionary has.
    pub position: u64,
    /// Its colour.
    pub colour: u32,
}

/// Bytes of a dictionary by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DictionaryParts {
    /// The bases of the strings.
    pub strings: u64,
    /// Where runs of a colour begin, and which is the last one of a string.
    pub runs: u64,
    /// The colour of each run.
    pub colours: u64,
    /// The table that tells where m-mers are.
    pub places: u64,
    /// The table of k-mers whose m-mers are at many places.
    pub heavy: u64,
}

/// A place where a k-mer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) position: u64,
    pub(super) is_forward: bool,
    pub(super) run: Run,
    /// Where the run's last k-mer begins, plus one: k - 1 bases before the string ends, if the run is its last.
    pub(super) kmers_end: u64,
}

impl<'a> UnitigDictionary<'a> {
    /// Opens a dictionary and verifies its checksums. Time: reading the bytes once.
    ///
    /// # Errors
    /// [`DictionaryError`] where they are damaged, or written by a newer version.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DictionaryError> {
        let dictionary = Self::open_paged(Paged::verified(bytes))?;
        if xxh3_64(&bytes[HEADER_BYTES..]) != dictionary.header.body_checksum.get() {
            let what = "the checksum does not match";
            return Err(DictionaryError::Corrupt { offset: HEADER_BYTES as u64, what });
        }
        Ok(dictionary)
    }

    /// As [`open`](Self::open), of bytes that have checksums of their own, for each page. O(1).
    pub(crate) fn open_paged(bytes: Paged<'a>) -> Result<Self, DictionaryError> {
        let (header, sections) = split(bytes)?;
        Self::view(header, sections).ok_or(DictionaryError::Corrupt {
            offset: HEADER_BYTES as u64,
            what: "a section is not as long as the header says",
        })
    }

    fn view(header: Header, sections: [Paged<'a>; SECTIONS]) -> Option<Self> {
        let [bases, a, b, c, d, e, f, g, h, i, j, l] = sections;
        let width = header.position_width();
        let (buckets, entries) = (header.buckets.get(), header.entries.get());
        let (heavy_buckets, heavy_entries) = (header.heavy_buckets.get(), header.heavy_entries.get());
        Some(UnitigDictionary {
            sampling: header.sampling(),
            bases: Bases::new(bases),
            runs: Runs::new(
                [a, b, c, d, e],
                header.bases.get(),
                header.runs.get(),
                header.colour_width.into(),
            )?,
            places: Places::new([f, g, h], buckets, entries, width)?,
            heavy: Places::new([i, j, l], heavy_buckets, heavy_entries, width)?,
            handed_over: u64::MAX.checked_shr(64 - width).unwrap_or(0),
            header,
        })
    }

    /// Bases in a k-mer.
    pub fn k(&self) -> u8 {
        self.header.k
    }

    /// Distinct k-mers.
    pub fn kmers(&self) -> u64 {
        self.header.kmers.get()
    }

    /// Strings that the k-mers are written as.
    pub fn strings(&self) -> u64 {
        self.header.strings.get()
    }

    /// Runs of k-mers of one colour along the strings.
    pub fn runs(&self) -> u64 {
        self.header.runs.get()
    }

    /// Sampled positions of the strings.
    pub fn sampled(&self) -> u64 {
        self.header.entries.get()
    }

    /// What the bytes are used for.
    pub fn parts(&self) -> DictionaryParts {
        let sections = self.header.section_bytes().unwrap_or_default();
        DictionaryParts {
            strings: sections[0],
            runs: sections[1..5].iter().sum(),
            colours: sections[5],
            places: sections[6..9].iter().sum(),
            heavy: sections[9..].iter().sum(),
        }
    }

    /// Looks one k-mer up, in either direction. O(1) on average.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub fn get<W: Key>(&self, kmer: W) -> Option<Found> {
        let length = self.length::<W>();
        let hit = self.find(length, length.oriented(kmer))?;
        Some(Found { position: hit.position, colour: self.runs.colour(hit.run.number) })
    }

    /// Looks up each k-mer of a sequence, in order.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub fn search<'s, W: Key>(&'s self, sequence: &'s [u8]) -> Search<'s, W> {
        // All of it is there.
        static NOTHING: Awaited = Awaited::nothing();
        Search::new(self, self.length(), sequence, &NOTHING)
    }

    pub(super) fn length<W: Key>(&self) -> Length<W> {
        assert!(2 * u32::from(self.header.k) < W::BITS, "a k-mer does not fit the word");
        Length::new(self.header.k.into())
    }

    /// Where a k-mer is.
    #[inline]
    pub(super) fn find<W: Key>(&self, length: Length<W>, kmer: Oriented<W>) -> Option<Hit> {
        self.find_sampled(length, kmer, self.sampling.samples(kmer))
    }

    /// Where a k-mer is whose samples are known.
    #[inline]
    pub(super) fn find_sampled<W: Key>(
        &self,
        length: Length<W>,
        kmer: Oriented<W>,
        [forward, reverse]: [Sample; 2],
    ) -> Option<Hit> {
        if forward == reverse {
            return self.look(length, kmer, forward, [true, true]);
        }
        let hit = self.look(length, kmer, forward, [true, false]);
        hit.or_else(|| self.look(length, kmer, reverse, [false, true]))
    }

    /// Looks where a sample is for the k-mer as it is, and for its reverse complement.
    #[inline]
    fn look<W: Key>(
        &self,
        length: Length<W>,
        kmer: Oriented<W>,
        sample: Sample,
        directions: [bool; 2],
    ) -> Option<Hit> {
        self.look_at(self.places.of(sample.hash), length, kmer, sample, directions)
    }

    /// Looks at these places of a sample.
    #[inline]
    fn look_at<W: Key>(
        &self,
        places: impl Iterator<Item = u64>,
        length: Length<W>,
        kmer: Oriented<W>,
        sample: Sample,
        [as_it_is, reversed]: [bool; 2],
    ) -> Option<Hit> {
        let offsets = [sample.offset, self.sampling.offset_reversed(sample.offset)].map(u64::from);
        for place in places {
            if place == self.handed_over {
                return self.find_heavy(length, kmer);
            }
            for (offset, wanted, is_forward) in [(offsets[0], as_it_is, true), (offsets[1], reversed, false)]
            {
                let position = place.checked_sub(offset).filter(|_| wanted);
                let hit = position.and_then(|position| self.check(length, position, kmer, is_forward));
                if hit.is_some() {
                    return hit;
                }
            }
        }
        None
    }

    /// Looks in the table of k-mers whose samples are at too many places.
    #[cold]
    fn find_heavy<W: Key>(&self, length: Length<W>, kmer: Oriented<W>) -> Option<Hit> {
        let mut entries = self.heavy.bucket(kmer_hash(kmer.canonical()));
        entries.find_map(|entry| {
            let position = self.heavy.position(entry);
            let forward = self.check(length, position, kmer, true);
            forward.or_else(|| self.check(length, position, kmer, false))
        })
    }

    /// Whether the k-mer stands at a position, and not across the end of a string.
    #[inline]
    fn check<W: Key>(
        &self,
        length: Length<W>,
        position: u64,
        kmer: Oriented<W>,
        is_forward: bool,
    ) -> Option<Hit> {
        let wanted = if is_forward { kmer.forward } else { kmer.reverse };
        if self.bases.kmer::<W>(position, length.bases()) != wanted {
            return None;
        }
        self.hit(length, position, is_forward)
    }

    /// The k-mer at a position; none where no k-mer begins.
    #[inline]
    pub(super) fn hit<W: Key>(&self, length: Length<W>, position: u64, is_forward: bool) -> Option<Hit> {
        let run = self.runs.locate(position)?;
        let kmers_end = self.kmers_end(length, run);
        (position < kmers_end).then_some(Hit { position, is_forward, run, kmers_end })
    }

    pub(super) fn kmers_end<W: Key>(&self, length: Length<W>, run: Run) -> u64 {
        let is_last = self.runs.is_last_of_string(run.number);
        if is_last { (run.end + 1).saturating_sub(length.bases().into()) } else { run.end }
    }

    /// All k-mers, canonical, each with its position and colour, in the order of the strings.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub fn iter<W: Key>(&self) -> impl Iterator<Item = (W, Found)> {
        let length = self.length::<W>();
        let k = u64::from(length.bases());
        self.runs.iter().flat_map(move |run| {
            let end = self.kmers_end(length, run);
            let colour = self.runs.colour(run.number);
            let mut at = None;
            (run.start..end).map(move |position| {
                let next = match at {
                    None => length.oriented(self.bases.kmer(position, length.bases())),
                    Some(before) => length.step(before, self.bases.get(position + k - 1)),
                };
                at = Some(next);
                (next.canonical(), Found { position, colour })
            })
        })
    }

    /// Verifies what no checksum tells: that the tables agree with each other, and that each k-mer is found where it
    /// stands. Time: a look-up of each k-mer.
    ///
    /// # Errors
    /// [`DictionaryError::Corrupt`].
    pub fn verify(&self) -> Result<(), DictionaryError> {
        if 2 * u32::from(self.header.k) < u64::BITS {
            self.verify_words::<u64>()
        } else {
            self.verify_words::<u128>()
        }
    }

    fn verify_words<W: Key>(&self) -> Result<(), DictionaryError> {
        let corrupt = |what| DictionaryError::Corrupt { offset: HEADER_BYTES as u64, what };
        if !self.runs.is_sound() || !self.places.is_sound() || !self.heavy.is_sound() {
            return Err(corrupt("a table contradicts itself"));
        }
        let (length, mut count, mut strings) = (self.length::<W>(), 0, 0);
        for run in self.runs.iter() {
            strings += u64::from(self.runs.is_last_of_string(run.number));
        }
        let mut word = Oriented { forward: W::ZERO, reverse: W::ZERO };
        let mut slider = Slider::new(self.sampling);
        // Neighbours mostly have one sample: where it is need not be looked up for each.
        let (mut sampled, mut places) = (None, Vec::new());
        self.walk::<W, _>(|step| {
            if step.begins {
                slider.restart();
            }
            word = length.step(word, step.code);
            let samples = slider.push(step.code);
            let Some((position, _)) = step.kmer else { return Ok(()) };
            count += 1;
            let Some([sample, other]) = samples else {
                return Err(corrupt("a k-mer has no sample"));
            };
            // Going through forged longer ones for each k-mer would not come to an end.
            let is_short = |hash| self.places.bucket(hash).count() <= MOST_IN_BUCKET;
            let is_new = sampled.replace(sample.hash) != Some(sample.hash);
            if (is_new && !is_short(sample.hash)) || (sample != other && !is_short(other.hash)) {
                return Err(corrupt("a bucket has more positions than it may"));
            }
            if is_new {
                places.clear();
                places.extend(self.places.of(sample.hash));
            }
            let hit = if sample == other {
                self.look_at(places.iter().copied(), length, word, sample, [true, true])
            } else {
                self.find_sampled(length, word, [sample, other])
            };
            let is_found = hit.is_some_and(|hit| hit.position == position);
            if is_found { Ok(()) } else { Err(corrupt("a k-mer is not found where it stands")) }
        })?;
        if count != self.kmers() || strings != self.strings() {
            return Err(corrupt("there are not as many k-mers or strings as the header says"));
        }
        Ok(())
    }
}
