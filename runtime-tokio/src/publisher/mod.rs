//! `holdfast publish`: one item, from the command line to a publish API (CLI-1 to CLI-6).

mod item;
mod place;
mod post;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use thiserror::Error;

use place::Place;

/// The word that stands for all of it.
pub const COMMAND: &str = "publish";

/// What the exit code is when the arguments are not understood.
const USAGE: u8 = 2;

/// Publish an item: to holds of all kinds, unless an option says otherwise.
#[derive(Parser, Debug)]
#[command(
    name = "holdfast publish",
    bin_name = "holdfast publish",
    version,
    disable_version_flag = true
)]
struct Options {
    /// Channel to publish to.
    channel: String,
    /// Content, or @FILE for that of a file.
    content: Option<OsString>,
    /// Id of the item.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    id: Option<String>,
    /// Id of the item before.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    prev_id: Option<String>,
    /// Who sends it: the meta variable "sender".
    #[arg(long, allow_hyphen_values = true)]
    sender: Option<String>,
    /// A meta variable; may be given several times.
    #[arg(short = 'M', long, value_name = "K=V")]
    meta: Vec<String>,
    /// Status code of a response.
    #[arg(long, default_value_t = 200, allow_negative_numbers = true)]
    code: i64,
    /// A header of a response; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "K: V")]
    headers: Vec<String>,
    /// Have backends asked for news instead of sending content.
    #[arg(long)]
    hint: bool,
    /// Close streams and WebSockets.
    #[arg(long)]
    close: bool,
    /// The content is a JSON Patch for the body that response holds would get anyway.
    #[arg(long)]
    patch: bool,
    /// The item has no place in the sequence of its channel.
    #[arg(long)]
    no_seq: bool,
    /// Do not end the content of responses and streams with a newline.
    #[arg(long)]
    no_eol: bool,
    /// Base URL of the publish API. Its parameters iss and key sign a token.
    #[arg(long, value_name = "URL", env = "GRIP_URL", default_value = "http://localhost:5561")]
    spec: String,
    /// Basic authentication, for https.
    #[arg(short, long, value_name = "USER:PASS")]
    user: Option<String>,
    /// Bearer authentication, for https.
    #[arg(short = 'B', long, value_name = "TOKEN", conflicts_with = "user")]
    bearer: Option<String>,
    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// Why nothing was published (CLI-4).
#[derive(Debug, Error)]
enum Failure {
    #[error("no content")]
    NoContent,
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: io::Error },
    #[error("code {0} is not from 0 to 999")]
    Code(i64),
    #[error("header {0:?} has no colon")]
    Header(String),
    #[error("meta {0:?} has no equals sign")]
    Meta(String),
    #[error("the patch is no JSON array")]
    Patch,
    #[error("authentication needs https")]
    OpenAuth,
    #[error("https is not supported yet")]
    Https,
    #[error("{0:?} is no http URL; ZeroMQ is not supported")]
    NotHttp(String),
    #[error("{url:?}: {reason}")]
    Url { url: String, reason: String },
    #[error("{authority}: {reason}")]
    Connection { authority: String, reason: io::Error },
    /// What the server says instead.
    #[error("{0}")]
    Refused(String),
}

/// Publishes what the arguments say; the first of them is the command.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(USAGE) };
        }
    };
    match publish(&options) {
        Ok(()) => {
            println!("Published");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("Error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn publish(options: &Options) -> Result<(), Failure> {
    let item = item::of(options)?;
    let place = Place::parse(&options.spec)?;
    if options.user.is_some() || options.bearer.is_some() {
        return Err(Failure::OpenAuth);
    }
    let body = serde_json::json!({ "items": [item] }).to_string();
    let answer = post::post(&place, body.as_bytes());
    let answer = answer.map_err(|reason| Failure::Connection {
        authority: place.authority().to_owned(),
        reason,
    })?;
    match answer {
        (200, _) => Ok(()),
        (_, body) => Err(Failure::Refused(String::from_utf8_lossy(&body).trim_end().to_owned())),
    }
}
