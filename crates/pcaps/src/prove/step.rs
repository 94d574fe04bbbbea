//! What is told of a proof while it is under way.

use std::time::Duration;

use crate::Error;

/// How far a proof is: what the callback of [`Prove::on_progress`](crate::Prove::on_progress) gets.
///
/// ```
/// use pcaps::Proving;
///
/// fn show(step: &Proving) {
///     match step {
///         Proving::AwaitingChallenge { file, elapsed, .. } => println!("no {file} after {elapsed:?}"),
///         Proving::Pending { elapsed, .. } => println!("the service is at it for {elapsed:?}"),
///         Proving::Failing { error, next_look, .. } => println!("{error}; again in {next_look:?}"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proving {
    /// The bucket is listed and read from, to see whether that is permitted.
    Checking,
    /// The bucket is registered.
    Registering,
    /// The challenge is not in the bucket yet, and is looked for again.
    #[non_exhaustive]
    AwaitingChallenge {
        /// The name of its file, as the service gave it.
        file: String,
        /// How long it has been looked for.
        elapsed: Duration,
    },
    /// The challenge was found, and is sent to the service.
    Validating,
    /// The service has not decided yet.
    #[non_exhaustive]
    Pending {
        /// How long it has been waited for.
        elapsed: Duration,
        /// How long until it is asked again.
        next_look: Duration,
    },
    /// Something failed that may pass, and is tried again.
    #[non_exhaustive]
    Failing {
        /// Why.
        error: Error,
        /// How long until it is tried again.
        next_look: Duration,
    },
}
