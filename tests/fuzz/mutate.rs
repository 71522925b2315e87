//! Mutate: makes a new input out of those there are.

use fastrand::Rng;

/// No input grows past this.
const LONGEST: usize = 16 * 1024;
/// Bytes that mean something to one reader or another.
const ODD: &[u8] = b"\0\t\n\r \"#%&'()*+,-./0:;<=>?@[\\]_{|}~\x7f\x80\xc3\xff";
/// Numbers at the ends of what fits.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "+1",
    "00",
    "255",
    "256",
    "65535",
    "65536",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "0x10",
];

/// Returns one of `inputs`, changed in one place or a few; `words` may come in.
pub(crate) fn mutated(inputs: &[Vec<u8>], words: &[&str], chance: &mut Rng) -> Vec<u8> {
    let mut input = inputs[chance.usize(..inputs.len())].clone();
    // Mostly one change or two: what is changed beyond recognition is refused for dull reasons.
    let changes = 1 + chance.u32(..).trailing_zeros().min(7);
    for _ in 0..changes {
        change(&mut input, inputs, words, chance);
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[&str], chance: &mut Rng) {
    let (at, span) = stretch(input, chance);
    match chance.u8(..12) {
        0 if !input.is_empty() => input[at.min(span.end - 1)] ^= 1 << chance.u8(..8),
        1 => drop(input.splice(at..at, [ODD[chance.usize(..ODD.len())]])),
        2 if !input.is_empty() => input[at] = ODD[chance.usize(..ODD.len())],
        3 => drop(input.drain(span)),
        4 | 5 if !words.is_empty() => {
            let word = words[chance.usize(..words.len())];
            let over = if chance.bool() { at..at } else { span };
            drop(input.splice(over, word.bytes()));
        }
        6 => {
            let copy = input[span].to_vec();
            let there = chance.usize(..=input.len());
            drop(input.splice(there..there, copy));
        }
        7 => {
            let other = &inputs[chance.usize(..inputs.len())];
            let (_, from) = stretch(other, chance);
            drop(input.splice(span, other[from].iter().copied()));
        }
        8 => renumber(input, chance),
        9 => {
            let copy = input[span].to_vec();
            drop(input.splice(at..at, copy));
        }
        10 => input[span].make_ascii_uppercase(),
        _ => drop(input.splice(at..at, [chance.u8(..)])),
    }
}

/// Returns a place, and a stretch that begins there: mostly a short one.
fn stretch(input: &[u8], chance: &mut Rng) -> (usize, std::ops::Range<usize>) {
    if input.is_empty() {
        return (0, 0..0);
    }
    let at = chance.usize(..input.len());
    let most = if chance.u8(..4) == 0 { input.len() } else { 16 };
    (at, at..(at + chance.usize(1..=most)).min(input.len()))
}

/// Puts another number in the place of one.
fn renumber(input: &mut Vec<u8>, chance: &mut Rng) {
    let begins =
        |at: &usize| input[*at].is_ascii_digit() && (*at == 0 || !input[at - 1].is_ascii_digit());
    let starts: Vec<usize> = (0..input.len()).filter(begins).collect();
    let Some(&start) = chance.choice(&starts) else { return };
    let end = (start..input.len()).find(|at| !input[*at].is_ascii_digit()).unwrap_or(input.len());
    let number = std::str::from_utf8(&input[start..end]).ok().and_then(|it| it.parse::<u64>().ok());
    let other = match (number, chance.u8(..3)) {
        (Some(number), 0) => number.saturating_add(1).to_string(),
        (Some(number), 1) => number.saturating_sub(1).to_string(),
        _ => NUMBERS[chance.usize(..NUMBERS.len())].to_owned(),
    };
    drop(input.splice(start..end, other.into_bytes()));
}
