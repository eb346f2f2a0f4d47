//! Where routes come from, and when they have changed (ROUTE-50 to ROUTE-57, SIG-3).

use std::fs;
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use holdfast_core::grip::Key;
use holdfast_core::route::{Table, parse_routes};

use super::values::{ConfigError, beside};

/// The source of the routes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RoutesSource {
    /// A routes file.
    File(PathBuf),
    /// Lines of the command line, which replace the file entirely.
    Lines(Vec<String>),
}

impl RoutesSource {
    /// What notices that it changes; lines never do (ROUTE-57).
    pub fn watch(&self) -> Option<Watch> {
        match self {
            Self::File(path) => Some(Watch::new(path)),
            Self::Lines(_) => None,
        }
    }

    /// Reads the routes. Bad lines are skipped; each is a complaint, and so is what is odd in good ones.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(&self) -> Result<(Table, Vec<String>), ConfigError> {
        let mut complaints = Vec::new();
        let table = match self {
            Self::File(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|reason| ConfigError::Unreadable { path: path.clone(), reason })?;
                let name = path.display().to_string();
                read(&text, &name, path, &mut complaints)
            }
            Self::Lines(lines) => {
                read(&lines.join("\n"), "<route>", Path::new(""), &mut complaints)
            }
        };
        Ok((table, complaints))
    }
}

fn read(text: &str, name: &str, path: &Path, complaints: &mut Vec<String>) -> Table {
    let mut content =
        |file: &str| fs::read_to_string(beside(path, file)).map_err(|error| error.to_string());
    let loaded = parse_routes(text, &mut content);
    let errors = loaded.errors.iter().map(|(line, error)| format!("{name}:{line}: {error}"));
    complaints.extend(errors);
    let warnings = loaded.warnings.iter().map(|(line, what)| format!("{name}:{line}: {what}"));
    complaints.extend(warnings);
    loaded.table
}

/// The key that a key spec of the file `path` means; none if it is empty (SIG-3, SIG-4, SIG-5).
pub(super) fn key_of(spec: &str, path: &Path) -> Result<Option<Key>, String> {
    let Some(file) = spec.strip_prefix("file:") else {
        return Key::parse(spec).map_err(|error| error.to_string());
    };
    let content = fs::read(beside(path, file)).map_err(|error| format!("{file}: {error}"))?;
    Key::from_file(&content).map(Some).map_err(|error| format!("{file}: {error}"))
}

/// Notices that a file is another one than before: written, replaced by rename, or behind a link that now
/// points elsewhere (ROUTE-51, ROUTE-55).
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    seen: Option<Mark>,
    due: bool,
}

/// What tells a file from another one, and from itself before it was written.
#[derive(PartialEq, Eq, Debug)]
struct Mark {
    device: u64,
    inode: u64,
    len: u64,
    modified: SystemTime,
}

impl Watch {
    /// Begins with the file as it is now.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: Mark::of(path), due: false }
    }

    /// Whether the last look found a change. It is told one look late, since whoever is writing the file may
    /// not have been done with it.
    pub fn changed(&mut self) -> bool {
        let now = Mark::of(&self.path);
        let due = mem::replace(&mut self.due, now != self.seen);
        self.seen = now;
        due
    }
}

impl Mark {
    /// Of the file that links lead to, if any.
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let modified = meta.modified().ok()?;
        Some(Self { device: meta.dev(), inode: meta.ino(), len: meta.len(), modified })
    }
}
