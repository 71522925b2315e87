//! Status: what an answer begins with, out of its block (RFC 7541).

/// Reads the status, which comes first in a block, from somebody who keeps no table.
pub(super) fn status(block: &[u8]) -> u16 {
    // That the table is empty may be said first.
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap();
    let block = &block[start..];
    let known = [200, 204, 206, 304, 400, 404, 500];
    match block[0] {
        index @ 0x88..=0x8e => known[usize::from(index - 0x88)],
        // The name by its number, then the value.
        0x48 | 0x08 | 0x18 => {
            let length = usize::from(block[1] & 0x7f);
            let value = &block[2..2 + length];
            let text = if block[1] & 0x80 == 0 {
                String::from_utf8_lossy(value).into_owned()
            } else {
                digits(value)
            };
            text.parse().unwrap()
        }
        other => panic!("no status first, but {other:#x}"),
    }
}

/// Reads digits that are shortened by Huffman's code (RFC 7541, Appendix B).
fn digits(value: &[u8]) -> String {
    let bits: Vec<_> = value.iter().map(|byte| format!("{byte:08b}")).collect();
    let bits = bits.concat();
    let (mut rest, mut text) = (bits.as_str(), String::new());
    while text.len() < 3 {
        let short = rest.starts_with("000");
        let code = u8::from_str_radix(&rest[..if short { 5 } else { 6 }], 2).unwrap();
        let digit = if short { code } else { code - 0b01_1001 + 3 };
        text.push(char::from(b'0' + digit));
        rest = &rest[if short { 5 } else { 6 }..];
    }
    text
}
