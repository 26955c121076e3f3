//! Deterministic random numbers from a seed, for the plan and for power cuts.

/// `SplitMix64`, as published by its author.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Generator for a seed; `part` separates independent uses.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let mut first = Self(seed);
        Self(first.next() ^ part.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next random number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, inclusive.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A random bool.
    pub(crate) fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// Shuffles a slice.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            let other = usize::try_from(self.between(0, i as u64)).unwrap_or(i);
            all.swap(i, other);
        }
    }
}
