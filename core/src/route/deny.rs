//! Which addresses an `untrusted` target must not be reached at (ROUTE-43).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an `untrusted` target may not have this address: it belongs to this machine or a private
/// network, or to many hosts at once. To be asked after name resolution, for each address.
pub fn is_denied(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_denied_v4(address),
        IpAddr::V6(address) => is_denied_v6(address),
    }
}

fn is_denied_v4(address: Ipv4Addr) -> bool {
    let this_network = address.octets()[0] == 0;
    let shared = matches!(address.octets(), [100, 64..=127, ..]);
    let multicast_or_reserved = address.octets()[0] >= 224;
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || this_network
        || shared
        || multicast_or_reserved
}

fn is_denied_v6(address: Ipv6Addr) -> bool {
    let site_local = address.segments()[0] & 0xffc0 == 0xfec0;
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || site_local
        || embedded(address).is_some_and(is_denied_v4)
}

/// The IPv4 address that packets to this address end up at: IPv4-mapped and -compatible addresses, NAT64
/// and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(text: &str) -> bool {
        is_denied(text.parse().expect("an address"))
    }

    #[test]
    fn route_43_private_addresses_are_denied_in_every_form() {
        let bad = [
            "127.0.0.1",
            "127.255.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:1::5",
        ];
        for text in bad {
            assert!(denied(text), "{text}");
        }
    }

    #[test]
    fn route_43_public_addresses_pass() {
        let good = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "2002:101:101::1",
            "64:ff9b::101:101",
            "fbff::1",
            "fe00::1",
        ];
        for text in good {
            assert!(!denied(text), "{text}");
        }
    }
}
