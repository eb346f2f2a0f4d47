//! Log lines as Pushpin writes them (CONF-33): `[INFO] 2026-08-01 10:00:00.123 message`, in local time.
//!
//! Unless everything is wanted (`debug`), lines that repeat are left out for a while and counted.

mod throttle;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{self as lines, FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use throttle::Throttle;

/// Where log lines go; clones share it.
#[derive(Clone, Debug)]
pub struct Log(Arc<Output>);

#[derive(Debug)]
enum Output {
    Stdout,
    File { path: PathBuf, file: Mutex<File> },
}

impl Log {
    /// Installs the log for the whole process.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn install(level: LevelFilter, path: Option<&Path>) -> io::Result<Self> {
        let log = Self::to(path)?;
        let only = tracing::subscriber::set_global_default(log.subscriber(level));
        only.map_err(io::Error::other)?;
        Ok(log)
    }

    fn to(path: Option<&Path>) -> io::Result<Self> {
        Ok(Self(Arc::new(match path {
            None => Output::Stdout,
            Some(path) => Output::File { path: path.to_owned(), file: Mutex::new(open(path)?) },
        })))
    }

    fn subscriber(&self, level: LevelFilter) -> impl Subscriber + Send + Sync + use<> {
        let throttle = Throttle::default();
        let lines = lines::layer()
            // Before the format, where alone it can be said; it holds for the fields of every format.
            .with_ansi(false)
            .event_format(Line(throttle.clone()))
            .with_writer(self.clone());
        let throttle = (level <= LevelFilter::INFO).then_some(throttle);
        tracing_subscriber::registry().with(level).with(lines.and_then(throttle))
    }

    /// Opens the file anew, after it was moved away (CONF-30).
    pub fn reopen(&self) {
        let Output::File { path, file } = &*self.0 else { return };
        match open(path) {
            Ok(new) => *file.lock().unwrap_or_else(PoisonError::into_inner) = new,
            Err(error) => tracing::error!("{}: {error}", path.display()),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &*self.0 {
            Output::Stdout => io::stdout().lock().write(line),
            Output::File { file, .. } => {
                file.lock().unwrap_or_else(PoisonError::into_inner).write(line)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &*self.0 {
            Output::Stdout => io::stdout().lock().flush(),
            Output::File { .. } => Ok(()),
        }
    }
}

/// The form of a line.
struct Line(Throttle);

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        let now = chrono::Local::now().format("%Y-%m-%d %H:%M:%S%.3f");
        write!(writer, "[{level}] {now} ")?;
        context.format_fields(writer.by_ref(), event)?;
        match self.0.left_out(event.metadata()) {
            0 => writeln!(writer),
            more => writeln!(writer, " (and {more} more like this, left out)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conf_33_lines_are_plain_whatever_is_in_them() {
        let path = std::env::temp_dir().join(format!("holdfast-log-{}", std::process::id()));
        let log = Log::to(Some(&path)).expect("a temporary file can be made");
        tracing::subscriber::with_default(log.subscriber(LevelFilter::INFO), || {
            tracing::info!(conn = 7, why = "gone", "a client has left");
            tracing::debug!("below the level");
            tracing::error!("worse");
        });
        let written = std::fs::read_to_string(&path);
        std::fs::remove_file(&path).expect("the file is there");
        let written = written.expect("the file is there");
        let lines: Vec<_> = written.lines().collect();
        let [first, second] = lines[..] else { panic!("not two lines: {written:?}") };
        let plain = "a client has left conn=7 why=\"gone\"";
        assert!(first.starts_with("[INFO] 2") && first.ends_with(plain), "{first:?}");
        assert!(second.starts_with("[ERR] 2") && second.ends_with(" worse"), "{second:?}");
    }
}
