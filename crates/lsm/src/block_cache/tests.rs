//! Blocks come back as they were put, from their own table, and give way to others of the pool.

use stroma_logmem::{Log, Pool, PoolOptions};

use super::*;

const BLOCK: usize = 4096;

fn pool() -> Pool {
    Pool::new(PoolOptions { capacity_bytes: 2 << 20, segment_bytes: 16 << 10 }).unwrap()
}

fn payload(table: u8, block: usize) -> Vec<u8> {
    (0..BLOCK).map(|at| table ^ (block as u8) ^ (at as u8)).collect()
}

#[test]
fn a_block_comes_back_from_the_table_that_left_it_and_from_no_other() {
    let cache = BlockCache::new(pool(), CacheLimits { least: 128 << 10, most: 1 << 20 });
    let (one, other) = (cache.for_table(), cache.for_table());
    assert_eq!(cache.statistics().bytes, 0, "nothing is taken before there is a block");
    assert_eq!(one.copy(7), None);
    one.keep(7, &payload(1, 7));
    other.keep(8, &payload(2, 8));
    assert_eq!(one.copy(7), Some(payload(1, 7)));
    assert_eq!(one.read(7, <[u8]>::len), Some(BLOCK));
    assert_eq!((one.copy(8), other.copy(7)), (None, None));
    let statistics = cache.statistics();
    assert_eq!((statistics.blocks, statistics.hits, statistics.misses), (2, 2, 2));
}

#[test]
fn it_fills_up_to_its_limit_and_what_comes_out_is_right() {
    let pool = pool();
    let cache = BlockCache::new(pool.clone(), CacheLimits { least: 128 << 10, most: 1 << 20 });
    let table = cache.for_table();
    for block in 0..2000 {
        // What is missed once is not let into a full cache.
        table.keep(block, &payload(3, block));
        table.keep(block, &payload(3, block));
    }
    let found = (0..2000).filter_map(|block| Some((block, table.copy(block)?)));
    let found: Vec<_> = found.inspect(|(block, bytes)| assert_eq!(*bytes, payload(3, *block))).collect();
    assert!(found.len() > 100, "{}", found.len());
    let statistics = cache.statistics();
    assert!(statistics.bytes <= 1 << 20 && statistics.evicted > 1000, "{statistics:?}");
    assert!(pool.statistics().used_bytes <= 2 << 20);
}

#[test]
fn the_boundary_moves_both_ways() {
    let pool = pool();
    let limits = CacheLimits { least: 256 << 10, most: 7 << 18 };
    let cache = BlockCache::new(pool.clone(), limits);
    let table = cache.for_table();
    let fill = || {
        for block in 0..600 {
            table.keep(block, &payload(4, block));
            table.keep(block, &payload(4, block));
        }
    };
    fill();
    let alone = cache.statistics().bytes;
    assert!(alone > limits.most / 2, "{alone} of {}", limits.most);

    let log = Log::new(&pool);
    let mut written = 0;
    while log.append(&[&[9; 1000]]).is_ok() {
        written += 1000;
        let statistics = pool.statistics();
        assert!(statistics.used_bytes <= statistics.capacity_bytes);
    }
    let pressed = cache.statistics();
    assert!(written > (2 << 20) * 3 / 4, "the log got {written} bytes");
    assert!(pressed.bytes < alone / 2, "{pressed:?}");
    assert!(pressed.limit_bytes < alone, "{pressed:?}");
    fill();
    assert!(pool.statistics().used_bytes <= 2 << 20);

    drop(log);
    fill();
    fill();
    assert!(cache.statistics().bytes > limits.most / 2, "{:?}", cache.statistics());
}

#[test]
fn a_pool_that_is_full_has_no_cache_until_there_is_room() {
    let pool = pool();
    let log = Log::new(&pool);
    while log.append(&[&[9; 1000]]).is_ok() {}
    let cache = BlockCache::new(pool, CacheLimits { least: 128 << 10, most: 1 << 20 });
    let table = cache.for_table();
    table.keep(1, &payload(5, 1));
    assert_eq!(table.copy(1), None);
    drop(log);
    (0..1000).for_each(|_| table.keep(1, &payload(5, 1)));
    assert_eq!(table.copy(1), Some(payload(5, 1)));
}
