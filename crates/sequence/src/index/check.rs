//! Checking an index: every checksum, and that samples and layers agree.

use super::SequenceIndex;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Each layer that was checked.
    pub layers: Vec<LayerCheck>,
    /// Contradictions between samples and layers, in words.
    pub contradictions: Vec<String>,
}

/// What the check of one layer found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerCheck {
    /// Where the layer is.
    pub place: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What is wrong with it, in words; none if nothing is.
    pub damage: Option<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.contradictions.is_empty() && self.layers.iter().all(|layer| layer.damage.is_none())
    }
}

impl SequenceIndex {
    /// Reads every layer whole and verifies every checksum, and that each sample's k-mers lie in one layer.
    pub fn check(&self) -> CheckReport {
        let layers = self.set.verify().into_iter().map(|verified| LayerCheck {
            place: verified.place,
            bytes: verified.descriptor.bytes,
            damage: verified.outcome.err().map(|error| error.to_string()),
        });
        CheckReport { layers: layers.collect(), contradictions: self.contradictions() }
    }

    fn contradictions(&self) -> Vec<String> {
        // No sample may come or go while samples and layers are compared.
        let _writer = self.writer.lock();
        let (samples, version) = (self.samples.read().clone(), self.set.current());
        let mut contradictions = Vec::new();
        for sample in samples.samples() {
            let found = version.layers().filter(|layer| layer.layer().samples().contains(&sample.id)).count();
            let expected = usize::from(sample.info.indexed_kmers > 0);
            if found != expected {
                contradictions.push(format!(
                    "sample {:?} should be in {expected} layer(s) but is in {found}: add it again",
                    sample.name
                ));
            }
        }
        contradictions
    }
}
