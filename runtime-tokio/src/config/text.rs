//! Values that a file and the command line write in the same way.

use std::net::SocketAddr;

use tracing::level_filters::LevelFilter;

/// Where to listen: `port` on all addresses, `addr:port` or `[v6]:port`.
///
/// # Errors
/// It is something else, or port 0.
pub fn listen_addr(text: &str) -> Result<SocketAddr, String> {
    let addr = match text.parse::<u16>() {
        Ok(port) => SocketAddr::from(([0, 0, 0, 0], port)),
        Err(_) => text
            .parse()
            .map_err(|_| format!("{text:?} is neither a port nor an address with a port"))?,
    };
    if addr.port() == 0 { Err("port 0 is none to listen on".to_owned()) } else { Ok(addr) }
}

/// A log level: a list of `N`, which is heeded, and `service:N`, for processes that there are not (CONF-23).
///
/// # Errors
/// A part of the list is empty, or its level is none.
pub fn log_level(text: &str) -> Result<LevelFilter, String> {
    let mut level = LevelFilter::INFO;
    for part in text.split(',').map(str::trim) {
        let (service, number) = part.rsplit_once(':').map_or((None, part), |(s, n)| (Some(s), n));
        let named = match number {
            "0" => LevelFilter::ERROR,
            "1" => LevelFilter::WARN,
            "2" => LevelFilter::INFO,
            "3" => LevelFilter::DEBUG,
            "4" => LevelFilter::TRACE,
            _ => return Err(format!("{part:?} is no log level from 0 to 4")),
        };
        if service.is_none() {
            level = named;
        }
    }
    Ok(level)
}

/// Yes or no; empty is no (CONF-4).
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conf_22_where_to_listen() {
        let good = [
            ("7999", "0.0.0.0:7999"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:8080", "[::1]:8080"),
        ];
        for (text, addr) in good {
            assert_eq!(listen_addr(text).map(|addr| addr.to_string()), Ok(addr.to_owned()));
        }
        for text in ["", "0", "127.0.0.1:0", "65536", "-1", "localhost:80", "127.0.0.1", "::1:80:"]
        {
            assert!(listen_addr(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conf_23_log_levels() {
        let good = [
            ("0", LevelFilter::ERROR),
            ("1", LevelFilter::WARN),
            ("2", LevelFilter::INFO),
            ("3", LevelFilter::DEBUG),
            ("4", LevelFilter::TRACE),
            ("1, pushpin-proxy:4", LevelFilter::WARN),
            ("pushpin-proxy:4,3", LevelFilter::DEBUG),
            ("pushpin-proxy:4", LevelFilter::INFO),
        ];
        for (text, level) in good {
            assert_eq!(log_level(text), Ok(level), "{text}");
        }
        for text in ["", "2,", ",2", "5", "-1", "info", "proxy:", "proxy:9"] {
            assert!(log_level(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conf_4_truth_is_said_in_words() {
        for (text, truth_is) in [("Yes", Some(true)), ("", Some(false)), ("OFF", Some(false))] {
            assert_eq!(truth(text), truth_is, "{text}");
        }
        for text in ["maybe", "2", "-1", "y"] {
            assert_eq!(truth(text), None, "{text}");
        }
    }
}
