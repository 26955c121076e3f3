//! Random numbers from a seed, which a failed test prints.

/// Variable with the seed of a test that is repeated.
const SEED: &str = "HOOKSHELF_TEST_SEED";

/// `SplitMix64`, as published by its author.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Numbers from the seed in the environment, or from a new one. Prints it.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var_os(SEED);
        let given = given.map(|it| it.to_str().unwrap().parse().unwrap());
        let seed = given.unwrap_or_else(|| getrandom::u64().unwrap());
        println!("repeat with {SEED}={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Numbers for another user.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for place in (1..all.len()).rev() {
            let other = self.below(place as u64 + 1);
            all.swap(place, usize::try_from(other).unwrap());
        }
    }
}
