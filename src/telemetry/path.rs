//! Path: a request's path as the access log may tell it.

/// The most bytes that are told.
const LONGEST: usize = 256;
/// What stands for what is not told.
const HIDDEN: &str = "…";
/// By what a token of a homeserver, or of its login service, begins.
const TOKENS: [&str; 8] = ["syt_", "syr_", "syl_", "mat_", "mar_", "mct_", "mcr_", "mda"];
/// After these a value follows that nobody else is to know.
const NAMES_A_SECRET: [&str; 4] = ["token", "tokens", "secret", "password"];

/// Returns `path` without what may be a secret or name a person, however it is encoded: of each
/// segment only what stands before the first `;`, `?`, `=`, `&`, `#` or `@`; nothing of one that
/// looks like a token, or follows one that announces a secret.
pub(super) fn told(path: &str) -> String {
    let mut told = String::with_capacity(path.len().min(LONGEST));
    let mut announced = false;
    for (number, segment) in path.split('/').enumerate() {
        if number > 0 {
            told.push('/');
        }
        if told.len() >= LONGEST {
            told.push_str(HIDDEN);
            break;
        }
        let shown = if announced { "" } else { shown(segment) };
        told.push_str(shown);
        if shown.len() < segment.len() {
            told.push_str(HIDDEN);
        }
        announced = announces(segment);
    }
    told
}

/// Returns what of a segment may be told: a part of it from its beginning on.
fn shown(segment: &str) -> &str {
    let bytes = segment.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (letter, length) = if *byte == b'%' { decoded(&bytes[at..]) } else { (*byte, 1) };
        let ends = matches!(letter, b';' | b'?' | b'=' | b'&' | b'#' | b'@' | b'\\' | b'/');
        if ends || !letter.is_ascii_graphic() {
            break;
        }
        at += length;
    }
    let shown = segment.get(..at.min(LONGEST)).unwrap_or_default();
    if looks_like_a_token(shown) { "" } else { shown }
}

/// Returns the letter that an escape stands for, escaped again and again as it may be, and how
/// long it is; one that stands for none is a control character.
fn decoded(escape: &[u8]) -> (u8, usize) {
    let mut from = 1;
    // `%2540` is `%40` is `@`.
    while escape.get(from..from + 2) == Some(b"25") {
        from += 2;
    }
    let digits = escape.get(from..from + 2).and_then(|digits| std::str::from_utf8(digits).ok());
    let letter = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    (letter.unwrap_or(0), from + 2)
}

fn looks_like_a_token(text: &str) -> bool {
    let begins = |start: &str| {
        text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    TOKENS.into_iter().any(begins)
}

fn announces(segment: &str) -> bool {
    NAMES_A_SECRET.into_iter().any(|name| {
        let start = segment.len().checked_sub(name.len());
        let end = start.and_then(|start| segment.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_path_is_told_as_it_is() {
        for path in [
            "/",
            "",
            "*",
            "/_matrix/media/v3/upload",
            "/_matrix/client/v3/rooms/!abc:example.org/send/m.room.message/m1.2",
            "/_matrix/client/v3/rooms/%21abc%3Aexample.org/event/$Abc-_d",
            "//x//",
        ] {
            assert_eq!(told(path), path);
        }
    }

    #[test]
    fn neither_a_secret_nor_a_person_is_told_however_they_are_written() {
        for (path, expected) in [
            ("/upload;access_token=syt_hush", "/upload…"),
            ("/upload%3baccess_token=hush", "/upload…"),
            ("/upload%253Baccess_token%253Dhush", "/upload…"),
            ("/upload%2525253baccess_token", "/upload…"),
            ("/a%3Faccess_token%3Dhush/b", "/a…/b"),
            ("/access_token=hush/b", "/access_token…/b"),
            ("/profile/@alice:example.org/avatar_url", "/profile/…/avatar_url"),
            ("/profile/%40alice%3Aexample.org", "/profile/…"),
            ("/profile/%2540alice", "/profile/…"),
            ("/state/m.call/_@alice:example.org_DEV", "/state/m.call/_…"),
            ("/x/syt_YWxpY2U_abc", "/x/…"),
            ("/x/SYT_YWxpY2U_abc", "/x/…"),
            ("/x/MDAxOGxvY2F0", "/x/…"),
            ("/admin/v1/registration_tokens/hush/x", "/admin/v1/registration_tokens/…/x"),
            ("/access_token/hush", "/access_token/…"),
            ("/x/%zzhush", "/x/…"),
            ("/x/%4", "/x/…"),
            ("/x/a%0ahush", "/x/a…"),
            ("/x/a%2f%40alice", "/x/a…"),
        ] {
            assert_eq!(told(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_told_is_not_long() {
        assert_eq!(told(&format!("/{}", "x".repeat(60_000))).len(), 1 + LONGEST + HIDDEN.len());
        assert!(told(&"/x".repeat(30_000)).len() <= LONGEST + HIDDEN.len() + 1);
    }
}
