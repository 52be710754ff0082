//! Log-structured memory: a byte budget in segments, an append-only arena and a key-value store on it.
//!
//! General-purpose allocators cannot move what they gave out, so that memory fragments when sizes change:
//! twice the live bytes, and more, are usual. Here everything is appended to *segments* of one size, as in a
//! log-structured file system (Rumble, Kejriwal, Ousterhout: "Log-structured Memory for DRAM-based Storage",
//! FAST 2014), and the budget is kept whatever the sizes are.
//!
//! - [`Pool`]: the budget, shared by any number of logs and stores.
//! - [`Log`]: an append-only arena, freed whole; what a memtable keeps its entries in.
//! - [`Store`]: a concurrent key-value store with a hash index and a cleaner, which copies live entries
//!   together.
//! - [`Cache`]: a concurrent cache on the same segments, which keeps what is read most for its size and gives
//!   memory back when others of the pool need it.
//!
//! No thread is started unasked: writes do a share of the cleaning when memory becomes short, or a thread of
//! the store's own does ([`StoreOptions::cleaner_threads`]), or one of the caller's ([`Store::clean`]).
//!
//! ```
//! use stroma_logmem::{Error, Log, Pool, PoolOptions, Store, StoreOptions};
//!
//! // One budget of 64 MiB for both.
//! let pool = Pool::new(PoolOptions::new(64 << 20))?;
//! let log = Log::new(&pool);
//! let at = log.append(&[b"some key", b"some value"])?;
//! assert_eq!(log.get(at), b"some keysome value");
//!
//! let store = Store::new(StoreOptions::new(pool.clone(), 0x5eed))?;
//! store.put(b"sponge", b"porifera")?;
//! assert_eq!(store.get(b"sponge").as_deref(), Some(&b"porifera"[..]));
//! assert!(pool.statistics().used_bytes <= 64 << 20);
//! # Ok::<(), Error>(())
//! ```

#![deny(unsafe_code)]

mod cache;
mod error;
mod index;
mod location;
mod log;
mod memory;
mod pool;
mod store;
mod sync;

pub use cache::{Cache, CacheClock, CacheGuard, CacheOptions, CacheStatistics};
pub use error::Error;
pub use location::Location;
pub use log::{BatchRun, Log, LogBatch};
pub use memory::SegmentOwner;
pub use pool::{Charge, Pool, PoolOptions, PoolStatistics, Reclaim, SegmentStatistics};
pub use store::{CleanReport, Expected, Store, StoreOptions, StoreStatistics, ValueGuard, Version};
