//! Flags that say in which language policies are written; almost every command has them.

use crate::files::declared::{self, Declared};
use clap::Args;
use govc_syntax::{ParseOptions, RegoVersion};

/// The language of the policies.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Language {
    /// Read policies as OPA did before 1.0
    #[arg(long)]
    pub(crate) v0_compatible: bool,
    /// Read policies as OPA 1.0 does (the default)
    #[arg(long, hide = true)]
    pub(crate) v1_compatible: bool,
    /// Switch the keywords `and`, `or` and `not {}` on without an import
    #[arg(long)]
    pub(crate) experimental_keywords: bool,
    /// What there is: a release of OPA, such as `v1.0.0`, or a file as `opa capabilities` prints it
    #[arg(long, value_name = "RELEASE|FILE", value_parser = declared::known)]
    pub(crate) capabilities: Option<String>,
    /// File that declares more builtins; their bodies stand in the `.rego` file beside it, package `custom`
    #[arg(long, value_name = "FILE", env = "REGO_CUSTOM_BUILTINS")]
    pub(crate) builtins: Option<String>,
}

impl Language {
    /// The language where a file does not say.
    pub(crate) fn version(&self) -> RegoVersion {
        if self.v0_compatible { RegoVersion::V0 } else { RegoVersion::V1 }
    }

    /// How modules and queries are parsed.
    pub(crate) fn parse(&self) -> ParseOptions {
        let keywords: &[&str] = if self.experimental_keywords { &["and", "or", "not"] } else { &[] };
        ParseOptions {
            version: self.version(),
            both: false,
            keywords: keywords.iter().map(|&k| k.to_owned()).collect(),
        }
    }

    /// Where the builtins come from that may be called.
    pub(crate) fn declared(&self) -> Declared {
        Declared { capabilities: self.capabilities.clone(), builtins: self.builtins.clone() }
    }
}
