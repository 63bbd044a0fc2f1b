//! Rules with which the device itself picks the frames that are for us.

use crate::sys::Device;
use std::net::SocketAddrV4;

/// A rule that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowRule {
    /// Datagrams to this address and port.
    pub group: SocketAddrV4,
    /// Why the device does not have the rule; frames are then picked by nobody, and the port hands
    /// out all that arrive.
    pub refused: Option<String>,
}

/// Asks for a rule for each group.
pub(crate) fn rules(device: &mut Device, groups: &[SocketAddrV4]) -> Vec<FlowRule> {
    let rule = |&group: &SocketAddrV4| {
        let refused = device.flow(u32::from(*group.ip()), group.port()).err();
        FlowRule { group, refused }
    };
    groups.iter().map(rule).collect()
}

/// The hardware addresses of the multicast groups, each once (RFC 1112, section 6.4).
pub(crate) fn hardware_groups(groups: &[SocketAddrV4]) -> Vec<[u8; 6]> {
    let multicast = groups.iter().filter(|group| group.ip().is_multicast());
    let mut macs: Vec<[u8; 6]> = multicast
        .map(|group| {
            let [_, b, c, d] = group.ip().octets();
            [0x01, 0x00, 0x5e, b & 0x7f, c, d]
        })
        .collect();
    macs.sort_unstable();
    macs.dedup();
    macs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_map_to_hardware_addresses() {
        let at = |text: &str| text.parse().unwrap();
        let groups = [at("233.54.12.111:1"), at("239.182.12.111:2"), at("10.0.0.1:3")];
        let expected = [[1, 0, 0x5e, 54, 12, 111]];
        assert_eq!(hardware_groups(&groups), expected);
    }
}
