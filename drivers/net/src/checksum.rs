//! The Internet checksum (RFC 1071), and frames whose sender left it to a device.

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const VLAN: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];

/// The sum of 16-bit words, not yet folded; an odd byte counts as the upper half of a word.
pub(crate) fn sum(bytes: &[u8]) -> u32 {
    let pairs = bytes.chunks_exact(2);
    let odd = pairs.remainder().first().map_or(0, |byte| u32::from(*byte) << 8);
    pairs.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>() + odd
}

/// The checksum of a sum.
pub(crate) fn fold(sum: u32) -> u16 {
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// Writes the UDP or TCP checksum of a frame that has none yet; any other frame stays as it is.
#[cold]
pub(crate) fn complete(frame: &mut [u8]) {
    let mut at = 12;
    while at < 20 && frame.get(at..at + 2).is_some_and(|tpid| VLAN.contains(&[tpid[0], tpid[1]])) {
        at += 4;
    }
    if frame.get(at..at + 2) != Some(&ETHERTYPE_IPV4[..]) {
        return;
    }
    let Some(packet) = frame.get_mut(at + 2..) else { return };
    if packet.len() < 20 || packet[0] >> 4 != 4 {
        return;
    }
    let header = usize::from(packet[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let protocol = packet[9];
    let field = match i32::from(protocol) {
        libc::IPPROTO_UDP => 6,
        libc::IPPROTO_TCP => 16,
        _ => return,
    };
    let addresses = sum(&packet[12..20]);
    let Some(segment) = packet.get_mut(header..total) else { return };
    let pseudo = addresses + u32::from(protocol) + segment.len() as u32;
    let Some(space) = segment.get_mut(field..field + 2) else { return };
    space.fill(0);
    let value = match fold(pseudo + sum(segment)) {
        // Zero means "none" in UDP (RFC 768), and the sums are equal.
        0 if field == 6 => 0xffff,
        value => value,
    };
    segment[field..field + 2].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers;
    use proptest::prelude::*;

    fn datagram(payload: &[u8], tags: usize) -> Vec<u8> {
        let (from, to) = ("10.0.0.1:9".parse().unwrap(), "239.1.2.3:4".parse().unwrap());
        let mut frame = headers::build(from, to, payload.len()).to_vec();
        frame.extend(payload);
        for _ in 0..tags {
            frame.splice(12..12, [0x81, 0, 0, 7]);
        }
        frame
    }

    /// The pseudo header and the whole segment of a good datagram sum to zero.
    fn verifies(frame: &[u8], tags: usize) -> bool {
        let packet = &frame[14 + 4 * tags..];
        let segment = &packet[20..];
        fold(sum(&packet[12..20]) + 17 + segment.len() as u32 + sum(segment)) == 0
    }

    proptest! {
        #[test]
        fn what_is_completed_verifies(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            tags in 0_usize..3,
        ) {
            let mut frame = datagram(&payload, tags);
            complete(&mut frame);
            prop_assert!(verifies(&frame, tags));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut frame = bytes;
            complete(&mut frame);
            frame.splice(0..0, [0; 12].into_iter().chain(ETHERTYPE_IPV4));
            complete(&mut frame);
        }
    }
}
