//! What the sections of a line mean (ROUTE-7 to ROUTE-11, ROUTE-20 to ROUTE-41).

use core::net::Ipv6Addr;
use std::sync::Arc;

use http::Method;

use super::lex::{Property, Section, sections};
use super::{
    Authority, Connect, JsonpMode, JsonpRules, LineError, Proto, Route, Table, Target, Warning,
};
use crate::grip::Key;
use crate::message::{Field, is_field_text, is_token};

/// The outcome of reading a routes file: what loaded, and what there is to say about the rest.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The routes that are good.
    pub table: Table,
    /// Skipped lines, with their numbers from 1 (ROUTE-7).
    pub errors: Vec<(usize, LineError)>,
    /// Things in good lines that are probably not meant.
    pub warnings: Vec<(usize, Warning)>,
}

/// Reads a whole routes file. `read_file` gives the content of a `file:` key, by its path as written.
pub fn parse_routes(
    text: &str,
    read_file: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Loaded {
    let mut loaded = Loaded::default();
    let mut warnings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match parse_line(line, read_file, &mut warnings) {
            Ok(None) => {}
            Ok(Some(route)) => warnings.extend(loaded.table.add(route)),
            Err(error) => {
                warnings.clear();
                loaded.errors.push((number, error));
            }
        }
        loaded.warnings.extend(warnings.drain(..).map(|warning| (number, warning)));
    }
    loaded
}

/// Reads one line; `None` if it is blank or a comment.
pub fn parse_line(
    line: &str,
    read_file: &mut dyn FnMut(&str) -> Result<String, String>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Route>, LineError> {
    let mut sections = sections(line, warnings)?.into_iter();
    let Some(first) = sections.next() else {
        return Ok(None);
    };
    let mut route = condition(first, read_file, warnings)?;
    for section in sections {
        route.targets.push(Arc::new(target(section, warnings)?));
    }
    if route.targets.is_empty() { Err(LineError::NoTarget) } else { Ok(Some(route)) }
}

fn condition(
    section: Section,
    read_file: &mut dyn FnMut(&str) -> Result<String, String>,
    warnings: &mut Vec<Warning>,
) -> Result<Route, LineError> {
    let mut route = Route { host: host(&section.value, warnings), ..Route::default() };
    for property in section.properties {
        match property.name.as_str() {
            "proto" => route.proto = Some(property.one_of(&PROTOS)?),
            "ssl" => route.secure = Some(property.one_of(&[("yes", true), ("no", false)])?),
            "path_beg" => route.path_beg = property.checked(|path| !path.is_empty())?,
            "id" => route.id = property.nonempty(),
            "prefix" => route.prefix = property.text(),
            "sig_iss" => route.sig_iss = property.nonempty(),
            "sig_key" => route.sig_key = key(&property.text(), read_file)?,
            "as_host" => route.as_host = property.authority()?,
            "path_rem" => route.path_rem = property.number(warnings),
            "replace_beg" => route.replace_beg = Some(property.checked(is_path_text)?),
            "header" => route.set_headers.push(header(&property.text())?),
            "orig_headers" => route.orig_headers = property.flag(warnings),
            "debug" => route.debug = property.flag(warnings),
            "no_grip" => route.no_grip = property.flag(warnings),
            "sockjs" | "sockjs_as_path" => return Err(LineError::Unsupported(property.name)),
            "aco" => route.cross_origin = property.flag(warnings),
            name if name.starts_with("jsonp_") => jsonp(property, &mut route.jsonp, warnings)?,
            "session" | "log_level" => warnings.push(Warning::NoEffect(property.name)),
            _ => warnings.push(Warning::UnknownProperty(property.name)),
        }
    }
    if route.host.as_deref() == Some("") && route.id.is_none() {
        warnings.push(Warning::Unreachable);
    }
    Ok(route)
}

fn target(section: Section, warnings: &mut Vec<Warning>) -> Result<Target, LineError> {
    let mut target = Target::from(connect(&section.value)?);
    for property in section.properties {
        match property.name.as_str() {
            "host" => target.host = property.authority()?,
            "untrusted" => target.untrusted = property.flag(warnings),
            "sub" => target.subs.extend(property.nonempty()),
            "over_http" => target.over_http = property.flag(warnings),
            "one_event" => target.one_event = property.flag(warnings),
            "ssl" if !property.flag(warnings) => {}
            "ssl" => return Err(LineError::Unsupported("ssl to a target".to_owned())),
            "client_cert" | "client_key" => return Err(LineError::Unsupported(property.name)),
            "insecure" | "trust_connect_host" | "ipc_file_mode" => {
                warnings.push(Warning::NoEffect(property.name));
            }
            _ => warnings.push(Warning::UnknownProperty(property.name)),
        }
    }
    Ok(target)
}

/// One of the options about JSON-P (CORS-20).
fn jsonp(
    property: Property,
    rules: &mut JsonpRules,
    warnings: &mut Vec<Warning>,
) -> Result<(), LineError> {
    let modes = [("basic", JsonpMode::Basic), ("extended", JsonpMode::Extended)];
    let name = property.name.clone();
    match name.as_str() {
        "jsonp_mode" => rules.mode = property.one_of(&modes)?,
        "jsonp_cb" => {
            rules.callback = property.nonempty().unwrap_or_else(|| JsonpRules::default().callback);
        }
        "jsonp_body" => rules.body = property.nonempty(),
        "jsonp_defcb" => rules.default_callback = property.nonempty(),
        "jsonp_defmethod" => {
            let method = |text: &str| Method::from_bytes(text.as_bytes()).ok();
            let text = property.checked(|text| text.is_empty() || method(text).is_some())?;
            rules.default_method = method(&text);
        }
        _ => warnings.push(Warning::UnknownProperty(name)),
    }
    Ok(())
}

const PROTOS: [(&str, Proto); 2] = [("http", Proto::Http), ("ws", Proto::Ws)];

/// The host of a condition, folded like those of requests (ROUTE-23).
fn host(value: &str, warnings: &mut Vec<Warning>) -> Option<String> {
    if value == "*" {
        return None;
    }
    let host = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value);
    let is_whole = |host| Authority::parse(host).is_some_and(|authority| authority.host == host);
    if !host.is_empty() && !is_whole(host) && host.parse::<Ipv6Addr>().is_err() {
        warnings.push(Warning::StrangeHost(value.to_owned()));
    }
    Some(host.to_ascii_lowercase())
}

/// How a target is reached (ROUTE-40).
fn connect(value: &str) -> Result<Connect, LineError> {
    if value == "test" {
        return Ok(Connect::Test);
    }
    if value.starts_with("zhttp/") || value.starts_with("zhttpreq/") {
        return Err(LineError::Unsupported(format!("the target {value:?}")));
    }
    match Authority::parse(value) {
        Some(Authority { host, port: Some(port @ 1..) }) => {
            Ok(Connect::Tcp { host: host.to_owned(), port })
        }
        _ => Err(LineError::Target(value.to_owned())),
    }
}

/// A key, given itself or by its file (SIG-3).
fn key(
    spec: &str,
    read_file: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Option<Key>, LineError> {
    let Some(path) = spec.strip_prefix("file:") else {
        return Ok(Key::parse(spec)?);
    };
    let content =
        read_file(path).map_err(|why| LineError::KeyFile { path: path.to_owned(), why })?;
    Ok(Some(Key::from_file(content.as_bytes())?))
}

fn header(text: &str) -> Result<Field, LineError> {
    let good =
        |(name, value): &(&str, &str)| is_token(name.as_bytes()) && is_field_text(value.as_bytes());
    let (name, value) =
        text.split_once(':').filter(good).ok_or_else(|| LineError::Header(text.to_owned()))?;
    Ok(Field { name: name.to_owned().into(), value: value.trim().to_owned().into() })
}

/// Whether a text can stand in a path and not end it.
fn is_path_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte))
}

impl Property {
    /// The value; empty if there is none.
    fn text(self) -> String {
        self.value.unwrap_or_default()
    }

    fn nonempty(self) -> Option<String> {
        self.value.filter(|value| !value.is_empty())
    }

    /// Whether a flag is on; only words that say no switch it off (ROUTE-10).
    fn flag(&self, warnings: &mut Vec<Warning>) -> bool {
        let off = matches!(self.value.as_deref(), Some("false" | "no" | "0" | "off"));
        if off {
            warnings.push(Warning::FlagOff(self.name.clone()));
        }
        !off
    }

    fn number(self, warnings: &mut Vec<Warning>) -> usize {
        let value = self.value.unwrap_or_default();
        value.parse().unwrap_or_else(|_| {
            warnings.push(Warning::NotANumber { property: self.name, value });
            0
        })
    }

    fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, LineError> {
        let value = self.value.as_deref().unwrap_or_default();
        let found = choices.iter().find(|(name, _)| *name == value);
        found.map(|&(_, choice)| choice).ok_or_else(|| LineError::Value {
            property: self.name.clone(),
            value: value.to_owned(),
        })
    }

    fn checked(self, is_good: impl FnOnce(&str) -> bool) -> Result<String, LineError> {
        let value = self.value.unwrap_or_default();
        if is_good(&value) {
            return Ok(value);
        }
        Err(LineError::Value { property: self.name, value })
    }

    /// `host[:port]`; empty is none.
    fn authority(self) -> Result<Option<String>, LineError> {
        let value = self.checked(|value| value.is_empty() || Authority::parse(value).is_some())?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }
}
