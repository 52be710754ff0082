//! Builds a compact index and lays its section out.

use stroma_hybrid::{Index, PrefixedHead};

use super::super::super::options::IndexPolicy;
use super::super::kind::{FinishedIndex, IndexKind};
use super::super::packed::pack;
use super::super::separators::{IndexBuilder, Separator};
use super::exceptions;
use super::heads::{HeadCode, Told};
use crate::Error;
use crate::coding::put_varint;

/// Builds the index and lays the section out.
pub(in super::super) fn lay_out(
    collected: &IndexBuilder,
    policy: IndexPolicy,
) -> Result<FinishedIndex, Error> {
    let separators: Vec<Separator<'_>> = collected.separators().collect();
    let strip = match (separators.first(), separators.last()) {
        (Some(first), Some(last)) => PrefixedHead::new(first.key, last.key),
        _ => PrefixedHead::with_prefix(&[]),
    };
    let told: Vec<Told> = separators.iter().map(|separator| Told::of(&strip, *separator)).collect();
    let code = HeadCode::choose(&told);
    let stored: Vec<u64> = told.iter().map(|told| code.stored(*told)).collect();
    let (left_out, untold) = untold(&separators, &told, code, strip.prefix().len());

    let (model, kind, mut explanation) = if stored.is_empty() {
        (Vec::new(), None, "one block at most: no index".to_owned())
    } else {
        let index = Index::build(&stored, &policy).map_err(|error| Error::Corrupt {
            file: "a table being written".to_owned(),
            offset: 0,
            what: format!("its keys came out of order: {error}"),
        })?;
        (index.to_bytes(), Some(index.kind()), index.explain())
    };
    let [blocks, ends, rests] = exceptions::lay_out(&untold);
    let (mut heads, mut block_ends) = (Vec::new(), Vec::new());
    pack(&stored, &mut heads);
    pack(&collected.block_ends().collect::<Vec<u64>>(), &mut block_ends);
    let parts = [strip.prefix(), &heads, &block_ends, &blocks, &ends, &rests, &model];
    let mut bytes = Vec::new();
    for number in [code.cut as usize, left_out, untold.len()] {
        put_varint(&mut bytes, number as u64);
    }
    parts.iter().for_each(|part| put_varint(&mut bytes, part.len() as u64));
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    if !stored.is_empty() {
        explanation += &format!(
            "\n  {} blocks, {:.2} bytes each: {:.1} bits of a head, {:.1} of a block's end; {} \
             separators kept whole",
            stored.len() + 1,
            bytes.len() as f64 / (stored.len() + 1) as f64,
            8.0 * heads.len() as f64 / stored.len() as f64,
            8.0 * block_ends.len() as f64 / (stored.len() + 1) as f64,
            untold.len(),
        );
    }
    Ok(FinishedIndex { bytes, kind: IndexKind::compact(kind), explanation })
}

/// The separators that their heads do not tell, each without the prefix and as many bytes after it as is answered.
fn untold<'a>(
    separators: &[Separator<'a>],
    told: &[Told],
    code: HeadCode,
    prefix: usize,
) -> (usize, Vec<(usize, Separator<'a>)>) {
    let untold = || (0..told.len()).filter(|block| !code.tells(told[*block]));
    let shortest = untold().map(|block| separators[block].key.len() - prefix).min().unwrap_or(0);
    let left_out = shortest.min(code.stored_bytes());
    let rest = |block: usize| {
        let Separator { key, sequence } = separators[block];
        (block, Separator { key: &key[prefix + left_out..], sequence })
    };
    (left_out, untold().map(rest).collect())
}
