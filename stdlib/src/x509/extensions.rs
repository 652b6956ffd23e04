//! The extensions of certificates that are understood.
//!
//! The one surprising fact: one that is marked critical and not understood is kept by name, and such a
//! certificate verifies nothing.

use super::certificate::{Extension, fault};
use super::der::{BOOLEAN, Der, INTEGER, OBJECT_ID, OCTET_STRING, ObjectId, SEQUENCE, made_part, part};
use crate::go::url::{self, Url};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

type Read<T = ()> = Result<T, String>;

/// Addresses with the bits that count.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) address: IpAddr,
    pub(super) mask: Vec<u8>,
}

/// Names that a constraint allows or forbids.
#[derive(Debug, Default)]
pub(super) struct Constraint {
    pub(super) domains: Vec<String>,
    pub(super) ranges: Vec<Range>,
    pub(super) emails: Vec<String>,
    pub(super) uri_domains: Vec<String>,
}

impl Constraint {
    pub(super) fn is_empty(&self) -> bool {
        self.domains.is_empty()
            && self.ranges.is_empty()
            && self.emails.is_empty()
            && self.uri_domains.is_empty()
    }
}

/// What the extensions of a certificate say.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// Bit 0 is a digital signature, bit 5 the signing of certificates.
    pub(super) key_usage: i64,
    pub(super) has_basic_constraints: bool,
    pub(super) is_authority: bool,
    /// -1 where it is not limited.
    pub(super) max_path: i64,
    pub(super) dns_names: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) uris: Vec<(String, Url)>,
    pub(super) constraints_critical: bool,
    pub(super) permitted: Constraint,
    pub(super) excluded: Constraint,
    pub(super) revocation_lists: Vec<String>,
    pub(super) authority_key: Option<Vec<u8>>,
    pub(super) subject_key: Option<Vec<u8>>,
    pub(super) require_policy: Option<i64>,
    pub(super) inhibit_mapping: Option<i64>,
    pub(super) inhibit_any_policy: Option<i64>,
    /// By the numbers that Go gives them.
    pub(super) usages: Vec<i64>,
    pub(super) unknown_usages: Vec<ObjectId>,
    pub(super) policies: Option<Vec<ObjectId>>,
    pub(super) policy_mappings: Vec<(ObjectId, ObjectId)>,
    pub(super) status_servers: Vec<String>,
    pub(super) issuer_urls: Vec<String>,
    pub(super) unhandled: Vec<ObjectId>,
}

fn need<T>(found: Option<T>, what: &str) -> Read<T> {
    found.map_or_else(|| fault(what), Ok)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Extensions {
    /// Reads all extensions of a certificate.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn read(extensions: &[Extension<'_>]) -> Read<Self> {
        let mut known = Self::default();
        for extension in extensions {
            let understood = known.one(extension)?;
            if extension.critical && !understood {
                known.unhandled.push(extension.id.clone());
            }
        }
        Ok(known)
    }

    /// Reads the names only, which is all that is read of a request.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn alternative_names(extensions: &[Extension<'_>]) -> Read<Self> {
        let mut known = Self::default();
        for extension in extensions.iter().filter(|extension| extension.id.is(&[2, 5, 29, 17])) {
            known.names(Der(extension.value))?;
        }
        Ok(known)
    }

    /// Tells whether the extension is understood.
    fn one(&mut self, extension: &Extension<'_>) -> Read<bool> {
        let mut value = Der(extension.value);
        match extension.id.0.as_slice() {
            [2, 5, 29, 14] => {
                if extension.critical {
                    return fault("subject key identifier incorrectly marked critical");
                }
                let key = need(value.read(OCTET_STRING), "invalid subject key identifier")?;
                self.subject_key = Some(key.0.to_vec());
            }
            [2, 5, 29, 15] => self.key_usage = need(key_usage(value), "invalid key usage")?,
            [2, 5, 29, 17] => {
                self.names(value)?;
                let none = self.dns_names.is_empty() && self.emails.is_empty();
                return Ok(!(none && self.addresses.is_empty() && self.uris.is_empty()));
            }
            [2, 5, 29, 19] => need(self.basic_constraints(value), "invalid basic constraints")?,
            [2, 5, 29, 30] => return self.name_constraints(extension),
            [2, 5, 29, 31] => need(self.lists(value), "invalid CRL distribution point")?,
            [2, 5, 29, 32] => self.policies = Some(need(policies(value), "invalid certificate policies")?),
            [2, 5, 29, 33] => need(self.mappings(value), "invalid policy mappings extension")?,
            [2, 5, 29, 35] => self.authority(extension)?,
            [2, 5, 29, 36] => need(self.policy_limits(value), "invalid policy constraints extension")?,
            [2, 5, 29, 37] => need(self.usages(value), "invalid extended key usages")?,
            [2, 5, 29, 54] => {
                let number = value.integer().and_then(|number| i64::try_from(&number).ok());
                self.inhibit_any_policy = Some(need(number, "invalid inhibit any policy extension")?);
            }
            [1, 3, 6, 1, 5, 5, 7, 1, 1] => {
                if extension.critical {
                    return fault("authority info access incorrectly marked critical");
                }
                need(self.access(value), "invalid authority info access")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn basic_constraints(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut value = value.read(SEQUENCE)?;
        self.is_authority = value.peek(BOOLEAN) && value.boolean()?;
        self.max_path = -1;
        if value.peek(INTEGER) {
            self.max_path = i64::try_from(&value.integer()?).ok().filter(|length| *length >= 0)?;
        }
        self.has_basic_constraints = true;
        Some(())
    }

    fn names(&mut self, mut value: Der<'_>) -> Read {
        (self.dns_names, self.emails) = (Vec::new(), Vec::new());
        (self.addresses, self.uris) = (Vec::new(), Vec::new());
        let mut list = need(value.read(SEQUENCE), "invalid subject alternative names")?;
        while !list.is_empty() {
            let (tag, content, _) = need(list.any(), "invalid subject alternative name")?;
            let text = || lossy(content);
            let malformed = |kind: &str| {
                if content.is_ascii() { Ok(()) } else { fault(format!("SAN {kind} is malformed")) }
            };
            match tag ^ 0x80 {
                1 => {
                    malformed("rfc822Name")?;
                    self.emails.push(text());
                }
                2 => {
                    malformed("dNSName")?;
                    self.dns_names.push(text());
                }
                6 => {
                    malformed("uniformResourceIdentifier")?;
                    self.uris.push(uri(text())?);
                }
                7 => match address(content) {
                    Some(address) => self.addresses.push(address),
                    None => return fault(format!("cannot parse IP address of length {}", content.len())),
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn name_constraints(&mut self, extension: &Extension<'_>) -> Read<bool> {
        let broken = "invalid NameConstraints extension";
        let mut outer = Der(extension.value);
        let mut list = need(outer.read(SEQUENCE).filter(|_| outer.is_empty()), broken)?;
        let permitted = need(list.optional(made_part(0)), broken)?;
        let excluded = need(list.optional(made_part(1)).filter(|_| list.is_empty()), broken)?;
        let empty = |subtrees: Option<Der<'_>>| subtrees.is_none_or(Der::is_empty);
        if empty(permitted) && empty(excluded) {
            return fault("empty name constraints extension");
        }
        let mut understood = true;
        self.permitted = constraint(permitted, &mut understood)?;
        self.excluded = constraint(excluded, &mut understood)?;
        self.constraints_critical = extension.critical;
        Ok(understood)
    }

    fn lists(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut points = value.read(SEQUENCE)?;
        while !points.is_empty() {
            let Some(mut name) = points.read(SEQUENCE)?.optional(made_part(0))? else { continue };
            let mut names = name.read(made_part(0))?;
            while names.peek(part(6)) {
                self.revocation_lists.push(lossy(names.read(part(6))?.0));
            }
        }
        Some(())
    }

    fn mappings(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut list = value.read(SEQUENCE)?;
        while !list.is_empty() {
            let mut pair = list.read(SEQUENCE)?;
            self.policy_mappings.push((pair.object_id()?, pair.object_id()?));
        }
        Some(())
    }

    fn authority(&mut self, extension: &Extension<'_>) -> Read {
        if extension.critical {
            return fault("authority key identifier incorrectly marked critical");
        }
        let mut list = need(Der(extension.value).read(SEQUENCE), "invalid authority key identifier")?;
        let key = need(list.optional(part(0)), "invalid authority key identifier")?;
        self.authority_key = key.map(|key| key.0.to_vec());
        Ok(())
    }

    fn policy_limits(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut list = value.read(SEQUENCE)?;
        let number = |der: Der<'_>| i64::try_from(&der.integer_content()?).ok();
        if let Some(limit) = list.optional(part(0))? {
            self.require_policy = Some(number(limit)?);
        }
        if let Some(limit) = list.optional(part(1))? {
            self.inhibit_mapping = Some(number(limit)?);
        }
        Some(())
    }

    fn usages(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut list = value.read(SEQUENCE)?;
        while !list.is_empty() {
            let id = list.object_id()?;
            match usage(&id) {
                Some(usage) => self.usages.push(usage),
                None => self.unknown_usages.push(id),
            }
        }
        Some(())
    }

    fn access(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut list = value.read(SEQUENCE)?;
        while !list.is_empty() {
            let mut one = list.read(SEQUENCE)?;
            let method = one.object_id()?;
            let Some(place) = one.optional(part(6))? else { continue };
            match method.0.as_slice() {
                [1, 3, 6, 1, 5, 5, 7, 48, 1] => self.status_servers.push(lossy(place.0)),
                [1, 3, 6, 1, 5, 5, 7, 48, 2] => self.issuer_urls.push(lossy(place.0)),
                _ => {}
            }
        }
        Some(())
    }
}

fn key_usage(mut value: Der<'_>) -> Option<i64> {
    let (_, bytes) = value.bits()?;
    let bit = |index: usize| bytes.get(index / 8).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0);
    Some((0..9).filter(|index| bit(*index)).map(|index| 1 << index).sum())
}

fn policies(mut value: Der<'_>) -> Option<Vec<ObjectId>> {
    let mut list = value.read(SEQUENCE)?;
    let mut found: Vec<ObjectId> = Vec::new();
    while !list.is_empty() {
        let policy = ObjectId::from_content(list.read(SEQUENCE)?.read(OBJECT_ID)?.0)?;
        if found.contains(&policy) {
            return None;
        }
        found.push(policy);
    }
    Some(found)
}

fn usage(id: &ObjectId) -> Option<i64> {
    Some(match id.0.as_slice() {
        [2, 5, 29, 37, 0] => 0,
        [1, 3, 6, 1, 5, 5, 7, 3, usage @ 1..=9] => i64::from(*usage),
        [1, 3, 6, 1, 4, 1, 311, 10, 3, 3] => 10,
        [2, 16, 840, 1, 113_730, 4, 1] => 11,
        [1, 3, 6, 1, 4, 1, 311, 2, 1, 22] => 12,
        [1, 3, 6, 1, 4, 1, 311, 61, 1, 1] => 13,
        _ => return None,
    })
}

fn address(content: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(content) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(content).ok().map(|octets| Ipv6Addr::from(octets).into())
}

fn uri(text: String) -> Read<(String, Url)> {
    let quoted = crate::go::quote(&text);
    let url = url::parse(&text).or_else(|why| fault(format!("cannot parse URI {quoted}: {why}")))?;
    if !url.host.is_empty() && !is_domain(&url.host, false) {
        return fault(format!("cannot parse URI {quoted}: invalid domain"));
    }
    Ok((text, url))
}

/// A name of dotted labels; a constraint may begin with a dot or be empty.
fn is_domain(name: &str, constraint: bool) -> bool {
    let name = if constraint { name.strip_prefix('.').unwrap_or(name) } else { name };
    if name.is_empty() {
        return constraint;
    }
    let fits = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_graphic())
    };
    name.len() <= 255 && name.split('.').all(fits)
}

fn constraint(subtrees: Option<Der<'_>>, understood: &mut bool) -> Read<Constraint> {
    let mut found = Constraint::default();
    let Some(mut subtrees) = subtrees else { return Ok(found) };
    while !subtrees.is_empty() {
        let base = subtrees.read(SEQUENCE).and_then(|mut subtree| subtree.any());
        let (tag, content, _) = need(base, "invalid NameConstraints extension")?;
        let text = lossy(content);
        let quoted = crate::go::quote(&text);
        if matches!(tag, 0x81 | 0x82 | 0x86) && !content.is_ascii() {
            return fault(format!(
                "invalid constraint value: x509: {quoted} cannot be encoded as an IA5String"
            ));
        }
        match tag {
            0x81 if text.contains('@') || is_domain(&text, true) => found.emails.push(text),
            0x81 => return fault(format!("failed to parse rfc822Name constraint {quoted}")),
            0x82 if is_domain(&text, true) => found.domains.push(text),
            0x82 => return fault(format!("failed to parse dnsName constraint {quoted}")),
            0x86 if text.parse::<IpAddr>().is_ok() => {
                return fault(format!("failed to parse URI constraint {quoted}: cannot be IP address"));
            }
            0x86 if is_domain(&text, true) => found.uri_domains.push(text),
            0x86 => return fault(format!("failed to parse URI constraint {quoted}")),
            0x87 => found.ranges.push(range(content)?),
            _ => *understood = false,
        }
    }
    Ok(found)
}

fn range(content: &[u8]) -> Read<Range> {
    let (base, mask) = content.split_at(content.len() / 2);
    let Some(address) = address(base).filter(|_| base.len() == mask.len()) else {
        return fault(format!("IP constraint contained value of length {}", content.len()));
    };
    let bits = mask.iter().fold(String::new(), |bits, byte| format!("{bits}{byte:08b}"));
    if bits.trim_start_matches('1').contains('1') {
        return fault(format!("IP constraint contained invalid mask {}", crate::encoding::hex(mask)));
    }
    Ok(Range { address, mask: mask.to_vec() })
}
