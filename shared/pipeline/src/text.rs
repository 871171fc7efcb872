//! Texts of AWS and of people, cut so that they cannot fill the table.

const TEXT_MAX: usize = 300;

/// Cuts a text to what a record takes.
pub(crate) fn shorten(text: String) -> String {
    shorten_to(text, TEXT_MAX)
}

pub(crate) fn shorten_to(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
