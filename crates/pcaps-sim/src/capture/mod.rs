//! Captures: what was asked for, how far it is, and where the packets are.

mod criteria;
mod full;
mod sample;
mod stage;
mod store;
mod tap;
mod uploads;

use std::sync::Arc;

use jiff::Timestamp;
use pcaps_api::{Capture, Extra, types::Filter};

pub(crate) use criteria::Criteria;
pub(crate) use full::Full;
pub(crate) use sample::Sample;
pub(crate) use store::Captures;

/// A capture of either type.
#[derive(Clone)]
pub(crate) enum Record {
    Sample(Arc<Sample>),
    Full(Arc<Full>),
}

impl Record {
    fn id(&self) -> &str {
        match self {
            Self::Sample(sample) => sample.id(),
            Self::Full(full) => full.id(),
        }
    }

    /// The capture as the service shows it at this moment.
    pub(crate) async fn show(&self, now: Timestamp) -> Capture {
        match self {
            Self::Sample(sample) => Capture::Simple(sample.show()),
            Self::Full(full) => Capture::Full(full.show(now).await),
        }
    }
}

/// A filter as it was asked for, without what is not part of a filter.
fn echo(filter: Option<&Filter>) -> Option<Filter> {
    filter.map(|filter| Filter {
        extra: Extra::default(),
        ..filter.clone()
    })
}
