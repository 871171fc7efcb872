//! What can go wrong with the sandbox itself, as opposed to what goes wrong inside it.

/// A reason why the sandbox cannot start or continue; its message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the template is wrong at `{path}`: {problem}")]
    Template { path: String, problem: String },
    #[error("AWS would refuse this stack: {0}")]
    Stack(String),
    #[error("{what}: {source}")]
    System { what: String, source: std::io::Error },
    #[error("the functions could not be built: {0}")]
    Build(String),
    #[error("there is no function `{0}` in the template: use a logical id")]
    NoFunction(String),
    #[error("it did not happen within {seconds} seconds of the sandbox's time; lately:\n{lately}")]
    Late { seconds: u64, lately: String },
    #[error("nothing has moved for {hours} hours of the sandbox's time; lately:\n{lately}")]
    Stalled { hours: u64, lately: String },
    #[error("{steps} steps were taken without an end; lately:\n{lately}")]
    Endless { steps: u64, lately: String },
}

impl Error {
    pub(crate) fn template(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Template { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn system(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::System { what: what.into(), source }
    }
}
