//! What a DNS message asks for.

/// How many pointers to other places of a message a name may follow. Real questions have none.
const MAX_POINTERS: usize = 16;
/// The longest name, as RFC 1035 has it: its labels with their lengths.
const MAX_NAME: usize = 255;

/// Finds the first question of a message: its type. Its name goes to `name`, as text of printable ASCII.
///
/// `None` if there is none, if its end was not captured, or if it is not one that RFC 1035 allows.
pub(crate) fn question(message: &[u8], name: &mut Vec<u8>) -> Option<u16> {
    let questions = u16::from_be_bytes(*message.get(4..)?.first_chunk()?);
    if questions == 0 {
        return None;
    }
    let mut at = read_name(message, 12, name)?;
    if name.is_empty() {
        name.push(b'.');
    }
    let kind = message.get(at..)?.first_chunk().copied()?;
    at += 4;
    // The class is there too: the question is whole.
    (at <= message.len()).then(|| u16::from_be_bytes(kind))
}

/// Reads the name at a place of a message, and gives the place behind it.
fn read_name(message: &[u8], mut at: usize, name: &mut Vec<u8>) -> Option<usize> {
    name.clear();
    let (mut end, mut pointers, mut len) = (None, 0, 1);
    loop {
        let first = *message.get(at)?;
        match first {
            0 => return Some(end.unwrap_or(at + 1)),
            // A label.
            1..64 => {
                let label = message.get(at + 1..at + 1 + usize::from(first))?;
                len += label.len() + 1;
                if len > MAX_NAME {
                    return None;
                }
                if !name.is_empty() {
                    name.push(b'.');
                }
                for byte in label {
                    escape(*byte, name);
                }
                at += 1 + label.len();
            }
            // A place at which the name goes on.
            192.. => {
                let second = *message.get(at + 1)?;
                pointers += 1;
                if pointers > MAX_POINTERS {
                    return None;
                }
                end = end.or(Some(at + 2));
                at = usize::from(u16::from_be_bytes([first & 0x3f, second]));
            }
            // Never used.
            64..192 => return None,
        }
    }
}

/// A byte as text: a dot within a label, a backslash, and what is not printable stand out.
fn escape(byte: u8, text: &mut Vec<u8>) {
    match byte {
        b'\\' => text.extend(br"\\"),
        b' '..=b'~' => text.push(byte),
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let digit = |it: u8| DIGITS[usize::from(it & 15)];
            text.extend([b'\\', b'x', digit(byte >> 4), digit(byte)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(question: &[u8]) -> Vec<u8> {
        [&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], question].concat()
    }

    fn asked(message: &[u8]) -> Option<(String, u16)> {
        let mut name = Vec::new();
        let kind = question(message, &mut name)?;
        Some((String::from_utf8(name).unwrap(), kind))
    }

    #[test]
    fn names_as_text() {
        for (question, name) in [
            (&b"\x03www\x07example\x00\0\x1c\0\x01"[..], "www.example"),
            (b"\0\0\x1c\0\x01", "."),
            (b"\x04a\\b\x01\0\0\x1c\0\x01", r"a\\b\x01"),
            (b"\x02\xc3\xa9\0\0\x1c\0\x01", r"\xc3\xa9"),
        ] {
            assert_eq!(asked(&message(question)), Some((name.to_owned(), 28)));
        }
    }

    #[test]
    fn all_of_it_or_nothing() {
        let whole = message(b"\x03www\x07example\x00\0\x1c\0\x01");
        for cut in 0..whole.len() {
            assert_eq!(asked(&whole[..cut]), None, "{cut}");
        }
        let mut none = whole;
        none[5] = 0;
        assert_eq!(asked(&none), None);
    }

    #[test]
    fn pointers_end() {
        // To what comes behind.
        let forward = message(b"\x01a\xc0\x14\0\x01\0\x01\x01b\0");
        assert_eq!(asked(&forward), Some(("a.b".to_owned(), 1)));
        // To itself, in a circle, and out of the message.
        for endless in [
            &b"\xc0\x0c\0\x01\0\x01"[..],
            b"\x01a\xc0\x0c\0\x01\0\x01",
            b"\xff\xff\0\x01\0\x01",
        ] {
            assert_eq!(asked(&message(endless)), None);
        }
        assert_eq!(asked(&message(b"\x80a\0\0\x01\0\x01")), None);
    }

    #[test]
    fn names_that_are_too_long() {
        let label = [&[63][..], &[b'a'; 63]].concat();
        let labels = |count| message(&[&label.repeat(count)[..], b"\0\0\x01\0\x01"].concat());
        assert!(asked(&labels(3)).is_some());
        assert_eq!(asked(&labels(4)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_short_name_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300), tame in any::<bool>()) {
            let mut bytes = bytes;
            if tame {
                bytes.iter_mut().skip(12).for_each(|it| *it = [0, 1, 2, 3, 0xc0, 12][usize::from(*it) % 6]);
            }
            let mut name = Vec::new();
            if question(&bytes, &mut name).is_some() {
                prop_assert!(!name.is_empty() && name.len() <= 4 * MAX_NAME);
                prop_assert!(name.iter().all(|it| (b' '..=b'~').contains(it)));
            }
        }
    }
}
