//! `govc run`: an interactive shell, or with `--server` OPA's REST API. Exit code 0; 1 when it cannot start.
//!
//! Only the flags are here. The shell is `repl`, the server is `server`; both take all the flags, as `opa run` does.

#![allow(dead_code, reason = "the rooms that read the flags come one after the other")]

use crate::duration;
use crate::exit::Exit;
use crate::language::Language;
use crate::{repl, server};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// Start an interactive shell, or a server
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  $ echo 'data.access.allow' | govc run policy data.json repl.input:input.json"
)]
pub(crate) struct Run {
    /// Policy and data files or folders; `repl.input:input.json` is the input of the shell
    pub(crate) paths: Vec<String>,
    /// Start a server
    #[arg(short, long)]
    pub(crate) server: bool,
    /// Load the paths as bundles
    #[arg(short, long)]
    pub(crate) bundle: bool,
    /// Load again what has changed
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) ignore: Vec<String>,
    /// Errors after which no more are reported; without limit where it is not positive
    #[arg(short, long, default_value_t = 10, allow_negative_numbers = true, value_name = "COUNT")]
    pub(crate) max_errors: i64,
    /// Width for reading: values in the store stay in the form in which policies read them
    #[arg(long, hide = true)]
    pub(crate) optimize_store_for_read_speed: bool,
    #[command(flatten)]
    pub(crate) shell: Shell,
    #[command(flatten)]
    pub(crate) verification: Verification,
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) listening: Listening,
    #[command(flatten)]
    pub(crate) security: Security,
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[command(flatten)]
    pub(crate) language: Language,
}

/// What only the shell looks at.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Shell")]
pub(crate) struct Shell {
    /// How the shell prints: `pretty` or `json`
    #[arg(short, long, default_value = "pretty")]
    pub(crate) format: String,
    /// File that keeps the lines typed
    #[arg(short = 'H', long, value_name = "FILE")]
    pub(crate) history: Option<String>,
}

/// How the signatures of bundles are checked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Verification of bundles")]
pub(crate) struct Verification {
    /// Secret (HMAC), or path of the PEM file with the public key
    #[arg(long, value_name = "KEY")]
    pub(crate) verification_key: Option<String>,
    /// Name of the key
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub(crate) verification_key_id: String,
    /// Algorithm of the signature
    #[arg(long, default_value = "RS256", value_name = "NAME")]
    pub(crate) signing_alg: String,
    /// Scope that the signature must have
    #[arg(long, default_value = "", value_name = "SCOPE")]
    pub(crate) scope: String,
    /// Do not check signatures
    #[arg(long)]
    pub(crate) skip_verify: bool,
    /// Files that the signature need not name
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) exclude_files_verify: Vec<String>,
}

/// The configuration file, and what replaces parts of it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Settings {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config_file: Option<String>,
    /// Replace a part of the configuration: `a.b=value`
    #[arg(long, value_name = "PART=VALUE")]
    pub(crate) set: Vec<String>,
    /// Replace a part of the configuration by the text of a file: `a.b=file`
    #[arg(long, value_name = "PART=FILE")]
    pub(crate) set_file: Vec<String>,
    /// Seconds to wait for plugins before the server listens; 0: it does not wait
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_name = "SECONDS")]
    pub(crate) ready_timeout: i64,
    /// Do not check policies against the schemas of known inputs
    #[arg(long)]
    pub(crate) skip_known_schema_check: bool,
    /// Nothing is ever asked or told, so this changes nothing
    #[arg(long, hide = true)]
    pub(crate) skip_version_check: bool,
    /// The old name of `--skip-version-check`
    #[arg(long, hide = true)]
    pub(crate) disable_telemetry: bool,
}

/// Where the server listens, and how it ends.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(crate) struct Listening {
    /// Address: `[host]:port` or `unix://path` [default: localhost:8181, with `--v0-compatible` :8181]
    #[arg(short, long, value_delimiter = ',', value_name = "ADDRESS")]
    pub(crate) addr: Vec<String>,
    /// Address that only answers `/health` and `/metrics`
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS")]
    pub(crate) diagnostic_addr: Vec<String>,
    /// Permissions of a Unix socket
    #[arg(long, default_value = "755", value_name = "OCTAL")]
    pub(crate) unix_socket_perm: String,
    /// HTTP/2 without TLS
    #[arg(long)]
    pub(crate) h2c: bool,
    /// Answer `/debug/pprof`
    #[arg(long)]
    pub(crate) pprof: bool,
    /// Seconds that requests under way may still take when the server ends
    #[arg(long, default_value_t = 10, allow_negative_numbers = true, value_name = "SECONDS")]
    pub(crate) shutdown_grace_period: i64,
    /// Seconds to go on answering before the server ends
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_name = "SECONDS")]
    pub(crate) shutdown_wait_period: i64,
}

/// Who may ask, and over which connections.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Security of the server")]
pub(crate) struct Security {
    /// How the server learns who asks
    #[arg(long, default_value = "off")]
    pub(crate) authentication: Authentication,
    /// How the server decides who may ask
    #[arg(long, default_value = "off")]
    pub(crate) authorization: Authorization,
    /// Certificate of the server (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert_file: Option<String>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_private_key_file: Option<String>,
    /// Certificates of those that sign certificates of clients (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca_cert_file: Option<String>,
    /// How often the certificate is read again
    #[arg(long, value_parser = duration::parse, default_value = "0", value_name = "DURATION")]
    pub(crate) tls_cert_refresh_period: Duration,
    /// Cipher suites of TLS 1.2 and before, by their IANA names
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) tls_cipher_suites: Vec<String>,
    /// The lowest version of TLS
    #[arg(long, default_value = "1.2")]
    pub(crate) min_tls_version: TlsVersion,
}

/// What the server logs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logging")]
pub(crate) struct Logging {
    /// What is logged
    #[arg(short, long, default_value = "info")]
    pub(crate) log_level: LogLevel,
    /// How it is logged
    #[arg(long, default_value = "json")]
    pub(crate) log_format: LogFormat,
    /// Layout of the times, in Go's form
    #[arg(long, default_value = "", value_name = "LAYOUT", env = "GOVC_LOG_TIMESTAMP_FORMAT")]
    pub(crate) log_timestamp_format: String,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    Token,
    Tls,
    Off,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authorization {
    Basic,
    Off,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    #[value(name = "1.0")]
    V10,
    #[value(name = "1.1")]
    V11,
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Error,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
    JsonPretty,
}

pub(crate) fn run(args: &Run) -> Exit {
    if args.server { server::serve(args) } else { repl::start(args) }
}
