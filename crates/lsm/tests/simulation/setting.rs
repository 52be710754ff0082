//! Options drawn at random, small enough that a few dozen operations flush and merge.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stroma_lsm::{
    CipherAlgorithm, Compression, DataKey, Durability, Encryption, FilterPolicy, IndexPolicy,
    LevelCompression, Options, StaticKeys,
};
use stroma_strata::picker::Limits;
use stroma_strata::runtime::{ManualClock, SystemClock};
use stroma_strata::{MergePolicy, Upkeep};

use crate::model::NAMES;
use crate::random::{Random, mix};
use crate::rules::{Rules, TickingClock, milliseconds};

/// How a database is opened for a while.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) options: Options,
    /// Whether its files are read as mapped memory.
    pub(crate) mapped: bool,
    pub(crate) rules: Rules,
    /// The calendar of the history.
    pub(crate) clock: Arc<ManualClock>,
}

/// What all lives of a history have in common.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) rules: Rules,
    pub(crate) clock: Arc<ManualClock>,
    is_encrypted: bool,
}

impl Frame {
    /// Drawn from numbers of its own, so that other draws do not depend on them.
    pub(crate) fn draw(seed: u64) -> Frame {
        let mut random = Random(mix(seed ^ 0x5EA1));
        let is_encrypted = random.below(4) == 0;
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1000)));
        Frame { rules: Rules::draw(&mut random), clock, is_encrypted }
    }

    /// One that is not encrypted.
    pub(crate) fn plain(seed: u64) -> Frame {
        Frame { is_encrypted: false, ..Frame::draw(seed) }
    }

    /// How one of the lives opens its database.
    pub(crate) fn setting(&self, random: &mut Random) -> Setting {
        let mut setting = Setting::draw(random, self);
        if self.is_encrypted {
            setting.options.encryption = Some(keys(random))
        }
        setting
    }
}

/// One of `choices`.
pub(crate) fn one_of<T: Clone>(random: &mut Random, choices: &[T]) -> T {
    choices[random.below(choices.len() as u64) as usize].clone()
}

/// What a keyspace may have for itself.
const APART: &[Option<Compression>] = &[
    None,
    Some(Compression::None),
    #[cfg(feature = "lz4")]
    Some(Compression::Lz4),
    #[cfg(feature = "zstd")]
    Some(Compression::Zstd { level: 2 }),
];

const COMPRESSIONS: &[Compression] = &[
    Compression::None,
    #[cfg(feature = "lz4")]
    Compression::Lz4,
    #[cfg(feature = "zstd")]
    Compression::Zstd { level: 1 },
    #[cfg(feature = "zstd")]
    Compression::ZstdTrained { level: 1 },
];

const FILTERS: &[FilterPolicy] = &[
    FilterPolicy::None,
    FilterPolicy::BlockedBloom { bits_per_key: 1 },
    FilterPolicy::BlockedBloom { bits_per_key: 10 },
];

const INDEXES: &[IndexPolicy] = &[
    IndexPolicy::CostModel,
    IndexPolicy::BTree,
    IndexPolicy::Linear,
    IndexPolicy::SPlus,
    IndexPolicy::RadixSpline,
    IndexPolicy::Plain,
];

/// The keys of one life of an encrypted history: all of them have the same, but not the same one for new files.
fn keys(random: &mut Random) -> Encryption {
    let key = |name: &str| DataKey::from([name.as_bytes()[0]; 32]);
    let names = one_of(random, &[["a", "b"], ["b", "a"]]);
    let keys =
        StaticKeys::new(names[0], key(names[0])).and_then(|keys| keys.with_current(names[1], key(names[1])));
    let algorithm = one_of(random, &[CipherAlgorithm::Aes256Gcm, CipherAlgorithm::ChaCha20Poly1305]);
    Encryption::new(Arc::new(keys.unwrap())).with_algorithm(algorithm)
}

impl Setting {
    /// The same, of an encrypted database.
    pub(crate) fn encrypted(mut self, random: &mut Random) -> Setting {
        self.options.encryption = Some(keys(random));
        self
    }

    /// The same with so many threads, which wait by a clock that goes by itself.
    pub(crate) fn with_threads(mut self, threads: usize) -> Setting {
        self.options.background_threads = threads;
        if threads > 0 {
            let ticking = TickingClock { calendar: self.clock.clone(), ticking: SystemClock::new() };
            self.options.clock = Arc::new(ticking);
        }
        self
    }

    /// The present time, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        milliseconds(&*self.clock)
    }

    /// How the same database is opened to be read, or repaired: with memory for all that the log may hold.
    pub(crate) fn reading(&self) -> Options {
        Options { memory_bytes: 16 << 20, ..self.options.clone() }
    }

    fn draw(random: &mut Random, frame: &Frame) -> Setting {
        let merge_policy = if random.below(3) == 0 {
            MergePolicy::Tiered { fanout: 2 + random.below(3) as usize }
        } else {
            MergePolicy::TieredThenLevelled(Limits {
                level0_runs: 1 + random.below(4) as usize,
                level1_bytes: one_of(random, &[4 << 10, 8 << 10, 32 << 10]),
                multiplier: 2 + random.below(3),
                deepest_level: 2 + random.below(3) as u32,
                table_bytes: one_of(random, &[2 << 10, 4 << 10, 16 << 10]),
            })
        };
        // What came later is drawn apart, so that the draws of a seed stay what they were.
        let mut more = Random(mix(random.0));
        let options = Options {
            memory_bytes: one_of(random, &[64, 80, 96, 128, 256]) << 10,
            block_cache: random.below(2) == 0,
            memory_cleaning: random.below(3) > 0,
            durability: one_of(random, &[Durability::None, Durability::Buffered, Durability::Synced]),
            background_threads: 0,
            merge_policy,
            // Ages would bring in the clock.
            upkeep: Upkeep { delete_percent: one_of(random, &[None, Some(10), Some(50)]), ..Upkeep::none() },
            compression: one_of(random, COMPRESSIONS),
            level_compression: LevelCompression {
                upper: (0..more.below(4)).map(|_| one_of(&mut more, COMPRESSIONS)).collect(),
                bottom: (more.below(2) == 0).then(|| one_of(&mut more, COMPRESSIONS)),
            },
            // Some, most or none of the values that a life writes.
            value_threshold: one_of(random, &[40, 300, usize::MAX]),
            // All, some or none of the transactions spill.
            transaction_bytes: one_of(random, &[0, 800, 16 << 20]),
            block_bytes: one_of(random, &[64, 256, 1024, 4096]),
            filter: one_of(random, FILTERS),
            index: one_of(random, INDEXES),
            value_compression: one_of(&mut more, APART).unwrap_or_default(),
            ..Options::default()
        };
        // Small enough that a few hundred reads pay for a merge.
        let read_percent = one_of(&mut Random(mix(more.0)), &[None, Some(0), Some(1), Some(50)]);
        let options = Options { upkeep: Upkeep { read_percent, ..options.upkeep }, ..options };
        // Where no block is compressed, short values are.
        let options = match Random(mix(mix(more.0))).below(2) {
            0 => Options {
                compression: Compression::None,
                level_compression: LevelCompression::default(),
                ..options
            },
            _ => options,
        };
        let mut options = frame.rules.apply(options, more.below(2) == 0, frame.clock.clone());
        for name in NAMES {
            // Kept with the keyspace, other in each life; or as the last life had it.
            if more.below(2) == 0 {
                let keyspace = options.keyspaces.entry(name.to_owned()).or_default();
                let threshold = one_of(&mut more, &[None, Some(40), Some(300), Some(usize::MAX)]);
                let block_bytes = one_of(&mut more, &[None, Some(64), Some(1024)]);
                let compression = one_of(&mut more, APART);
                keyspace.value_threshold = threshold;
                (keyspace.block_bytes, keyspace.compression) = (block_bytes, compression);
                keyspace.value_compression = one_of(&mut more, APART);
            }
        }
        Setting { options, mapped: random.below(2) == 0, rules: frame.rules, clock: frame.clock.clone() }
    }
}
