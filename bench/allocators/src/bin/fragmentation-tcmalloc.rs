//! One measurement of fragmentation under tcmalloc.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use tcmalloc_better::TCMalloc;

#[global_allocator]
static ALLOCATOR: TCMalloc = TCMalloc;

fn main() -> ExitCode {
    stroma_bench_allocators::main()
}
