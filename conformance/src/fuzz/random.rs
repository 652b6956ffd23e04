//! A reproducible stream of numbers (xorshift64*).

/// The stream.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The stream of the program of a number: streams of neighbours have nothing in common.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut random = Self(mixed | 1);
        random.next();
        random
    }

    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "a stream that never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`; 0 where that is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of several.
    ///
    /// # Panics
    /// Where there is none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of several good texts with a few changes: bytes flipped, put, taken, moved from another place.
    pub fn spoiled(&mut self, good: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = if good.is_empty() { Vec::new() } else { self.pick(good).clone() };
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let length = 1 + self.below(8);
            let end = (at + length).min(bytes.len());
            match self.below(6) {
                0 => bytes.insert(at, self.next() as u8),
                1 => drop(bytes.drain(at..end)),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => {
                    bytes[at] = *[0, 0x7f, 0x80, 0xff, b'{', b'"'][self.below(6)..].first().unwrap_or(&0)
                }
                4 => {
                    let from = self.below(bytes.len().saturating_sub(length) + 1);
                    let part: Vec<u8> = bytes.iter().skip(from).take(length * 4).copied().collect();
                    bytes.splice(at..at, part);
                }
                _ => bytes.truncate(bytes.len().max(8) - self.below(8)),
            }
        }
        bytes
    }
}
