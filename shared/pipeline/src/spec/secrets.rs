//! Finds secrets that were written as plain text. What is found is never repeated in a message.

/// Tells whether a variable of this name holds a secret, going by how people name them.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(['_', '-', '.']).collect();
    // JWT_SECRET_ARN and TOKEN_TTL tell something about a secret; they do not hold it.
    let about = ["ARN", "BUCKET", "FILE", "ID", "NAME", "PATH", "PREFIX", "TTL", "URI", "URL"];
    if words.last().is_some_and(|last| about.contains(last)) {
        return false;
    }
    let is_public = words.contains(&"PUBLIC") || words.contains(&"PUBLISHABLE");
    name.contains("PASSWORD")
        || name.contains("PASSWD")
        || name.contains("SECRET")
        || words.contains(&"TOKEN")
        || (name.ends_with("_KEY") && !is_public)
}

/// Tells whether there is a URL with a password in it: `://user:pass@`.
pub fn carries_login(text: &str) -> bool {
    text.match_indices("://").any(|(position, separator)| {
        let rest = &text[position + separator.len()..];
        let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or(rest);
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login
            .and_then(|login| login.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    })
}
