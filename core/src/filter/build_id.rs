//! `build-id`: positions written into content, so that a client can say where it was (FILT-4 to FILT-7).

use bytes::Bytes;

use super::template::{Directive, Template};
use super::{Context, FilterError, value};

/// What `build-id` does to one text.
#[derive(Debug)]
pub(super) struct BuildId {
    encoding: Encoding,
    /// What `%I` stands for. That it cannot be had only matters to a text that asks for it, so that a body
    /// may use `%(text)I` without any position (FILT-6).
    id: Result<Vec<u8>, FilterError>,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Plain,
    Hex,
}

impl BuildId {
    /// The filter for one item or body.
    pub(super) fn new(context: &Context<'_>) -> Result<Self, FilterError> {
        let encoding = match value(context.subscription, "id_encoding") {
            "" => Encoding::Plain,
            "hex" => Encoding::Hex,
            other => return Err(FilterError::UnknownEncoding(other.to_owned())),
        };
        match value(context.subscription, "id_format") {
            "" => Err(FilterError::NoIdFormat),
            format => Ok(Self { encoding, id: id(format, context) }),
        }
    }

    /// What a directive in the text means.
    pub(super) fn expand(
        &self,
        directive: Directive<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FilterError> {
        match (directive.kind, directive.argument, &self.id) {
            (b'I', Some(text), _) => self.encoding.append(text, out),
            (b'I', None, Ok(id)) => self.encoding.append(id, out),
            (b'I', None, Err(why)) => return Err(why.clone()),
            _ => return Err(directive.unknown()),
        }
        Ok(())
    }
}

impl Encoding {
    fn append(self, text: &[u8], out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
        match self {
            Self::Plain => out.extend_from_slice(text),
            Self::Hex => {
                out.extend(text.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]));
            }
        }
    }
}

/// The format with the positions in it.
fn id(format: &str, context: &Context<'_>) -> Result<Vec<u8>, FilterError> {
    let format = Bytes::copy_from_slice(format.as_bytes());
    let id = Template::render(format, context.limits, |directive, out| {
        let (b's', Some(channel)) = (directive.kind, directive.argument) else {
            return Err(directive.unknown());
        };
        let channel = String::from_utf8_lossy(channel);
        let position = context.session.position(&channel);
        let position = position.ok_or_else(|| FilterError::NoPosition(channel.into()))?;
        out.extend_from_slice(position.as_bytes());
        Ok(())
    })?;
    Ok(id.into())
}
