//! What a backend that speaks GRIP says to the proxy, and what it says to the client.

use super::Word;

/// A control message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Subscribe(u32),
    Unsubscribe(u32),
    /// `k` when there was silence for so many seconds; `None`: no more.
    KeepAlive(Option<u64>),
    /// This, after so many seconds.
    SendDelayed(String, u64),
    FlushDelayed,
    Detach,
    /// One that means nothing.
    Odd,
}

/// What a word of a backend is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// The client gets it.
    ToClient(Word),
    Order(Order),
    /// Nobody does.
    Nothing,
}

/// What stands before messages for the client.
const PREFIX: &[u8] = b"m:";

impl Order {
    /// As a message.
    pub(crate) fn word(&self) -> Word {
        let json = match self {
            Self::Subscribe(channel) => {
                format!(r#"{{"type": "subscribe", "channel": "{channel}"}}"#)
            }
            Self::Unsubscribe(channel) => {
                format!(r#"{{"type": "unsubscribe", "channel": "{channel}"}}"#)
            }
            Self::KeepAlive(Some(secs)) => {
                format!(r#"{{"type": "keep-alive", "content": "k", "timeout": {secs}}}"#)
            }
            Self::KeepAlive(None) => r#"{"type": "keep-alive"}"#.to_owned(),
            Self::SendDelayed(text, secs) => {
                format!(r#"{{"type": "send-delayed", "content": "{text}", "timeout": {secs}}}"#)
            }
            Self::FlushDelayed => r#"{"type": "flush-delayed"}"#.to_owned(),
            Self::Detach => r#"{"type": "detach"}"#.to_owned(),
            Self::Odd => r#"{"type": "obey"}"#.to_owned(),
        };
        Word::Text(format!("c:{json}").into_bytes())
    }

    fn parse(json: &str) -> Self {
        let number = |name| member(json, name).and_then(|text| text.parse().ok());
        match (member(json, "type"), member(json, "channel").and_then(|c| c.parse().ok())) {
            (Some("subscribe"), Some(channel)) => Self::Subscribe(channel),
            (Some("unsubscribe"), Some(channel)) => Self::Unsubscribe(channel),
            (Some("keep-alive"), _) => Self::KeepAlive(number("timeout")),
            (Some("send-delayed"), _) => {
                let text = member(json, "content").unwrap_or_default().to_owned();
                Self::SendDelayed(text, number("timeout").unwrap_or_default())
            }
            (Some("flush-delayed"), _) => Self::FlushDelayed,
            (Some("detach"), _) => Self::Detach,
            _ => Self::Odd,
        }
    }
}

impl Said {
    /// Says something to the client.
    pub(crate) fn to_client(word: &Word, grip: bool) -> Word {
        match word {
            Word::Text(data) | Word::Binary(data) if grip => word.with([PREFIX, data].concat()),
            word => word.clone(),
        }
    }

    /// Understands what a backend said.
    pub(crate) fn of(word: Word, grip: bool) -> Self {
        if !grip {
            return Self::ToClient(word);
        }
        match &word {
            Word::Text(data) | Word::Binary(data) => {
                let order = data.strip_prefix(b"c:").filter(|_| matches!(word, Word::Text(_)));
                match (order, data.strip_prefix(PREFIX)) {
                    (Some(json), _) => Self::Order(Order::parse(&String::from_utf8_lossy(json))),
                    (None, Some(data)) => Self::ToClient(word.with(data.to_vec())),
                    (None, None) => Self::Nothing,
                }
            }
            _ => Self::ToClient(word),
        }
    }
}

/// The value of a member, as far as a flat object without escapes has it.
fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\": "))?;
    let value = rest.split([',', '}']).next()?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_back() {
        for order in [
            Order::Subscribe(3),
            Order::Unsubscribe(0),
            Order::KeepAlive(Some(7)),
            Order::KeepAlive(None),
            Order::SendDelayed("d12".to_owned(), 2),
            Order::FlushDelayed,
            Order::Detach,
            Order::Odd,
        ] {
            assert_eq!(Said::of(order.word(), true), Said::Order(order));
        }
    }

    #[test]
    fn words_for_clients_are_read_back() {
        let word = Word::Binary(b"b7".to_vec());
        for grip in [true, false] {
            let said = Said::of(Said::to_client(&word, grip), grip);
            assert_eq!(said, Said::ToClient(word.clone()));
        }
        assert_eq!(Said::of(word, true), Said::Nothing);
        let binary = Word::Binary(b"c:{}".to_vec());
        assert_eq!(Said::of(binary, true), Said::Nothing);
    }
}
