//! Which form of answer a publisher wants, by its `Accept` (CTRL-9).

/// The forms there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Text,
    Json,
}

/// A form with how much it is wanted: the quality, and how exactly its type was named.
type Wish = (Form, u16, u8);

/// The form to answer in, or `None` if it is none of those there are. Of equally wanted ones the one named
/// last wins, which is what publishers are used to.
pub(super) fn wanted<'a>(accept: impl Iterator<Item = &'a [u8]>) -> Option<Form> {
    let mut named = accept.peekable();
    if named.peek().is_none() {
        return Some(Form::Text);
    }
    let ranges = named.flat_map(|value| value.split(|&byte| byte == b','));
    let wishes: Vec<Wish> = ranges.flat_map(wishes).collect();
    [Form::Text, Form::Json]
        .into_iter()
        .filter_map(|form| {
            // For one form the most exact range counts (RFC 9110 12.5.1).
            let of_form = wishes.iter().enumerate().filter(|(_, wish)| wish.0 == form);
            of_form.max_by_key(|(at, wish)| (wish.2, *at))
        })
        .filter(|(_, wish)| wish.1 > 0)
        .max_by_key(|(at, wish)| (wish.1, *at))
        .map(|(_, wish)| wish.0)
}

fn wishes(range: &[u8]) -> Vec<Wish> {
    let mut parts = range.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(quality).unwrap_or(1000);
    match &kind[..] {
        b"text/plain" => vec![(Form::Text, quality, 2)],
        b"application/json" => vec![(Form::Json, quality, 2)],
        b"text/*" => vec![(Form::Text, quality, 1)],
        b"application/*" => vec![(Form::Json, quality, 1)],
        // Whoever takes anything gets text.
        b"*/*" | b"*" => vec![(Form::Text, quality, 0)],
        _ => vec![],
    }
}

/// `q`, in thousandths.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let value: f32 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    // In range by the clamp.
    Some((value.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Option<Form> {
        wanted([accept.as_bytes()].into_iter())
    }

    #[test]
    fn ctrl_9_quality_is_honoured_and_the_last_of_equals_wins() {
        assert_eq!(wanted([].into_iter()), Some(Form::Text));
        assert_eq!(of("*/*"), Some(Form::Text));
        assert_eq!(of("application/json"), Some(Form::Json));
        assert_eq!(of("text/plain, application/json"), Some(Form::Json));
        assert_eq!(of("application/json, text/plain;q=0.5"), Some(Form::Json));
        assert_eq!(of("application/json;q=0.2, */*;q=0.1"), Some(Form::Json));
        assert_eq!(of("application/json;q=0, text/*"), Some(Form::Text));
        assert_eq!(of("text/plain;q=0, */*"), None);
        assert_eq!(of("image/png"), None);
        assert_eq!(of(""), None);
    }
}
