//! Every operation through every fault: what comes of it, how often it was sent and after which pauses, and what is on
//! the disk afterwards. The clock is the test's: nothing sleeps.

mod table;

use std::{fmt::Write as _, time::Duration};

use pcaps::ErrorKind;
use pcaps_sim::faults::Operation;

use crate::{secrets, stage::Stage};
use table::{Case, Meaning};

/// What is expected of an operation that meets a fault.
#[derive(Debug, PartialEq)]
struct Expected {
    outcome: Result<(), ErrorKind>,
    /// How often it was sent.
    sent: usize,
    /// How often the list was asked for besides.
    listed: usize,
    pauses: Vec<Duration>,
}

impl Expected {
    fn at_once(outcome: Result<(), ErrorKind>) -> Self {
        Self {
            outcome,
            sent: 1,
            listed: 0,
            pauses: Vec::new(),
        }
    }

    /// So many attempts, with the longest pauses that the policy has between them, and what the service asks for.
    fn attempts(outcome: Result<(), ErrorKind>, sent: usize, asked: Duration) -> Self {
        let pauses = (0..sent - 1).map(|it| Duration::from_millis(500 << it) + asked);
        Self {
            outcome,
            sent,
            listed: 0,
            pauses: pauses.collect(),
        }
    }

    /// It may have started: found in the list at once, or not at the third look.
    fn looked_for(found: bool, kind: ErrorKind) -> Self {
        if found {
            return Self {
                listed: 1,
                ..Self::at_once(Ok(()))
            };
        }
        Self {
            listed: 3,
            pauses: [2, 5].map(Duration::from_secs).to_vec(),
            ..Self::at_once(Err(kind))
        }
    }
}

fn expected(operation: Operation, case: &Case) -> Expected {
    use Operation::{
        DownloadCapture, ListBuckets, ListCaptures, RegisterBucket, RemoveBucket, StartCapture,
        StopCapture, ValidateBucket,
    };
    let creates = matches!(operation, StartCapture | RegisterBucket | ValidateBucket);
    let empty = matches!(operation, StopCapture | RemoveBucket);
    let lists = matches!(operation, ListCaptures | ListBuckets);
    match case.meaning {
        Meaning::Harmless => Expected::at_once(Ok(())),
        // There is no body that it could happen to.
        Meaning::InBody(_) | Meaning::TooShort | Meaning::TooLong | Meaning::MediaType if empty => {
            Expected::at_once(Ok(()))
        }
        // There is no result to look at.
        Meaning::NoResult | Meaning::OddResult if empty => Expected::at_once(Ok(())),
        Meaning::Lasting {
            kind: ErrorKind::RateLimited,
            attempts,
            asked,
        } => Expected::attempts(Err(ErrorKind::RateLimited), attempts, asked),
        Meaning::Passing { kind, asked } | Meaning::Lasting { kind, asked, .. } if creates => {
            match operation {
                _ if kind == ErrorKind::RateLimited => Expected::attempts(Ok(()), 2, asked),
                StartCapture => Expected::looked_for(case.takes_effect, kind),
                _ => Expected::at_once(Err(kind)),
            }
        }
        Meaning::InBody(kind) if creates => match operation {
            StartCapture => Expected::looked_for(true, kind),
            _ => Expected::at_once(Err(kind)),
        },
        Meaning::Passing { asked, .. } => Expected::attempts(Ok(()), 2, asked),
        Meaning::InBody(_) => Expected::attempts(Ok(()), 2, Duration::ZERO),
        Meaning::Lasting {
            kind,
            attempts,
            asked,
        } => Expected::attempts(Err(kind), attempts, asked),
        Meaning::Refused(kind) => Expected::at_once(Err(kind)),
        Meaning::TooShort => match operation {
            StartCapture => Expected::looked_for(true, ErrorKind::Connection),
            RegisterBucket | ValidateBucket => Expected::at_once(Err(ErrorKind::Connection)),
            // What is missing cannot be had from there: it begins anew.
            DownloadCapture => Expected {
                sent: 3,
                ..Expected::attempts(Ok(()), 2, Duration::ZERO)
            },
            _ => Expected::attempts(Ok(()), 2, Duration::ZERO),
        },
        Meaning::NoResult if lists => Expected::at_once(Ok(())),
        Meaning::TooLong if operation == DownloadCapture => {
            Expected::at_once(Err(ErrorKind::NotACapture))
        }
        Meaning::TooLong
        | Meaning::MediaType
        | Meaning::NoResult
        | Meaning::OddResult
        | Meaning::Odd => match operation {
            StartCapture => Expected::looked_for(case.takes_effect, ErrorKind::UnexpectedResponse),
            _ => Expected::at_once(Err(ErrorKind::UnexpectedResponse)),
        },
    }
}

#[tokio::test]
async fn every_operation_through_every_fault() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for operation in Operation::ALL {
        for case in table::cases() {
            cases += 1;
            let name = format!("{} and {}", operation.as_str(), case.name);
            let stage = Stage::set(operation).await;
            let fault = case.fault(stage.elsewhere());
            if case.lasts() {
                stage.server.always(operation, fault);
            } else {
                stage.server.next(operation, fault);
            }
            let outcome = stage.perform(operation).await;
            if let Err(error) = &outcome {
                secrets::assert_none(&everything_said(error));
                assert_eq!(error.operation(), Some(operation.as_str()), "{name}");
                let asked = case.asked_too_long().then_some(Duration::from_mins(2));
                assert!(asked.is_none() || error.retry_after() == asked, "{name}");
            }
            let sent = stage.sent();
            let seen = Expected {
                outcome: outcome.as_ref().copied().map_err(pcaps::Error::kind),
                sent: sent.get(&operation).copied().unwrap_or_default(),
                listed: match operation {
                    Operation::ListCaptures => 0,
                    _ => sent
                        .get(&Operation::ListCaptures)
                        .copied()
                        .unwrap_or_default(),
                },
                pauses: stage.time.pauses(),
            };
            let expected = expected(operation, &case);
            if seen != expected {
                wrong.push(format!(
                    "{name}:\n  {seen:?}, not\n  {expected:?}\n  {:?}",
                    outcome.err()
                ));
                continue;
            }
            stage.check(operation, outcome.is_ok(), &name).await;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cases >= 300, "{cases}");
}

fn everything_said(error: &pcaps::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        write!(text, " {it} {it:?}").unwrap();
        cause = it.source();
    }
    text
}
