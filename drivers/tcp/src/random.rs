//! Numbers that look random and repeat with their seed.

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// First port of the dynamic range (RFC 6335 §6), and how many there are.
const FIRST: u16 = 49_152;
const COUNT: u16 = 16_384;

/// Local ports: a random one to begin with, then each a random step on, so that a port comes again
/// only after many others (RFC 6056 §3.3.5, with steps of up to 64 here).
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    random: SplitMix,
    at: u16,
}

impl Ports {
    pub(crate) fn new(seed: u64) -> Ports {
        let mut random = SplitMix(seed);
        let at = (random.next() % u64::from(COUNT)) as u16;
        Ports { random, at }
    }

    pub(crate) fn next(&mut self) -> u16 {
        let step = 1 + (self.random.next() % 64) as u16;
        self.at = (self.at + step) % COUNT;
        FIRST + self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_dynamic_ones_and_do_not_come_again_soon() {
        for seed in 0..100 {
            let mut ports = Ports::new(seed);
            let mut given: Vec<u16> = (0..200).map(|_| ports.next()).collect();
            assert!(given.iter().all(|port| *port >= FIRST));
            given.sort_unstable();
            given.dedup();
            assert_eq!(given.len(), 200);
        }
        assert_ne!(Ports::new(1).next(), Ports::new(2).next());
    }
}
