//! Configuration from the outside: files as people have them, and the program that is started with them.

mod files;
mod process;
mod routes;
mod values;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use holdfast::config::{ConfigError, Loaded, Options, Source, load};

/// A directory of one test, gone with it.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("holdfast-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory can be made");
        Self(path)
    }

    /// One with a `pushpin.conf` of this text.
    fn with_conf(text: &str) -> Self {
        let dir = Self::new();
        dir.write("pushpin.conf", text);
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    fn options(&self) -> Options {
        options(&self.path("pushpin.conf"))
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.options())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(file: &Path) -> Options {
    Options { source: Source::File(file.to_owned()), ..Options::default() }
}

/// What a text amounts to as a configuration.
fn loaded(text: &str) -> Loaded {
    Dir::with_conf(text).load().expect("the text is a good configuration")
}

/// The problems of a text, each without the directory of its file.
fn problems(text: &str) -> Vec<String> {
    let dir = Dir::with_conf(text);
    let prefix = format!("{}/", dir.0.display());
    match dir.load() {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(|line| line.replace(&prefix, "")).collect(),
    }
}
