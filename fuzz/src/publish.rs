//! What publishers send.

use holdfast_core::publish::{Item, ResponseFormat, WsFormat, WsType, parse_items};

/// The body of a publish request.
pub fn items(data: &[u8]) {
    match parse_items(data) {
        Ok(items) => items.iter().for_each(check),
        Err(why) => assert!(!why.to_string().contains(['\r', '\n'])),
    }
}

/// What holds for every item that is taken.
fn check(item: &Item) {
    if let Some(ResponseFormat::Send(answer)) = &item.response {
        assert!((200..600).contains(&answer.status.as_u16()));
        assert!(answer.expose.as_ref().is_none_or(|names| !names.is_empty()));
        assert!(answer.reason.as_ref().is_none_or(|reason| is_clean(reason)));
        for field in &answer.fields {
            assert!(!field.begins("Grip-") && !field.is("Content-Length"));
            assert!(!field.name.is_empty() && is_clean(&field.name) && is_clean(&field.value));
        }
    }
    match &item.ws {
        Some(WsFormat::Send(message)) if matches!(message.kind, WsType::Ping | WsType::Pong) => {
            assert!(message.content.data.len() <= 125);
        }
        Some(WsFormat::Close { code, reason }) => {
            assert!((1000..5000).contains(code) && reason.len() <= 123);
        }
        _ => {}
    }
}

fn is_clean(text: &[u8]) -> bool {
    !text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}
