//! The stored form of an index; documented byte by byte in `docs/formats/hybrid-index.md`.

use xxhash_rust::xxh3::xxh3_64;

use crate::any::AnyLayer;
use crate::index::ChosenLayer;
use crate::processor::LINE_BYTES;
use crate::{
    BTreeLayer, Error, HybridIndex, IndexRef, Key, Layer, LayerKind, LinearLayer, RadixSplineLayer, Reason,
    SPlusLayer,
};

const MAGIC: [u8; 8] = *b"STRMHYBR";
const VERSION: u32 = 3;
const HEADER_BYTES: usize = 40;
const DESCRIPTOR_BYTES: usize = 56;
const CHECKSUM_BYTES: usize = 8;
/// More layers than a tree of fanout 2 over all of memory would have are not believed.
const MOST_LAYERS: usize = 64;

const REASON_FORCED: u32 = 0;
const REASON_CHEAPEST: u32 = 1;

fn kind_code(kind: LayerKind) -> u32 {
    match kind {
        LayerKind::BTree => 1,
        LayerKind::Linear => 2,
        LayerKind::SPlus => 3,
        LayerKind::RadixSpline => 4,
    }
}

fn kind_of(code: u32) -> Option<LayerKind> {
    LayerKind::ALL.into_iter().find(|kind| kind_code(*kind) == code)
}

impl<K: Key, B: AsRef<[u8]>> HybridIndex<K, B> {
    /// The stored form: everything but the keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        let descriptors_end = HEADER_BYTES + self.layers.len() * DESCRIPTOR_BYTES;
        let payloads_end = self.layers.iter().fold(descriptors_end, |end, chosen| {
            end + padding_before(chosen.layer.kind(), end) + chosen.layer.size_bytes()
        });
        let total = payloads_end + CHECKSUM_BYTES;
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&K::TYPE_CODE.to_le_bytes());
        out.extend_from_slice(&(self.key_count as u64).to_le_bytes());
        out.extend_from_slice(&(self.layers.len() as u64).to_le_bytes());
        out.extend_from_slice(&(total as u64).to_le_bytes());
        for chosen in &self.layers {
            let layer = &chosen.layer;
            let (reason, cost, rival) = match chosen.reason {
                Reason::Forced => (REASON_FORCED, 0, 0),
                Reason::Cheapest { cost, rival } => (REASON_CHEAPEST, cost, rival),
            };
            out.extend_from_slice(&kind_code(layer.kind()).to_le_bytes());
            out.extend_from_slice(&reason.to_le_bytes());
            let numbers = [layer.parameter(), layer.entry_count(), layer.below_len(), layer.payload().len()];
            for number in numbers.map(|number| number as u64).into_iter().chain([cost, rival]) {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        for chosen in &self.layers {
            out.resize(out.len() + padding_before(chosen.layer.kind(), out.len()), 0);
            out.extend_from_slice(chosen.layer.payload());
        }
        let checksum = xxh3_64(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }
}

/// Zeros before a payload at `offset`: the nodes of an S+-tree begin with a cache line if the index does.
fn padding_before(kind: LayerKind, offset: usize) -> usize {
    if kind == LayerKind::SPlus { offset.next_multiple_of(LINE_BYTES) - offset } else { 0 }
}

/// Numbers read one after another from bytes that are known to be long enough.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> u32 {
        let (value, rest) = self.0.split_first_chunk().map_or(([0; 4], &[][..]), |(v, r)| (*v, r));
        self.0 = rest;
        u32::from_le_bytes(value)
    }

    fn u64(&mut self) -> u64 {
        let (value, rest) = self.0.split_first_chunk().map_or(([0; 8], &[][..]), |(v, r)| (*v, r));
        self.0 = rest;
        u64::from_le_bytes(value)
    }
}

impl<'a, K: Key> IndexRef<'a, K> {
    /// Opens the stored form of an index over `key_count` keys. `bytes` must be exactly the index's own.
    ///
    /// Verifies the checksum, O(size of the index), and that all parts fit each other. Copies no layer.
    ///
    /// # Errors
    /// Anything in [`Error`] but `NotSorted` and `BadParameter`; never panics, whatever the bytes are.
    pub fn open(bytes: &'a [u8], key_count: usize) -> Result<Self, Error> {
        let (body, layer_count) = check_envelope::<K>(bytes, key_count)?;
        check_checksum(body, bytes)?;
        Self::open_body(body, layer_count, key_count)
    }

    /// As [`open`](Self::open), but takes the checksum for granted and so reads no layer, O(layers).
    ///
    /// Answers are right all the same, as with an index built over other keys; where a layer's bytes are
    /// damaged they take longer.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for [`Error::ChecksumMismatch`].
    pub fn open_unverified(bytes: &'a [u8], key_count: usize) -> Result<Self, Error> {
        let (body, layer_count) = check_envelope::<K>(bytes, key_count)?;
        Self::open_body(body, layer_count, key_count)
    }

    /// Opens everything before the checksum, of which the header was checked.
    fn open_body(body: &'a [u8], layer_count: usize, key_count: usize) -> Result<Self, Error> {
        let descriptors_end = HEADER_BYTES + layer_count * DESCRIPTOR_BYTES;
        let mut payloads = Payloads { body, at: descriptors_end };
        let Some(descriptors) = body.get(HEADER_BYTES..descriptors_end) else {
            return Err(Error::Inconsistent { layer: 0, what: "more layers than there is room for" });
        };
        let mut layers: Vec<ChosenLayer<K, &'a [u8]>> = Vec::with_capacity(layer_count);
        for (number, descriptor) in descriptors.chunks_exact(DESCRIPTOR_BYTES).enumerate() {
            let chosen = read_layer(descriptor, &mut payloads)
                .map_err(|what| Error::Inconsistent { layer: number, what })?;
            if layers.last().is_some_and(|above| above.layer.below_len() != chosen.layer.entry_count()) {
                let what = "it has another number of entries than the layer above was built over";
                return Err(Error::Inconsistent { layer: number, what });
            }
            layers.push(chosen);
        }
        if payloads.at != body.len() {
            return Err(Error::Inconsistent { layer: layer_count, what: "bytes that belong to no layer" });
        }
        if layers.last().is_none_or(|bottom| bottom.layer.below_len() != key_count) {
            let what = "it was built over another number of keys than the header says";
            return Err(Error::Inconsistent { layer: layer_count.saturating_sub(1), what });
        }
        Ok(Self { layers, key_count })
    }

    /// An index of its own with the same layers.
    pub fn to_owned(&self) -> crate::Index<K> {
        let layers = self.layers.iter().map(|chosen| {
            let layer = chosen.layer.to_owned_layer();
            ChosenLayer { layer, reason: chosen.reason }
        });
        HybridIndex { layers: layers.collect(), key_count: self.key_count }
    }
}

/// Compares everything before the checksum, `body`, with the checksum.
fn check_checksum(body: &[u8], bytes: &[u8]) -> Result<(), Error> {
    let (stored, computed) = (Fields(&bytes[body.len()..]).u64(), xxh3_64(body));
    if stored == computed { Ok(()) } else { Err(Error::ChecksumMismatch { stored, computed }) }
}

/// Checks the header; gives everything before the checksum, and the number of layers.
fn check_envelope<K: Key>(bytes: &[u8], key_count: usize) -> Result<(&[u8], usize), Error> {
    let available = bytes.len() as u64;
    let smallest = HEADER_BYTES + DESCRIPTOR_BYTES + CHECKSUM_BYTES;
    if let Some(found) = bytes.first_chunk::<8>()
        && *found != MAGIC
    {
        return Err(Error::BadMagic { found: *found });
    }
    if bytes.len() < smallest {
        return Err(Error::Truncated { needed: smallest as u64, available });
    }
    let mut header = Fields(&bytes[8..HEADER_BYTES]);
    let (version, type_code) = (header.u32(), header.u32());
    let (keys, layer_count, total) = (header.u64(), header.u64(), header.u64());
    if version != VERSION {
        return Err(Error::UnsupportedVersion { found: version, supported: VERSION });
    }
    if available < total {
        return Err(Error::Truncated { needed: total, available });
    }
    if available > total {
        return Err(Error::TrailingBytes { needed: total, available });
    }
    if type_code != K::TYPE_CODE {
        return Err(Error::WrongKeyType { expected: K::TYPE_CODE, found: type_code });
    }
    if keys != key_count as u64 {
        return Err(Error::WrongKeyCount { expected: key_count as u64, found: keys });
    }
    match usize::try_from(layer_count) {
        Ok(count @ 1..=MOST_LAYERS) => Ok((&bytes[..bytes.len() - CHECKSUM_BYTES], count)),
        _ => Err(Error::Inconsistent { layer: 0, what: "the number of layers is outside 1..=64" }),
    }
}

/// What follows the descriptors, up to the checksum.
struct Payloads<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Payloads<'a> {
    /// The next payload, without the zeros before it.
    fn take(&mut self, kind: LayerKind, length: usize) -> Result<&'a [u8], &'static str> {
        let rest = &self.body[self.at..];
        let taken = rest.split_at_checked(padding_before(kind, self.at));
        let (padding, rest) = taken.ok_or("its bytes go beyond the end")?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err("the bytes before it are not zero");
        }
        let payload = rest.get(..length).ok_or("its bytes go beyond the end")?;
        self.at += padding.len() + length;
        Ok(payload)
    }
}

/// Reads one layer, whose payload comes next.
fn read_layer<'a, K: Key>(
    descriptor: &[u8],
    payloads: &mut Payloads<'a>,
) -> Result<ChosenLayer<K, &'a [u8]>, &'static str> {
    let mut fields = Fields(descriptor);
    let (kind, reason) = (fields.u32(), fields.u32());
    let mut size = || usize::try_from(fields.u64()).map_err(|_| "a size exceeds this machine's memory");
    let (parameter, entry_count, below_len, length) = (size()?, size()?, size()?, size()?);
    let kind = kind_of(kind).ok_or("unknown kind")?;
    let payload = payloads.take(kind, length)?;
    let reason = match reason {
        REASON_FORCED => Reason::Forced,
        REASON_CHEAPEST => Reason::Cheapest { cost: fields.u64(), rival: fields.u64() },
        _ => return Err("unknown reason"),
    };
    let layer = match kind {
        LayerKind::BTree => BTreeLayer::from_parts(payload, parameter, below_len).map(AnyLayer::BTree),
        LayerKind::Linear => {
            LinearLayer::from_parts(payload, entry_count, parameter, below_len).map(AnyLayer::Linear)
        }
        LayerKind::RadixSpline => {
            RadixSplineLayer::from_parts(payload, parameter, below_len).map(AnyLayer::RadixSpline)
        }
        LayerKind::SPlus => SPlusLayer::from_parts(payload, parameter, below_len).map(AnyLayer::SPlus),
    };
    let layer = layer.ok_or("its sizes do not fit each other")?;
    if layer.entry_count() != entry_count {
        return Err("it has another number of entries than it says");
    }
    Ok(ChosenLayer { layer, reason })
}
