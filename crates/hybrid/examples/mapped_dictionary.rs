//! A dictionary of ten million keys in a file: build it, map it, ask it.
//!
//! `cargo run --release -p stroma-hybrid --example mapped_dictionary -- [keys] [file]`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;

use stroma_hybrid::mapped::{Dictionary, DictionaryBuilder};

fn demonstrate(path: &Path, keys: u64) -> Result<(), Box<dyn Error>> {
    let mut builder = DictionaryBuilder::<u64, u32>::create(path)?;
    for root in 0..keys {
        builder.push(root * root, root as u32)?;
    }
    let file_bytes = builder.finish()?;

    // SAFETY: nobody changes the file while it is mapped.
    let roots = unsafe { Dictionary::<u64, u32>::open(path) }?;
    assert_eq!(roots.get(9_801)?, Some(99));
    assert_eq!(roots.get(9_802)?, None);
    for entry in roots.range(1_000_000..1_010_000)? {
        let (square, root) = entry?;
        println!("{square} is {root} squared");
    }
    println!("{file_bytes} bytes; {}", roots.explain());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let keys = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    match arguments.next() {
        Some(path) => demonstrate(Path::new(&path), keys),
        None => demonstrate(&tempfile::tempdir()?.path().join("squares"), keys),
    }
}

#[test]
fn runs() {
    let folder = tempfile::tempdir().unwrap();
    demonstrate(&folder.path().join("squares"), 100_000).unwrap();
}
