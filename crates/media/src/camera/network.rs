//! Which camera addresses may be contacted.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The first of the resolved addresses that lies in one of the networks. The connection is made
/// to exactly this address, so a name that resolves differently a moment later changes nothing.
pub fn admitted(
    resolved: impl IntoIterator<Item = SocketAddr>,
    networks: &[IpNet],
) -> Option<SocketAddr> {
    resolved
        .into_iter()
        // An IPv4 address in IPv6 clothes is judged as what it is.
        .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
        .find(|address| is_allowed(address.ip(), networks))
}

fn is_allowed(ip: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|text| text.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn without_networks_no_camera_is_contacted() {
        assert_eq!(admitted(addresses(&["10.0.0.7:554"]), &[]), None);
    }

    #[test]
    fn only_an_address_inside_the_networks_is_used() {
        let networks = ["10.0.0.0/24".parse().expect("a network")];
        let list = addresses(&["8.8.8.8:554", "10.0.1.7:554", "10.0.0.7:554"]);
        assert_eq!(
            admitted(list, &networks),
            Some("10.0.0.7:554".parse().expect("an address"))
        );
        let mapped = addresses(&["[::ffff:10.0.0.9]:554"]);
        assert_eq!(
            admitted(mapped, &networks),
            Some("10.0.0.9:554".parse().expect("an address"))
        );
        assert_eq!(
            admitted(addresses(&["127.0.0.1:554", "[::1]:554"]), &networks),
            None
        );
    }
}
