//! A parser's message, and what the author of the document can do about it.

/// Parts of a parser's messages, and what most likely has to be written instead.
const ADVICE: [(&str, &str); 19] = [
    ("is there twice", "keep one of the two"),
    ("duplicate mapping key", "keep one of the two"),
    ("tabs disallowed", "indent with spaces instead of tabs"),
    ("found a tab", "indent with spaces instead of tabs"),
    ("reference to unknown value", "put text that begins with * in quotes, or correct the name"),
    ("did not find expected ',' or", "put commas between its entries, and close it"),
    ("did not find expected key", "indent the line like those that it belongs to"),
    ("did not find expected '-' indicator", "indent the line like those that it belongs to"),
    ("did not find expected <document start>", "write all of it as YAML, or all of it as JSON"),
    ("simple key expected ':'", "end the key with a colon"),
    ("illegal placement of ':'", "close the bracket or brace of a line before"),
    ("is only valid inside a block", "close the bracket or brace of a line before"),
    ("unclosed", "close it; if the end is missing, send the whole text"),
    ("EOF while parsing", "the end is missing; send the whole text"),
    ("invalid trailing content", "look for a quote that is missing before it"),
    ("multiple found", "send one document for one application"),
    ("recursion limit", "nest it less"),
    ("too large or too complex", "write less of it, or with fewer aliases"),
    // The most common one, which has more than one cause.
    (
        "mapping values are not allowed",
        "end the line before it with a colon, indent this one less, or put text with a colon in \
         quotes",
    ),
];

const ELSE: &str = "compare this line and the one before it with an example";

/// Returns a parser's message, which says where and what, with what to do about it.
pub(super) fn advised(message: &str) -> String {
    let known = ADVICE.iter().find(|(part, _)| message.contains(part));
    let advice = known.map_or(ELSE, |(_, advice)| advice);
    format!("{message}; {advice}")
}
