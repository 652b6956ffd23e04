//! Networks in CIDR form.
//!
//! The one surprising fact: an IPv4 address inside IPv6 (`::ffff:1.2.3.4`) is an IPv4 address, and in
//! `net.cidr_merge` an address without a prefix gets that of its class.

use crate::operand::{arg, elements, failed, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Value, View};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("net.cidr_contains", &[("cidr", "string"), ("cidr_or_ip", "string")], Some("boolean"), "Tells whether a network contains an address or network.").calls(net_cidr_contains),
    Builtin::new("net.cidr_contains_matches", &[("cidrs", "any<string, array[any<string, array[any]>], object[string: any<string, array[any]>], set[any<string, array[any]>]>"), ("cidrs_or_ips", "any<string, array[any<string, array[any]>], object[string: any<string, array[any]>], set[any<string, array[any]>]>")], Some("set[array<any, any>]"), "Pairs of networks and what they contain.").calls(net_cidr_contains_matches),
    Builtin::new("net.cidr_expand", &[("cidr", "string")], Some("set[string]"), "Addresses of a network.").calls(net_cidr_expand),
    Builtin::new("net.cidr_intersects", &[("cidr1", "string"), ("cidr2", "string")], Some("boolean"), "Tells whether two networks have an address in common.").calls(net_cidr_intersects),
    Builtin::new("net.cidr_is_valid", &[("cidr", "string")], Some("boolean"), "Tells whether a string is a network in CIDR form.").calls(net_cidr_is_valid),
    Builtin::new("net.cidr_merge", &[("addrs", "any<array[any<string>], set[string]>")], Some("set[string]"), "Smallest set of networks for the given addresses and networks.").calls(net_cidr_merge),
    Builtin::new("net.cidr_overlap", &[("x", "string"), ("y", "string")], Some("boolean"), "Tells whether a network contains an address or network.").deprecated().calls(net_cidr_overlap),
    Builtin::new("net.lookup_ip_addr", &[("name", "string")], Some("set[string]"), "Addresses of a host name.").nondeterministic().calls(net_lookup_ip_addr),
];

/// A network: its first address as a number, number of bits of an address, and of the prefix.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Network {
    address: u128,
    bits: u32,
    prefix: u32,
}

fn parse_ip(text: &str) -> Option<(u128, u32)> {
    if text.contains('%') {
        return None;
    }
    Some(match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => (u128::from(u32::from(v4)), 32),
            None => (u128::from(v6), 128),
        },
    })
}

fn show(address: u128, bits: u32) -> String {
    if bits == 32 {
        Ipv4Addr::from(u32::try_from(address).unwrap_or(u32::MAX)).to_string()
    } else {
        Ipv6Addr::from(address).to_string()
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix: u32 = if digits { prefix.parse().ok()? } else { return None };
        let written = address.parse::<IpAddr>().ok()?;
        let (number, bits) = parse_ip(address)?;
        // A mapped address is written with the bits of IPv6.
        let mapped = written.is_ipv6() && bits == 32;
        match (mapped, prefix) {
            (false, _) if prefix <= bits => Some(Self::masked(number, bits, prefix)),
            (true, 96..=128) => Some(Self::masked(number, 32, prefix - 96)),
            (true, 0..96) => Some(Self::masked(0xffff_0000_0000 | number, 128, prefix)),
            _ => None,
        }
    }

    fn masked(address: u128, bits: u32, prefix: u32) -> Self {
        let network = Self { address, bits, prefix };
        Self { address: address & !network.host_mask(), ..network }
    }

    fn host_mask(&self) -> u128 {
        let host = self.bits - self.prefix;
        if host >= 128 { u128::MAX } else { (1 << host) - 1 }
    }

    fn last(&self) -> u128 {
        self.address | self.host_mask()
    }

    fn contains(&self, address: u128, bits: u32) -> bool {
        bits == self.bits && address & !self.host_mask() == self.address
    }

    fn text(&self) -> String {
        format!("{}/{}", show(self.address, self.bits), self.prefix)
    }
}

fn network_of(text: &str) -> Result<Network, BuiltinError> {
    match Network::parse(text) {
        Some(network) => Ok(network),
        None => failed(format!("invalid CIDR address: {text}")),
    }
}

/// OPA names operand 1, whichever it is.
fn network(value: Value<'_>) -> Result<Network, BuiltinError> {
    network_of(string(value, 1)?)
}

fn contains(network_value: Value<'_>, other: Value<'_>) -> Result<bool, BuiltinError> {
    let whole = network(network_value)?;
    let text = string(other, 1)?;
    if let Some((address, bits)) = parse_ip(text) {
        return Ok(whole.contains(address, bits));
    }
    match Network::parse(text) {
        Some(part) => Ok(whole.contains(part.address, part.bits) && whole.contains(part.last(), part.bits)),
        None => failed(format!("not a valid textual representation of an IP address or CIDR: {text}")),
    }
}

fn net_cidr_contains<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    contains(arg(args, 0), arg(args, 1)).map(Value::bool)
}

fn net_cidr_overlap<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    net_cidr_contains(context, args)
}

fn net_cidr_intersects<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (network(arg(args, 0))?, network(arg(args, 1))?);
    Ok(Value::bool(a.contains(b.address, b.bits) || b.contains(a.address, a.bits)))
}

fn net_cidr_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(Value::bool(arg(args, 0).as_str().is_some_and(|text| Network::parse(text).is_some())))
}

/// The networks of an operand, each with the key that stands for it in the result.
fn indexed<'q>(
    value: Value<'q>,
    position: usize,
) -> impl Iterator<Item = Result<(Value<'q>, Value<'q>), BuiltinError>> {
    let entries: Vec<_> = match value.view() {
        View::String(_) => vec![(value, value)],
        View::Array(_) | View::Set(_) | View::Object(_) => value.entries().collect(),
        _ => Vec::new(),
    };
    entries.into_iter().map(move |(key, element)| {
        let first = match element.view() {
            View::String(_) => Some(element),
            View::Array(array) => array.as_slice().first().copied(),
            _ => None,
        };
        match first {
            Some(first) => Ok((first, key)),
            None => failed(format!("operand {position}: element must be string or non-empty array")),
        }
    })
}

fn net_cidr_contains_matches<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let mut pairs = Vec::new();
    for whole in indexed(arg(args, 0), 1) {
        let (whole, whole_key) = whole?;
        for part in indexed(arg(args, 1), 2) {
            let (part, part_key) = part?;
            if contains(whole, part)? {
                pairs.push(context.heap.array(&[whole_key, part_key]));
            }
        }
        context.check()?;
    }
    Ok(context.heap.set(&mut pairs))
}

fn net_cidr_expand<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    const MAX_HOST_BITS: u32 = 24;
    let network = network_of(string(arg(args, 0), 1)?)?;
    if network.bits - network.prefix > MAX_HOST_BITS {
        return Err(BuiltinError::Limit(format!("network of more than 2^{MAX_HOST_BITS} addresses")));
    }
    let mut addresses = Vec::new();
    for address in network.address..=network.last() {
        if addresses.len() % 4096 == 0 {
            context.check()?;
        }
        addresses.push(context.heap.string(&show(address, network.bits)));
    }
    Ok(context.heap.set(&mut addresses))
}

/// A run of addresses; `text` is how it was written, while it is a single network.
struct Run {
    bits: u32,
    first: u128,
    last: u128,
    text: Option<String>,
}

fn run(value: Value<'_>) -> Result<Run, BuiltinError> {
    let Some(text) = value.as_str() else {
        return failed("element must be string");
    };
    let (network, shown) = match parse_ip(text) {
        Some((address, 32)) => {
            let prefix = match address >> 24 {
                0..128 => 8,
                128..192 => 16,
                _ => 24,
            };
            (Network::masked(address, 32, prefix), format!("{}/{prefix}", show(address, 32)))
        }
        Some(_) => return failed("IPv6 invalid: needs prefix length"),
        None => {
            let network = network_of(text)?;
            (network, network.text())
        }
    };
    Ok(Run { bits: network.bits, first: network.address, last: network.last(), text: Some(shown) })
}

/// Joins runs that touch, from the end to the start.
fn joined(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by_key(|run| (run.bits, run.last, run.first));
    let mut done: Vec<Run> = Vec::new();
    while let Some(mut run) = runs.pop() {
        match done.pop() {
            Some(above) if above.bits == run.bits && above.first.saturating_sub(1) <= run.last => {
                run.first = run.first.min(above.first);
                run.last = run.last.max(above.last);
                run.text = None;
            }
            Some(above) => done.push(above),
            None => {}
        }
        done.push(run);
    }
    done
}

/// The fewest networks that cover a run.
fn cover(run: &Run) -> Vec<String> {
    let mut networks = Vec::new();
    let mut at = run.first;
    loop {
        let aligned = if at == 0 { run.bits } else { at.trailing_zeros().min(run.bits) };
        let mut host = aligned;
        let size_mask = |host: u32| if host >= 128 { u128::MAX } else { (1 << host) - 1 };
        while host > 0 && at.checked_add(size_mask(host)).is_none_or(|last| last > run.last) {
            host -= 1;
        }
        networks.push(Network { address: at, bits: run.bits, prefix: run.bits - host }.text());
        match (at | size_mask(host)).checked_add(1) {
            Some(next) if next <= run.last => at = next,
            _ => return networks,
        }
    }
}

fn net_cidr_merge<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let Some(all) = elements(arg(args, 0)) else {
        return failed("operand must be an array");
    };
    let runs = all.iter().map(|value| run(*value)).collect::<Result<Vec<_>, _>>()?;
    let mut merged = Vec::new();
    for run in joined(runs) {
        let texts = match &run.text {
            Some(text) => vec![text.clone()],
            None => cover(&run),
        };
        merged.extend(texts.iter().map(|text| context.heap.string(text)));
    }
    Ok(context.heap.set(&mut merged))
}

/// Performed by the world; one that answers in JSON gives a list.
fn net_lookup_ip_addr<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let name = string(arg(args, 0), 1)?;
    if name.is_empty() {
        return crate::operand::failed("lookup : no such host");
    }
    let found = context.world.call("net.lookup_ip_addr", context.heap, args)?;
    match found.as_array() {
        Some(list) => Ok(context.heap.set(&mut list.as_slice().to_vec())),
        None => Ok(found),
    }
}
