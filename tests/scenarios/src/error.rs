//! What can go wrong with a scenario itself, as opposed to what goes wrong in it.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    #[error("the world outside AWS does not start: {0}")]
    Outside(#[from] std::io::Error),
    #[error("AWS refuses the team's {operation}: {refusal:?}")]
    Refused { operation: String, refusal: sandbox::service::Refusal },
    #[error("{0}")]
    Unknown(String),
    #[error("it did not happen within {seconds} seconds of the sandbox's time; lately:\n{lately}")]
    Late { seconds: u64, lately: String },
}
