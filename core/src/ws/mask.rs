//! Masking (RFC 6455 section 5.3).

/// A masking key, turned to the next byte of the payload: all that must be known between two pieces of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mask([u8; 4]);

impl Mask {
    /// The key at the beginning of a payload. With a key of zeros nothing changes.
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Masks or unmasks the next bytes of the payload, and moves on.
    pub fn apply(&mut self, data: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        // Whole words first: the compiler makes vectors of them, and a word leaves the key where it was.
        let (words, rest) = data.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_continues_where_the_last_one_ended() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = plain.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
        for first in 0..40 {
            for second in 0..20 {
                let mut data = plain.clone();
                let mut mask = Mask::new(key);
                let (one, rest) = data.split_at_mut(first);
                let (two, three) = rest.split_at_mut(second);
                for piece in [one, two, three] {
                    mask.apply(piece);
                }
                assert_eq!(data, expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn a_key_of_zeros_changes_nothing() {
        let mut data = *b"some bytes";
        Mask::new([0; 4]).apply(&mut data);
        assert_eq!(&data, b"some bytes");
    }
}
