//! Fields: what a request says, and how that and frames are written (RFC 7541 §5, §6).

/// The fields of a request, pseudo headers among them, in the order in which they are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// A request as it should be.
    pub(crate) fn of(method: &str, path: &str) -> Self {
        Self::default()
            .and(":method", method)
            .and(":scheme", "http")
            .and(":authority", "matrix.example.org")
            .and(":path", path)
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::of("GET", path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::of("POST", path)
    }

    /// With one more field, at the end.
    pub(crate) fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.0.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// With all of these, at the end.
    pub(crate) fn and_all(mut self, more: &Self) -> Self {
        self.0.extend_from_slice(&more.0);
        self
    }

    /// Without the fields of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(it, _)| it != name.as_bytes());
        self
    }

    /// With another value for a field.
    pub(crate) fn but(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for (_, old) in self.0.iter_mut().filter(|(it, _)| it == name.as_bytes()) {
            *old = value.as_ref().to_vec();
        }
        self
    }

    /// Says that so many bytes follow.
    pub(crate) fn length(self, length: usize) -> Self {
        self.and("content-length", length.to_string())
    }

    /// Returns them as a block: each a literal that enters no table, in plain bytes.
    pub(crate) fn block(&self) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in &self.0 {
            block.push(0);
            for text in [name, value] {
                block.extend(integer(text.len(), 0x7f, 0));
                block.extend(text);
            }
        }
        block
    }
}

/// Returns an integer whose first bits say what it is (RFC 7541 §5.1).
pub(crate) fn integer(value: usize, most: usize, kind: u8) -> Vec<u8> {
    let byte = |value: usize| u8::try_from(value).unwrap();
    if value < most {
        return vec![kind | byte(value)];
    }
    let (mut bytes, mut rest) = (vec![kind | byte(most)], value - most);
    while rest >= 128 {
        bytes.push(byte(rest % 128) | 128);
        rest /= 128;
    }
    bytes.push(byte(rest));
    bytes
}

/// Returns a frame, whose length is that of its payload.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns a setting as it stands in a frame.
pub(crate) fn setting(id: u16, value: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()
}
