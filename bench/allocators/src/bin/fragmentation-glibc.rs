//! One measurement of fragmentation under the allocator of the system's C library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    stroma_bench_allocators::main()
}
