//! Buckets as people read them.

use jiff::Timestamp;
use pcaps::Bucket;

use super::{
    table::{Column, table},
    text::{Pairs, Zone, age, place},
};

const COLUMNS: [Column<'static>; 6] = [
    Column::whole("ID"),
    Column::states("STATUS"),
    Column::broken("REGISTERED", 10).dispensable(2),
    Column::broken("VALIDATED", 10).dispensable(1),
    Column::broken("CHALLENGE", 24).dispensable(3),
    Column::broken("BUCKET", 20),
];

/// One bucket, a field a line.
pub(crate) fn bucket(zone: &Zone, bucket: &Bucket) -> String {
    let mut pairs = Pairs::new();
    pairs.line_if("id", Some(bucket.id().as_str()));
    pairs.state("status", bucket.status());
    pairs.line_if("bucket", Some(place(&bucket.destination())));
    pairs.line_if("challenge", bucket.challenge_file());
    pairs.line_if("submitted", bucket.submitted().map(|it| zone.exact(it)));
    pairs.line_if("validated", bucket.validated().map(|it| zone.exact(it)));
    pairs.finish()
}

/// Buckets, one a row.
pub(crate) fn buckets(buckets: &[Bucket], now: Timestamp) -> String {
    let rows: Vec<_> = buckets
        .iter()
        .map(|it| {
            [
                it.id().to_string(),
                it.status().to_owned(),
                it.submitted().map(|it| age(it, now)).unwrap_or_default(),
                it.validated().map(|it| age(it, now)).unwrap_or_default(),
                it.challenge_file().unwrap_or_default().to_owned(),
                place(&it.destination()),
            ]
        })
        .collect();
    table(&COLUMNS, &rows)
}
