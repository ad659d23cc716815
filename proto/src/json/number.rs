//! JSON numbers, and which of them are 64-bit integers.

/// A number split where JSON splits it.
pub(super) struct Number<'a> {
    is_negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: Exponent<'a>,
    length: usize,
}

#[derive(Clone, Copy)]
enum Exponent<'a> {
    Up(&'a [u8]),
    Down(&'a [u8]),
    /// A sign and no digits.
    Nowhere,
}

impl<'a> Number<'a> {
    /// The number at the beginning of `text`, if there is one. What follows it is not looked at.
    pub(super) fn at_start_of(text: &'a [u8]) -> Option<Self> {
        let mut rest = text;
        let is_negative = take(&mut rest, b"-").is_some();

        let integer = match rest.first()? {
            b'0' => rest.split_off(..1)?,
            _ => digits(&mut rest)?,
        };
        let fraction = match take(&mut rest, b".") {
            Some(_) => digits(&mut rest)?,
            None => &[],
        };
        let exponent = match take(&mut rest, b"eE") {
            Some(_) => {
                let sign = take(&mut rest, b"+-");
                // protojson asks for something after the letter, and not that it be a digit.
                rest.first()?;
                let digits = digits(&mut rest);
                match (sign, digits) {
                    (Some(b'-'), Some(digits)) => Exponent::Down(digits),
                    (Some(_), None) => Exponent::Nowhere,
                    (_, digits) => Exponent::Up(digits.unwrap_or_default()),
                }
            }
            None => Exponent::Up(&[]),
        };

        Some(Self {
            is_negative,
            integer,
            fraction,
            exponent,
            length: text.len() - rest.len(),
        })
    }

    /// Bytes that the number takes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The number's value if it is a whole number of 64 bits, computed from its digits.
    pub(super) fn to_i64(&self) -> Option<i64> {
        let magnitude = self.to_magnitude()?;
        if self.is_negative {
            0_i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        }
    }

    fn to_magnitude(&self) -> Option<u64> {
        // Neither a leading nor a trailing zero says anything, and a zero is zero at any exponent.
        let integer = trim_start(self.integer);
        let fraction = trim_end(self.fraction);
        if integer.is_empty() && fraction.is_empty() {
            return Some(0);
        }

        match self.exponent {
            Exponent::Up(places) => {
                let places = shift(places)?;
                if fraction.len() > places || integer.len().saturating_add(places) > MAX_DIGITS {
                    return None;
                }
                let zeros = std::iter::repeat_n(&b'0', places - fraction.len());
                value(integer.iter().chain(fraction).chain(zeros))
            }
            Exponent::Nowhere => None,
            Exponent::Down(places) => {
                let places = shift(places)?;
                if !fraction.is_empty() {
                    return None;
                }
                let (kept, dropped) = integer.split_at(integer.len().checked_sub(places)?);
                if dropped.iter().any(|&digit| digit != b'0') {
                    return None;
                }
                value(kept.iter())
            }
        }
    }
}

/// Digits that an integer may have after its exponent is applied, leading zeros of a fraction among them:
/// those of the largest unsigned 64-bit integer. protojson has the same limit.
const MAX_DIGITS: usize = 20;

/// Places that the point moves. An exponent beyond 32 bits is beyond any number that could be whole after it.
fn shift(digits: &[u8]) -> Option<usize> {
    let places = u32::try_from(value(digits.iter())?).ok()?;
    usize::try_from(places).ok()
}

fn value<'a>(digits: impl Iterator<Item = &'a u8>) -> Option<u64> {
    let mut value: u64 = 0;
    for digit in digits {
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    Some(value)
}

/// One byte off the front of `text`, if it is one of `choice`.
fn take(text: &mut &[u8], choice: &[u8]) -> Option<u8> {
    let first = *text.first().filter(|first| choice.contains(first))?;
    *text = &text[1..];
    Some(first)
}

/// The digits at the front of `text`: one at the least.
fn digits<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    text.split_off(..count)
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0');
    &digits[..digits.len() - zeros.count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        let number = Number::at_start_of(text.as_bytes())
            .filter(|number| number.length() == text.len())
            .and_then(|number| number.to_i64());
        assert_eq!(number, expected, "{text}");
    }

    #[test]
    fn whole_numbers_are_exact_to_the_last_unit() {
        check("0", Some(0));
        check("-0", Some(0));
        check("9007199254740993", Some(9_007_199_254_740_993));
        check("9223372036854775807", Some(i64::MAX));
        check("9223372036854775808", None);
        check("-9223372036854775808", Some(i64::MIN));
        check("-9223372036854775809", None);
        check("18446744073709551616", None);
        check("9.223372036854775807e18", Some(i64::MAX));
        check("9.223372036854775808e18", None);
        check("922337203685477580700e-2", Some(i64::MAX));
        check("-92233720368547758.08e2", Some(i64::MIN));
    }

    #[test]
    fn exponents_move_the_point() {
        check("1e3", Some(1000));
        check("1E+3", Some(1000));
        check("1e0000000000000000000000000003", Some(1000));
        check("1500e-2", Some(15));
        check("1.50e1", Some(15));
        check("1.5", None);
        check("15e-1", None);
        check("10e-2", None);
        check("1e-400", None);
        check("0.001e3", Some(1));
        check("100.0e-2", Some(1));
        check("1e18", Some(1_000_000_000_000_000_000));
        check("1e19", None);
        check("1e99999999999999999999", None);
        check("1e-99999999999999999999", None);
        check("0e99999999999999999999", Some(0));
        check("0.000e-5", Some(0));
        // The value is 1, but protojson counts the places, and so do we.
        check("0.00000000000000000001e20", Some(1));
        check("0.000000000000000000001e21", None);
    }

    #[test]
    fn nothing_else_is_a_number() {
        for text in [
            "", "-", "+1", "01", "-01", "00", ".5", "1.", "1.e3", "1e", "1e+", "e3", "--1", "1_0",
            "0x1", " 1", "1 ", "NaN", "Infinity", "1..2", "1e1.5", "\u{0660}",
        ] {
            check(text, None);
        }
    }
}
