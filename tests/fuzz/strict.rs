//! Strict: requests read byte by byte, by the words of RFC 9112, with no other reader's help.
//!
//! In one thing it may be told to be lenient, as servers may be: a line of a head, or of trailers,
//! may end with LF alone, and empty lines may come before a request.

/// A request as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    /// HTTP/1.0.
    pub(crate) is_old: bool,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// As far as it came.
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// It came to its end.
    pub(crate) is_whole: bool,
}

/// Why there is no further request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing is left.
    Nothing,
    /// What is there may become a request, or the rest of one.
    Begun,
    /// What is there is none, and never will be.
    Wrong(&'static str),
}

/// Reads requests one after the other; the last may not be whole.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    lenient: bool,
}

type Read<T> = Result<T, Rest>;

impl<'a> Reader<'a> {
    pub(crate) fn lenient(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, lenient: true }
    }

    pub(crate) fn strict(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, lenient: false }
    }

    /// Returns how much has been read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Reads everything.
    pub(crate) fn all(mut self) -> (Vec<Asked>, Rest) {
        let mut all = Vec::new();
        loop {
            let (asked, rest) = self.next();
            let is_last = rest.is_some();
            all.extend(asked);
            if is_last {
                return (all, rest.unwrap());
            }
        }
    }

    /// Reads one request, or as much of it as there is, and then why nothing can follow.
    pub(crate) fn next(&mut self) -> (Option<Asked>, Option<Rest>) {
        if self.lenient {
            while let rest = &self.bytes[self.at..]
                && let Some(empty) = [&b"\r\n"[..], b"\n"].iter().find(|it| rest.starts_with(it))
            {
                self.at += empty.len();
            }
        }
        if self.at == self.bytes.len() {
            return (None, Some(Rest::Nothing));
        }
        let mut asked = match self.head() {
            Ok(asked) => asked,
            Err(rest) => return (None, Some(rest)),
        };
        match self.framing(&asked).and_then(|framing| self.body(&mut asked, framing)) {
            Ok(()) => {
                asked.is_whole = true;
                (Some(asked), None)
            }
            Err(rest) => (Some(asked), Some(rest)),
        }
    }

    fn head(&mut self) -> Read<Asked> {
        let line = self.line()?;
        let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
        let [method, target, version] = words[..] else {
            return Err(Rest::Wrong("a request line has three words"));
        };
        let is_old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Rest::Wrong("a version is HTTP/1.1 or HTTP/1.0")),
        };
        if !is_token(method) {
            return Err(Rest::Wrong("a method is a token"));
        }
        let odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
        if target.is_empty() || target.iter().any(odd) {
            return Err(Rest::Wrong("a target has no spaces"));
        }
        let method = String::from_utf8_lossy(method).into_owned();
        let headers = self.fields()?;
        Ok(Asked { method, target: target.to_vec(), is_old, headers, ..Asked::default() })
    }

    /// Reads headers or trailers, and the empty line.
    fn fields(&mut self) -> Read<Vec<(String, Vec<u8>)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.ok_or(Rest::Wrong("a header has a colon"))?);
            if !is_token(name) {
                return Err(Rest::Wrong("a header's name is a token"));
            }
            let odd = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
            if value.iter().any(odd) {
                return Err(Rest::Wrong("a header's value has no control characters"));
            }
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            fields.push((name, trimmed(&value[1..]).to_vec()));
        }
    }

    /// Reads a line without its end.
    fn line(&mut self) -> Read<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(Rest::Begun)?;
        self.at += end + 1;
        let line = &rest[..end];
        let whole = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None if self.lenient => line,
            None => return Err(Rest::Wrong("a line ends with CR LF")),
        };
        if whole.contains(&b'\r') {
            return Err(Rest::Wrong("a CR stands before LF alone"));
        }
        Ok(whole)
    }

    /// Returns the length of a body, or none if it is in chunks.
    fn framing(&self, asked: &Asked) -> Read<Option<u64>> {
        let encodings = asked.all("transfer-encoding");
        let lengths = asked.all("content-length");
        if !encodings.is_empty() {
            let chunked = encodings.len() == 1 && encodings[0].eq_ignore_ascii_case(b"chunked");
            // Lenient: the length does not count then, and the connection closes.
            if chunked && !asked.is_old && (self.lenient || lengths.is_empty()) {
                return Ok(None);
            }
            return Err(Rest::Wrong("a body is in chunks, or of a length"));
        }
        let Some(first) = lengths.first() else { return Ok(Some(0)) };
        let number = Some(*first)
            .filter(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit))
            .and_then(|it| String::from_utf8_lossy(it).parse::<u64>().ok());
        let number = number.ok_or(Rest::Wrong("a length is a number"))?;
        let is_one = lengths.len() == 1 || (self.lenient && lengths.iter().all(|it| it == first));
        if is_one { Ok(Some(number)) } else { Err(Rest::Wrong("a body has one length")) }
    }

    fn body(&mut self, asked: &mut Asked, length: Option<u64>) -> Read<()> {
        if let Some(length) = length {
            return self.take(&mut asked.body, length);
        }
        loop {
            match self.chunk_size()? {
                0 => break,
                size => self.take(&mut asked.body, size)?,
            }
            let rest = &self.bytes[self.at..];
            match rest {
                [b'\r', b'\n', ..] => self.at += 2,
                [] | [b'\r'] => return Err(Rest::Begun),
                _ => return Err(Rest::Wrong("a chunk ends with CR LF")),
            }
        }
        asked.trailers = self.fields()?;
        Ok(())
    }

    /// Reads so many bytes, or what there is of them.
    fn take(&mut self, body: &mut Vec<u8>, size: u64) -> Read<()> {
        let rest = &self.bytes[self.at..];
        let there = usize::try_from(size).map_or(rest.len(), |size| size.min(rest.len()));
        body.extend(&rest[..there]);
        self.at += there;
        if u64::try_from(there).unwrap() == size { Ok(()) } else { Err(Rest::Begun) }
    }

    fn chunk_size(&mut self) -> Read<u64> {
        let rest = &self.bytes[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (number, after) = rest.split_at(digits);
        if digits == 0 {
            return Err(if after.is_empty() {
                Rest::Begun
            } else {
                Rest::Wrong("a chunk has a size")
            });
        }
        let number = u64::from_str_radix(std::str::from_utf8(number).unwrap(), 16);
        let number = number.map_err(|_| Rest::Wrong("a chunk's size fits in 64 bits"))?;
        let Some(end) = after.iter().position(|byte| *byte == b'\n') else {
            return Err(Rest::Begun);
        };
        let extension = &after[..end];
        let Some(extension) = extension.strip_suffix(b"\r").filter(|it| !it.contains(&b'\r'))
        else {
            return Err(Rest::Wrong("a chunk's size ends with CR LF"));
        };
        if !trimmed(extension).is_empty() && trimmed(extension)[0] != b';' {
            return Err(Rest::Wrong("a chunk's size is a number"));
        }
        self.at += digits + end + 1;
        Ok(number)
    }
}

impl Asked {
    /// Returns every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(it, _)| it == name);
        named.map(|(_, value)| value.as_slice()).collect()
    }
}

fn is_token(word: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !word.is_empty() && word.iter().all(is_letter)
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
