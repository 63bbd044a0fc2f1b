//! Where a card is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a card is: on PCI Express, or the file of an emulator.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CardAddress {
    /// Domain, bus, device and function, such as `0000:65:00.0`.
    Pci(String),
    /// The file that emulator and host share.
    File(PathBuf),
}

/// A text that is neither.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressError {
    text: String,
}

impl FromStr for CardAddress {
    type Err = AddressError;

    /// A PCI address with or without its domain, in either case of letters; anything else with a
    /// `/` or without a `:` is a path.
    fn from_str(text: &str) -> Result<CardAddress, AddressError> {
        if let Some(pci) = pci(text) {
            return Ok(CardAddress::Pci(pci));
        }
        // A mistyped PCI address must not become the name of a file that is not there.
        let is_path = text.contains('/') || !text.contains(':');
        if text.is_empty() || text.contains('\0') || !is_path {
            return Err(AddressError { text: text.to_string() });
        }
        Ok(CardAddress::File(text.into()))
    }
}

/// The full form of a PCI address, in small letters.
fn pci(text: &str) -> Option<String> {
    let (domain, rest) = match text.len() {
        12 => text.split_at_checked(5)?,
        7 => ("0000:", text),
        _ => return None,
    };
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let domain = domain.strip_suffix(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    if [domain.len(), bus.len(), device.len(), function.len()] != [4, 2, 2, 1] {
        return None;
    }
    let in_range = matches!(function.as_bytes(), [b'0'..=b'7'])
        && u8::from_str_radix(device, 16).is_ok_and(|device| device < 32);
    if !(hex(domain) && hex(bus) && hex(device) && in_range) {
        return None;
    }
    Some(format!("{domain}:{bus}:{device}.{function}").to_ascii_lowercase())
}

impl fmt::Display for CardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CardAddress::Pci(address) => f.write_str(address),
            CardAddress::File(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no card: name a PCI address such as 0000:65:00.0 or 65:00.0 (lspci -D), or \
             the file of `tercel emulate` such as /dev/shm/card",
            self.text
        )
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<CardAddress> {
        text.parse().ok()
    }

    #[test]
    fn pci_addresses_get_their_full_form() {
        for text in ["0000:65:00.0", "65:00.0"] {
            assert_eq!(parse(text), Some(CardAddress::Pci("0000:65:00.0".into())));
        }
        assert_eq!(parse("00A0:FF:1f.7"), Some(CardAddress::Pci("00a0:ff:1f.7".into())));
    }

    #[test]
    fn everything_with_a_slash_or_without_a_colon_is_a_path() {
        for text in ["/dev/shm/card", "card", "./65:00.0", "a:b/c", "cardäöü.x"] {
            assert_eq!(parse(text), Some(CardAddress::File(text.into())), "{text}");
        }
    }

    #[test]
    fn what_looks_like_an_address_and_is_none_is_refused() {
        for text in ["", "65:00.8", "65:20.0", "0000:65:00", "65:00:0", "g5:00.0", "a:b", "x\0"] {
            let error = text.parse::<CardAddress>().expect_err(text).to_string();
            assert!(error.contains("0000:65:00.0") && error.contains("/dev/shm/card"), "{error}");
        }
    }
}
