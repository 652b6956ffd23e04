//! The one room that speaks LSP: requests come in as positions, features answer in byte offsets.
//!
//! The surprising fact: the framework polls notifications concurrently. Edits are therefore applied before
//! the first `await` of their handler, in the order in which they arrive; requests work on snapshots; and
//! one background task publishes diagnostics for the newest state only.

use crate::definition::{Place, definitions};
use crate::findings::findings;
use crate::hover::hover;
use crate::symbols::{Symbol, SymbolKind as Kind, symbols};
use crate::text::{Document, Edit, Encoding, Point};
use crate::workspace::{File, Snapshot, Workspace};
use govc_compile::Builtins;
use govc_syntax::{Diagnostic, Severity, Span};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types as lsp;
use tower_lsp::{Client, LanguageServer, LspService, Server};

/// How long typing must pause before diagnostics are computed; picked by gut feeling.
const PAUSE: Duration = Duration::from_millis(40);

/// What builtins a folder declares beside those of the standard library, or why that cannot be said.
pub type Declarations = Box<dyn Fn(&Path) -> std::result::Result<Builtins, String> + Send + Sync>;

/// Serves one client over standard input and output until it says `exit`. Each workspace folder is asked for the
/// builtins that it declares.
///
/// # Errors
/// When the runtime cannot be started.
pub fn serve_stdio(declarations: Declarations) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (service, socket) = LspService::new(|client| Backend::new(client, declarations));
        Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service).await;
    });
    runtime.shutdown_background();
    Ok(())
}

struct Backend {
    client: Client,
    declarations: Declarations,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    workspace: Mutex<Workspace>,
    open: Mutex<BTreeMap<String, Open>>,
    encoding: OnceLock<Encoding>,
    changed: Notify,
}

/// A buffer that the editor owns.
struct Open {
    uri: lsp::Uri,
    version: i32,
    document: Document,
}

impl Shared {
    fn encoding(&self) -> Encoding {
        self.encoding.get().copied().unwrap_or_default()
    }

    fn snapshot(&self) -> Snapshot {
        self.settle();
        lock(&self.workspace).snapshot()
    }

    /// Parses the buffers that changed since the last time.
    fn settle(&self) {
        let open = lock(&self.open);
        let mut workspace = lock(&self.workspace);
        for (name, buffer) in open.iter() {
            let known =
                workspace.snapshot().file(name).is_some_and(|f| f.document.text() == buffer.document.text());
            if !known {
                workspace.set(name, buffer.document.clone());
            }
        }
    }
}

/// A poisoned lock only means that a handler panicked; the texts are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    fn new(client: Client, declarations: Declarations) -> Self {
        let shared = Arc::new(Shared::default());
        tokio::spawn(publish(client.clone(), shared.clone()));
        Self { client, declarations, shared }
    }

    /// Reads a workspace folder; gives what is wrong with its declarations.
    fn add_folder(&self, folder: &Path) -> Option<String> {
        let declared = (self.declarations)(folder);
        let mut workspace = lock(&self.shared.workspace);
        workspace.add_folder(folder);
        declared.map(|builtins| workspace.declare(builtins)).err()
    }

    fn locate(&self, at: &lsp::TextDocumentPositionParams) -> Option<(Snapshot, String, u32)> {
        let snapshot = self.shared.snapshot();
        let name = name_of(&at.text_document.uri);
        let file = snapshot.file(&name)?;
        let point = Point { line: at.position.line, column: at.position.character };
        let offset = file.document.offset(point, self.shared.encoding());
        Some((snapshot, name, u32::try_from(offset).ok()?))
    }

    fn location(&self, snapshot: &Snapshot, place: &Place) -> Option<lsp::Location> {
        let file = snapshot.file(&place.file)?;
        Some(lsp::Location {
            uri: uri_of(&place.file)?,
            range: range(file, place.span, self.shared.encoding()),
        })
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let encoding = negotiate(&params.capabilities);
        // `initialize` arrives once; a second value would be refused by the framework.
        let _ = self.shared.encoding.set(encoding);
        let folders = params.workspace_folders.unwrap_or_default();
        let paths = folders.iter().filter_map(|folder| folder.uri.to_file_path());
        let refused: Vec<String> = paths.filter_map(|path| self.add_folder(&path)).collect();
        for why in refused {
            self.client.show_message(lsp::MessageType::ERROR, why).await;
        }
        Ok(lsp::InitializeResult {
            capabilities: capabilities(encoding),
            server_info: Some(lsp::ServerInfo {
                name: "govc".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..Default::default()
        })
    }

    async fn initialized(&self, _: lsp::InitializedParams) {
        self.shared.changed.notify_one();
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: lsp::DidOpenTextDocumentParams) {
        let document = params.text_document;
        let name = name_of(&document.uri);
        let buffer =
            Open { uri: document.uri, version: document.version, document: Document::new(document.text) };
        lock(&self.shared.open).insert(name, buffer);
        self.shared.changed.notify_one();
    }

    async fn did_change(&self, params: lsp::DidChangeTextDocumentParams) {
        let encoding = self.shared.encoding();
        if let Some(buffer) = lock(&self.shared.open).get_mut(&name_of(&params.text_document.uri)) {
            buffer.version = params.text_document.version;
            for change in params.content_changes {
                buffer.document.apply(&edit(change), encoding);
            }
        }
        self.shared.changed.notify_one();
    }

    async fn did_close(&self, params: lsp::DidCloseTextDocumentParams) {
        let name = name_of(&params.text_document.uri);
        lock(&self.shared.open).remove(&name);
        lock(&self.shared.workspace).close(&name);
        let uri = params.text_document.uri;
        self.client.publish_diagnostics(uri, Vec::new(), None).await;
        self.shared.changed.notify_one();
    }

    async fn hover(&self, params: lsp::HoverParams) -> Result<Option<lsp::Hover>> {
        let Some((snapshot, name, offset)) = self.locate(&params.text_document_position_params) else {
            return Ok(None);
        };
        let encoding = self.shared.encoding();
        Ok(hover(&snapshot, &name, offset).map(|card| lsp::Hover {
            contents: lsp::HoverContents::Markup(lsp::MarkupContent {
                kind: lsp::MarkupKind::Markdown,
                value: card.text,
            }),
            range: snapshot.file(&name).map(|f| range(f, card.span, encoding)),
        }))
    }

    async fn goto_definition(
        &self,
        params: lsp::GotoDefinitionParams,
    ) -> Result<Option<lsp::GotoDefinitionResponse>> {
        let Some((snapshot, name, offset)) = self.locate(&params.text_document_position_params) else {
            return Ok(None);
        };
        let places = definitions(&snapshot, &name, offset);
        let locations: Vec<_> = places.iter().filter_map(|p| self.location(&snapshot, p)).collect();
        Ok((!locations.is_empty()).then_some(lsp::GotoDefinitionResponse::Array(locations)))
    }

    async fn document_symbol(
        &self,
        params: lsp::DocumentSymbolParams,
    ) -> Result<Option<lsp::DocumentSymbolResponse>> {
        let snapshot = self.shared.snapshot();
        let Some(file) = snapshot.file(&name_of(&params.text_document.uri)) else { return Ok(None) };
        let encoding = self.shared.encoding();
        let outline = symbols(file).into_iter().map(|s| document_symbol(file, s, encoding)).collect();
        Ok(Some(lsp::DocumentSymbolResponse::Nested(outline)))
    }

    async fn formatting(&self, params: lsp::DocumentFormattingParams) -> Result<Option<Vec<lsp::TextEdit>>> {
        let snapshot = self.shared.snapshot();
        let Some(file) = snapshot.file(&name_of(&params.text_document.uri)) else { return Ok(None) };
        let Some(text) = crate::formatted(file) else { return Ok(None) };
        let whole = Span { file: file.module.span.file, start: 0, end: file.document.text().len() as u32 };
        Ok(Some(vec![lsp::TextEdit { range: range(file, whole, self.shared.encoding()), new_text: text }]))
    }
}

/// Publishes the findings of the newest state, once for each pause in the typing.
async fn publish(client: Client, shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        tokio::time::sleep(PAUSE).await;
        let versions: BTreeMap<String, (lsp::Uri, i32)> =
            lock(&shared.open).iter().map(|(n, o)| (n.clone(), (o.uri.clone(), o.version))).collect();
        let worker = shared.clone();
        let Ok((snapshot, found)) = tokio::task::spawn_blocking(move || {
            let snapshot = worker.snapshot();
            let found = findings(&snapshot);
            (snapshot, found)
        })
        .await
        else {
            continue;
        };
        for (name, findings) in found {
            let Some(file) = snapshot.file(&name) else { continue };
            let (uri, version) = match versions.get(&name) {
                Some((uri, version)) => (Some(uri.clone()), Some(*version)),
                None => (uri_of(&name), None),
            };
            let Some(uri) = uri else { continue };
            let shown = findings.iter().map(|f| diagnostic(file, f, shared.encoding())).collect();
            client.publish_diagnostics(uri, shown, version).await;
        }
    }
}

fn negotiate(client: &lsp::ClientCapabilities) -> Encoding {
    let offered = client.general.as_ref().and_then(|g| g.position_encodings.as_ref());
    let utf8 = offered.is_some_and(|o| o.contains(&lsp::PositionEncodingKind::UTF8));
    if utf8 { Encoding::Utf8 } else { Encoding::Utf16 }
}

fn capabilities(encoding: Encoding) -> lsp::ServerCapabilities {
    let kind = match encoding {
        Encoding::Utf8 => lsp::PositionEncodingKind::UTF8,
        Encoding::Utf16 => lsp::PositionEncodingKind::UTF16,
    };
    lsp::ServerCapabilities {
        position_encoding: Some(kind),
        text_document_sync: Some(lsp::TextDocumentSyncCapability::Kind(
            lsp::TextDocumentSyncKind::INCREMENTAL,
        )),
        hover_provider: Some(lsp::HoverProviderCapability::Simple(true)),
        definition_provider: Some(lsp::OneOf::Left(true)),
        document_symbol_provider: Some(lsp::OneOf::Left(true)),
        document_formatting_provider: Some(lsp::OneOf::Left(true)),
        ..Default::default()
    }
}

fn edit(change: lsp::TextDocumentContentChangeEvent) -> Edit {
    let point = |p: lsp::Position| Point { line: p.line, column: p.character };
    Edit { range: change.range.map(|r| (point(r.start), point(r.end))), text: change.text }
}

/// The name of a document: its path, or its address when it has none (an unsaved buffer).
fn name_of(uri: &lsp::Uri) -> String {
    uri.to_file_path().map_or_else(|| uri.as_str().to_owned(), |p| p.to_string_lossy().into_owned())
}

fn uri_of(name: &str) -> Option<lsp::Uri> {
    if Path::new(name).is_absolute() { lsp::Uri::from_file_path(name) } else { lsp::Uri::from_str(name).ok() }
}

fn range(file: &File, span: Span, encoding: Encoding) -> lsp::Range {
    let position = |offset: u32| {
        let point = file.document.point(offset as usize, encoding);
        lsp::Position { line: point.line, character: point.column }
    };
    lsp::Range { start: position(span.start), end: position(span.end) }
}

fn diagnostic(file: &File, finding: &Diagnostic, encoding: Encoding) -> lsp::Diagnostic {
    let severity = match finding.severity {
        Severity::Error => lsp::DiagnosticSeverity::ERROR,
        Severity::Warning => lsp::DiagnosticSeverity::WARNING,
        Severity::Note => lsp::DiagnosticSeverity::INFORMATION,
    };
    let notes = finding.notes.iter().map(|n| format!("\n{n}")).collect::<String>();
    lsp::Diagnostic {
        range: range(file, finding.span, encoding),
        severity: Some(severity),
        code: Some(lsp::NumberOrString::String(finding.code.to_owned())),
        source: Some("govc".to_owned()),
        message: format!("{}{notes}", finding.message),
        ..Default::default()
    }
}

#[expect(deprecated, reason = "the struct has a deprecated field that must be given")]
fn document_symbol(file: &File, symbol: Symbol, encoding: Encoding) -> lsp::DocumentSymbol {
    let kind = match symbol.kind {
        Kind::Package => lsp::SymbolKind::NAMESPACE,
        Kind::Rule => lsp::SymbolKind::VARIABLE,
        Kind::Set => lsp::SymbolKind::ARRAY,
        Kind::Function => lsp::SymbolKind::FUNCTION,
        Kind::Test => lsp::SymbolKind::EVENT,
    };
    lsp::DocumentSymbol {
        name: symbol.name,
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: range(file, symbol.span, encoding),
        selection_range: range(file, symbol.name_span, encoding),
        children: None,
    }
}
