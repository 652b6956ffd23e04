//! `--schema`: one schema for the input, or a folder whose files are named by annotations.

use super::{any_document, io_problem};
use crate::problem::Problem;
use govc_compile::Schemas;
use govc_compile::catalog::{Catalog, CatalogError};
use std::path::Path;

/// Loads what `--schema` names.
pub(crate) fn load(path: Option<&str>) -> Result<Schemas, Problem> {
    let mut schemas = Schemas::default();
    let Some(path) = path else { return Ok(schemas) };
    let info = std::fs::metadata(path).map_err(|error| io_problem("stat", path, &error))?;
    if info.is_dir() {
        folder(Path::new(path), "schema", &mut schemas)?;
    } else {
        schemas.by_name.insert("schema".to_owned(), read(Path::new(path))?);
    }
    Ok(schemas)
}

/// `access/input.json` is `schema.access.input`.
fn folder(path: &Path, name: &str, schemas: &mut Schemas) -> Result<(), Problem> {
    let shown = path.display().to_string();
    let entries = std::fs::read_dir(path).map_err(|error| io_problem("open", &shown, &error))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("{name}.{stem}");
        if path.is_dir() {
            folder(&path, &name, schemas)?;
        } else {
            schemas.by_name.insert(name, read(&path)?);
        }
    }
    Ok(())
}

/// Adds what `--catalog` names: files and folders of actions, tools, targets and agents.
pub(crate) fn add_catalogs(paths: &[String], schemas: &mut Schemas) -> Result<(), Problem> {
    let mut catalog = Catalog::default();
    for path in paths {
        let known = catalog.clone();
        add_catalog(Path::new(path), &mut catalog)?;
        if Path::new(path).is_dir() && catalog == known {
            return Err(Problem::plain(format!("{path}: {}", CatalogError::NotACatalog)));
        }
    }
    catalog.describe(schemas);
    Ok(())
}

/// A file must be a catalog. In a folder, other documents may lie beside the catalogs: it can be the folder that
/// is also loaded as data.
fn add_catalog(path: &Path, catalog: &mut Catalog) -> Result<(), Problem> {
    if !path.is_dir() {
        return add_document(path, catalog)?.map_err(|error| not_read(path, &error));
    }
    let shown = path.display().to_string();
    let entries = std::fs::read_dir(path).map_err(|error| io_problem("open", &shown, &error))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_catalog(&path, catalog)?;
            continue;
        }
        match add_document(&path, catalog)? {
            Ok(()) | Err(CatalogError::NotACatalog) => {}
            Err(error) => return Err(not_read(&path, &error)),
        }
    }
    Ok(())
}

fn add_document(path: &Path, catalog: &mut Catalog) -> Result<Result<(), CatalogError>, Problem> {
    Ok(catalog.read(&read(path)?))
}

fn not_read(path: &Path, error: &CatalogError) -> Problem {
    Problem::plain(format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<serde_json::Value, Problem> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| io_problem("open", &shown, &error))?;
    let json = any_document(&bytes).map_err(|error| Problem::plain(format!("{shown}: {error}")))?;
    serde_json::from_str(&json).map_err(|error| Problem::plain(format!("{shown}: {error}")))
}
