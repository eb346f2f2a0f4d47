//! Header fields in the order they came.

use bytes::Bytes;

/// One header field line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// The name as it was spelled; compare it without regard to case.
    pub name: Bytes,
    /// The value without surrounding blanks.
    pub value: Bytes,
}

/// The header fields of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No fields yet, with room for `capacity`.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// How many field lines there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a field line.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push(Field { name: name.into(), value: value.into() });
    }

    /// The value of the first field called `name`.
    pub fn first(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|field| field.is(name)).map(|field| &field.value)
    }

    /// The values of all fields called `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.0.iter().filter(|field| field.is(name)).map(|field| &field.value)
    }

    /// Whether a field is called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Removes every field called `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|field| !field.is(name));
    }

    /// Replaces every field called `name` by one at the end.
    pub fn set(&mut self, name: &'static str, value: impl Into<Bytes>) {
        self.remove(name);
        self.push(Bytes::from_static(name.as_bytes()), value);
    }

    /// Keeps the fields for which `keep` is true.
    pub fn retain(&mut self, keep: impl FnMut(&Field) -> bool) {
        self.0.retain(keep);
    }

    /// A copy of the fields for which `keep` is true, with room for no others.
    pub(crate) fn select(&self, keep: impl Fn(&Field) -> bool) -> Self {
        let kept = || self.0.iter().filter(|field| keep(field));
        let mut fields = Self::with_capacity(kept().count());
        fields.0.extend(kept().cloned());
        fields
    }

    /// Removes what is said to the proxy alone or is the wire's to say (ACT-8, HRES-2).
    pub(crate) fn remove_control(&mut self) {
        self.retain(|field| !field.is_control());
    }

    /// The trimmed, non-empty elements of every comma-separated field called `name`.
    pub fn tokens<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|token| !token.is_empty())
    }

    /// Whether a comma-separated field called `name` has the element `token`, in any case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// All fields in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Field> {
        self.0.iter()
    }
}

impl Field {
    /// Whether it is said to the proxy alone or is the wire's to say: the `Grip-` fields, and those of connection
    /// and framing.
    pub(crate) fn is_control(&self) -> bool {
        const WIRE: [&str; 4] = ["Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length"];
        self.begins("Grip-") || WIRE.iter().any(|name| self.is(name))
    }

    /// Whether the field is called `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether the field's name begins with `prefix`, in any case.
    pub fn begins(&self, prefix: &str) -> bool {
        self.name.get(..prefix.len()).is_some_and(|b| b.eq_ignore_ascii_case(prefix.as_bytes()))
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = &'a Field;
    type IntoIter = core::slice::Iter<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N: Into<Bytes>, V: Into<Bytes>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let field = |(name, value): (N, V)| Field { name: name.into(), value: value.into() };
        Self(fields.into_iter().map(field).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_order_is_kept() {
        let mut fields: Fields =
            [("A", "1"), ("b", "2"), ("a", "3"), ("Connection", "close , Upgrade")]
                .into_iter()
                .collect();
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "3"]);
        assert!(fields.has_token("connection", "upgrade"));
        assert!(!fields.has_token("connection", "up"));
        fields.set("A", "4");
        let names: Vec<_> = fields.iter().map(|field| &field.name[..]).collect();
        assert_eq!(names, [&b"b"[..], b"Connection", b"A"]);
    }
}
