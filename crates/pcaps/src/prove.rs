//! The proof that a bucket is the caller's, from registering it to the service's word.
//!
//! Nothing is kept between runs: how far a proof is, the service says, and the challenge stays in the bucket. What is
//! told meanwhile is in [`step`], where the challenge is looked for in [`challenge`].

mod challenge;
mod step;

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use jiff::Timestamp;
use pcaps_api::Secret;
use tracing::Instrument as _;

use crate::{
    Account, Bucket, BucketId, Destination, Error, ErrorKind,
    clock::{between, later},
    storage::Source,
    wait::{PATIENCE, pause_after},
};
use challenge::Challenge;
pub use step::Proving;

/// For how long a proof is waited for, unless it is said otherwise.
const DEADLINE: Duration = Duration::from_mins(30);
/// For how long a bucket is looked at for the challenge, which the service writes when the bucket is registered.
const CHALLENGE: Duration = Duration::from_mins(5);
/// How often that is.
const LOOK: Duration = Duration::from_secs(5);
/// Every so many looks the service is asked whether the proof is still wanted.
const LOOKS: u32 = 6;
/// The status of a bucket whose proof has failed.
const FAILED: &str = "failed";

/// The pause until the service is asked again how far a proof is: it takes five to ten minutes.
fn pause(elapsed: Duration) -> Duration {
    (elapsed / 10).clamp(Duration::from_secs(5), Duration::from_secs(30))
}

/// A proof that a bucket is the caller's: made by [`Account::prove`], and awaited.
///
/// It takes these steps, and gives the bucket when the service says that it is validated:
///
/// 1. The registered buckets are listed. One that is validated comes back at once.
/// 2. The bucket is listed and read from, to see that both are permitted. Nothing has been registered yet.
/// 3. It is registered, if it is not, or if its proof has failed.
/// 4. The challenge, which the service writes into the bucket, is waited for, five minutes at most, and read.
/// 5. The challenge is sent, and the service waited for, which takes five to ten minutes. (Source: Cloudflare's how-to
///    page on buckets for packet captures.)
///
/// It can be dropped at any point, and so can the process end: the same call goes on from where the service is.
/// Credentials of the bucket are those of [`Account::folder`]. A bucket on R2 needs its keys in the URI to be
/// registered, and nowhere else.
///
/// ```no_run
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let bucket = account.prove(&"s3://captures/edge?region=eu-west-1".parse()?).await?;
/// println!("{} is yours since {:?}", bucket.destination(), bucket.validated());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Account::folder`], [`Account::list_buckets`] and [`Account::register_bucket`], and
///
/// - [`Permission`](ErrorKind::Permission) when the bucket may not be listed, or not be read: the error says which;
/// - [`Authentication`](ErrorKind::Authentication), [`Connection`](ErrorKind::Connection) and
///   [`Timeout`](ErrorKind::Timeout) when it cannot be;
/// - [`NotFound`](ErrorKind::NotFound) when there is no such bucket, the challenge does not come, or the bucket is
///   removed meanwhile;
/// - [`ProofFailed`](ErrorKind::ProofFailed) when the service does not take the proof;
/// - [`DeadlinePassed`](ErrorKind::DeadlinePassed) when it has not by the [deadline](Self::deadline).
///
/// While something is waited for, failures that pass are sat out for ten minutes, and while it is the challenge for five.
#[must_use = "a proof does nothing until it is awaited"]
pub struct Prove {
    account: Account,
    destination: Destination,
    deadline: Duration,
    on_progress: Box<dyn FnMut(&Proving) + Send>,
}

impl Prove {
    pub(crate) fn new(account: Account, destination: Destination) -> Self {
        Self {
            account,
            destination,
            deadline: DEADLINE,
            on_progress: Box::new(|_| {}),
        }
    }

    /// Gives up after so long, counted from when the proof is awaited: 30 minutes by default. What has been done stays.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let prove = account.prove(&"gs://captures/edge".parse()?);
    /// match prove.deadline(Duration::from_secs(60)).await {
    ///     Err(error) if error.is_timeout() => println!("not yet"),
    ///     outcome => println!("{}", outcome?.status()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Calls back whenever another step begins, and after each look while something is waited for; the proof stands
    /// still meanwhile, so be short. A later callback takes the place of an earlier one.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let prove = account.prove(&"gs://captures/edge".parse()?);
    /// let bucket = prove.on_progress(|it| eprintln!("{it:?}")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress(self, callback: impl FnMut(&Proving) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    async fn run(self) -> Result<Bucket, Error> {
        let limit = self.deadline;
        let chance = self.account.shared.chance.clone();
        let mut proof = Proof {
            end: later(chance.clock.now(), limit),
            prove: self,
            standing: None,
        };
        let proven = chance.within(limit, proof.run()).await;
        proven.unwrap_or_else(|| Err(proof.passed()))
    }
}

impl IntoFuture for Prove {
    type Output = Result<Bucket, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("prove", bucket = %self.destination);
        Box::pin(self.run().instrument(span))
    }
}

impl fmt::Debug for Prove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prove")
            .field("destination", &self.destination)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Sees whether the bucket can be listed and read with the credentials that [`folder`](Self::folder) finds, without
    /// looking at what is in it. The service is not asked.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// account.check_bucket(&"s3://captures/edge?region=eu-west-1".parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`folder`](Self::folder), and those of [`Prove`] that are about the bucket itself.
    pub async fn check_bucket(&self, destination: &Destination) -> Result<(), Error> {
        let source = Source::new(self.folder(destination)?, destination, &self.shared);
        source.check(&self.shared, challenge::PROBE).await
    }
}

/// A proof under way.
struct Proof {
    prove: Prove,
    end: Timestamp,
    /// What the service has said last: the bucket's status.
    standing: Option<String>,
}

impl Proof {
    async fn run(&mut self) -> Result<Bucket, Error> {
        let found = self.find().await?;
        if let Some(bucket) = found.as_ref().filter(|it| it.is_validated()) {
            return Ok(bucket.clone());
        }
        self.tell(&Proving::Checking);
        let (account, destination) = (&self.prove.account, &self.prove.destination);
        account.check_bucket(destination).await?;
        let source = Source::new(account.folder(destination)?, destination, &account.shared);
        let registered = match found.filter(|it| it.status() != FAILED) {
            Some(bucket) => bucket,
            None => self.register().await?,
        };
        if let Some(over) = self.is_over(&registered) {
            return over;
        }
        let challenge = Challenge::of(&registered, &source)?;
        match self.read(&challenge, &source, registered.id()).await? {
            Read::Challenge(text) => self.validate(&text, &registered).await,
            Read::Proven(bucket) => Ok(bucket),
        }
    }

    /// The bucket as it is registered. Of several entries the one counts that is furthest.
    async fn find(&mut self) -> Result<Option<Bucket>, Error> {
        let buckets = self.prove.account.list_buckets().await?;
        let is_it = |it: &Bucket| {
            let destination = it.destination().parse::<Destination>();
            destination.is_ok_and(|it| it.is_same(&self.prove.destination))
        };
        let rank = |it: &Bucket| {
            let rank = match it.status() {
                "success" => 2,
                FAILED => 0,
                _ => 1,
            };
            (rank, it.submitted())
        };
        let found = buckets.into_iter().filter(is_it).max_by_key(rank);
        self.standing = found.as_ref().map(|it| it.status().to_owned());
        Ok(found)
    }

    async fn register(&mut self) -> Result<Bucket, Error> {
        self.tell(&Proving::Registering);
        let (account, destination) = (&self.prove.account, &self.prove.destination);
        let registered = match account.register_bucket(destination).await {
            // The answer may have got lost, and nothing else.
            Err(error) if error.may_have_worked() => match self.find().await {
                Ok(Some(found)) if found.status() != FAILED => found,
                _ => return Err(error),
            },
            outcome => outcome?,
        };
        self.standing = Some(registered.status().to_owned());
        Ok(registered)
    }

    /// Waits until the challenge is in the bucket.
    async fn read(
        &mut self,
        challenge: &Challenge,
        source: &Source,
        id: &BucketId,
    ) -> Result<Read, Error> {
        let shared = self.prove.account.shared.clone();
        let began = shared.chance.clock.now();
        let mut looks = 0;
        loop {
            let failed = match challenge.read(source, &shared).await {
                Ok(Some(text)) => return Ok(Read::Challenge(text)),
                Ok(None) => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => return Err(error),
            };
            let elapsed = between(began, shared.chance.clock.now());
            if elapsed >= CHALLENGE {
                return Err(failed.unwrap_or_else(|| challenge.missing(source, id)));
            }
            self.tell(&match failed {
                Some(error) => Proving::Failing {
                    error,
                    next_look: LOOK,
                },
                None => Proving::AwaitingChallenge {
                    file: challenge.name().to_owned(),
                    elapsed,
                },
            });
            self.pause(LOOK).await?;
            looks += 1;
            if looks % LOOKS == 0 {
                let bucket = self.look(id).await?;
                if let Some(over) = self.is_over(&bucket) {
                    return over.map(Read::Proven);
                }
            }
        }
    }

    /// Sends the challenge, and waits for the service's word.
    async fn validate(&mut self, challenge: &Secret, bucket: &Bucket) -> Result<Bucket, Error> {
        let id = bucket.id();
        // By the URI that was registered: the service may compare it letter by letter.
        let registered = bucket.destination().parse::<Destination>();
        let destination = registered.unwrap_or_else(|_| self.prove.destination.clone());
        let clock = self.prove.account.shared.chance.clock.clone();
        let (began, mut failures) = (clock.now(), 0);
        self.tell(&Proving::Validating);
        let mut bucket = loop {
            let account = &self.prove.account;
            let sent = account.validate_bucket(&destination, challenge.clone());
            let error = match sent.await {
                Ok(bucket) => break bucket,
                Err(error) => error,
            };
            if error.kind() == ErrorKind::Refused {
                return Err(error.of_kind(ErrorKind::ProofFailed).advise(REFUSED));
            }
            failures += 1;
            self.sit_out(error, failures, began).await?;
            // It may have worked all the same.
            let bucket = self.look(id).await?;
            if let Some(over) = self.is_over(&bucket) {
                return over;
            }
        };
        let began = clock.now();
        loop {
            if let Some(over) = self.is_over(&bucket) {
                return over;
            }
            let elapsed = between(began, clock.now());
            let next_look = pause(elapsed);
            self.tell(&Proving::Pending { elapsed, next_look });
            self.pause(next_look).await?;
            bucket = self.look(id).await?;
        }
    }

    /// The bucket as the service has it now. Failures that pass are sat out.
    async fn look(&mut self, id: &BucketId) -> Result<Bucket, Error> {
        let clock = self.prove.account.shared.chance.clock.clone();
        let (began, mut failures) = (clock.now(), 0);
        loop {
            match self.prove.account.list_buckets().await {
                Ok(buckets) => {
                    let found = buckets.into_iter().find(|it| it.id() == id);
                    return found.ok_or_else(|| {
                        let destination = &self.prove.destination;
                        let what =
                            format!("the bucket {destination} is not registered any more ({id})");
                        let error = Error::new(ErrorKind::NotFound, what);
                        error.advise("somebody has removed it: prove it again")
                    });
                }
                Err(error) => {
                    failures += 1;
                    self.sit_out(error, failures, began).await?;
                }
            }
        }
    }

    /// Goes on after a failure that may pass, for as long as patience lasts.
    async fn sit_out(
        &mut self,
        error: Error,
        failures: u32,
        since: Timestamp,
    ) -> Result<(), Error> {
        let next_look = pause_after(failures, &error);
        let waited = between(since, self.prove.account.shared.chance.clock.now());
        if !error.is_transient() || waited.saturating_add(next_look) > PATIENCE {
            return Err(error);
        }
        self.tell(&Proving::Failing { error, next_look });
        self.pause(next_look).await
    }

    /// The outcome, if the service has decided.
    fn is_over(&mut self, bucket: &Bucket) -> Option<Result<Bucket, Error>> {
        self.standing = Some(bucket.status().to_owned());
        if bucket.is_validated() {
            return Some(Ok(bucket.clone()));
        }
        (bucket.status() == FAILED).then(|| {
            let (destination, id) = (&self.prove.destination, bucket.id());
            let what = format!(
                "the bucket {destination} is not proven to be yours: the service has {id} as failed"
            );
            Err(Error::new(ErrorKind::ProofFailed, what).advise(AGAIN))
        })
    }

    /// Passes time, and ends with the deadline.
    async fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        let clock = &self.prove.account.shared.chance.clock;
        let left = between(clock.now(), self.end);
        clock.sleep(pause.min(left)).await;
        if between(clock.now(), self.end).is_zero() {
            return Err(self.passed());
        }
        Ok(())
    }

    fn passed(&self) -> Error {
        let (destination, limit) = (&self.prove.destination, self.prove.deadline);
        let what = match self.standing.as_deref() {
            None => format!("the bucket {destination} could not be registered in {limit:?}"),
            Some(status) => format!("the bucket {destination} is still {status:?} after {limit:?}"),
        };
        let error = Error::new(ErrorKind::DeadlinePassed, what);
        error.advise("prove it again to go on from there")
    }

    fn tell(&mut self, step: &Proving) {
        (self.prove.on_progress)(step);
    }
}

/// What comes of looking for a challenge.
enum Read {
    Challenge(Secret),
    /// It was proven by somebody else meanwhile.
    Proven(Bucket),
}

/// What to do after a proof that failed.
const AGAIN: &str = "see that nobody else writes to the challenge file, and prove the bucket again, which registers it anew";
/// What to do after a challenge that was refused: the bucket is still registered with it.
const REFUSED: &str = "see that nobody else writes to the challenge file, and prove the bucket again; if that is \
                       refused, too, remove it from the list of buckets first";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_looked_at_less_often_as_it_takes_longer() {
        let pauses = [0, 10, 100, 200, 600].map(|it| pause(Duration::from_secs(it)).as_secs());
        assert_eq!(pauses, [5, 5, 10, 20, 30]);
    }
}
