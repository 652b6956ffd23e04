//! STUB net.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("net.cidr_contains", &[("cidr", "string"), ("cidr_or_ip", "string")], Some("boolean"), "Tells whether a network contains an address or network.").calls(not_yet!("net.cidr_contains")),
    Builtin::new("net.cidr_contains_matches", &[("cidrs", "any<string, array[any<string, array[any]>], object[string: any<string, array[any]>], set[any<string, array[any]>]>"), ("cidrs_or_ips", "any<string, array[any<string, array[any]>], object[string: any<string, array[any]>], set[any<string, array[any]>]>")], Some("set[array<any, any>]"), "Pairs of networks and what they contain.").calls(not_yet!("net.cidr_contains_matches")),
    Builtin::new("net.cidr_expand", &[("cidr", "string")], Some("set[string]"), "Addresses of a network.").calls(not_yet!("net.cidr_expand")),
    Builtin::new("net.cidr_intersects", &[("cidr1", "string"), ("cidr2", "string")], Some("boolean"), "Tells whether two networks have an address in common.").calls(not_yet!("net.cidr_intersects")),
    Builtin::new("net.cidr_is_valid", &[("cidr", "string")], Some("boolean"), "Tells whether a string is a network in CIDR form.").calls(not_yet!("net.cidr_is_valid")),
    Builtin::new("net.cidr_merge", &[("addrs", "any<array[any<string>], set[string]>")], Some("set[string]"), "Smallest set of networks for the given addresses and networks.").calls(not_yet!("net.cidr_merge")),
    Builtin::new("net.cidr_overlap", &[("x", "string"), ("y", "string")], Some("boolean"), "Tells whether a network contains an address or network.").deprecated().calls(not_yet!("net.cidr_overlap")),
    Builtin::new("net.lookup_ip_addr", &[("name", "string")], Some("set[string]"), "Addresses of a host name.").nondeterministic(),
];
