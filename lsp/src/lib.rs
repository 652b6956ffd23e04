//! The govc language server: editor features as plain functions, and one room that speaks the protocol.
//!
//! | room | what |
//! | --- | --- |
//! | [`text`] | documents, edits, positions |
//! | [`workspace`] | the files that are known, as snapshots |
//! | [`locate`], [`scope`] | what stands under the cursor |
//! | [`definition`], [`hover`], [`symbols`], [`findings`] | features: snapshots in, byte offsets out |
//! | `protocol` | LSP |

pub mod definition;
pub mod findings;
pub mod hover;
pub mod locate;
mod protocol;
pub mod scope;
pub mod symbols;
pub mod text;
pub mod workspace;

pub use protocol::{Declarations, serve_stdio};

use govc_syntax::RegoVersion;
use govc_syntax::format::{FormatOptions, FormatTarget, format_source};

/// The formatted text of a file, or nothing while it has syntax errors.
fn formatted(file: &workspace::File) -> Option<String> {
    let target = match file.module.version {
        RegoVersion::V0 => FormatTarget::V0,
        RegoVersion::V1 => FormatTarget::V1,
    };
    format_source(file.document.text(), FormatOptions { target, drop_v0_imports: false }).ok()
}
