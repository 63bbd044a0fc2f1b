//! The internet checksum (RFC 1071), in parts that add up.

/// The sum of the bytes as native 16-bit words in wider parts, for [`finish`] to fold. Sums of
/// several ranges add up as long as all but the last have an even length.
///
/// One's complement sums do not care for byte order (RFC 1071 §2), so wide native loads do.
#[inline]
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    total += u64::from(u32::from_ne_bytes(last));
    total
}

/// A number as [`sum`] sees it where it stands in a frame.
#[inline]
pub(crate) fn word(value: u16) -> u64 {
    u64::from(value.to_be())
}

/// What goes into the field, or zero for a range that holds its own checksum and is whole.
#[inline]
pub(crate) const fn finish(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !u16::from_be(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_equals_that_of_the_stack_behind() {
        let bytes: Vec<u8> = (0..2_000u32).map(|i| (i * i * 7 + 250) as u8).collect();
        for len in 0..bytes.len() {
            let theirs = !smoltcp::wire::checksum::data(&bytes[..len]);
            assert_eq!(finish(sum(&bytes[..len])), theirs, "length {len}");
        }
        let parts = sum(&bytes[..10]) + word(0x1234) + sum(&bytes[12..]);
        let mut whole = bytes.clone();
        whole[10..12].copy_from_slice(&[0x12, 0x34]);
        assert_eq!(finish(parts), finish(sum(&whole)));
    }
}
