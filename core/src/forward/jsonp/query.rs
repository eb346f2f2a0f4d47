//! A query, out of which parameters are taken.

/// The parameters of a query, percent-encoded as they came.
pub(super) struct Query<'a>(Vec<&'a [u8]>);

impl<'a> Query<'a> {
    pub(super) fn new(query: &'a [u8]) -> Self {
        Self(query.split(|&byte| byte == b'&').collect())
    }

    /// Whether there is a parameter called `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|param| is(param, name))
    }

    /// Takes every parameter called `name` out. Returns the value of the first, decoded: `None` within if it
    /// cannot be.
    pub(super) fn take(&mut self, name: &str) -> Option<Option<Vec<u8>>> {
        let found = self.0.iter().find(|param| is(param, name)).map(|param| decoded(value(param)));
        self.0.retain(|param| !is(param, name));
        found
    }

    /// What is left.
    pub(super) fn rest(self) -> Vec<u8> {
        self.0.join(&b'&')
    }
}

fn is(param: &[u8], name: &str) -> bool {
    let end = param.iter().position(|&byte| byte == b'=').unwrap_or(param.len());
    param.split_at(end).0 == name.as_bytes()
        || decoded(param.split_at(end).0).is_some_and(|known| known == name.as_bytes())
}

fn value(param: &[u8]) -> &[u8] {
    let start = param.iter().position(|&byte| byte == b'=').map_or(param.len(), |at| at + 1);
    param.get(start..).unwrap_or_default()
}

/// Undoes percent-encoding. A plus sign is one: it stands for a blank only in forms.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(out)
}
