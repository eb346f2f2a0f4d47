//! The keys of a configuration file with their places, read as what they must be.
//!
//! A value that cannot be read does not end the reading: it is noted as a [`Problem`] and its default stands
//! in, so that one look at a file finds everything that is wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ini::{self, IniError};
use super::text;

/// Why a configuration is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// None of the places where a file is looked for has one (CONF-8).
    #[error("no configuration file; tried {}", tried.join(", "))]
    NoFile {
        /// The places.
        tried: Vec<String>,
    },
    /// A file breaks the syntax.
    #[error("{}: {error}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: IniError,
    },
    /// Values are not what their keys need.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Values(Vec<Problem>),
}

/// A value that is not what its key needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file and the line.
    pub place: String,
    /// The section and the key.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.key, self.reason)
    }
}

/// A value with the place it comes from.
#[derive(Clone, Debug)]
struct Value {
    text: String,
    place: String,
}

/// All values of a file and of the one it includes.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: BTreeMap<(String, String), Value>,
    /// What stands for itself in braces (CONF-6).
    templates: [(&'static str, String); 3],
    problems: Vec<Problem>,
}

impl Values {
    /// Reads a file, and beneath it the file it includes. One that is not there is no error (CONF-7).
    pub(super) fn load(path: &Path) -> Result<Self, ConfigError> {
        let mut values = Self::parse(&read_file(path)?, path)?;
        if let Some(include) = values.string("global", "include").filter(|file| !file.is_empty()) {
            let included = match include.as_str() {
                "internal.conf" => Path::new(&values.filled("{libdir}")).join(include),
                _ => beside(path, &include),
            };
            if included.exists() {
                values.add(&read_file(&included)?, &included)?;
            }
        }
        Ok(values)
    }

    /// Reads a text that stands for the file `path`.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut values = Self::default();
        values.add(text, path)?;
        let or = |key: &str, default: &str| {
            let set = |section| values.text(section, key).filter(|text| !text.is_empty());
            set("global").or_else(|| set("runner")).unwrap_or(default).to_owned()
        };
        values.templates = [
            ("{libdir}", or("libdir", "/usr/lib/pushpin")),
            ("{rundir}", or("rundir", "run")),
            ("{ipc_prefix}", or("ipc_prefix", "pushpin-")),
        ];
        Ok(values)
    }

    /// Adds the values of a file for keys that have none yet.
    fn add(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let entries = ini::parse(text)
            .map_err(|error| ConfigError::Syntax { path: path.to_owned(), error })?;
        let mut read = BTreeMap::new();
        for entry in entries {
            let place = format!("{}:{}", path.display(), entry.line);
            read.insert((entry.section, entry.key), Value { text: entry.value, place });
        }
        for (key, value) in read {
            self.values.entry(key).or_insert(value);
        }
        Ok(())
    }

    /// Every key that is there: its section, its name, its text and its place.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.values.iter().map(|((section, key), value)| {
            (&section[..], &key[..], &value.text[..], &value.place[..])
        })
    }

    /// What has been refused so far.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// A text with its templates filled in.
    pub(super) fn string(&self, section: &str, key: &str) -> Option<String> {
        self.text(section, key).map(|text| self.filled(text))
    }

    /// A comma-separated list without empty elements.
    pub(super) fn list(&self, section: &str, key: &str) -> Vec<String> {
        let text = self.string(section, key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
    }

    /// Yes or no; empty is no (CONF-4).
    pub(super) fn bool(&mut self, section: &str, key: &str, default: bool) -> bool {
        self.read(section, key, default, |text| {
            text::truth(text).ok_or_else(|| format!("{text:?} is neither true nor false"))
        })
    }

    /// A whole number within a range (CONF-5); empty is its default.
    pub(super) fn number<T>(
        &mut self,
        section: &str,
        key: &str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T
    where
        T: TryFrom<u64> + PartialOrd + fmt::Display + Copy,
    {
        self.read(section, key, default, |text| {
            if text.is_empty() {
                return Ok(default);
            }
            if text.bytes().any(|byte| !byte.is_ascii_digit()) {
                return Err(format!("{text:?} is not a whole number"));
            }
            let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("{text} is not from {} to {}", range.start(), range.end()))
        })
    }

    /// Whatever `read` makes of the value; the default where there is none, or none that is good.
    pub(super) fn read<T>(
        &mut self,
        section: &str,
        key: &str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(text) = self.string(section, key) else { return default };
        match read(&text) {
            Ok(value) => value,
            Err(reason) => {
                self.refuse(section, key, reason);
                default
            }
        }
    }

    /// Notes that a key's value cannot be.
    pub(super) fn refuse(&mut self, section: &str, key: &str, reason: String) {
        let value = self.values.get(&(section.to_owned(), key.to_owned()));
        let place = value.map(|value| value.place.clone()).unwrap_or_default();
        self.problems.push(Problem { place, key: format!("{section}.{key}"), reason });
    }

    fn text(&self, section: &str, key: &str) -> Option<&str> {
        Some(&self.values.get(&(section.to_owned(), key.to_owned()))?.text)
    }

    fn filled(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        self.templates.iter().fold(text.to_owned(), fill)
    }
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })
}

/// `name` beside the file `path`, unless it is absolute.
pub(super) fn beside(path: &Path, name: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(name)
}
