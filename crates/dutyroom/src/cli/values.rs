//! Values that the command line checks before anything is done with them.

use records::erasure::MAX_REASON_LEN;

pub(super) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        1..=100 => Ok(name.to_owned()),
        _ => Err("a name has 1 to 100 characters".to_owned()),
    }
}

pub(super) fn reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    let plain = !reason.chars().any(char::is_control);
    match reason.chars().count() {
        1..=MAX_REASON_LEN if plain => Ok(reason.to_owned()),
        _ => Err(format!(
            "a reason has 1 to {MAX_REASON_LEN} characters on one line"
        )),
    }
}

pub(super) fn code(text: &str) -> Result<String, String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters && (1..=4).contains(&text.len()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a code has 1 to 4 letters A–Z".to_owned())
    }
}

pub(super) fn login(text: &str) -> Result<String, String> {
    let login = text.trim();
    let plain = !login.chars().any(|c| c.is_whitespace() || c.is_control());
    match login.chars().count() {
        1..=100 if plain => Ok(login.to_owned()),
        _ => Err("a login has 1 to 100 characters and no spaces".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_to_four_letters() {
        assert_eq!(code("z"), Ok("Z".to_owned()));
        for wrong in ["", "ABCDE", "A1", "东"] {
            assert!(code(wrong).is_err(), "{wrong}");
        }
    }
}
