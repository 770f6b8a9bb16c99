//! Chance from a seed: one number decides everything a simulation does, so that one number repeats it.

/// A source of chance that gives the same numbers for the same seed, on every machine: xoshiro256**.
///
/// <https://prng.di.unimi.it/xoshiro256starstar.c>; the state is filled by SplitMix64, as its authors advise.
#[derive(Clone, Debug)]
pub struct Chance([u64; 4]);

impl Chance {
    /// The chance that `seed` stands for.
    pub fn new(seed: u64) -> Chance {
        let mut mix = seed;
        Chance([(); 4].map(|()| {
            mix = mix.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut word = mix;
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^ (word >> 31)
        }))
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        let state = &mut self.0;
        let word = state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        word
    }

    /// A number below `end`, which is not 0. The bias is below one in 2^32 for every `end` used here.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// Whether one of `times` equal chances came up.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Which of `places` places; `places` is not 0.
    pub fn place(&mut self, places: usize) -> usize {
        self.below(places as u64) as usize
    }

    /// One of `things`, or none of none.
    pub fn pick<'things, T>(&mut self, things: &'things [T]) -> Option<&'things T> {
        if things.is_empty() {
            return None;
        }
        let place = self.place(things.len());
        things.get(place)
    }

    /// One of the last `most` of `things`: what is new is more interesting.
    pub fn pick_late<'things, T>(&mut self, things: &'things [T], most: usize) -> Option<&'things T> {
        let late = things.get(things.len().saturating_sub(most)..)?;
        self.pick(late)
    }

    /// One of `things`, each as likely as its weight says.
    pub fn weigh<T: Copy>(&mut self, things: &[(u64, T)]) -> T {
        let mut left = self.below(things.iter().map(|thing| thing.0).sum());
        for (weight, thing) in things {
            if left < *weight {
                return *thing;
            }
            left -= weight;
        }
        unreachable!("the weights add up to their sum")
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.word() as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_authors() {
        let filled = Chance::new(1_234_567).0;
        let [a, b, c, d] = filled;
        assert_eq!([a, b], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert_eq!([c, d], [9_817_491_932_198_370_423, 4_593_380_528_125_082_431]);
        let mut chance = Chance([1, 2, 3, 4]);
        let words = [(); 4].map(|()| chance.word());
        assert_eq!(words, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn weights_are_kept_and_nothing_is_out_of_range() {
        let mut chance = Chance::new(1);
        let mut seen = [0u32; 3];
        for _ in 0..10_000 {
            seen[chance.weigh(&[(1, 0), (0, 1), (9, 2)])] += 1;
            assert!((5..=7).contains(&chance.between(5, 7)));
        }
        assert_eq!(seen[1], 0);
        assert!((800..1_200).contains(&seen[0]), "{seen:?}");
    }
}
