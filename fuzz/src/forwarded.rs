//! Whatever `X-Forwarded-For` says, a stranger is not believed about where they are.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::forwarded_for::sender;

const STRANGER: &str = "203.0.113.7";
const PROXY: &str = "10.1.2.3";

/// Reads `data` as lines of the header.
pub fn check(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n');
    let lines: Vec<_> = lines
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let (stranger, proxy) = (address(STRANGER), address(PROXY));
    assert_eq!(seen(stranger, &lines), stranger);
    check_walk(seen(proxy, &lines), &lines);
    // Each proxy adds who it saw: in the same line, or in one of its own.
    let mut appended = lines.clone();
    appended.push(HeaderValue::from_static(STRANGER));
    assert_eq!(seen(proxy, &appended), stranger);
    if let Some(last) = lines.last().filter(|line| line.to_str().is_ok()) {
        let joined = [last.as_bytes(), b", ", STRANGER.as_bytes()].concat();
        *appended.last_mut().unwrap() = HeaderValue::from_bytes(&joined).unwrap();
        assert_eq!(seen(proxy, &appended), stranger);
    }
}

/// From the right there are trusted addresses only, up to what was found.
fn check_walk(found: IpAddr, lines: &[HeaderValue]) {
    let mut last = address(PROXY);
    let text = |line: &HeaderValue| line.to_str().unwrap_or_default().to_owned();
    let all = lines.iter().map(text).collect::<Vec<_>>().join(",");
    let mut hops: Vec<&str> = all.split(',').map(str::trim).collect();
    if lines.is_empty() {
        hops.clear();
    }
    while is_trusted(last) {
        let hop = hops.pop().and_then(plain);
        let Some(hop) = hop else { break };
        last = hop;
    }
    assert_eq!(found, last);
}

/// An address, alone, in brackets or with a port.
fn plain(hop: &str) -> Option<IpAddr> {
    let port = |text: &str| text.parse::<u16>().is_ok() && !text.starts_with('+');
    let v4_with_port = |(ip, rest): (&str, &str)| {
        let ip = ip.parse::<std::net::Ipv4Addr>().ok()?;
        port(rest).then_some(IpAddr::from(ip))
    };
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let found = bare.parse().ok();
    let found = found.or_else(|| hop.split_once(':').and_then(v4_with_port));
    let found = found.or_else(|| {
        hop.parse::<std::net::SocketAddrV6>()
            .ok()
            .map(|it| (*it.ip()).into())
    });
    found.map(|it: IpAddr| it.to_canonical())
}

fn seen(peer: IpAddr, lines: &[HeaderValue]) -> IpAddr {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("x-forwarded-for", line.clone());
    }
    let trusted: [IpNet; 2] = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
    sender(peer, &headers, &trusted)
}

fn is_trusted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.octets()[0] == 10,
        IpAddr::V6(it) => it.octets()[0] == 0xfd,
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
